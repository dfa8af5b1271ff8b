// SPDX-License-Identifier: GPL-2.0
/*
 * Making good for lost segments: fast retransmit and fast recovery (RFC 5681,
 * 3.2; RFC 6582), and what follows a retransmission timeout (RFC 6298, 5).
 *
 * What is taken for lost is one range, [rtx_nxt, rtx_end); tcb_next_segment()
 * sends it again before anything new.
 */

#include "tcb.h"

#define DUP_ACK_THRESHOLD 3	/* RFC 5681, 3.2 */

static u32 in_flight(const struct tcb *tcb)
{
	return tcb->snd_nxt - tcb->snd_una;
}

static void retransmit_first(struct tcb *tcb, struct tcb_conn *conn)
{
	tcb_retransmit(conn, tcb->snd_una,
		       seq_min(tcb->snd_una + tcb->snd_mss, tcb->snd_nxt));
}

void tcb_recovery_acked(struct tcb *tcb, struct tcb_conn *conn, u32 acked)
{
	u32 mss = tcb->snd_mss;
	bool complete = !seq_before(tcb->snd_una, conn->recover);

	conn->dup_acks = 0;

	/* What has been acknowledged is not lost. */
	conn->rtx_nxt = seq_max(conn->rtx_nxt, tcb->snd_una);
	if (!seq_before(tcb->snd_una, conn->rtx_end))
		tcb_retransmit(conn, tcb->snd_una, tcb->snd_una);
	/* Keep these near snd_una, or they would seem to lie ahead of it. */
	conn->small_end = seq_max(conn->small_end, tcb->snd_una);
	conn->recover = seq_max(conn->recover, tcb->snd_una - 1);

	switch (conn->recovery) {
	case RECOVERY_FAST:
		if (complete) {
			conn->recovery = RECOVERY_NONE;
			congestion_recovered(&conn->cc, in_flight(tcb), mss);
			break;
		}
		/* A partial ACK: the segment at snd_una is lost as well. */
		congestion_partial_ack(&conn->cc, acked, mss);
		retransmit_first(tcb, conn);
		break;
	case RECOVERY_TIMEOUT:
		if (complete)
			conn->recovery = RECOVERY_NONE;
		congestion_acked(&conn->cc, acked, mss);
		break;
	default:
		if (conn->cwnd_limited)
			congestion_acked(&conn->cc, acked, mss);
		break;
	}
}

void tcb_recovery_duplicate_ack(struct tcb *tcb, struct tcb_conn *conn)
{
	switch (conn->recovery) {
	case RECOVERY_FAST:
		congestion_duplicate_ack(&conn->cc, tcb->snd_mss);
		break;
	case RECOVERY_TIMEOUT:
		break;	/* we caused it by sending again what had arrived */
	default:
		/*
		 * RFC 6582, 3.2, step 2: until something new is acknowledged,
		 * they come from what we sent twice.
		 */
		if (!seq_after(tcb->snd_una, conn->recover))
			break;
		if (++conn->dup_acks < DUP_ACK_THRESHOLD)
			break;
		conn->dup_acks = 0;
		conn->recovery = RECOVERY_FAST;
		conn->recover = tcb->snd_nxt;
		congestion_fast_retransmit(&conn->cc, in_flight(tcb),
					   tcb->snd_mss);
		retransmit_first(tcb, conn);
		break;
	}
}

void tcb_recovery_timeout(struct tcb *tcb, struct tcb_conn *conn)
{
	/*
	 * Everything in flight is taken for lost. The window of one segment
	 * lets the first go; the others follow as ACKs open it again, unless
	 * they turn out to have arrived.
	 */
	congestion_timeout(&conn->cc, in_flight(tcb), tcb->snd_mss,
			   tcb->retries <= 1);
	conn->recovery = RECOVERY_TIMEOUT;
	conn->recover = tcb->snd_nxt;
	conn->dup_acks = 0;
	tcb_retransmit(conn, tcb->snd_una, tcb->snd_nxt);
}
