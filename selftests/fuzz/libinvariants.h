/* SPDX-License-Identifier: GPL-2.0 */
/* What must hold of a scenario after each event, whatever has happened. */
#ifndef LIBINVARIANTS_H
#define LIBINVARIANTS_H

#include "libscenario.h"

/* What has to be remembered from before an event. */
struct snapshot {
	struct tcb tcb;
	u32 delivered;
	u32 edge;
};

void take_snapshot(struct snapshot *before, const struct scenario *s);

/*
 * The TCB agrees with itself. This is beside what libscenario.c checks in each
 * scenario anyway.
 */
void check_standing(struct scenario *s);

/* A segment that is sent makes sense, and stands the way to the wire and back. */
void check_sent(struct scenario *s, const struct segment *seg);

/*
 * After an event and all that followed from it: all of the above; what was
 * offered to the peer still stands; and the user was told what happened, and no
 * more.
 */
void check_event(struct scenario *s, const struct snapshot *before);

#endif
