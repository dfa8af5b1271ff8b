// SPDX-License-Identifier: GPL-2.0
/*
 * What a program calls: bind, connect, shutdown, close, poll, and the like. A
 * call takes the socket lock, hands the core the user call of RFC 9293, 3.10,
 * that it stands for, and carries out what the core answers.
 */

#include <asm/ioctls.h>
#include <linux/poll.h>
#include <linux/sockios.h>

#include "compat.h"
#include "edutcp.h"

static int check_address(const struct sockaddr_unsized *addr, int len)
{
	if (len < (int)sizeof(struct sockaddr_in))
		return -EINVAL;
	if (addr->sa_family != AF_INET)
		return -EAFNOSUPPORT;
	return 0;
}

static int edutcp_bind(struct socket *sock, struct sockaddr_unsized *uaddr,
		       int len)
{
	const struct sockaddr_in *addr = (const struct sockaddr_in *)uaddr;
	struct sock *sk = sock->sk;
	struct inet_sock *inet = inet_sk(sk);
	int err = check_address(uaddr, len);

	/* As in Linux: an old program may have left the family out. */
	if (err == -EAFNOSUPPORT && addr->sin_family == AF_UNSPEC &&
	    addr->sin_addr.s_addr == htonl(INADDR_ANY))
		err = 0;
	if (err)
		return err;
	lock_sock(sk);
	if (edutcp_sk(sk)->tcb.state != STATE_CLOSED || inet->inet_num)
		err = -EINVAL;
	else
		err = edutcp_port_bind(sk, addr->sin_addr.s_addr,
				       ntohs(addr->sin_port));
	if (!err) {
		inet->inet_rcv_saddr = addr->sin_addr.s_addr;
		inet->inet_saddr = addr->sin_addr.s_addr;
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
		if (inet->inet_rcv_saddr)
			sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	}
	release_sock(sk);
	return err;
}

/* Back to where a socket is after socket(), or after bind(). */
static void forget_peer(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_daddr = 0;
	inet->inet_dport = 0;
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK)) {
		inet->inet_saddr = 0;
		inet->inet_rcv_saddr = 0;
	}
	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK)) {
		inet->inet_num = 0;
		inet->inet_sport = 0;
	}
	sk_dst_reset(sk);
}

/* Active OPEN: the SYN is on its way when this returns 0. */
static int start_connect(struct sock *sk, const struct sockaddr_in *to)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_actions actions = { };
	struct tcb_open open;
	struct tcb_env env;
	int err;

	err = edutcp_v4_connect(sk, to);
	if (err) {
		forget_peer(sk);
		return err;
	}
	sk->sk_err = 0;
	sk->sk_err_soft = 0;
	sk->sk_shutdown = 0;
	sock_reset_flag(sk, SOCK_DONE);

	esk->ts_offset = edutcp_ts_offset(&esk->entry.key);
	edutcp_environment(sk, &env);
	edutcp_v4_open(sk, &esk->entry.key, __sk_dst_get(sk), &open);
	tcb_connect(&esk->tcb, &esk->conn, &open, &env, &actions);
	edutcp_carry_out(sk, NULL, &actions);
	return 0;
}

/* Wait until the socket has left all of these states, TCPF_*. */
static long wait_while(struct sock *sk, int states, long timeout)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	while ((1 << sk->sk_state) & states) {
		release_sock(sk);
		timeout = wait_woken(&wait, TASK_INTERRUPTIBLE, timeout);
		lock_sock(sk);
		if (signal_pending(current) || !timeout)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return timeout;
}

static int connect_locked(struct socket *sock, const struct sockaddr_in *to,
			  int len, int flags)
{
	struct sock *sk = sock->sk;
	long timeout;
	int err;

	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		err = -EALREADY;
		break;
	case SS_UNCONNECTED:
		if (edutcp_sk(sk)->tcb.state != STATE_CLOSED)
			return -EISCONN;
		err = check_address((const struct sockaddr_unsized *)to, len) ?:
		      start_connect(sk, to);
		if (err)
			return err;
		sock->state = SS_CONNECTING;
		err = -EINPROGRESS;
		break;
	default:
		return -EINVAL;
	}

	timeout = sock_sndtimeo(sk, flags & O_NONBLOCK);
	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		if (!timeout)
			return err;
		timeout = wait_while(sk, TCPF_SYN_SENT | TCPF_SYN_RECV,
				     timeout);
		if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
			return signal_pending(current) ?
			       sock_intr_errno(timeout) : err;
	}
	if (sk->sk_state == TCP_CLOSE) {
		/* Refused, reset or timed out: the socket may try again. */
		err = sock_error(sk) ?: -ECONNABORTED;
		sock->state = SS_UNCONNECTED;
		sk->sk_shutdown = 0;
		sock_reset_flag(sk, SOCK_DONE);
		forget_peer(sk);
		return err;
	}
	sock->state = SS_CONNECTED;
	return 0;
}

/* Nobody will read what has been received. */
static void forget_text(struct sock *sk)
{
	__skb_queue_purge(&sk->sk_receive_queue);
	edutcp_sk(sk)->rcv_queued = 0;
}

/* ABORT, in any state, and back to the beginning. */
static void disconnect(struct sock *sk)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_actions actions = { };
	struct tcb_env env;
	int err = 0;

	if (esk->tcb.state == STATE_LISTEN) {
		edutcp_listen_stop(sk);
	} else if (esk->tcb.state != STATE_CLOSED) {
		if (esk->tcb.state != STATE_CLOSING &&
		    esk->tcb.state != STATE_LAST_ACK)
			err = ECONNRESET;
		edutcp_environment(sk, &env);
		tcb_abort(&esk->tcb, &env, &actions);
		edutcp_carry_out(sk, NULL, &actions);
	}
	forget_text(sk);
	sk->sk_shutdown = 0;
	if (err)
		sk->sk_err = err;
	sock_reset_flag(sk, SOCK_DONE);
	forget_peer(sk);
}

static int edutcp_connect(struct socket *sock, struct sockaddr_unsized *addr,
			  int len, int flags)
{
	struct sock *sk = sock->sk;
	int err;

	if (len < (int)sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family == AF_UNSPEC) {
		lock_sock(sk);
		disconnect(sk);
		sock->state = SS_UNCONNECTED;
		release_sock(sk);
		return 0;
	}
	lock_sock(sk);
	err = connect_locked(sock, (const struct sockaddr_in *)addr, len, flags);
	release_sock(sk);
	return err;
}

static int edutcp_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	const struct sock *sk = sock->sk;
	const struct inet_sock *inet = inet_sk(sk);
	struct sockaddr_in *sin = (struct sockaddr_in *)addr;

	if (peer && (!inet->inet_dport || sk->sk_state == TCP_CLOSE ||
		     sk->sk_state == TCP_SYN_SENT))
		return -ENOTCONN;
	*sin = (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_port = peer ? inet->inet_dport : inet->inet_sport,
		.sin_addr.s_addr = peer ? inet->inet_daddr :
				   inet->inet_rcv_saddr ?: inet->inet_saddr,
	};
	return sizeof(*sin);
}

static __poll_t edutcp_poll(struct file *file, struct socket *sock,
			    struct poll_table_struct *table)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;
	u8 shutdown;
	int state;

	sock_poll_wait(file, sock, table);

	state = inet_sk_state_load(sk);
	if (state == TCP_LISTEN)
		return READ_ONCE(sk->sk_ack_backlog) ? EPOLLIN | EPOLLRDNORM :
						       0;

	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;

	if (state != TCP_SYN_SENT && state != TCP_SYN_RECV) {
		if (READ_ONCE(edutcp_sk(sk)->rcv_queued) >=
		    sock_rcvlowat(sk, 0, INT_MAX))
			mask |= EPOLLIN | EPOLLRDNORM;
		if (shutdown & SEND_SHUTDOWN || sk_stream_is_writeable(sk)) {
			mask |= EPOLLOUT | EPOLLWRNORM;
		} else {
			sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
			set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
			/* It may have become so in between. */
			smp_mb__after_atomic();
			if (sk_stream_is_writeable(sk))
				mask |= EPOLLOUT | EPOLLWRNORM;
		}
	}
	smp_rmb();	/* pairs with the barrier before sk_error_report() */
	if (READ_ONCE(sk->sk_err))
		mask |= EPOLLERR;
	return mask;
}

/* SO_RCVLOWAT: never more than the window lets in, or poll() would not end. */
static int edutcp_set_rcvlowat(struct sock *sk, int value)
{
	WRITE_ONCE(sk->sk_rcvlowat,
		   clamp(value, 1, max(READ_ONCE(sk->sk_rcvbuf) / 4, 1)));
	return 0;
}

static int edutcp_ioctl(struct socket *sock, unsigned int cmd,
			unsigned long arg)
{
	struct sock *sk = sock->sk;
	struct edutcp_sock *esk = edutcp_sk(sk);
	int value = 0;

	lock_sock(sk);
	if (esk->tcb.state == STATE_LISTEN) {
		release_sock(sk);
		return cmd == SIOCINQ || cmd == SIOCOUTQ ? -EINVAL :
							   -ENOIOCTLCMD;
	}
	switch (cmd) {
	case SIOCINQ:
		value = esk->rcv_queued;
		break;
	case SIOCOUTQ:
		if (esk->tcb.state != STATE_CLOSED &&
		    esk->tcb.state != STATE_SYN_SENT)
			value = esk->tcb.snd_end - esk->tcb.snd_una;
		value = max(value, 0);	/* the FIN is acknowledged as well */
		break;
	default:
		value = -ENOIOCTLCMD;
		break;
	}
	release_sock(sk);
	return value < 0 ? value : put_user(value, (int __user *)arg);
}

/*
 * CLOSE of our direction; the peer's stays open (3.6.1), unless the user has
 * given that up, too.
 */
static void close_half(struct sock *sk, int how)
{
	struct tcb *tcb = &edutcp_sk(sk)->tcb;
	struct tcb_actions actions = { };
	struct tcb_env env;

	edutcp_environment(sk, &env);
	sk->sk_shutdown |= how;
	if (how & SEND_SHUTDOWN)
		tcb_close(tcb, &actions);
	if (sk->sk_shutdown == SHUTDOWN_MASK && !sock_flag(sk, SOCK_DONE))
		tcb_stop_receiving(tcb, &env);
	edutcp_carry_out(sk, NULL, &actions);
}

static int edutcp_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	int err = 0;

	how++;		/* SHUT_RD, SHUT_WR, SHUT_RDWR become bits 1, 2, 1|2 */
	if (how & ~SHUTDOWN_MASK || !how)
		return -EINVAL;

	lock_sock(sk);
	switch (edutcp_sk(sk)->tcb.state) {
	case STATE_CLOSED:
		err = -ENOTCONN;
		sk->sk_shutdown |= how;
		break;
	case STATE_LISTEN:
		if (how & RCV_SHUTDOWN)
			edutcp_listen_stop(sk);
		break;
	case STATE_SYN_SENT:
		disconnect(sk);
		sock->state = SS_UNCONNECTED;
		break;
	default:
		close_half(sk, how);
		break;
	}
	sk->sk_state_change(sk);
	release_sock(sk);
	return err;
}

/* What close() does to a connection before nobody can use it any more. */
static void close_connection(struct sock *sk, long linger)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_actions actions = { };
	bool unread = esk->rcv_queued;
	struct tcb_env env;

	forget_text(sk);
	edutcp_environment(sk, &env);
	if (unread || (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime)) {
		/* SHLD-3: what was not read is lost, and the peer is told. */
		tcb_abort(&esk->tcb, &env, &actions);
		edutcp_carry_out(sk, NULL, &actions);
		return;
	}
	tcb_close(&esk->tcb, &actions);
	tcb_stop_receiving(&esk->tcb, &env);
	edutcp_carry_out(sk, NULL, &actions);
	if (linger)
		wait_while(sk, TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK,
			   linger);
}

static int edutcp_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct net *net;
	long linger = 0;

	if (!sk)
		return 0;
	net = sock_net(sk);
	if (sock_flag(sk, SOCK_LINGER) && !(current->flags & PF_EXITING))
		linger = sk->sk_lingertime;

	lock_sock(sk);
	sk->sk_shutdown = SHUTDOWN_MASK;
	if (edutcp_sk(sk)->tcb.state == STATE_LISTEN)
		edutcp_listen_stop(sk);
	else if (edutcp_sk(sk)->tcb.state != STATE_CLOSED)
		close_connection(sk, linger);

	/* From here on the connection, when it is over, destroys the socket. */
	sock_hold(sk);
	sock_orphan(sk);
	if (edutcp_sk(sk)->tcb.state == STATE_CLOSED)
		edutcp_destroy_sock(sk);
	release_sock(sk);
	sock->sk = NULL;
	/* Who closes a listener may expect its port to be free. */
	edutcp_port_settle(net);
	sock_put(sk);
	return 0;
}

const struct proto_ops edutcp_stream_ops = {
	.family = PF_EDUTCP,
	.owner = THIS_MODULE,
	.release = edutcp_release,
	.bind = edutcp_bind,
	.connect = edutcp_connect,
	.socketpair = sock_no_socketpair,
	.accept = edutcp_proto_accept,
	.getname = edutcp_getname,
	.poll = edutcp_poll,
	.ioctl = edutcp_ioctl,
	.gettstamp = sock_gettstamp,
	.listen = edutcp_listen,
	.shutdown = edutcp_shutdown,
	.setsockopt = edutcp_setsockopt,
	.getsockopt = edutcp_getsockopt,
	.sendmsg = edutcp_sendmsg,
	.recvmsg = edutcp_recvmsg,
	.mmap = sock_no_mmap,
	.set_rcvlowat = edutcp_set_rcvlowat,
};
