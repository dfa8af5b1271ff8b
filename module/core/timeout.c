// SPDX-License-Identifier: GPL-2.0
/* Timeouts (RFC 9293, 3.10.8; RFC 6298, 5). */

#include "internal.h"

#define BACKOFF_MAX 16	/* 2^16 times any timeout is beyond every bound */
#define RETRIES_MAX 255	/* tcb.retries counts no further */
#define NO_LIMIT (RETRIES_MAX + 1)

u32 tcb_rto(const struct tcb *tcb, const struct tcb_conn *conn,
	    const struct tcb_params *params)
{
	u64 rto = max_u32(conn ? conn->rtt.rto : params->rto_initial,
			  params->rto_min);

	rto <<= tcb->backoff;
	return rto < params->rto_max ? (u32)rto : params->rto_max;
}

/* USER TIMEOUT: does it run, and when does it expire? */
static bool user_timeout_deadline(const struct tcb *tcb,
				  const struct tcb_conn *conn, u32 *deadline)
{
	*deadline = conn->waiting_since + conn->settings.user_timeout;
	return conn->settings.user_timeout &&
	       (tcb->timer == TIMER_RETRANSMIT || tcb->timer == TIMER_PERSIST);
}

bool tcb_next_deadline(const struct tcb *tcb, const struct tcb_conn *conn,
		       const struct tcb_params *params, u32 *deadline)
{
	bool running = tcb->timer != TIMER_NONE;
	u32 other;

	if (tcb->state == STATE_CLOSED || tcb->state == STATE_LISTEN)
		return false;
	*deadline = tcb->deadline;
	if (!conn)
		return running;
	if (conn->ack_pending) {
		*deadline = running ? seq_min(*deadline, conn->ack_deadline) :
				      conn->ack_deadline;
		running = true;
	}
	if (user_timeout_deadline(tcb, conn, &other) ||
	    tcb_keepalive_deadline(tcb, conn, params, &other)) {
		*deadline = running ? seq_min(*deadline, other) : other;
		running = true;
	}
	return running;
}

/* R2 (MUST-20, MUST-23): so many retransmissions, then give up. */
static unsigned int retry_limit(const struct tcb *tcb,
				const struct tcb_conn *conn,
				const struct tcb_params *params)
{
	if (tcb->state == STATE_SYN_SENT ||
	    (tcb->state == STATE_SYN_RCVD && (tcb->flags & TCB_ACTIVE)))
		return conn->settings.syn_retries ?
		       conn->settings.syn_retries : params->syn_retries;
	if (tcb->state == STATE_SYN_RCVD)
		return params->synack_retries;
	if (tcb->flags & TCB_RCV_CLOSED)
		return params->orphan_retries;
	/* MUST-21: for its data the user has set R2 by a time instead. */
	if (conn->settings.user_timeout)
		return NO_LIMIT;
	return params->data_retries;
}

/* RETRANSMISSION TIMEOUT, and its cousin for a window that stays shut. */
static void retransmission_timeout(struct tcb *tcb, struct tcb_conn *conn,
				   const struct tcb_env *env,
				   struct tcb_actions *actions)
{
	if (tcb->retries >= retry_limit(tcb, conn, env->params)) {
		actions->error = ERROR_TIMED_OUT;
		tcb_set_state(tcb, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED,
			      actions);
		return;
	}
	if (tcb->retries < RETRIES_MAX) {
		tcb->retries++;
		if (tcb->retries == env->params->r1_retries)
			actions->tell |= TELL_NO_ANSWER;
	}
	tcb->backoff = (u8)min_u32(tcb->backoff + 1, BACKOFF_MAX);

	if (!(tcb->flags & TCB_SYN_ACKED)) {
		tcb_repeat_syn(tcb);
		if (conn)
			conn->timed_twice = true;
	} else if (tcb->snd_wnd == 0) {
		tcb->flags |= TCB_PROBE;
		tcb->timer = TIMER_PERSIST;
	} else if (tcb->timer == TIMER_PERSIST) {
		tcb->flags |= TCB_PROBE;
	} else {
		tcb_recovery_timeout(tcb, conn);
	}
	/* RFC 6298, (5.6) */
	tcb_start_timer(tcb, tcb->timer, env->now,
			tcb_rto(tcb, conn, env->params));
}

void tcb_timeout(struct tcb *tcb, struct tcb_conn *conn,
		 const struct tcb_env *env, struct tcb_actions *actions)
{
	u32 deadline;

	if (conn && user_timeout_deadline(tcb, conn, &deadline) &&
	    time_reached(env->now, deadline)) {
		actions->error = ERROR_TIMED_OUT;
		tcb_set_state(tcb, STATE_CLOSED, CAUSE_USER_TIMEOUT, actions);
		return;
	}
	if (conn && tcb_keepalive_deadline(tcb, conn, env->params, &deadline) &&
	    time_reached(env->now, deadline)) {
		tcb_keepalive_timeout(tcb, conn, env, actions);
		if (tcb->state == STATE_CLOSED)
			return;
	}
	if (conn && conn->ack_pending &&
	    time_reached(env->now, conn->ack_deadline)) {
		conn->ack_pending = false;
		tcb->flags |= TCB_ACK_NOW;
	}

	if (!time_reached(env->now, tcb->deadline))
		return;

	switch (tcb->timer) {
	case TIMER_RETRANSMIT:
	case TIMER_PERSIST:
		retransmission_timeout(tcb, conn, env, actions);
		break;
	case TIMER_FIN_WAIT_2:
		tcb_set_state(tcb, STATE_CLOSED, CAUSE_FIN_WAIT_2_TIMEOUT,
			      actions);
		break;
	case TIMER_TIME_WAIT:
		tcb_set_state(tcb, STATE_CLOSED, CAUSE_TIME_WAIT_TIMEOUT,
			      actions);
		break;
	default:
		break;
	}
}
