// SPDX-License-Identifier: GPL-2.0
/* What must hold: see libcheck.h. */

#include "libcheck.h"
#include "libfigure.h"

void check_failed(struct run *run, const char *violation)
{
	if (!run->violation)
		run->violation = violation;
}

/* Has the SYN of each side been acknowledged, and is the connection not over? */
static bool is_synchronized(unsigned int state)
{
	switch (state) {
	case STATE_ESTABLISHED:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSE_WAIT:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		return true;
	default:
		/* FIN-WAIT-1 may have come from SYN-RECEIVED. */
		return false;
	}
}

/* Does nothing in this scope give a reason to reset a connection? */
static bool is_peaceful(const struct scope *scope)
{
	unsigned int who;

	if (scope->old_count || scope->retries)
		return false;
	for (who = 0; who < ENDS; who++) {
		const struct user *user = &scope->user[who];

		if (user->exits || user->aborts || user->crashes ||
		    user->closes_early || user->unlistens)
			return false;
		/* Or its SYN may find nobody. */
		if (user->opens && !scope->user[!who].listens)
			return false;
	}
	return true;
}

/* The present life of @who; that of the peer whose SYN it took, or NULL. */
static struct life *present(struct world *world, unsigned int who)
{
	return &world->end[who].life[world->end[who].now];
}

static struct life *heard(struct world *world, unsigned int who)
{
	unsigned int life = present(world, who)->heard;

	return life ? &world->end[!who].life[life] : NULL;
}

/* ----------------------------------------------- what the core asks for */

static void note_life(struct run *run, unsigned int who)
{
	struct end *end = &run->world->end[who];
	struct life *life = present(run->world, who);
	u32 received = end->tcb.rcv_nxt - end->tcb.irs;
	unsigned int i;

	life->sent = (u8)(end->tcb.snd_end - end->tcb.iss - 1);
	life->finished = !!(end->tcb.flags & TCB_FIN_QUEUED);
	for (i = 1; i <= run->world->end[!who].now; i++)
		if (life_iss(!who, i) == end->tcb.irs)
			life->heard = (u8)i;
	if (received < life->received || received > 255)
		check_failed(run, "RCV.NXT has moved back");
	life->received = (u8)received;
}

static void check_move(struct run *run, unsigned int who,
		       const struct tcb_move *move, const struct packet *packet)
{
	const struct life *life = present(run->world, who);
	const struct life *peer = heard(run->world, who);
	const struct end *end = &run->world->end[who];

	if (!figure_allows(move) || !tcb_move_is_legal(move->from, move->to))
		check_failed(run, "a change of state that is not in figure 5");
	if (run->figure && !run->good)
		figure_count(run->figure, move);

	switch (move->cause) {
	case CAUSE_ACK_OF_FIN:
		/* Sent, and acknowledged: then the peer has received it. */
		if (peer && peer->received != 1 + life->sent + 1)
			check_failed(run, "a FIN counts as acknowledged and was not received");
		break;
	case CAUSE_RST:
		/*
		 * A RST,ACK of 3.10.7.1 has sequence number 0. Where numbers
		 * wrap that may be RCV.NXT, by a chance of one in 2^32.
		 */
		if (is_synchronized(move->from) && packet &&
		    packet->life < life->heard && packet->seq)
			check_failed(run, "a RST of an old connection has ended this one");
		/* Note 1: by how the connection was opened. */
		if (move->from == STATE_SYN_RCVD &&
		    move->to != (end->holder == HOLDER_REQUEST ? STATE_LISTEN :
								 STATE_CLOSED))
			check_failed(run, "a RST in SYN-RECEIVED leads to the wrong state");
		break;
	case CAUSE_NEW_SYN:
		if (!packet || !seq_after(packet->seq, end->tcb.rcv_nxt))
			check_failed(run, "an old SYN has ended TIME-WAIT");
		break;
	case CAUSE_FIN:
		if (packet && packet->life != life->heard)
			check_failed(run, "a FIN of another connection was taken for one of this");
		break;
	default:
		break;
	}

	if (move->to == STATE_ESTABLISHED &&
	    (!peer || peer->heard != end->now))
		check_failed(run, "established with a peer that does not know of it");
}

/* The text to be kept must be in the segment, in its place, and of this peer. */
static void check_text(struct run *run, unsigned int who,
		       const struct tcb_actions *actions,
		       const struct packet *packet)
{
	struct end *end = &run->world->end[who];
	u32 first = actions->text_seq - end->tcb.irs - 1;
	u32 i;

	if (!packet || !actions->text_len ||
	    actions->text_offset + actions->text_len > packet->text_len ||
	    packet->seq + !!(packet->flags & SEG_SYN) + actions->text_offset !=
	    actions->text_seq) {
		check_failed(run, "text is to be kept that did not arrive");
		return;
	}
	if (packet->life != present(run->world, who)->heard) {
		check_failed(run, "text of another connection is kept");
		return;
	}
	for (i = first; i != first + actions->text_len; i++) {
		if (i >= 8) {
			check_failed(run, "text is kept that nobody has sent");
			return;
		}
		end->kept |= (u8)BIT(i);
	}
}

/* RCV.NXT has advanced: the user gets what is before it. */
static void check_delivery(struct run *run, unsigned int who, u8 before,
			   const struct tcb_actions *actions)
{
	struct end *end = &run->world->end[who];
	const struct life *life = present(run->world, who);
	const struct life *peer = heard(run->world, who);
	bool was_done = end->peer_done;
	u32 delivered, delivered_before;

	if (actions->tell & TELL_PEER_DONE)
		end->peer_done = 1;
	if (!life->received)
		return;
	delivered = life->received - 1u - end->peer_done;
	delivered_before = before ? before - 1u - was_done : 0;

	if (!peer && life->received > 1)
		check_failed(run, "something of an old connection was received");
	if (peer && life->received > 1 + peer->sent + peer->finished)
		check_failed(run, "more was received than was sent");
	if (end->peer_done && (!peer || !peer->finished ||
			       delivered != peer->sent))
		check_failed(run, "the FIN was delivered, but not all text before it");
	if (was_done && delivered != delivered_before)
		check_failed(run, "text was delivered after the FIN");
	if (delivered > 8 || (end->kept & (BIT(delivered) - 1)) !=
	    BIT(delivered) - 1)
		check_failed(run, "an octet was acknowledged that was not kept");
	if (delivered != delivered_before && !(actions->tell & TELL_READABLE))
		check_failed(run, "the user is not told of new text");
	end->unread += (u8)(delivered - delivered_before);
}

void check_actions(struct run *run, unsigned int who,
		   const struct tcb_actions *actions,
		   const struct packet *packet)
{
	struct end *end = &run->world->end[who];
	u8 before = present(run->world, who)->received;
	unsigned int i;

	if (end->holder != HOLDER_NONE)
		note_life(run, who);
	for (i = 0; i < actions->move_count; i++)
		check_move(run, who, &actions->moves[i], packet);
	if (run->figure && !run->good)
		figure_count_moves(run->figure, actions);

	if (end->holder != HOLDER_NONE) {
		if (actions->keep_text)
			check_text(run, who, actions, packet);
		check_delivery(run, who, before, actions);
	}

	if (actions->error == ERROR_RESET && is_peaceful(run->scope))
		check_failed(run, "a connection was reset, and nobody has given a reason");
	if (actions->error == ERROR_TIMED_OUT && !run->scope->retries)
		check_failed(run, "nothing more was heard of a peer that is there");
	for (i = 0; i < actions->move_count; i++)
		if (actions->moves[i].to == STATE_TIME_WAIT &&
		    (end->tcb.timer != TIMER_TIME_WAIT ||
		     end->tcb.deadline != NOW + run->params->time_wait))
			check_failed(run, "TIME-WAIT was entered and 2 MSL do not run");
}

/* --------------------------------------------------------- what is sent */

void check_sent(struct run *run, unsigned int who, const struct segment *seg)
{
	struct end *end = &run->world->end[who];
	const struct tcb *tcb = &end->tcb;
	u32 begin = seg->seq + !!(seg->flags & SEG_SYN);

	if (seg->flags & SEG_SYN && seg->seq != tcb->iss)
		check_failed(run, "a SYN is not at ISS");
	if (seq_before(begin, tcb->iss + 1) ||
	    seq_after(begin + seg->text_len, tcb->snd_end +
		      !!(tcb->flags & TCB_FIN_QUEUED)))
		check_failed(run, "a segment is not of what there is to send");
	if (seg->text_len && seq_after(begin + seg->text_len, tcb->snd_end))
		check_failed(run, "text is sent that the user has not SENT");
	if (seg->flags & SEG_FIN && (!(tcb->flags & TCB_FIN_QUEUED) ||
				     begin + seg->text_len != tcb->snd_end))
		check_failed(run, "a FIN is not where the text ends");
	if (seg->flags & SEG_ACK) {
		if (seg->ack != tcb->rcv_nxt)
			check_failed(run, "an ACK is not RCV.NXT");
		run->acks_sent++;
	}
}

/* MUST-13: the ACK of the peer's FIN may have been lost, so here it comes. */
static void check_fin_in_time_wait(struct run *run, const struct tcb *tcb,
				   const struct packet *packet)
{
	if (!(packet->flags & SEG_FIN) ||
	    packet->seq + packet->text_len + 1 != tcb->rcv_nxt)
		return;
	if (!run->acks_sent)
		check_failed(run, "the peer's FIN arrived in TIME-WAIT and was not acknowledged");
	if (tcb->deadline != NOW + run->params->time_wait)
		check_failed(run, "the peer's FIN arrived in TIME-WAIT and did not restart 2 MSL");
}

void check_answer(struct run *run, unsigned int who,
		  const struct packet *packet)
{
	struct end *end = &run->world->end[who];
	const struct tcb *tcb = &end->tcb;
	const struct life *peer = heard(run->world, who);

	/* Of the peer we are connected with, not of an earlier life of it? */
	if (!packet || !peer || peer->heard != end->now ||
	    packet->life != present(run->world, who)->heard)
		return;
	if (tcb->state == STATE_TIME_WAIT)
		check_fin_in_time_wait(run, tcb, packet);
	/* What is not acknowledged comes again and again. */
	if (is_synchronized(tcb->state) &&
	    (packet->text_len || (packet->flags & SEG_FIN)) &&
	    !run->acks_sent && !end->conn.ack_pending)
		check_failed(run, "text or a FIN arrived, and no ACK is sent or due");
}

/* -------------------------------------------------- between two events */

/* Somebody must be waited for: a timer, or the user. */
static void check_timer(struct run *run, const struct end *end)
{
	const struct tcb *tcb = &end->tcb;
	bool resending = tcb->timer == TIMER_RETRANSMIT ||
			 tcb->timer == TIMER_PERSIST;

	switch (tcb->state) {
	case STATE_SYN_SENT:
	case STATE_SYN_RCVD:
	case STATE_FIN_WAIT_1:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		if (!resending)
			check_failed(run, "no timer is running in a transient state");
		break;
	case STATE_ESTABLISHED:
	case STATE_CLOSE_WAIT:
		if (!resending && (tcb->snd_una != tcb->snd_nxt ||
				   tcb->snd_nxt != tcb->snd_end))
			check_failed(run, "text waits, and no timer is running");
		break;
	case STATE_FIN_WAIT_2:
		if ((tcb->flags & TCB_RCV_CLOSED) &&
		    tcb->timer != TIMER_FIN_WAIT_2)
			check_failed(run, "FIN-WAIT-2 without user and without timer");
		break;
	case STATE_TIME_WAIT:
		if (tcb->timer != TIMER_TIME_WAIT)
			check_failed(run, "2 MSL do not run in TIME-WAIT");
		break;
	default:
		break;
	}
}

static void check_end(struct run *run, unsigned int who)
{
	struct end *end = &run->world->end[who];
	const struct tcb *tcb = &end->tcb;
	const struct life *peer = heard(run->world, who);
	u32 buffer = run->scope->user[who].buffer;

	if (end->holder == HOLDER_NONE)
		return;
	check_timer(run, end);
	if (seq_after(tcb->snd_una, tcb->snd_nxt))
		check_failed(run, "SND.UNA is beyond SND.NXT");
	if (seq_after(tcb->snd_nxt, tcb->snd_end +
		      !!(tcb->flags & TCB_FIN_QUEUED)))
		check_failed(run, "SND.NXT is beyond what there is to send");
	if (buffer && end->unread > buffer)
		check_failed(run, "more waits for the user than the buffer holds");
	/* What the one takes for acknowledged, the other has received. */
	if (peer && peer->heard == end->now &&
	    tcb->snd_una - tcb->iss > peer->received)
		check_failed(run, "it takes for acknowledged what the peer has not received");
}

void check_world(struct run *run)
{
	struct end *a = &run->world->end[0];
	struct end *b = &run->world->end[1];

	check_end(run, 0);
	check_end(run, 1);
	if (is_synchronized(a->tcb.state) && is_synchronized(b->tcb.state) &&
	    (a->tcb.irs != b->tcb.iss || b->tcb.irs != a->tcb.iss))
		check_failed(run, "both are synchronized, with different numbers");
}
