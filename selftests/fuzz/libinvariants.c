// SPDX-License-Identifier: GPL-2.0
/* What must hold of a scenario after each event: see libinvariants.h. */

#include "libinvariants.h"

#define require(s, condition) do {					\
	if (!(condition))						\
		scenario_fail(HERE(s), "this does not hold: %s",	\
			      #condition);				\
} while (0)

void take_snapshot(struct snapshot *before, const struct scenario *s)
{
	*before = (struct snapshot) {
		.tcb = s->tcb,
		.delivered = s->delivered,
		.edge = s->tcb.rcv_nxt + s->tcb.rcv_wnd,
	};
}

/* low =< a =< high */
static bool between(u32 low, u32 a, u32 high)
{
	return !seq_before(a, low) && !seq_after(a, high);
}

static void check_ranges(struct scenario *s, const struct ranges *ranges,
			 u32 after, u32 limit)
{
	u32 i;

	if (!ranges)
		return;
	require(s, ranges->count <= RANGES_MAX);
	for (i = 0; i < ranges->count; i++) {
		const struct seq_range *range = &ranges->range[i];

		require(s, seq_after(range->start, after));
		require(s, seq_before(range->start, range->end));
		require(s, !seq_after(range->end, limit));
		after = range->end;	/* the next does not even touch it */
	}
}

/* ---------------------------------------------------------------- the TCB */

static void check_tcb(struct scenario *s)
{
	const struct tcb *tcb = &s->tcb;

	require(s, seq_before(tcb->iss, tcb->snd_nxt));
	require(s, between(tcb->iss, tcb->snd_una, tcb->snd_nxt));
	require(s, tcb->snd_wscale <= SEG_WSCALE_MAX);
	require(s, tcb->backoff <= 16);
	require(s, tcb->snd_wnd <= 65535u << SEG_WSCALE_MAX);
	/* Whatever had to be sent now was sent. */
	require(s, !(tcb->flags & (TCB_ACK_NOW | TCB_SYN_DUE | TCB_PROBE |
				   TCB_KEEP_PROBE)));
	if (tcb->state != STATE_SYN_SENT)
		require(s, tcb->snd_mss >= TCB_MSS_MIN - SEG_TIMESTAMPS_LEN);
}

/* What was offered to the peer, or taken from it, stays so. */
static void check_progress(struct scenario *s, const struct snapshot *before)
{
	const struct tcb *tcb = &s->tcb;

	if (!state_is_synchronized(before->tcb.state))
		return;
	require(s, !seq_before(tcb->rcv_nxt, before->tcb.rcv_nxt));
	require(s, !seq_before(tcb->rcv_nxt + tcb->rcv_wnd, before->edge));
	require(s, !seq_before(tcb->snd_una, before->tcb.snd_una));
	require(s, !seq_before(tcb->snd_nxt, before->tcb.snd_nxt));
	require(s, tcb->irs == before->tcb.irs);
	require(s, tcb->iss == before->tcb.iss);
}

/* With nothing in flight, is there text that nothing allows to hold back? */
static bool text_waits(const struct tcb *tcb)
{
	switch (tcb->state) {
	case STATE_ESTABLISHED:
	case STATE_CLOSE_WAIT:
	case STATE_FIN_WAIT_1:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		break;
	default:
		return false;
	}
	return (tcb->flags & TCB_SYN_ACKED) && !(tcb->flags & TCB_CORKED) &&
	       tcb->snd_una == tcb->snd_nxt &&
	       seq_before(tcb->snd_nxt, tcb->snd_end) &&
	       tcb->snd_wnd >= min_u32(tcb->snd_end - tcb->snd_nxt,
				       tcb->snd_mss);
}

static void check_conn(struct scenario *s)
{
	const struct tcb *tcb = &s->tcb;
	const struct tcb_conn *conn = s->conn;
	u32 una = tcb->snd_una, nxt = tcb->snd_nxt;

	check_ranges(s, conn->held, tcb->rcv_nxt, tcb->rcv_nxt + tcb->rcv_wnd);
	check_ranges(s, conn->sacked, una, nxt);
	if (tcb->state == STATE_SYN_SENT)
		return;

	require(s, conn->cc.cwnd >= 1);
	require(s, conn->cc.cwnd <= 1u << 30);
	require(s, conn->max_snd_wnd >= tcb->snd_wnd);
	require(s, between(una - 1, conn->recover, nxt));
	require(s, between(una, conn->small_end, nxt));
	require(s, between(una, conn->rtx_nxt, nxt));
	require(s, between(una, conn->rtx_end, nxt));
	require(s, !text_waits(tcb));
	if (conn->timing)
		require(s, between(una + 1, conn->timed_seq, nxt));
	if (conn->recovery != RECOVERY_NONE)
		require(s, between(una, conn->recover, nxt));
	if (conn->fin_held)
		require(s, between(tcb->rcv_nxt, conn->fin_seq,
				   tcb->rcv_nxt + tcb->rcv_wnd));
	if (tcb->state != STATE_SYN_RCVD && tcb->state != STATE_TIME_WAIT)
		require(s, !seq_after(conn->ack_sent, tcb->rcv_nxt));
	/* Who owes an ACK sends one in time (MUST-40). */
	if (conn->ack_pending && tcb->state != STATE_CLOSED)
		require(s, seq_before(conn->ack_deadline, s->env.now + 500));
}

static bool is_open(const struct scenario *s)
{
	return s->tcb.state != STATE_CLOSED && s->tcb.state != STATE_LISTEN;
}

void check_standing(struct scenario *s)
{
	if (!is_open(s))
		return;
	check_tcb(s);
	if (s->conn)
		check_conn(s);
}

/* ----------------------------------------------------------- what was sent */

/* It stands the way to the wire and back. */
static void check_writable(struct scenario *s, const struct segment *seg)
{
	u8 header[SEG_HEADER_MAX];
	struct segment same;
	unsigned int len = segment_write_len(seg);

	require(s, len <= SEG_HEADER_MAX);
	segment_write(seg, 1, 2, header);
	require(s, segment_parse(header, len + seg->text_len, &same) ==
		   SEGMENT_OK);
	require(s, seg->seq == same.seq && seg->flags == same.flags);
	require(s, seg->window == same.window && seg->mss == same.mss);
	require(s, seg->sack_count == same.sack_count);
	require(s, !memcmp(seg->sack, same.sack,
			   seg->sack_count * sizeof(same.sack[0])));
}

static bool are_apart(const struct seq_range *a, const struct seq_range *b)
{
	return seq_after(a->start, b->end) || seq_before(a->end, b->start);
}

static void check_sack(struct scenario *s, const struct segment *seg)
{
	u32 edge = s->tcb.rcv_nxt + s->tcb.rcv_wnd;
	u8 i, j;

	if (seg->sack_count)
		require(s, s->tcb.flags & TCB_SACK_OK);
	for (i = 0; i < seg->sack_count; i++) {
		const struct seq_range *range = &seg->sack[i];

		require(s, seq_after(range->start, seg->ack));
		require(s, seq_before(range->start, range->end));
		require(s, !seq_after(range->end, edge));
		for (j = 0; j < i; j++)
			require(s, are_apart(range, &seg->sack[j]));
	}
}

void check_sent(struct scenario *s, const struct segment *seg)
{
	const struct tcb *tcb = &s->tcb;
	u32 end = seg->seq + seg->text_len + !!(seg->flags & SEG_FIN);

	check_writable(s, seg);
	if (seg->flags & SEG_RST) {
		require(s, !segment_len(seg));
		return;
	}
	require(s, is_open(s));
	require(s, seg->has_ts == !!(tcb->flags & TCB_TS_OK));
	if (seg->has_ts)
		require(s, seg->tsval == s->env.ts_now);
	if (tcb->state == STATE_SYN_SENT) {
		require(s, seg->flags == SEG_SYN && seg->seq == tcb->iss);
		return;
	}
	require(s, seg->flags & SEG_ACK);
	require(s, seg->ack == tcb->rcv_nxt);
	if (seg->has_ts)
		require(s, seg->tsecr == tcb->ts_recent);
	if (seg->flags & SEG_SYN) {
		require(s, seg->flags == (SEG_SYN | SEG_ACK));
		require(s, seg->seq == tcb->iss && !seg->text_len);
		require(s, tcb->snd_una == tcb->iss);
		return;
	}
	check_sack(s, seg);
	if (end == seg->seq) {
		/* An ACK, or a keep-alive. */
		require(s, between(tcb->snd_nxt - 1, seg->seq, tcb->snd_nxt));
		return;
	}
	require(s, between(tcb->snd_una, seg->seq, tcb->snd_nxt));
	require(s, seq_after(seg->seq, tcb->iss));
	/* One octet may go into a window that is shut (3.8.6.1). */
	require(s, !seq_after(end, tcb->snd_una + max_u32(tcb->snd_wnd, 1)));
}

/* ------------------------------------------------------ what the user hears */

static unsigned int error_of_move(const struct tcb_move *move)
{
	switch (move->cause) {
	case CAUSE_RST:
		switch (move->from) {
		case STATE_SYN_SENT:
		case STATE_SYN_RCVD:
			return ERROR_REFUSED;
		case STATE_CLOSING:
		case STATE_LAST_ACK:
		case STATE_TIME_WAIT:
			return ERROR_NONE;
		default:
			return ERROR_RESET;
		}
	case CAUSE_SYN_IN_WINDOW:
	case CAUSE_DATA_AFTER_CLOSE:
		return ERROR_RESET;
	case CAUSE_RETRIES_EXHAUSTED:
	case CAUSE_USER_TIMEOUT:
	case CAUSE_KEEPALIVE:
		return ERROR_TIMED_OUT;
	default:
		return ERROR_NONE;
	}
}

static void check_told(struct scenario *s, const struct snapshot *before)
{
	const struct tcb_actions *actions = &s->actions;
	unsigned int error = ERROR_NONE;
	bool connected = false, peer_done = false;
	u8 i;

	for (i = 0; i < actions->move_count; i++) {
		const struct tcb_move *move = &actions->moves[i];

		connected |= move->to == STATE_ESTABLISHED;
		peer_done |= move->cause == CAUSE_FIN;
		if (move->to == STATE_CLOSED)
			error = error_of_move(move);
		if (i)
			require(s, move->from == actions->moves[i - 1].to);
	}
	require(s, actions->error == error);
	require(s, !(actions->tell & TELL_CONNECTED) == !connected);
	require(s, !(actions->tell & TELL_PEER_DONE) == !peer_done);
	require(s, !(actions->tell & TELL_READABLE) ==
		   (s->delivered == before->delivered));
	if (actions->move_count && s->tcb.state == STATE_LISTEN)
		return;		/* the request is gone, with its numbers */
	if (state_is_synchronized(s->tcb.state) && s->conn)
		require(s, !(actions->tell & TELL_WRITABLE) ==
			   (s->tcb.snd_una == before->tcb.snd_una));
}

void check_event(struct scenario *s, const struct snapshot *before)
{
	unsigned int i;

	for (i = 0; i < s->sent_count; i++)
		check_sent(s, &s->sent[i]);
	check_told(s, before);
	check_standing(s);
	if (is_open(s))
		check_progress(s, before);
}
