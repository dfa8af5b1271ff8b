// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options. Those of level SOL_SOCKET never come here; those of level
 * SOL_IP are the IP layer's.
 */

#include <linux/tcp.h>
#include <net/ip.h>

#include "edutcp.h"

static void set_flag(struct sock *sk, u8 flag, bool on)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_env env;

	if (on)
		esk->tcb.flags |= flag;
	else
		esk->tcb.flags &= ~flag;
	edutcp_environment(sk, &env);
	edutcp_push(sk, &env);		/* something may have waited for it */
	edutcp_timer_rearm(sk, &env);
}

/**
 * edutcp_setsockopt() - proto_ops.setsockopt
 * @sock: the socket
 * @level: IPPROTO_TCP or SOL_IP
 * @name: the option
 * @value: its value
 * @len: octets of @value
 */
int edutcp_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
		      unsigned int len)
{
	struct sock *sk = sock->sk;
	int number;
	int err = 0;

	if (level == SOL_IP) {
		/* A connection has two ends: no groups to join, or to leave. */
		if ((name >= IP_ADD_MEMBERSHIP && name <= IP_DROP_SOURCE_MEMBERSHIP) ||
		    (name >= MCAST_JOIN_GROUP && name <= MCAST_MSFILTER) ||
		    name == IP_MSFILTER)
			return -EPROTO;
		return ip_setsockopt(sk, level, name, value, len);
	}
	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if (len < sizeof(number))
		return -EINVAL;
	if (copy_from_sockptr(&number, value, sizeof(number)))
		return -EFAULT;

	lock_sock(sk);
	switch (name) {
	case TCP_NODELAY:
		set_flag(sk, TCB_NODELAY, number);
		break;
	default:
		err = -ENOPROTOOPT;
		break;
	}
	release_sock(sk);
	return err;
}

/**
 * edutcp_getsockopt() - proto_ops.getsockopt
 * @sock: the socket
 * @level: IPPROTO_TCP or SOL_IP
 * @name: the option
 * @value: where to put its value
 * @optlen: room there; set to the octets used
 */
int edutcp_getsockopt(struct socket *sock, int level, int name,
		      char __user *value, int __user *optlen)
{
	struct sock *sk = sock->sk;
	int number;
	int len;

	if (level != IPPROTO_TCP)
		return ip_getsockopt(sk, level, name, value, optlen);
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;

	switch (name) {
	case TCP_NODELAY:
		number = !!(edutcp_sk(sk)->tcb.flags & TCB_NODELAY);
		break;
	case TCP_MAXSEG:
		number = edutcp_sk(sk)->tcb.snd_mss ?: TCB_MSS_DEFAULT;
		break;
	default:
		return -ENOPROTOOPT;
	}
	len = min_t(unsigned int, len, sizeof(number));
	if (put_user(len, optlen) || copy_to_user(value, &number, len))
		return -EFAULT;
	return 0;
}
