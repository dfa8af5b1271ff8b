// SPDX-License-Identifier: GPL-2.0
/* The worlds reached: see libstateset.h. */

#include <assert.h>
#include <stdio.h>
#include <stdnoreturn.h>

#include "libstateset.h"

#define SLOTS_AT_FIRST (1u << 16)

static noreturn void no_memory(u64 size)
{
	printf("Bail out! no memory for %llu octets\n",
	       (unsigned long long)size);
	exit(1);
}

void *must_realloc(void *old, u64 size)
{
	void *new = realloc(old, size);

	if (!new)
		no_memory(size);
	return new;
}

static u64 *empty_slots(u64 slots)
{
	u64 *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		no_memory(slots * sizeof(*slot));
	return slot;
}

void stateset_init(struct stateset *set)
{
	*set = (struct stateset) { .slots = SLOTS_AT_FIRST };
	set->slot = empty_slots(set->slots);
}

void stateset_free(struct stateset *set)
{
	free(set->slot);
	free(set->parent);
	free(set->event);
}

/* Multiply to 128 bits and fold: each bit of the result depends on all. */
static u64 mix(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

static u64 fingerprint(const struct world *world)
{
	const u8 *octets = (const u8 *)world;
	u64 hash = 0x9e3779b97f4a7c15;
	u64 word[2];
	size_t i;

	static_assert(sizeof(*world) % sizeof(word) == 0,
		      "the last octets would be left out");
	for (i = 0; i < sizeof(*world); i += sizeof(word)) {
		memcpy(word, octets + i, sizeof(word));
		hash = mix(word[0] ^ 0xa0761d6478bd642f ^ hash,
			   word[1] ^ 0xe7037ed1a0b428db) + hash;
	}
	hash = mix(hash, 0x8ebc6af09c88c6e3);
	return hash ? hash : 1;
}

static void grow_slots(struct stateset *set)
{
	u64 slots = 2 * set->slots;
	u64 *slot = empty_slots(slots);
	u64 i, at;

	for (i = 0; i < set->slots; i++) {
		if (!set->slot[i])
			continue;
		at = set->slot[i] & (slots - 1);
		while (slot[at])
			at = (at + 1) & (slots - 1);
		slot[at] = set->slot[i];
	}
	free(set->slot);
	set->slot = slot;
	set->slots = slots;
}

bool stateset_add(struct stateset *set, const struct world *world, u32 parent,
		  struct event event)
{
	u64 print = fingerprint(world);
	u64 at = print & (set->slots - 1);

	while (set->slot[at]) {
		if (set->slot[at] == print)
			return false;
		at = (at + 1) & (set->slots - 1);
	}
	set->slot[at] = print;

	if (set->count == set->room) {
		set->room = set->room ? set->room + set->room / 2 : 1024;
		set->parent = must_realloc(set->parent,
					   set->room * sizeof(*set->parent));
		set->event = must_realloc(set->event,
					  set->room * sizeof(*set->event));
	}
	set->parent[set->count] = parent;
	set->event[set->count] = event;
	set->count++;
	/* At most two thirds are in use, so that look-ups stay short. */
	if (3 * set->count > 2 * set->slots)
		grow_slots(set);
	return true;
}

u64 stateset_memory(const struct stateset *set)
{
	return set->slots * sizeof(*set->slot) +
	       set->room * (sizeof(*set->parent) + sizeof(*set->event));
}

double stateset_doubt(const struct stateset *set)
{
	/* Pairs, divided by the number of values. */
	return (double)set->count * (double)set->count / 2 /
	       18446744073709551616.0;
}
