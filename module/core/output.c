// SPDX-License-Identifier: GPL-2.0
/*
 * What to send next. The order: our SYN; text (and FIN), first what was lost,
 * then what is new; an ACK by itself if nothing has carried it.
 */

#include "tcb.h"

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
	return tcb->wscale_ok ? tcb->rcv_wscale : 0;
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

/* What every segment says: how far we have read, how much more may come. */
static void fill_ack(struct tcb *tcb, struct tcb_conn *conn,
		     const struct tcb_env *env, struct segment *seg)
{
	seg->flags |= SEG_ACK;
	seg->ack = tcb->rcv_nxt;

	/* A holder without receive buffer keeps the window as it was. */
	if (conn)
		tcb->rcv_wnd = tcb_select_window(tcb, env);
	seg->window = (u16)min_u32(tcb->rcv_wnd >> rcv_shift(tcb),
				   WINDOW_FIELD_MAX);
	tcb->flags &= (u8)~TCB_ACK_NOW;
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
	tcb->flags &= (u8)~(TCB_SYN_DUE | TCB_ACK_NOW);

	seg->seq = tcb->iss;
	seg->flags = SEG_SYN;
	/* RFC 7323, 2.2: the window in a SYN is never scaled. */
	seg->window = (u16)min_u32(tcb->rcv_wnd, WINDOW_FIELD_MAX);
	seg->mss = tcb->rcv_mss;
	seg->has_wscale = true;
	seg->wscale = tcb->rcv_wscale;
	if (tcb->state != STATE_SYN_SENT) {
		seg->flags |= SEG_ACK;
		seg->ack = tcb->rcv_nxt;
		seg->has_wscale = tcb->wscale_ok;
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
			 u32 queued, u32 allowed)
{
	u32 mss = tcb->snd_mss;
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

/* Text and FIN: [start, ...) as far as the windows let it go. */
static bool next_text(struct tcb *tcb, struct tcb_conn *conn,
		      const struct tcb_env *env, u32 text_max,
		      struct segment *seg)
{
	bool probe = tcb->flags & TCB_PROBE;
	bool again = seq_before(conn->rtx_nxt, conn->rtx_end);
	u32 mss = tcb->snd_mss;
	u32 window = min_u32(tcb->snd_wnd, conn->cc.cwnd);
	u32 start, stop, queued, used, allowed, end;
	u32 len = 0;
	bool fin = false;

	tcb->flags &= (u8)~TCB_PROBE;
	if (probe) {
		start = tcb->snd_una;
		stop = tcb->snd_end + !!(tcb->flags & TCB_FIN_QUEUED);
	} else if (again) {
		start = conn->rtx_nxt;
		stop = conn->rtx_end;
	} else {
		start = tcb->snd_nxt;
		stop = tcb->snd_end + !!(tcb->flags & TCB_FIN_QUEUED);
	}
	if (!seq_before(start, stop))
		return false;

	queued = seq_min(stop, tcb->snd_end) - start;
	if (seq_after(start, tcb->snd_end))
		queued = 0;
	used = start - tcb->snd_una;
	allowed = window > used ? window - used : 0;
	text_max = max_u32(text_max - text_max % mss, mss);

	if (probe)	/* at least one octet (3.8.6.1), whatever the window */
		len = min_u32(queued, max_u32(min_u32(allowed, mss), 1));
	else if (again)
		len = min_u32(queued, allowed);
	else
		len = worth_sending(tcb, conn, queued, allowed);
	conn->cwnd_limited = !again && len < queued && allowed < queued &&
			     conn->cc.cwnd <= tcb->snd_wnd;
	len = min_u32(len, text_max);

	end = start + len;
	if (end == tcb->snd_end && seq_after(stop, end))
		fin = allowed > len || (probe && !len);

	if (!len && !fin) {
		/*
		 * Something waits and nothing is in flight whose ACK would
		 * call us again: the persist timer will (MUST-35, SHLD-29).
		 */
		if (tcb->timer == TIMER_NONE)
			tcb_start_timer(tcb, TIMER_PERSIST, env->now,
					tcb_rto(tcb, conn, env->params));
		return false;
	}

	seg->seq = start;
	seg->text_len = len;
	if (fin) {
		seg->flags |= SEG_FIN;
		end++;
	}
	if (len && start + len == tcb->snd_end)
		seg->flags |= SEG_PSH;	/* MUST-60: the last that is queued */

	if (conn->ack_pending || (tcb->flags & TCB_ACK_NOW))
		conn->quick_acks = 0;	/* answers carry the ACKs from now on */
	fill_ack(tcb, conn, env, seg);

	if (seq_before(start, tcb->snd_nxt)) {
		/* Karn: an ACK of it would not say which one arrived. */
		if (conn->timing && seq_before(start, conn->timed_seq))
			conn->timing = false;
	} else if (!conn->timing) {
		conn->timing = true;
		conn->timed_seq = end;
		conn->timed_at = env->now;
	}
	if (again && !probe)
		conn->rtx_nxt = end;
	if (len % mss && start + len == tcb->snd_end)
		conn->small_end = seq_max(conn->small_end, end);
	tcb->snd_nxt = seq_max(tcb->snd_nxt, end);

	/* RFC 6298, (5.1) */
	if (tcb->timer != TIMER_RETRANSMIT && !probe)
		tcb_start_timer(tcb, TIMER_RETRANSMIT, env->now,
				tcb_rto(tcb, conn, env->params));
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
	if (conn && may_send_text(tcb) &&
	    next_text(tcb, conn, env, text_max, seg))
		return true;

	if (tcb->flags & TCB_ACK_NOW) {
		/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> */
		seg->seq = tcb->snd_nxt;
		fill_ack(tcb, conn, env, seg);
		return true;
	}
	return false;
}
