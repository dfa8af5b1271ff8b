// SPDX-License-Identifier: GPL-2.0
/*
 * SEGMENT ARRIVES (RFC 9293, 3.10.7).
 *
 * Each state's section is a function, and within 3.10.7.4 so is each of its
 * steps, first to eighth, in the RFC's order. A step returns false when it
 * says "drop the segment and return" or ends the connection.
 *
 * The third step, security and compartment, is not there: edutcp carries no
 * such labels. Nor is the sixth: the urgent pointer is ignored, so urgent data
 * is delivered in line, where RFC 6093 wants it.
 */

#include "internal.h"

/* The largest window that can be offered (RFC 7323, 2.3). */
#define MAX_WINDOW (65535u << SEG_WSCALE_MAX)

static bool drop(struct tcb_actions *actions, enum tcb_drop reason)
{
	actions->drop = (u8)reason;
	return false;
}

/* A RST that the sender of @seg will find acceptable (3.5.2). */
static void reset_in_reply(const struct segment *seg,
			   struct tcb_actions *actions)
{
	if (seg->flags & SEG_RST)
		return;		/* never answer a RST with a RST */
	actions->send_reset = true;
	if (seg->flags & SEG_ACK)
		actions->reset = (struct segment) {
			.seq = seg->ack,
			.flags = SEG_RST,
		};
	else
		actions->reset = (struct segment) {
			.ack = seg->seq + segment_len(seg),
			.flags = SEG_RST | SEG_ACK,
		};
}

static void end_connection(struct tcb *tcb, enum tcb_error error,
			   enum tcb_cause cause, struct tcb_actions *actions)
{
	actions->error = (u8)error;
	tcb_set_state(tcb, STATE_CLOSED, cause, actions);
}

/* Text and FIN come again for want of an ACK. */
static bool comes_again(const struct segment *seg)
{
	return (seg->text_len || (seg->flags & SEG_FIN)) &&
	       !(seg->flags & (SEG_SYN | SEG_RST));
}

/*
 * Tell the peer where we are, in reply to a segment that is out of place. What
 * comes again for want of an ACK always gets one, the others not too often.
 */
static void answer(struct tcb *tcb, const struct segment *seg,
		   const struct tcb_env *env)
{
	if (!comes_again(seg)) {
		if (env->now - tcb->challenged_at <
		    env->params->challenge_interval)
			return;
		tcb->challenged_at = env->now;
	}
	tcb->flags |= TCB_ACK_NOW;
}

/* The same where RFC 5961 calls it a challenge: it may be a forged segment. */
static void challenge(struct tcb *tcb, const struct segment *seg,
		      const struct tcb_env *env, struct tcb_actions *actions)
{
	if (!comes_again(seg) && !env->challenges_left)
		return;
	answer(tcb, seg, env);
	actions->challenged = !comes_again(seg) &&
			      (tcb->flags & TCB_ACK_NOW);
}

static u32 scaled_window(const struct tcb *tcb, const struct segment *seg)
{
	/* RFC 7323, 2.2: the window in a SYN is never scaled. */
	if (!(tcb->flags & TCB_WSCALE_OK) || (seg->flags & SEG_SYN))
		return seg->window;
	return (u32)seg->window << tcb->snd_wscale;
}

static void set_send_window(struct tcb *tcb, struct tcb_conn *conn,
			    const struct segment *seg)
{
	tcb->snd_wnd = scaled_window(tcb, seg);
	if (!conn)
		return;
	conn->snd_wl1 = seg->seq;
	conn->snd_wl2 = seg->ack;
	conn->max_snd_wnd = max_u32(conn->max_snd_wnd, tcb->snd_wnd);
	if (tcb->snd_wnd && tcb->timer == TIMER_PERSIST) {
		/* The window has opened: the octet of a probe goes again. */
		tcb_stop_timer(tcb);
		tcb->backoff = 0;
		tcb_retransmit(conn, tcb->snd_una, tcb->snd_nxt);
	}
}

static u16 peer_mss(const struct segment *syn)
{
	return syn->mss ? syn->mss : TCB_MSS_DEFAULT;	/* MUST-15 */
}

/* What the peer's SYN says of it: where it starts, and its options. */
static void learn_from_syn(struct tcb *tcb, const struct segment *seg,
			   u32 path_mss)
{
	u16 both = 0;

	if (seg->has_wscale)
		both |= TCB_WSCALE_OK;
	if (seg->has_ts)
		both |= TCB_TS_OK;
	if (seg->sack_ok)
		both |= TCB_SACK_OK;
	tcb->flags &= (u16)(both | ~TCB_OPTIONS);

	tcb->irs = seg->seq;
	tcb->rcv_nxt = seg->seq + 1;
	tcb->snd_wscale = seg->wscale & 0xf;
	tcb->ts_recent = seg->tsval;
	tcb_set_mss(tcb, peer_mss(seg), path_mss);
}

static void established(struct tcb *tcb, struct tcb_conn *conn,
			const struct tcb_env *env, enum tcb_cause cause,
			struct tcb_actions *actions)
{
	bool syn_lost = tcb->retries > 0;

	tcb_set_state(tcb, STATE_ESTABLISHED, cause, actions);
	actions->tell |= TELL_CONNECTED | TELL_WRITABLE;
	if (syn_lost) {
		/*
		 * RFC 6298, (5.7), unless timestamps tell which SYN was
		 * answered: then the round trip is known, as in Linux.
		 */
		tcb->backoff = 0;
		conn->rtt.rto = max_u32(conn->rtt.rto, TCB_RTO_AFTER_LOST_SYN);
	}
	tcb_begin_congestion(tcb, conn, syn_lost);
	conn->ack_sent = tcb->rcv_nxt;
	conn->ts_recent_at = env->now;
	conn->heard_at = env->now;
}

/* Take the acknowledgment of everything before SEG.ACK. */
static void advance_snd_una(struct tcb *tcb, struct tcb_conn *conn,
			    const struct segment *seg,
			    const struct tcb_env *env,
			    struct tcb_actions *actions)
{
	u32 acked = seg->ack - tcb->snd_una;
	u32 measured;

	if (!(tcb->flags & TCB_SYN_ACKED)) {
		tcb->flags |= TCB_SYN_ACKED;
		acked--;
	}
	tcb->snd_una = seg->ack;
	tcb->retries = 0;
	conn->waiting_since = env->now;
	actions->tell |= TELL_WRITABLE;

	if (conn->timing && !seq_before(seg->ack, conn->timed_seq)) {
		conn->timing = false;
		/* RFC 6298, 5: only a measurement ends the backing off. */
		if (tcb_round_trip(tcb, conn, seg, env, &measured)) {
			tcb->backoff = 0;
			rtt_sample(&conn->rtt, measured);
		}
	}
	tcb_recovery_acked(tcb, conn, acked);

	/* RFC 6298, (5.2) and (5.3) */
	if (tcb->snd_una == tcb->snd_nxt)
		tcb_stop_timer(tcb);
	else if (tcb->timer == TIMER_RETRANSMIT)
		tcb_start_timer(tcb, TIMER_RETRANSMIT, env->now,
				tcb_rto(tcb, conn, env->params));
}

static void enter_time_wait(struct tcb *tcb, enum tcb_cause cause,
			    const struct tcb_env *env,
			    struct tcb_actions *actions)
{
	tcb_set_state(tcb, STATE_TIME_WAIT, cause, actions);
	tcb_start_timer(tcb, TIMER_TIME_WAIT, env->now, env->params->time_wait);
}

void tcb_segment_without_connection(const struct segment *seg,
				    struct tcb_actions *actions)
{
	drop(actions, DROP_CLOSED);
	reset_in_reply(seg, actions);
}

bool tcb_segment_for_listener(const struct segment *seg,
			      struct tcb_actions *actions)
{
	/* First, check for a RST */
	if (seg->flags & SEG_RST)
		return drop(actions, DROP_LISTEN_RST);

	/* Second, check for an ACK */
	if (seg->flags & SEG_ACK) {
		reset_in_reply(seg, actions);
		return drop(actions, DROP_LISTEN_ACK);
	}

	/* Third, check for a SYN; fourth, other data or control */
	if (!(seg->flags & SEG_SYN))
		return drop(actions, DROP_LISTEN_OTHER);
	return true;
}

void tcb_open_request(struct tcb *tcb, const struct segment *seg,
		      const struct tcb_open *open, const struct tcb_env *env,
		      struct tcb_actions *actions)
{
	tcb_begin(tcb, STATE_LISTEN, 0, open, env);
	learn_from_syn(tcb, seg, open->path_mss);
	set_send_window(tcb, NULL, seg);
	tcb_set_state(tcb, STATE_SYN_RCVD, CAUSE_SYN, actions);
}

/* Seventh, process the segment text. */
static bool process_text(struct tcb *tcb, struct tcb_conn *conn,
			 const struct segment *seg, const struct tcb_env *env,
			 struct tcb_actions *actions)
{
	u32 start = seq_max(seg->seq, tcb->rcv_nxt);
	u32 end = seq_min(seg->seq + seg->text_len,
			  tcb->rcv_nxt + tcb->rcv_wnd);
	u32 rcv_nxt;
	bool filled_hole = false;

	if (!seg->text_len)
		return true;

	if (tcb->state != STATE_ESTABLISHED &&
	    tcb->state != STATE_FIN_WAIT_1 && tcb->state != STATE_FIN_WAIT_2) {
		drop(actions, DROP_TEXT_AFTER_FIN);
		return true;
	}
	if (conn->fin_held)
		end = seq_min(end, conn->fin_seq);
	if (!seq_before(start, end)) {
		tcb->flags |= TCB_ACK_NOW;
		drop(actions, tcb->rcv_wnd ? DROP_TEXT_DUPLICATE :
					     DROP_TEXT_NO_ROOM);
		return true;
	}
	if (tcb->flags & TCB_RCV_CLOSED) {
		/* SHLD-3: its sender must learn that it will not be read. */
		tcb_send_reset(tcb, env, actions);
		end_connection(tcb, ERROR_RESET, CAUSE_DATA_AFTER_CLOSE,
			       actions);
		return drop(actions, DROP_TEXT_AFTER_CLOSE);
	}

	if (env->no_room) {
		/* It is as good as lost, and so is a FIN after it. */
		tcb->flags |= TCB_ACK_NOW;
		return drop(actions, DROP_TEXT_NO_ROOM);
	}

	conn->rcv_segment = (u16)max_u32(conn->rcv_segment,
					 min_u32(end - start, tcb->rcv_mss));

	if (seq_after(start, tcb->rcv_nxt)) {
		/* Before its turn (SHLD-31): an ACK shows what is missing. */
		tcb->flags |= TCB_ACK_NOW;
		if (!conn->held) {
			drop(actions, DROP_TEXT_NO_ROOM);
			return true;
		}
		if (!ranges_add(conn->held, start, end)) {
			drop(actions, conn->held->count == RANGES_MAX ?
			     DROP_TEXT_NO_ROOM : DROP_TEXT_DUPLICATE);
			return true;
		}
	} else {
		rcv_nxt = end;
		if (conn->held && conn->held->count) {
			rcv_nxt = ranges_advance(conn->held, end);
			filled_hole = true;
		}
		tcb->rcv_wnd -= rcv_nxt - tcb->rcv_nxt;
		tcb->rcv_nxt = rcv_nxt;
		actions->tell |= TELL_READABLE;

		/* When to acknowledge: 3.8.6.3, SHLD-18 and SHLD-19 */
		if (conn->quick_acks || filled_hole ||
		    tcb->rcv_nxt - conn->ack_sent > conn->rcv_segment) {
			tcb->flags |= TCB_ACK_NOW;
		} else if (!conn->ack_pending) {
			conn->ack_pending = true;
			conn->ack_deadline = env->now +
					     env->params->delayed_ack;
		}
	}
	actions->keep_text = true;
	actions->text_seq = start;
	actions->text_offset = start - seg->seq;
	actions->text_len = end - start;
	return true;
}

/* A peer that contradicts itself: it has sent text from beyond its FIN. */
static bool holds_text_beyond(const struct tcb_conn *conn, u32 fin_seq)
{
	const struct ranges *held = conn->held;

	return held && held->count &&
	       seq_after(held->range[held->count - 1].end, fin_seq);
}

/* Eighth, check the FIN bit. */
static void process_fin(struct tcb *tcb, struct tcb_conn *conn,
			const struct segment *seg, const struct tcb_env *env,
			struct tcb_actions *actions)
{
	u32 fin_seq = seg->seq + seg->text_len;
	bool fin = seg->flags & SEG_FIN;

	if (tcb->state != STATE_ESTABLISHED &&
	    tcb->state != STATE_FIN_WAIT_1 && tcb->state != STATE_FIN_WAIT_2) {
		/* It is not the first one, but it is answered. */
		if (fin)
			tcb->flags |= TCB_ACK_NOW;
		return;
	}
	if (fin && !conn->fin_held &&
	    seq_in_window(fin_seq, tcb->rcv_nxt, tcb->rcv_wnd) &&
	    (fin_seq == tcb->rcv_nxt || !holds_text_beyond(conn, fin_seq))) {
		conn->fin_held = true;
		conn->fin_seq = fin_seq;
	}
	if (!conn->fin_held || conn->fin_seq != tcb->rcv_nxt) {
		/* Not before all that precedes it is here has it arrived. */
		if (fin)
			tcb->flags |= TCB_ACK_NOW;
		return;
	}

	switch (tcb->state) {
	case STATE_ESTABLISHED:
		tcb_set_state(tcb, STATE_CLOSE_WAIT, CAUSE_FIN, actions);
		/* Its ACK may wait for our own FIN and save a segment. */
		conn->ack_pending = true;
		conn->ack_deadline = env->now + env->params->delayed_ack;
		break;
	case STATE_FIN_WAIT_1:
		/* Our FIN has not been ACKed, or this were FIN-WAIT-2. */
		tcb_set_state(tcb, STATE_CLOSING, CAUSE_FIN, actions);
		tcb->flags |= TCB_ACK_NOW;
		break;
	default:	/* FIN-WAIT-2 */
		enter_time_wait(tcb, CAUSE_FIN, env, actions);
		tcb->flags |= TCB_ACK_NOW;
		break;
	}
	conn->fin_held = false;
	if (conn->held)
		conn->held->count = 0;
	tcb->rcv_nxt++;
	tcb->rcv_wnd -= min_u32(tcb->rcv_wnd, 1);
	actions->tell |= TELL_PEER_DONE;
}

/* 3.10.7.3. SYN-SENT STATE */
static void segment_in_syn_sent(struct tcb *tcb, struct tcb_conn *conn,
				const struct segment *seg,
				const struct tcb_env *env,
				struct tcb_actions *actions)
{
	struct segment rest = *seg;
	bool ack = seg->flags & SEG_ACK;

	/* First, check the ACK bit */
	if (ack && (!seq_after(seg->ack, tcb->iss) ||
		    seq_after(seg->ack, tcb->snd_nxt))) {
		reset_in_reply(seg, actions);
		drop(actions, DROP_SYN_SENT_ACK);
		return;
	}

	/* Second, check the RST bit */
	if (seg->flags & SEG_RST) {
		if (ack)
			end_connection(tcb, ERROR_REFUSED, CAUSE_RST, actions);
		else
			drop(actions, DROP_SYN_SENT_RST);
		return;
	}

	/* Fourth, check the SYN bit; fifth, neither SYN nor RST */
	if (!(seg->flags & SEG_SYN)) {
		drop(actions, DROP_SYN_SENT_OTHER);
		return;
	}

	learn_from_syn(tcb, seg, conn->peer_mss);
	conn->peer_mss = peer_mss(seg);
	set_send_window(tcb, conn, seg);

	if (!ack) {
		/* Simultaneous open. Text, if any, will come again. */
		tcb_set_state(tcb, STATE_SYN_RCVD, CAUSE_SYN, actions);
		tcb_repeat_syn(tcb);
		conn->timed_twice = true;
		return;
	}

	established(tcb, conn, env, CAUSE_SYN_ACK, actions);
	advance_snd_una(tcb, conn, seg, env, actions);
	tcb->flags |= TCB_ACK_NOW;

	/* "If there are other controls or text": on to the seventh step */
	rest.seq++;
	rest.flags &= (u8)~SEG_SYN;
	if (process_text(tcb, conn, &rest, env, actions))
		process_fin(tcb, conn, &rest, env, actions);
}

/*
 * Table 6: Segment Acceptability Tests
 *
 * RFC: an empty segment at the very end of the window is not acceptable. Linux:
 * it is. Here: as Linux, for that is where a peer's ACKs stand when it has
 * filled the window; were both to do so and lose a segment each, no ACK would
 * ever be heard again (see A.2). A RST is not believed there.
 */
static bool acceptable(const struct tcb *tcb, const struct segment *seg)
{
	u32 len = segment_len(seg);
	u32 end = tcb->rcv_nxt + tcb->rcv_wnd;

	if (tcb->rcv_wnd == 0)
		return len == 0 && seg->seq == tcb->rcv_nxt;
	if (seq_in_window(seg->seq, tcb->rcv_nxt, tcb->rcv_wnd))
		return true;
	/* A SYN or a RST stands at SEG.SEQ, text does not bring it nearer. */
	if (seg->flags & (SEG_SYN | SEG_RST))
		return false;
	if (len == 0)
		return seg->seq == end;
	return seq_in_window(seg->seq + len - 1, tcb->rcv_nxt, tcb->rcv_wnd);
}

/* First, check sequence number. May trim @seg. */
static bool check_sequence(struct tcb *tcb, struct tcb_conn *conn,
			   struct segment *seg, const struct tcb_env *env,
			   struct tcb_actions *actions)
{
	if (tcb->state == STATE_SYN_RCVD && (seg->flags & SEG_SYN) &&
	    !(seg->flags & SEG_RST) && seg->seq == tcb->irs) {
		if (!(seg->flags & SEG_ACK)) {
			/*
			 * The peer's SYN once more. RFC: answer it with an
			 * ACK. Linux: with the SYN,ACK, which may have been
			 * lost. Here: as Linux; it says all that an ACK says.
			 */
			tcb_repeat_syn(tcb);
			return drop(actions, DROP_SEQUENCE);
		}
		if (tcb->flags & TCB_ACTIVE) {
			/*
			 * Simultaneous open, figure 8: of the peer's SYN,ACK
			 * the SYN is old and the ACK is new. Trim the SYN.
			 */
			seg->flags &= (u8)~SEG_SYN;
			seg->seq++;
			/* Its window is not scaled; from here on it would be. */
			if (tcb->flags & TCB_WSCALE_OK)
				seg->window >>= tcb->snd_wscale;
		}
	}

	if (tcb_timestamp_is_old(tcb, conn, seg, env)) {
		answer(tcb, seg, env);
		return drop(actions, DROP_PAWS);
	}
	if (acceptable(tcb, seg))
		return true;

	if (tcb->rcv_wnd == 0 && seg->seq == tcb->rcv_nxt &&
	    (seg->flags & (SEG_SYN | SEG_RST)) != SEG_SYN) {
		/*
		 * "Special allowance should be made to accept valid ACKs, URGs,
		 * and RSTs" (MUST-66): only its text and FIN find no room.
		 */
		if (!(seg->flags & SEG_RST))
			tcb->flags |= TCB_ACK_NOW;
		return true;
	}

	if (!(seg->flags & SEG_RST)) {
		if (seg->flags & SEG_SYN)	/* RFC 5961, 4.2 */
			challenge(tcb, seg, env, actions);
		else
			answer(tcb, seg, env);
		/* The last ACK was lost and the FIN comes again (MUST-13). */
		if (tcb->state == STATE_TIME_WAIT && (seg->flags & SEG_FIN) &&
		    seg->seq + segment_len(seg) == tcb->rcv_nxt)
			tcb_start_timer(tcb, TIMER_TIME_WAIT, env->now,
					env->params->time_wait);
	}
	return drop(actions, DROP_SEQUENCE);
}

/* Second, check the RST bit. */
static bool check_rst(struct tcb *tcb, const struct segment *seg,
		      const struct tcb_env *env, struct tcb_actions *actions)
{
	if (!(seg->flags & SEG_RST))
		return true;

	/* RFC 5961, 3.2: only the exact sequence number is believed. */
	if (env->params->challenge_rst && seg->seq != tcb->rcv_nxt) {
		challenge(tcb, seg, env, actions);
		return drop(actions, DROP_RST_CHALLENGED);
	}

	switch (tcb->state) {
	case STATE_SYN_RCVD:
		if (tcb->flags & TCB_ACTIVE)
			end_connection(tcb, ERROR_REFUSED, CAUSE_RST, actions);
		else
			tcb_set_state(tcb, STATE_LISTEN, CAUSE_RST, actions);
		break;
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		end_connection(tcb, ERROR_NONE, CAUSE_RST, actions);
		break;
	case STATE_TIME_WAIT:
		/* RFC 1337: it may be an old one; let TIME-WAIT run out. */
		if (env->params->protect_time_wait)
			return drop(actions, DROP_RST_TIME_WAIT);
		end_connection(tcb, ERROR_NONE, CAUSE_RST, actions);
		break;
	default:
		end_connection(tcb, ERROR_RESET, CAUSE_RST, actions);
		break;
	}
	return false;
}

/* Fourth, check the SYN bit. */
static bool check_syn(struct tcb *tcb, const struct segment *seg,
		      const struct tcb_env *env, struct tcb_actions *actions)
{
	if (!(seg->flags & SEG_SYN))
		return true;

	if (tcb->state == STATE_SYN_RCVD && !(tcb->flags & TCB_ACTIVE)) {
		tcb_set_state(tcb, STATE_LISTEN, CAUSE_SYN, actions);
		return false;
	}
	if (!env->params->challenge_syn) {
		/* RFC 793: "it is an error, send a reset" */
		reset_in_reply(seg, actions);
		end_connection(tcb, ERROR_RESET, CAUSE_SYN_IN_WINDOW, actions);
		return false;
	}
	challenge(tcb, seg, env, actions);		/* RFC 5961, 4.2 */
	return drop(actions, DROP_SYN_CHALLENGED);
}

/*
 * RFC 5681, 2: an ACK that says nothing but that something else has arrived.
 * Where there is a scoreboard, its news say so better.
 */
static bool is_duplicate_ack(const struct tcb *tcb, const struct tcb_conn *conn,
			     const struct segment *seg)
{
	return seg->ack == tcb->snd_una && tcb->snd_una != tcb->snd_nxt &&
	       !segment_len(seg) && tcb->snd_wnd &&
	       scaled_window(tcb, seg) == tcb->snd_wnd &&
	       !((tcb->flags & TCB_SACK_OK) && conn->sacked);
}

/* Does it acknowledge what a peer can have seen? */
static bool ack_is_acceptable(struct tcb *tcb, const struct tcb_conn *conn,
			      const struct segment *seg,
			      const struct tcb_env *env,
			      struct tcb_actions *actions)
{
	u32 max_window = conn ? conn->max_snd_wnd : MAX_WINDOW;

	/* SYN-RECEIVED; and FIN-WAIT-1, if CLOSE was called in it. */
	if (!(tcb->flags & TCB_SYN_ACKED)) {
		if (seq_after(seg->ack, tcb->snd_una) &&
		    !seq_after(seg->ack, tcb->snd_nxt))
			return true;
		tcb->flags &= (u16)~TCB_ACK_NOW;	/* one answer */
		reset_in_reply(seg, actions);
		return drop(actions, DROP_ACK_SYN_RCVD);
	}

	if (seq_after(seg->ack, tcb->snd_nxt)) {
		challenge(tcb, seg, env, actions);
		return drop(actions, DROP_ACK_FUTURE);
	}
	/* RFC 5961, 5.2: blind data injection */
	if (env->params->challenge_ack &&
	    seq_before(seg->ack, tcb->snd_una - max_window)) {
		challenge(tcb, seg, env, actions);
		return drop(actions, DROP_ACK_OLD);
	}
	return true;
}

/* Fifth, check the ACK field: the part that is alike in most states. */
static void take_ack(struct tcb *tcb, struct tcb_conn *conn,
		     const struct segment *seg, const struct tcb_env *env,
		     struct tcb_actions *actions)
{
	bool duplicate;

	/* Now that it is believed, and not before: its timestamp. */
	tcb_note_timestamp(tcb, conn, seg, env);
	conn->heard_at = env->now;
	conn->keep_probes = 0;

	/*
	 * It answers our probes: the connection stays open (MUST-37), unless
	 * its user is gone. Then patience is bounded (RFC 6429).
	 */
	if (tcb->timer == TIMER_PERSIST && !(tcb->flags & TCB_RCV_CLOSED)) {
		tcb->retries = 0;
		conn->waiting_since = env->now;
	}
	duplicate = tcb_recovery_sacked(tcb, conn, seg) ||
		    is_duplicate_ack(tcb, conn, seg);
	if (seq_after(seg->ack, tcb->snd_una))
		advance_snd_una(tcb, conn, seg, env, actions);
	if (duplicate)
		tcb_recovery_duplicate_ack(tcb, conn);

	/* An old segment must not bring back an old window. */
	if (!seq_before(seg->ack, tcb->snd_una) &&
	    (seq_before(conn->snd_wl1, seg->seq) ||
	     (conn->snd_wl1 == seg->seq &&
	      !seq_after(conn->snd_wl2, seg->ack))))
		set_send_window(tcb, conn, seg);
}

/* Fifth, check the ACK field. */
static bool check_ack(struct tcb *tcb, struct tcb_conn *conn,
		      const struct segment *seg, const struct tcb_env *env,
		      struct tcb_actions *actions)
{
	if (!(seg->flags & SEG_ACK))
		return drop(actions, DROP_NO_ACK);

	if (!ack_is_acceptable(tcb, conn, seg, env, actions))
		return false;

	if (tcb->state == STATE_SYN_RCVD) {
		if (!conn) {
			/* The socket will see this segment, not the request. */
			actions->verdict = VERDICT_ACCEPT;
			return false;
		}
		established(tcb, conn, env, CAUSE_ACK_OF_SYN, actions);
		tcb_note_timestamp(tcb, conn, seg, env);
		set_send_window(tcb, conn, seg);
		advance_snd_una(tcb, conn, seg, env, actions);
		if (tcb->flags & TCB_FIN_QUEUED)
			tcb_set_state(tcb, STATE_FIN_WAIT_1, CAUSE_CLOSE,
				      actions);
		return true;
	}
	if (tcb->state == STATE_TIME_WAIT) {
		/* What can arrive is the peer's FIN: acknowledge, restart. */
		if ((seg->flags & SEG_FIN) && tcb->rcv_wnd) {
			tcb->flags |= TCB_ACK_NOW;
			tcb_start_timer(tcb, TIMER_TIME_WAIT, env->now,
					env->params->time_wait);
		}
		return false;
	}

	take_ack(tcb, conn, seg, env, actions);
	if (!tcb_fin_acked(tcb))
		return tcb->state != STATE_CLOSING;

	switch (tcb->state) {
	case STATE_FIN_WAIT_1:
		tcb_set_state(tcb, STATE_FIN_WAIT_2, CAUSE_ACK_OF_FIN, actions);
		if (tcb->flags & TCB_RCV_CLOSED)
			tcb_start_timer(tcb, TIMER_FIN_WAIT_2, env->now,
					env->params->fin_wait_2);
		return true;
	case STATE_CLOSING:
		enter_time_wait(tcb, CAUSE_ACK_OF_FIN, env, actions);
		return true;
	case STATE_LAST_ACK:
		end_connection(tcb, ERROR_NONE, CAUSE_ACK_OF_FIN, actions);
		return false;
	default:
		return true;
	}
}

/*
 * May this SYN open a new incarnation of a connection in TIME-WAIT? (MAY-2)
 * Only if nothing of the old one can be taken for a part of it: by the peer's
 * clock (RFC 6191, 2), or else by its sequence number.
 */
static bool reopens(const struct tcb *tcb, const struct segment *seg,
		    const struct tcb_env *env)
{
	if (tcb->state != STATE_TIME_WAIT || !env->listening ||
	    (seg->flags & (SEG_SYN | SEG_ACK | SEG_RST)) != SEG_SYN)
		return false;
	if ((tcb->flags & TCB_TS_OK) && seg->has_ts &&
	    seg->tsval != tcb->ts_recent)
		return seq_after(seg->tsval, tcb->ts_recent);
	return seq_after(seg->seq, tcb->rcv_nxt);
}

/*
 * MUST-13: our own initial number has to be beyond the old ones, too. A clock
 * gives it, which a fast connection may have outrun.
 */
static u32 reopen_iss(const struct tcb *tcb, const struct tcb_env *env)
{
	return seq_after(env->iss, tcb->snd_nxt) ? env->iss :
						   tcb->snd_nxt + 65537;
}

void tcb_segment_arrives(struct tcb *tcb, struct tcb_conn *conn,
			 const struct segment *arrived,
			 const struct tcb_env *env, struct tcb_actions *actions)
{
	struct segment seg = *arrived;

	if (tcb->state == STATE_CLOSED || core_bug_on(!tcb->state)) {
		tcb_segment_without_connection(&seg, actions);
		return;
	}
	if (tcb->state == STATE_SYN_SENT) {
		segment_in_syn_sent(tcb, conn, &seg, env, actions);
		return;
	}
	if (reopens(tcb, &seg, env)) {
		tcb_set_state(tcb, STATE_CLOSED, CAUSE_NEW_SYN, actions);
		actions->verdict = VERDICT_REOPEN;
		actions->reopen_iss = reopen_iss(tcb, env);
		return;
	}

	/* 3.10.7.4. Other States */
	if (check_sequence(tcb, conn, &seg, env, actions) &&
	    check_rst(tcb, &seg, env, actions) &&
	    check_syn(tcb, &seg, env, actions) &&
	    check_ack(tcb, conn, &seg, env, actions) &&
	    process_text(tcb, conn, &seg, env, actions))
		process_fin(tcb, conn, &seg, env, actions);
}
