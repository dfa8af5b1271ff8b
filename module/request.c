// SPDX-License-Identifier: GPL-2.0
/*
 * SYN-RECEIVED in a small object: what a listener remembers of a SYN until the
 * third segment of the handshake makes a socket of it.
 *
 * Requests belong to their listener: all that happens to them happens under
 * its socket lock, and its timer is theirs. They hang in one list per number
 * of retransmissions; since all in a list have waited the same time, the first
 * is the next to expire, and neither a timer each nor a search is needed.
 */

#include <linux/slab.h>

#include "edutcp.h"

/*
 * So many are looked after in one go of the timer; the others a jiffy later,
 * so that a flood cannot keep the cpu in softirq.
 */
#define TIMER_BUDGET 256

static struct kmem_cache *cache;

/**
 * edutcp_request_init() - once, when the module is loaded
 *
 * Return: 0 or -ENOMEM.
 */
int edutcp_request_init(void)
{
	BUILD_BUG_ON(sizeof(struct edutcp_request) > 128);
	cache = KMEM_CACHE(edutcp_request, SLAB_ACCOUNT);
	return cache ? 0 : -ENOMEM;
}

/**
 * edutcp_request_exit() - once, when the module is unloaded, after a grace
 * period
 */
void edutcp_request_exit(void)
{
	kmem_cache_destroy(cache);
}

static void free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(cache, container_of(rcu, struct edutcp_request, rcu));
}

static struct edutcp_listener *listener_of(struct edutcp_request *request)
{
	return edutcp_sk(request->listener)->listener;
}

/* At the end of the list in which its deadline is the last. */
static void enqueue(struct edutcp_request *request)
{
	unsigned int list = min_t(unsigned int, request->tcb.retries,
				  EDUTCP_SYNACK_RETRIES_MAX);

	list_add_tail(&request->node, &listener_of(request)->requests[list]);
}

static void forget(struct edutcp_request *request)
{
	listener_of(request)->request_count--;
	list_del(&request->node);
	call_rcu(&request->rcu, free_rcu);
}

static void kill(struct edutcp_request *request)
{
	edutcp_table_remove(sock_net(request->listener), &request->entry);
	forget(request);
}

static void environment(const struct edutcp_request *request,
			struct tcb_env *env)
{
	edutcp_surroundings(sock_net(request->listener),
			    edutcp_ts_offset(&request->entry.key), env);
}

/* Send what the core wants sent: the SYN,ACK, or an ACK. */
static void push(struct edutcp_request *request, const struct tcb_env *env,
		 struct dst_entry *dst)
{
	struct sock *sk = request->listener;
	struct segment seg;

	if (!tcb_next_segment(&request->tcb, NULL, env, 0, &seg)) {
		dst_release(dst);
		return;
	}
	if ((seg.flags & SEG_SYN) && request->tcb.retries)
		edutcp_count(sock_net(sk), STAT_RETRANS_SEGS, 1);
	edutcp_send_bare(sock_net(sk), sk, &request->entry.key, &seg, dst);
}

/**
 * edutcp_request_syn() - a SYN makes a request
 * @sk: the listener
 * @key: the connection
 * @seg: the SYN
 * @reopen_iss: the initial sequence number, if the connection was in TIME-WAIT;
 *	else 0
 *
 * Context: softirq or process, @sk locked.
 */
void edutcp_request_syn(struct sock *sk, const struct edutcp_key *key,
			const struct segment *seg, u32 reopen_iss)
{
	struct net *net = sock_net(sk);
	struct edutcp_listener *listener = edutcp_sk(sk)->listener;
	struct tcb_actions actions = { };
	struct edutcp_request *request;
	struct dst_entry *dst;
	struct tcb_open open;
	struct tcb_env env;

	if (listener->request_count > READ_ONCE(sk->sk_max_ack_backlog)) {
		edutcp_count(net, STAT_DROP_SYN_QUEUE_FULL, 1);
		return;
	}
	dst = edutcp_v4_route(net, sk, key);
	if (!dst) {
		edutcp_count(net, STAT_DROP_NO_ROUTE, 1);
		return;
	}
	request = kmem_cache_zalloc(cache, GFP_ATOMIC);
	if (!request) {
		edutcp_count(net, STAT_DROP_NO_MEMORY, 1);
		dst_release(dst);
		return;
	}

	request->listener = sk;
	request->entry.key = *key;
	request->entry.kind = EDUTCP_REQUEST;
	environment(request, &env);
	edutcp_v4_open(sk, key, dst, &open);
	if (reopen_iss)
		open.iss = reopen_iss;
	tcb_open_request(&request->tcb, seg, &open, &env, &actions);

	if (edutcp_table_insert(net, &request->entry)) {
		/* Another cpu has made the same connection meanwhile. */
		kmem_cache_free(cache, request);
		dst_release(dst);
		return;
	}
	listener->request_count++;
	edutcp_note(net, key, &actions);
	push(request, &env, dst);
	enqueue(request);
	edutcp_timer_set(sk, edutcp_jiffies(env.now, request->tcb.deadline));
}

/**
 * edutcp_request_segment() - a segment for a request
 * @request: whose listener is locked
 * @seg: the segment
 *
 * Context: softirq or process.
 *
 * Return: true if the handshake is complete: the caller makes a socket, or
 * drops the segment and leaves the request as it is.
 */
bool edutcp_request_segment(struct edutcp_request *request,
			    const struct segment *seg)
{
	struct sock *sk = request->listener;
	struct tcb_actions actions = { };
	struct tcb_env env;

	environment(request, &env);
	tcb_segment_arrives(&request->tcb, NULL, seg, &env, &actions);
	if (actions.verdict == VERDICT_ACCEPT)
		return true;

	edutcp_note(sock_net(sk), &request->entry.key, &actions);
	if (actions.send_reset)
		edutcp_send_bare(sock_net(sk), sk, &request->entry.key,
				 &actions.reset, NULL);
	push(request, &env, NULL);
	if (request->tcb.state != STATE_SYN_RCVD)
		kill(request);
	return false;
}

/**
 * edutcp_request_accepted() - a socket takes over from a request
 * @request: whose listener is locked
 * @child: the socket, with the request's key
 *
 * Context: softirq or process.
 */
void edutcp_request_accepted(struct edutcp_request *request, struct sock *child)
{
	edutcp_table_replace(sock_net(child), &request->entry,
			     &edutcp_sk(child)->entry);
	forget(request);
}

static void request_timeout(struct edutcp_request *request)
{
	struct tcb_actions actions = { };
	struct tcb_env env;

	environment(request, &env);
	tcb_timeout(&request->tcb, NULL, &env, &actions);
	edutcp_note(sock_net(request->listener), &request->entry.key,
		    &actions);
	if (request->tcb.state == STATE_CLOSED) {
		kill(request);
		return;
	}
	push(request, &env, NULL);
	list_del(&request->node);
	enqueue(request);
	edutcp_timer_set(request->listener,
			 edutcp_jiffies(env.now, request->tcb.deadline));
}

/**
 * edutcp_request_timers() - look after the requests whose time has come
 * @sk: their listener
 *
 * Context: softirq or process, @sk locked.
 */
void edutcp_request_timers(struct sock *sk)
{
	struct edutcp_listener *listener = edutcp_sk(sk)->listener;
	unsigned int budget = TIMER_BUDGET;
	struct edutcp_request *request;
	u32 now = edutcp_now();
	int i;

	/* From the last: what expires moves one list up, and waits there. */
	for (i = EDUTCP_SYNACK_RETRIES_MAX; i >= 0; i--) {
		while (budget) {
			request = list_first_entry_or_null(
				&listener->requests[i], struct edutcp_request,
				node);
			if (!request ||
			    !time_reached(now, request->tcb.deadline))
				break;
			request_timeout(request);
			budget--;
		}
		if (!list_empty(&listener->requests[i])) {
			request = list_first_entry(&listener->requests[i],
						   struct edutcp_request, node);
			edutcp_timer_set(sk, 1 +
					 edutcp_jiffies(now,
							request->tcb.deadline));
		}
	}
}

/**
 * edutcp_request_kill_all() - the listener is being closed
 * @sk: the listener, locked
 */
void edutcp_request_kill_all(struct sock *sk)
{
	struct edutcp_listener *listener = edutcp_sk(sk)->listener;
	struct edutcp_request *request, *next;
	int i;

	for (i = 0; i <= EDUTCP_SYNACK_RETRIES_MAX; i++)
		list_for_each_entry_safe(request, next, &listener->requests[i],
					 node) {
			struct tcb_actions actions = { };
			struct tcb_env env;

			environment(request, &env);
			tcb_abort(&request->tcb, &env, &actions);
			edutcp_note(sock_net(sk), &request->entry.key,
				    &actions);
			edutcp_send_bare(sock_net(sk), sk, &request->entry.key,
					 &actions.reset, NULL);
			kill(request);
		}
}
