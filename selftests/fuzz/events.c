// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzing one endpoint: the input is a sequence of events. Segments, mostly
 * such as are nearly right; user calls; time that passes, and timers that run
 * late; memory that is refused; knobs that are turned.
 *
 * libscenario.c is the holder and checks after each event what must hold in
 * each scenario; libinvariants.c checks what else must hold of the TCB, of what
 * was sent and of what the user was told; in inputs that ask for it libtwin.c
 * has the reference model look on. At the end the user goes away, and so does
 * the peer: the connection must come to its end by itself.
 */

#include "libfuzz.h"
#include "libinvariants.h"
#include "libscenario.h"
#include "libtwin.h"

#define EVENTS_MAX 400		/* of an input; one is at least an octet */
#define QUEUE_MAX 8000		/* octets that the user has SENT, not acknowledged */
#define LATE_MAX 1000		/* ms; no timer is later than this */
#define PATIENCE (24u * 3600 * 1000)	/* ms until all must be over */

static struct scenario scenario;
static struct twin twin;

/* Which changes of state there were, and why none: worth keeping for itself. */
static u8 transitions[STATE_COUNT][STATE_COUNT][DROP_COUNT]
	__attribute__((used, section("__libfuzzer_extra_counters")));

struct world {
	struct scenario *s;
	struct input in;
	struct snapshot before;
	bool no_room;		/* no memory for the text of segments */
	bool no_held;		/* none to note what is out of order */
};

/* ------------------------------------------------------------ one event */

static void begin_event(struct world *w)
{
	w->s->sent_count = 0;
	take_snapshot(&w->before, w->s);
}

static void end_event(struct world *w)
{
	struct scenario *s = w->s;
	struct tcb_conn *conn = s->conn;

	/* What is empty is given back, as the module does. */
	if (conn && conn->held && !conn->held->count)
		conn->held = NULL;
	if (conn && (s->actions.tell & TELL_WRITABLE) && conn->sacked &&
	    !conn->sacked->count)
		conn->sacked = NULL;
	twin_compare(&twin, s);
	check_event(s, &w->before);
	transitions[w->before.tcb.state][s->tcb.state][s->actions.drop]++;
}

static void segment_arrives(struct world *w, const struct segment *seg)
{
	begin_event(w);
	twin_segment(&twin, HERE(w->s), seg);
	scenario_segment_arrives(w->s, seg);
	end_event(w);
}

static void call(struct world *w, enum ref_call what, u32 octets)
{
	struct scenario *s = HERE(w->s);

	begin_event(w);
	/* The receive buffer is overfull, by less than a unit of the window. */
	if (s->delivered - s->taken > s->env.rcv_buffer)
		twin_lost(&twin);
	else
		twin_call(&twin, s, what, octets);
	switch (what) {
	case REF_OPEN_ACTIVE:
		scenario_connect(s);
		break;
	case REF_OPEN_PASSIVE:
		scenario_listen(s);
		break;
	case REF_SEND:
		scenario_send(s, octets);
		break;
	case REF_RECEIVE:
		scenario_receive(s, octets);
		break;
	case REF_CLOSE:
		scenario_close(s);
		break;
	case REF_ABORT:
		scenario_abort(s);
		break;
	case REF_STOP_RECEIVING:
		scenario_stop_receiving(s);
		break;
	case REF_STATUS:
		break;
	}
	end_event(w);
}

static void run_timers(struct world *w)
{
	begin_event(w);
	twin_timers(&twin, HERE(w->s));
	scenario_run_timers(w->s);
	end_event(w);
}

/* The timers that are due by then, each in time. */
static void pass(struct world *w, u32 ms)
{
	struct scenario *s = w->s;
	u32 until = s->env.now + ms;
	unsigned int count = 0;
	u32 deadline;

	while (tcb_next_deadline(&s->tcb, s->conn, &s->params, &deadline) &&
	       !seq_after(deadline, until)) {
		if (seq_after(deadline, s->env.now))
			scenario_set_clock(s, deadline);
		s->late = 0;
		run_timers(w);
		if (++count > 4096)
			scenario_fail(HERE(s), "the timer never stops");
	}
	s->late = 0;
	scenario_set_clock(s, until);
}

/* ---------------------------------------------------------------- segments */

/* A sequence number in the neighbourhood of one of ours. */
static u32 near(struct world *w, const u32 *anchors, unsigned int count)
{
	u8 code = input_u8(&w->in);
	u32 anchor = anchors[(code >> 4) % count];
	u32 mss = w->s->tcb.snd_mss;

	switch (code & 15) {
	case 0:
	case 1:
	case 2:
		return anchor;
	case 3:
		return anchor + 1;
	case 4:
		return anchor - 1;
	case 5:
		return anchor + 2;
	case 6:
		return anchor - 2;
	case 7:
		return anchor + mss;
	case 8:
		return anchor - mss;
	case 9:
		return anchor + input_u8(&w->in);
	case 10:
		return anchor - input_u8(&w->in);
	case 11:
		return anchor + input_u16(&w->in);
	case 12:
		return anchor - input_u16(&w->in);
	case 13:
		return anchor + 0x80000000;
	case 14:
		return anchor + 0x7fffffff;
	default:
		return input_u32(&w->in);
	}
}

/* Where the peer's segments may stand. */
static u32 near_receive(struct world *w)
{
	const struct tcb *tcb = &w->s->tcb;
	const struct tcb_conn *conn = w->s->conn;
	const struct ranges *held = conn ? conn->held : NULL;
	u32 last = held && held->count ? held->count - 1 : 0;
	const u32 anchors[] = {
		tcb->rcv_nxt,
		tcb->rcv_nxt,
		tcb->rcv_nxt + tcb->rcv_wnd,
		tcb->irs,
		conn ? conn->ack_sent : tcb->rcv_nxt,
		conn ? conn->fin_seq : tcb->rcv_nxt,
		held && held->count ? held->range[0].start : tcb->rcv_nxt,
		held && held->count ? held->range[last].end : tcb->rcv_nxt,
	};

	return near(w, anchors, 8);
}

/* What the peer may acknowledge. */
static u32 near_send(struct world *w)
{
	const struct tcb *tcb = &w->s->tcb;
	const struct tcb_conn *conn = w->s->conn;
	const u32 anchors[] = {
		tcb->snd_nxt,
		tcb->snd_una,
		tcb->snd_end,
		tcb->iss,
		conn ? conn->recover : tcb->snd_una,
		conn ? conn->rtx_end : tcb->snd_una,
		tcb->snd_una - (conn ? conn->max_snd_wnd : 0),
		tcb->snd_una + tcb->snd_wnd,
	};

	return near(w, anchors, 8);
}

static u32 text_len(struct world *w)
{
	const struct tcb *tcb = &w->s->tcb;
	u8 code = input_u8(&w->in);
	u32 len;

	switch (code) {
	case 250:
		len = tcb->snd_mss;
		break;
	case 251:
		len = tcb->rcv_mss;
		break;
	case 252:
		len = tcb->rcv_wnd;
		break;
	case 253:
		len = tcb->rcv_wnd + 1;
		break;
	case 254:
	case 255:
		len = input_u16(&w->in);
		break;
	default:
		len = code;
		break;
	}
	return min_u32(len, 65495);	/* what an IP packet takes */
}

static u16 window(struct world *w)
{
	u8 code = input_u8(&w->in);

	if (code < 128)
		return w->s->peer_window;
	if (code < 192)
		return 0;
	return code < 224 ? (u16)(code - 191) : input_u16(&w->in);
}

/* The peer's clock goes as ours, but for what the input says. */
static void add_timestamps(struct world *w, struct segment *seg, bool odd)
{
	seg->has_ts = true;
	seg->tsval = PEER_TS_BASE + w->s->env.now;
	seg->tsecr = w->s->ts_heard;
	if (!odd)
		return;
	seg->tsval = near(w, (u32[]) { w->s->tcb.ts_recent, seg->tsval }, 2);
	seg->tsecr = near(w, (u32[]) { w->s->env.ts_now, seg->tsecr }, 2);
}

static void add_options(struct world *w, struct segment *seg)
{
	u8 code = input_u8(&w->in);

	if (code & BIT(0))
		add_timestamps(w, seg, code & BIT(1));
	if (seg->flags & SEG_SYN) {
		seg->sack_ok = code & BIT(2);
		seg->has_wscale = code & BIT(3);
		if (seg->has_wscale)
			seg->wscale = input_u8(&w->in) % (SEG_WSCALE_MAX + 1);
		if (code & BIT(4))
			seg->mss = input_u16(&w->in);
		return;
	}
	while (seg->sack_count < (code >> 5) % (SEG_SACK_MAX + 1) &&
	       segment_write_len(seg) <= SEG_HEADER_MAX - 12) {
		u32 start = near_send(w);

		seg->sack[seg->sack_count++] = (struct seq_range) {
			.start = start,
			.end = start + text_len(w),
		};
	}
}

static void arrive(struct world *w, struct segment *seg)
{
	struct scenario *s = w->s;
	struct tcb_conn *conn = s->conn;

	s->env.no_room = w->no_room && seg->text_len;
	if (w->no_held)
		twin.on = false;
	/* As the module's provide_ranges(). */
	if (conn && !conn->held && !w->no_held && seg->text_len &&
	    seq_after(seg->seq, s->tcb.rcv_nxt)) {
		s->held_room = (struct ranges) { 0 };
		conn->held = &s->held_room;
	}
	segment_arrives(w, seg);
	s->env.no_room = false;

	if (s->actions.verdict == VERDICT_REOPEN) {
		/* MUST-13: nothing of the old connection reaches the new. */
		u32 iss = s->actions.reopen_iss;

		fuzz_check(seq_after(iss, w->before.tcb.snd_nxt));
		start_again(s);
		s->open.iss = iss;
		call(w, REF_OPEN_PASSIVE, 0);
		segment_arrives(w, seg);
		fuzz_check(s->tcb.state == STATE_SYN_RCVD);
	}
}

/* A segment as the peer would send it if all were well. */
static void plain_segment(struct world *w, u8 flags)
{
	const struct tcb *tcb = &w->s->tcb;
	struct segment seg = {
		.flags = flags,
		.seq = tcb->rcv_nxt,
		.ack = flags & SEG_ACK ? tcb->snd_nxt : 0,
		.text_len = text_len(w),
		.window = w->s->peer_window,
	};

	if (tcb->flags & TCB_TS_OK)
		add_timestamps(w, &seg, false);
	if (flags & SEG_SYN)
		seg.sack_ok = tcb->flags & TCB_SACK_OK;
	arrive(w, &seg);
}

static void odd_segment(struct world *w, u8 flags)
{
	struct segment seg = {
		.flags = flags,
		.seq = near_receive(w),
		.ack = near_send(w),
		.text_len = text_len(w),
		.window = window(w),
	};

	if (!(flags & SEG_ACK))
		seg.ack = 0;
	add_options(w, &seg);
	arrive(w, &seg);
}

/* -------------------------------------------------------------- user calls */

/* The user has no hold on what is in the hands of a request or of TIME-WAIT. */
static bool user_may_call(const struct scenario *s)
{
	return s->conn && s->tcb.state != STATE_CLOSED;
}

static void open_connection(struct world *w, bool active)
{
	struct scenario *s = w->s;

	if (s->tcb.state != STATE_CLOSED)
		return;
	start_again(s);
	s->open.iss += 100000;
	call(w, active ? REF_OPEN_ACTIVE : REF_OPEN_PASSIVE, 0);
}

static void send_text(struct world *w)
{
	struct scenario *s = w->s;
	u32 queued = s->tcb.snd_end - s->tcb.snd_una;
	u32 octets = text_len(w);

	if (user_may_call(s) && tcb_may_send(&s->tcb) && octets &&
	    queued + octets <= QUEUE_MAX)
		call(w, REF_SEND, octets);
}

static void receive_text(struct world *w, bool all)
{
	struct scenario *s = w->s;
	u32 unread = s->delivered - s->taken;
	u32 octets = all ? unread : min_u32(unread, text_len(w));

	if (octets)
		call(w, REF_RECEIVE, octets);
}

static void user_is_gone(struct world *w)
{
	struct scenario *s = w->s;

	if (s->tcb.state == STATE_LISTEN) {
		call(w, REF_CLOSE, 0);
	} else if (user_may_call(s)) {
		call(w, REF_STOP_RECEIVING, 0);
		call(w, REF_CLOSE, 0);
	}
}

/* ------------------------------------------------------------- the world */

/* The receive queue's memory is wanted for what fills a hole. */
static void forget_held(struct world *w)
{
	struct scenario *s = w->s;

	if (!s->conn || !s->conn->held)
		return;
	scenario_note(s, "what was out of order is forgotten");
	s->conn->held = NULL;
	twin_lost(&twin);
	memset(s->store, 0, sizeof(s->store));
}

static void turn_knob(struct world *w)
{
	struct tcb_params *params = &w->s->params;
	u8 code = input_u8(&w->in);
	u8 on = code >> 7;

	scenario_note(w->s, "knob %u is turned to %u", code & 0x7f, on);
	twin_lost(&twin);
	switch (code & 0x7f) {
	case 0:
		params->window_scaling = on;
		break;
	case 1:
		params->timestamps = on && !twin.on;
		break;
	case 2:
		params->sack = on && !twin.on;
		break;
	case 3:
		params->challenge_rst = on;
		break;
	case 4:
		params->challenge_syn = on;
		break;
	case 5:
		params->challenge_ack = on;
		break;
	case 6:
		params->protect_time_wait = on;
		break;
	case 7:
		params->rto_min = on ? 200 : 1;
		break;
	case 8:
		params->rto_max = on ? 120000 : 100;
		break;
	case 9:
		params->delayed_ack = on ? 40 : 499;
		break;
	case 10:
		params->time_wait = on ? 60000 : 1;
		break;
	case 11:
		params->fin_wait_2 = on ? 50000 : 1;
		break;
	case 12:
		params->challenge_interval = on ? 500 : 1;
		break;
	case 13:
		params->keep_idle = on ? 7200000 : 1;
		break;
	case 14:
		params->keep_interval = on ? 75000 : 1;
		break;
	case 15:
		params->data_retries = on ? 10 : 0;
		break;
	case 16:
		params->syn_retries = on ? 5 : 0;
		break;
	case 17:
		params->synack_retries = on ? 4 : 0;
		break;
	case 18:
		params->orphan_retries = on ? 6 : 0;
		break;
	case 19:
		params->keep_count = on ? 9 : 1;
		break;
	case 20:
		params->rto_initial = on ? 1000 : 20;
		break;
	default:
		params->r1_retries = on ? 3 : 0;
		break;
	}
	pass(w, 0);		/* a timer may be due by that */
}

/* What the user sets for this connection. */
static void turn_setting(struct world *w)
{
	struct scenario *s = w->s;
	struct tcb_settings *settings = &s->conn_room.settings;
	u8 code = input_u8(&w->in);
	u8 on = code >> 7;

	scenario_note(s, "setting %u is turned to %u", code & 7, on);
	/* Of these the reference knows nothing. */
	if ((code & 7) >= 1 && (code & 7) <= 5)
		twin.on = false;
	switch (code & 7) {
	case 0:
		settings->keepalive = on;
		break;
	case 1:
		settings->user_timeout = on ? 1 + input_u16(&w->in) : 0;
		break;
	case 2:
		settings->keep_idle = on ? 1000 : 0;
		break;
	case 3:
		settings->keep_interval = on ? 1000 : 0;
		break;
	case 4:
		settings->keep_count = on;
		break;
	case 5:
		settings->syn_retries = on;
		break;
	case 6:
		s->tcb.flags = (u16)((s->tcb.flags & ~TCB_NODELAY) |
				     (on ? TCB_NODELAY : 0));
		break;
	default:
		s->tcb.flags = (u16)((s->tcb.flags & ~TCB_CORKED) |
				     (on ? TCB_CORKED : 0));
		break;
	}
	pass(w, 0);
}

static void change_path(struct world *w)
{
	struct scenario *s = w->s;
	u16 mss = (u16)max_u32(input_u16(&w->in), 68 - 40);	/* IPv4's least */

	s->open.path_mss = mss;
	if (!s->conn || !state_is_synchronized(s->tcb.state))
		return;
	scenario_note(s, "the path takes %u octets", mss);
	tcb_set_path_mss(&s->tcb, s->conn, mss);
	run_timers(w);		/* the module learns of it when it sends */
}

static void be_late(struct world *w)
{
	struct scenario *s = w->s;
	u32 ms = input_u8(&w->in);

	if (s->late + ms > LATE_MAX)
		pass(w, 0);
	s->late += ms;
	scenario_set_clock(s, s->env.now + ms);
}

/* To the next deadline, or just before it. */
static void pass_to_deadline(struct world *w, bool before)
{
	struct scenario *s = w->s;
	u32 deadline;

	if (tcb_next_deadline(&s->tcb, s->conn, &s->params, &deadline) &&
	    seq_after(deadline, s->env.now))
		pass(w, deadline - s->env.now - before);
}

/* ---------------------------------------------------------------- the input */

static void next_event(struct world *w)
{
	struct scenario *s = w->s;
	u8 code = input_u8(&w->in);

	/* The user's ISN clock, for TIME-WAIT (RFC 9293, 3.4.1) */
	s->env.iss = s->open.iss + s->env.now * 250;
	if (code & 0x80) {
		if (code & 0x40)
			plain_segment(w, code & 0x3f);
		else
			odd_segment(w, code & 0x3f);
		return;
	}
	switch (code % 24) {
	case 0:
	case 1:
		send_text(w);
		break;
	case 2:
		receive_text(w, false);
		break;
	case 3:
		receive_text(w, true);
		break;
	case 4:
		if (user_may_call(s) || s->tcb.state == STATE_LISTEN)
			call(w, REF_CLOSE, 0);
		break;
	case 5:
		if (user_may_call(s))
			call(w, REF_STOP_RECEIVING, 0);
		break;
	case 6:
		call(w, REF_ABORT, 0);
		break;
	case 7:
		open_connection(w, true);
		break;
	case 8:
		open_connection(w, false);
		break;
	case 9:
		pass(w, input_u8(&w->in));
		break;
	case 10:
		pass(w, input_u16(&w->in));
		break;
	case 11:
		pass(w, input_u32(&w->in) & 0x3fffffff);
		break;
	case 12:
	case 13:
		pass_to_deadline(w, false);
		break;
	case 14:
		pass_to_deadline(w, true);
		break;
	case 15:
		be_late(w);
		break;
	case 16:
		w->no_room = input_bool(&w->in);
		break;
	case 17:
		w->no_held = input_bool(&w->in);
		break;
	case 18:
		s->no_ranges = input_bool(&w->in);
		break;
	case 19:
		forget_held(w);
		break;
	case 20:
		code = input_u8(&w->in);
		s->env.challenges_left = code & BIT(0) ? 1000 : 0;
		s->env.listening = !(code & BIT(1));
		break;
	case 21:
		turn_knob(w);
		break;
	case 22:
		turn_setting(w);
		break;
	default:
		change_path(w);
		break;
	}
}

static void handshake(struct world *w, bool active)
{
	struct scenario *s = w->s;
	u8 wscale = input_u8(&w->in);
	struct segment syn = {
		.flags = SEG_SYN,
		.seq = s->peer_iss,
		.window = s->peer_window,
		.mss = MSS,
		.sack_ok = s->params.sack,
		.has_wscale = wscale & 0x80,
		.wscale = (wscale & 0x80) ? wscale % (SEG_WSCALE_MAX + 1) : 0,
	};

	if (s->params.timestamps)
		add_timestamps(w, &syn, false);
	open_connection(w, active);
	if (active) {
		syn.flags |= SEG_ACK;
		syn.ack = s->tcb.snd_nxt;
		pass(w, RTT);
	}
	arrive(w, &syn);
}

/* So that an input need not find out first how one opens a connection. */
static void first_event(struct world *w)
{
	switch (input_u8(&w->in) % 5) {
	case 0:
		break;
	case 1:
		handshake(w, true);
		break;
	case 2:
		handshake(w, false);
		break;
	case 3:
		open_connection(w, true);
		break;
	default:
		open_connection(w, false);
		break;
	}
}

static void set_world(struct world *w)
{
	static const u32 isses[] = {
		10000, 0xfffffff0 - 100000, 0x7ffffff0 - 100000, 0xffff0000,
	};
	static const u32 buffers[] = { 50000, 5000, 120000, 100 };
	static const u8 shifts[] = { 0, 2, 7, 14 };
	struct scenario *s = w->s;
	u8 knobs = input_u8(&w->in);
	u8 numbers = input_u8(&w->in);
	u8 sizes = input_u8(&w->in);
	bool with_reference = sizes & BIT(6);

	start(s);
	s->relaxed = true;
	s->params.window_scaling = !(knobs & BIT(0));
	s->params.timestamps = !(knobs & BIT(1)) && !with_reference;
	s->params.sack = !(knobs & BIT(2)) && !with_reference;
	s->params.challenge_rst = !(knobs & BIT(3));
	s->params.challenge_syn = !(knobs & BIT(4));
	s->params.challenge_ack = !(knobs & BIT(5));
	s->params.protect_time_wait = !(knobs & BIT(6));
	s->time_wait_entry = !(knobs & BIT(7));
	s->open.iss = isses[numbers & 3];
	s->peer_iss = isses[numbers >> 2 & 3];
	if (numbers & BIT(4))
		scenario_set_clock(s, 0xfffff000);
	if (numbers & BIT(5))
		s->peer_window = 500;
	s->env.rcv_buffer = buffers[sizes & 3];
	s->env.rcv_space = s->env.rcv_buffer;
	s->open.window = s->env.rcv_buffer;
	s->open.wscale = shifts[sizes >> 2 & 3];
	if (s->env.rcv_buffer >> s->open.wscale < 2)
		s->open.wscale = 0;	/* a unit is no larger than the buffer */
	s->open.mss = sizes & BIT(4) ? 536 : MSS;
	s->text_max = sizes & BIT(5) ? 65535 : MSS;
	twin_start(&twin, s, with_reference);
}

/* Nobody is there any more, on either side. */
static void end(struct world *w)
{
	struct scenario *s = w->s;

	w->no_room = false;
	if (s->tcb.state == STATE_CLOSED)
		return;
	scenario_note(s, "the user and the peer are gone");
	user_is_gone(w);
	pass(w, PATIENCE);
	user_is_gone(w);	/* a request may have become a listener */
	if (s->tcb.state != STATE_CLOSED)
		scenario_fail(HERE(s), "the connection never ends");
}

int fuzz_input(const u8 *data, size_t size)
{
	struct world w = { .s = &scenario, .in = { data, size } };
	unsigned int i;

	set_world(&w);
	first_event(&w);
	for (i = 0; input_left(&w.in) && i < EVENTS_MAX; i++)
		next_event(&w);
	end(&w);
	return 0;
}
