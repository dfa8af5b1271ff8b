/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Starts: connections of the core in each state and in each shape that matters.
 *
 * The shape is: our window and the peer's, open or shut; text of ours in
 * flight or waiting; and one thing more (enum extra). A start is reached by
 * events, as any connection reaches it, and then handed out with the reference
 * beside it. One that cannot exist has a reason.
 */
#ifndef LIBSTART_H
#define LIBSTART_H

#include "liboracle.h"

#define START_BUFFER 2000	/* octets: our receive buffer, and window */
#define START_LITTLE 20		/* octets that the user has SENT */

/* How the connection was opened. */
enum route {
	ACTIVE,
	PASSIVE,
	SIMULTANEOUS,
};

/* Initial sequence numbers. */
enum numbers {
	SMALL,
	WRAP,			/* those of both sides wrap */
	CHANGE_SIGN,		/* they pass 2^31 */
	NUMBERS,
};

/* What there is of ours besides SYN and FIN. */
enum load {
	NOTHING,
	IN_FLIGHT,
	WAITING,
	BOTH,
	LOADS,
};

enum extra {
	PLAIN,
	SCALED,			/* both sides scale their windows */
	ACK_OWED,		/* the ACK of text, or of a FIN, is delayed */
	HOLE,			/* text was received before its turn */
	FIN_HELD,		/* and so was the peer's FIN */
	NOBODY_READS,
	NO_ROOM,		/* no memory for text */
	LIMITED,		/* no more challenge ACKs may be sent */
	NOBODY_LISTENS,		/* for a SYN in TIME-WAIT */
	LAST_TRY,		/* R2 is reached */
	USER_TIMEOUT,
	KEEPALIVE,
	KEEPALIVE_LAST,		/* one was sent and is the last */
	CLOSE_QUEUED,		/* CLOSE in SYN-RECEIVED, behind a SEND */
	SYN_IN_FLIGHT,		/* CLOSE in SYN-RECEIVED, so FIN-WAIT-1 */
	ENTRY,			/* TIME-WAIT held without a tcb_conn */
	EXTRAS,
};

struct start {
	unsigned int state;
	enum route route;
	enum load load;
	enum extra extra;
	enum numbers numbers;
	bool our_shut;		/* our window is shut */
	bool peer_shut;		/* the peer's window is shut */
};

typedef void (*start_fn)(const struct start *t, struct oracle *o);
typedef void (*reason_fn)(const char *reason);

/**
 * visit_starts() - all starts in a state
 * @state: the state
 * @f: is called for each
 * @cannot_be: is called with the reason for each that cannot exist
 */
void visit_starts(unsigned int state, start_fn f, reason_fn cannot_be);

/* Print which start it is, as a comment. */
void print_start(const struct start *t, const struct oracle *o);

#endif
