/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ladders: what happens, told in two columns, A on the left and B on the right,
 * as in the figures of RFC 9293, 3.5. All functions take NULL for a ladder that
 * nobody wants to see.
 */
#ifndef LIBLADDER_H
#define LIBLADDER_H

#include "libworld.h"

/**
 * struct ladder - what is being told
 * @line: number of events so far
 * @now: the state of each end as last printed
 */
struct ladder {
	unsigned int line;
	u8 now[ENDS];
};

/* Before the first event. */
void ladder_begin(struct ladder *ladder, const struct world *world);
/* An event is about to happen in @world. */
void ladder_event(struct ladder *ladder, const struct world *world,
		  struct event event);
/* What follows from it. */
void ladder_sent(const struct ladder *ladder, const struct packet *packet);
void ladder_moved(struct ladder *ladder, unsigned int who,
		  const struct tcb_move *move);
void ladder_dropped(const struct ladder *ladder, unsigned int who,
		    unsigned int drop);
/* It has happened. */
void ladder_done(const struct ladder *ladder, const struct world *world);
/* From here on the network behaves. */
void ladder_good(const struct ladder *ladder);
/* The variables of both ends, at the end. */
void ladder_end(const struct ladder *ladder, const struct world *world);

#endif
