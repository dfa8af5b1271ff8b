/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world that the explorer walks through: two ends of a connection, each a
 * real TCB of the core, and the segments that are on their way between them.
 *
 * A world is a plain block of octets without pointers: it is copied, hashed
 * and compared as such. What happens next is an event; world_step() makes it
 * happen, does for the core what its holders in the module do, and checks what
 * must hold (libcheck.h).
 *
 * Time is abstract. The clock stands still at NOW; a timer that runs may fire
 * at any moment, since how long it takes depends on a network of which nothing
 * is known. libcanon.c has what follows from that.
 */
#ifndef LIBWORLD_H
#define LIBWORLD_H

#include "tcb.h"

#define ENDS 2			/* A and B */
#define LIVES 6			/* incarnations of an end, from 1 on */
#define PACKETS_MAX 12		/* segments on their way at a time */
#define HELD_MAX 3		/* ranges that wait for their turn at an end */
#define EVENTS_MAX 64		/* that are possible in one world */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NOW 0xffffff80u		/* so that every deadline has wrapped */
#define BIG_BUFFER 1000		/* octets, of a user who reads at once */
#define WINDOW_WIDTH 0x10000u	/* more than any window: lives are so far apart */

/**
 * struct packet - a segment on its way
 * @seq: SEG.SEQ
 * @ack: SEG.ACK
 * @window: SEG.WND
 * @mss: MSS option, or 0
 * @to: the end that it goes to
 * @life: the life in which its sender sent it; 0: in one before the beginning
 * @flags: SEG_SYN and the others, but for PSH, which no receiver looks at
 * @text_len: octets
 * @wscale: window scale option plus 1, or 0
 * @stale: bit e: sent before the 2 MSL of end e began, so it will be gone when
 *	they have passed
 * @unused: 0, so that packets can be compared as blocks
 */
struct packet {
	u32 seq;
	u32 ack;
	u16 window;
	u16 mss;
	u8 to;
	u8 life;
	u8 flags;
	u8 text_len;
	u8 wscale;
	u8 stale;
	u8 unused[2];
};

/**
 * struct life - what an incarnation of an end has done: kept for the checks
 * @sent: octets its user has SENT
 * @finished: its user has CLOSED
 * @heard: the life of the peer whose SYN it has taken; 0: none, or an old one
 * @received: RCV.NXT - IRS; the SYN is 1, and the FIN counts
 */
struct life {
	u8 sent;
	u8 finished;
	u8 heard;
	u8 received;
};

/* Who holds an end's TCB, as in the module. */
enum holder {
	HOLDER_NONE,		/* no connection */
	HOLDER_REQUEST,		/* SYN-RECEIVED, made by a listener */
	HOLDER_SOCKET,
	HOLDER_TIMEWAIT,
};

/**
 * struct end - one of the two ends
 * @tcb: the connection, if there is one
 * @conn: its second half, if a socket holds it
 * @held: what is out of order; the core's own struct has room for many more
 * @held_count: how many of @held
 * @life: what its incarnations have done
 * @now: which of them is the present one; 0: none yet
 * @holder: an enum holder
 * @listening: there is a listener
 * @kept: bit n: octet n of the peer's text was kept
 * @unread: octets in order that the user has not RECEIVED
 * @peer_done: the peer's FIN was reached
 * @gone: the user has exited, and does no more
 * @opens: active OPENs the user has left
 * @listens: passive OPENs left
 * @octets: octets left to SEND
 * @exits: exits left
 * @aborts: ABORTs left
 * @crashes: crashes left
 */
struct end {
	struct tcb tcb;
	struct tcb_conn conn;
	struct seq_range held[HELD_MAX];
	u8 held_count;
	struct life life[LIVES];
	u8 now;
	u8 holder;
	u8 listening;
	u8 kept;
	u8 unread;
	u8 peer_done;
	u8 gone;
	u8 opens;
	u8 listens;
	u8 octets;
	u8 exits;
	u8 aborts;
	u8 crashes;
};

/**
 * struct world - two ends and what is between them
 * @end: A and B
 * @packet: sorted, so that worlds which differ in their order alone are equal
 * @packet_count: how many of @packet
 * @losses: how many more segments the network may lose
 * @duplicates: how many more it may deliver twice
 * @timeouts: how many more retransmission timeouts there may be
 */
struct world {
	struct end end[ENDS];
	struct packet packet[PACKETS_MAX];
	u8 packet_count;
	u8 losses;
	u8 duplicates;
	u8 timeouts;
} __attribute__((aligned(16)));	/* stateset.c takes 16 octets at a time */

/**
 * struct user - what one user may do, in any order and at any moment
 * @opens: so many active OPENs
 * @listens: so many passive OPENs
 * @octets: so many octets to SEND, one by one
 * @buffer: octets of the receive buffer, to be RECEIVED one by one; 0: a big
 *	one, from which all is RECEIVED at once
 * @exits: so many exits of its program: CLOSE, and no RECEIVE any more
 * @aborts: so many ABORTs
 * @crashes: so many times all is forgotten but the listener
 * @keeps_open: never CLOSEs
 * @closes_early: CLOSEs in SYN-SENT, too
 * @unlistens: may CLOSE the listener
 */
struct user {
	u8 opens;
	u8 listens;
	u8 octets;
	u8 buffer;
	u8 exits;
	u8 aborts;
	u8 crashes;
	bool keeps_open;
	bool closes_early;
	bool unlistens;
};

/**
 * struct scope - a bounded part of all that can happen
 * @name: one word
 * @about: one line
 * @deep: for "make check-deep" alone; all others are for "make test", too
 * @user: A's and B's
 * @losses: segments lost at most
 * @duplicates: segments delivered twice at most
 * @timeouts: retransmission timeouts at most, whether needed or not
 * @capacity: segments on their way at most; what would send more is cut off
 * @lives: incarnations of each end at most
 * @retries: R2; 0: so large that it is never reached
 * @nagle: Nagle's algorithm is on
 * @delayed_acks: ACKs are delayed from the beginning
 * @old: segments of before, on their way at the beginning
 * @old_count: how many
 */
struct scope {
	const char *name;
	const char *about;
	bool deep;
	struct user user[ENDS];
	u8 losses;
	u8 duplicates;
	u8 timeouts;
	u8 capacity;
	u8 lives;
	u8 retries;
	bool nagle;
	bool delayed_acks;
	const struct packet *old;
	u8 old_count;
};

/* What can happen next. */
enum event_kind {
	EVENT_LISTEN,		/* passive OPEN */
	EVENT_OPEN,		/* active OPEN */
	EVENT_SEND,
	EVENT_RECEIVE,
	EVENT_CLOSE,
	EVENT_EXIT,
	EVENT_ABORT,
	EVENT_UNLISTEN,
	EVENT_CRASH,
	EVENT_TIMEOUT,
	EVENT_ACK_TIMEOUT,	/* of a delayed ACK */
	EVENT_PAUSE,		/* time passes, and no timer fires */
	EVENT_ARRIVE,
	EVENT_ARRIVE_COPY,	/* and the segment will arrive once more */
	EVENT_LOSE,
};

/**
 * struct event - something that happens
 * @kind: an enum event_kind
 * @which: the end, or the index of the packet
 */
struct event {
	u8 kind;
	u8 which;
};

struct figure;
struct ladder;

/**
 * struct run - a step, or several, and what was found
 * @scope: the rules
 * @params: world_params() of it
 * @world: is changed by each step
 * @good: the network behaves, and budgets do not count
 * @overflow: there was no room for a segment: the world is not to be used
 * @violation: what must never happen and did; NULL if nothing
 * @figure: where changes of state are counted, or NULL
 * @ladder: where all is told, or NULL
 * @acks_sent: acknowledgments of all of RCV.NXT sent in this step
 */
struct run {
	const struct scope *scope;
	const struct tcb_params *params;
	struct world *world;
	bool good;
	bool overflow;
	const char *violation;
	struct figure *figure;
	struct ladder *ladder;
	unsigned int acks_sent;
};

/* The knobs in a scope. */
struct tcb_params world_params(const struct scope *scope);

/**
 * world_init() - how a scope begins
 * @world: is set anew
 * @scope: the rules
 */
void world_init(struct world *world, const struct scope *scope);

/**
 * world_events() - what can happen in a world
 * @world: as it is
 * @scope: the rules
 * @event: room for EVENTS_MAX
 *
 * Return: how many.
 */
unsigned int world_events(const struct world *world, const struct scope *scope,
			  struct event *event);

/**
 * world_step() - let something happen
 * @run: @run->world is changed, and canonical afterwards; @run->violation is
 *	set if something was found
 * @event: one of those that are possible
 */
void world_step(struct run *run, struct event event);

/**
 * world_finish() - from here on the network behaves: is all over, and soon?
 * @run: @run->world is changed; @run->violation is set if it is not
 *
 * Segments arrive and none is lost. When none is on its way, users RECEIVE and
 * CLOSE, and when they have, timers fire, the shortest first.
 */
void world_finish(struct run *run);

/* libholder.c: what a holder of a TCB does. */

/* The core has handled an event of @who; @packet has caused it, or NULL. */
void holder_settle(struct run *run, unsigned int who,
		   struct tcb_actions *actions, const struct packet *packet);
/* A segment arrives at whoever it is for. */
void holder_arrive(struct run *run, unsigned int who,
		   const struct packet *packet);
/* The environment that the core is shown. */
struct tcb_env holder_env(const struct run *run, unsigned int who);
/* How @who is to start its next life. */
struct tcb_open holder_open(struct run *run, unsigned int who);
/* May @who begin another life? */
bool holder_may_begin(const struct run *run, unsigned int who);
/* @end has no connection any more. */
void holder_forget(struct end *end);
/* Give the core the pointers that it works with, and take them back. */
void holder_unpack(struct world *world);
void holder_pack(struct run *run);

/* libcanon.c */
void world_canonical(struct world *world, const struct scope *scope,
		     const struct tcb_params *params);

/* The initial sequence number of a life; each may wrap, see libholder.c. */
u32 life_iss(unsigned int who, unsigned int life);

/* The state as the user sees it: LISTEN for a listener without connection. */
unsigned int end_state(const struct end *end);

/* The second half of @end's TCB, as the core is to be handed it. */
static inline struct tcb_conn *end_conn(struct end *end)
{
	return end->holder == HOLDER_SOCKET ? &end->conn : NULL;
}

#endif
