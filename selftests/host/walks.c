// SPDX-License-Identifier: GPL-2.0
/*
 * Random walks: sequences of events, each handed to the core and to the
 * reference (liboracle.h), which must agree at every step. The grid asks about
 * one event after another's start; here what one event has left behind meets
 * the next, and the reference keeps its own account all the way.
 */

#include "kselftest_harness.h"

#include "libscenario.h"
#include "liboracle.h"

#define WALKS 10000
#define STEPS 100
#define BUFFER 3000
#define HISTORY 12		/* steps that are shown when they disagree */

static struct scenario defaults;
static struct oracle o;
static u64 seed;
static char history[HISTORY][160];
static unsigned int steps;

__attribute__((format(printf, 1, 2)))
static void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(history[steps % HISTORY], sizeof(history[0]), format, args);
	va_end(args);
}

static u32 chance(u32 n)
{
	return random_below(&seed, n);
}

static void begin_walk(void)
{
	start(&defaults);
	memset(&o, 0, sizeof(o));
	o.params = defaults.params;
	o.params.data_retries = 3;
	o.env = defaults.env;
	o.env.params = &o.params;
	o.env.rcv_buffer = BUFFER;
	o.env.rcv_space = BUFFER;
	o.open = defaults.open;
	o.open.iss = 0u - chance(200);
	o.open.window = BUFFER;
	o.open.wscale = (u8)chance(3);
	o.text_max = MSS;
	o.time_wait_entry = chance(2);
	o.params.challenge_rst = chance(8) != 0;
	o.params.challenge_syn = chance(8) != 0;
	o.params.challenge_ack = chance(8) != 0;
	o.params.protect_time_wait = chance(8) != 0;
	tcb_init(&o.tcb);
	oracle_mirror(&o);
}

static u8 likely_flags(void)
{
	static const u8 likely[] = {
		ACK, ACK, ACK, ACK, ACK | PSH, ACK, FIN | ACK, FIN | ACK, SYN,
		SYN | ACK, RST, RST | ACK, 0, FIN,
	};

	switch (o.tcb.state) {
	case STATE_LISTEN:
		return chance(4) ? SYN : likely[chance(ARRAY_SIZE(likely))];
	case STATE_SYN_SENT:
		return chance(4) ? SYN | (chance(2) ? ACK : 0) :
				   likely[chance(ARRAY_SIZE(likely))];
	default:
		/* Resets end a walk: they are to be rare. */
		return likely[chance(chance(4) ? 8 : ARRAY_SIZE(likely))];
	}
}

/* A number at or near one of these, mostly at it. */
static u32 near(u32 a, u32 b, u32 c)
{
	u32 number = chance(2) ? a : chance(2) ? b : c;

	return chance(4) ? number : number + chance(200) - 100;
}

static bool segment_step(void)
{
	const struct tcb *tcb = &o.tcb;
	static const u16 lengths[] = { 0, 0, 1, 50, 200, 1000 };
	struct segment seg = {
		.flags = likely_flags(),
		.text_len = lengths[chance(ARRAY_SIZE(lengths))],
		.window = (u16)(chance(5) ? chance(20000) : 0),
	};
	u32 half = (tcb->snd_nxt - tcb->snd_una) / 2;

	if (tcb->state == STATE_SYN_SENT || tcb->state == STATE_LISTEN)
		seg.seq = 0u - chance(3000);
	else
		seg.seq = near(tcb->rcv_nxt, tcb->rcv_nxt,
			       tcb->rcv_nxt + tcb->rcv_wnd);
	if (seg.flags & ACK)
		seg.ack = near(tcb->snd_nxt, tcb->snd_una,
			       tcb->snd_una + half);
	if (seg.flags & SYN) {
		seg.mss = MSS;
		seg.has_wscale = chance(2);
		seg.wscale = seg.has_wscale ? (u8)chance(3) : 0;
	}
	note("%s: segment flags %02x seq %u ack %u len %u win %u",
	     tcb_state_name(tcb->state), seg.flags, seg.seq, seg.ack,
	     seg.text_len, seg.window);
	return oracle_segment_arrives(&o, &seg);
}

static bool call_step(void)
{
	static const enum ref_call calls[] = {
		REF_SEND, REF_SEND, REF_SEND, REF_RECEIVE, REF_RECEIVE,
		REF_CLOSE, REF_STATUS, REF_STOP_RECEIVING, REF_ABORT,
	};
	enum ref_call call = calls[chance(chance(3) ? 5 : ARRAY_SIZE(calls))];
	u32 octets = chance(3000);

	if (o.tcb.state == STATE_CLOSED)
		call = chance(2) ? REF_OPEN_ACTIVE : REF_OPEN_PASSIVE;
	else if (o.tcb.state == STATE_LISTEN || !o.conn)
		call = chance(10) ? REF_STATUS : REF_ABORT;
	if (call == REF_RECEIVE)
		octets = chance(o.env.rcv_buffer - o.env.rcv_space + 1);
	note("%s: call %u, %u octets", tcb_state_name(o.tcb.state), call,
	     octets);
	return oracle_user_call(&o, call, octets);
}

/* The next timer, or a while in which none expires. */
static bool time_step(void)
{
	unsigned int i, next = 0, ties = 0;
	u32 first, deadline;

	if (!tcb_next_deadline(&o.tcb, o.conn, &o.params, &first))
		first = o.env.now + 1000;
	for (i = 0; i < REF_TIMEOUTS; i++)
		if (oracle_timer_runs(&o, (enum ref_timeout)i, &deadline) &&
		    deadline == first) {
			next = i;
			ties++;
		}
	/* The reference takes one timer at a time. */
	if (ties != 1 || chance(2)) {
		u32 ms = chance(first - o.env.now);

		note("%s: %u ms pass", tcb_state_name(o.tcb.state), ms);
		o.env.now += ms;
		o.env.ts_now += ms;
		return oracle_nothing_is_due(&o);
	}
	note("%s: timer %u", tcb_state_name(o.tcb.state), next);
	return oracle_timer_expires(&o, (enum ref_timeout)next);
}

static bool step(void)
{
	if (o.tcb.state == STATE_CLOSED)
		return call_step();
	switch (chance(8)) {
	case 0:
	case 1:
		return call_step();
	case 2:
		return time_step();
	default:
		return segment_step();
	}
}

static void print_walk(u64 first_seed)
{
	unsigned int i = steps < HISTORY ? 0 : steps + 1 - HISTORY;

	printf("# walk from seed %llx, step %u\n",
	       (unsigned long long)first_seed, steps);
	for (; i <= steps; i++)
		printf("# %s\n", history[i % HISTORY]);
	printf("# DIFFERENT: %s\n", o.complaint);
	oracle_report(&o);
	fflush(stdout);
}

TEST(core_and_reference_agree_all_the_way)
{
	unsigned int walk, failed = 0;
	unsigned long visits[STATE_COUNT] = { 0 };
	unsigned int state;

	seed = 0x9293;
	for (walk = 0; walk < WALKS && failed < 3; walk++) {
		u64 first_seed = seed;

		begin_walk();
		for (steps = 0; steps < STEPS; steps++) {
			visits[o.tcb.state]++;
			if (step())
				continue;
			print_walk(first_seed);
			failed++;
			break;
		}
	}
	EXPECT_EQ(0, failed);
	for (state = STATE_ESTABLISHED; state < STATE_COUNT; state++) {
		printf("# %8lu events in %s\n", visits[state],
		       tcb_state_name(state));
		EXPECT_NE(0, visits[state]);
	}
	fflush(stdout);
}

TEST_HARNESS_MAIN
