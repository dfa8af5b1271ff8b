// SPDX-License-Identifier: GPL-2.0
/*
 * Making good for lost segments: fast retransmit and fast recovery, by
 * duplicate ACKs alone (RFC 5681, 3.2; RFC 6582) or with SACK (RFC 6675), and
 * what follows a retransmission timeout (RFC 6298, 5).
 *
 * What is taken for lost is one range, [rtx_nxt, rtx_end), but for those parts
 * of it that the peer says it holds; tcb_next_segment() sends it again before
 * anything new. With the names of RFC 6675: rtx_nxt is HighRxt + 1, and below
 * rtx_end is what IsLost() is true for.
 *
 * RFC 2018, 8: after a timeout the scoreboard should be forgotten, since the
 * peer may have discarded what it held. Linux: it is kept, unless the peer is
 * seen to have done so. Here: as Linux. What it does not hold after all comes
 * to be at SND.UNA in the end, and is no longer in the scoreboard then: see
 * ranges_advance().
 */

#include "internal.h"

#define DUP_ACK_THRESHOLD 3	/* RFC 5681, 3.2 */

static u32 in_flight(const struct tcb *tcb)
{
	return tcb->snd_nxt - tcb->snd_una;
}

/* Is there a scoreboard to go by? */
static bool has_scoreboard(const struct tcb_conn *conn)
{
	return conn->sacked && conn->sacked->count;
}

static void retransmit_first(struct tcb *tcb, struct tcb_conn *conn)
{
	tcb_retransmit(conn, tcb->snd_una,
		       seq_min(tcb->snd_una + tcb->snd_mss, tcb->snd_nxt));
}

/*
 * RFC 6675, 4, IsLost(): what is in no range is lost if three ranges lie above
 * it, or more octets than two segments have. Return the end of all that.
 */
static u32 lost_end(const struct tcb *tcb, const struct tcb_conn *conn)
{
	const struct ranges *sacked = conn->sacked;
	u32 octets = 0;
	u32 i;

	for (i = sacked->count; i > 0; i--) {
		const struct seq_range *range = &sacked->range[i - 1];

		octets += range->end - range->start;
		if (sacked->count - i + 1 >= DUP_ACK_THRESHOLD ||
		    octets > (DUP_ACK_THRESHOLD - 1) * tcb->snd_mss)
			return range->start;
	}
	return tcb->snd_una;
}

bool tcb_recovery_sacked(const struct tcb *tcb, struct tcb_conn *conn,
			 const struct segment *seg)
{
	u32 una = seq_max(seg->ack, tcb->snd_una);
	bool news = false;
	u8 i;

	if (!(tcb->flags & TCB_SACK_OK) || !conn->sacked)
		return false;
	for (i = 0; i < seg->sack_count; i++) {
		u32 start = seg->sack[i].start - una;
		u32 end = seg->sack[i].end - una;

		/* Of what is in flight; at SND.UNA something is missing. */
		if (start > 0 && start < end && end <= tcb->snd_nxt - una)
			news |= ranges_add(conn->sacked, una + start,
					   una + end);
	}
	if (news && conn->recovery == RECOVERY_SACK)
		conn->rtx_end = seq_max(conn->rtx_end, lost_end(tcb, conn));
	return news;
}

u32 tcb_in_network(const struct tcb *tcb, const struct tcb_conn *conn)
{
	u32 octets = in_flight(tcb) -
		     ranges_octets(conn->sacked, tcb->snd_una, tcb->snd_nxt);

	if (seq_before(conn->rtx_nxt, conn->rtx_end))
		octets -= conn->rtx_end - conn->rtx_nxt -
			  ranges_octets(conn->sacked, conn->rtx_nxt,
					conn->rtx_end);
	return octets;
}

void tcb_recovery_acked(struct tcb *tcb, struct tcb_conn *conn, u32 acked)
{
	u32 mss = tcb->snd_mss;
	bool complete = !seq_before(tcb->snd_una, conn->recover);

	conn->dup_acks = 0;

	/* What has been acknowledged is not lost. */
	if (conn->sacked)
		ranges_advance(conn->sacked, tcb->snd_una);
	conn->rtx_nxt = seq_max(conn->rtx_nxt, tcb->snd_una);
	if (!seq_before(tcb->snd_una, conn->rtx_end))
		tcb_retransmit(conn, tcb->snd_una, tcb->snd_una);
	/* Keep these near snd_una, or they would seem to lie ahead of it. */
	conn->small_end = seq_max(conn->small_end, tcb->snd_una);
	conn->recover = seq_max(conn->recover, tcb->snd_una - 1);

	switch (conn->recovery) {
	case RECOVERY_FAST:
	case RECOVERY_SACK:
		if (complete) {
			conn->recovery = RECOVERY_NONE;
			congestion_recovered(&conn->cc, in_flight(tcb), mss);
			break;
		}
		/* A partial ACK: the segment at snd_una is lost as well. */
		if (conn->recovery == RECOVERY_FAST) {
			congestion_partial_ack(&conn->cc, acked, mss);
			retransmit_first(tcb, conn);
		} else if (conn->rtx_nxt == tcb->snd_una) {
			conn->rtx_end = seq_max(conn->rtx_end,
						seq_min(tcb->snd_una + mss,
							tcb->snd_nxt));
		}
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
	bool scoreboard = has_scoreboard(conn);
	u32 mss = tcb->snd_mss;
	u32 flight;

	switch (conn->recovery) {
	case RECOVERY_FAST:
		congestion_duplicate_ack(&conn->cc, mss);
		break;
	case RECOVERY_SACK:
		break;	/* what left the network is in the scoreboard */
	case RECOVERY_TIMEOUT:
		break;	/* we caused it by sending again what had arrived */
	default:
		/*
		 * RFC 6582, 3.2, step 2: until something new is acknowledged,
		 * they come from what we sent twice. Not so news of what the
		 * peer holds (RFC 6675, 5.1).
		 */
		if (!scoreboard && !seq_after(tcb->snd_una, conn->recover))
			break;
		if (++conn->dup_acks < DUP_ACK_THRESHOLD &&
		    !(scoreboard &&
		      seq_after(lost_end(tcb, conn), tcb->snd_una)))
			break;
		conn->dup_acks = 0;
		conn->recovery = scoreboard ? RECOVERY_SACK : RECOVERY_FAST;
		conn->recover = tcb->snd_nxt;
		/* But for what limited transmit has sent (RFC 5681, 3.2, 2). */
		flight = min_u32(in_flight(tcb), conn->cc.cwnd);
		congestion_fast_retransmit(&conn->cc, flight, mss,
					   scoreboard ? 0 :
					   DUP_ACK_THRESHOLD * mss);
		retransmit_first(tcb, conn);
		if (scoreboard)
			conn->rtx_end = seq_max(conn->rtx_end,
						lost_end(tcb, conn));
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
