// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving, in softirq: is a segment ours, and whose?
 *
 * We stand in the IP layer's slot for protocol 6, before the stock stack. A
 * segment that matches one of our connections, requests, TIME-WAIT entries or
 * listeners is taken; every other goes on to the stock handler untouched.
 */

#include <linux/slab.h>
#include <net/ip.h>
#include <net/protocol.h>
#include <net/tcp.h>
#include <net/xfrm.h>

#include "edutcp.h"

static const struct net_protocol *stock;
static struct net_protocol ours;

/* What is wrong with a segment of ours, before the core looks at it? */
static int check_segment(struct sk_buff *skb, struct segment *seg)
{
	unsigned int len;

	len = segment_header_len(skb->data);
	if (len < SEG_HEADER_MIN || len > skb->len)
		return STAT_DROP_OFFSET;
	if (!pskb_may_pull(skb, len))
		return STAT_DROP_TRUNCATED;
	if (skb_checksum_init(skb, IPPROTO_TCP, inet_compute_pseudo) ||
	    skb_checksum_complete(skb))
		return STAT_DROP_CHECKSUM;	/* MUST-3 */

	switch (segment_parse(skb->data, skb->len, seg)) {
	case SEGMENT_BAD_OFFSET:
		return STAT_DROP_OFFSET;
	case SEGMENT_BAD_OPTION:
		return STAT_DROP_OPTION;
	default:
		return 0;
	}
}

/* MUST-57, MUST-63: neither to nor from many. */
static bool is_unicast(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_HOST &&
	       !(skb_rtable(skb)->rt_flags &
		 (RTCF_BROADCAST | RTCF_MULTICAST)) &&
	       !ipv4_is_multicast(ip_hdr(skb)->saddr) &&
	       !ipv4_is_lbcast(ip_hdr(skb)->saddr);
}

static bool has_room(struct sock *sk, struct sk_buff *skb)
{
	return atomic_read(&sk->sk_rmem_alloc) <= sk->sk_rcvbuf &&
	       sk_rmem_schedule(sk, skb, skb->truesize);
}

/* Is there memory for the text of a segment? */
static bool make_room(struct sock *sk, struct sk_buff *skb,
		      const struct segment *seg)
{
	struct edutcp_sock *esk = edutcp_sk(sk);

	if (has_room(sk, skb))
		return true;
	/*
	 * What fills a hole goes before what waits behind it. The peer keeps
	 * what we have only reported to have (RFC 2018, 8).
	 */
	if (esk->tcb.rcv_nxt - seg->seq < seg->text_len) {
		edutcp_forget_out_of_order(esk);
		if (has_room(sk, skb))
			return true;
	}
	edutcp_count(sock_net(sk), STAT_DROP_BUFFER_FULL, 1);
	return false;
}

/* Room for the core to note what is out of order, here or at the peer. */
static void provide_ranges(struct edutcp_sock *esk, const struct segment *seg)
{
	struct tcb_conn *conn = &esk->conn;

	if (!conn->held && seg->text_len &&
	    seq_after(seg->seq, esk->tcb.rcv_nxt))
		conn->held = kzalloc(sizeof(*conn->held), GFP_ATOMIC);
	if (!conn->sacked && seg->sack_count &&
	    (esk->tcb.flags & TCB_SACK_OK))
		conn->sacked = kzalloc(sizeof(*conn->sacked), GFP_ATOMIC);
}

/*
 * While a segment waited for the socket, that may have been closed, or even
 * have been opened again to somewhere else.
 */
static bool is_for(const struct edutcp_sock *esk, const struct edutcp_key *key)
{
	const struct edutcp_key *own = &esk->entry.key;

	switch (esk->tcb.state) {
	case STATE_CLOSED:
		return false;
	case STATE_LISTEN:
		return own->local_port == key->local_port &&
		       (!own->local_addr || own->local_addr == key->local_addr);
	default:
		return own->local_port == key->local_port &&
		       own->local_addr == key->local_addr &&
		       own->remote_port == key->remote_port &&
		       own->remote_addr == key->remote_addr;
	}
}

/* RFC 9293, 3.10.7.1 */
static void to_nobody(struct net *net, struct sk_buff *skb,
		      const struct edutcp_key *key, const struct segment *seg)
{
	struct tcb_actions actions = { };

	tcb_segment_without_connection(seg, &actions);
	edutcp_note(net, key, &actions);
	if (actions.send_reset)
		edutcp_send_bare(net, NULL, key, &actions.reset, NULL);
	kfree_skb(skb);
}

/* A segment whose socket has left it while it waited. */
static void too_late(struct net *net, struct sk_buff *skb,
		     const struct edutcp_key *key, const struct segment *seg)
{
	struct edutcp_entry *entry = edutcp_table_find(net, key);
	u32 reopen_iss;

	if (!entry) {
		to_nobody(net, skb, key, seg);
		return;
	}
	if (entry->kind == EDUTCP_TIMEWAIT)
		edutcp_timewait_segment(container_of(entry,
						     struct edutcp_timewait,
						     entry), seg, false,
					&reopen_iss);
	/* For all others it is lost, and comes again. */
	kfree_skb(skb);
}

/**
 * edutcp_process() - a segment for a socket
 * @sk: a connection or a listener
 * @skb: the segment, skb->data at its text; consumed
 * @seg: its header
 *
 * Context: softirq or process, @sk locked and not owned by a user call.
 */
void edutcp_process(struct sock *sk, struct sk_buff *skb,
		    const struct segment *seg)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct tcb_actions actions = { };
	struct edutcp_key key;
	struct tcb_env env;

	edutcp_v4_key_of(skb, &key);
	if (!is_for(esk, &key)) {
		too_late(sock_net(sk), skb, &key, seg);
		return;
	}
	if (esk->tcb.state == STATE_LISTEN) {
		edutcp_listen_segment(sk, skb, seg);
		return;
	}

	edutcp_environment(sk, &env);
	env.no_room = seg->text_len && !make_room(sk, skb, seg);
	provide_ranges(esk, seg);
	tcb_segment_arrives(&esk->tcb, &esk->conn, seg, &env, &actions);
	edutcp_carry_out(sk, skb, &actions);
}

/**
 * edutcp_process_or_queue() - a segment for a socket that a user call may own
 * @sk: a connection or a listener
 * @skb: the segment, skb->data at its text; consumed
 * @seg: its header
 *
 * Context: softirq, or with bottom halves disabled; RCU read section.
 */
void edutcp_process_or_queue(struct sock *sk, struct sk_buff *skb,
			     const struct segment *seg)
{
	bh_lock_sock_nested(sk);
	if (!sock_owned_by_user(sk)) {
		edutcp_process(sk, skb, seg);
	} else if (sk_add_backlog(sk, skb, READ_ONCE(sk->sk_rcvbuf) +
					   READ_ONCE(sk->sk_sndbuf))) {
		edutcp_count(sock_net(sk), STAT_DROP_BACKLOG_FULL, 1);
		kfree_skb(skb);
	}
	bh_unlock_sock(sk);
}

/**
 * edutcp_backlog_rcv() - a segment that came while a user call owned the socket
 * @sk: a connection or a listener, locked
 * @skb: the segment, skb->data at its text; consumed
 *
 * Return: 0.
 */
int edutcp_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct segment seg;
	u32 header_len = skb->data - skb_transport_header(skb);

	/* It was without error before, and its octets are still the same. */
	segment_parse(skb_transport_header(skb), header_len + skb->len, &seg);
	if (edutcp_cb(skb)->trimmed)
		seg.flags &= (u8)~SEG_FIN;

	/* As in softirq: for the locks of other sockets, and for look-ups. */
	local_bh_disable();
	rcu_read_lock();
	edutcp_sk(sk)->in_backlog = true;
	edutcp_process(sk, skb, &seg);
	edutcp_sk(sk)->in_backlog = false;
	rcu_read_unlock();
	local_bh_enable();
	return 0;
}

static void to_socket(struct sock *sk, struct sk_buff *skb,
		      const struct segment *seg)
{
	struct net *net = sock_net(sk);
	struct segment kept = *seg;

	if (!xfrm4_policy_check(sk, XFRM_POLICY_IN, skb)) {
		edutcp_count(net, STAT_DROP_POLICY, 1);
		kfree_skb(skb);
		return;
	}
	nf_reset_ct(skb);
	if (sk_filter_trim_cap(sk, skb, segment_header_len(skb->data))) {
		edutcp_count(net, STAT_DROP_FILTER, 1);
		kfree_skb(skb);
		return;
	}
	skb->dev = NULL;
	__skb_pull(skb, segment_header_len(skb->data));
	edutcp_cb(skb)->trimmed = skb->len < kept.text_len;
	if (edutcp_cb(skb)->trimmed) {
		/* The filter has cut the text; what is gone comes again. */
		kept.text_len = skb->len;
		kept.flags &= (u8)~SEG_FIN;
	}
	edutcp_process_or_queue(sk, skb, &kept);
}

/* The segment belongs to @entry, or to nobody if that is NULL. */
static void deliver_to(struct net *net, struct edutcp_entry *entry,
		       struct sk_buff *skb, const struct edutcp_key *key,
		       const struct segment *seg)
{
	struct edutcp_timewait *tw;
	struct sock *sk;

	if (!entry) {
		to_nobody(net, skb, key, seg);
		return;
	}
	switch (entry->kind) {
	case EDUTCP_TIMEWAIT:
		tw = container_of(entry, struct edutcp_timewait, entry);
		/* A new SYN may open the connection anew, if one listens. */
		entry = seg->flags & SEG_SYN ?
			edutcp_table_find_listener(net, key, inet_iif(skb)) :
			NULL;
		if (edutcp_timewait_segment(tw, seg, entry,
					    &edutcp_cb(skb)->reopen_iss))
			kfree_skb(skb);
		else
			deliver_to(net, entry, skb, key, seg);
		return;
	case EDUTCP_REQUEST:
		sk = container_of(entry, struct edutcp_request, entry)->listener;
		break;
	default:
		sk = edutcp_to_sock(container_of(entry, struct edutcp_sock,
						 entry));
		break;
	}
	to_socket(sk, skb, seg);
}

/* net_protocol.handler: softirq, RCU read section; skb->data at the header. */
static int receive(struct sk_buff *skb)
{
	struct net *net = dev_net(skb->dev);
	struct edutcp_net *en = edutcp_pernet(net);
	struct edutcp_entry *entry;
	struct edutcp_key key;
	struct segment seg;
	int bad;

	/* skb->sk: early demultiplexing has found a stock socket. */
	if (!rcu_access_pointer(en->lookup) || skb->sk ||
	    !pskb_may_pull(skb, SEG_HEADER_MIN))
		return stock->handler(skb);

	edutcp_v4_key_of(skb, &key);
	entry = edutcp_table_find(net, &key) ?:
		edutcp_table_find_listener(net, &key, inet_iif(skb));
	if (!entry && !READ_ONCE(en->own_tcp))
		return stock->handler(skb);

	edutcp_count(net, STAT_IN_SEGS,
		     max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1));
	bad = is_unicast(skb) ? check_segment(skb, &seg) :
				STAT_DROP_NOT_UNICAST;
	if (bad) {
		if (bad != STAT_DROP_NOT_UNICAST)
			edutcp_count(net, STAT_IN_ERRS, 1);
		edutcp_count(net, bad, 1);
		kfree_skb(skb);
		return 0;
	}
	edutcp_cb(skb)->reopen_iss = 0;
	deliver_to(net, entry, skb, &key, &seg);
	return 0;
}

static int error(struct sk_buff *skb, u32 info)
{
	if (!edutcp_v4_error(skb, info))
		return 0;
	return stock->err_handler(skb, info);
}

/**
 * edutcp_input_init() - step in front of the stock stack
 *
 * Return: 0, or -EBUSY if another module is doing the same at this moment.
 */
int edutcp_input_init(void)
{
	stock = rcu_dereference_protected(inet_protos[IPPROTO_TCP], true);
	if (!stock)
		return -EPROTONOSUPPORT;
	ours = (struct net_protocol) {
		.handler = receive,
		.err_handler = error,
		.no_policy = stock->no_policy,
		.icmp_strict_tag_validation = stock->icmp_strict_tag_validation,
	};
	if (cmpxchg((const struct net_protocol **)&inet_protos[IPPROTO_TCP],
		    stock, &ours) != stock)
		return -EBUSY;
	return 0;
}

/**
 * edutcp_input_exit() - step back; returns when no softirq is in this file
 */
void edutcp_input_exit(void)
{
	if (cmpxchg((const struct net_protocol **)&inet_protos[IPPROTO_TCP],
		    &ours, stock) != &ours)
		pr_crit("edutcp: somebody stands before us in the IP layer\n");
	synchronize_net();
}
