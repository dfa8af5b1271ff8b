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
#include <net/net_namespace.h>

#include "edutcp.h"

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
