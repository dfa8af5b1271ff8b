// SPDX-License-Identifier: GPL-2.0
/*
 * Canonical worlds: what does not change what the core does next is set to a
 * constant, so that worlds which differ in it alone are one.
 *
 * Everything else of a TCB stays as it is. So a variable that is new in the
 * core is part of the world without a change here: it can make more worlds
 * different, never make different worlds equal.
 *
 * Sequence numbers are left absolute. The initial ones are a function of end
 * and life, so absolute and relative numbers say the same.
 */

#include "libworld.h"

/* Of a timer only matters whether it runs: it may fire at any moment. */
static void forget_time(struct tcb *tcb, const struct tcb_params *params)
{
	u32 interval = params->challenge_interval;

	tcb->deadline = tcb->timer == TIMER_NONE ? 0 : NOW + 1;
	tcb->opened_at = 0;	/* only RTT is made of it */
	tcb->backoff = 0;	/* only shifts the deadline */
	tcb->flags &= (u16)~TCB_SYN_AGAIN;	/* only for RTT and congestion */
	/* May it be challenged, or has it just been? EVENT_PAUSE ends that. */
	tcb->challenged_at = NOW - tcb->challenged_at < interval ?
			     NOW : NOW - interval;
}

static void forget_conn_time(struct tcb_conn *conn)
{
	/* Round trips only set deadlines. */
	conn->timing = false;
	conn->timed_twice = false;
	conn->timed_seq = 0;
	conn->timed_at = 0;
	rtt_init(&conn->rtt, 0);
	conn->ack_deadline = conn->ack_pending ? NOW + 1 : 0;
	/* For the user timeout and keep-alives, which no scope has. */
	conn->waiting_since = NOW;
	conn->heard_at = NOW;
	/* For timestamps, which no scope has. */
	conn->ts_recent_at = NOW;
}

static void canonical_conn(struct tcb_conn *conn, const struct tcb *tcb)
{
	/*
	 * The window is never less than one segment, and all that a scope
	 * sends is less than that: congestion control holds nothing back.
	 */
	congestion_init(&conn->cc, NULL, tcb->snd_mss, false);
	conn->cwnd_limited = false;

	/* An empty range is an empty range, wherever it is. */
	if (!seq_before(conn->rtx_nxt, conn->rtx_end)) {
		conn->rtx_nxt = tcb->snd_una;
		conn->rtx_end = tcb->snd_una;
	}
	/* Only asked whether it is beyond SND.UNA, and only by Nagle. */
	if (tcb->flags & TCB_NODELAY ||
	    !seq_after(conn->small_end, tcb->snd_una))
		conn->small_end = tcb->snd_una;

	/*
	 * No scope sends as much as a full segment, which would be acknowledged
	 * at once; nor as many as would use up the quick ACKs by their number.
	 */
	conn->ack_sent = tcb->rcv_nxt;
	conn->rcv_segment = TCB_MSS_DEFAULT;
	if (conn->quick_acks)
		conn->quick_acks = TCB_QUICK_ACKS;
	if (!conn->fin_held)
		conn->fin_seq = 0;
}

static void canonical_end(struct end *end, const struct scope *scope,
			  const struct tcb_params *params)
{
	if (end->holder != HOLDER_NONE)
		forget_time(&end->tcb, params);
	/* Where R2 is out of reach, it does not matter how near it is. */
	if (!scope->retries)
		end->tcb.retries = 0;
	__builtin_clear_padding(&end->tcb);

	if (end->holder == HOLDER_SOCKET) {
		forget_conn_time(&end->conn);
		canonical_conn(&end->conn, &end->tcb);
		__builtin_clear_padding(&end->conn);
	}
	memset(&end->held[end->held_count], 0,
	       (HELD_MAX - end->held_count) * sizeof(end->held[0]));
}

/* Which segments are older than 2 MSL is of interest while these run. */
static void forget_age(struct world *world)
{
	u8 waiting = 0;
	unsigned int i;

	for (i = 0; i < ENDS; i++)
		if (world->end[i].holder == HOLDER_TIMEWAIT)
			waiting |= (u8)BIT(i);
	for (i = 0; i < world->packet_count; i++)
		world->packet[i].stale &= waiting;
}

static void sort_packets(struct world *world)
{
	unsigned int i, j;

	for (i = 1; i < world->packet_count; i++) {
		struct packet packet = world->packet[i];

		for (j = i; j && memcmp(&world->packet[j - 1], &packet,
					sizeof(packet)) > 0; j--)
			world->packet[j] = world->packet[j - 1];
		world->packet[j] = packet;
	}
	memset(&world->packet[world->packet_count], 0,
	       (PACKETS_MAX - world->packet_count) * sizeof(struct packet));
}

void world_canonical(struct world *world, const struct scope *scope,
		     const struct tcb_params *params)
{
	unsigned int who;

	for (who = 0; who < ENDS; who++)
		canonical_end(&world->end[who], scope, params);
	forget_age(world);
	sort_packets(world);
}
