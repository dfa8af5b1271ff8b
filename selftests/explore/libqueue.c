// SPDX-License-Identifier: GPL-2.0
/* Worlds that wait: see libqueue.h. */

#include "libqueue.h"
#include "libstateset.h"

#define BLOCK_OCTETS (1u << 20)

#define WORDS (sizeof(struct world) / sizeof(u64))
#define MAP_WORDS ((WORDS + 63) / 64)
#define PACKED_MAX ((WORDS + MAP_WORDS) * sizeof(u64))

struct queue_block {
	struct queue_block *next;
	u64 used;
	u8 octets[BLOCK_OCTETS];
};

/* A bit for each word, and the words that are not 0. Return: octets. */
static u64 pack(const struct world *world, u8 *packed)
{
	const u8 *octets = (const u8 *)world;
	u64 map[MAP_WORDS] = { 0 };
	u8 *at = packed + sizeof(map);
	u64 word;
	size_t i;

	for (i = 0; i < WORDS; i++) {
		memcpy(&word, octets + i * sizeof(word), sizeof(word));
		if (!word)
			continue;
		map[i / 64] |= 1ull << (i % 64);
		memcpy(at, &word, sizeof(word));
		at += sizeof(word);
	}
	memcpy(packed, map, sizeof(map));
	return (u64)(at - packed);
}

static u64 unpack(struct world *world, const u8 *packed)
{
	u8 *octets = (u8 *)world;
	const u8 *at = packed;
	u64 map[MAP_WORDS];
	size_t i;

	memcpy(map, at, sizeof(map));
	at += sizeof(map);
	memset(world, 0, sizeof(*world));
	for (i = 0; i < WORDS; i++) {
		if (!(map[i / 64] & 1ull << (i % 64)))
			continue;
		memcpy(octets + i * sizeof(u64), at, sizeof(u64));
		at += sizeof(u64);
	}
	return (u64)(at - packed);
}

static void add_block(struct queue *queue)
{
	struct queue_block *block = must_realloc(NULL, sizeof(*block));

	block->next = NULL;
	block->used = 0;
	if (queue->last)
		queue->last->next = block;
	else
		queue->first = block;
	queue->last = block;
	queue->memory += sizeof(*block);
	if (queue->memory > queue->peak)
		queue->peak = queue->memory;
}

void queue_add(struct queue *queue, const struct world *world)
{
	if (!queue->last || queue->last->used + PACKED_MAX > BLOCK_OCTETS)
		add_block(queue);
	queue->last->used += pack(world, queue->last->octets +
				  queue->last->used);
	queue->count++;
}

static void drop_block(struct queue *queue)
{
	struct queue_block *block = queue->first;

	queue->first = block->next;
	if (!queue->first)
		queue->last = NULL;
	queue->taken = 0;
	queue->memory -= sizeof(*block);
	free(block);
}

void queue_take(struct queue *queue, struct world *world)
{
	queue->taken += unpack(world, queue->first->octets + queue->taken);
	queue->count--;
	if (queue->taken == queue->first->used)
		drop_block(queue);
}

void queue_free(struct queue *queue)
{
	while (queue->first)
		drop_block(queue);
}
