// SPDX-License-Identifier: GPL-2.0
/* NewReno: slow start, congestion avoidance, fast recovery. */

#include "congestion.h"

#define CWND_MAX (1u << 30)	/* no window, scaled or not, is larger */

static void set_cwnd(struct congestion *cc, u32 cwnd)
{
	cc->cwnd = min_u32(cwnd, CWND_MAX);
}

/* RFC 5681, equation (4) */
static u32 half_of_flight(u32 flight, u32 mss)
{
	return max_u32(flight / 2, 2 * mss);
}

void congestion_init(struct congestion *cc, u32 mss, bool syn_lost)
{
	/* RFC 6928: min(10 * MSS, max(2 * MSS, 14600)) */
	cc->cwnd = syn_lost ? mss :
			      min_u32(10 * mss, max_u32(2 * mss, 14600));
	cc->ssthresh = CWND_MAX;
	cc->acked = 0;
}

void congestion_acked(struct congestion *cc, u32 acked, u32 mss)
{
	if (cc->cwnd < cc->ssthresh) {
		/*
		 * Slow start. RFC 5681: at most one MSS an ACK. Linux: all
		 * that was acknowledged. Here: as Linux, since receivers
		 * acknowledge many segments at once (GRO).
		 */
		set_cwnd(cc, cc->cwnd + acked);
		return;
	}
	/* Congestion avoidance: one MSS a round trip (RFC 3465, 2.1). */
	cc->acked += acked;
	if (cc->acked >= cc->cwnd) {
		cc->acked -= cc->cwnd;
		set_cwnd(cc, cc->cwnd + mss);
	}
}

void congestion_fast_retransmit(struct congestion *cc, u32 flight, u32 mss)
{
	/* RFC 5681, 3.2, steps 2 and 3: three segments have left the network. */
	cc->ssthresh = half_of_flight(flight, mss);
	set_cwnd(cc, cc->ssthresh + 3 * mss);
}

void congestion_duplicate_ack(struct congestion *cc, u32 mss)
{
	/* RFC 5681, 3.2, step 4 */
	set_cwnd(cc, cc->cwnd + mss);
}

void congestion_partial_ack(struct congestion *cc, u32 acked, u32 mss)
{
	/* RFC 6582, 3.2, step 3: deflate by what was acknowledged. */
	cc->cwnd -= min_u32(acked, cc->cwnd);
	set_cwnd(cc, acked >= mss ? cc->cwnd + mss : cc->cwnd);
	cc->cwnd = max_u32(cc->cwnd, mss);
}

void congestion_recovered(struct congestion *cc, u32 flight, u32 mss)
{
	/* RFC 6582, 3.2, step 3, full acknowledgment, option (1): no burst */
	set_cwnd(cc, min_u32(cc->ssthresh, max_u32(flight, mss) + mss));
}

void congestion_timeout(struct congestion *cc, u32 flight, u32 mss, bool first)
{
	if (first)
		cc->ssthresh = half_of_flight(flight, mss);
	cc->cwnd = mss;
}
