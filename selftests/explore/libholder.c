// SPDX-License-Identifier: GPL-2.0
/*
 * What a holder of a TCB does for the core, as the module does it: a listener
 * makes requests (listen.c, request.c), a request becomes a socket, a socket
 * in TIME-WAIT leaves the TCB alone to a small entry (timewait.c), and a
 * segment for none of these is answered by a RST (input.c, own_tcp = 1).
 *
 * RFC: a listener becomes the connection. Here: as in the module, it stays and
 * makes connections; between two ends there is at most one at a time.
 */

#include "libcheck.h"
#include "libladder.h"

#define BURST_MAX 16	/* segments after one event; more is a loop */
#define MSS 536

/*
 * A's first SYN is the last number but one before the numbers wrap; the first
 * of B are around 2^31, where signed compares wrap. Each life begins beyond
 * the window of the one before, as the clock of RFC 9293, 3.4.1 sees to. Life
 * 0 is the one before the beginning, of which only segments are left.
 */
u32 life_iss(unsigned int who, unsigned int life)
{
	return (who ? 0x7ffffffe : 0xfffffffe) + (life - 1) * WINDOW_WIDTH;
}

unsigned int end_state(const struct end *end)
{
	if (end->holder == HOLDER_NONE)
		return end->listening ? STATE_LISTEN : STATE_CLOSED;
	return end->tcb.state;
}

struct tcb_env holder_env(const struct run *run, unsigned int who)
{
	const struct end *end = &run->world->end[who];
	u32 buffer = run->scope->user[who].buffer;

	if (!buffer)
		buffer = BIG_BUFFER;
	return (struct tcb_env) {
		.now = NOW,
		.rcv_buffer = buffer,
		.rcv_space = buffer > end->unread ? buffer - end->unread : 0,
		.iss = life_iss(who, end->now + 1u),
		.challenges_left = 1000,
		.listening = end->listening,
		.params = run->params,
	};
}

bool holder_may_begin(const struct run *run, unsigned int who)
{
	unsigned int now = run->world->end[who].now;

	return now + 1 < LIVES && (run->good || now < run->scope->lives);
}

struct tcb_open holder_open(struct run *run, unsigned int who)
{
	struct end *end = &run->world->end[who];
	u32 buffer = run->scope->user[who].buffer;

	end->now++;
	end->kept = 0;
	end->unread = 0;
	end->peer_done = 0;
	end->gone = 0;
	end->held_count = 0;
	return (struct tcb_open) {
		.iss = life_iss(who, end->now),
		.mss = MSS,
		.path_mss = MSS,
		.window = buffer ? buffer : BIG_BUFFER,
	};
}

void holder_forget(struct end *end)
{
	end->holder = HOLDER_NONE;
	tcb_init(&end->tcb);
	memset(&end->conn, 0, sizeof(end->conn));
	end->held_count = 0;
	end->kept = 0;
	end->unread = 0;
	end->peer_done = 0;
	end->gone = 0;
}

static struct ranges held_room[ENDS];

void holder_unpack(struct world *world)
{
	unsigned int who;

	for (who = 0; who < ENDS; who++) {
		struct end *end = &world->end[who];

		if (end->holder != HOLDER_SOCKET)
			continue;
		end->conn.cc.algorithm = &congestion_reno;
		end->conn.held = &held_room[who];
		held_room[who].count = end->held_count;
		memcpy(held_room[who].range, end->held, sizeof(end->held));
	}
}

void holder_pack(struct run *run)
{
	unsigned int who;

	for (who = 0; who < ENDS; who++) {
		struct end *end = &run->world->end[who];

		if (end->holder != HOLDER_SOCKET)
			continue;
		end->conn.cc.algorithm = NULL;
		end->conn.held = NULL;
		if (held_room[who].count > HELD_MAX) {
			run->overflow = true;
			continue;
		}
		end->held_count = (u8)held_room[who].count;
		memcpy(end->held, held_room[who].range, sizeof(end->held));
	}
}

static void put_on_wire(struct run *run, unsigned int from,
			const struct segment *seg)
{
	struct world *world = run->world;
	struct packet *packet;

	if (world->packet_count == PACKETS_MAX ||
	    (!run->good && world->packet_count == run->scope->capacity)) {
		run->overflow = true;
		return;
	}
	/* A packet has no room for them: they are off in all scopes. */
	if (seg->has_ts || seg->sack_ok || seg->sack_count)
		check_failed(run, "an option is sent that is not on");
	packet = &world->packet[world->packet_count++];
	memset(packet, 0, sizeof(*packet));
	packet->seq = seg->seq;
	packet->ack = seg->ack;
	packet->window = seg->window;
	packet->mss = seg->mss;
	packet->to = (u8)!from;
	packet->life = world->end[from].now;
	packet->flags = seg->flags & (u8)~SEG_PSH;
	packet->text_len = (u8)seg->text_len;
	packet->wscale = seg->has_wscale ? seg->wscale + 1 : 0;
	ladder_sent(run->ladder, packet);
}

static void transmit(struct run *run, unsigned int who)
{
	struct end *end = &run->world->end[who];
	struct tcb_env env = holder_env(run, who);
	unsigned int count = 0;
	struct segment seg;

	while (tcb_next_segment(&end->tcb, end_conn(end), &env, MSS, &seg)) {
		check_sent(run, who, &seg);
		put_on_wire(run, who, &seg);
		if (++count > BURST_MAX) {
			check_failed(run, "the core never stops sending");
			return;
		}
	}
}

/*
 * 2 MSL begin (again): what is on its way now will not outlive them. But for
 * segments of before the beginning, which may come at the worst of times.
 */
static void grow_stale(struct run *run, unsigned int who)
{
	struct world *world = run->world;
	const struct tcb *tcb = &world->end[who].tcb;
	unsigned int i;

	if (tcb->timer != TIMER_TIME_WAIT ||
	    tcb->deadline != NOW + run->params->time_wait)
		return;
	for (i = 0; i < world->packet_count; i++)
		if (world->packet[i].life)
			world->packet[i].stale |= (u8)BIT(who);
}

void holder_settle(struct run *run, unsigned int who,
		   struct tcb_actions *actions, const struct packet *packet)
{
	struct end *end = &run->world->end[who];
	unsigned int i;

	for (i = 0; i < actions->move_count; i++)
		ladder_moved(run->ladder, who, &actions->moves[i]);
	ladder_dropped(run->ladder, who, actions->drop);
	check_actions(run, who, actions, packet);

	/* A TIME-WAIT entry has nothing but the TCB. */
	if (end->holder == HOLDER_SOCKET && end->tcb.state == STATE_TIME_WAIT) {
		end->holder = HOLDER_TIMEWAIT;
		memset(&end->conn, 0, sizeof(end->conn));
		end->held_count = 0;
	}
	if (actions->send_reset)
		put_on_wire(run, who, &actions->reset);
	transmit(run, who);
	check_answer(run, who, packet);
	grow_stale(run, who);

	if (end->tcb.state == STATE_CLOSED || end->tcb.state == STATE_LISTEN)
		holder_forget(end);
	/* A user who reads at once has taken it all by now. */
	if (!run->scope->user[who].buffer || end->gone)
		end->unread = 0;
}

static struct segment segment_of(const struct packet *packet)
{
	return (struct segment) {
		.seq = packet->seq,
		.ack = packet->ack,
		.text_len = packet->text_len,
		.window = packet->window,
		.mss = packet->mss,
		.flags = packet->flags,
		.has_wscale = packet->wscale,
		.wscale = packet->wscale ? packet->wscale - 1 : 0,
	};
}

/* @reopen_iss: if the connection was in TIME-WAIT until now; else 0. */
static void make_request(struct run *run, unsigned int who,
			 const struct segment *seg, u32 reopen_iss,
			 struct tcb_actions *actions)
{
	struct end *end = &run->world->end[who];
	struct tcb_env env = holder_env(run, who);
	struct tcb_open open;

	/* The module, too, drops a SYN if it has no room for a request. */
	if (!holder_may_begin(run, who))
		return;
	open = holder_open(run, who);
	if (reopen_iss)
		open.iss = reopen_iss;
	end->holder = HOLDER_REQUEST;
	tcb_open_request(&end->tcb, seg, &open, &env, actions);
}

static void to_listener_or_nobody(struct run *run, unsigned int who,
				  const struct segment *seg, u32 reopen_iss,
				  struct tcb_actions *actions)
{
	if (!run->world->end[who].listening)
		tcb_segment_without_connection(seg, actions);
	else if (tcb_segment_for_listener(seg, actions))
		make_request(run, who, seg, reopen_iss, actions);
}

/* The request's handshake is complete. */
static void make_socket(struct run *run, struct end *end,
			const struct tcb_env *env)
{
	end->holder = HOLDER_SOCKET;
	if (!run->scope->nagle)
		end->tcb.flags |= TCB_NODELAY;
	tcb_conn_init(&end->conn, &end->tcb, env);
	holder_unpack(run->world);
}

void holder_arrive(struct run *run, unsigned int who,
		   const struct packet *packet)
{
	struct end *end = &run->world->end[who];
	struct segment seg = segment_of(packet);
	struct tcb_env env = holder_env(run, who);
	struct tcb_actions actions = { 0 };
	u32 reopen_iss;

	if (end->holder == HOLDER_NONE) {
		to_listener_or_nobody(run, who, &seg, 0, &actions);
		holder_settle(run, who, &actions, packet);
		return;
	}

	tcb_segment_arrives(&end->tcb, end_conn(end), &seg, &env, &actions);
	switch (actions.verdict) {
	case VERDICT_ACCEPT:
		make_socket(run, end, &env);
		actions = (struct tcb_actions) { 0 };
		tcb_segment_arrives(&end->tcb, end_conn(end), &seg, &env,
				    &actions);
		break;
	case VERDICT_REOPEN:
		holder_settle(run, who, &actions, packet);
		reopen_iss = actions.reopen_iss;
		actions = (struct tcb_actions) { 0 };
		to_listener_or_nobody(run, who, &seg, reopen_iss, &actions);
		break;
	default:
		break;
	}
	holder_settle(run, who, &actions, packet);
}
