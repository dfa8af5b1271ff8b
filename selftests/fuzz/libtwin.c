// SPDX-License-Identifier: GPL-2.0
/* The reference model as the oracle of a scenario: see libtwin.h. */

#include <stdio.h>

#include "libstory.h"
#include "libtwin.h"

static void copy_ranges(struct ranges *to, const struct ranges *from)
{
	if (from)
		*to = *from;
	else
		to->count = 0;
}

static void copy(struct oracle *o, const struct scenario *s)
{
	o->tcb = s->tcb;
	o->params = s->params;
	o->env = s->env;
	o->env.params = &o->params;
	o->open = s->open;
	o->text_max = s->text_max;
	o->time_wait_entry = s->time_wait_entry;
	o->conn_room = s->conn_room;
	o->conn = NULL;
	if (!s->conn)
		return;
	o->conn = &o->conn_room;
	copy_ranges(&o->held, s->conn->held);
	o->conn_room.held = &o->held;
	o->conn_room.sacked = NULL;
}

void twin_start(struct twin *twin, const struct scenario *s, bool on)
{
	twin->on = on;
	twin->lost = false;
	twin->compare = false;
	if (!on)
		return;
	memset(&twin->oracle, 0, sizeof(twin->oracle));
	copy(&twin->oracle, s);
	oracle_mirror(&twin->oracle);
}

/* A SYN that goes out again says less than an ACK has said meanwhile. */
static bool window_is_cut(const struct tcb *tcb)
{
	return !(tcb->flags & TCB_SYN_ACKED) && tcb->rcv_wnd > 65535;
}

/* Can the reference follow? Then make it ready. It knows no late timers. */
static bool ready(struct twin *twin, const struct scenario *s)
{
	u32 deadline;

	twin->compare = false;
	if (!twin->on)
		return false;
	if ((tcb_next_deadline(&s->tcb, s->conn, &s->params, &deadline) &&
	     seq_before(deadline, s->env.now)) || window_is_cut(&s->tcb)) {
		twin_lost(twin);
		return false;
	}
	copy(&twin->oracle, s);
	if (twin->lost) {
		twin->oracle.challenged = false;
		oracle_mirror(&twin->oracle);
	}
	twin->lost = false;
	return true;
}

static void settle(struct twin *twin, struct scenario *s, bool agreed)
{
	twin->compare = true;
	if (agreed)
		return;
	oracle_report(&twin->oracle);
	fflush(stdout);
	scenario_fail(s, "the reference (%s) disagrees: %s",
		      twin->oracle.answer.clause, twin->oracle.complaint);
}

/* Of two numbers half of all numbers apart neither is the later (3.4). */
static bool is_opposite(u32 a, u32 b)
{
	return a - b == 0x80000000;
}

/* Does the RFC not say what becomes of this segment, and do the two differ? */
static bool is_ambiguous(const struct scenario *s, const struct segment *seg)
{
	if (is_opposite(seg->ack, s->tcb.snd_nxt) ||
	    is_opposite(seg->ack, s->tcb.snd_una) ||
	    is_opposite(seg->seq, s->tcb.rcv_nxt))
		return true;
	/* Figure 8: the core rounds the window of the SYN,ACK, which is whole. */
	return s->tcb.state == STATE_SYN_RCVD && (seg->flags & SEG_SYN) &&
	       (s->tcb.flags & TCB_WSCALE_OK);
}

void twin_segment(struct twin *twin, struct scenario *s,
		  const struct segment *seg)
{
	struct seg shown = relative(s, seg, false);
	bool agreed;

	if (!ready(twin, s))
		return;
	if (is_ambiguous(s, seg)) {
		twin_lost(twin);
		return;
	}
	agreed = oracle_segment_arrives(&twin->oracle, seg);
	if (!agreed)
		note_segment(s, "<--", &shown);
	settle(twin, s, agreed);
}

void twin_call(struct twin *twin, struct scenario *s, enum ref_call call,
	       u32 octets)
{
	if (ready(twin, s))
		settle(twin, s, oracle_user_call(&twin->oracle, call, octets));
}

/* The reference takes one timer at a time. */
void twin_timers(struct twin *twin, struct scenario *s)
{
	struct oracle *o = &twin->oracle;
	unsigned int i, next = 0, due = 0;
	u32 deadline;

	if (!ready(twin, s))
		return;
	for (i = 0; i < REF_TIMEOUTS; i++)
		if (oracle_timer_runs(o, (enum ref_timeout)i, &deadline) &&
		    deadline == s->env.now) {
			next = i;
			due++;
		}
	if (due == 1)
		settle(twin, s,
		       oracle_timer_expires(o, (enum ref_timeout)next));
	else
		twin_lost(twin);
}

static bool is_same(const struct tcb *a, const struct tcb *b)
{
	size_t from = offsetof(struct tcb, iss);	/* no padding after it */

	if (a->state == STATE_CLOSED || a->state == STATE_LISTEN)
		return a->state == b->state;	/* the rest is of no use */
	return a->state == b->state && a->timer == b->timer &&
	       a->flags == b->flags && a->retries == b->retries &&
	       a->backoff == b->backoff && a->snd_mss == b->snd_mss &&
	       a->snd_wscale == b->snd_wscale &&
	       a->rcv_wscale == b->rcv_wscale &&
	       !memcmp((const u8 *)a + from, (const u8 *)b + from,
		       sizeof(*a) - from);
}

void twin_compare(struct twin *twin, struct scenario *s)
{
	if (!twin->compare)
		return;
	twin->compare = false;
	if (!is_same(&s->tcb, &twin->oracle.tcb))
		scenario_fail(s, "the same event has not had the same effect");
}
