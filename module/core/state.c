// SPDX-License-Identifier: GPL-2.0
/* The state diagram as tables: names, causes, legal moves. */

#include "state.h"

static const char * const state_names[STATE_COUNT] = {
	[STATE_ESTABLISHED] = "ESTABLISHED",
	[STATE_SYN_SENT] = "SYN_SENT",
	[STATE_SYN_RCVD] = "SYN_RCVD",
	[STATE_FIN_WAIT_1] = "FIN_WAIT_1",
	[STATE_FIN_WAIT_2] = "FIN_WAIT_2",
	[STATE_TIME_WAIT] = "TIME_WAIT",
	[STATE_CLOSED] = "CLOSED",
	[STATE_CLOSE_WAIT] = "CLOSE_WAIT",
	[STATE_LAST_ACK] = "LAST_ACK",
	[STATE_LISTEN] = "LISTEN",
	[STATE_CLOSING] = "CLOSING",
};

static const char * const cause_texts[CAUSE_COUNT] = {
	[CAUSE_NONE] = "no cause",
	[CAUSE_PASSIVE_OPEN] = "passive OPEN (3.10.1)",
	[CAUSE_ACTIVE_OPEN] = "active OPEN (3.10.1)",
	[CAUSE_CLOSE] = "CLOSE (3.10.4)",
	[CAUSE_ABORT] = "ABORT (3.10.5)",
	[CAUSE_SYN] = "SYN arrived (3.10.7)",
	[CAUSE_SYN_ACK] = "SYN,ACK arrived (3.10.7.3)",
	[CAUSE_ACK_OF_SYN] = "own SYN acknowledged (3.10.7.4 fifth)",
	[CAUSE_FIN] = "FIN arrived (3.10.7.4 eighth)",
	[CAUSE_ACK_OF_FIN] = "own FIN acknowledged (3.10.7.4 fifth)",
	[CAUSE_RST] = "RST arrived (3.10.7.3, 3.10.7.4 second)",
	[CAUSE_SYN_IN_WINDOW] = "SYN arrived in the window (RFC 793)",
	[CAUSE_DATA_AFTER_CLOSE] = "data arrived after CLOSE (3.6.1)",
	[CAUSE_RETRIES_EXHAUSTED] = "no answer to retransmissions (3.8.3)",
	[CAUSE_USER_TIMEOUT] = "user timeout (3.10.8)",
	[CAUSE_KEEPALIVE] = "no answer to keep-alives (3.8.4)",
	[CAUSE_FIN_WAIT_2_TIMEOUT] = "peer never closed its side (3.6)",
	[CAUSE_TIME_WAIT_TIMEOUT] = "2 MSL have passed (3.10.8)",
	[CAUSE_NEW_SYN] = "new SYN for the same pair of sockets (3.6.1)",
};

static const u16 legal_moves[STATE_COUNT] = {
	[STATE_CLOSED] = BIT(STATE_LISTEN) | BIT(STATE_SYN_SENT),
	[STATE_LISTEN] = BIT(STATE_SYN_RCVD) | BIT(STATE_CLOSED),
	[STATE_SYN_SENT] = BIT(STATE_SYN_RCVD) | BIT(STATE_ESTABLISHED) |
			   BIT(STATE_CLOSED),
	[STATE_SYN_RCVD] = BIT(STATE_ESTABLISHED) | BIT(STATE_FIN_WAIT_1) |
			   BIT(STATE_LISTEN) | BIT(STATE_CLOSED),
	[STATE_ESTABLISHED] = BIT(STATE_FIN_WAIT_1) | BIT(STATE_CLOSE_WAIT) |
			      BIT(STATE_CLOSED),
	[STATE_FIN_WAIT_1] = BIT(STATE_FIN_WAIT_2) | BIT(STATE_CLOSING) |
			     BIT(STATE_TIME_WAIT) | BIT(STATE_CLOSED),
	[STATE_FIN_WAIT_2] = BIT(STATE_TIME_WAIT) | BIT(STATE_CLOSED),
	[STATE_CLOSE_WAIT] = BIT(STATE_LAST_ACK) | BIT(STATE_CLOSED),
	[STATE_CLOSING] = BIT(STATE_TIME_WAIT) | BIT(STATE_CLOSED),
	[STATE_LAST_ACK] = BIT(STATE_CLOSED),
	[STATE_TIME_WAIT] = BIT(STATE_CLOSED),
};

const char *tcb_state_name(unsigned int state)
{
	return state < STATE_COUNT && state_names[state] ?
	       state_names[state] : "?";
}

const char *tcb_cause_text(unsigned int cause)
{
	return cause < CAUSE_COUNT ? cause_texts[cause] : "?";
}

bool tcb_move_is_legal(unsigned int from, unsigned int to)
{
	return from < STATE_COUNT && to < STATE_COUNT &&
	       (legal_moves[from] & BIT(to));
}
