// SPDX-License-Identifier: GPL-2.0
/* What a scenario expects: see libscenario.h. */

#include "libstory.h"

static bool matches(const struct seg *wanted, const struct seg *got)
{
	if (wanted->flags != got->flags || wanted->seq != got->seq ||
	    wanted->ack != got->ack || wanted->len != got->len)
		return false;
	if (wanted->window && wanted->window != got->window)
		return false;
	if (wanted->sack_ok && !got->sack_ok)
		return false;
	if (wanted->has_ts &&
	    (!got->has_ts || wanted->sack_ok != got->sack_ok ||
	     wanted->tsval != got->tsval ||
	     wanted->tsecr != got->tsecr))
		return false;
	if (wanted->sack[0].end &&
	    memcmp(wanted->sack, got->sack, sizeof(got->sack)))
		return false;
	return (!wanted->mss && !wanted->has_wscale) ||
	       (wanted->mss == got->mss && wanted->wscale == got->wscale &&
		wanted->has_wscale == got->has_wscale);
}

void scenario_expect_sent(struct scenario *s, const struct seg *seg)
{
	char wanted[LADDER_COLUMNS], got[LADDER_COLUMNS];
	struct seg first;

	print_segment(wanted, sizeof(wanted), seg);
	if (!s->sent_count)
		scenario_fail(s, "expected to be sent: %s\n#   but nothing was",
			      wanted);
	first = relative(s, &s->sent[0], true);
	if (!matches(seg, &first)) {
		print_segment(got, sizeof(got), &first);
		scenario_fail(s, "expected to be sent: %s\n#   but it was:          %s",
			      wanted, got);
	}
	s->sent_count--;
	memmove(s->sent, s->sent + 1, s->sent_count * sizeof(s->sent[0]));
}

void scenario_expect_options(struct scenario *s, const struct seg *seg)
{
	char wanted[LADDER_COLUMNS], got[LADDER_COLUMNS];
	struct seg first;

	print_segment(wanted, sizeof(wanted), seg);
	if (!s->sent_count)
		scenario_fail(s, "expected to be sent with options: %s\n#   but nothing was",
			      wanted);
	first = relative(s, &s->sent[0], true);
	print_segment(got, sizeof(got), &first);
	if (seg->mss != first.mss || seg->has_wscale != first.has_wscale ||
	    seg->wscale != first.wscale || seg->sack_ok != first.sack_ok ||
	    seg->has_ts != first.has_ts || seg->tsval != first.tsval ||
	    seg->tsecr != first.tsecr ||
	    memcmp(seg->sack, first.sack, sizeof(first.sack)))
		scenario_fail(s, "expected options:   %s\n#   but they were: %s",
			      wanted, got);
}

void scenario_expect_nothing_sent(struct scenario *s)
{
	char got[LADDER_COLUMNS];
	struct seg first;

	if (!s->sent_count)
		return;
	first = relative(s, &s->sent[0], true);
	print_segment(got, sizeof(got), &first);
	scenario_fail(s, "expected to be sent: nothing\n#   but it was: %s", got);
}

void ignore_sent(struct scenario *s)
{
	s->sent_count = 0;
}

void scenario_expect_state(struct scenario *s, unsigned int state)
{
	if (s->tcb.state != state)
		scenario_fail(s, "expected state: %s, but it is: %s",
			      tcb_state_name(state),
			      tcb_state_name(s->tcb.state));
}

void scenario_expect_moves(struct scenario *s, const u8 *states,
			   unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (i == s->move_count)
			scenario_fail(s, "expected a move to %s, but there was none",
				      tcb_state_name(states[i]));
		if (s->moves[i].to != states[i])
			scenario_fail(s, "expected a move to %s, but it was from %s to %s",
				      tcb_state_name(states[i]),
				      tcb_state_name(s->moves[i].from),
				      tcb_state_name(s->moves[i].to));
	}
	if (s->move_count > count)
		scenario_fail(s, "expected no (further) move, but there was one from %s to %s",
			      tcb_state_name(s->moves[count].from),
			      tcb_state_name(s->moves[count].to));
}

void scenario_expect_path(struct scenario *s, const u8 *states,
			  unsigned int count)
{
	memcpy(s->path, states, min_u32(count, MOVES_MAX));
	s->path_len = count;
	s->path_done = 0;
}

void scenario_expect_timer(struct scenario *s, unsigned int timer, u32 ms)
{
	u32 left = s->tcb.deadline - s->env.now;

	if (s->tcb.timer != timer)
		scenario_fail(s, "expected to run: %s, but it is %s",
			      timer_name(timer), timer_name(s->tcb.timer));
	if (timer != TIMER_NONE && left != ms)
		scenario_fail(s, "expected %s in %u ms, but it is in %u ms",
			      timer_name(timer), ms, left);
}

void scenario_expect_drop(struct scenario *s, unsigned int drop)
{
	if (s->actions.drop != drop)
		scenario_fail(s, "expected to be dropped for %s, but it was %s",
			      drop_name(drop), drop_name(s->actions.drop));
}

void scenario_expect_error(struct scenario *s, unsigned int error)
{
	if (s->error != error)
		scenario_fail(s, "expected error %u, but it is %u",
			      error, s->error);
}

void scenario_expect_delivered(struct scenario *s, u32 octets)
{
	if (s->delivered != octets)
		scenario_fail(s, "expected %u octets to have arrived in order, but it is %u",
			      octets, s->delivered);
}
