/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two scenarios joined by a wire: whole conversations of the core with itself.
 *
 * The wire delays, loses, doubles and reorders segments as it is told. Each
 * segment crosses it as the octets of a header, so writing and reading these
 * is part of every conversation.
 */
#ifndef LIBPAIR_H
#define LIBPAIR_H

#include "libscenario.h"

#define WIRE_MAX 2048		/* segments on their way at a time */

struct pair;

/* What becomes of a segment. */
enum fate {
	FATE_ARRIVE,
	FATE_LOSE,
	FATE_DOUBLE,
	FATE_DELAY,		/* others may overtake it */
};

struct packet {
	u32 at;			/* when it arrives */
	u32 text_len;
	struct scenario *to;
	u8 header[SEG_HEADER_MAX];
};

struct pair {
	struct scenario a;
	struct scenario b;
	u32 now;
	u32 delay;		/* ms, one way */
	u64 seed;
	/* A test may decide; otherwise it is random by these, in percent. */
	enum fate (*fate)(struct pair *pair, const struct scenario *from,
			  const struct segment *seg);
	u32 loss;
	u32 doubled;
	u32 delayed;
	bool slow_readers;	/* users take what arrives little by little */
	bool no_readers;	/* they take nothing; a test may do it for them */
	unsigned int count;
	struct packet wire[WIRE_MAX];
};

/* Two closed endpoints; a test may set their parameters before opening. */
void pair_start(struct pair *pair, u64 seed);

/*
 * Let things happen, in the order of their times, for so many milliseconds or
 * until nothing is left to happen. Users RECEIVE what has arrived.
 */
void pair_run(struct pair *pair, u32 ms);

#endif
