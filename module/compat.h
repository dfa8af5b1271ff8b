/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernels; no other file has any. Stable releases get
 * changes of interfaces from later ones, so a version number proves little:
 * Kbuild looks into the headers and defines the EDUTCP_HAVE_* used here.
 */
#ifndef EDUTCP_COMPAT_H
#define EDUTCP_COMPAT_H

#include <linux/net.h>
#include <linux/sysctl.h>
#include <linux/timer.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/route.h>

#include "edutcp.h"

/* 6.19: an address of any family and length has a type of its own. */
#ifndef EDUTCP_HAVE_SOCKADDR_UNSIZED
#define sockaddr_unsized sockaddr
#endif

/* 6.17: whose socket it is. */
#ifndef EDUTCP_HAVE_SK_UID
#define sk_uid(sk) sock_i_uid(sk)
#endif

/* 6.16: the new name of from_timer(). */
#ifndef timer_container_of
#define timer_container_of from_timer
#endif

/* 6.10: what proto_ops.accept is given became a struct. */
#ifdef EDUTCP_HAVE_PROTO_ACCEPT_ARG
static inline int edutcp_proto_accept(struct socket *sock,
				      struct socket *newsock,
				      struct proto_accept_arg *arg)
{
	return edutcp_accept(sock, newsock, arg->flags);
}
#else
static inline int edutcp_proto_accept(struct socket *sock,
				      struct socket *newsock, int flags,
				      bool kern)
{
	return edutcp_accept(sock, newsock, flags);
}
#endif

/*
 * Put an IP header before a segment that has its route, and send it.
 *
 * 7.0: ip_build_and_send_pkt() is not for modules any more, nor is what writes
 * IP options. The socket of a connection has the same options as are wanted
 * here, and then __ip_queue_xmit() does. It does not for a listener, whose
 * options are not those of its requests: the header is written here.
 */
#ifdef EDUTCP_HAVE_IP_BUILD_AND_SEND_PKT
static inline void edutcp_ip_send(struct sk_buff *skb, const struct sock *sk,
				  __be32 saddr, __be32 daddr,
				  struct ip_options_rcu *options)
{
	ip_build_and_send_pkt(skb, sk, saddr, daddr, options, inet_sk(sk)->tos);
}
#else
static inline void edutcp_ip_send(struct sk_buff *skb, const struct sock *sk,
				  __be32 saddr, __be32 daddr,
				  struct ip_options_rcu *options)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct iphdr *iph;
	bool whole;

	if (options) {
		struct flowi flow = {
			.u.ip4.saddr = saddr,
			.u.ip4.daddr = options->opt.srr ? options->opt.faddr :
							  daddr,
		};

		__ip_queue_xmit((struct sock *)sk, skb, &flow, inet->tos);
		return;
	}
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	whole = skb->len <= IPV4_MIN_MTU || ip_dont_fragment(sk, skb_dst(skb));
	/* ip_local_out() adds the length and the checksum. */
	*iph = (struct iphdr) {
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tos = inet->tos,
		.id = whole ? 0 : (__force __be16)get_random_u16(),
		.frag_off = whole ? htons(IP_DF) : 0,
		.ttl = inet->uc_ttl < 0 ? ip4_dst_hoplimit(skb_dst(skb)) :
					  inet->uc_ttl,
		.protocol = IPPROTO_TCP,
		.saddr = saddr,
		.daddr = daddr,
	};
	skb->priority = READ_ONCE(sk->sk_priority);
	skb->mark = READ_ONCE(sk->sk_mark);
	ip_local_out(sock_net(sk), skb->sk, skb);
}
#endif

/* 6.6: sysctl tables are registered with their length, not ended by a blank. */
#ifdef EDUTCP_HAVE_REGISTER_NET_SYSCTL_SZ
#define edutcp_register_sysctl register_net_sysctl_sz
#else
static inline struct ctl_table_header *
edutcp_register_sysctl(struct net *net, const char *path,
		       struct ctl_table *table, size_t count)
{
	return register_net_sysctl(net, path, table);
}
#endif

/* 6.6: the flags of struct inet_sock became bits of one word. */
static inline bool edutcp_wants_errors(const struct sock *sk)
{
#ifdef EDUTCP_HAVE_INET_TEST_BIT
	return inet_test_bit(RECVERR, sk);
#else
	return inet_sk(sk)->recverr;
#endif
}

/* 6.11: a sysctl handler gets its table as const. */
#ifdef EDUTCP_HAVE_CONST_CTL_TABLE
#define EDUTCP_CTL_TABLE const struct ctl_table
#else
#define EDUTCP_CTL_TABLE struct ctl_table
#endif

#endif
