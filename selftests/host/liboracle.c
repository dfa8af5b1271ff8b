// SPDX-License-Identifier: GPL-2.0
/* The core and the reference, side by side: see liboracle.h. */

#include <stdarg.h>
#include <stdio.h>

#include "liboracle.h"

#define BURST_MAX 256	/* more segments than this, and it is a loop */
#define WINDOW_MAX (65535u << SEG_WSCALE_MAX)

static const u8 ref_states[STATE_COUNT] = {
	[STATE_CLOSED] = REF_CLOSED,
	[STATE_LISTEN] = REF_LISTEN,
	[STATE_SYN_SENT] = REF_SYN_SENT,
	[STATE_SYN_RCVD] = REF_SYN_RECEIVED,
	[STATE_ESTABLISHED] = REF_ESTABLISHED,
	[STATE_FIN_WAIT_1] = REF_FIN_WAIT_1,
	[STATE_FIN_WAIT_2] = REF_FIN_WAIT_2,
	[STATE_CLOSE_WAIT] = REF_CLOSE_WAIT,
	[STATE_CLOSING] = REF_CLOSING,
	[STATE_LAST_ACK] = REF_LAST_ACK,
	[STATE_TIME_WAIT] = REF_TIME_WAIT,
};

static const u8 ref_errors[] = {
	[ERROR_NONE] = REF_NO_ERROR,
	[ERROR_REFUSED] = REF_REFUSED,
	[ERROR_RESET] = REF_RESET,
	[ERROR_TIMED_OUT] = REF_TIMED_OUT,
};

static const char * const error_names[] = {
	[REF_NO_ERROR] = "none",
	[REF_REFUSED] = "refused",
	[REF_RESET] = "reset",
	[REF_TIMED_OUT] = "timed out",
};

enum ref_state oracle_state(unsigned int state)
{
	return (enum ref_state)ref_states[state];
}

void oracle_copy(struct oracle *to, const struct oracle *from)
{
	memcpy(to, from, offsetof(struct oracle, answer));
	to->env.params = &to->params;
	if (from->conn)
		to->conn = &to->conn_room;
	if (from->conn_room.held)
		to->conn_room.held = &to->held;
}

/* Only the first one counts: the others follow from it. */
__attribute__((format(printf, 2, 3)))
static void complain(struct oracle *o, const char *format, ...)
{
	va_list args;

	if (o->complaint[0])
		return;
	va_start(args, format);
	vsnprintf(o->complaint, sizeof(o->complaint), format, args);
	va_end(args);
}

/* -------------------------------------------------- what the reference knows */

/* What it does not do itself, it asks the core for. */
static void give_hints(struct oracle *o)
{
	const struct tcb *tcb = &o->tcb;
	const struct tcb_conn *conn = o->conn;
	struct ref_conn *ref = &o->ref;

	ref->retries = tcb->retries;
	if (tcb->state == STATE_TIME_WAIT && !conn)
		ref->max_snd_wnd = WINDOW_MAX;
	ref->hold_small = (tcb->flags & TCB_CORKED) &&
			  !(tcb->flags & TCB_FIN_QUEUED);
	if (!conn)
		return;
	ref->cwnd = conn->cc.cwnd;
	ref->resends |= conn->rtx_nxt != conn->rtx_end || conn->recovery ||
			conn->dup_acks;
}

static u32 r2(const struct oracle *o)
{
	bool active = o->tcb.flags & TCB_ACTIVE;

	if (o->tcb.state == STATE_SYN_RCVD && !active)
		return o->params.synack_retries;
	if (o->tcb.state == STATE_SYN_SENT || o->tcb.state == STATE_SYN_RCVD)
		return o->params.syn_retries;
	if (o->tcb.flags & TCB_RCV_CLOSED)
		return o->params.orphan_retries;
	/* MUST-21: the user has said by a time how long to try. */
	return o->conn && o->conn->settings.user_timeout ?
	       UINT32_MAX : o->params.data_retries;
}

static struct ref_world world(const struct oracle *o)
{
	bool scaled = o->tcb.flags & TCB_WSCALE_OK;

	return (struct ref_world) {
		.challenge_rst = o->params.challenge_rst,
		.challenge_syn = o->params.challenge_syn,
		.challenge_ack = o->params.challenge_ack,
		.protect_time_wait = o->params.protect_time_wait,
		.listening = o->env.listening,
		.may_omit_ack = o->limited,
		.may_omit_challenge = !o->env.challenges_left,
		.iss = o->open.iss,
		.window = min_u32(o->open.window, 65535),
		.room = o->env.rcv_space,
		.unit = scaled ? 1u << o->tcb.rcv_wscale : 1,
		.step = min_u32(o->env.rcv_buffer / 2, o->tcb.rcv_mss),
		.r1 = o->params.r1_retries,
		.r2 = r2(o),
		.no_room = o->env.no_room,
		.peer_is_silent = o->conn &&
				  o->conn->keep_probes >= o->params.keep_count,
	};
}

static struct ref_segment translate(const struct segment *seg,
				    unsigned int shift)
{
	bool syn = seg->flags & SEG_SYN;

	return (struct ref_segment) {
		.seq = seg->seq,
		.ack = seg->ack,
		.len = seg->text_len,
		.wnd = (u32)seg->window << (syn ? 0 : shift),
		.has_ack = seg->flags & SEG_ACK,
		.syn = syn,
		.rst = seg->flags & SEG_RST,
		.fin = seg->flags & SEG_FIN,
	};
}

static unsigned int snd_shift(const struct oracle *o)
{
	return o->tcb.flags & TCB_WSCALE_OK ? o->tcb.snd_wscale : 0;
}

static unsigned int rcv_shift(const struct oracle *o)
{
	return o->tcb.flags & TCB_WSCALE_OK ? o->tcb.rcv_wscale : 0;
}

void oracle_mirror(struct oracle *o)
{
	const struct tcb *tcb = &o->tcb;
	const struct tcb_conn *conn = o->conn;
	struct ref_conn *ref = &o->ref;
	unsigned int i;

	*ref = (struct ref_conn){ .state = oracle_state(tcb->state) };
	if (ref->state == REF_CLOSED || ref->state == REF_LISTEN)
		return;
	o->challenged = true;
	o->challenged_at = tcb->challenged_at;
	ref->passive = !(tcb->flags & TCB_ACTIVE);
	ref->close_called = tcb->flags & TCB_FIN_QUEUED;
	ref->nobody_reads = tcb->flags & TCB_RCV_CLOSED;
	ref->iss = tcb->iss;
	ref->irs = tcb->irs;
	ref->snd_una = tcb->snd_una;
	ref->snd_nxt = tcb->snd_nxt;
	ref->snd_end = tcb->snd_end;
	ref->snd_wnd = tcb->snd_wnd;
	ref->snd_wl1 = conn ? conn->snd_wl1 : tcb->irs;
	ref->snd_wl2 = conn ? conn->snd_wl2 : tcb->iss;
	ref->max_snd_wnd = conn ? conn->max_snd_wnd : tcb->snd_wnd;
	ref->rcv_nxt = tcb->rcv_nxt;
	ref->rcv_wnd = tcb->rcv_wnd;
	give_hints(o);
	if (!conn)
		return;
	ref->ack_owed = conn->ack_pending;
	ref->fin_held = conn->fin_held;
	ref->fin_seq = conn->fin_seq;
	for (i = 0; conn->held && i < conn->held->count; i++)
		ref->held[ref->held_count++] = (struct ref_range) {
			.from = conn->held->range[i].start,
			.len = conn->held->range[i].end -
			       conn->held->range[i].start,
		};
}

/* ------------------------------------------------------------- comparisons */

static void compare_bit(struct oracle *o, unsigned int bit, bool wanted,
			const char *what)
{
	if (!(o->actions.tell & bit) != !wanted)
		complain(o, wanted ? "the user was not told: %s" :
				     "the user was told: %s", what);
}

static void compare_moves(struct oracle *o)
{
	const struct ref_answer *answer = &o->answer;
	unsigned int i;

	for (i = 0; i < o->move_count && i < answer->moves; i++)
		if (oracle_state(o->moves[i]) != answer->path[i])
			complain(o, "went to %s instead of %s",
				 tcb_state_name(o->moves[i]),
				 ref_state_name(answer->path[i]));
	if (i < o->move_count)
		complain(o, "went to %s", tcb_state_name(o->moves[i]));
	if (i < answer->moves)
		complain(o, "did not go to %s",
			 ref_state_name(answer->path[i]));
}

static void compare_actions(struct oracle *o, const struct segment *arrived)
{
	const struct ref_answer *answer = &o->answer;
	const struct tcb_actions *actions = &o->actions;
	bool reopen = actions->verdict == VERDICT_REOPEN;
	u32 offset;

	if (ref_errors[actions->error] != answer->error)
		complain(o, "the user's error is %s",
			 error_names[ref_errors[actions->error]]);
	compare_bit(o, TELL_CONNECTED, answer->connected, "connected");
	compare_bit(o, TELL_READABLE, answer->delivered, "text to read");
	compare_bit(o, TELL_WRITABLE, answer->acked, "acknowledged");
	compare_bit(o, TELL_PEER_DONE, answer->peer_done, "peer has closed");
	compare_bit(o, TELL_NO_ANSWER, answer->no_answer, "R1 is reached");
	if (reopen != answer->reopen)
		complain(o, reopen ? "a listener is to have the SYN" :
				     "no listener is to have the SYN");
	if (reopen && !ref_later(actions->reopen_iss, answer->beyond))
		complain(o, "the new ISS is not later than the old numbers");

	if (actions->keep_text && !(arrived && answer->kept.len)) {
		complain(o, "text was kept");
	} else if (!actions->keep_text && answer->kept.len) {
		complain(o, "text was not kept");
	} else if (actions->keep_text) {
		offset = answer->kept.from - arrived->seq -
			 !!(arrived->flags & SEG_SYN);
		if (actions->text_seq != answer->kept.from ||
		    actions->text_len != answer->kept.len ||
		    actions->text_offset != offset)
			complain(o, "other text was kept: %u at +%u",
				 actions->text_len, actions->text_offset);
	}
}

static void compare_u32(struct oracle *o, u32 got, u32 wanted, const char *name)
{
	if (got != wanted)
		complain(o, "%s is %+d from what it should be", name,
			 (int)(got - wanted));
}

static void compare_variables(struct oracle *o)
{
	const struct tcb *tcb = &o->tcb;
	const struct tcb_conn *conn = o->conn;
	const struct ref_conn *ref = &o->ref;

	if (oracle_state(tcb->state) != ref->state)
		complain(o, "is in %s", tcb_state_name(tcb->state));
	if (ref->state == REF_CLOSED || ref->state == REF_LISTEN)
		return;
	compare_u32(o, tcb->iss, ref->iss, "ISS");
	compare_u32(o, tcb->snd_una, ref->snd_una, "SND.UNA");
	compare_u32(o, tcb->snd_nxt, ref->snd_nxt, "SND.NXT");
	compare_u32(o, tcb->snd_end, ref->snd_end, "the end of what was SENT");
	if (ref->state == REF_SYN_SENT)
		return;
	compare_u32(o, tcb->irs, ref->irs, "IRS");
	compare_u32(o, tcb->rcv_nxt, ref->rcv_nxt, "RCV.NXT");
	compare_u32(o, tcb->rcv_wnd, ref->rcv_wnd, "RCV.WND");
	if (ref->state == REF_TIME_WAIT)
		return;		/* nothing more will be sent */
	compare_u32(o, tcb->snd_wnd, ref->snd_wnd, "SND.WND");
	if (!conn)
		return;
	compare_u32(o, conn->snd_wl1, ref->snd_wl1, "SND.WL1");
	compare_u32(o, conn->snd_wl2, ref->snd_wl2, "SND.WL2");
	compare_u32(o, conn->max_snd_wnd, ref->max_snd_wnd, "MAX.SND.WND");
	if (conn->fin_held != ref->fin_held)
		complain(o, ref->fin_held ? "the FIN was not held" :
					    "a FIN is held");
}

static void compare_timers(struct oracle *o)
{
	const struct tcb *tcb = &o->tcb;
	const struct ref_conn *ref = &o->ref;
	bool owed = o->conn && o->conn->ack_pending;
	bool in_flight = ref->snd_una != ref->snd_nxt;
	u32 deadline;

	if (ref->state == REF_CLOSED || ref->state == REF_LISTEN) {
		if (tcb_next_deadline(tcb, o->conn, &o->params, &deadline))
			complain(o, "a timer runs without a connection");
		return;
	}
	if (owed != ref->ack_owed)
		complain(o, owed ? "the delayed-ACK timer runs" :
				   "the delayed-ACK timer does not run");
	else if (owed && o->conn->ack_deadline - o->env.now >= 500)
		complain(o, "an ACK is delayed for too long (MUST-40)");

	if (ref->state == REF_TIME_WAIT) {
		if (tcb->timer != TIMER_TIME_WAIT)
			complain(o, "the 2 MSL timer does not run");
		else if (o->answer.two_msl == REF_MSL_STARTED ?
			 tcb->deadline != o->env.now + o->params.time_wait :
			 tcb->deadline != o->deadline_before)
			complain(o, "the 2 MSL timer was %s",
				 tcb->deadline == o->deadline_before ?
				 "not restarted" : "restarted");
	} else if (ref_wants_send_timer(ref)) {
		if (tcb->timer != TIMER_RETRANSMIT &&
		    (tcb->timer != TIMER_PERSIST ||
		     (in_flight && ref->snd_wnd)))
			complain(o, "no timer sends again (timer %u)",
				 tcb->timer);
	} else if (ref->state == REF_FIN_WAIT_2 && ref->nobody_reads) {
		if (tcb->timer != TIMER_FIN_WAIT_2)	/* Choice 15 */
			complain(o, "FIN-WAIT-2 will last for ever");
	} else if (tcb->timer != TIMER_NONE) {
		complain(o, "timer %u runs for nothing", tcb->timer);
	}
}

/* ------------------------------------------------------------------ events */

static void begin(struct oracle *o)
{
	o->complaint[0] = '\0';
	o->before = o->tcb.state;
	o->deadline_before = o->tcb.deadline;
	o->limited = o->challenged && o->env.now - o->challenged_at <
				      o->params.challenge_interval;
	o->move_count = 0;
	o->sent_count = 0;
	o->actions = (struct tcb_actions) { 0 };
	o->ref.resends = false;
	give_hints(o);
}

static void note_moves(struct oracle *o)
{
	unsigned int i;

	for (i = 0; i < o->actions.move_count; i++) {
		const struct tcb_move *move = &o->actions.moves[i];

		if (!tcb_move_is_legal(move->from, move->to))
			complain(o, "from %s to %s is not in figure 5",
				 tcb_state_name(move->from),
				 tcb_state_name(move->to));
		o->moves[o->move_count++] = move->to;
	}
}

static void judge(struct oracle *o, const struct segment *seg,
		  const struct ref_world *now)
{
	struct ref_segment sent = translate(seg, rcv_shift(o));
	const char *complaint = ref_sent(&o->ref, &sent, now, &o->answer);

	if (o->sent_count < ORACLE_SENT_MAX)
		o->sent[o->sent_count++] = *seg;
	if (complaint)
		complain(o, "%s", complaint);
}

/* The core has handled an event: do what its holder does, and compare. */
static bool settle(struct oracle *o, const struct segment *arrived)
{
	struct ref_world now;
	struct segment seg;
	unsigned int limit = BURST_MAX;
	const char *complaint;

	note_moves(o);
	compare_moves(o);
	compare_actions(o, arrived);
	o->env.rcv_space -= min_u32(o->env.rcv_space, o->answer.delivered);
	give_hints(o);
	now = world(o);

	if (o->actions.send_reset)
		judge(o, &o->actions.reset, &now);
	while (limit-- && tcb_next_segment(&o->tcb, o->conn, &o->env,
					   o->text_max, &seg))
		judge(o, &seg, &now);
	if (!limit)
		complain(o, "never stops sending");

	complaint = ref_settled(&o->ref, &now, &o->answer);
	if (complaint)
		complain(o, "%s", complaint);
	if (o->tcb.state == STATE_LISTEN && o->before == STATE_SYN_RCVD)
		o->tcb = (struct tcb) { .state = STATE_LISTEN };
	compare_variables(o);
	compare_timers(o);
	/* The core may count one more: there is no harm in sending too few. */
	if ((o->answer.omissible && !o->limited &&
	     !(o->answer.challenge && !o->env.challenges_left)) ||
	    o->actions.challenged) {
		o->challenged = true;
		o->challenged_at = o->env.now;
	}
	if (o->ref.state == REF_CLOSED || o->ref.state == REF_LISTEN)
		o->challenged = false;
	if (o->tcb.state == STATE_TIME_WAIT && o->time_wait_entry)
		o->conn = NULL;
	return !o->complaint[0];
}

static void hand_over(struct oracle *o, const struct segment *seg)
{
	if (o->tcb.state == STATE_LISTEN) {
		if (!tcb_segment_for_listener(seg, &o->actions))
			return;
		o->conn = NULL;
		tcb_open_request(&o->tcb, seg, &o->open, &o->env, &o->actions);
		return;
	}
	tcb_segment_arrives(&o->tcb, o->conn, seg, &o->env, &o->actions);
	if (o->actions.verdict != VERDICT_ACCEPT)
		return;
	o->conn = &o->conn_room;
	tcb_conn_init(o->conn, &o->tcb, &o->env);
	o->held.count = 0;
	o->conn->held = &o->held;
	o->actions = (struct tcb_actions) { 0 };
	tcb_segment_arrives(&o->tcb, o->conn, seg, &o->env, &o->actions);
}

bool oracle_segment_arrives(struct oracle *o, const struct segment *seg)
{
	struct ref_segment same = translate(seg, snd_shift(o));
	struct ref_world now;

	begin(o);
	now = world(o);
	ref_segment_arrives(&o->ref, &same, &now, &o->answer);
	hand_over(o, seg);
	return settle(o, seg);
}

bool oracle_user_call(struct oracle *o, enum ref_call call, u32 octets)
{
	bool may_send = tcb_may_send(&o->tcb);
	struct ref_world now;

	begin(o);
	now = world(o);
	ref_user_call(&o->ref, call, octets, &now, &o->answer);
	switch (call) {
	case REF_OPEN_ACTIVE:
		o->conn = &o->conn_room;
		tcb_connect(&o->tcb, o->conn, &o->open, &o->env, &o->actions);
		o->held.count = 0;
		o->conn->held = &o->held;
		break;
	case REF_OPEN_PASSIVE:
		o->conn = NULL;
		tcb_listen(&o->tcb, &o->env, &o->actions);
		break;
	case REF_SEND:
		if (may_send && o->answer.result != REF_OK)
			complain(o, "the user may SEND");
		if (!may_send && o->answer.result == REF_OK)
			complain(o, "the user may not SEND");
		if (may_send)
			tcb_send(&o->tcb, octets);
		break;
	case REF_RECEIVE:
		o->env.rcv_space = min_u32(o->env.rcv_space + octets,
					   o->env.rcv_buffer);
		if (o->conn)
			tcb_receive(&o->tcb, &o->env);
		break;
	case REF_CLOSE:
		tcb_close(&o->tcb, &o->actions);
		break;
	case REF_ABORT:
		tcb_abort(&o->tcb, &o->env, &o->actions);
		break;
	case REF_STATUS:
		break;		/* compared after every event */
	case REF_STOP_RECEIVING:
		tcb_stop_receiving(&o->tcb, &o->env);
		break;
	}
	return settle(o, NULL);
}

bool oracle_timer_runs(const struct oracle *o, enum ref_timeout timeout,
		       u32 *deadline)
{
	static const u8 timers[REF_TIMEOUTS] = {
		[REF_RETRANSMISSION_TIMEOUT] = TIMER_RETRANSMIT,
		[REF_PERSIST_TIMEOUT] = TIMER_PERSIST,
		[REF_FIN_WAIT_2_TIMEOUT] = TIMER_FIN_WAIT_2,
		[REF_TIME_WAIT_TIMEOUT] = TIMER_TIME_WAIT,
	};
	const struct tcb *tcb = &o->tcb;
	const struct tcb_conn *conn = o->conn;
	bool sending = tcb->timer == TIMER_RETRANSMIT ||
		       tcb->timer == TIMER_PERSIST;
	/* MUST-37: while all probes are answered, nobody waits for the peer. */
	bool waiting = tcb->timer == TIMER_RETRANSMIT ||
		       (tcb->timer == TIMER_PERSIST && tcb->retries);

	switch (timeout) {
	case REF_USER_TIMEOUT:
		if (!conn || !conn->settings.user_timeout || !waiting)
			return false;
		*deadline = conn->waiting_since + conn->settings.user_timeout;
		return true;
	case REF_DELAYED_ACK_TIMEOUT:
		if (!conn || !conn->ack_pending)
			return false;
		*deadline = conn->ack_deadline;
		return true;
	case REF_KEEPALIVE_TIMEOUT:
		return conn && conn->settings.keepalive && !sending &&
		       !conn->ack_pending && tcb->timer == TIMER_NONE &&
		       tcb_next_deadline(tcb, conn, &o->params, deadline);
	default:
		*deadline = tcb->deadline;
		return tcb->timer == timers[timeout];
	}
}

bool oracle_timer_expires(struct oracle *o, enum ref_timeout timeout)
{
	struct ref_world now;
	u32 deadline;

	if (oracle_timer_runs(o, timeout, &deadline)) {
		o->env.ts_now += deadline - o->env.now;
		o->env.now = deadline;
	}
	begin(o);
	now = world(o);
	ref_timeout(&o->ref, timeout, &now, &o->answer);
	tcb_timeout(&o->tcb, o->conn, &o->env, &o->actions);
	return settle(o, NULL);
}

bool oracle_nothing_is_due(struct oracle *o)
{
	begin(o);
	o->answer = (struct ref_answer){ .clause = "3.10.8" };
	tcb_timeout(&o->tcb, o->conn, &o->env, &o->actions);
	return settle(o, NULL);
}

/* ------------------------------------------------------------------ reports */

static void print_reply(const struct oracle *o)
{
	static const char * const names[] = {
		[REF_NOTHING] = "nothing", [REF_ACK_SOON] = "an ACK soon",
		[REF_ACK] = "an ACK", [REF_SYN] = "SYN",
		[REF_SYN_ACK] = "SYN,ACK", [REF_RST] = "RST",
	};
	const struct ref_answer *answer = &o->answer;

	printf("# reference (%s): %s", answer->clause, names[answer->reply]);
	if (answer->reply == REF_RST && answer->reset.has_ack)
		printf(" seq %u ack %u", answer->reset.seq, answer->reset.ack);
	else if (answer->reply == REF_RST)
		printf(" seq %u", answer->reset.seq);
	printf("%s%s is to be sent", answer->resend ? ", SND.UNA again" : "",
	       answer->probe ? ", a probe" : "");
	if (answer->delivered)
		printf("; text: %u", answer->delivered);
	if (answer->error)
		printf("; error: %s", error_names[answer->error]);
}

void oracle_report(const struct oracle *o)
{
	unsigned int i;

	print_reply(o);
	printf("; state: %s", ref_state_name(oracle_state(o->before)));
	for (i = 0; i < o->answer.moves; i++)
		printf(" -> %s", ref_state_name(o->answer.path[i]));

	printf("\n# core (drop %u, error %u, tell %x): %s", o->actions.drop,
	       o->actions.error, o->actions.tell, tcb_state_name(o->before));
	for (i = 0; i < o->move_count; i++)
		printf(" -> %s", tcb_state_name(o->moves[i]));
	for (i = 0; i < o->sent_count; i++) {
		const struct segment *seg = &o->sent[i];

		printf("; sent flags %02x seq %u len %u ack %u win %u",
		       seg->flags, seg->seq, seg->text_len, seg->ack,
		       seg->window);
	}
	printf("\n# una %u nxt %u end %u wnd %u, rcv nxt %u wnd %u, timer %u\n",
	       o->tcb.snd_una, o->tcb.snd_nxt, o->tcb.snd_end, o->tcb.snd_wnd,
	       o->tcb.rcv_nxt, o->tcb.rcv_wnd, o->tcb.timer);
}
