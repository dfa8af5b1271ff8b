// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzing two endpoints and the wire between them. The input says what the
 * users do and when; read from its end, it says what becomes of each segment.
 * When it is used up the network is good, and the users close.
 *
 * Then both must come to their end, and, unless somebody broke it off, all text
 * must have arrived. That each octet comes once, in order and from the right
 * place, libscenario.c checks as it happens.
 */

#include "libfuzz.h"
#include "libinvariants.h"
#include "libpair.h"

#define EVENTS_MAX 300		/* of an input */
#define TEXT_MAX 30000		/* octets that a user SENDs in all */
#define PATIENCE (2u * 3600 * 1000)	/* ms until all must be over */

static struct pair pair;

/* One user, and what it has done. */
struct user {
	struct scenario *s;
	u32 sent;
	bool opened;
};

struct world {
	struct input in;
	struct user users[2];
	bool rough;		/* somebody has broken it off */
};

static struct world world;

/* ----------------------------------------------------------------- the wire */

static enum fate fate(struct pair *p, const struct scenario *from,
		      const struct segment *seg)
{
	u8 code = input_u8_from_end(&world.in);

	check_sent(from == &p->a ? &p->a : &p->b, seg);
	if (code < 128)
		return FATE_ARRIVE;
	if (code < 192)
		return FATE_LOSE;
	return code < 224 ? FATE_DOUBLE : FATE_DELAY;
}

static void check_user(struct world *w, unsigned int i)
{
	struct scenario *s = w->users[i].s;
	const struct scenario *peer = w->users[!i].s;

	check_standing(s);
	if (s->delivered > w->users[!i].sent)
		scenario_fail(HERE(s), "more has arrived than was sent");
	if (s->peer_done && s->delivered != w->users[!i].sent)
		scenario_fail(HERE(s), "the end was reached before all text");
	if (state_is_synchronized(s->tcb.state) &&
	    s->tcb.irs != peer->open.iss)
		scenario_fail(HERE(s), "this is another connection's IRS");
	/* One that has timed out, or was reset, answers by RSTs. */
	if (s->error)
		w->rough = true;
}

static void run(struct world *w, u32 ms)
{
	pair_run(&pair, ms);
	check_user(w, 0);
	check_user(w, 1);
}

/* ---------------------------------------------------------------- the users */

static bool may_call(const struct scenario *s)
{
	return s->conn && s->tcb.state != STATE_CLOSED;
}

static void open_connection(struct user *user, bool active)
{
	if (user->opened)
		return;
	user->opened = true;
	if (active)
		user_connect(user->s);
	else
		user_listen(user->s);
}

static void send_text(struct world *w, struct user *user)
{
	u32 octets = input_u8(&w->in);

	if (octets >= 128)
		octets = (octets - 127) * 100;
	if (!may_call(user->s) || !tcb_may_send(&user->s->tcb) || !octets ||
	    user->sent + octets > TEXT_MAX)
		return;
	user->sent += octets;
	user_send(user->s, octets);
}

static void receive_text(struct world *w, struct user *user)
{
	u32 unread = user->s->delivered - user->s->taken;
	u32 octets = min_u32(unread, input_u16(&w->in));

	if (octets)
		user_receive(user->s, octets);
}

static void close_connection(struct world *w, struct user *user)
{
	struct scenario *s = user->s;

	if (s->tcb.state == STATE_LISTEN || s->tcb.state == STATE_SYN_SENT)
		w->rough = true;
	if (s->tcb.state == STATE_LISTEN || may_call(s))
		user_close(s);
}

/* What it only said to have is gone: the peer must send it again. */
static void renege(struct scenario *s)
{
	if (!s->conn || !s->conn->held)
		return;
	scenario_note(s, "what was out of order is forgotten");
	s->conn->held->count = 0;
	memset(s->store, 0, sizeof(s->store));
}

static void change_path(struct world *w, struct scenario *s)
{
	u32 mss = TCB_MSS_MIN + input_u8(&w->in) * 8;

	if (!s->conn || !state_is_synchronized(s->tcb.state))
		return;
	scenario_note(s, "the path takes %u octets", mss);
	tcb_set_path_mss(&s->tcb, s->conn, (u16)min_u32(mss, MSS));
	scenario_run_timers(s);	/* the module learns of it when it sends */
}

static void toggle(struct scenario *s, u16 flag)
{
	s->tcb.flags ^= flag;
	scenario_note(s, "flag %x is %s", flag,
		      s->tcb.flags & flag ? "on" : "off");
	scenario_run_timers(s);	/* what was held back goes out */
}

/* ---------------------------------------------------------------- the input */

static void next_event(struct world *w)
{
	u8 code = input_u8(&w->in);
	struct user *user = &w->users[code >> 7];
	struct scenario *s = user->s;

	switch (code % 20) {
	case 0:
	case 1:
		send_text(w, user);
		break;
	case 2:
		receive_text(w, user);
		break;
	case 3:
		close_connection(w, user);
		break;
	case 4:
		w->rough = true;
		if (may_call(s))
			user_exits(s);
		break;
	case 5:
		w->rough = true;
		user_abort(s);
		break;
	case 6:
		open_connection(user, true);
		break;
	case 7:
		open_connection(user, false);
		break;
	case 8:
	case 9:
		run(w, pair.delay);
		break;
	case 10:
		run(w, input_u8(&w->in));
		break;
	case 11:
		run(w, input_u16(&w->in));
		break;
	case 12:
		pair.slow_readers = input_bool(&w->in);
		break;
	case 13:
		pair.no_readers = input_bool(&w->in);
		break;
	case 14:
		renege(s);
		break;
	case 15:
		s->no_ranges = !s->no_ranges;
		break;
	case 16:
		change_path(w, s);
		break;
	case 17:
		toggle(s, TCB_NODELAY);
		break;
	case 18:
		toggle(s, TCB_CORKED);
		break;
	default:
		pair.delay = 1 + input_u8(&w->in);
		break;
	}
	check_user(w, 0);
	check_user(w, 1);
}

static void set_end(struct scenario *s, u8 knobs)
{
	static const u32 buffers[] = { 50000, 3000, 120000, 600 };

	s->params.window_scaling = !(knobs & BIT(0));
	s->params.timestamps = !(knobs & BIT(1));
	s->params.sack = !(knobs & BIT(2));
	s->env.rcv_buffer = buffers[knobs >> 3 & 3];
	s->env.rcv_space = s->env.rcv_buffer;
	s->open.window = s->env.rcv_buffer;
	/* A buffer takes more than one unit of its window. */
	s->open.wscale = knobs & BIT(5) && s->open.window > 4 ? 2 : 0;
	s->text_max = knobs & BIT(6) ? 65535 : MSS;
	s->time_wait_entry = knobs & BIT(7);
}

static void set_world(struct world *w)
{
	u8 seed = input_u8(&w->in);

	pair_start(&pair, 1 + seed);
	pair.fate = fate;
	set_end(&pair.a, input_u8(&w->in));
	set_end(&pair.b, input_u8(&w->in));
	w->users[0].s = &pair.a;
	w->users[1].s = &pair.b;
}

/* Who is there, and who is to be called? */
static void first_event(struct world *w)
{
	u8 code = input_u8(&w->in);

	switch (code % 4) {
	case 0:
		open_connection(&w->users[1], false);
		open_connection(&w->users[0], true);
		break;
	case 1:
		open_connection(&w->users[1], true);
		open_connection(&w->users[0], true);
		break;
	default:	/* nobody: the input will say */
		break;
	}
	if (code & BIT(2))
		run(w, 1000);
}

/* Nothing is lost any more. */
static void end(struct world *w)
{
	unsigned int i;

	scenario_note(&pair.a, "the network is good, the users close");
	pair.fate = NULL;
	pair.slow_readers = false;
	pair.no_readers = false;
	/* One may have to hear of the other first. */
	for (i = 0; i < 2; i++) {
		run(w, 1000);
		close_connection(w, &w->users[0]);
		close_connection(w, &w->users[1]);
		run(w, PATIENCE);
	}
	/* If one has given up, the other waits for its FIN, unless it goes. */
	for (i = 0; i < 2; i++)
		if (w->rough && may_call(w->users[i].s))
			user_exits(w->users[i].s);
	run(w, PATIENCE);
	for (i = 0; i < 2; i++) {
		struct scenario *s = w->users[i].s;

		if (s->tcb.state != STATE_CLOSED)
			scenario_fail(HERE(s), "the connection never ends; the peer is in %s",
				      tcb_state_name(w->users[!i].s->tcb.state));
		if (!w->rough && w->users[0].opened && w->users[1].opened &&
		    s->delivered != w->users[!i].sent)
			scenario_fail(HERE(s), "%u of %u octets have arrived",
				      s->delivered, w->users[!i].sent);
	}
}

int fuzz_input(const u8 *data, size_t size)
{
	unsigned int i;

	world = (struct world) { .in = { data, size } };
	set_world(&world);
	first_event(&world);
	for (i = 0; input_left(&world.in) && i < EVENTS_MAX; i++)
		next_event(&world);
	end(&world);
	return 0;
}
