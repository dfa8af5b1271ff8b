// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: from the ranges that the core names to packets.
 *
 * What the user has sent and the peer has not acknowledged lies in the
 * socket's write queue, in skbs that hold pages and no header; each knows its
 * range of sequence numbers. A segment is built afresh each time it is sent,
 * first time or again: a header, and references to the pages of its range. So
 * nothing is ever split or copied, and a range may begin and end anywhere.
 */

#include <net/ip.h>
#include <net/tcp.h>

#include "edutcp.h"

/* Room before the TCP header for all that lower layers add. */
#define HEADROOM (MAX_TCP_HEADER)

static void build_header(struct sk_buff *skb, const struct edutcp_key *key,
			 const struct segment *seg)
{
	unsigned int len = segment_write_len(seg);

	skb_push(skb, len);
	skb_reset_transport_header(skb);
	segment_write(seg, ntohs(key->local_port), ntohs(key->remote_port),
		      skb->data);
	edutcp_v4_checksum(skb, key);
}

static void count_sent(struct net *net, const struct segment *seg,
		       unsigned int segments)
{
	edutcp_count(net, STAT_OUT_SEGS, segments);
	if (seg->flags & SEG_RST)
		edutcp_count(net, STAT_OUT_RSTS, 1);
}

/**
 * edutcp_send_bare() - send a segment without text that no socket's route
 * serves: a RST, or anything of a request or a TIME-WAIT entry
 * @net: the namespace
 * @sk: whose TTL, TOS and mark to use; or NULL
 * @key: the connection
 * @seg: the segment
 * @dst: the route, a reference to which is taken over; NULL to look for one
 *
 * If it cannot be sent, it is lost, as on any network.
 *
 * Context: softirq or process.
 */
void edutcp_send_bare(struct net *net, const struct sock *sk,
		      const struct edutcp_key *key, const struct segment *seg,
		      struct dst_entry *dst)
{
	struct sk_buff *skb;

	if (!dst)
		dst = edutcp_v4_route(net, sk, key);
	if (!dst) {
		edutcp_count(net, STAT_DROP_NO_ROUTE, 1);
		return;
	}
	skb = alloc_skb(HEADROOM + SEG_HEADER_MAX, GFP_ATOMIC);
	if (!skb) {
		dst_release(dst);
		edutcp_count(net, STAT_DROP_NO_MEMORY, 1);
		return;
	}
	skb_reserve(skb, HEADROOM + SEG_HEADER_MAX);
	build_header(skb, key, seg);
	count_sent(net, seg, 1);
	rcu_read_lock();
	edutcp_v4_send(skb, net, sk, key, dst);
	rcu_read_unlock();
}

/*
 * Let @skb refer to the octets [@from, @from + @len) of @source's pages. Return
 * how many: fewer, if @skb has no place for another page.
 */
static u32 share_pages(struct sk_buff *skb, struct sk_buff *source, u32 from,
		       u32 len)
{
	const struct skb_shared_info *info = skb_shinfo(source);
	int used = skb_shinfo(skb)->nr_frags;
	unsigned int i;
	u32 done = 0;

	for (i = 0; i < info->nr_frags && done < len; i++) {
		const skb_frag_t *frag = &info->frags[i];
		u32 size = skb_frag_size(frag);
		u32 take;

		if (from >= size) {
			from -= size;
			continue;
		}
		if (used == MAX_SKB_FRAGS)
			break;
		take = min(len - done, size - from);
		get_page(skb_frag_page(frag));
		skb_fill_page_desc(skb, used++, skb_frag_page(frag),
				   skb_frag_off(frag) + from, take);
		done += take;
		from = 0;
	}
	skb->len += done;
	skb->data_len += done;
	skb->truesize += done;
	return done;
}

/*
 * Attach the text [@seq, @seq + @len) of the write queue to @skb. Return how
 * much of it, at least one octet.
 */
static u32 attach_text(struct sock *sk, struct sk_buff *skb, u32 seq, u32 len)
{
	struct sk_buff *source;
	u32 done = 0;

	skb_queue_walk(&sk->sk_write_queue, source) {
		const struct edutcp_skb_cb *cb = edutcp_cb(source);
		u32 next = seq + done;
		u32 here;

		if (!seq_after(cb->end_seq, next))
			continue;
		here = min(len - done, cb->end_seq - next);
		done += share_pages(skb, source, next - cb->seq, here);
		if (done == len || seq + done != next + here)
			break;
	}
	WARN_ON_ONCE(!done);	/* the core named text that was never sent */
	return done;
}

/* One packet with as much of @seg as one packet can carry; 0 if with nothing. */
static u32 transmit_packet(struct sock *sk, struct segment *seg)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct net *net = sock_net(sk);
	u32 mss = esk->tcb.snd_mss - segment_sack_len(seg);
	unsigned int segments = 1;
	u32 text_len = seg->text_len;
	u8 flags = seg->flags;
	struct sk_buff *skb;

	skb = alloc_skb(HEADROOM + SEG_HEADER_MAX,
			sk_gfp_mask(sk, GFP_ATOMIC));
	if (!skb) {
		edutcp_count(net, STAT_DROP_NO_MEMORY, 1);
		return 0;
	}
	skb_reserve(skb, HEADROOM + SEG_HEADER_MAX);
	if (text_len) {
		seg->text_len = attach_text(sk, skb, seg->seq, text_len);
		if (seg->text_len < text_len)	/* the rest will say it */
			seg->flags &= ~(SEG_FIN | SEG_PSH);
	}
	build_header(skb, &esk->entry.key, seg);
	if (seg->text_len > mss) {
		segments = DIV_ROUND_UP(seg->text_len, mss);
		skb_shinfo(skb)->gso_size = mss;
		skb_shinfo(skb)->gso_segs = segments;
		skb_shinfo(skb)->gso_type = sk->sk_gso_type;
	}
	skb_set_owner_w(skb, sk);
	skb->priority = READ_ONCE(sk->sk_priority);
	skb->mark = READ_ONCE(sk->sk_mark);
	count_sent(net, seg, segments);
	ip_queue_xmit(sk, skb, &inet_sk(sk)->cork.fl);

	seg->flags = flags;
	return seg->text_len;
}

static void transmit(struct sock *sk, struct segment *seg)
{
	u32 left = seg->text_len;
	u32 sent;

	do {
		seg->text_len = left;
		sent = transmit_packet(sk, seg);
		seg->seq += sent;
		left -= sent;
	} while (sent && left);
}

/* So much text may go into a packet: what can be cut up later, or a segment. */
static u32 text_max(const struct sock *sk)
{
	u32 mss = edutcp_sk(sk)->tcb.snd_mss;
	u32 segments = max_t(u32, sk->sk_gso_max_segs, 1);

	if (!sk_can_gso(sk))
		return mss;
	return min3(sk->sk_gso_max_size - SEG_HEADER_MAX, segments * mss,
		    (u32)GSO_LEGACY_MAX_SIZE - HEADROOM);
}

static bool is_retransmission(const struct tcb *tcb, const struct segment *seg,
			      u32 snd_nxt)
{
	if (seg->flags & SEG_SYN)
		return tcb->retries > 0;
	return segment_len(seg) && seq_before(seg->seq, snd_nxt);
}

/**
 * edutcp_push() - send all that may be sent now
 * @sk: a connection
 * @env: the world
 *
 * Bounded by the peer's window and the congestion window.
 *
 * Context: softirq or process, @sk locked.
 */
void edutcp_push(struct sock *sk, const struct tcb_env *env)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	u32 snd_nxt = esk->tcb.snd_nxt;
	struct segment seg;
	bool routed;

	if (esk->tcb.state == STATE_CLOSED || esk->tcb.state == STATE_LISTEN)
		return;
	/* First the route: a path that has become narrower sets snd_mss. */
	routed = edutcp_v4_connected_route(sk);
	while (tcb_next_segment(&esk->tcb, &esk->conn, env, text_max(sk),
				&seg)) {
		if (!routed) {
			edutcp_count(sock_net(sk), STAT_DROP_NO_ROUTE, 1);
			continue;	/* lost: the core will try again */
		}
		if (is_retransmission(&esk->tcb, &seg, snd_nxt))
			edutcp_count(sock_net(sk), STAT_RETRANS_SEGS, 1);
		snd_nxt = esk->tcb.snd_nxt;
		transmit(sk, &seg);
	}
}

static void free_source(struct sock *sk, struct sk_buff *skb)
{
	__skb_unlink(skb, &sk->sk_write_queue);
	sk_wmem_queued_add(sk, -skb->truesize);
	sk_mem_uncharge(sk, skb->truesize);
	__kfree_skb(skb);
}

/**
 * edutcp_write_queue_acked() - the peer has acknowledged text
 * @sk: a connection
 * @snd_una: everything before this
 *
 * Context: softirq or process, @sk locked.
 */
void edutcp_write_queue_acked(struct sock *sk, u32 snd_una)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&sk->sk_write_queue)) &&
	       !seq_after(edutcp_cb(skb)->end_seq, snd_una))
		free_source(sk, skb);
}

/**
 * edutcp_write_queue_purge() - nothing will be sent any more
 * @sk: a socket
 *
 * Context: softirq or process, @sk locked.
 */
void edutcp_write_queue_purge(struct sock *sk)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&sk->sk_write_queue)))
		free_source(sk, skb);
	sk_mem_reclaim(sk);
}
