// SPDX-License-Identifier: GPL-2.0
/* What the user asks for: OPEN, SEND, RECEIVE, CLOSE, ABORT (3.10.1 - 3.10.5). */

#include "internal.h"

void tcb_set_state(struct tcb *tcb, enum tcb_state to, enum tcb_cause cause,
		   struct tcb_actions *actions)
{
	core_bug_on(!tcb_move_is_legal(tcb->state, to));

	if (!core_bug_on(actions->move_count == TCB_MOVES_MAX))
		actions->moves[actions->move_count++] = (struct tcb_move) {
			.from = tcb->state,
			.to = (u8)to,
			.cause = (u8)cause,
		};
	tcb->state = (u8)to;
	if (to == STATE_CLOSED || to == STATE_LISTEN)
		tcb_stop_timer(tcb);
}

static u16 offered(const struct tcb_params *params)
{
	return (params->window_scaling ? TCB_WSCALE_OK : 0) |
	       (params->timestamps ? TCB_TS_OK : 0) |
	       (params->sack ? TCB_SACK_OK : 0);
}

void tcb_begin(struct tcb *tcb, enum tcb_state from, u16 flags,
	       const struct tcb_open *open, const struct tcb_env *env)
{
	*tcb = (struct tcb) {
		.state = (u8)from,
		.flags = flags | TCB_SYN_DUE | offered(env->params),
		.rcv_wscale = open->wscale & 0xf,
		/* So far nothing is known of the peer: the default. */
		.snd_mss = (u16)min_u32(open->path_mss, TCB_MSS_DEFAULT),
		.rcv_mss = open->mss,
		.iss = open->iss,
		.snd_una = open->iss,
		.snd_nxt = open->iss + 1,
		.snd_end = open->iss + 1,
		.rcv_wnd = min_u32(open->window, 65535),
		.opened_at = env->now,
		.challenged_at = env->now - env->params->challenge_interval,
	};
}

void tcb_listen(struct tcb *tcb, const struct tcb_env *env,
		struct tcb_actions *actions)
{
	*tcb = (struct tcb) {
		.state = STATE_CLOSED,
		.flags = tcb->flags & TCB_NODELAY,
		.opened_at = env->now,
	};
	tcb_set_state(tcb, STATE_LISTEN, CAUSE_PASSIVE_OPEN, actions);
}

void tcb_connect(struct tcb *tcb, struct tcb_conn *conn,
		 const struct tcb_open *open, const struct tcb_env *env,
		 struct tcb_actions *actions)
{
	tcb_begin(tcb, STATE_CLOSED,
		  (tcb->flags & (TCB_NODELAY | TCB_CORKED)) | TCB_ACTIVE, open,
		  env);
	tcb_conn_init(conn, tcb, env);
	conn->peer_mss = open->path_mss;
	tcb_set_state(tcb, STATE_SYN_SENT, CAUSE_ACTIVE_OPEN, actions);
}

void tcb_conn_init(struct tcb_conn *conn, const struct tcb *tcb,
		   const struct tcb_env *env)
{
	*conn = (struct tcb_conn) {
		.settings = conn->settings,
		.snd_wl1 = tcb->irs,
		.snd_wl2 = tcb->iss,
		.peer_mss = tcb->snd_mss + (tcb->flags & TCB_TS_OK ?
					    SEG_TIMESTAMPS_LEN : 0),
		.max_snd_wnd = tcb->snd_wnd,
		.rtx_nxt = tcb->snd_una,
		.rtx_end = tcb->snd_una,
		.recover = tcb->snd_una,
		.small_end = tcb->snd_una,
		.ack_sent = tcb->rcv_nxt,
		.rcv_segment = (u16)min_u32(tcb->rcv_mss, TCB_MSS_DEFAULT),
		.quick_acks = TCB_QUICK_ACKS,
		.waiting_since = env->now,
		.heard_at = env->now,
		.ts_recent_at = env->now,
		/* The handshake is the first round trip: see snd_una pass iss. */
		.timing = true,
		.timed_twice = tcb->flags & TCB_SYN_AGAIN,
		.timed_seq = tcb->iss + 1,
		.timed_at = tcb->opened_at,
	};
	rtt_init(&conn->rtt, env->params->rto_initial);
	tcb_begin_congestion(tcb, conn, tcb->retries > 0);
}

void tcb_send(struct tcb *tcb, u32 octets)
{
	tcb->snd_end += octets;
}

void tcb_receive(struct tcb *tcb, const struct tcb_env *env)
{
	u32 window;

	/* After the peer's FIN nothing more will come: no window needed. */
	if (tcb->state != STATE_ESTABLISHED &&
	    tcb->state != STATE_FIN_WAIT_1 && tcb->state != STATE_FIN_WAIT_2)
		return;

	/*
	 * RFC: tell the peer once the window has grown by min(buffer / 2, MSS),
	 * 3.8.6.2.2, see tcb_select_window(). Linux: and if it has doubled.
	 * Here: as Linux, or a busy reader would send an ACK for every read.
	 */
	window = tcb_select_window(tcb, env);
	if (window > tcb->rcv_wnd && window / 2 >= tcb->rcv_wnd)
		tcb->flags |= TCB_ACK_NOW;
}

void tcb_close(struct tcb *tcb, struct tcb_actions *actions)
{
	switch (tcb->state) {
	case STATE_LISTEN:
	case STATE_SYN_SENT:
		tcb_set_state(tcb, STATE_CLOSED, CAUSE_CLOSE, actions);
		break;
	case STATE_SYN_RCVD:
		/* With data queued: wait for ESTABLISHED, then close. */
		tcb->flags |= TCB_FIN_QUEUED;
		if (tcb->snd_end == tcb->iss + 1)
			tcb_set_state(tcb, STATE_FIN_WAIT_1, CAUSE_CLOSE,
				      actions);
		break;
	case STATE_ESTABLISHED:
		tcb->flags |= TCB_FIN_QUEUED;
		tcb_set_state(tcb, STATE_FIN_WAIT_1, CAUSE_CLOSE, actions);
		break;
	case STATE_CLOSE_WAIT:
		/*
		 * RFC: LAST-ACK is entered when the FIN is sent. Linux: at once.
		 * Here: at once; the FIN follows all data that is queued.
		 */
		tcb->flags |= TCB_FIN_QUEUED;
		tcb_set_state(tcb, STATE_LAST_ACK, CAUSE_CLOSE, actions);
		break;
	default:
		break;	/* "connection closing": a second FIN is never sent */
	}
}

void tcb_stop_receiving(struct tcb *tcb, const struct tcb_env *env)
{
	tcb->flags |= TCB_RCV_CLOSED;
	if (tcb->state == STATE_FIN_WAIT_2 && tcb->timer == TIMER_NONE)
		tcb_start_timer(tcb, TIMER_FIN_WAIT_2, env->now,
				env->params->fin_wait_2);
}

void tcb_abort(struct tcb *tcb, const struct tcb_env *env,
	       struct tcb_actions *actions)
{
	switch (tcb->state) {
	case STATE_CLOSED:
		return;
	case STATE_SYN_RCVD:
	case STATE_ESTABLISHED:
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSE_WAIT:
		tcb_send_reset(tcb, env, actions);
		break;
	default:
		break;
	}
	tcb_set_state(tcb, STATE_CLOSED, CAUSE_ABORT, actions);
}

void tcb_set_path_mss(struct tcb *tcb, struct tcb_conn *conn, u16 path_mss)
{
	tcb_set_mss(tcb, conn->peer_mss, path_mss);
}
