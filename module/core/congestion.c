// SPDX-License-Identifier: GPL-2.0
/* The congestion window: slow start, fast recovery, timeouts. */

#include "congestion.h"

#define CWND_MAX (1u << 30)	/* no window, scaled or not, is larger */

void congestion_set(struct congestion *cc, u32 cwnd)
{
	cc->cwnd = min_u32(cwnd, CWND_MAX);
}

void congestion_init(struct congestion *cc,
		     const struct congestion_algorithm *algorithm, u32 mss,
		     bool syn_lost)
{
	cc->algorithm = algorithm;
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
		congestion_set(cc, cc->cwnd + acked);
		return;
	}
	cc->algorithm->avoid(cc, acked, mss);
}

void congestion_fast_retransmit(struct congestion *cc, u32 flight, u32 mss,
				u32 inflate)
{
	/* RFC 5681, 3.2, steps 2 and 3; RFC 6675, 5, step 4.2 */
	cc->ssthresh = cc->algorithm->ssthresh(cc, flight, mss);
	congestion_set(cc, cc->ssthresh + inflate);
}

void congestion_duplicate_ack(struct congestion *cc, u32 mss)
{
	/* RFC 5681, 3.2, step 4 */
	congestion_set(cc, cc->cwnd + mss);
}

void congestion_partial_ack(struct congestion *cc, u32 acked, u32 mss)
{
	/* RFC 6582, 3.2, step 3: deflate by what was acknowledged. */
	cc->cwnd -= min_u32(acked, cc->cwnd);
	congestion_set(cc, acked >= mss ? cc->cwnd + mss : cc->cwnd);
	cc->cwnd = max_u32(cc->cwnd, mss);
}

void congestion_recovered(struct congestion *cc, u32 flight, u32 mss)
{
	/* RFC 6582, 3.2, step 3, full acknowledgment, option (1): no burst */
	congestion_set(cc, min_u32(cc->ssthresh, max_u32(flight, mss) + mss));
}

void congestion_timeout(struct congestion *cc, u32 flight, u32 mss, bool first)
{
	if (first)
		cc->ssthresh = cc->algorithm->ssthresh(cc, flight, mss);
	cc->cwnd = mss;
}
