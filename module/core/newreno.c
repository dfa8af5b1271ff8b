// SPDX-License-Identifier: GPL-2.0
/* The standard's algorithm (RFC 5681, 3.1), called Reno. */

#include "congestion.h"

/* RFC 5681, equation (4) */
static u32 half_of_flight(const struct congestion *cc, u32 flight, u32 mss)
{
	(void)cc;
	return max_u32(flight / 2, 2 * mss);
}

/* One MSS a round trip, by octets acknowledged (RFC 3465, 2.1). */
static void additive_increase(struct congestion *cc, u32 acked, u32 mss)
{
	cc->acked += acked;
	if (cc->acked >= cc->cwnd) {
		cc->acked -= cc->cwnd;
		congestion_set(cc, cc->cwnd + mss);
	}
}

const struct congestion_algorithm congestion_reno = {
	.name = "reno",
	.ssthresh = half_of_flight,
	.avoid = additive_increase,
};
