/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the reference do for each other, and for nobody else. */
#ifndef LIBREFERENCE_INTERNAL_H
#define LIBREFERENCE_INTERNAL_H

#include "libreference.h"

/* Change the state, and note it. */
static inline void ref_enter(struct ref_conn *c, enum ref_state state,
			     struct ref_answer *answer)
{
	c->state = state;
	answer->path[answer->moves++] = state;
	if (state == REF_TIME_WAIT)
		answer->two_msl = REF_MSL_STARTED;
	if (state == REF_CLOSED || state == REF_LISTEN) {
		/* "delete the TCB": an ACK has nothing to say any more. */
		*c = (struct ref_conn){ .state = state };
		if (answer->reply != REF_RST)
			answer->reply = REF_NOTHING;
	}
}

/* The clause that decides, as far as we have come. */
static inline void ref_rule(struct ref_answer *answer, const char *clause)
{
	answer->clause = clause;
}

/* The most urgent of the replies that several steps ask for. */
static inline void ref_reply(struct ref_answer *answer, enum ref_reply what)
{
	if (answer->reply < what)
		answer->reply = what;
}

/* <SEQ=SND.NXT><CTL=RST> */
static inline void ref_reset_connection(const struct ref_conn *c,
					struct ref_answer *answer)
{
	answer->reply = REF_RST;
	answer->reset = (struct ref_segment){ .seq = c->snd_nxt, .rst = true };
}

/* The connection ends before its time, and the user hears why. */
static inline void ref_abort_with(struct ref_conn *c, enum ref_error error,
				  struct ref_answer *answer)
{
	answer->error = error;
	ref_enter(c, REF_CLOSED, answer);
}

/* 3.10.1: "An initial send sequence number (ISS) is selected." */
static inline void ref_choose_iss(struct ref_conn *c,
				  const struct ref_world *world)
{
	c->iss = world->iss;
	c->snd_una = world->iss;
	c->snd_nxt = world->iss + 1;
	c->snd_end = world->iss + 1;
	c->rcv_wnd = world->window;
}

#endif
