/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scenarios: tests of the protocol core that read like a story.
 *
 *	start(&s);
 *	user_connect(&s);
 *	expect_sent(&s, SYN, .seq = 0);
 *	arrives(&s, SYN | ACK, .seq = 0, .ack = 1);
 *	expect_sent(&s, ACK, .seq = 1, .ack = 1);
 *	expect_state(&s, STATE_ESTABLISHED);
 *
 * A scenario is one endpoint: a TCB, a clock that only passes() moves, a user
 * and a receive buffer. Sequence numbers are relative, as in a packet dump:
 * each side's SYN is 0, its first octet of text is 1. So a test can be run
 * again with initial numbers that wrap round in the middle of it.
 *
 * The library does after each event what a holder of a TCB must do (tcb.h). It
 * keeps what was sent until the test expects it: a segment nobody expected is
 * as much of a failure as one that did not come. It also checks, after every
 * event, what must hold in each scenario; see invariants() in libscenario.c.
 *
 * A failure prints what was expected, what came instead, and the whole story
 * so far; then it ends the test. So the verbs may be used in any function.
 */
#ifndef LIBSCENARIO_H
#define LIBSCENARIO_H

#include <stdnoreturn.h>

#include "tcb.h"

/* Is the peer's sequence number known, so that segments can be checked? */
static inline bool state_is_synchronized(unsigned int state)
{
	return state != STATE_CLOSED && state != STATE_LISTEN &&
	       state != STATE_SYN_SENT && state != STATE_SYN_RCVD;
}

#define FIN SEG_FIN
#define SYN SEG_SYN
#define RST SEG_RST
#define PSH SEG_PSH
#define ACK SEG_ACK
#define URG SEG_URG

#define MSS 1000	/* both sides', unless a test says otherwise */
#define RTT 100		/* ms: what the handshake of established() takes */
#define RTO 300		/* ms: what follows from it (RFC 6298, 2.2) */
#define ZERO_WINDOW -1	/* seg.window: 0 stands for "as before" */

#define TS_BASE 4000000		/* where our timestamp clock stands at 0 ms */
#define PEER_TS_BASE 0xffffff00	/* the peer's: it wraps after 256 ms */

/*
 * A segment as tests write it; sequence numbers relative to the initial ones,
 * timestamps to the beginnings of their clocks. Ranges of SACK whose end is 0
 * are not there.
 */
struct seg {
	u8 flags;
	u32 seq;
	u32 ack;
	u32 len;
	int window;
	u16 mss;
	bool has_wscale;
	u8 wscale;
	bool sack_ok;
	bool has_ts;
	u32 tsval;
	u32 tsecr;
	struct seq_range sack[SEG_SACK_MAX];
};

#define SENT_MAX 1024		/* segments sent and not yet expected */
#define STORE_SIZE (1u << 17)	/* octets; more than any window in a test */
#define MOVES_MAX 16
#define LADDER_LINES 256
#define LADDER_COLUMNS 160

struct scenario {
	/* A test may set these between start() and the opening call. */
	struct tcb_params params;
	struct tcb_open open;
	struct tcb_env env;
	u32 text_max;
	u32 peer_iss;
	u16 peer_window;	/* of segments that do not say */
	u16 peer_mss;		/* option of the peer's SYN */
	bool peer_ts;		/* the peer's segments bear timestamps */
	bool peer_sack;		/* its SYN permits SACK */
	bool time_wait_entry;	/* TIME-WAIT is held without a tcb_conn */
	bool relaxed;		/* segments sent need not be expected */
	bool no_ranges;		/* there is no memory for a scoreboard */
	u32 late;		/* ms by which timers may be overdue */

	/* A test may look at these. */
	const char *name;
	struct tcb tcb;
	struct tcb_conn *conn;	/* NULL for a request or a TIME-WAIT entry */
	struct tcb_actions actions;	/* of the last event */
	u8 told;		/* TELL_... of all events */
	u8 error;		/* the first one told */
	u32 delivered;		/* octets that arrived, in order */
	u32 taken;		/* of these, octets the user has taken */

	/* A test may set its settings before the opening call. */
	struct tcb_conn conn_room;

	/* The rest is the library's own. */
	struct ranges held_room;
	struct ranges sacked_room;
	u32 ts_heard;		/* the last timestamp of ours */
	unsigned int sent_count;
	struct tcb_move moves[MOVES_MAX];
	unsigned int move_count;
	u8 path[MOVES_MAX];
	unsigned int path_len;
	unsigned int path_done;
	bool peer_done;
	u32 edge;
	bool edge_known;
	unsigned int ladder_count;
	const char *file;
	int line;
	void (*transmit)(struct scenario *from, const struct segment *seg);
	void *wire;

	/* start() clears what is above this line. */
	bool store_used;
	u8 store[STORE_SIZE];	/* 1 for an octet that is kept */
	struct segment sent[SENT_MAX];
	char ladder[LADDER_LINES][LADDER_COLUMNS];
};

/* Notes from where a verb is called, for the report. */
struct scenario *scenario_at(struct scenario *s, const char *file, int line);
#define HERE(s) scenario_at(s, __FILE__, __LINE__)

/* Report a failure of the story and end the test. */
noreturn void scenario_fail(struct scenario *s, const char *format, ...);

/* For the ladder: what happened next. */
void scenario_note(struct scenario *s, const char *format, ...);

/*
 * For a fuzzer: scenarios are run by the million, in search of one that fails.
 * None keeps its story, and a failure is a crash. The input that has failed is
 * then run again, without this.
 */
extern bool scenario_searching;

/* A closed connection, with the parameters of this file. */
void start(struct scenario *s);

/* It has been closed; what follows is a new one, with the same parameters. */
void start_again(struct scenario *s);

/*
 * What happens.
 */

void scenario_connect(struct scenario *s);
void scenario_listen(struct scenario *s);
void scenario_send(struct scenario *s, u32 octets);
void scenario_receive(struct scenario *s, u32 octets);
void scenario_close(struct scenario *s);
void scenario_stop_receiving(struct scenario *s);
void scenario_exits(struct scenario *s);
void scenario_abort(struct scenario *s);
void scenario_arrives(struct scenario *s, const struct seg *seg);
void scenario_passes(struct scenario *s, u32 ms);

/* A segment with absolute sequence numbers, as the peer's core made it. */
void scenario_segment_arrives(struct scenario *s, const struct segment *seg);
/* Set the clock, and nothing else. */
void scenario_set_clock(struct scenario *s, u32 now);
/* The timers due by now, and what follows from them. */
void scenario_run_timers(struct scenario *s);

#define user_connect(s) scenario_connect(HERE(s))
#define user_listen(s) scenario_listen(HERE(s))
#define user_send(s, octets) scenario_send(HERE(s), octets)
#define user_receive(s, octets) scenario_receive(HERE(s), octets)
#define user_close(s) scenario_close(HERE(s))
/* Its process is gone: CLOSE, and no RECEIVE any more. */
#define user_exits(s) scenario_exits(HERE(s))
#define user_abort(s) scenario_abort(HERE(s))

/* arrives(s, FLAGS, .seq = ..., .ack = ..., ...): a segment of the peer. */
#define arrives(s, ...)	\
	scenario_arrives(HERE(s), &(struct seg){ .flags = __VA_ARGS__ })

/* The clock goes on by so many milliseconds; timers fire in order. */
#define passes(s, ms) scenario_passes(HERE(s), ms)

/*
 * What is expected. Segments must be expected in the order they are sent.
 */

/* What an expectation leaves out must be 0, but window and options are only
 * looked at if it mentions them.
 */
void scenario_expect_sent(struct scenario *s, const struct seg *seg);
#define expect_sent(s, ...)	\
	scenario_expect_sent(HERE(s), &(struct seg){ .flags = __VA_ARGS__ })

/*
 * The options of the segment that must be expected next: exactly these. Not
 * its sequence numbers, nor its window; and expect_sent() still has to follow.
 */
void scenario_expect_options(struct scenario *s, const struct seg *seg);
#define expect_options(s, ...)	\
	scenario_expect_options(HERE(s), &(struct seg){ __VA_ARGS__ })
#define expect_no_options(s) scenario_expect_options(HERE(s), &(struct seg){ 0 })

void scenario_expect_nothing_sent(struct scenario *s);
#define expect_nothing_sent(s) scenario_expect_nothing_sent(HERE(s))

/* Whatever was sent is of no interest here. */
void ignore_sent(struct scenario *s);

void scenario_expect_state(struct scenario *s, unsigned int state);
#define expect_state(s, state) scenario_expect_state(HERE(s), state)

/* The states passed through in the last event; none, if it changed nothing. */
void scenario_expect_moves(struct scenario *s, const u8 *states,
			   unsigned int count);
#define expect_moves(s, ...)					\
	scenario_expect_moves(HERE(s), (u8[]){ __VA_ARGS__ },	\
			      sizeof((u8[]){ __VA_ARGS__ }))
#define expect_no_move(s) scenario_expect_moves(HERE(s), NULL, 0)

/*
 * Announce the states that the connection will pass through from now on. The
 * first move that is another one ends the test, where it happens.
 */
void scenario_expect_path(struct scenario *s, const u8 *states,
			  unsigned int count);
#define expect_path(s, ...)					\
	scenario_expect_path(HERE(s), (u8[]){ __VA_ARGS__ },	\
			     sizeof((u8[]){ __VA_ARGS__ }))

/* The timer that runs, and in how many milliseconds it expires. */
void scenario_expect_timer(struct scenario *s, unsigned int timer, u32 ms);
#define expect_timer(s, timer, ms) scenario_expect_timer(HERE(s), timer, ms)

/* Why the last segment, or its text, was dropped. */
void scenario_expect_drop(struct scenario *s, unsigned int drop);
#define expect_drop(s, drop) scenario_expect_drop(HERE(s), drop)

/* What the user has been told so far of a connection that ended. */
void scenario_expect_error(struct scenario *s, unsigned int error);
#define expect_error(s, error) scenario_expect_error(HERE(s), error)

/* How many octets have arrived in order since the start. */
void scenario_expect_delivered(struct scenario *s, u32 octets);
#define expect_delivered(s, octets) scenario_expect_delivered(HERE(s), octets)

/*
 * Ways to get somewhere. Nothing is left to be expected afterwards.
 */

/* By an active OPEN; the handshake takes RTT. */
void scenario_established(struct scenario *s);
#define established(s) scenario_established(HERE(s))

/* By a passive OPEN; no time passes. */
void scenario_accepted(struct scenario *s);
#define accepted(s) scenario_accepted(HERE(s))

/*
 * Go from an opened scenario to that state, by the usual way; SYN_RCVD is
 * reached by a listener, SYN_SENT by a client.
 */
void scenario_reach(struct scenario *s, unsigned int state);
#define reach(s, state) scenario_reach(HERE(s), state)

/* Numbers that look random and are the same in each run. */
u32 random_u32(u64 *seed);
static inline u32 random_below(u64 *seed, u32 limit)
{
	return random_u32(seed) % limit;
}

static inline bool one_in(u64 *seed, u32 n)
{
	return random_below(seed, n) == 0;
}

#endif
