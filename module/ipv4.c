// SPDX-License-Identifier: GPL-2.0
/*
 * All that knows of IPv4: routes, headers, addresses in segments, ICMP.
 */

#include <linux/icmp.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/tcp.h>

#include "compat.h"
#include "edutcp.h"

#define HEADERS (sizeof(struct iphdr) + SEG_HEADER_MIN)

/**
 * edutcp_v4_key_of() - between which two sockets does a segment travel?
 * @skb: a received segment, 20 octets of its TCP header pulled
 * @key: is filled in; "local" is where the segment goes
 */
void edutcp_v4_key_of(const struct sk_buff *skb, struct edutcp_key *key)
{
	const struct tcphdr *th = tcp_hdr(skb);
	const struct iphdr *iph = ip_hdr(skb);

	*key = (struct edutcp_key) {
		.local_addr = iph->daddr,
		.remote_addr = iph->saddr,
		.local_port = th->dest,
		.remote_port = th->source,
	};
}

/*
 * The IP options of a socket's segments, or NULL. Those of a listener are not
 * its connections'. The socket is locked, or not in the hands of a user.
 */
static struct ip_options_rcu *ip_options_of(const struct sock *sk)
{
	if (!sk || sk->sk_state == TCP_LISTEN)
		return NULL;
	return rcu_dereference_check(inet_sk(sk)->inet_opt,
				     lockdep_sock_is_held(sk));
}

/* Where to send what goes to @end: to the first stop of a source route. */
static __be32 first_stop(const struct sock *sk, __be32 end)
{
	const struct ip_options_rcu *options = ip_options_of(sk);

	return options && options->opt.srr ? options->opt.faddr : end;
}

/*
 * Octets of text that a segment without TCP options may carry: MMS_S less
 * headers and IP options (RFC 9293, 3.7.1, MUST-16).
 */
static u16 path_mss_of(const struct sock *sk, const struct dst_entry *dst)
{
	const struct ip_options_rcu *options = ip_options_of(sk);
	int headers = HEADERS + (options ? options->opt.optlen : 0);

	return clamp_t(int, (int)dst_mtu(dst) - headers, TCB_MSS_MIN,
		       U16_MAX - headers);
}

/**
 * edutcp_v4_open() - how a connection is to start
 * @sk: the socket, or the listener
 * @key: the connection
 * @dst: its route
 * @open: is filled in
 */
void edutcp_v4_open(const struct sock *sk, const struct edutcp_key *key,
		    const struct dst_entry *dst, struct tcb_open *open)
{
	u32 window = READ_ONCE(sk->sk_rcvbuf) / 2;

	*open = (struct tcb_open) {
		.iss = edutcp_isn(sock_net(sk), key),
		.mss = clamp_t(u32, dst_metric_advmss(dst), TCB_MSS_MIN,
			       U16_MAX - HEADERS),
		.path_mss = path_mss_of(sk, dst),
		/* So that all of the buffer can be offered in 16 bits. */
		.wscale = clamp(fls(window >> 16), 0, SEG_WSCALE_MAX),
		.window = window,
	};
}

/**
 * edutcp_v4_route() - the route of a segment without a socket of its own
 * @net: the namespace
 * @sk: whose mark, TOS, device and source route to use; or NULL
 * @key: the connection
 *
 * Context: softirq or process.
 *
 * Return: a route with a reference, or NULL.
 */
struct dst_entry *edutcp_v4_route(struct net *net, const struct sock *sk,
				  const struct edutcp_key *key)
{
	struct flowi4 fl4;
	struct rtable *rt;

	rt = ip_route_output_ports(net, &fl4, (struct sock *)sk,
				   first_stop(sk, key->remote_addr),
				   key->local_addr, key->remote_port,
				   key->local_port, IPPROTO_TCP,
				   sk ? RT_TOS(inet_sk(sk)->tos) : 0,
				   sk ? sk->sk_bound_dev_if : 0);
	if (IS_ERR(rt))
		return NULL;
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rt);		/* MUST-57, MUST-63: never to many */
		return NULL;
	}
	return &rt->dst;
}

/**
 * edutcp_v4_connected_route() - the route of a connected socket, made anew if
 * it is out of date
 * @sk: the socket, locked
 *
 * Return: the route, without a reference of its own, or NULL.
 */
struct dst_entry *edutcp_v4_connected_route(struct sock *sk)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct dst_entry *dst = __sk_dst_check(sk, 0);

	if (!dst) {
		dst = edutcp_v4_route(sock_net(sk), sk, &esk->entry.key);
		if (!dst)
			return NULL;
		sk_setup_caps(sk, dst);
	}
	tcb_set_path_mss(&esk->tcb, &esk->conn, path_mss_of(sk, dst));
	return dst;
}

/**
 * edutcp_v4_checksum() - leave the checksum to the device
 * @skb: a segment whose checksum field is 0, transport header set
 * @key: the connection
 *
 * CHECKSUM_PARTIAL: the field gets the sum of the pseudo header, the device
 * (or, if it cannot, the kernel just before it) adds the rest. MUST-2.
 */
void edutcp_v4_checksum(struct sk_buff *skb, const struct edutcp_key *key)
{
	struct tcphdr *th = tcp_hdr(skb);

	th->check = ~tcp_v4_check(skb->len, key->local_addr, key->remote_addr,
				  0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

/**
 * edutcp_v4_send() - send a segment without a socket of its own
 * @skb: the segment, checksum done
 * @net: the namespace
 * @sk: whose TTL, TOS, mark and IP options to use; or NULL
 * @key: the connection
 * @dst: the route; the reference is taken over
 *
 * Context: softirq, RCU read section.
 */
void edutcp_v4_send(struct sk_buff *skb, struct net *net, const struct sock *sk,
		    const struct edutcp_key *key, struct dst_entry *dst)
{
	if (!sk)
		sk = edutcp_pernet(net)->control;
	skb_dst_set(skb, dst);
	edutcp_ip_send(skb, sk, key->local_addr, key->remote_addr,
		       ip_options_of(sk));
}

/*
 * A local port such that the connection is unique, from our own range; and
 * enter the connection into the table.
 */
static int choose_port(struct sock *sk)
{
	struct net *net = sock_net(sk);
	struct edutcp_net *en = edutcp_pernet(net);
	struct edutcp_entry *entry = &edutcp_sk(sk)->entry;
	u32 first = READ_ONCE(en->port_range[0]);
	u32 last = READ_ONCE(en->port_range[1]);
	u32 count, offset, tried;

	if (first > last)	/* it is being changed at this moment */
		return -EADDRNOTAVAIL;
	count = last - first + 1;
	offset = edutcp_port_offset(&entry->key) % count;

	for (tried = 0; tried < count; tried++) {
		u16 port = first + (offset + tried) % count;

		if (edutcp_port_is_bound(net, port))
			continue;
		entry->key.local_port = htons(port);
		if (!edutcp_table_insert(net, entry)) {
			inet_sk(sk)->inet_num = port;
			inet_sk(sk)->inet_sport = htons(port);
			return 0;
		}
		cond_resched();
	}
	return -EADDRNOTAVAIL;
}

/**
 * edutcp_v4_connect() - address, route and port for an active OPEN
 * @sk: a socket in CLOSED
 * @to: where to
 *
 * On success the socket is in the table of connections and has its route.
 *
 * Context: process, @sk locked.
 *
 * Return: 0, -ENETUNREACH and its like, -EADDRNOTAVAIL, -ENOBUFS.
 */
int edutcp_v4_connect(struct sock *sk, const struct sockaddr_in *to)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct inet_sock *inet = &esk->inet;
	struct flowi4 *fl4 = &inet->cork.fl.u.ip4;
	__be16 sport = htons(inet->inet_num);
	__be32 daddr = to->sin_addr.s_addr;
	__be32 stop = first_stop(sk, daddr);	/* MUST-51 */
	struct rtable *rt;
	int err;

	rt = ip_route_connect(fl4, stop, inet->inet_saddr, sk->sk_bound_dev_if,
			      IPPROTO_TCP, sport, to->sin_port, sk);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (stop == daddr)
		daddr = fl4->daddr;	/* it may have been 0: this host */
	if (rt->rt_flags & (RTCF_MULTICAST | RTCF_BROADCAST) || !daddr ||
	    ipv4_is_multicast(daddr) || ipv4_is_lbcast(daddr)) {
		err = -ENETUNREACH;	/* MUST-46: unicast alone */
		goto put_route;
	}

	inet->inet_saddr = fl4->saddr;
	inet->inet_rcv_saddr = fl4->saddr;
	inet->inet_daddr = daddr;
	inet->inet_dport = to->sin_port;
	esk->entry.kind = EDUTCP_CONNECTION;
	esk->entry.key = (struct edutcp_key) {
		.local_addr = fl4->saddr,
		.remote_addr = daddr,
		.local_port = sport,
		.remote_port = to->sin_port,
	};
	err = sport ? edutcp_table_insert(sock_net(sk), &esk->entry) :
		      choose_port(sk);
	if (err)
		goto put_route;

	rt = ip_route_newports(fl4, rt, sport, inet->inet_dport,
			       inet->inet_sport, inet->inet_dport, sk);
	if (IS_ERR(rt)) {
		edutcp_table_remove(sock_net(sk), &esk->entry);
		return PTR_ERR(rt);
	}
	sk_setup_caps(sk, &rt->dst);
	return 0;

put_route:
	ip_rt_put(rt);
	return err;
}

/**
 * edutcp_v4_connected() - addresses and route of a passive OPEN's connection
 * @sk: a fresh copy of the listener's socket
 * @key: the connection
 * @dst: its route; the reference is taken over
 *
 * Context: softirq, @sk locked.
 */
void edutcp_v4_connected(struct sock *sk, const struct edutcp_key *key,
			 struct dst_entry *dst)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_daddr = key->remote_addr;
	inet->inet_rcv_saddr = key->local_addr;
	inet->inet_saddr = key->local_addr;
	inet->inet_dport = key->remote_port;
	inet->mc_list = NULL;
	RCU_INIT_POINTER(inet->inet_opt, NULL);
	/* ip_queue_xmit() takes the addresses of the IP header from here. */
	memset(&inet->cork, 0, sizeof(inet->cork));
	inet->cork.fl.u.ip4.saddr = key->local_addr;
	inet->cork.fl.u.ip4.daddr = key->remote_addr;
	sk_setup_caps(sk, dst);
}

/**
 * edutcp_v4_report() - tell the user of trouble that need not be the end
 * @sk: a connection, locked and not owned by a user call
 * @err: the trouble
 *
 * Context: softirq or process.
 */
void edutcp_v4_report(struct sock *sk, int err)
{
	/* In SYN-SENT sk_err would say that connect() has failed. */
	if (edutcp_wants_errors(sk) && sk->sk_state != TCP_SYN_SENT) {
		sk->sk_err = err;
		sk_error_report(sk);
	} else {
		WRITE_ONCE(sk->sk_err_soft, err);
	}
}

/* Does the peer's router speak of something that is in flight? (RFC 5927) */
static bool in_flight(const struct tcb *tcb, u32 seq)
{
	return !seq_before(seq, tcb->snd_una) && seq_before(seq, tcb->snd_nxt);
}

/*
 * MUST-54, MUST-56: unreachable is a soft error, except for a SYN. Who sets
 * IP_RECVERR is told at once, by poll() or a signal, and the next call fails,
 * but only that one (MUST-47); others can ask for it by SO_ERROR (SHLD-25).
 */
static void soft_error(struct sock *sk, int err)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_actions actions = { };
	struct tcb_env env;

	if (sock_owned_by_user(sk)) {
		WRITE_ONCE(sk->sk_err_soft, err);
	} else if (esk->tcb.state == STATE_SYN_SENT) {
		sk->sk_err = err;
		edutcp_environment(sk, &env);
		tcb_abort(&esk->tcb, &env, &actions);
		edutcp_carry_out(sk, NULL, &actions);
	} else {
		edutcp_v4_report(sk, err);
	}
}

/**
 * edutcp_v4_error() - an ICMP message about a segment of ours
 * @skb: the message; skb->data is at the IP header of the segment
 * @info: the next hop's MTU, if that is what it is about
 *
 * RFC 9293, 3.9.2.2.
 *
 * Context: softirq, RCU read section.
 *
 * Return: 0 if the segment was ours, -ENOENT if the stock stack is to look.
 */
int edutcp_v4_error(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct tcphdr *th = (const struct tcphdr *)
				  (skb->data + iph->ihl * 4);
	const struct edutcp_key key = {
		.local_addr = iph->saddr,
		.remote_addr = iph->daddr,
		.local_port = th->source,
		.remote_port = th->dest,
	};
	struct net *net = dev_net(skb->dev);
	u8 type = icmp_hdr(skb)->type;
	u8 code = icmp_hdr(skb)->code;
	struct edutcp_entry *entry = edutcp_table_find(net, &key);
	struct edutcp_sock *esk;
	struct sock *sk;

	if (!entry)
		return -ENOENT;
	if (entry->kind != EDUTCP_CONNECTION)
		return 0;
	esk = container_of(entry, struct edutcp_sock, entry);
	sk = edutcp_to_sock(esk);

	bh_lock_sock(sk);
	if (esk->tcb.state == STATE_CLOSED ||
	    !in_flight(&esk->tcb, ntohl(th->seq)))
		goto unlock;
	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED) {
		struct dst_entry *dst;

		if (!sock_owned_by_user(sk)) {
			dst = __sk_dst_check(sk, 0);
			if (dst)
				dst->ops->update_pmtu(dst, sk, NULL, info,
						      true);
		}
	} else if (type == ICMP_DEST_UNREACH && code <= NR_ICMP_UNREACH) {
		soft_error(sk, icmp_err_convert[code].errno);
	} else if (type == ICMP_TIME_EXCEEDED) {
		soft_error(sk, EHOSTUNREACH);
	} else if (type == ICMP_PARAMETERPROB) {
		soft_error(sk, EPROTO);
	}
unlock:
	bh_unlock_sock(sk);
	return 0;
}
