// SPDX-License-Identifier: GPL-2.0
/* RFC 6298, section 2: the two moving averages behind the timeout. */

#include "rtt.h"

void rtt_init(struct rtt *rtt, u32 rto)
{
	*rtt = (struct rtt) { .rto = rto };
}

void rtt_sample(struct rtt *rtt, u32 measured)
{
	/* No clock measures 0; 0 in srtt8 means "not yet measured". */
	measured = max_u32(measured, 1);

	if (!rtt->srtt8) {
		/* (2.2) SRTT <- R, RTTVAR <- R/2 */
		rtt->srtt8 = measured * 8;
		rtt->rttvar4 = measured * 2;
	} else {
		u32 srtt = rtt->srtt8 / 8;
		u32 error = srtt > measured ? srtt - measured : measured - srtt;

		/* (2.3) RTTVAR <- 3/4 RTTVAR + 1/4 |SRTT - R'| */
		rtt->rttvar4 += error - rtt->rttvar4 / 4;
		/*       SRTT <- 7/8 SRTT + 1/8 R' */
		rtt->srtt8 += measured - srtt;
	}
	/* RTO <- SRTT + max(G, 4 * RTTVAR), with a clock of G = 1 ms */
	rtt->rto = rtt->srtt8 / 8 + max_u32(rtt->rttvar4, 1);
}
