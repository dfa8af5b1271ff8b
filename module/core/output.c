// SPDX-License-Identifier: GPL-2.0
/*
 * What to send next. The order: our SYN; text (and FIN), first what was lost,
 * then what is new; an ACK by itself if nothing has carried it.
 */

#include "internal.h"

#define WINDOW_FIELD_MAX 65535

static bool may_send_text(const struct tcb *tcb)
{
	switch (tcb->state) {
	case STATE_ESTABLISHED:
	case STATE_FIN_WAIT_1:
	case STATE_CLOSE_WAIT:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		return true;
	default:
		return false;
	}
}

/* By how much our Window fields are shifted to the right. */
static unsigned int rcv_shift(const struct tcb *tcb)
{
	return tcb->flags & TCB_WSCALE_OK ? tcb->rcv_wscale : 0;
}

u32 tcb_select_window(const struct tcb *tcb, const struct tcb_env *env)
{
	unsigned int shift = rcv_shift(tcb);
	u32 unit = 1u << shift;
	u32 window = min_u32(env->rcv_space, WINDOW_FIELD_MAX << shift);
	u32 step = min_u32(env->rcv_buffer / 2, tcb->rcv_mss);

	/*
	 * The right edge moves by a worthwhile step or not at all (MUST-39),
	 * and never back (SHLD-14): what was offered is accepted, even if the
	 * Window field, which is rounded down, now says a little less
	 * (RFC 7323, 2.4).
	 */
	if (window < tcb->rcv_wnd + step)
		return tcb->rcv_wnd;
	return max_u32(window & ~(unit - 1), tcb->rcv_wnd);
}

static void fill_timestamps(const struct tcb *tcb, const struct tcb_env *env,
			    struct segment *seg)
{
	seg->has_ts = tcb->flags & TCB_TS_OK;
	seg->tsval = env->ts_now;
	seg->tsecr = tcb->ts_recent;
}

/* The options of all segments after the SYN. */
static void fill_options(const struct tcb *tcb, const struct tcb_conn *conn,
			 const struct tcb_env *env, struct segment *seg)
{
	fill_timestamps(tcb, env, seg);
	if (conn && conn->held && (tcb->flags & TCB_SACK_OK))
		seg->sack_count = ranges_recent(conn->held, seg->sack,
						seg->has_ts ? SEG_SACK_MAX - 1 :
							      SEG_SACK_MAX);
}

/* What every segment says: how far we have read, how much more may come. */
static void fill_ack(struct tcb *tcb, struct tcb_conn *conn,
		     const struct tcb_env *env, struct segment *seg)
{
	seg->flags |= SEG_ACK;
	seg->ack = tcb->rcv_nxt;

	/*
	 * A holder without receive buffer keeps the window as it was. So does
	 * everybody as long as the SYN may go again, whose Window field cannot
	 * say as much (SHLD-14).
	 */
	if (conn && (tcb->flags & TCB_SYN_ACKED))
		tcb->rcv_wnd = tcb_select_window(tcb, env);
	seg->window = (u16)min_u32(tcb->rcv_wnd >> rcv_shift(tcb),
				   WINDOW_FIELD_MAX);
	tcb->flags &= (u16)~TCB_ACK_NOW;
	if (conn) {
		if (conn->quick_acks)
			conn->quick_acks--;
		conn->ack_pending = false;
		conn->ack_sent = tcb->rcv_nxt;
	}
}

/* <SEQ=ISS><CTL=SYN>, or with an ACK once the peer's SYN is known. */
static void next_syn(struct tcb *tcb, struct tcb_conn *conn,
		     const struct tcb_env *env, struct segment *seg)
{
	tcb->flags &= (u16)~(TCB_SYN_DUE | TCB_ACK_NOW);

	seg->seq = tcb->iss;
	seg->flags = SEG_SYN;
	/* RFC 7323, 2.2: the window in a SYN is never scaled. */
	seg->window = (u16)min_u32(tcb->rcv_wnd, WINDOW_FIELD_MAX);
	seg->mss = tcb->rcv_mss;
	seg->has_wscale = tcb->flags & TCB_WSCALE_OK;
	seg->wscale = tcb->rcv_wscale;
	seg->sack_ok = tcb->flags & TCB_SACK_OK;
	fill_timestamps(tcb, env, seg);
	if (tcb->state != STATE_SYN_SENT) {
		seg->flags |= SEG_ACK;
		seg->ack = tcb->rcv_nxt;
		if (conn)
			conn->ack_sent = tcb->rcv_nxt;
	}
	/* The answer to a SYN that came again does not start it anew. */
	if (tcb->timer == TIMER_NONE)
		tcb_start_timer(tcb, TIMER_RETRANSMIT, env->now,
				tcb_rto(tcb, conn, env->params));
}

/*
 * How much of the new text at snd_nxt is worth a segment now? The sender's
 * part of silly window avoidance (3.8.6.2.1, MUST-38) and Nagle's algorithm
 * (3.7.4, SHLD-7), both of which hold back segments that are not full.
 */
static u32 worth_sending(const struct tcb *tcb, const struct tcb_conn *conn,
			 u32 mss, u32 queued, u32 allowed)
{
	u32 len = min_u32(queued, allowed);
	u32 part = len % mss;

	if (!part)
		return len;
	if (len < queued)	/* a window ends here */
		return len < mss && len >= conn->max_snd_wnd / 2 ? len :
								    len - part;
	/*
	 * The last of what the user has sent. RFC: it waits while anything is
	 * in flight. Linux: while another part segment is. Here: as Linux, or
	 * a request of one and a half segments would wait for a delayed ACK.
	 */
	if (tcb->flags & (TCB_NODELAY | TCB_FIN_QUEUED))
		return len;
	if (tcb->flags & TCB_CORKED ||
	    seq_after(conn->small_end, tcb->snd_una))
		return len - part;
	return len;
}

/* [start, end) is being sent: begin to measure the round trip, or spoil it. */
static void time_round_trip(const struct tcb *tcb, struct tcb_conn *conn,
			    const struct tcb_env *env, u32 start, u32 end)
{
	bool again = seq_before(start, tcb->snd_nxt);

	if (conn->timing) {
		conn->timed_twice |= again && seq_before(start, conn->timed_seq);
	} else if (!again || (tcb->flags & TCB_TS_OK)) {
		conn->timing = true;
		conn->timed_twice = again;
		conn->timed_seq = end;
		conn->timed_at = env->now;
	}
}

/* A stretch of sequence numbers that is next to be sent. */
struct stretch {
	u32 start;
	u32 stop;	/* the number after the last; a FIN counts as one */
	bool again;	/* it was sent before and is taken for lost */
};

static struct stretch next_stretch(const struct tcb *tcb,
				   struct tcb_conn *conn, bool probe)
{
	struct stretch next = {
		.start = probe ? tcb->snd_una : tcb->snd_nxt,
		.stop = tcb->snd_end + !!(tcb->flags & TCB_FIN_QUEUED),
	};
	u32 hole = conn->rtx_nxt;

	if (probe || !seq_before(hole, conn->rtx_end))
		return next;

	next.stop = ranges_hole(conn->sacked, &hole, conn->rtx_end);
	conn->rtx_nxt = hole;
	if (!seq_before(hole, conn->rtx_end)) {
		/* All the rest has arrived: on to what is new. */
		next.stop = tcb->snd_end + !!(tcb->flags & TCB_FIN_QUEUED);
		return next;
	}
	next.start = hole;
	next.again = true;
	return next;
}

/* How many octets from @start on does the peer's window take? */
static u32 in_peer_window(const struct tcb *tcb, u32 start)
{
	u32 used = start - tcb->snd_una;

	return tcb->snd_wnd > used ? tcb->snd_wnd - used : 0;
}

/* How many more octets does the congestion window let into the network? */
static u32 in_congestion_window(const struct tcb *tcb,
				const struct tcb_conn *conn,
				const struct stretch *next, u32 mss)
{
	u32 in_network = tcb_in_network(tcb, conn);
	/* Never less than a segment, even if these have become larger. */
	u32 cwnd = max_u32(conn->cc.cwnd, mss);

	/* The first that is lost goes out whatever the window (RFC 6675, 4.3). */
	if (next->again && next->start == tcb->snd_una)
		return max_u32(mss, cwnd > in_network ? cwnd - in_network : 0);
	/* RFC 3042: a duplicate ACK says that a segment has left the network. */
	if (!conn->sacked)
		cwnd += conn->dup_acks * mss;
	return cwnd > in_network ? cwnd - in_network : 0;
}

/* Text and FIN: as far as the windows let it go. */
static bool next_text(struct tcb *tcb, struct tcb_conn *conn,
		      const struct tcb_env *env, u32 text_max,
		      struct segment *seg)
{
	bool probe = tcb->flags & TCB_PROBE;
	struct stretch next = next_stretch(tcb, conn, probe);
	u32 mss = tcb->snd_mss - segment_sack_len(seg);
	u32 start = next.start, stop = next.stop;
	u32 queued, allowed, by_peer, by_congestion, end;
	u32 len = 0;
	bool fin = false;

	tcb->flags &= (u16)~TCB_PROBE;
	if (!seq_before(start, stop))
		return false;

	queued = seq_before(start, tcb->snd_end) ?
		 seq_min(stop, tcb->snd_end) - start : 0;
	by_peer = in_peer_window(tcb, start);
	by_congestion = in_congestion_window(tcb, conn, &next, mss);
	allowed = min_u32(by_peer, by_congestion);
	text_max = max_u32(text_max - text_max % mss, mss);

	if (probe)	/* at least one octet (3.8.6.1), whatever the window */
		len = min_u32(queued, max_u32(min_u32(allowed, mss), 1));
	else if (next.again)
		len = min_u32(queued, allowed);
	else
		len = worth_sending(tcb, conn, mss, queued, allowed);
	conn->cwnd_limited = !next.again && len < queued && allowed < queued &&
			     by_congestion <= by_peer;
	len = min_u32(len, text_max);

	end = start + len;
	if (end == tcb->snd_end && seq_after(stop, end))
		fin = allowed > len || (probe && !len);

	if (!len && !fin) {
		/*
		 * Something waits and nothing is in flight whose ACK would
		 * call us again: the persist timer will (MUST-35, MUST-60, SHLD-29).
		 */
		if (tcb->timer == TIMER_NONE) {
			conn->waiting_since = env->now;
			tcb_start_timer(tcb, TIMER_PERSIST, env->now,
					tcb_rto(tcb, conn, env->params));
		}
		return false;
	}

	seg->seq = start;
	seg->text_len = len;
	if (fin) {
		seg->flags |= SEG_FIN;
		end++;
	}
	if (len && start + len == tcb->snd_end)
		seg->flags |= SEG_PSH;	/* MUST-61: the last that is queued */

	if (conn->ack_pending || (tcb->flags & TCB_ACK_NOW))
		conn->quick_acks = 0;	/* answers carry the ACKs from now on */
	fill_ack(tcb, conn, env, seg);

	time_round_trip(tcb, conn, env, start, end);
	if (next.again)
		conn->rtx_nxt = end;
	if (len % mss && start + len == tcb->snd_end)
		conn->small_end = seq_max(conn->small_end, end);
	tcb->snd_nxt = seq_max(tcb->snd_nxt, end);

	/* RFC 6298, (5.1) */
	if (tcb->timer != TIMER_RETRANSMIT && (!probe || tcb->snd_wnd)) {
		if (tcb->timer == TIMER_NONE)
			conn->waiting_since = env->now;
		tcb_start_timer(tcb, TIMER_RETRANSMIT, env->now,
				tcb_rto(tcb, conn, env->params));
	}
	return true;
}

bool tcb_next_segment(struct tcb *tcb, struct tcb_conn *conn,
		      const struct tcb_env *env, u32 text_max,
		      struct segment *seg)
{
	*seg = (struct segment) { 0 };

	if (tcb->state == STATE_CLOSED || tcb->state == STATE_LISTEN)
		return false;

	if (tcb->flags & TCB_SYN_DUE) {
		next_syn(tcb, conn, env, seg);
		return true;
	}
	fill_options(tcb, conn, env, seg);
	if (conn && may_send_text(tcb) &&
	    next_text(tcb, conn, env, text_max, seg))
		return true;

	if (tcb->flags & (TCB_ACK_NOW | TCB_KEEP_PROBE)) {
		/*
		 * <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; a keep-alive has a
		 * number that the peer has seen, so that it must answer.
		 */
		seg->seq = tcb->snd_nxt - !!(tcb->flags & TCB_KEEP_PROBE);
		tcb->flags &= (u16)~TCB_KEEP_PROBE;
		fill_ack(tcb, conn, env, seg);
		return true;
	}
	return false;
}

void tcb_send_reset(const struct tcb *tcb, const struct tcb_env *env,
		    struct tcb_actions *actions)
{
	actions->send_reset = true;
	actions->reset = (struct segment) {
		.seq = tcb->snd_nxt,
		.flags = SEG_RST,
		.has_ts = tcb->flags & TCB_TS_OK,
		.tsval = env->ts_now,
	};
}
