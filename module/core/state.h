/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The eleven states of a connection (RFC 9293, 3.3.2), the causes for which
 * one leaves a state for another, and the table of legal moves (figure 5).
 */
#ifndef EDUTCP_CORE_STATE_H
#define EDUTCP_CORE_STATE_H

#include "types.h"

/*
 * RFC: CLOSED is no state at all (there is no TCB). Linux: TCP_CLOSE is 7.
 * Here: the numbers are those of Linux's <net/tcp_states.h>, so that sk_state
 * needs no translation.
 */
enum tcb_state {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT,
	STATE_SYN_RCVD,
	STATE_FIN_WAIT_1,
	STATE_FIN_WAIT_2,
	STATE_TIME_WAIT,
	STATE_CLOSED,
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_LISTEN,
	STATE_CLOSING,
	STATE_COUNT,
};

/* Why a connection changes its state. */
enum tcb_cause {
	CAUSE_NONE,
	CAUSE_PASSIVE_OPEN,
	CAUSE_ACTIVE_OPEN,
	CAUSE_CLOSE,
	CAUSE_ABORT,
	CAUSE_SYN,
	CAUSE_SYN_ACK,
	CAUSE_ACK_OF_SYN,
	CAUSE_FIN,
	CAUSE_ACK_OF_FIN,
	CAUSE_RST,
	CAUSE_SYN_IN_WINDOW,
	CAUSE_DATA_AFTER_CLOSE,
	CAUSE_RETRIES_EXHAUSTED,
	CAUSE_USER_TIMEOUT,
	CAUSE_KEEPALIVE,
	CAUSE_FIN_WAIT_2_TIMEOUT,
	CAUSE_TIME_WAIT_TIMEOUT,
	CAUSE_NEW_SYN,
	CAUSE_COUNT,
};

/**
 * tcb_state_name() - the textbook's name of a state
 * @state: an enum tcb_state
 *
 * Return: "SYN_RCVD" for STATE_SYN_RCVD, and so on; "?" for no state.
 */
const char *tcb_state_name(unsigned int state);

/**
 * tcb_cause_text() - a cause in words
 * @cause: an enum tcb_cause
 *
 * Return: what happened, with the clause of RFC 9293 that says what follows.
 */
const char *tcb_cause_text(unsigned int cause);

/**
 * tcb_move_is_legal() - is there such an arrow in the state diagram?
 * @from: the state that is left
 * @to: the state that is entered
 *
 * RFC 9293, 3.3.2, figure 5, with its notes: every state may also be left for
 * CLOSED, by an ABORT, by a RST or when retransmissions are exhausted.
 *
 * Return: true if the diagram has it.
 */
bool tcb_move_is_legal(unsigned int from, unsigned int to);

#endif
