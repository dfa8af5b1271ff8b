/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must hold: in what the core does (actions), in what it sends, and in
 * every world that is reached.
 */
#ifndef LIBCHECK_H
#define LIBCHECK_H

#include "libworld.h"

/* Note a violation; the first one counts. */
void check_failed(struct run *run, const char *violation);

/* What the core has asked for, after an event of @who; @packet may be NULL. */
void check_actions(struct run *run, unsigned int who,
		   const struct tcb_actions *actions,
		   const struct packet *packet);

/* A segment that the core wants to send. */
void check_sent(struct run *run, unsigned int who, const struct segment *seg);

/* All that follows from @packet has been sent. */
void check_answer(struct run *run, unsigned int who,
		  const struct packet *packet);

/* The world between two events. */
void check_world(struct run *run);

#endif
