/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Congestion control: how much may be in flight (RFC 5681, RFC 6582).
 *
 * The rest of the core only calls these functions and reads cwnd. It is loss
 * recovery (recovery.c) that decides when a loss has happened; what follows
 * from it for the window is decided here.
 *
 * Slow start and fast recovery are the same for all. In what remains, how fast
 * to grow and how far to shrink, algorithms differ: each is a file of its own,
 * with one struct congestion_algorithm.
 */
#ifndef EDUTCP_CORE_CONGESTION_H
#define EDUTCP_CORE_CONGESTION_H

#include "types.h"

struct congestion;

/**
 * struct congestion_algorithm - what makes one differ from another
 * @name: as users know it
 * @ssthresh: after a loss: where slow start is to end, in octets, from the
 *	octets in flight
 * @avoid: in congestion avoidance: so many octets were acknowledged; may
 *	change the window
 *
 * Both are told the effective send MSS in octets.
 */
struct congestion_algorithm {
	const char *name;
	u32 (*ssthresh)(const struct congestion *cc, u32 flight, u32 mss);
	void (*avoid)(struct congestion *cc, u32 acked, u32 mss);
};

/* newreno.c: RFC 5681 as it stands */
extern const struct congestion_algorithm congestion_reno;

/**
 * struct congestion - the congestion window; all in octets
 * @algorithm: how it grows and shrinks
 * @cwnd: so much may be in flight
 * @ssthresh: below it slow start, above it congestion avoidance
 * @acked: acknowledged since the last step of congestion avoidance; for the
 *	algorithm's use
 */
struct congestion {
	const struct congestion_algorithm *algorithm;
	u32 cwnd;
	u32 ssthresh;
	u32 acked;
};

/**
 * congestion_init() - at the start of a connection (RFC 6928, 2)
 * @cc: the window
 * @algorithm: how it is to grow and to shrink
 * @mss: effective send MSS
 * @syn_lost: was the SYN or the SYN,ACK retransmitted? Then one segment only
 *	(RFC 5681, 3.1)
 */
void congestion_init(struct congestion *cc,
		     const struct congestion_algorithm *algorithm, u32 mss,
		     bool syn_lost);

/**
 * congestion_set() - for algorithms: a new window, held between its bounds
 * @cc: the window
 * @cwnd: octets
 */
void congestion_set(struct congestion *cc, u32 cwnd);

/**
 * congestion_acked() - new data was acknowledged, outside of fast recovery
 * @cc: the window
 * @acked: octets
 * @mss: effective send MSS
 *
 * To be called only when the window was the limit: a connection whose user
 * sends little learns nothing about the path (RFC 7661).
 */
void congestion_acked(struct congestion *cc, u32 acked, u32 mss);

/**
 * congestion_fast_retransmit() - duplicate ACKs say that a segment was lost
 * @cc: the window
 * @flight: octets sent and not acknowledged
 * @mss: effective send MSS
 * @inflate: octets that have left the network, by the duplicate ACKs; 0 if
 *	SACK tells what is in the network (RFC 6675)
 */
void congestion_fast_retransmit(struct congestion *cc, u32 flight, u32 mss,
				u32 inflate);

/**
 * congestion_duplicate_ack() - a further segment has left the network
 * @cc: the window, in fast recovery without SACK
 * @mss: effective send MSS
 */
void congestion_duplicate_ack(struct congestion *cc, u32 mss);

/**
 * congestion_partial_ack() - an ACK that leaves some of the flight lost
 * @cc: the window, in fast recovery without SACK
 * @acked: octets
 * @mss: effective send MSS
 */
void congestion_partial_ack(struct congestion *cc, u32 acked, u32 mss);

/**
 * congestion_recovered() - fast recovery has ended
 * @cc: the window
 * @flight: octets still not acknowledged
 * @mss: effective send MSS
 */
void congestion_recovered(struct congestion *cc, u32 flight, u32 mss);

/**
 * congestion_timeout() - the retransmission timer has expired
 * @cc: the window
 * @flight: octets sent and not acknowledged
 * @mss: effective send MSS
 * @first: is it the first time for this segment? Only then is ssthresh set
 */
void congestion_timeout(struct congestion *cc, u32 flight, u32 mss, bool first);

#endif
