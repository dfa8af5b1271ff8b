// SPDX-License-Identifier: GPL-2.0
/*
 * One kernel timer per socket, for whatever the core waits for next.
 *
 * It is only ever set to an earlier instant. Deadlines mostly move back (each
 * ACK restarts the retransmission timer), so the timer may go off too early;
 * then it finds nothing to do and is set again. That is far cheaper than to
 * move it with every segment.
 *
 * A running timer holds a reference to its socket.
 */

#include "compat.h"
#include "edutcp.h"

/* Do what is due; @sk is locked and not owned by another. */
static void run_timers(struct sock *sk)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_actions actions = { };
	struct tcb_env env;

	if (esk->tcb.state == STATE_LISTEN) {
		edutcp_request_timers(sk);
		return;
	}
	edutcp_environment(sk, &env);
	tcb_timeout(&esk->tcb, &esk->conn, &env, &actions);
	edutcp_carry_out(sk, NULL, &actions);
}

static void timer_expired(struct timer_list *timer)
{
	struct sock *sk = timer_container_of(sk, timer, sk_timer);

	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		edutcp_sk(sk)->timer_deferred = true;
	else
		run_timers(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
}

/**
 * edutcp_release_cb() - a user call is about to release the socket
 * @sk: the socket, locked; its backlog is empty
 */
void edutcp_release_cb(struct sock *sk)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_env env;

	if (esk->push_deferred) {
		esk->push_deferred = false;
		edutcp_environment(sk, &env);
		edutcp_push(sk, &env);
		edutcp_timer_rearm(sk, &env);
	}
	if (!esk->timer_deferred)
		return;
	esk->timer_deferred = false;
	sock_release_ownership(sk);
	run_timers(sk);
}

/**
 * edutcp_timer_init() - prepare a new socket
 * @sk: the socket
 */
void edutcp_timer_init(struct sock *sk)
{
	timer_setup(&sk->sk_timer, timer_expired, 0);
}

/**
 * edutcp_timer_set() - let the timer go off at some instant, if not before
 * @sk: a socket
 * @expires: the instant, in jiffies
 *
 * The reference comes first. sk_reset_timer() takes it after it has set the
 * timer, which may go off in between and drop it: the deadline may be now.
 *
 * Context: softirq or process, @sk locked.
 */
void edutcp_timer_set(struct sock *sk, unsigned long expires)
{
	if (timer_pending(&sk->sk_timer) &&
	    !time_before(expires, sk->sk_timer.expires))
		return;
	sock_hold(sk);
	if (mod_timer(&sk->sk_timer, expires))
		__sock_put(sk);
}

/**
 * edutcp_timer_rearm() - see to it that the core's next deadline is kept
 * @sk: a socket
 * @env: the world; its time is looked at
 *
 * Context: softirq or process, @sk locked.
 */
void edutcp_timer_rearm(struct sock *sk, const struct tcb_env *env)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	u32 deadline;

	if (tcb_next_deadline(&esk->tcb, &esk->conn, env->params, &deadline))
		edutcp_timer_set(sk, edutcp_jiffies(env->now, deadline));
}
