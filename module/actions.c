// SPDX-License-Identifier: GPL-2.0
/*
 * Carrying out what the core asks for (struct tcb_actions), for an open
 * connection: deliver text, free what was acknowledged, send, tell the user,
 * set the timer, end.
 */

#include <linux/slab.h>

#include "edutcp.h"
#include "trace.h"

/**
 * edutcp_surroundings() - what the core must know of the world, but for the
 * receive buffer
 * @net: the namespace
 * @ts_offset: of the connection, see edutcp_ts_offset()
 * @env: is filled in
 *
 * Context: any.
 */
void edutcp_surroundings(const struct net *net, u32 ts_offset,
			 struct tcb_env *env)
{
	struct edutcp_net *en = edutcp_pernet(net);
	u32 now = edutcp_now();

	*env = (struct tcb_env) {
		.now = now,
		.ts_now = now + ts_offset,
		.challenges_left = edutcp_challenges_left(en),
		.params = &en->params,
	};
}

/**
 * edutcp_environment() - what the core must know of the world
 * @sk: a socket, locked
 * @env: is filled in
 */
void edutcp_environment(const struct sock *sk, struct tcb_env *env)
{
	int buffer = READ_ONCE(sk->sk_rcvbuf);
	int used = atomic_read(&sk->sk_rmem_alloc);

	edutcp_surroundings(sock_net(sk), edutcp_sk(sk)->ts_offset, env);
	/*
	 * An skb takes more memory than the text it carries. Offering the peer
	 * half of what is free leaves room for the rest.
	 */
	env->rcv_buffer = max(buffer, 0) / 2;
	env->rcv_space = max(buffer - used, 0) / 2;
}

/**
 * edutcp_note() - count and trace what happened to a connection
 * @net: the namespace
 * @key: the connection
 * @actions: what the core did
 *
 * Context: any.
 */
void edutcp_note(struct net *net, const struct edutcp_key *key,
		 const struct tcb_actions *actions)
{
	unsigned int i;

	for (i = 0; i < actions->move_count; i++)
		trace_edutcp_state(net, key, &actions->moves[i]);
	edutcp_count_moves(net, actions->moves, actions->move_count);
	if (actions->challenged) {
		edutcp_challenge_sent(edutcp_pernet(net));
		edutcp_count(net, STAT_CHALLENGES, 1);
	}
	if (actions->drop)
		edutcp_count(net, STAT_DROP_CORE + actions->drop, 1);
}

/* Put the next skb of the receive queue where recvmsg() will find it. */
static void deliver(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);
	bool fragstolen;
	int delta;

	edutcp_sk(sk)->rcv_queued += edutcp_cb(skb)->end_seq -
				     edutcp_cb(skb)->seq;

	/* Small segments share an skb, or their headers would eat the buffer. */
	if (tail && !edutcp_cb(skb)->offset &&
	    edutcp_cb(tail)->end_seq == edutcp_cb(skb)->seq &&
	    edutcp_cb(skb)->end_seq - edutcp_cb(skb)->seq == skb->len &&
	    edutcp_cb(tail)->end_seq - edutcp_cb(tail)->seq +
	    edutcp_cb(tail)->offset == tail->len &&
	    skb_try_coalesce(tail, skb, &fragstolen, &delta)) {
		edutcp_cb(tail)->end_seq = edutcp_cb(skb)->end_seq;
		atomic_add(delta, &sk->sk_rmem_alloc);
		sk_mem_charge(sk, delta);
		kfree_skb_partial(skb, fragstolen);
		return;
	}
	__skb_queue_tail(&sk->sk_receive_queue, skb);
}

static void insert_out_of_order(struct edutcp_sock *esk, struct sk_buff *skb)
{
	struct rb_node **link = &esk->out_of_order.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (seq_before(edutcp_cb(skb)->seq,
			       edutcp_cb(rb_to_skb(parent))->seq))
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, link);
	rb_insert_color(&skb->rbnode, &esk->out_of_order);
}

/* What waited for its turn and is now before RCV.NXT follows @delivered. */
static void deliver_out_of_order(struct sock *sk, u32 delivered)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = skb_rb_first(&esk->out_of_order))) {
		struct edutcp_skb_cb *cb = edutcp_cb(skb);

		if (seq_after(cb->seq, delivered))
			break;
		rb_erase(&skb->rbnode, &esk->out_of_order);
		RB_CLEAR_NODE(&skb->rbnode);
		if (!seq_after(cb->end_seq, delivered)) {
			kfree_skb(skb);
			continue;
		}
		cb->offset += delivered - cb->seq;
		cb->seq = delivered;
		delivered = cb->end_seq;
		deliver(sk, skb);
	}
	if (!esk->out_of_order.rb_node) {
		kfree(esk->conn.held);
		esk->conn.held = NULL;
	}
}

/**
 * edutcp_forget_out_of_order() - give up what waits for its turn
 * @esk: a connection, locked
 *
 * Context: any.
 */
void edutcp_forget_out_of_order(struct edutcp_sock *esk)
{
	struct sk_buff *skb;

	while ((skb = skb_rb_first(&esk->out_of_order))) {
		rb_erase(&skb->rbnode, &esk->out_of_order);
		RB_CLEAR_NODE(&skb->rbnode);
		kfree_skb(skb);
	}
	kfree(esk->conn.held);
	esk->conn.held = NULL;
}

/* Seventh step of SEGMENT ARRIVES: move text into user RECEIVE buffers. */
static void keep_text(struct sock *sk, struct sk_buff *skb,
		      const struct tcb_actions *actions)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct edutcp_skb_cb *cb = edutcp_cb(skb);
	bool in_order = !seq_after(actions->text_seq + actions->text_len,
				   esk->tcb.rcv_nxt);

	cb->seq = actions->text_seq;
	cb->end_seq = actions->text_seq + actions->text_len;
	cb->offset = actions->text_offset;
	skb_dst_drop(skb);
	skb_set_owner_r(skb, sk);

	if (!in_order) {
		insert_out_of_order(esk, skb);
		return;
	}
	deliver(sk, skb);
	if (esk->conn.held)
		deliver_out_of_order(sk, actions->text_seq + actions->text_len);
}

static int error_number(const struct tcb_actions *actions)
{
	switch (actions->error) {
	case ERROR_REFUSED:
		return ECONNREFUSED;
	case ERROR_TIMED_OUT:
		return ETIMEDOUT;
	case ERROR_RESET:
		/* Who has read the peer's FIN is only told when it writes. */
		return actions->moves[0].from == STATE_CLOSE_WAIT ? EPIPE :
								    ECONNRESET;
	default:
		return 0;
	}
}

/* What the user will find when it looks. */
static void record(struct sock *sk, const struct tcb_actions *actions)
{
	int err = error_number(actions);

	if (actions->tell & TELL_PEER_DONE) {
		sk->sk_shutdown |= RCV_SHUTDOWN;
		sock_set_flag(sk, SOCK_DONE);
		edutcp_forget_out_of_order(edutcp_sk(sk));
	}
	if (err == ETIMEDOUT && sk->sk_err_soft)
		err = sk->sk_err_soft;
	if (err)
		sk->sk_err = err;
}

/* Call the user's attention to it: last, when all of it can be seen. */
static void wake(struct sock *sk, const struct tcb_actions *actions)
{
	if (actions->error)
		sk_error_report(sk);
	if (actions->tell & TELL_READABLE)
		sk->sk_data_ready(sk);
	if (actions->move_count)
		sk->sk_state_change(sk);
	if (actions->tell & TELL_CONNECTED)
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	if (actions->tell & TELL_PEER_DONE)
		sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_IN);
	if (actions->tell & TELL_WRITABLE)
		edutcp_write_space(sk);
}

static void forget_scoreboard(struct edutcp_sock *esk)
{
	kfree(esk->conn.sacked);
	esk->conn.sacked = NULL;
}

/* The connection is over; the socket may live on in its user's hands. */
static void end(struct sock *sk)
{
	struct edutcp_sock *esk = edutcp_sk(sk);

	edutcp_table_remove(sock_net(sk), &esk->entry);
	sk_stop_timer(sk, &sk->sk_timer);
	edutcp_write_queue_purge(sk);
	edutcp_forget_out_of_order(esk);
	forget_scoreboard(esk);
	edutcp_port_idle(sk);
	inet_sk_set_state(sk, TCP_CLOSE);
	sk->sk_shutdown = SHUTDOWN_MASK;
}

/**
 * edutcp_carry_out() - do what the core asks for, after any event
 * @sk: an open connection
 * @skb: the segment, skb->data at its text; or NULL if the event was none.
 *	It is consumed
 * @actions: what the core asks for
 *
 * Context: softirq or process, @sk locked. The socket may be gone afterwards,
 * unless the caller has a reference.
 */
void edutcp_carry_out(struct sock *sk, struct sk_buff *skb,
		      const struct tcb_actions *actions)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct net *net = sock_net(sk);
	struct tcb_env env;
	bool ends;

	edutcp_note(net, &esk->entry.key, actions);

	if (actions->keep_text && skb) {
		keep_text(sk, skb, actions);
		skb = NULL;
	}
	kfree_skb(skb);
	if (actions->tell & TELL_WRITABLE) {
		edutcp_write_queue_acked(sk, esk->tcb.snd_una);
		if (esk->conn.sacked && !esk->conn.sacked->count)
			forget_scoreboard(esk);
	}
	if (actions->tell & TELL_NO_ANSWER) {
		dst_negative_advice(sk);	/* MUST-20 */
		edutcp_v4_report(sk, ETIMEDOUT);	/* SHLD-9 */
	}
	if (actions->send_reset)
		edutcp_send_bare(net, sk, &esk->entry.key, &actions->reset,
				 NULL);

	if (actions->move_count && esk->tcb.state != STATE_CLOSED &&
	    esk->tcb.state != STATE_TIME_WAIT)
		inet_sk_set_state(sk, esk->tcb.state);
	record(sk, actions);

	edutcp_environment(sk, &env);
	/* MUST-59: all queued segments first, then the ACK of all of them. */
	if (esk->in_backlog && esk->tcb.state != STATE_TIME_WAIT)
		esk->push_deferred = true;
	else
		edutcp_push(sk, &env);
	if (esk->tcb.state == STATE_TIME_WAIT)
		edutcp_timewait_enter(sk, &env);
	ends = esk->tcb.state == STATE_CLOSED && sk->sk_state != TCP_CLOSE;
	if (ends)
		end(sk);
	else
		edutcp_timer_rearm(sk, &env);

	if (!sock_flag(sk, SOCK_DEAD))
		wake(sk, actions);
	else if (ends)
		edutcp_destroy_sock(sk);
}
