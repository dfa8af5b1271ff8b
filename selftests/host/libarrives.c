// SPDX-License-Identifier: GPL-2.0
/* The reference: SEGMENT ARRIVES (3.10.7). See libreference.h. */

#include "libreference_internal.h"

/* SEG.LEN, 3.3.1: SYN and FIN count. */
static uint32_t seg_len(const struct ref_segment *seg)
{
	return seg->len + (seg->syn ? 1 : 0) + (seg->fin ? 1 : 0);
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> for a segment that is then dropped. */
static void reply_to_dropped(struct ref_answer *answer,
			     const struct ref_segment *seg, bool challenge)
{
	ref_reply(answer, REF_ACK);
	answer->challenge = challenge;
	/* Choice 14. */
	answer->omissible = seg->syn || seg->rst || (!seg->len && !seg->fin);
}

/* <SEQ=SEG.ACK><CTL=RST>, or <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
static void reset_for(struct ref_answer *answer, const struct ref_segment *seg)
{
	answer->reply = REF_RST;
	answer->reset = (struct ref_segment){ .rst = true };
	if (seg->has_ack) {
		answer->reset.seq = seg->ack;
	} else {
		answer->reset.ack = seg->seq + seg_len(seg);
		answer->reset.has_ack = true;
	}
}

static void update_window(struct ref_conn *c, const struct ref_segment *seg)
{
	/* What a probe has carried may have been dropped (3.8.6.1). */
	if (!c->snd_wnd && seg->wnd && c->snd_una != c->snd_nxt)
		c->resends = true;
	c->snd_wnd = seg->wnd;
	c->snd_wl1 = seg->seq;
	c->snd_wl2 = seg->ack;
	if (c->max_snd_wnd < seg->wnd)
		c->max_snd_wnd = seg->wnd;
}

/* Has all that was SENT, and our FIN, been acknowledged? */
static bool fin_is_acked(const struct ref_conn *c)
{
	return c->close_called && c->snd_una == c->snd_end + 1;
}

/* ------------------------------------------------- 3.10.7.1 to 3.10.7.3 */

static void arrives_in_closed(const struct ref_segment *seg,
			      struct ref_answer *answer)
{
	ref_rule(answer, "3.10.7.1");
	if (!seg->rst)
		reset_for(answer, seg);
}

static void arrives_in_listen(struct ref_conn *c, const struct ref_segment *seg,
			      const struct ref_world *world,
			      struct ref_answer *answer)
{
	ref_rule(answer, "3.10.7.2 first");
	if (seg->rst)
		return;
	ref_rule(answer, "3.10.7.2 second");
	if (seg->has_ack) {
		reset_for(answer, seg);
		return;
	}
	ref_rule(answer, "3.10.7.2 fourth");
	if (!seg->syn)
		return;
	ref_rule(answer, "3.10.7.2 third");
	*c = (struct ref_conn){ .passive = true };
	ref_choose_iss(c, world);
	c->irs = seg->seq;
	c->rcv_nxt = seg->seq + 1;
	/*
	 * The window of a SYN counts (RFC 1122, 4.2.2.20 (c)), although the
	 * RFC sets SND.WND here in SYN-SENT only.
	 */
	update_window(c, seg);
	/* Choice 3. */
	ref_reply(answer, REF_SYN_ACK);
	ref_enter(c, REF_SYN_RECEIVED, answer);
}

static bool take_text(struct ref_conn *c, const struct ref_segment *seg,
		      const struct ref_world *world, struct ref_answer *answer);
static void take_fin(struct ref_conn *c, const struct ref_segment *seg,
		     struct ref_answer *answer);

static void arrives_in_syn_sent(struct ref_conn *c,
				const struct ref_segment *seg,
				const struct ref_world *world,
				struct ref_answer *answer)
{
	/* "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset" */
	ref_rule(answer, "3.10.7.3 first");
	if (seg->has_ack && !ref_beyond_on_arc(seg->ack, c->iss, c->snd_nxt)) {
		if (!seg->rst)
			reset_for(answer, seg);
		return;
	}

	ref_rule(answer, "3.10.7.3 second");
	if (seg->rst) {
		if (seg->has_ack)
			ref_abort_with(c, REF_REFUSED, answer); /* Choice 4. */
		return;
	}

	ref_rule(answer, "3.10.7.3 fifth");
	if (!seg->syn)
		return;

	ref_rule(answer, "3.10.7.3 fourth");
	c->irs = seg->seq;
	c->rcv_nxt = seg->seq + 1;
	update_window(c, seg);
	if (!seg->has_ack) {
		/* Choice 3. */
		ref_reply(answer, REF_SYN_ACK);
		ref_enter(c, REF_SYN_RECEIVED, answer);
		return;
	}
	c->snd_una = seg->ack;
	ref_reply(answer, REF_ACK);
	answer->acked = true;
	answer->connected = true;
	ref_enter(c, REF_ESTABLISHED, answer);
	if (take_text(c, seg, world, answer))
		take_fin(c, seg, answer);
}

/* ---------------------------------------------------------------- 3.10.7.4 */

/* Table 6. */
static bool acceptable(const struct ref_conn *c, const struct ref_segment *seg)
{
	uint32_t len = seg_len(seg);
	uint32_t last = seg->seq + len - 1;

	if (!len && !c->rcv_wnd)
		return seg->seq == c->rcv_nxt;
	if (!len)
		return ref_in_window(seg->seq, c->rcv_nxt, c->rcv_wnd) ||
		       seg->seq == c->rcv_nxt + c->rcv_wnd; /* Choice 5. */
	if (!c->rcv_wnd)
		return false;
	return ref_in_window(seg->seq, c->rcv_nxt, c->rcv_wnd) ||
	       ref_in_window(last, c->rcv_nxt, c->rcv_wnd);
}

/* 3.6.1, MAY-2: may this SYN follow upon the connection in TIME-WAIT? */
static bool is_new_connection(const struct ref_conn *c,
			      const struct ref_segment *seg)
{
	return c->state == REF_TIME_WAIT && seg->syn && !seg->has_ack &&
	       !seg->rst && ref_later(seg->seq, c->rcv_nxt);	/* Choice 8. */
}

/* The last octet of the sequence space that the peer has used: its FIN. */
static bool is_fin_again(const struct ref_conn *c,
			 const struct ref_segment *seg)
{
	return c->state == REF_TIME_WAIT && seg->fin &&
	       seg->seq + seg_len(seg) == c->rcv_nxt;
}

static void second_check_rst(struct ref_conn *c, const struct ref_segment *seg,
			     const struct ref_world *world,
			     struct ref_answer *answer)
{
	bool exact = seg->seq == c->rcv_nxt;	/* Choice 13. */

	/* "outside the current receive window, silently drop" */
	ref_rule(answer, "3.10.7.4 second 1)");
	if (!exact && !ref_in_window(seg->seq, c->rcv_nxt, c->rcv_wnd))
		return;
	ref_rule(answer, "3.10.7.4 second 3)");
	if (!exact && world->challenge_rst) {
		reply_to_dropped(answer, seg, true);
		return;
	}
	ref_rule(answer, "3.10.7.4 second 2)");
	switch (c->state) {
	case REF_SYN_RECEIVED:
		if (c->passive)
			ref_enter(c, REF_LISTEN, answer);
		else
			ref_abort_with(c, REF_REFUSED, answer);
		return;
	case REF_TIME_WAIT:
		if (world->protect_time_wait)
			ref_rule(answer, "RFC 1337");
		else
			ref_enter(c, REF_CLOSED, answer);
		return;
	case REF_CLOSING:
	case REF_LAST_ACK:
		ref_enter(c, REF_CLOSED, answer);
		return;
	default:
		ref_abort_with(c, REF_RESET, answer);
		return;
	}
}

static void fourth_check_syn(struct ref_conn *c, const struct ref_segment *seg,
			     const struct ref_world *world,
			     struct ref_answer *answer)
{
	ref_rule(answer, "3.10.7.4 fourth");
	if (!ref_in_window(seg->seq, c->rcv_nxt, c->rcv_wnd)) {
		reply_to_dropped(answer, seg, true);		/* Choice 13. */
		return;
	}
	if (c->state == REF_SYN_RECEIVED && c->passive) {
		ref_enter(c, REF_LISTEN, answer);
		return;
	}
	if (world->challenge_syn) {
		reply_to_dropped(answer, seg, true);
		return;
	}
	reset_for(answer, seg);
	ref_abort_with(c, REF_RESET, answer);
}

/* May it be processed, at least as a duplicate? */
static bool ack_is_acceptable(const struct ref_conn *c,
			      const struct ref_segment *seg,
			      const struct ref_world *world)
{
	/* RFC 5961, 5.2, MAY-12 */
	if (world->challenge_ack)
		return ref_on_arc(seg->ack, c->snd_una - c->max_snd_wnd,
				  c->snd_nxt);
	return !ref_later(seg->ack, c->snd_nxt);
}

/* Returns false if the segment is to be dropped. */
static bool fifth_check_ack(struct ref_conn *c, const struct ref_segment *seg,
			    const struct ref_world *world,
			    struct ref_answer *answer)
{
	ref_rule(answer, "3.10.7.4 fifth");
	if (!seg->has_ack)
		return false;

	/* Choice 6. */
	if (c->snd_una == c->iss &&
	    !ref_beyond_on_arc(seg->ack, c->snd_una, c->snd_nxt)) {
		reset_for(answer, seg);
		return false;
	}
	if (c->state == REF_SYN_RECEIVED) {
		update_window(c, seg);
		answer->connected = true;
		ref_enter(c, REF_ESTABLISHED, answer);
		/* A CLOSE that was queued "after entering ESTABLISHED" */
		if (c->close_called)
			ref_enter(c, REF_FIN_WAIT_1, answer);
	}

	if (!ack_is_acceptable(c, seg, world)) {
		reply_to_dropped(answer, seg, true);
		return false;
	}
	/* Only a FIN is acknowledged: see the eighth step. */
	if (c->state == REF_TIME_WAIT)
		return true;

	if (ref_beyond_on_arc(seg->ack, c->snd_una, c->snd_nxt)) {
		c->snd_una = seg->ack;
		answer->acked = true;
	}
	if (ref_on_arc(seg->ack, c->snd_una, c->snd_nxt) &&
	    (ref_later(seg->seq, c->snd_wl1) ||
	     (seg->seq == c->snd_wl1 &&
	      (seg->ack == c->snd_wl2 || ref_later(seg->ack, c->snd_wl2)))))
		update_window(c, seg);

	switch (c->state) {
	case REF_FIN_WAIT_1:
		if (fin_is_acked(c))
			ref_enter(c, REF_FIN_WAIT_2, answer);
		return true;
	case REF_CLOSING:
		if (!fin_is_acked(c))
			return false;	/* "otherwise, ignore the segment" */
		ref_enter(c, REF_TIME_WAIT, answer);
		return true;
	case REF_LAST_ACK:
		if (!fin_is_acked(c))
			return true;
		ref_enter(c, REF_CLOSED, answer);
		return false;
	default:
		return true;
	}
}

/* May text still arrive? */
static bool takes_text(const struct ref_conn *c)
{
	return c->state == REF_ESTABLISHED || c->state == REF_FIN_WAIT_1 ||
	       c->state == REF_FIN_WAIT_2;
}

static void advance_rcv_nxt(struct ref_conn *c, uint32_t octets)
{
	/* "The total of RCV.NXT and RCV.WND should not be reduced." */
	c->rcv_nxt += octets;
	c->rcv_wnd -= octets < c->rcv_wnd ? octets : c->rcv_wnd;
}

/* Text that waited for what has now arrived (SHLD-31). */
static void take_held(struct ref_conn *c, struct ref_answer *answer)
{
	unsigned int i = 0;

	while (i < c->held_count) {
		struct ref_range *held = &c->held[i];
		uint32_t skip = c->rcv_nxt - held->from;

		if (ref_later(held->from, c->rcv_nxt)) {
			i++;
			continue;
		}
		if (skip < held->len) {
			answer->delivered += held->len - skip;
			advance_rcv_nxt(c, held->len - skip);
		}
		*held = c->held[--c->held_count];
		i = 0;
	}
}

/* Is it held, each octet? */
static bool is_held(const struct ref_conn *c, uint32_t from, uint32_t len)
{
	unsigned int i = 0;

	while (len && i < c->held_count) {
		uint32_t skip = from - c->held[i].from;
		uint32_t rest = c->held[i].len - skip;

		if (skip >= c->held[i].len) {
			i++;
			continue;
		}
		from += rest < len ? rest : len;
		len -= rest < len ? rest : len;
		i = 0;
	}
	return !len;
}

/*
 * Seventh, process the segment text. Returns false if a FIN after it is not to
 * be looked at.
 */
static bool take_text(struct ref_conn *c, const struct ref_segment *seg,
		      const struct ref_world *world, struct ref_answer *answer)
{
	uint32_t from = seg->seq + (seg->syn ? 1 : 0);
	uint32_t len = seg->len;
	uint32_t edge = c->rcv_nxt + c->rcv_wnd;

	if (!takes_text(c) || !len)
		return true;
	/* Choice 11. */
	if (c->fin_held && ref_later(edge, c->fin_seq))
		edge = c->fin_seq;
	/* "trimming off any portions that lie outside the window" */
	if (ref_later(c->rcv_nxt, from)) {
		uint32_t old = c->rcv_nxt - from;

		from += old < len ? old : len;
		len -= old < len ? old : len;
	}
	if (ref_later(from + len, edge))
		len = ref_later(edge, from) ? edge - from : 0;
	if (!len) {
		ref_reply(answer, REF_ACK);
		return true;
	}
	if (c->nobody_reads) {
		/* SHLD-3, "to show that data was lost" */
		ref_rule(answer, "3.6.1");
		ref_reset_connection(c, answer);
		ref_abort_with(c, REF_RESET, answer);
		return false;
	}
	ref_rule(answer, "3.10.7.4 seventh");
	if (world->no_room) {
		/* As if it had been lost, and the FIN with it. */
		ref_reply(answer, REF_ACK);
		return false;
	}
	answer->kept = (struct ref_range){ .from = from, .len = len };
	if (from != c->rcv_nxt) {
		ref_reply(answer, REF_ACK);		/* MAY-13; RFC 5681, 4.2 */
		if (is_held(c, from, len) || c->held_count == REF_HELD_MAX)
			answer->kept.len = 0;
		else
			c->held[c->held_count++] = answer->kept;
		return true;			/* Choice 12. */
	}
	/* RFC 5681, 4.2: what fills a gap is acknowledged at once. */
	ref_reply(answer, c->held_count ? REF_ACK : REF_ACK_SOON);
	answer->delivered += len;
	advance_rcv_nxt(c, len);
	take_held(c, answer);
	return true;
}

/* Choice 11: a peer that contradicts itself. */
static bool text_stands_after(const struct ref_conn *c, uint32_t fin)
{
	unsigned int i;

	for (i = 0; i < c->held_count; i++)
		if (ref_later(c->held[i].from + c->held[i].len, fin))
			return true;
	return false;
}

/* Eighth, check the FIN bit. */
static void take_fin(struct ref_conn *c, const struct ref_segment *seg,
		     struct ref_answer *answer)
{
	uint32_t at = seg->seq + (seg->syn ? 1 : 0) + seg->len;

	if (seg->fin && !takes_text(c)) {
		ref_rule(answer, "3.10.7.4 eighth");
		ref_reply(answer, REF_ACK);		/* Choice 11. */
		if (c->state == REF_TIME_WAIT)
			answer->two_msl = REF_MSL_STARTED;
		return;
	}
	/* Outside of the window it is trimmed off, as text is. */
	if (seg->fin && !c->fin_held &&
	    ref_in_window(at, c->rcv_nxt, c->rcv_wnd) &&
	    (at == c->rcv_nxt || !text_stands_after(c, at))) {
		c->fin_held = true;
		c->fin_seq = at;
	}
	if (!c->fin_held || c->fin_seq != c->rcv_nxt) {
		if (seg->fin)
			ref_reply(answer, REF_ACK);
		return;
	}

	ref_rule(answer, "3.10.7.4 eighth");
	c->fin_held = false;
	c->held_count = 0;
	answer->peer_done = true;
	advance_rcv_nxt(c, 1);
	switch (c->state) {
	case REF_ESTABLISHED:
		ref_reply(answer, REF_ACK_SOON);		/* Choice 10. */
		ref_enter(c, REF_CLOSE_WAIT, answer);
		break;
	case REF_FIN_WAIT_1:
		ref_reply(answer, REF_ACK);
		ref_enter(c, REF_CLOSING, answer);
		break;
	default:
		ref_reply(answer, REF_ACK);
		ref_enter(c, REF_TIME_WAIT, answer);
		break;
	}
}

/* Choice 7. Returns false if the segment is dealt with. */
static bool take_syn_again(const struct ref_conn *c, struct ref_segment *seg,
			   struct ref_answer *answer)
{
	if (c->state != REF_SYN_RECEIVED || !seg->syn || seg->rst ||
	    seg->seq != c->irs)
		return true;
	if (!seg->has_ack) {
		ref_rule(answer, "3.10.7.4 first");
		ref_reply(answer, REF_SYN_ACK);
		return false;
	}
	if (!c->passive) {
		seg->seq++;
		seg->syn = false;
	}
	return true;
}

static void arrives_in_other_states(struct ref_conn *c,
				    const struct ref_segment *arrived,
				    const struct ref_world *world,
				    struct ref_answer *answer)
{
	struct ref_segment trimmed = *arrived;
	const struct ref_segment *seg = &trimmed;

	if (world->listening && is_new_connection(c, seg)) {
		ref_rule(answer, "3.6.1, MAY-2");
		/* "(1) assigns its initial sequence number ... to be larger" */
		answer->reopen = true;
		answer->beyond = c->snd_nxt;
		ref_enter(c, REF_CLOSED, answer);
		return;
	}
	/* RSTs have a check of sequence numbers of their own. */
	if (seg->rst) {
		second_check_rst(c, seg, world, answer);
		return;
	}
	if (!take_syn_again(c, &trimmed, answer))
		return;
	ref_rule(answer, "3.10.7.4 first");
	if (!acceptable(c, seg)) {
		reply_to_dropped(answer, seg, seg->syn);
		if (is_fin_again(c, seg))
			answer->two_msl = REF_MSL_STARTED;
		/* "special allowance should be made to accept valid ACKs" */
		if (!c->rcv_wnd && seg->seq == c->rcv_nxt && !seg->syn)
			fifth_check_ack(c, seg, world, answer);
		return;
	}
	if (seg->syn) {
		fourth_check_syn(c, seg, world, answer);
		return;
	}
	if (!fifth_check_ack(c, seg, world, answer))
		return;
	if (take_text(c, seg, world, answer))
		take_fin(c, seg, answer);
}

void ref_segment_arrives(struct ref_conn *c, const struct ref_segment *seg,
			 const struct ref_world *world,
			 struct ref_answer *answer)
{
	*answer = (struct ref_answer){ .clause = "3.10.7" };
	switch (c->state) {
	case REF_CLOSED:
		arrives_in_closed(seg, answer);
		break;
	case REF_LISTEN:
		arrives_in_listen(c, seg, world, answer);
		break;
	case REF_SYN_SENT:
		arrives_in_syn_sent(c, seg, world, answer);
		break;
	default:
		arrives_in_other_states(c, seg, world, answer);
		break;
	}
	answer->was_idle = c->snd_una == c->snd_nxt;
}
