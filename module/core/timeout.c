// SPDX-License-Identifier: GPL-2.0
/* Timeouts (RFC 9293, 3.10.8; RFC 6298, 5). */

#include "tcb.h"

#define BACKOFF_MAX 16	/* 2^16 times any timeout is beyond every bound */

u32 tcb_rto(const struct tcb *tcb, const struct tcb_conn *conn,
	    const struct tcb_params *params)
{
	u64 rto = max_u32(conn ? conn->rtt.rto : params->rto_initial,
			  params->rto_min);

	rto <<= tcb->backoff;
	return rto < params->rto_max ? (u32)rto : params->rto_max;
}

bool tcb_next_deadline(const struct tcb *tcb, const struct tcb_conn *conn,
		       u32 *deadline)
{
	bool main_timer = tcb->timer != TIMER_NONE;

	if (tcb->state == STATE_CLOSED)
		return false;
	if (conn && conn->ack_pending) {
		*deadline = main_timer ?
			seq_min(tcb->deadline, conn->ack_deadline) :
			conn->ack_deadline;
		return true;
	}
	*deadline = tcb->deadline;
	return main_timer;
}

/* R2 (MUST-20, MUST-23): so many retransmissions, then give up. */
static unsigned int retry_limit(const struct tcb *tcb,
				const struct tcb_params *params)
{
	if (tcb->state == STATE_SYN_SENT ||
	    (tcb->state == STATE_SYN_RCVD && (tcb->flags & TCB_ACTIVE)))
		return params->syn_retries;
	if (tcb->state == STATE_SYN_RCVD)
		return params->synack_retries;
	if (tcb->flags & TCB_RCV_CLOSED)
		return params->orphan_retries;
	return params->data_retries;
}

/* RETRANSMISSION TIMEOUT, and its cousin for a window that stays shut. */
static void retransmission_timeout(struct tcb *tcb, struct tcb_conn *conn,
				   const struct tcb_env *env,
				   struct tcb_actions *actions)
{
	if (tcb->retries >= retry_limit(tcb, env->params)) {
		actions->error = ERROR_TIMED_OUT;
		tcb_set_state(tcb, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED,
			      actions);
		return;
	}
	tcb->retries++;
	tcb->backoff = (u8)min_u32(tcb->backoff + 1, BACKOFF_MAX);

	if (tcb->snd_una == tcb->iss) {
		tcb->flags |= TCB_SYN_DUE;
		if (conn)
			conn->timing = false;
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
