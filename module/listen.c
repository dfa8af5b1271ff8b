// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners: segments in LISTEN, and the queue of sockets that wait for
 * accept().
 *
 * A socket in the accept queue is a full connection: it takes segments under
 * its own lock. The queue owns it (that is: its "socket" reference) until
 * accept() hands it to a user, or the listener is closed and aborts it.
 */

#include <linux/slab.h>

#include "edutcp.h"

/**
 * edutcp_listen() - proto_ops.listen: passive OPEN
 * @sock: the socket; bound to any port if it is not bound
 * @backlog: how many may wait in the accept queue, and how many handshakes may
 *	be under way
 *
 * Return: 0, -EINVAL if the socket is connected or was, -ENOMEM, or as
 * edutcp_port_bind().
 */
int edutcp_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_actions actions = { };
	struct edutcp_listener *listener;
	struct tcb_env env;
	int err = -EINVAL;
	int i;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED)
		goto out;
	if (esk->tcb.state == STATE_LISTEN) {
		WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
		err = 0;
		goto out;
	}
	if (esk->tcb.state != STATE_CLOSED)
		goto out;
	if (!esk->binding.port) {
		err = edutcp_port_bind(sk, esk->inet.inet_rcv_saddr,
				       esk->inet.inet_num);
		if (err)
			goto out;
	}

	listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	if (!listener) {
		err = -ENOMEM;
		goto out;
	}
	INIT_LIST_HEAD(&listener->accept_queue);
	for (i = 0; i < ARRAY_SIZE(listener->requests); i++)
		INIT_LIST_HEAD(&listener->requests[i]);

	err = edutcp_port_listen(sk);
	if (err) {
		kfree(listener);
		goto out;
	}
	esk->listener = listener;
	esk->entry.kind = EDUTCP_LISTENER;
	esk->entry.key = (struct edutcp_key) {
		.local_addr = esk->inet.inet_rcv_saddr,
		.local_port = esk->inet.inet_sport,
	};
	sk->sk_ack_backlog = 0;
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	edutcp_environment(sk, &env);
	tcb_listen(&esk->tcb, &env, &actions);
	inet_sk_set_state(sk, TCP_LISTEN);
	edutcp_note(sock_net(sk), &esk->entry.key, &actions);
	err = edutcp_table_insert(sock_net(sk), &esk->entry);
	WARN_ON_ONCE(err);	/* port.c lets only one listen at a port */
out:
	release_sock(sk);
	return err;
}

static void abort_child(struct sock *child)
{
	struct tcb_actions actions = { };
	struct tcb_env env;

	local_bh_disable();
	bh_lock_sock(child);
	sock_hold(child);
	sock_orphan(child);
	if (edutcp_sk(child)->tcb.state == STATE_CLOSED) {
		edutcp_destroy_sock(child);
	} else {
		edutcp_environment(child, &env);
		tcb_abort(&edutcp_sk(child)->tcb, &env, &actions);
		edutcp_carry_out(child, NULL, &actions);
	}
	bh_unlock_sock(child);
	local_bh_enable();
	sock_put(child);
}

/**
 * edutcp_listen_stop() - LISTEN to CLOSED: what waits is reset
 * @sk: the listener, locked
 *
 * Context: process.
 */
void edutcp_listen_stop(struct sock *sk)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct edutcp_listener *listener = esk->listener;
	struct tcb_actions actions = { };
	struct edutcp_sock *child, *next;

	edutcp_table_remove(sock_net(sk), &esk->entry);
	sk_stop_timer(sk, &sk->sk_timer);

	local_bh_disable();
	edutcp_request_kill_all(sk);
	local_bh_enable();
	list_for_each_entry_safe(child, next, &listener->accept_queue,
				 accept_node) {
		list_del(&child->accept_node);
		sk_acceptq_removed(sk);
		abort_child(edutcp_to_sock(child));
		cond_resched();
	}

	tcb_close(&esk->tcb, &actions);
	edutcp_note(sock_net(sk), &esk->entry.key, &actions);
	inet_sk_set_state(sk, TCP_CLOSE);
	edutcp_port_idle(sk);
	esk->listener = NULL;
	kfree(listener);
}

/* The socket of a connection whose handshake is complete; locked. */
static struct sock *make_child(struct sock *sk, struct edutcp_request *request)
{
	const struct edutcp_key *key = &request->entry.key;
	struct edutcp_sock *esk;
	struct dst_entry *dst;
	struct tcb_env env;
	struct sock *child;

	dst = edutcp_v4_route(sock_net(sk), sk, key);
	if (!dst) {
		edutcp_count(sock_net(sk), STAT_DROP_NO_ROUTE, 1);
		return NULL;
	}
	child = sk_clone_lock(sk, GFP_ATOMIC);
	if (!child) {
		edutcp_count(sock_net(sk), STAT_DROP_NO_MEMORY, 1);
		dst_release(dst);
		return NULL;
	}

	/* All that is ours was copied from the listener: set it anew. */
	esk = edutcp_sk(child);
	memset_after(esk, 0, inet);
	esk->entry.kind = EDUTCP_CONNECTION;
	esk->entry.key = *key;
	esk->tcb = request->tcb;
	esk->tcb.flags |= edutcp_sk(sk)->tcb.flags & TCB_NODELAY;
	esk->ts_offset = edutcp_ts_offset(key);
	esk->conn.settings = edutcp_sk(sk)->conn.settings;
	edutcp_environment(child, &env);
	tcb_conn_init(&esk->conn, &esk->tcb, &env);
	edutcp_timer_init(child);
	edutcp_port_inherit(child, sk);

	child->sk_state = TCP_SYN_RECV;
	child->sk_max_ack_backlog = 0;
	child->sk_ack_backlog = 0;
	edutcp_v4_connected(child, key, dst);
	return child;
}

/* The third segment of the handshake: it may carry text, or a FIN. */
static void complete_handshake(struct sock *sk, struct edutcp_request *request,
			       struct sk_buff *skb, const struct segment *seg)
{
	struct sock *child;

	/*
	 * Where there is no room, the segment is dropped and the request goes
	 * on: its SYN,ACK is sent again, and answered again.
	 */
	if (sk_acceptq_is_full(sk)) {
		edutcp_count(sock_net(sk), STAT_DROP_ACCEPT_QUEUE_FULL, 1);
		kfree_skb(skb);
		return;
	}
	child = make_child(sk, request);
	if (!child) {
		kfree_skb(skb);
		return;
	}
	/* sk_clone_lock() does not tell sparse that it has locked it. */
	__acquire(&child->sk_lock.slock);
	edutcp_request_accepted(request, child);
	edutcp_process(child, skb, seg);
	list_add_tail(&edutcp_sk(child)->accept_node,
		      &edutcp_sk(sk)->listener->accept_queue);
	sk_acceptq_added(sk);
	bh_unlock_sock(child);
	sock_put(child);	/* sk_clone_lock() gave two references */
	sk->sk_data_ready(sk);
}

/**
 * edutcp_listen_segment() - a segment for a listener, or for one of its
 * requests
 * @sk: the listener
 * @skb: the segment, skb->data at its text; consumed
 * @seg: its header
 *
 * Context: softirq, or with bottom halves disabled; RCU read section; @sk
 * locked.
 */
void edutcp_listen_segment(struct sock *sk, struct sk_buff *skb,
			   const struct segment *seg)
{
	struct net *net = sock_net(sk);
	struct tcb_actions actions = { };
	struct edutcp_request *request;
	struct edutcp_entry *entry;
	struct edutcp_sock *child;
	struct edutcp_key key;

	edutcp_v4_key_of(skb, &key);
	entry = edutcp_table_find(net, &key);

	if (entry && entry->kind == EDUTCP_CONNECTION) {
		/* It was made while its segment waited for us. */
		child = container_of(entry, struct edutcp_sock, entry);
		edutcp_process_or_queue(edutcp_to_sock(child), skb, seg);
		return;
	}
	if (entry && entry->kind == EDUTCP_REQUEST) {
		request = container_of(entry, struct edutcp_request, entry);
		if (request->listener == sk &&
		    edutcp_request_segment(request, seg)) {
			complete_handshake(sk, request, skb, seg);
			return;
		}
	} else if (tcb_segment_for_listener(seg, &actions)) {
		if (sk_acceptq_is_full(sk))
			edutcp_count(net, STAT_DROP_ACCEPT_QUEUE_FULL, 1);
		else
			edutcp_request_syn(sk, &key, seg,
					   edutcp_cb(skb)->reopen_iss);
	} else {
		edutcp_note(net, &key, &actions);
		if (actions.send_reset)
			edutcp_send_bare(net, sk, &key, &actions.reset, NULL);
	}
	kfree_skb(skb);
}

static int wait_for_connection(struct sock *sk, long timeout)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	DEFINE_WAIT(wait);
	int err = 0;

	for (;;) {
		prepare_to_wait_exclusive(sk_sleep(sk), &wait,
					  TASK_INTERRUPTIBLE);
		release_sock(sk);
		if (!READ_ONCE(sk->sk_ack_backlog))
			timeout = schedule_timeout(timeout);
		lock_sock(sk);
		if (esk->tcb.state != STATE_LISTEN)
			err = -EINVAL;
		else if (!list_empty(&esk->listener->accept_queue))
			err = 0;
		else if (signal_pending(current))
			err = sock_intr_errno(timeout);
		else if (!timeout)
			err = -EAGAIN;
		else
			continue;
		break;
	}
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

/**
 * edutcp_accept() - proto_ops.accept, as compat.h has it
 * @sock: the listener
 * @newsock: gets the oldest connection of the accept queue
 * @flags: O_NONBLOCK: do not wait for one
 *
 * Return: 0, -EINVAL if it does not listen, -EAGAIN, or that of a signal.
 */
int edutcp_accept(struct socket *sock, struct socket *newsock, int flags)
{
	struct sock *sk = sock->sk;
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct edutcp_sock *child;
	int err = 0;

	lock_sock(sk);
	if (esk->tcb.state != STATE_LISTEN)
		err = -EINVAL;
	else if (list_empty(&esk->listener->accept_queue))
		err = flags & O_NONBLOCK ? -EAGAIN :
			wait_for_connection(sk, sock_rcvtimeo(sk, false));
	if (err) {
		release_sock(sk);
		return err;
	}
	child = list_first_entry(&esk->listener->accept_queue,
				 struct edutcp_sock, accept_node);
	list_del(&child->accept_node);
	sk_acceptq_removed(sk);
	release_sock(sk);

	lock_sock(edutcp_to_sock(child));
	sock_graft(edutcp_to_sock(child), newsock);
	newsock->state = SS_CONNECTED;
	release_sock(edutcp_to_sock(child));
	return 0;
}
