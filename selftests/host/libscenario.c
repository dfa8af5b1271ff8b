// SPDX-License-Identifier: GPL-2.0
/* Scenarios: see libscenario.h. */

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#include "libscenario.h"

/* More segments than this after one event, and it is taken for a loop. */
#define BURST_MAX 4096

static const char * const drop_names[DROP_COUNT] = {
	[DROP_NONE] = "none",
	[DROP_CLOSED] = "CLOSED",
	[DROP_LISTEN_RST] = "LISTEN_RST",
	[DROP_LISTEN_ACK] = "LISTEN_ACK",
	[DROP_LISTEN_OTHER] = "LISTEN_OTHER",
	[DROP_SYN_SENT_ACK] = "SYN_SENT_ACK",
	[DROP_SYN_SENT_RST] = "SYN_SENT_RST",
	[DROP_SYN_SENT_OTHER] = "SYN_SENT_OTHER",
	[DROP_SEQUENCE] = "SEQUENCE",
	[DROP_RST_CHALLENGED] = "RST_CHALLENGED",
	[DROP_RST_TIME_WAIT] = "RST_TIME_WAIT",
	[DROP_SYN_CHALLENGED] = "SYN_CHALLENGED",
	[DROP_NO_ACK] = "NO_ACK",
	[DROP_ACK_OLD] = "ACK_OLD",
	[DROP_ACK_FUTURE] = "ACK_FUTURE",
	[DROP_ACK_SYN_RCVD] = "ACK_SYN_RCVD",
	[DROP_TEXT_AFTER_FIN] = "TEXT_AFTER_FIN",
	[DROP_TEXT_AFTER_CLOSE] = "TEXT_AFTER_CLOSE",
	[DROP_TEXT_DUPLICATE] = "TEXT_DUPLICATE",
	[DROP_TEXT_NO_ROOM] = "TEXT_NO_ROOM",
};

static const char *drop_name(unsigned int drop)
{
	return drop < DROP_COUNT && drop_names[drop] ? drop_names[drop] : "?";
}

static const char * const timer_names[] = {
	[TIMER_NONE] = "no timer",
	[TIMER_RETRANSMIT] = "the retransmission timer",
	[TIMER_PERSIST] = "the persist timer",
	[TIMER_FIN_WAIT_2] = "the FIN-WAIT-2 timer",
	[TIMER_TIME_WAIT] = "the 2 MSL timer",
};

/* ------------------------------------------------------------- the ladder */

struct scenario *scenario_at(struct scenario *s, const char *file, int line)
{
	s->file = file;
	s->line = line;
	return s;
}

void scenario_note(struct scenario *s, const char *format, ...)
{
	char *line = s->ladder[s->ladder_count++ % LADDER_LINES];
	va_list args;
	int used;

	used = snprintf(line, LADDER_COLUMNS, "%7u.%03u %s ",
			s->env.now / 1000, s->env.now % 1000, s->name);
	va_start(args, format);
	vsnprintf(line + used, (size_t)(LADDER_COLUMNS - used), format, args);
	va_end(args);
}

static void print_story(struct scenario *s)
{
	unsigned int i = 0, lines;

	fprintf(stderr, "# The story so far (sequence numbers are relative):\n");
	/* A random walk is long, and only its end is of interest. */
	lines = s->relaxed ? 40 : LADDER_LINES;
	if (s->ladder_count > lines) {
		i = s->ladder_count - lines;
		fprintf(stderr, "#    (%u lines left out)\n", i);
	}
	for (; i < s->ladder_count; i++)
		fprintf(stderr, "# %s\n", s->ladder[i % LADDER_LINES]);
	fprintf(stderr,
		"# %s: una %u nxt %u end %u wnd %u, rcv nxt %u wnd %u, %s\n",
		tcb_state_name(s->tcb.state), s->tcb.snd_una - s->open.iss,
		s->tcb.snd_nxt - s->open.iss, s->tcb.snd_end - s->open.iss,
		s->tcb.snd_wnd, s->tcb.rcv_nxt - s->peer_iss, s->tcb.rcv_wnd,
		timer_names[s->tcb.timer]);
}

void scenario_fail(struct scenario *s, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "# %s:%d: ", s->file, s->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	print_story(s);
	/* We are the child that the harness has made for this one test. */
	_exit(1);
}

/*
 * The core has failed by itself: a sanitizer has found something, or
 * core_bug_on() has. Then, too, the story is wanted.
 */
static struct scenario *current;

static void print_current_story(void)
{
	if (current)
		print_story(current);
	current = NULL;
}

static void on_abort(int signal_number)
{
	print_current_story();
	signal(signal_number, SIG_DFL);
}

static void print_story_on_death(struct scenario *s)
{
	current = s;
	signal(SIGABRT, on_abort);
	__sanitizer_set_death_callback(print_current_story);
}

/* In the manner of a packet dump: "ACK,PSH 1:101(100) ack 1 win 65535". */
static void print_segment(char *text, size_t size, const struct seg *seg)
{
	static const char * const names[] = {
		"FIN", "SYN", "RST", "PSH", "ACK", "URG",
	};
	size_t used = 0;
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < 6; i++)
		if (seg->flags & BIT(i))
			used += (size_t)snprintf(text + used, size - used,
						 "%s%s", used ? "," : "",
						 names[i]);
	used += (size_t)snprintf(text + used, size - used, "%s %u:%u(%u)",
				 used ? "" : "-", seg->seq,
				 seg->seq + seg->len, seg->len);
	if (seg->flags & SEG_ACK)
		used += (size_t)snprintf(text + used, size - used, " ack %u",
					 seg->ack);
	if (seg->window)
		used += (size_t)snprintf(text + used, size - used, " win %d",
					 seg->window < 0 ? 0 : seg->window);
	if (seg->mss)
		used += (size_t)snprintf(text + used, size - used, " mss %u",
					 seg->mss);
	if (seg->has_wscale)
		used += (size_t)snprintf(text + used, size - used, " wscale %u",
					 seg->wscale);
	if (seg->sack_ok)
		used += (size_t)snprintf(text + used, size - used, " sackOK");
	if (seg->has_ts)
		used += (size_t)snprintf(text + used, size - used,
					 " ts %u ecr %u", seg->tsval,
					 seg->tsecr);
	for (i = 0; i < SEG_SACK_MAX && seg->sack[i].end; i++)
		used += (size_t)snprintf(text + used, size - used,
					 " sack %u:%u", seg->sack[i].start,
					 seg->sack[i].end);
}

/* As tests write it; @ours: we have sent it, not the peer. */
static struct seg relative(const struct scenario *s, const struct segment *seg,
			   bool ours)
{
	u32 sender = ours ? s->open.iss : s->peer_iss;
	u32 receiver = ours ? s->peer_iss : s->open.iss;
	bool ack = seg->flags & SEG_ACK;
	struct seg shown = {
		.flags = seg->flags,
		.seq = seg->seq - sender,
		.ack = ack ? seg->ack - receiver : 0,
		.len = seg->text_len,
		.window = seg->window ? seg->window : ZERO_WINDOW,
		.mss = seg->mss,
		.has_wscale = seg->has_wscale,
		.wscale = seg->has_wscale ? seg->wscale : 0,
		.sack_ok = seg->sack_ok,
		.has_ts = seg->has_ts,
	};
	unsigned int i;

	if (seg->has_ts) {
		shown.tsval = seg->tsval - (ours ? TS_BASE : PEER_TS_BASE);
		shown.tsecr = ack ? seg->tsecr -
				    (ours ? PEER_TS_BASE : TS_BASE) : 0;
	}
	for (i = 0; i < seg->sack_count; i++)
		shown.sack[i] = (struct seq_range) {
			.start = seg->sack[i].start - receiver,
			.end = seg->sack[i].end - receiver,
		};
	return shown;
}

static void note_segment(struct scenario *s, const char *arrow,
			 const struct seg *seg)
{
	char text[LADDER_COLUMNS];

	print_segment(text, sizeof(text), seg);
	scenario_note(s, "%s %s", arrow, text);
}

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
	if (seg->text_len && (seq_before(seg->seq, s->tcb.iss + 1) ||
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
	/* RFC 9293, 3.8.6: "not shrink the window" (SHLD-14) */
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

/* What holds after each event, in each scenario. */
static void invariants(struct scenario *s)
{
	struct tcb *tcb = &s->tcb;
	bool in_flight = tcb->snd_una != tcb->snd_nxt;
	u32 unit = tcb->flags & TCB_WSCALE_OK ? 1u << tcb->rcv_wscale : 1;
	u32 deadline;
	bool timed = tcb_next_deadline(tcb, s->conn, &s->params, &deadline);

	if (timed && seq_before(deadline, s->env.now))
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
	current = s;
	s->move_count = 0;
	s->actions = (struct tcb_actions) { 0 };
}

/* ----------------------------------------------------------- what happens */

void start(struct scenario *s)
{
	memset(s, 0, offsetof(struct scenario, store_used));
	if (s->store_used)
		memset(s->store, 0, sizeof(s->store));
	s->store_used = false;
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
		.params = &s->params,
	};
	s->text_max = MSS;
	s->peer_iss = 7000;
	s->peer_window = 50000;
	s->peer_mss = MSS;
	tcb_init(&s->tcb);
	print_story_on_death(s);
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
	if (seg->sack_count && s->conn)
		s->conn->sacked = &s->sacked_room;
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

/* ------------------------------------------------------- what is expected */

static bool matches(const struct seg *wanted, const struct seg *got)
{
	if (wanted->flags != got->flags || wanted->seq != got->seq ||
	    wanted->ack != got->ack || wanted->len != got->len)
		return false;
	if (wanted->window && wanted->window != got->window)
		return false;
	if (wanted->sack_ok && !got->sack_ok)
		return false;
	if (wanted->has_ts &&
	    (!got->has_ts || wanted->sack_ok != got->sack_ok ||
	     wanted->tsval != got->tsval ||
	     wanted->tsecr != got->tsecr))
		return false;
	if (wanted->sack[0].end &&
	    memcmp(wanted->sack, got->sack, sizeof(got->sack)))
		return false;
	return (!wanted->mss && !wanted->has_wscale) ||
	       (wanted->mss == got->mss && wanted->wscale == got->wscale &&
		wanted->has_wscale == got->has_wscale);
}

void scenario_expect_sent(struct scenario *s, const struct seg *seg)
{
	char wanted[LADDER_COLUMNS], got[LADDER_COLUMNS];
	struct seg first;

	print_segment(wanted, sizeof(wanted), seg);
	if (!s->sent_count)
		scenario_fail(s, "expected to be sent: %s\n#   but nothing was",
			      wanted);
	first = relative(s, &s->sent[0], true);
	if (!matches(seg, &first)) {
		print_segment(got, sizeof(got), &first);
		scenario_fail(s, "expected to be sent: %s\n#   but it was:          %s",
			      wanted, got);
	}
	s->sent_count--;
	memmove(s->sent, s->sent + 1, s->sent_count * sizeof(s->sent[0]));
}

void scenario_expect_nothing_sent(struct scenario *s)
{
	char got[LADDER_COLUMNS];
	struct seg first;

	if (!s->sent_count)
		return;
	first = relative(s, &s->sent[0], true);
	print_segment(got, sizeof(got), &first);
	scenario_fail(s, "expected to be sent: nothing\n#   but it was: %s", got);
}

void ignore_sent(struct scenario *s)
{
	s->sent_count = 0;
}

void scenario_expect_state(struct scenario *s, unsigned int state)
{
	if (s->tcb.state != state)
		scenario_fail(s, "expected state: %s, but it is: %s",
			      tcb_state_name(state),
			      tcb_state_name(s->tcb.state));
}

void scenario_expect_moves(struct scenario *s, const u8 *states,
			   unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (i == s->move_count)
			scenario_fail(s, "expected a move to %s, but there was none",
				      tcb_state_name(states[i]));
		if (s->moves[i].to != states[i])
			scenario_fail(s, "expected a move to %s, but it was from %s to %s",
				      tcb_state_name(states[i]),
				      tcb_state_name(s->moves[i].from),
				      tcb_state_name(s->moves[i].to));
	}
	if (s->move_count > count)
		scenario_fail(s, "expected no (further) move, but there was one from %s to %s",
			      tcb_state_name(s->moves[count].from),
			      tcb_state_name(s->moves[count].to));
}

void scenario_expect_path(struct scenario *s, const u8 *states,
			  unsigned int count)
{
	memcpy(s->path, states, min_u32(count, MOVES_MAX));
	s->path_len = count;
	s->path_done = 0;
}

void scenario_expect_timer(struct scenario *s, unsigned int timer, u32 ms)
{
	u32 left = s->tcb.deadline - s->env.now;

	if (s->tcb.timer != timer)
		scenario_fail(s, "expected to run: %s, but it is %s",
			      timer_names[timer], timer_names[s->tcb.timer]);
	if (timer != TIMER_NONE && left != ms)
		scenario_fail(s, "expected %s in %u ms, but it is in %u ms",
			      timer_names[timer], ms, left);
}

void scenario_expect_drop(struct scenario *s, unsigned int drop)
{
	if (s->actions.drop != drop)
		scenario_fail(s, "expected to be dropped for %s, but it was %s",
			      drop_name(drop), drop_name(s->actions.drop));
}

void scenario_expect_error(struct scenario *s, unsigned int error)
{
	if (s->error != error)
		scenario_fail(s, "expected error %u, but it is %u",
			      error, s->error);
}

void scenario_expect_delivered(struct scenario *s, u32 octets)
{
	if (s->delivered != octets)
		scenario_fail(s, "expected %u octets to have arrived in order, but it is %u",
			      octets, s->delivered);
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
