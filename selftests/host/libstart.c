// SPDX-License-Identifier: GPL-2.0
/* Connections to begin with: see libstart.h. */

#include <stdio.h>

#include "libscenario.h"
#include "libstart.h"

#define OWED 100	/* octets of the text whose ACK is delayed */
#define MUCH 12000	/* octets: more than the initial congestion window */

static const char * const route_names[] = {
	"active", "passive", "simultaneous",
};

static const char * const load_names[] = {
	"nothing of ours", "text in flight", "text waiting",
	"text in flight and waiting",
};

static const char * const extra_names[] = {
	"", ", scaled windows", ", ACK owed", ", text before its turn",
	", FIN before its turn", ", nobody reads", ", no memory",
	", no challenges left", ", nobody listens", ", last try",
	", user timeout", ", keepalive", ", last keepalive", ", CLOSE queued",
	", SYN in flight", ", entry",
};

/* Initial sequence numbers: ours and the peer's. */
static const struct {
	u32 ours;
	u32 peers;
} numbers[NUMBERS] = {
	[SMALL] = { 10000, 7000 },
	[WRAP] = { 0u - 10, 0u - 1000 },
	[CHANGE_SIGN] = { 0x80000000 - 10, 0x80000000 - 1000 },
};

static bool has_peers_fin(unsigned int state)
{
	return state == STATE_CLOSE_WAIT || state == STATE_CLOSING ||
	       state == STATE_LAST_ACK || state == STATE_TIME_WAIT;
}

static bool takes_text(unsigned int state)
{
	return state == STATE_ESTABLISHED || state == STATE_FIN_WAIT_1 ||
	       state == STATE_FIN_WAIT_2;
}

static bool is_closed_by_us(unsigned int state)
{
	return state == STATE_FIN_WAIT_1 || state == STATE_CLOSING ||
	       state == STATE_LAST_ACK;
}

/* Why there is no such start, or NULL. */
static const char *no_such_load(const struct start *t)
{
	switch (t->state) {
	case STATE_SYN_RCVD:
	case STATE_SYN_SENT:
		if (t->route == PASSIVE && t->load)
			return "a request has no user who SENDs";
		if (t->load == IN_FLIGHT || t->load == BOTH)
			return "no text is sent before ESTABLISHED";
		return NULL;
	case STATE_FIN_WAIT_2:
	case STATE_TIME_WAIT:
		return t->load ? "all of ours is acknowledged there" : NULL;
	default:
		if (is_closed_by_us(t->state) && t->load == WAITING &&
		    !t->peer_shut)
			return "CLOSE pushes what waits, unless the window is shut";
		return NULL;
	}
}

static const char *no_such_extra(const struct start *t)
{
	bool request = t->state == STATE_SYN_RCVD && t->route == PASSIVE;

	switch (t->extra) {
	case PLAIN:
	case SCALED:
	case LIMITED:
		return NULL;
	case ACK_OWED:
		if (takes_text(t->state) || t->state == STATE_CLOSE_WAIT)
			return NULL;
		return "no ACK is delayed in this state";
	case HOLE:
	case FIN_HELD:
		if (!takes_text(t->state))
			return "no text is taken in this state";
		return t->our_shut ? "nothing fits a window that is shut" : NULL;
	case NO_ROOM:
		if (takes_text(t->state) || t->state == STATE_SYN_SENT)
			return NULL;
		return "no text is taken in this state";
	case NOBODY_LISTENS:
		return t->state == STATE_TIME_WAIT ? NULL :
		       "only in TIME-WAIT does it matter who listens";
	case LAST_TRY:
		if (t->state == STATE_SYN_SENT || t->state == STATE_SYN_RCVD ||
		    is_closed_by_us(t->state))
			return NULL;
		if (t->load == WAITING && !t->peer_shut)
			return "what is corked is sent at the first try";
		return t->load ? NULL : "nothing is tried again without text";
	case NOBODY_READS:
	case USER_TIMEOUT:
	case KEEPALIVE:
		return request ? "a request has no user" : NULL;
	case KEEPALIVE_LAST:
		if ((t->state == STATE_ESTABLISHED ||
		     t->state == STATE_CLOSE_WAIT ||
		     t->state == STATE_FIN_WAIT_2) && !t->load)
			return NULL;
		return "a keep-alive is sent only if nothing is in flight";
	case CLOSE_QUEUED:
		return t->state == STATE_SYN_RCVD && t->load == WAITING ? NULL :
		       "only a CLOSE in SYN-RECEIVED is queued";
	case SYN_IN_FLIGHT:
		if (t->state != STATE_FIN_WAIT_1 || t->load)
			return "only a CLOSE in SYN-RECEIVED leaves the SYN in flight";
		return t->our_shut ? "the FIN of that CLOSE opens the window" : NULL;
	case ENTRY:
		return t->state == STATE_TIME_WAIT ? NULL :
		       "only in TIME-WAIT the tcb_conn goes";
	default:
		return "?";
	}
}

static const char *no_such_start(const struct start *t)
{
	const char *reason;

	if (t->state == STATE_CLOSED || t->state == STATE_LISTEN) {
		if (t->our_shut || t->peer_shut || t->load || t->extra)
			return "without a connection there is nothing to vary";
		return NULL;
	}
	if (t->state == STATE_SYN_SENT && t->peer_shut)
		return "in SYN-SENT the peer's window is not known yet";
	if (t->state == STATE_TIME_WAIT && t->peer_shut)
		return "in TIME-WAIT the peer's window is of no use";
	reason = no_such_load(t);
	return reason ? reason : no_such_extra(t);
}

/* ----------------------------------------------- how each start is reached */

static struct scenario s;

/* RCV.NXT, SND.UNA and SND.NXT as scenarios count them. */
static u32 rcv_nxt(void)
{
	return s.tcb.rcv_nxt - s.peer_iss;
}

static u32 una(void)
{
	return s.tcb.snd_una - s.open.iss;
}

static u32 nxt(void)
{
	return s.tcb.snd_nxt - s.open.iss;
}

static void prepare(const struct start *t)
{
	start(&s);
	s.relaxed = true;
	s.open.iss = numbers[t->numbers].ours;
	s.peer_iss = numbers[t->numbers].peers;
	s.env.rcv_buffer = START_BUFFER;
	s.env.rcv_space = START_BUFFER;
	s.open.window = START_BUFFER;
	s.open.wscale = t->extra == SCALED ? 3 : 0;
	s.peer_window = 30000;
	s.params.r1_retries = 1;
	s.time_wait_entry = t->extra == ENTRY;
	if (t->extra == LAST_TRY) {
		s.params.syn_retries = 1;
		s.params.synack_retries = 1;
		s.params.data_retries = 1;
	}
	if (t->extra == KEEPALIVE_LAST)
		s.params.keep_count = 1;
}

/* Up to the state before the handshake is complete. */
static void open_half(const struct start *t, bool shut)
{
	bool scaled = t->extra == SCALED;
	u8 flags = SYN;
	u32 ack = 0;

	if (t->our_shut && shut) {
		s.env.rcv_space = 0;
		s.open.window = 0;
	}
	if (t->route == PASSIVE)
		user_listen(&s);
	else
		user_connect(&s);
	if (t->state == STATE_SYN_SENT || t->state == STATE_LISTEN)
		return;
	if (t->route == ACTIVE) {
		flags |= ACK;
		ack = 1;
	}
	arrives(&s, flags, .ack = ack, .has_wscale = scaled,
		.wscale = scaled ? 2 : 0,
		.window = t->peer_shut && shut ? ZERO_WINDOW : 0);
}

static void open_whole(const struct start *t)
{
	open_half(t, false);
	if (t->route != ACTIVE)
		arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
	s.conn->quick_acks = 0;		/* not at the start any more */
}

/* What the peer's segments say of its window, once that is shut. */
static int window(const struct start *t)
{
	return t->peer_shut ? ZERO_WINDOW : 0;
}

/* The peer sends so much text that our window is shut, or will be soon. */
static void fill_window(const struct start *t)
{
	u32 octets = START_BUFFER - has_peers_fin(t->state);

	if (t->extra == ACK_OWED && takes_text(t->state))
		octets -= OWED;
	while (octets) {
		u32 len = min_u32(octets, MSS);

		arrives(&s, ACK, .seq = rcv_nxt(), .ack = una(), .len = len);
		octets -= len;
	}
	passes(&s, s.params.delayed_ack);
}

static void peer_shuts_window(void)
{
	arrives(&s, ACK, .seq = rcv_nxt(), .ack = una(), .window = ZERO_WINDOW);
}

/* The user sends text; if it is to wait, into a window that is shut. */
static void send_text(const struct start *t)
{
	switch (t->load) {
	case NOTHING:
		break;
	case IN_FLIGHT:
		user_send(&s, START_LITTLE);
		break;
	case WAITING:
		if (t->peer_shut)
			peer_shuts_window();
		else
			s.tcb.flags |= TCB_CORKED;
		user_send(&s, START_LITTLE);
		break;
	default:
		user_send(&s, t->peer_shut ? START_LITTLE : MUCH);
		if (!t->peer_shut)
			break;
		peer_shuts_window();
		user_send(&s, START_LITTLE);
		break;
	}
}

/* The peer closes: its FIN acknowledges all of ours, or nothing new. */
static void peer_closes(u32 ack, int wnd)
{
	arrives(&s, FIN | ACK, .seq = rcv_nxt(), .ack = ack, .window = wnd);
}

/* From ESTABLISHED on. */
static void go_to_state(const struct start *t)
{
	if (t->state == STATE_CLOSE_WAIT && t->extra == ACK_OWED) {
		send_text(t);
		peer_closes(una(), window(t));
		return;
	}
	if (t->state == STATE_CLOSE_WAIT || t->state == STATE_LAST_ACK) {
		peer_closes(una(), 0);
		passes(&s, s.params.delayed_ack);
	}
	send_text(t);
	if (t->state != STATE_ESTABLISHED && t->state != STATE_CLOSE_WAIT)
		user_close(&s);
	/* If text waits for it, the window has been shut before. */
	if (t->peer_shut && t->load != WAITING && t->load != BOTH)
		peer_shuts_window();

	switch (t->state) {
	case STATE_CLOSING:
		peer_closes(una(), window(t));
		break;
	case STATE_FIN_WAIT_2:
		arrives(&s, ACK, .seq = rcv_nxt(), .ack = nxt(),
			.window = window(t));
		break;
	case STATE_TIME_WAIT:
		peer_closes(nxt(), 0);
		break;
	default:
		break;
	}
}

static void add_extra(const struct start *t)
{
	unsigned int i;

	switch (t->extra) {
	case ACK_OWED:
		if (takes_text(t->state))
			arrives(&s, ACK, .seq = rcv_nxt(), .ack = una(),
				.len = OWED, .window = window(t));
		break;
	case HOLE:
		arrives(&s, ACK, .seq = rcv_nxt() + 50, .ack = una(), .len = 10,
			.window = window(t));
		break;
	case FIN_HELD:
		arrives(&s, FIN | ACK, .seq = rcv_nxt() + 50, .ack = una(),
			.window = window(t));
		break;
	case NOBODY_READS:
		scenario_stop_receiving(&s);
		break;
	case NO_ROOM:
		s.env.no_room = true;
		break;
	case LIMITED:
		s.env.challenges_left = 0;
		break;
	case NOBODY_LISTENS:
		s.env.listening = false;
		break;
	case LAST_TRY:
		for (i = 0; i < 1000 && !s.tcb.retries; i++)
			passes(&s, 10);
		break;
	case USER_TIMEOUT:
		s.conn->settings.user_timeout = 150;
		break;
	case KEEPALIVE:
		s.conn->settings.keepalive = true;
		break;
	case KEEPALIVE_LAST:
		s.conn->settings.keepalive = true;
		passes(&s, s.params.keep_idle);
		break;
	case CLOSE_QUEUED:
		user_close(&s);
		break;
	default:
		break;
	}
}

/* Is the start what it says it is? */
static void check_start(const struct start *t)
{
	const struct tcb *tcb = &s.tcb;
	u32 text_end = seq_min(tcb->snd_nxt, tcb->snd_end);

	expect_state(&s, t->state);
	if (t->state == STATE_CLOSED || t->state == STATE_LISTEN)
		return;
	if (t->our_shut == !!tcb->rcv_wnd)
		scenario_fail(&s, "our window is not as it should be");
	if (t->state == STATE_SYN_SENT || t->state == STATE_TIME_WAIT)
		return;
	if (t->peer_shut == !!tcb->snd_wnd)
		scenario_fail(&s, "the peer's window is not as it should be");
	if (t->extra == LAST_TRY)
		return;		/* a probe has taken an octet of what waits */
	if ((t->load == IN_FLIGHT || t->load == BOTH) !=
	    (seq_after(text_end, tcb->snd_una) &&
	     seq_after(text_end, tcb->iss + 1)))
		scenario_fail(&s, "text in flight is not as it should be");
	if ((t->load == WAITING || t->load == BOTH) !=
	    seq_after(tcb->snd_end, text_end))
		scenario_fail(&s, "text waiting is not as it should be");
	if (s.env.now - tcb->challenged_at < s.params.challenge_interval)
		scenario_fail(&s, "the next challenge ACK would be left out");
}

/* Bring a connection to its start, by what may happen to any. */
static void reach_start(const struct start *t, struct oracle *o)
{
	prepare(t);
	switch (t->state) {
	case STATE_CLOSED:
		break;
	case STATE_LISTEN:
	case STATE_SYN_SENT:
	case STATE_SYN_RCVD:
		open_half(t, true);
		if (t->load)
			user_send(&s, START_LITTLE);
		break;
	default:
		if (t->extra == SYN_IN_FLIGHT) {
			open_half(t, true);
			user_close(&s);
			break;
		}
		open_whole(t);
		if (t->our_shut)
			fill_window(t);
		go_to_state(t);
		break;
	}
	add_extra(t);
	passes(&s, 5);		/* so that a timer started anew shows */
	check_start(t);

	memset(o, 0, sizeof(*o));
	o->tcb = s.tcb;
	o->conn_room = s.conn_room;
	o->held = s.held_room;
	o->params = s.params;
	o->env = s.env;
	o->open = s.open;
	o->text_max = s.text_max;
	o->time_wait_entry = s.time_wait_entry;
	o->conn = s.conn ? &o->conn_room : NULL;
	o->conn_room.held = &o->held;
	o->env.params = &o->params;
	/* In TIME-WAIT: the clock has not, or has, overtaken the old numbers. */
	o->env.iss = s.tcb.snd_nxt + (t->extra == ENTRY ? -5 : 5);
	oracle_mirror(o);
}

void print_start(const struct start *t, const struct oracle *o)
{
	printf("# %s (%s), our window %u, the peer's %u, %s%s, ISS %u, IRS %u\n",
	       tcb_state_name(t->state), route_names[t->route],
	       o->tcb.rcv_wnd, o->tcb.snd_wnd, load_names[t->load],
	       extra_names[t->extra], o->tcb.iss, o->tcb.irs);
	printf("# una %u nxt %u end %u, rcv nxt %u wnd %u; 5961: %u %u %u, 1337: %u\n",
	       o->tcb.snd_una, o->tcb.snd_nxt, o->tcb.snd_end, o->tcb.rcv_nxt,
	       o->tcb.rcv_wnd, o->params.challenge_rst, o->params.challenge_syn,
	       o->params.challenge_ack, o->params.protect_time_wait);
}

static void one_start(const struct start *t, start_fn f, reason_fn cannot_be)
{
	static struct oracle base;
	const char *reason = no_such_start(t);

	if (reason) {
		cannot_be(reason);
		return;
	}
	reach_start(t, &base);
	f(t, &base);
}

/* A shape, with all pairs of numbers and in all ways. */
static void start_shape(struct start t, start_fn f, reason_fn cannot_be)
{
	static const u8 routes[NUMBERS] = { ACTIVE, PASSIVE, SIMULTANEOUS };

	for (t.numbers = 0; t.numbers < NUMBERS; t.numbers++) {
		if (t.extra && t.numbers != WRAP)
			continue;
		t.route = (enum route)routes[t.numbers];
		if (t.extra == SYN_IN_FLIGHT)
			t.route = SIMULTANEOUS;
		if (t.state == STATE_LISTEN)
			t.route = PASSIVE;
		if (t.state == STATE_SYN_SENT)
			t.route = ACTIVE;
		if (t.state == STATE_SYN_RCVD) {
			t.route = PASSIVE;
			one_start(&t, f, cannot_be);
			t.route = SIMULTANEOUS;
		}
		one_start(&t, f, cannot_be);
	}
}

/*
 * Later on it is of no importance how a connection was opened, so the ways take
 * turns. The numbers vary if nothing else is special; else they wrap, which is
 * the hardest.
 */
void visit_starts(unsigned int state, start_fn f, reason_fn cannot_be)
{
	struct start t = { .state = state };
	unsigned int shape;

	for (shape = 0; shape < LOADS * 4; shape++) {
		t.load = (enum load)(shape / 4);
		t.our_shut = shape & 1;
		t.peer_shut = shape & 2;
		for (t.extra = PLAIN; t.extra < EXTRAS; t.extra++)
			start_shape(t, f, cannot_be);
	}
}
