// SPDX-License-Identifier: GPL-2.0
/* Scenarios: see libscenario.h. */

#include "internal.h"
#include "libstory.h"

/* More segments than this after one event, and it is taken for a loop. */
#define BURST_MAX 4096

/* -------------------------------------------------- what a holder must do */

static void note_moves(struct scenario *s)
{
	unsigned int i;

	for (i = 0; i < s->actions.move_count; i++) {
		struct tcb_move *move = &s->actions.moves[i];

		scenario_note(s, "    %s -> %s: %s", tcb_state_name(move->from),
			      tcb_state_name(move->to),
			      tcb_cause_text(move->cause));
		if (!tcb_move_is_legal(move->from, move->to))
			scenario_fail(s, "this move is not in figure 5");
		if (s->move_count < MOVES_MAX)
			s->moves[s->move_count++] = *move;
		if (s->path_len) {
			unsigned int next = STATE_COUNT;

			if (s->path_done < s->path_len)
				next = s->path[s->path_done++];
			if (next != move->to)
				scenario_fail(s, "went from %s to %s, announced was %s",
					      tcb_state_name(move->from),
					      tcb_state_name(move->to),
					      next == STATE_COUNT ?
					      "no further move" :
					      tcb_state_name(next));
		}
	}
}

static void note_sent(struct scenario *s, const struct segment *seg)
{
	unsigned int shift = (s->tcb.flags & TCB_WSCALE_OK) && !(seg->flags & SEG_SYN) ?
			     s->tcb.rcv_wscale : 0;
	/* RFC 7323, 2.4: scaling may move the edge back by less than a unit. */
	u32 slack = (1u << shift) - 1;
	struct seg shown = relative(s, seg, true);
	u32 edge = seg->ack + ((u32)seg->window << shift);

	note_segment(s, "-->", &shown);
	if (seg->has_ts)
		s->ts_heard = seg->tsval;
	if (seg->text_len && (!(s->tcb.flags & TCB_SYN_ACKED) ||
			      seq_before(seg->seq, s->tcb.snd_una) ||
			      seq_after(seg->seq + seg->text_len,
					s->tcb.snd_end)))
		scenario_fail(s, "this is not text that the user has sent");
	if ((seg->flags & SEG_FIN) &&
	    seg->seq + seg->text_len != s->tcb.snd_end)
		scenario_fail(s, "this FIN is not where the text ends");
	if (s->transmit)
		s->transmit(s, seg);
	else if (s->sent_count < SENT_MAX)
		s->sent[s->sent_count++] = *seg;
	else if (!s->relaxed)
		scenario_fail(s, "too many segments to keep");

	if (!(seg->flags & SEG_ACK) || (seg->flags & SEG_RST))
		return;
	/*
	 * RFC 9293, 3.8.6: "not shrink the window" (SHLD-14). A SYN that goes
	 * out again cannot say more than 65535.
	 */
	if ((seg->flags & SEG_SYN) && seg->window == 65535)
		return;
	if (s->edge_known && seq_before(edge + slack, s->edge))
		scenario_fail(s, "the right edge of the window went back by %u",
			      s->edge - edge);
	s->edge = edge;
	s->edge_known = true;
}

/* The text that the core wants kept must be of this segment, and in place. */
static void keep_text(struct scenario *s, const struct segment *arrived)
{
	struct tcb_actions *actions = &s->actions;
	u32 first, i;

	if (!actions->keep_text)
		return;
	if (!arrived || !actions->text_len ||
	    actions->text_offset + actions->text_len > arrived->text_len)
		scenario_fail(s, "text to be kept is not there: %u from %u",
			      actions->text_len, actions->text_offset);
	if (arrived->seq + !!(arrived->flags & SEG_SYN) +
	    actions->text_offset != actions->text_seq)
		scenario_fail(s, "text to be kept is not that at text_seq");

	first = actions->text_seq - s->tcb.irs - 1;
	for (i = first; i != first + actions->text_len; i++) {
		if (i - s->delivered >= STORE_SIZE)
			scenario_fail(s, "text is kept outside of any window");
		s->store[i % STORE_SIZE] = 1;
	}
	s->store_used = true;
}

/* All up to RCV.NXT goes to the user: it must have been kept, each octet. */
static void deliver(struct scenario *s)
{
	u32 end;

	if (s->actions.tell & TELL_PEER_DONE)
		s->peer_done = true;
	if (!state_is_synchronized(s->tcb.state))
		return;
	end = s->tcb.rcv_nxt - s->tcb.irs - 1 - s->peer_done;
	if (end != s->delivered && !(s->actions.tell & TELL_READABLE))
		scenario_fail(s, "the user is not told of new text");
	for (; s->delivered != end; s->delivered++) {
		if (!s->store[s->delivered % STORE_SIZE])
			scenario_fail(s, "octet %u is acknowledged, but was not kept",
				      s->delivered + 1);
		s->store[s->delivered % STORE_SIZE] = 0;
	}
}

static void set_space(struct scenario *s)
{
	u32 unread = s->delivered - s->taken;

	s->env.rcv_space = s->env.rcv_buffer > unread ?
			   s->env.rcv_buffer - unread : 0;
}

/* What is lost, what is held by the peer, and what is between us and it. */
static void check_flight(struct scenario *s)
{
	u32 una = s->tcb.snd_una, nxt = s->tcb.snd_nxt;
	struct tcb_conn *conn = s->conn;
	u32 i;

	if (seq_before(conn->rtx_nxt, conn->rtx_end) &&
	    (seq_before(conn->rtx_nxt, una) || seq_after(conn->rtx_end, nxt)))
		scenario_fail(s, "what is to be sent again is not in flight");
	for (i = 0; conn->sacked && i < conn->sacked->count; i++)
		if (!seq_after(conn->sacked->range[i].start, una) ||
		    seq_after(conn->sacked->range[i].end, nxt))
			scenario_fail(s, "the scoreboard has what is not in flight");
	if (tcb_in_network(&s->tcb, conn) > nxt - una)
		scenario_fail(s, "more is in the network than was sent");
}

/* What holds after each event, in each scenario. */
static void invariants(struct scenario *s)
{
	struct tcb *tcb = &s->tcb;
	bool in_flight = tcb->snd_una != tcb->snd_nxt;
	u32 unit = tcb->flags & TCB_WSCALE_OK ? 1u << tcb->rcv_wscale : 1;
	u32 deadline;
	bool timed = tcb_next_deadline(tcb, s->conn, &s->params, &deadline);

	if (timed && seq_before(deadline + s->late, s->env.now))
		scenario_fail(s, "a timer was due in the past");

	switch (tcb->state) {
	case STATE_CLOSED:
		if (timed)
			scenario_fail(s, "a timer is running in CLOSED");
		return;
	case STATE_LISTEN:
		return;
	case STATE_TIME_WAIT:
		if (tcb->timer != TIMER_TIME_WAIT)
			scenario_fail(s, "TIME_WAIT without the 2 MSL timer");
		return;
	case STATE_FIN_WAIT_2:
		if ((tcb->flags & TCB_RCV_CLOSED) &&
		    tcb->timer != TIMER_FIN_WAIT_2)
			scenario_fail(s, "FIN_WAIT_2 would last for ever");
		break;
	case STATE_ESTABLISHED:
	case STATE_CLOSE_WAIT:
		if (tcb->snd_end != tcb->snd_nxt && !timed)
			scenario_fail(s, "text waits, and no timer is running");
		break;
	default:
		if (!timed)
			scenario_fail(s, "no timer is running in a transient state");
		break;
	}
	if (seq_after(tcb->snd_una, tcb->snd_nxt))
		scenario_fail(s, "SND.UNA is beyond SND.NXT");
	if (seq_after(tcb->snd_nxt, tcb->snd_end +
		      !!(tcb->flags & TCB_FIN_QUEUED)))
		scenario_fail(s, "SND.NXT is beyond what there is to send");
	if (in_flight && tcb->timer != TIMER_RETRANSMIT &&
	    tcb->timer != TIMER_PERSIST)
		scenario_fail(s, "octets are in flight, and no timer is running");
	if (s->conn)
		check_flight(s);
	/* A scaled window can only be a multiple of the unit. */
	if (s->delivered - s->taken > s->env.rcv_buffer + unit)
		scenario_fail(s, "%u octets for a receive buffer of %u",
			      s->delivered - s->taken, s->env.rcv_buffer);
}

/* The core has handled an event: carry out what it wants. */
static void settle(struct scenario *s, const struct segment *arrived)
{
	struct segment seg;
	unsigned int count = 0;

	if (s->actions.drop)
		scenario_note(s, "    dropped: %s",
			      drop_name(s->actions.drop));
	note_moves(s);
	s->told |= s->actions.tell;
	if (!s->error)
		s->error = s->actions.error;
	keep_text(s, arrived);
	deliver(s);
	set_space(s);

	/* As the module does it: there is a scoreboard while it is of use. */
	if (s->conn && s->conn->sacked && !s->conn->sacked->count &&
	    (s->actions.tell & TELL_WRITABLE))
		s->conn->sacked = NULL;
	if (s->actions.challenged)
		s->env.challenges_left--;
	if (s->actions.send_reset)
		note_sent(s, &s->actions.reset);
	while (tcb_next_segment(&s->tcb, s->conn, &s->env, s->text_max, &seg)) {
		note_sent(s, &seg);
		if (++count > BURST_MAX)
			scenario_fail(s, "the core never stops sending");
	}

	if (s->tcb.state == STATE_LISTEN && s->actions.move_count) {
		/* A request is gone, the listener is there for the next one. */
		s->tcb = (struct tcb) { .state = STATE_LISTEN };
		s->edge_known = false;
	}
	if (s->tcb.state == STATE_TIME_WAIT && s->time_wait_entry)
		s->conn = NULL;
	invariants(s);
}

static void begin(struct scenario *s)
{
	if (s->relaxed)
		s->sent_count = 0;
	if (s->sent_count) {
		struct seg seg = relative(s, &s->sent[0], true);
		char text[LADDER_COLUMNS];

		print_segment(text, sizeof(text), &seg);
		scenario_fail(s, "before this, a segment was sent that nobody expected: %s",
			      text);
	}
	print_story_on_death(s);
	s->move_count = 0;
	s->actions = (struct tcb_actions) { 0 };
}

/* ----------------------------------------------------------- what happens */

static void clear_store(struct scenario *s)
{
	if (s->store_used)
		memset(s->store, 0, sizeof(s->store));
	s->store_used = false;
}

void start_again(struct scenario *s)
{
	clear_store(s);
	s->conn = NULL;
	s->held_room.count = 0;
	s->error = ERROR_NONE;
	s->told = 0;
	s->delivered = 0;
	s->taken = 0;
	s->peer_done = false;
	s->edge_known = false;
	set_space(s);
}

void start(struct scenario *s)
{
	memset(s, 0, offsetof(struct scenario, store_used));
	clear_store(s);
	s->name = "";
	s->params = (struct tcb_params) {
		.rto_initial = 1000,
		.rto_min = 200,
		.rto_max = 120000,
		.delayed_ack = 40,
		.time_wait = 60000,
		.fin_wait_2 = 50000,
		.challenge_interval = 500,
		.keep_idle = 7200000,
		.keep_interval = 75000,
		.syn_retries = 5,
		.synack_retries = 4,
		.data_retries = 10,
		.orphan_retries = 6,
		.r1_retries = 3,
		.keep_count = 9,
		.window_scaling = 1,
		.timestamps = 1,
		.sack = 1,
		.challenge_rst = 1,
		.challenge_syn = 1,
		.challenge_ack = 1,
		.protect_time_wait = 1,
	};
	s->open = (struct tcb_open) {
		.iss = 10000,
		.mss = MSS,
		.path_mss = MSS,
		.window = 50000,
	};
	s->env = (struct tcb_env) {
		.rcv_space = 50000,
		.rcv_buffer = 50000,
		.ts_now = TS_BASE,
		.challenges_left = 1000,
		.listening = true,
		.params = &s->params,
	};
	s->text_max = MSS;
	s->peer_iss = 7000;
	s->peer_window = 50000;
	s->peer_mss = MSS;
	tcb_init(&s->tcb);
}

void scenario_connect(struct scenario *s)
{
	begin(s);
	scenario_note(s, "user: OPEN, active");
	s->conn = &s->conn_room;
	tcb_connect(&s->tcb, s->conn, &s->open, &s->env, &s->actions);
	s->conn->held = &s->held_room;
	settle(s, NULL);
}

void scenario_listen(struct scenario *s)
{
	begin(s);
	scenario_note(s, "user: OPEN, passive");
	tcb_listen(&s->tcb, &s->env, &s->actions);
	settle(s, NULL);
}

void scenario_send(struct scenario *s, u32 octets)
{
	begin(s);
	scenario_note(s, "user: SEND %u", octets);
	if (!tcb_may_send(&s->tcb))
		scenario_fail(s, "the user may not send in this state");
	tcb_send(&s->tcb, octets);
	settle(s, NULL);
}

void scenario_receive(struct scenario *s, u32 octets)
{
	begin(s);
	scenario_note(s, "user: RECEIVE %u", octets);
	if (octets > s->delivered - s->taken)
		scenario_fail(s, "only %u octets are there for the user",
			      s->delivered - s->taken);
	s->taken += octets;
	set_space(s);
	if (s->conn)
		tcb_receive(&s->tcb, &s->env);
	settle(s, NULL);
}

void scenario_close(struct scenario *s)
{
	begin(s);
	scenario_note(s, "user: CLOSE");
	tcb_close(&s->tcb, &s->actions);
	settle(s, NULL);
}

void scenario_stop_receiving(struct scenario *s)
{
	begin(s);
	scenario_note(s, "user: will not RECEIVE any more");
	tcb_stop_receiving(&s->tcb, &s->env);
	settle(s, NULL);
}

void scenario_exits(struct scenario *s)
{
	scenario_stop_receiving(s);
	scenario_close(s);
}

void scenario_abort(struct scenario *s)
{
	begin(s);
	scenario_note(s, "user: ABORT");
	tcb_abort(&s->tcb, &s->env, &s->actions);
	settle(s, NULL);
}

static void hand_over(struct scenario *s, const struct segment *seg)
{
	if (s->tcb.state == STATE_LISTEN) {
		if (tcb_segment_for_listener(seg, &s->actions)) {
			s->conn = NULL;
			tcb_open_request(&s->tcb, seg, &s->open, &s->env,
					 &s->actions);
		}
		return;
	}
	tcb_segment_arrives(&s->tcb, s->conn, seg, &s->env, &s->actions);
	if (s->actions.verdict != VERDICT_ACCEPT)
		return;

	scenario_note(s, "    a socket takes the request over");
	s->conn = &s->conn_room;
	tcb_conn_init(s->conn, &s->tcb, &s->env);
	s->conn->held = &s->held_room;
	s->held_room.count = 0;
	s->actions = (struct tcb_actions) { 0 };
	tcb_segment_arrives(&s->tcb, s->conn, seg, &s->env, &s->actions);
}

void scenario_segment_arrives(struct scenario *s, const struct segment *seg)
{
	struct seg shown = relative(s, seg, false);

	begin(s);
	note_segment(s, "<--", &shown);
	if (seg->sack_count && s->conn && !s->conn->sacked && !s->no_ranges &&
	    (s->tcb.flags & TCB_SACK_OK)) {
		s->sacked_room.count = 0;
		s->conn->sacked = &s->sacked_room;
	}
	hand_over(s, seg);
	settle(s, seg);
}

void scenario_arrives(struct scenario *s, const struct seg *seg)
{
	struct segment absolute = {
		.flags = seg->flags,
		.seq = s->peer_iss + seg->seq,
		.ack = seg->flags & SEG_ACK ? s->open.iss + seg->ack : 0,
		.text_len = seg->len,
		.window = seg->window == ZERO_WINDOW ? 0 :
			  seg->window ? (u16)seg->window : s->peer_window,
		.mss = seg->mss,
		.has_wscale = seg->has_wscale,
		.wscale = seg->wscale,
		.sack_ok = seg->sack_ok,
		.has_ts = seg->has_ts || s->peer_ts,
	};

	if (seg->flags & SEG_SYN) {
		absolute.sack_ok |= s->peer_sack;
		if (!seg->mss)
			absolute.mss = s->peer_mss;
	}
	if (seg->has_ts) {
		absolute.tsval = PEER_TS_BASE + seg->tsval;
		absolute.tsecr = TS_BASE + seg->tsecr;
	} else if (s->peer_ts) {
		absolute.tsval = PEER_TS_BASE + s->env.now;
		absolute.tsecr = seg->flags & SEG_ACK ? s->ts_heard : 0;
	}
	while (absolute.sack_count < SEG_SACK_MAX &&
	       seg->sack[absolute.sack_count].end) {
		const struct seq_range *range = &seg->sack[absolute.sack_count];

		absolute.sack[absolute.sack_count++] = (struct seq_range) {
			.start = s->open.iss + range->start,
			.end = s->open.iss + range->end,
		};
	}
	scenario_segment_arrives(s, &absolute);
}

void scenario_run_timers(struct scenario *s)
{
	scenario_note(s, "timer");
	s->actions = (struct tcb_actions) { 0 };
	tcb_timeout(&s->tcb, s->conn, &s->env, &s->actions);
	settle(s, NULL);
}

void scenario_set_clock(struct scenario *s, u32 now)
{
	s->env.now = now;
	s->env.ts_now = TS_BASE + now;
}

void scenario_passes(struct scenario *s, u32 ms)
{
	u32 until = s->env.now + ms;
	unsigned int count = 0;
	u32 deadline;

	begin(s);
	while (tcb_next_deadline(&s->tcb, s->conn, &s->params, &deadline) &&
	       !seq_after(deadline, until)) {
		scenario_set_clock(s, deadline);
		scenario_run_timers(s);
		if (s->relaxed)
			s->sent_count = 0;
		if (++count > BURST_MAX)
			scenario_fail(s, "the timer never stops");
	}
	scenario_set_clock(s, until);
}

/* ------------------------------------------------- ways to get somewhere */

void scenario_established(struct scenario *s)
{
	scenario_connect(s);
	ignore_sent(s);
	scenario_passes(s, RTT);
	scenario_arrives(s, &(struct seg){ .flags = SYN | ACK, .ack = 1 });
	scenario_expect_state(s, STATE_ESTABLISHED);
	ignore_sent(s);
	s->conn->quick_acks = 0;	/* not at the start any more */
}

void scenario_accepted(struct scenario *s)
{
	scenario_listen(s);
	scenario_arrives(s, &(struct seg){ .flags = SYN });
	ignore_sent(s);
	scenario_arrives(s, &(struct seg){ .flags = ACK, .seq = 1, .ack = 1 });
	scenario_expect_state(s, STATE_ESTABLISHED);
	s->conn->quick_acks = 0;
}

void scenario_reach(struct scenario *s, unsigned int state)
{
	const struct seg fin = { .flags = FIN | ACK, .seq = 1, .ack = 1 };
	const struct seg ack = { .flags = ACK, .seq = 1, .ack = 2 };
	const struct seg fin_ack = { .flags = FIN | ACK, .seq = 1, .ack = 2 };

	switch (state) {
	case STATE_CLOSED:
		return;
	case STATE_LISTEN:
	case STATE_SYN_RCVD:
		scenario_listen(s);
		if (state == STATE_SYN_RCVD)
			scenario_arrives(s, &(struct seg){ .flags = SYN });
		ignore_sent(s);
		return;
	case STATE_SYN_SENT:
		scenario_connect(s);
		ignore_sent(s);
		return;
	default:
		scenario_established(s);
		break;
	}

	switch (state) {
	case STATE_FIN_WAIT_1:
		scenario_close(s);
		break;
	case STATE_FIN_WAIT_2:
		scenario_close(s);
		ignore_sent(s);
		scenario_arrives(s, &ack);
		break;
	case STATE_CLOSING:
		scenario_close(s);
		ignore_sent(s);
		scenario_arrives(s, &fin);
		break;
	case STATE_TIME_WAIT:
		scenario_close(s);
		ignore_sent(s);
		scenario_arrives(s, &fin_ack);
		break;
	case STATE_CLOSE_WAIT:
	case STATE_LAST_ACK:
		scenario_arrives(s, &fin);
		ignore_sent(s);
		if (state == STATE_LAST_ACK)
			scenario_close(s);
		else
			scenario_passes(s, s->params.delayed_ack);
		break;
	default:
		break;
	}
	ignore_sent(s);
	scenario_expect_state(s, state);
}

u32 random_u32(u64 *seed)
{
	/* xorshift64* */
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (u32)(*seed * 0x2545f4914f6cdd1dull >> 32);
}
