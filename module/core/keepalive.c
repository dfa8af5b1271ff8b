// SPDX-License-Identifier: GPL-2.0
/*
 * Keep-alives (RFC 9293, 3.8.4): after a long silence a segment is sent that
 * the peer must answer. It bears a sequence number that the peer has already
 * acknowledged, and no text (SHLD-12).
 */

#include "internal.h"

static u32 setting(u32 own, u32 general)
{
	return own ? own : general;
}

static bool is_synchronized(const struct tcb *tcb)
{
	switch (tcb->state) {
	case STATE_ESTABLISHED:
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSE_WAIT:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		return true;
	default:
		return false;
	}
}

bool tcb_keepalive_deadline(const struct tcb *tcb, const struct tcb_conn *conn,
			    const struct tcb_params *params, u32 *deadline)
{
	/* MUST-26: what is outstanding is retransmitted, which asks as well. */
	if (!conn->settings.keepalive || !is_synchronized(tcb) ||
	    tcb->timer == TIMER_RETRANSMIT || tcb->timer == TIMER_PERSIST)
		return false;

	if (conn->keep_probes)
		*deadline = conn->probed_at +
			    setting(conn->settings.keep_interval,
				    params->keep_interval);
	else
		*deadline = conn->heard_at +
			    setting(conn->settings.keep_idle,
				    params->keep_idle);
	return true;
}

/* Not for the silence of one probe, which may have been lost (MUST-29). */
static bool give_up(const struct tcb_conn *conn, const struct tcb_env *env)
{
	u32 user_timeout = conn->settings.user_timeout;

	if (!conn->keep_probes)
		return false;
	if (user_timeout)
		return env->now - conn->heard_at >= user_timeout;
	return conn->keep_probes >= setting(conn->settings.keep_count,
					    env->params->keep_count);
}

void tcb_keepalive_timeout(struct tcb *tcb, struct tcb_conn *conn,
			   const struct tcb_env *env,
			   struct tcb_actions *actions)
{
	if (give_up(conn, env)) {
		tcb_send_reset(tcb, env, actions);
		actions->error = ERROR_TIMED_OUT;
		tcb_set_state(tcb, STATE_CLOSED, CAUSE_KEEPALIVE, actions);
		return;
	}
	if (conn->keep_probes < 255)
		conn->keep_probes++;
	conn->probed_at = env->now;
	tcb->flags |= TCB_KEEP_PROBE;
}
