// SPDX-License-Identifier: GPL-2.0
/* What can happen in a world, and what follows: see libworld.h. */

#include <setjmp.h>
#include <signal.h>

#include "libcheck.h"
#include "libladder.h"

#define FINISH_MAX 400	/* events until all must be over */
#define FINISH_TOLD 40	/* of these so many are told, if a ladder is wanted */

struct tcb_params world_params(const struct scope *scope)
{
	u8 retries = scope->retries ? scope->retries : 20;

	return (struct tcb_params) {
		.rto_initial = 1000,
		.rto_min = 200,
		.rto_max = 120000,
		.delayed_ack = 40,
		.time_wait = 60000,
		.fin_wait_2 = 50000,
		.challenge_interval = 500,
		.syn_retries = retries,
		.synack_retries = retries,
		.r1_retries = retries,
		.data_retries = retries,
		.orphan_retries = retries,
		.window_scaling = 1,
		.challenge_rst = 1,
		.challenge_syn = 1,
		.challenge_ack = 1,
		.protect_time_wait = 1,
	};
}

void world_init(struct world *world, const struct scope *scope)
{
	struct tcb_params params;
	unsigned int who;

	memset(world, 0, sizeof(*world));
	for (who = 0; who < ENDS; who++) {
		const struct user *user = &scope->user[who];
		struct end *end = &world->end[who];

		tcb_init(&end->tcb);
		end->opens = user->opens;
		end->listens = user->listens;
		end->octets = user->octets;
		end->exits = user->exits;
		end->aborts = user->aborts;
		end->crashes = user->crashes;
	}
	world->losses = scope->losses;
	world->duplicates = scope->duplicates;
	world->timeouts = scope->timeouts;
	world->packet_count = scope->old_count;
	if (scope->old_count)
		memcpy(world->packet, scope->old,
		       scope->old_count * sizeof(scope->old[0]));
	params = world_params(scope);
	world_canonical(world, scope, &params);
}

/* ------------------------------------------------------ what can happen */

static bool may_close(const struct end *end, const struct user *user)
{
	if (end->holder != HOLDER_SOCKET || user->keeps_open || end->gone ||
	    (end->tcb.flags & TCB_FIN_QUEUED))
		return false;
	return end->tcb.state != STATE_SYN_SENT || user->closes_early;
}

/* Is something on its way that is older than the 2 MSL of @who? */
static bool is_stale(const struct world *world, unsigned int who)
{
	unsigned int i;

	for (i = 0; i < world->packet_count; i++)
		if (world->packet[i].stale & BIT(who))
			return true;
	return false;
}

static bool may_fire(const struct world *world, unsigned int who)
{
	switch (world->end[who].tcb.timer) {
	case TIMER_NONE:
		return false;
	case TIMER_RETRANSMIT:
	case TIMER_PERSIST:
		return world->timeouts;
	case TIMER_TIME_WAIT:
		return !is_stale(world, who);
	default:
		return true;
	}
}

static unsigned int add(struct event *event, unsigned int count,
			enum event_kind kind, unsigned int which)
{
	event[count] = (struct event) { (u8)kind, (u8)which };
	return count + 1;
}

static unsigned int user_events(const struct world *world,
				const struct scope *scope, unsigned int who,
				struct event *event, unsigned int n)
{
	const struct user *user = &scope->user[who];
	const struct end *end = &world->end[who];
	bool socket = end->holder == HOLDER_SOCKET;

	if (end->holder == HOLDER_NONE && !end->listening) {
		if (end->listens)
			n = add(event, n, EVENT_LISTEN, who);
		if (end->opens && end->now < scope->lives)
			n = add(event, n, EVENT_OPEN, who);
	}
	if (socket && end->octets && !end->gone && tcb_may_send(&end->tcb))
		n = add(event, n, EVENT_SEND, who);
	if (socket && end->unread)
		n = add(event, n, EVENT_RECEIVE, who);
	if (may_close(end, user))
		n = add(event, n, EVENT_CLOSE, who);
	if (socket && end->exits && !end->gone &&
	    end->tcb.state != STATE_SYN_SENT)
		n = add(event, n, EVENT_EXIT, who);
	if (socket && end->aborts)
		n = add(event, n, EVENT_ABORT, who);
	if (end->listening && user->unlistens)
		n = add(event, n, EVENT_UNLISTEN, who);
	if (end->holder != HOLDER_NONE && end->crashes)
		n = add(event, n, EVENT_CRASH, who);
	return n;
}

static unsigned int timer_events(const struct world *world, unsigned int who,
				 struct event *event, unsigned int n)
{
	const struct end *end = &world->end[who];

	if (end->holder == HOLDER_NONE)
		return n;
	if (may_fire(world, who))
		n = add(event, n, EVENT_TIMEOUT, who);
	if (end->conn.ack_pending)
		n = add(event, n, EVENT_ACK_TIMEOUT, who);
	if (end->tcb.challenged_at == NOW)
		n = add(event, n, EVENT_PAUSE, who);
	return n;
}

unsigned int world_events(const struct world *world, const struct scope *scope,
			  struct event *event)
{
	unsigned int n = 0;
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		n = user_events(world, scope, i, event, n);
		n = timer_events(world, i, event, n);
	}
	for (i = 0; i < world->packet_count; i++) {
		/* Of equal segments it does not matter which one it is. */
		if (i && !memcmp(&world->packet[i], &world->packet[i - 1],
				 sizeof(world->packet[i])))
			continue;
		n = add(event, n, EVENT_ARRIVE, i);
		if (world->duplicates)
			n = add(event, n, EVENT_ARRIVE_COPY, i);
		if (world->losses)
			n = add(event, n, EVENT_LOSE, i);
	}
	return n;
}

/* ---------------------------------------------------------- user calls */

static void user_listen(struct run *run, unsigned int who)
{
	struct end *end = &run->world->end[who];
	struct tcb_env env = holder_env(run, who);
	struct tcb_actions actions = { 0 };
	struct tcb listener;

	/* The listener has a TCB of its own, which never changes again. */
	tcb_init(&listener);
	tcb_listen(&listener, &env, &actions);
	end->listens--;
	end->listening = listener.state == STATE_LISTEN;
	holder_settle(run, who, &actions, NULL);
}

static void user_unlisten(struct run *run, unsigned int who)
{
	struct end *end = &run->world->end[who];
	struct tcb listener = { .state = STATE_LISTEN };
	struct tcb_env env = holder_env(run, who);
	struct tcb_actions actions = { 0 };

	end->listening = 0;
	tcb_close(&listener, &actions);
	if (listener.state != STATE_CLOSED)
		check_failed(run, "a listener was not closed");
	/* What it has made and nobody has accepted goes with it. */
	if (end->holder == HOLDER_REQUEST)
		tcb_abort(&end->tcb, &env, &actions);
	holder_settle(run, who, &actions, NULL);
}

static void user_open(struct run *run, unsigned int who)
{
	struct end *end = &run->world->end[who];
	struct tcb_env env = holder_env(run, who);
	struct tcb_open open = holder_open(run, who);
	struct tcb_actions actions = { 0 };

	end->opens--;
	end->holder = HOLDER_SOCKET;
	if (!run->scope->nagle)
		end->tcb.flags |= TCB_NODELAY;
	tcb_connect(&end->tcb, &end->conn, &open, &env, &actions);
	holder_unpack(run->world);
	holder_settle(run, who, &actions, NULL);
}

static void user_call(struct run *run, unsigned int kind, unsigned int who)
{
	struct end *end = &run->world->end[who];
	struct tcb_actions actions = { 0 };
	struct tcb_env env;

	switch (kind) {
	case EVENT_SEND:
		end->octets--;
		tcb_send(&end->tcb, 1);
		break;
	case EVENT_RECEIVE:
		end->unread--;
		env = holder_env(run, who);
		tcb_receive(&end->tcb, &env);
		break;
	case EVENT_EXIT:
		if (!run->good)
			end->exits--;
		end->gone = 1;
		env = holder_env(run, who);
		tcb_stop_receiving(&end->tcb, &env);
		tcb_close(&end->tcb, &actions);
		break;
	case EVENT_ABORT:
		end->aborts--;
		env = holder_env(run, who);
		tcb_abort(&end->tcb, &env, &actions);
		break;
	default:
		tcb_close(&end->tcb, &actions);
		break;
	}
	holder_settle(run, who, &actions, NULL);
}

/* ------------------------------------------------------------- timeouts */

static void time_passes(struct run *run)
{
	unsigned int who;

	for (who = 0; who < ENDS; who++)
		run->world->end[who].tcb.challenged_at =
			NOW - run->params->challenge_interval;
}

static void timeout(struct run *run, unsigned int kind, unsigned int who)
{
	struct world *world = run->world;
	struct end *end = &world->end[who];
	struct tcb_env env = holder_env(run, who);
	struct tcb_actions actions = { 0 };
	u32 deadline;

	if (kind == EVENT_ACK_TIMEOUT) {
		end->conn.ack_deadline = NOW;
	} else {
		time_passes(run);
		if (!run->good && (end->tcb.timer == TIMER_RETRANSMIT ||
				   end->tcb.timer == TIMER_PERSIST))
			world->timeouts--;
		end->tcb.deadline = NOW;
	}
	if (!tcb_next_deadline(&end->tcb, end_conn(end), run->params,
			       &deadline) ||
	    deadline != NOW)
		check_failed(run, "tcb_next_deadline() does not say that a timer is due");
	tcb_timeout(&end->tcb, end_conn(end), &env, &actions);
	holder_settle(run, who, &actions, NULL);
	if (kind == EVENT_ACK_TIMEOUT && !run->acks_sent)
		check_failed(run, "a delayed ACK was due and is not sent");
}

/* ------------------------------------------------------------- the step */

static void take_packet(struct world *world, unsigned int i,
			struct packet *packet)
{
	*packet = world->packet[i];
	world->packet_count--;
	memmove(&world->packet[i], &world->packet[i + 1],
		(world->packet_count - i) * sizeof(*packet));
}

static void happen(struct run *run, struct event event)
{
	struct world *world = run->world;
	struct packet packet;

	switch (event.kind) {
	case EVENT_LISTEN:
		user_listen(run, event.which);
		break;
	case EVENT_UNLISTEN:
		user_unlisten(run, event.which);
		break;
	case EVENT_OPEN:
		user_open(run, event.which);
		break;
	case EVENT_CRASH:
		world->end[event.which].crashes--;
		holder_forget(&world->end[event.which]);
		break;
	case EVENT_TIMEOUT:
	case EVENT_ACK_TIMEOUT:
		timeout(run, event.kind, event.which);
		break;
	case EVENT_PAUSE:
		time_passes(run);
		break;
	case EVENT_ARRIVE:
		take_packet(world, event.which, &packet);
		holder_arrive(run, packet.to, &packet);
		break;
	case EVENT_ARRIVE_COPY:
		packet = world->packet[event.which];
		world->duplicates--;
		holder_arrive(run, packet.to, &packet);
		break;
	case EVENT_LOSE:
		take_packet(world, event.which, &packet);
		world->losses--;
		break;
	default:
		user_call(run, event.kind, event.which);
		break;
	}
}

/* core_bug_on() aborts: the core has contradicted itself. */
static sigjmp_buf core_bug;

static void on_abort(int signal_number)
{
	(void)signal_number;
	siglongjmp(core_bug, 1);
}

void world_step(struct run *run, struct event event)
{
	static bool caught;

	if (!caught) {
		struct sigaction action = {
			.sa_handler = on_abort,
			.sa_flags = SA_NODEFER,
		};

		sigaction(SIGABRT, &action, NULL);
		caught = true;
	}

	run->acks_sent = 0;
	ladder_event(run->ladder, run->world, event);
	if (sigsetjmp(core_bug, 0)) {
		check_failed(run, "the core has contradicted itself: core_bug_on()");
	} else {
		holder_unpack(run->world);
		happen(run, event);
	}
	holder_pack(run);
	world_canonical(run->world, run->scope, run->params);
	if (!run->overflow)
		check_world(run);
	ladder_done(run->ladder, run->world);
}

/* -------------------------------------------------- a network that behaves */

static bool find_event(const struct event *event, unsigned int count,
		       enum event_kind kind, struct event *found)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (event[i].kind == kind) {
			*found = event[i];
			return true;
		}
	}
	return false;
}

/* The user of an open connection has no more to say. */
static bool close_one(const struct world *world, struct event *found)
{
	unsigned int who;

	for (who = 0; who < ENDS; who++) {
		const struct end *end = &world->end[who];

		if (end->holder == HOLDER_SOCKET &&
		    !(end->tcb.flags & TCB_FIN_QUEUED) &&
		    end->tcb.state != STATE_SYN_SENT &&
		    end->tcb.state != STATE_SYN_RCVD) {
			*found = (struct event) { EVENT_CLOSE, (u8)who };
			return true;
		}
	}
	return false;
}

/*
 * A user in FIN-WAIT-2 whose peer has gone without a word waits for nothing;
 * in the end it gives up waiting, and its patience becomes a timer's.
 */
static bool exit_one(const struct world *world, struct event *found)
{
	unsigned int who;

	for (who = 0; who < ENDS; who++) {
		const struct end *end = &world->end[who];
		const struct end *peer = &world->end[!who];
		bool alone = peer->holder == HOLDER_NONE ||
			     peer->now != end->life[end->now].heard;

		if (end->tcb.state == STATE_FIN_WAIT_2 && alone && !end->gone) {
			*found = (struct event) { EVENT_EXIT, (u8)who };
			return true;
		}
	}
	return false;
}

static bool fire(const struct world *world, unsigned int timer,
		 unsigned int first, struct event *found)
{
	unsigned int turn;

	for (turn = 0; turn < ENDS; turn++) {
		unsigned int who = (first + turn) % ENDS;
		const struct end *end = &world->end[who];

		if (end->holder != HOLDER_NONE && end->tcb.timer == timer) {
			*found = (struct event) { EVENT_TIMEOUT, (u8)who };
			return true;
		}
	}
	return false;
}

/*
 * The timer that would expire first. A retransmission backs off: the seventh
 * is after 2 MSL, if that is one minute and the first was after a second.
 */
static bool fire_one(const struct world *world, unsigned int turn,
		     struct event *found)
{
	static const u8 order[] = {
		TIMER_RETRANSMIT, TIMER_PERSIST, TIMER_FIN_WAIT_2,
		TIMER_TIME_WAIT,
	};
	bool late = turn % 7 == 6;
	unsigned int i;

	for (i = 0; i < COUNT(order); i++)
		if (fire(world, order[late ? COUNT(order) - 1 - i : i], turn,
			 found))
			return true;
	return false;
}

/* @turn: how many timeouts there were. */
static bool next_good_event(const struct world *world,
			    const struct scope *scope, unsigned int turn,
			    struct event *found)
{
	struct event event[EVENTS_MAX];
	unsigned int count;

	if (world->packet_count) {
		*found = (struct event) { EVENT_ARRIVE, 0 };
		return true;
	}
	count = world_events(world, scope, event);
	return find_event(event, count, EVENT_ACK_TIMEOUT, found) ||
	       find_event(event, count, EVENT_RECEIVE, found) ||
	       close_one(world, found) || fire_one(world, turn, found) ||
	       exit_one(world, found);
}

void world_finish(struct run *run)
{
	struct world *world = run->world;
	unsigned int timeouts = 0;
	struct event event;
	unsigned int i;

	run->good = true;
	for (i = 0; i < FINISH_MAX && !run->violation; i++) {
		if (!next_good_event(world, run->scope, timeouts, &event)) {
			if (world->end[0].holder != HOLDER_NONE ||
			    world->end[1].holder != HOLDER_NONE)
				check_failed(run, "stuck: nothing happens, and it is not over");
			return;
		}
		timeouts += event.kind == EVENT_TIMEOUT;
		if (i == FINISH_TOLD)
			run->ladder = NULL;
		world_step(run, event);
		if (run->overflow)
			check_failed(run, "too many segments at a time on a good network");
	}
	check_failed(run, "the network behaves, and yet it does not end");
}
