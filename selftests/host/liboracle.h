/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The core and the reference, side by side: each event goes to both, and they
 * are compared in all that can be seen from outside: states, segments, text,
 * what the user hears, timers, and the variables of the TCB.
 *
 * This is the one file that knows both of them. A test calls oracle_mirror()
 * once, at the start; then it may hand in as many events as it likes.
 */
#ifndef LIBORACLE_H
#define LIBORACLE_H

#include "libreference.h"
#include "tcb.h"

#define ORACLE_SENT_MAX 16	/* the others are judged, but not shown */

/**
 * struct oracle - a connection of the core, and the reference's idea of it
 * @tcb: the core's connection
 * @conn: its second half: &@conn_room, or NULL
 * @params: the knobs; may be changed at any time
 * @env: the world
 * @open: how connections begin
 * @text_max: octets that are sent at once
 * @time_wait_entry: TIME-WAIT is held without a tcb_conn
 * @ref: the reference's connection
 * @challenged: an ACK that has a limit has been sent, at @challenged_at
 * @challenged_at: see @challenged
 * @answer: the reference's answer to the last event
 * @complaint: what is wrong; empty if nothing
 * @before: the core's state before the last event
 * @deadline_before: when its timer expired, before
 * @limited: the last ACK of its kind was too short a time before
 * @moves: the states it has passed through since
 * @move_count: how many
 * @actions: what the core wanted last
 * @sent: what the core has sent since, RSTs too
 * @sent_count: how many
 */
struct oracle {
	struct tcb tcb;
	struct tcb_conn *conn;
	struct tcb_conn conn_room;
	struct ranges held;
	struct tcb_params params;
	struct tcb_env env;
	struct tcb_open open;
	u32 text_max;
	bool time_wait_entry;
	struct ref_conn ref;
	bool challenged;
	u32 challenged_at;

	struct ref_answer answer;
	char complaint[160];
	u8 before;
	u8 moves[2 * TCB_MOVES_MAX];
	unsigned int move_count;
	u32 deadline_before;
	bool limited;
	struct tcb_actions actions;
	struct segment sent[ORACLE_SENT_MAX];
	unsigned int sent_count;
};

/* Copy an oracle: its pointers are to lead into the copy. */
void oracle_copy(struct oracle *to, const struct oracle *from);

/* Let the reference take over what the core's TCB says. */
void oracle_mirror(struct oracle *o);

/* The state of the core, as the reference calls it. */
enum ref_state oracle_state(unsigned int state);

/*
 * Events. Each returns true if core and reference agree; if not, @complaint
 * says in what.
 */
bool oracle_segment_arrives(struct oracle *o, const struct segment *seg);

/* @octets: SENT, or RECEIVED: taken from the receive buffer. */
bool oracle_user_call(struct oracle *o, enum ref_call call, u32 octets);

/* The clock goes on to the instant when that timer expires. */
bool oracle_timer_expires(struct oracle *o, enum ref_timeout timeout);

/* Is it running, and when does it expire? */
bool oracle_timer_runs(const struct oracle *o, enum ref_timeout timeout,
		       u32 *deadline);

/* A timer that is not due has been asked. */
bool oracle_nothing_is_due(struct oracle *o);

/* Print what the reference wanted and what the core did, as comments. */
void oracle_report(const struct oracle *o);

#endif
