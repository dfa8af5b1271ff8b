// SPDX-License-Identifier: GPL-2.0
/*
 * SEND and RECEIVE (RFC 9293, 3.10.2 and 3.10.3): between the user's memory
 * and the socket's queues.
 *
 * Sending copies once, into pages of the write queue; segments refer to these
 * pages (output.c). Receiving copies once, out of the skbs that the device
 * filled.
 */

#include <linux/sched/signal.h>
#include <net/sock.h>

#include "edutcp.h"

/**
 * edutcp_write_space() - there is room in the write queue again
 * @sk: a connection
 *
 * Context: any.
 */
void edutcp_write_space(struct sock *sk)
{
	struct socket *sock = sk->sk_socket;
	struct socket_wq *wq;

	/* Not for each segment: wait until a third of the buffer is free. */
	if (!sock || !test_bit(SOCK_NOSPACE, &sock->flags) ||
	    !sk_stream_is_writeable(sk))
		return;

	clear_bit(SOCK_NOSPACE, &sock->flags);
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM |
						      EPOLLWRBAND);
	if (wq && wq->fasync_list && !(sk->sk_shutdown & SEND_SHUTDOWN))
		sock_wake_async(wq, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

/* An empty skb at the end of the write queue. */
static struct sk_buff *new_source(struct sock *sk)
{
	struct sk_buff *skb = alloc_skb(0, sk->sk_allocation);

	if (!skb)
		return NULL;
	if (!sk_wmem_schedule(sk, skb->truesize)) {
		__kfree_skb(skb);
		return NULL;
	}
	edutcp_cb(skb)->seq = edutcp_sk(sk)->tcb.snd_end;
	edutcp_cb(skb)->end_seq = edutcp_sk(sk)->tcb.snd_end;
	edutcp_cb(skb)->offset = 0;
	__skb_queue_tail(&sk->sk_write_queue, skb);
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	return skb;
}

/*
 * Copy some of the user's octets to the end of the write queue. Return how
 * many, -EFAULT, or -ENOBUFS if there is no memory just now.
 */
static int append(struct sock *sk, struct msghdr *msg, size_t left)
{
	struct page_frag *pfrag = sk_page_frag(sk);
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	bool merge;
	int copy, err, i;

	if (!sk_page_frag_refill(sk, pfrag))
		return -ENOBUFS;

	i = skb ? skb_shinfo(skb)->nr_frags : 0;
	merge = skb && skb_can_coalesce(skb, i, pfrag->page, pfrag->offset);
	if (!skb || (!merge && i == MAX_SKB_FRAGS)) {
		skb = new_source(sk);
		if (!skb)
			return -ENOBUFS;
		merge = false;
		i = 0;
	}

	copy = min_t(size_t, left, pfrag->size - pfrag->offset);
	if (!sk_wmem_schedule(sk, copy))
		return -ENOBUFS;
	err = skb_copy_to_page_nocache(sk, &msg->msg_iter, skb, pfrag->page,
				       pfrag->offset, copy);
	if (err)
		return err;
	if (merge) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], copy);
	} else {
		skb_fill_page_desc(skb, i, pfrag->page, pfrag->offset, copy);
		get_page(pfrag->page);
	}
	pfrag->offset += copy;
	edutcp_cb(skb)->end_seq += copy;
	tcb_send(&edutcp_sk(sk)->tcb, copy);
	return copy;
}

static void push(struct sock *sk)
{
	struct tcb_env env;

	edutcp_environment(sk, &env);
	edutcp_push(sk, &env);
	edutcp_timer_rearm(sk, &env);
}

/**
 * edutcp_sendmsg() - proto_ops.sendmsg
 * @sock: the socket
 * @msg: what to send; addresses are ignored
 * @size: octets
 *
 * Return: octets taken; or -EPIPE (with SIGPIPE), -EAGAIN, -EINTR, the error
 * that ended the connection.
 */
int edutcp_sendmsg(struct socket *sock, struct msghdr *msg, size_t size)
{
	struct sock *sk = sock->sk;
	struct edutcp_sock *esk = edutcp_sk(sk);
	int flags = msg->msg_flags;
	size_t unsent = 0;
	int copied = 0;
	long timeout;
	int err;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;

	lock_sock(sk);
	timeout = sock_sndtimeo(sk, flags & MSG_DONTWAIT);
	if ((1 << sk->sk_state) & ~(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) {
		err = sk_stream_wait_connect(sk, &timeout);
		if (err)
			goto error;
	}
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);

	if (flags & MSG_MORE)
		esk->tcb.flags |= TCB_CORKED;
	while (msg_data_left(msg)) {
		err = -EPIPE;
		if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN) ||
		    !tcb_may_send(&esk->tcb))
			goto error;

		err = sk_stream_memory_free(sk) ?
		      append(sk, msg, msg_data_left(msg)) : -ENOBUFS;
		if (err > 0) {
			copied += err;
			unsent += err;
			/* Let the first segments go while we copy the rest. */
			if (unsent >= 65536) {
				push(sk);
				unsent = 0;
			}
			continue;
		}
		if (err != -ENOBUFS)
			goto error;

		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		/* What fills the buffer must go, or there is never room. */
		esk->tcb.flags &= ~TCB_CORKED;
		push(sk);
		unsent = 0;
		err = sk_stream_wait_memory(sk, &timeout);
		if (err)
			goto error;
		if (flags & MSG_MORE)
			esk->tcb.flags |= TCB_CORKED;
	}
	err = 0;
error:
	if (!(flags & MSG_MORE))
		esk->tcb.flags &= ~TCB_CORKED;
	if (copied)
		push(sk);
	else if (err)
		err = sk_stream_error(sk, flags, err);
	release_sock(sk);
	return copied ?: err;
}

/* Why there is nothing to read, and never will be: 0 for the end of the data. */
static int end_of_stream(struct sock *sk)
{
	if (sock_flag(sk, SOCK_DONE))
		return 0;
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;
	if (sk->sk_state == TCP_CLOSE)
		return -ENOTCONN;
	return 1;
}

static struct sk_buff *skb_at(struct sock *sk, u32 skip, u32 *offset)
{
	struct sk_buff *skb;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		u32 len = edutcp_cb(skb)->end_seq - edutcp_cb(skb)->seq;

		if (skip < len) {
			*offset = edutcp_cb(skb)->offset + skip;
			return skb;
		}
		skip -= len;
	}
	return NULL;
}

/* The user has taken @len octets from the front of the receive queue. */
static void consume(struct sock *sk, struct sk_buff *skb, u32 len)
{
	struct edutcp_skb_cb *cb = edutcp_cb(skb);

	cb->seq += len;
	cb->offset += len;
	edutcp_sk(sk)->rcv_queued -= len;
	if (cb->seq != cb->end_seq)
		return;
	__skb_unlink(skb, &sk->sk_receive_queue);
	__kfree_skb(skb);
}

static void window_update(struct sock *sk)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_env env;

	edutcp_environment(sk, &env);
	tcb_receive(&esk->tcb, &env);
	if (esk->tcb.flags & TCB_ACK_NOW) {
		edutcp_push(sk, &env);
		edutcp_timer_rearm(sk, &env);
	}
}

/**
 * edutcp_recvmsg() - proto_ops.recvmsg
 * @sock: the socket
 * @msg: where to put it; the peer's address is not given
 * @size: octets
 * @flags: MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_TRUNC
 *
 * Return: octets; 0 when the peer has closed; or -EAGAIN, -EINTR, -ENOTCONN,
 * the error that ended the connection.
 */
int edutcp_recvmsg(struct socket *sock, struct msghdr *msg, size_t size,
		   int flags)
{
	struct sock *sk = sock->sk;
	size_t copied = 0;
	size_t target;
	long timeout;
	int err = 0;

	if (flags & MSG_OOB)
		return -EINVAL;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;

	lock_sock(sk);
	if (sk->sk_state == TCP_LISTEN) {
		err = -ENOTCONN;
		goto out;
	}
	timeout = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	target = sock_rcvlowat(sk, flags & MSG_WAITALL, size);

	do {
		struct sk_buff *skb;
		u32 offset, take;

		skb = skb_at(sk, flags & MSG_PEEK ? copied : 0, &offset);
		if (skb) {
			struct edutcp_skb_cb *cb = edutcp_cb(skb);

			take = cb->offset + cb->end_seq - cb->seq - offset;
			take = min_t(size_t, take, size - copied);
			if (!(flags & MSG_TRUNC) &&
			    skb_copy_datagram_msg(skb, offset, msg, take)) {
				err = -EFAULT;
				break;
			}
			copied += take;
			if (!(flags & MSG_PEEK))
				consume(sk, skb, take);
			if (!size)
				break;
			continue;
		}

		if (copied >= target && !READ_ONCE(sk->sk_backlog.tail))
			break;
		if (copied) {
			if (sk->sk_err || sk->sk_state == TCP_CLOSE ||
			    (sk->sk_shutdown & RCV_SHUTDOWN) ||
			    sock_flag(sk, SOCK_DONE) || !timeout ||
			    signal_pending(current))
				break;
		} else {
			err = end_of_stream(sk);
			if (err <= 0)
				break;
			err = 0;
			if (!timeout) {
				err = -EAGAIN;
				break;
			}
			if (signal_pending(current)) {
				err = sock_intr_errno(timeout);
				break;
			}
		}

		if (copied && !(flags & MSG_PEEK))
			window_update(sk);
		if (copied >= target) {
			/* What waits in the backlog may be text. */
			release_sock(sk);
			lock_sock(sk);
		} else {
			sk_wait_data(sk, &timeout,
				     skb_peek_tail(&sk->sk_receive_queue));
		}
	} while (copied < size);
	if (copied && !(flags & MSG_PEEK))
		window_update(sk);
out:
	release_sock(sk);
	return copied ?: err;
}
