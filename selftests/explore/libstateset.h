/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which worlds were reached already, by hash compaction: of a world only 64
 * bits are kept. Two different worlds with the same 64 bits are taken for one,
 * and what lies behind the second is missed; stateset_doubt() says how likely
 * that is to have happened at all.
 *
 * Of each world it is also kept from which one, and by what event, it was
 * reached first: that is the shortest way to it, since the search is
 * breadth-first.
 */
#ifndef LIBSTATESET_H
#define LIBSTATESET_H

#include "libworld.h"

/**
 * struct stateset - the worlds reached
 * @slot: open addressing: the 64 bits of each world; 0: free
 * @slots: how many, a power of two
 * @parent: of each world, in the order of their finding
 * @event: that led from there to here
 * @count: worlds
 * @room: of @parent and @event
 */
struct stateset {
	u64 *slot;
	u64 slots;
	u32 *parent;
	struct event *event;
	u64 count;
	u64 room;
};

/* Empty. Ends the program if memory is short, as all functions here do. */
void stateset_init(struct stateset *set);
void stateset_free(struct stateset *set);

/* Is it new? Then it gets the next number, from 0 on. */
bool stateset_add(struct stateset *set, const struct world *world, u32 parent,
		  struct event event);

/* Octets of memory in use. */
u64 stateset_memory(const struct stateset *set);

/* The probability that any two of the worlds were taken for one. */
double stateset_doubt(const struct stateset *set);

/* realloc() that does not return without. */
void *must_realloc(void *old, u64 size);

#endif
