// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options. Those of level SOL_SOCKET never come here; those of level
 * SOL_IP are the IP layer's.
 */

#include <linux/tcp.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "edutcp.h"

static void set_flag(struct sock *sk, u16 flag, bool on)
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

/* A connection has two ends: no groups to join, or to leave. */
static bool is_multicast(int name)
{
	return (name >= IP_ADD_MEMBERSHIP &&
		name <= IP_DROP_SOURCE_MEMBERSHIP) ||
	       (name >= MCAST_JOIN_GROUP && name <= MCAST_MSFILTER) ||
	       name == IP_MSFILTER;
}

/* A setting has changed that a running timer may depend on. */
static void settings_changed(struct sock *sk)
{
	struct tcb_env env;

	if (edutcp_sk(sk)->tcb.state == STATE_LISTEN)
		return;
	edutcp_environment(sk, &env);
	edutcp_timer_rearm(sk, &env);
}

/**
 * edutcp_keepalive() - proto.keepalive: SO_KEEPALIVE was set
 * @sk: the socket, locked
 * @on: to what
 */
void edutcp_keepalive(struct sock *sk, int on)
{
	struct edutcp_sock *esk = edutcp_sk(sk);

	esk->conn.settings.keepalive = on;
	settings_changed(sk);
}

/* The limits are those of the stock stack. */
static int set_setting(struct sock *sk, int name, int number)
{
	struct tcb_settings *settings = &edutcp_sk(sk)->conn.settings;

	switch (name) {
	case TCP_KEEPIDLE:
		if (number < 1 || number > MAX_TCP_KEEPIDLE)
			return -EINVAL;
		settings->keep_idle = number * MSEC_PER_SEC;
		break;
	case TCP_KEEPINTVL:
		if (number < 1 || number > MAX_TCP_KEEPINTVL)
			return -EINVAL;
		settings->keep_interval = number * MSEC_PER_SEC;
		break;
	case TCP_KEEPCNT:
		if (number < 1 || number > MAX_TCP_KEEPCNT)
			return -EINVAL;
		settings->keep_count = number;
		break;
	case TCP_SYNCNT:
		if (number < 1 || number > MAX_TCP_SYNCNT)
			return -EINVAL;
		settings->syn_retries = number;
		break;
	case TCP_USER_TIMEOUT:
		if (number < 0)
			return -EINVAL;
		settings->user_timeout = number;
		break;
	default:
		return -ENOPROTOOPT;
	}
	settings_changed(sk);
	return 0;
}

static int get_setting(const struct sock *sk, int name)
{
	const struct tcb_settings *settings = &edutcp_sk(sk)->conn.settings;
	const struct tcb_params *params = &edutcp_pernet(sock_net(sk))->params;

	switch (name) {
	case TCP_KEEPIDLE:
		return (settings->keep_idle ?: params->keep_idle) /
		       MSEC_PER_SEC;
	case TCP_KEEPINTVL:
		return (settings->keep_interval ?: params->keep_interval) /
		       MSEC_PER_SEC;
	case TCP_KEEPCNT:
		return settings->keep_count ?: params->keep_count;
	case TCP_SYNCNT:
		return settings->syn_retries ?: params->syn_retries;
	default:	/* TCP_USER_TIMEOUT */
		return settings->user_timeout;
	}
}

/**
 * edutcp_setsockopt() - proto_ops.setsockopt
 * @sock: the socket
 * @level: IPPROTO_TCP or SOL_IP
 * @name: the option
 * @value: its value
 * @len: octets of @value
 *
 * Return: 0 or the error that the stock stack has for it.
 */
int edutcp_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
		      unsigned int len)
{
	struct sock *sk = sock->sk;
	int number;
	int err = 0;

	if (level == SOL_IP)
		return is_multicast(name) ? -EPROTO :
		       ip_setsockopt(sk, level, name, value, len);
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
		err = set_setting(sk, name, number);
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
 *
 * Return: 0 or the error that the stock stack has for it.
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
	case TCP_KEEPIDLE:
	case TCP_KEEPINTVL:
	case TCP_KEEPCNT:
	case TCP_SYNCNT:
	case TCP_USER_TIMEOUT:
		number = get_setting(sk, name);
		break;
	default:
		return -ENOPROTOOPT;
	}
	len = min_t(unsigned int, len, sizeof(number));
	if (put_user(len, optlen) || copy_to_user(value, &number, len))
		return -EFAULT;
	return 0;
}
