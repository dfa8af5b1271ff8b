/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Congestion control: how much may be in flight (RFC 5681, RFC 6582).
 *
 * The rest of the core only calls these functions and reads cwnd. It is loss
 * recovery (recovery.c) that decides when a loss has happened; what follows
 * from it for the window is decided here.
 */
#ifndef EDUTCP_CORE_CONGESTION_H
#define EDUTCP_CORE_CONGESTION_H

#include "types.h"

/**
 * struct congestion - the congestion window; all in octets
 * @cwnd: so much may be in flight
 * @ssthresh: below it slow start, above it congestion avoidance
 * @acked: acknowledged since the last step of congestion avoidance
 */
struct congestion {
	u32 cwnd;
	u32 ssthresh;
	u32 acked;
};

/**
 * congestion_init() - at the start of a connection (RFC 6928, 2)
 * @cc: the window
 * @mss: effective send MSS
 * @syn_lost: was the SYN or the SYN,ACK retransmitted? Then one segment only
 *	(RFC 5681, 3.1)
 */
void congestion_init(struct congestion *cc, u32 mss, bool syn_lost);

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
 * congestion_fast_retransmit() - three duplicate ACKs: a segment was lost
 * @cc: the window
 * @flight: octets sent and not acknowledged
 * @mss: effective send MSS
 */
void congestion_fast_retransmit(struct congestion *cc, u32 flight, u32 mss);

/**
 * congestion_duplicate_ack() - a further segment has left the network
 * @cc: the window, in fast recovery
 * @mss: effective send MSS
 */
void congestion_duplicate_ack(struct congestion *cc, u32 mss);

/**
 * congestion_partial_ack() - an ACK that leaves some of the flight lost
 * @cc: the window, in fast recovery
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
