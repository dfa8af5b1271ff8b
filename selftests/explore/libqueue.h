/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The worlds that were found and not yet looked at, first in, first out. They
 * are most of the memory that a search needs, so they are packed (most words
 * of a world are 0), in blocks that are freed as soon as they are empty.
 */
#ifndef LIBQUEUE_H
#define LIBQUEUE_H

#include "libworld.h"

struct queue_block;

/**
 * struct queue - worlds that wait
 * @first: block to take from
 * @last: block to add to
 * @taken: octets of @first that were taken
 * @count: worlds
 * @memory: octets in use
 * @peak: the most octets that were ever in use
 */
struct queue {
	struct queue_block *first;
	struct queue_block *last;
	u64 taken;
	u64 count;
	u64 memory;
	u64 peak;
};

void queue_add(struct queue *queue, const struct world *world);
void queue_take(struct queue *queue, struct world *world);
void queue_free(struct queue *queue);

#endif
