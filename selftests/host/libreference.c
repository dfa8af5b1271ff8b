// SPDX-License-Identifier: GPL-2.0
/* The reference: user calls and timeouts. See libreference.h. */

#include "libreference_internal.h"

const char *ref_state_name(enum ref_state state)
{
	static const char * const names[REF_STATES] = {
		"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED",
		"FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK",
		"TIME-WAIT",
	};

	return names[state];
}

/* -------------------------------------------------- 3.10.1 to 3.10.6: calls */

static void call_open(struct ref_conn *c, bool active,
		      const struct ref_world *world, struct ref_answer *answer)
{
	ref_rule(answer, "3.10.1");
	if (c->state != REF_CLOSED) {
		/* Choice 1: not even in LISTEN. */
		answer->result = REF_EXISTS;
		return;
	}
	if (!active) {
		ref_enter(c, REF_LISTEN, answer);
		return;
	}
	ref_choose_iss(c, world);
	ref_reply(answer, REF_SYN);
	ref_enter(c, REF_SYN_SENT, answer);
}

static void call_send(struct ref_conn *c, uint32_t octets,
		      struct ref_answer *answer)
{
	ref_rule(answer, "3.10.2");
	switch (c->state) {
	case REF_CLOSED:
	case REF_LISTEN:		/* Choice 1. */
		answer->result = REF_NO_CONNECTION;
		return;
	case REF_SYN_SENT:
	case REF_SYN_RECEIVED:		/* queued */
	case REF_ESTABLISHED:
	case REF_CLOSE_WAIT:
		break;
	default:
		answer->result = REF_CLOSING_ERROR;
		return;
	}
	if (c->close_called)
		answer->result = REF_CLOSING_ERROR;
	else
		c->snd_end += octets;
}

static void call_receive(struct ref_conn *c, struct ref_answer *answer)
{
	ref_rule(answer, "3.10.3");
	switch (c->state) {
	case REF_CLOSED:
		answer->result = REF_NO_CONNECTION;
		return;
	case REF_CLOSING:
	case REF_LAST_ACK:
	case REF_TIME_WAIT:
		answer->result = REF_CLOSING_ERROR;
		return;
	case REF_ESTABLISHED:
	case REF_FIN_WAIT_1:
	case REF_FIN_WAIT_2:
		/* 3.8.6.2.2: a window that has grown is advertised. */
		answer->window_update = true;
		return;
	default:
		return;
	}
}

static void call_close(struct ref_conn *c, struct ref_answer *answer)
{
	bool was_called = c->close_called;

	ref_rule(answer, "3.10.4");
	switch (c->state) {
	case REF_CLOSED:
		answer->result = REF_NO_CONNECTION;
		return;
	case REF_LISTEN:
	case REF_SYN_SENT:
		ref_enter(c, REF_CLOSED, answer);
		return;
	case REF_SYN_RECEIVED:
		c->close_called = true;
		/* "If no SENDs have been issued", else it waits. */
		if (!was_called && c->snd_end == c->iss + 1)
			ref_enter(c, REF_FIN_WAIT_1, answer);
		return;
	case REF_ESTABLISHED:
		c->close_called = true;
		ref_enter(c, REF_FIN_WAIT_1, answer);
		return;
	case REF_CLOSE_WAIT:
		/* Choice 2. */
		c->close_called = true;
		ref_enter(c, REF_LAST_ACK, answer);
		return;
	default:
		/* "an 'ok' response would be acceptable, too" */
		answer->result = REF_CLOSING_ERROR;
		return;
	}
}

static void call_abort(struct ref_conn *c, struct ref_answer *answer)
{
	ref_rule(answer, "3.10.5");
	switch (c->state) {
	case REF_CLOSED:
		answer->result = REF_NO_CONNECTION;
		return;
	case REF_SYN_RECEIVED:
	case REF_ESTABLISHED:
	case REF_FIN_WAIT_1:
	case REF_FIN_WAIT_2:
	case REF_CLOSE_WAIT:
		ref_reset_connection(c, answer);
		break;
	default:
		break;
	}
	ref_enter(c, REF_CLOSED, answer);
}

void ref_user_call(struct ref_conn *c, enum ref_call call, uint32_t octets,
		   const struct ref_world *world, struct ref_answer *answer)
{
	*answer = (struct ref_answer){ .clause = "3.10" };
	switch (call) {
	case REF_OPEN_ACTIVE:
	case REF_OPEN_PASSIVE:
		call_open(c, call == REF_OPEN_ACTIVE, world, answer);
		break;
	case REF_SEND:
		call_send(c, octets, answer);
		break;
	case REF_RECEIVE:
		call_receive(c, answer);
		break;
	case REF_CLOSE:
		call_close(c, answer);
		break;
	case REF_ABORT:
		call_abort(c, answer);
		break;
	case REF_STATUS:
		ref_rule(answer, "3.10.6");
		if (c->state == REF_CLOSED)
			answer->result = REF_NO_CONNECTION;
		break;
	case REF_STOP_RECEIVING:
		ref_rule(answer, "3.6.1");
		if (c->state != REF_CLOSED)
			c->nobody_reads = true;
		break;
	}
	answer->was_idle = c->snd_una == c->snd_nxt;
}

/* ------------------------------------------------------- 3.10.8: timeouts */

/* Returns true if the connection has been given up. */
static bool give_up(struct ref_conn *c, const struct ref_world *world,
		    struct ref_answer *answer)
{
	if (c->retries < world->r2) {
		answer->no_answer = c->retries + 1 == world->r1;
		return false;
	}
	/* 3.8.3 (c): "close the connection" */
	ref_rule(answer, "3.8.3 (c), MUST-20");
	ref_abort_with(c, REF_TIMED_OUT, answer);
	return true;
}

/* "send the segment at the front of the retransmission queue again" */
static void retransmission_timeout(struct ref_conn *c,
				   struct ref_answer *answer)
{
	answer->resend = true;
	if (c->state == REF_SYN_SENT)
		ref_reply(answer, REF_SYN);
	else if (c->snd_una == c->iss)
		ref_reply(answer, REF_SYN_ACK);
}

void ref_timeout(struct ref_conn *c, enum ref_timeout timeout,
		 const struct ref_world *world, struct ref_answer *answer)
{
	*answer = (struct ref_answer){ .clause = "3.10.8" };
	switch (timeout) {
	case REF_RETRANSMISSION_TIMEOUT:
		if (!give_up(c, world, answer))
			retransmission_timeout(c, answer);
		break;
	case REF_USER_TIMEOUT:
		ref_abort_with(c, REF_TIMED_OUT, answer);
		break;
	case REF_TIME_WAIT_TIMEOUT:
	case REF_FIN_WAIT_2_TIMEOUT:
		ref_enter(c, REF_CLOSED, answer);
		break;
	case REF_PERSIST_TIMEOUT:
		ref_rule(answer, "3.8.6.1, MUST-36");
		if (!give_up(c, world, answer))
			answer->probe = true;
		break;
	case REF_KEEPALIVE_TIMEOUT:
		ref_rule(answer, "3.8.4, MAY-5");
		answer->probe = true;
		if (world->peer_is_silent) {
			answer->probe = false;
			ref_reset_connection(c, answer);	/* Choice 16. */
			ref_abort_with(c, REF_TIMED_OUT, answer);
		}
		break;
	case REF_DELAYED_ACK_TIMEOUT:
		ref_rule(answer, "3.8.6.3, MUST-40");
		ref_reply(answer, REF_ACK);
		break;
	}
	answer->was_idle = c->snd_una == c->snd_nxt;
}
