/* SPDX-License-Identifier: GPL-2.0 */
/* The retransmission timeout from measured round trips (RFC 6298). */
#ifndef EDUTCP_CORE_RTT_H
#define EDUTCP_CORE_RTT_H

#include "types.h"

/**
 * struct rtt - the round-trip time of a connection; all in milliseconds
 * @srtt8: SRTT, times 8; 0 while nothing has been measured
 * @rttvar4: RTTVAR, times 4
 * @rto: RTO before backing off; not yet held between its bounds
 */
struct rtt {
	u32 srtt8;
	u32 rttvar4;
	u32 rto;
};

/**
 * rtt_init() - before the first measurement
 * @rtt: the estimator
 * @rto: the initial timeout in milliseconds (RFC 6298, 2.1)
 */
void rtt_init(struct rtt *rtt, u32 rto);

/**
 * rtt_sample() - a round trip was measured
 * @rtt: the estimator
 * @measured: milliseconds; must not stem from a retransmitted segment, for
 *	it is unknown which of the two was acknowledged (Karn, RFC 6298, 3)
 */
void rtt_sample(struct rtt *rtt, u32 measured);

#endif
