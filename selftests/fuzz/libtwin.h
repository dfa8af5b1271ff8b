/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reference model as the oracle of a scenario: before an event happens to
 * the scenario, it happens to a copy of its TCB and to the reference, and these
 * are compared (liboracle.h). Then the scenario's TCB must go the copy's way:
 * the core is a function of what it is handed, and of nothing else.
 *
 * The reference knows neither timestamps nor SACK, and not all that the rest of
 * the world may do. Whoever hands it something else says twin_lost(), and it
 * takes over from the core at the next event.
 */
#ifndef LIBTWIN_H
#define LIBTWIN_H

#include "liboracle.h"
#include "libscenario.h"

struct twin {
	struct oracle oracle;
	bool on;		/* the reference can follow this scenario */
	bool lost;		/* it has missed something */
	bool compare;		/* the event has happened to the copy */
};

/* Begin with a closed scenario; @on: it is one that the reference can follow. */
void twin_start(struct twin *twin, const struct scenario *s, bool on);

/* Something happens that the reference does not know. */
static inline void twin_lost(struct twin *twin)
{
	twin->lost = true;
}

/* Before the event: what it will be. */
void twin_segment(struct twin *twin, struct scenario *s,
		  const struct segment *seg);
void twin_call(struct twin *twin, struct scenario *s, enum ref_call call,
	       u32 octets);
void twin_timers(struct twin *twin, struct scenario *s);

/* After the event. */
void twin_compare(struct twin *twin, struct scenario *s);

#endif
