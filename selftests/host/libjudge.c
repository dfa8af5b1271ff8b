// SPDX-License-Identifier: GPL-2.0
/* Judges what is sent after an event: the second half of libreference.h. */

#include "libreference.h"

static const char *judge_handshake(struct ref_conn *c,
				   const struct ref_segment *seg,
				   struct ref_answer *answer)
{
	enum ref_reply wanted = seg->has_ack ? REF_SYN_ACK : REF_SYN;

	if (answer->reply != wanted || answer->sent_reply)
		return "a SYN that no rule asks for";
	if (seg->len || seg->fin)
		return "a SYN with text or FIN";
	if (seg->seq != c->iss)
		return "a SYN whose SEQ is not ISS";
	answer->sent_reply = true;
	answer->sent_first = true;
	return NULL;
}

/* Text, or FIN, or both. */
static const char *judge_text(struct ref_conn *c, const struct ref_segment *seg,
			      struct ref_answer *answer)
{
	uint32_t end = seg->seq + seg->len;
	bool again = ref_later(c->snd_nxt, seg->seq);

	switch (c->state) {
	case REF_ESTABLISHED:
	case REF_CLOSE_WAIT:
	case REF_FIN_WAIT_1:
	case REF_CLOSING:
	case REF_LAST_ACK:
		break;
	default:
		return "text or FIN that may not be sent in this state";
	}
	if (!ref_on_arc(seg->seq, c->snd_una, c->snd_nxt))
		return "text whose SEQ is not in SND.UNA to SND.NXT";
	if (seg->len && (seg->seq == c->iss || ref_later(end, c->snd_end)))
		return "text that the user has not SENT";
	if (seg->fin && (!c->close_called || end != c->snd_end))
		return "a FIN that is not where the text ends";
	if (again && !answer->resend && !answer->probe && !c->resends)
		return "sent again, for no reason";
	if (ref_later(end, c->snd_una + c->snd_wnd) && ref_later(end, c->snd_nxt) &&
	    !(answer->probe && seg->len == 1))
		return "text beyond the peer's window";

	if (seg->seq == c->snd_una && again)
		answer->sent_first = true;
	if (ref_later(end + (seg->fin ? 1 : 0), c->snd_nxt))
		c->snd_nxt = end + (seg->fin ? 1 : 0);
	answer->sent_text = true;
	return NULL;
}

/* Choice 14. */
static bool may_omit(const struct ref_world *world,
		     const struct ref_answer *answer)
{
	return answer->omissible &&
	       (world->may_omit_ack ||
		(answer->challenge && world->may_omit_challenge));
}

static const char *judge_bare_ack(struct ref_conn *c,
				  const struct ref_segment *seg, bool grows,
				  const struct ref_world *world,
				  struct ref_answer *answer)
{
	bool wanted = answer->reply == REF_ACK_SOON ||
		      (answer->reply == REF_ACK &&
		       !may_omit(world, answer));

	/* 3.8.4: a keep-alive is to be unacceptable, or it has no answer. */
	if (seg->seq != c->snd_nxt - (answer->probe ? 1 : 0))
		return answer->probe ? "a probe that will not be answered" :
				       "an ACK whose SEQ is not SND.NXT";
	if (answer->sent_bare)
		return "two ACKs where one would do (MUST-58)";
	if (!wanted && !c->ack_owed && !(answer->window_update && grows) &&
	    !answer->probe)
		return "an ACK that no rule asks for";
	answer->sent_bare = true;
	return NULL;
}

const char *ref_sent(struct ref_conn *c, const struct ref_segment *seg,
		     const struct ref_world *world, struct ref_answer *answer)
{
	uint32_t edge = c->rcv_nxt + c->rcv_wnd;
	const char *complaint;
	bool grows;

	if (seg->rst) {
		if (answer->reply != REF_RST || answer->sent_reply)
			return "a RST that no rule asks for";
		if (seg->seq != answer->reset.seq)
			return "a RST with another SEQ";
		if (seg->has_ack != answer->reset.has_ack ||
		    (seg->has_ack && seg->ack != answer->reset.ack))
			return "a RST with another ACK";
		answer->sent_reply = true;
		return NULL;
	}
	if (c->state == REF_CLOSED || c->state == REF_LISTEN)
		return "a segment of no connection";
	if (seg->syn && !seg->has_ack && c->state == REF_SYN_SENT)
		return judge_handshake(c, seg, answer);

	if (!seg->has_ack)
		return "a segment without ACK";
	if (seg->ack != c->rcv_nxt)
		return "an ACK that is not RCV.NXT";
	if (ref_later(edge, seg->ack + seg->wnd + world->unit - 1))
		return "a window that shrinks (SHLD-14)";
	grows = ref_later(seg->ack + seg->wnd, edge);
	if (grows && seg->wnd > world->room)
		return "a window for which there is no room";
	if (grows && seg->ack + seg->wnd + world->unit - 1 - edge < world->step)
		return "a window that grows by little (MUST-39)";

	if (seg->syn && c->snd_una == c->iss)
		complaint = judge_handshake(c, seg, answer);
	else if (seg->syn)
		complaint = "a SYN in this state";
	else if (seg->len || seg->fin)
		complaint = judge_text(c, seg, answer);
	else
		complaint = judge_bare_ack(c, seg, grows, world, answer);

	/* RFC 7323, 2.4: rounding takes nothing back that was offered. */
	if (grows)
		c->rcv_wnd = seg->wnd;
	c->ack_owed = false;
	answer->sent_ack = true;
	return complaint;
}

/* Is there text that nothing in the RFC allows to hold back? */
static bool must_send_text(const struct ref_conn *c,
			   const struct ref_answer *answer)
{
	uint32_t queued = c->snd_end - c->snd_nxt;
	uint32_t in_flight = c->snd_nxt - c->snd_una;

	switch (c->state) {
	case REF_ESTABLISHED:
	case REF_CLOSE_WAIT:
	case REF_FIN_WAIT_1:
	case REF_CLOSING:
	case REF_LAST_ACK:
		break;
	default:
		return false;
	}
	if (c->snd_nxt == c->snd_end + 1)	/* the FIN has gone */
		return false;
	/* 3.8.6.2.1 (2): "PUSHed and D <= U", and Nagle has no objection */
	if (queued)
		return answer->was_idle && !c->hold_small &&
		       queued <= c->snd_wnd;
	/* 3.10.4: "segmentized; then send a FIN segment" */
	return c->close_called && !c->resends && in_flight < c->snd_wnd &&
	       in_flight < c->cwnd;
}

const char *ref_settled(struct ref_conn *c, const struct ref_world *world,
			const struct ref_answer *answer)
{
	bool omit = may_omit(world, answer);

	switch (answer->reply) {
	case REF_SYN:
	case REF_SYN_ACK:
	case REF_RST:
		if (!answer->sent_reply)
			return "SYN or RST was not sent";
		break;
	case REF_ACK:
		if (!answer->sent_ack && !omit)
			return "an ACK was not sent";
		break;
	case REF_ACK_SOON:
		if (!answer->sent_ack)
			c->ack_owed = true;
		break;
	case REF_NOTHING:
		break;
	}
	if (answer->resend && !answer->sent_first)
		return "what is at SND.UNA was not sent again";
	/* 3.8.6.2.2: the peer waits for nothing else. */
	if (answer->window_update && !answer->sent_ack && !c->rcv_wnd &&
	    world->room >= world->step)
		return "a window that was shut has opened, and nobody says so";
	if (answer->probe && !answer->sent_text && !answer->sent_bare)
		return "no probe was sent";
	if (!answer->sent_text && must_send_text(c, answer))
		return "text or FIN that may be sent was not";
	return NULL;
}

bool ref_wants_send_timer(const struct ref_conn *c)
{
	switch (c->state) {
	case REF_CLOSED:
	case REF_LISTEN:
	case REF_TIME_WAIT:
		return false;
	default:
		return c->snd_una != c->snd_nxt || c->snd_nxt != c->snd_end +
		       (c->close_called ? 1 : 0);
	}
}
