// SPDX-License-Identifier: GPL-2.0
/* Figure 5, and the arrows that its notes and 3.10 add: see libfigure.h. */

#include <assert.h>

#include "libfigure.h"

#define NO_CAUSE CAUSE_COUNT	/* an arrow that edutcp does not offer */

enum part {
	IN_FIGURE,
	IN_NOTES,	/* notes 1 to 3, 3.10: RST, ABORT, R2, ... */
	NOT_OFFERED,
};

struct arrow {
	u8 from;
	u8 to;
	u8 cause;
	u8 part;
	const char *remark;
};

static const struct arrow arrows[] = {
	{ STATE_CLOSED, STATE_LISTEN, CAUSE_PASSIVE_OPEN, IN_FIGURE, "" },
	{ STATE_CLOSED, STATE_SYN_SENT, CAUSE_ACTIVE_OPEN, IN_FIGURE, "" },
	{ STATE_LISTEN, STATE_CLOSED, CAUSE_CLOSE, IN_FIGURE, "" },
	{ STATE_LISTEN, STATE_SYN_RCVD, CAUSE_SYN, IN_FIGURE, "" },
	{ STATE_LISTEN, STATE_SYN_SENT, NO_CAUSE, NOT_OFFERED,
	  "SEND; sockets have no such call" },
	{ STATE_SYN_SENT, STATE_CLOSED, CAUSE_CLOSE, IN_FIGURE, "" },
	{ STATE_SYN_SENT, STATE_SYN_RCVD, CAUSE_SYN, IN_FIGURE, "" },
	{ STATE_SYN_SENT, STATE_ESTABLISHED, CAUSE_SYN_ACK, IN_FIGURE, "" },
	{ STATE_SYN_RCVD, STATE_LISTEN, CAUSE_RST, IN_FIGURE, "note 1" },
	{ STATE_SYN_RCVD, STATE_ESTABLISHED, CAUSE_ACK_OF_SYN, IN_FIGURE, "" },
	{ STATE_SYN_RCVD, STATE_FIN_WAIT_1, CAUSE_CLOSE, IN_FIGURE, "" },
	{ STATE_ESTABLISHED, STATE_FIN_WAIT_1, CAUSE_CLOSE, IN_FIGURE, "" },
	{ STATE_ESTABLISHED, STATE_CLOSE_WAIT, CAUSE_FIN, IN_FIGURE, "" },
	{ STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, CAUSE_ACK_OF_FIN, IN_FIGURE, "" },
	{ STATE_FIN_WAIT_1, STATE_CLOSING, CAUSE_FIN, IN_FIGURE, "" },
	{ STATE_FIN_WAIT_1, STATE_TIME_WAIT, NO_CAUSE, IN_FIGURE,
	  "note 2: by FIN_WAIT_2, in one event" },
	{ STATE_FIN_WAIT_2, STATE_TIME_WAIT, CAUSE_FIN, IN_FIGURE, "" },
	{ STATE_CLOSING, STATE_TIME_WAIT, CAUSE_ACK_OF_FIN, IN_FIGURE, "" },
	{ STATE_CLOSE_WAIT, STATE_LAST_ACK, CAUSE_CLOSE, IN_FIGURE, "" },
	{ STATE_LAST_ACK, STATE_CLOSED, CAUSE_ACK_OF_FIN, IN_FIGURE, "" },
	{ STATE_TIME_WAIT, STATE_CLOSED, CAUSE_TIME_WAIT_TIMEOUT, IN_FIGURE,
	  "" },

	{ STATE_SYN_RCVD, STATE_LISTEN, CAUSE_SYN, IN_NOTES, "" },
	{ STATE_SYN_SENT, STATE_CLOSED, CAUSE_RST, IN_NOTES, "" },
	{ STATE_SYN_RCVD, STATE_CLOSED, CAUSE_RST, IN_NOTES, "" },
	{ STATE_ESTABLISHED, STATE_CLOSED, CAUSE_RST, IN_NOTES, "" },
	{ STATE_FIN_WAIT_1, STATE_CLOSED, CAUSE_RST, IN_NOTES, "" },
	{ STATE_FIN_WAIT_2, STATE_CLOSED, CAUSE_RST, IN_NOTES, "" },
	{ STATE_CLOSE_WAIT, STATE_CLOSED, CAUSE_RST, IN_NOTES, "" },
	{ STATE_CLOSING, STATE_CLOSED, CAUSE_RST, IN_NOTES, "" },
	{ STATE_LAST_ACK, STATE_CLOSED, CAUSE_RST, IN_NOTES, "" },
	{ STATE_SYN_SENT, STATE_CLOSED, CAUSE_ABORT, IN_NOTES, "" },
	{ STATE_SYN_RCVD, STATE_CLOSED, CAUSE_ABORT, IN_NOTES, "" },
	{ STATE_ESTABLISHED, STATE_CLOSED, CAUSE_ABORT, IN_NOTES, "" },
	{ STATE_FIN_WAIT_1, STATE_CLOSED, CAUSE_ABORT, IN_NOTES, "" },
	{ STATE_FIN_WAIT_2, STATE_CLOSED, CAUSE_ABORT, IN_NOTES, "" },
	{ STATE_CLOSE_WAIT, STATE_CLOSED, CAUSE_ABORT, IN_NOTES, "" },
	{ STATE_CLOSING, STATE_CLOSED, CAUSE_ABORT, IN_NOTES, "" },
	{ STATE_LAST_ACK, STATE_CLOSED, CAUSE_ABORT, IN_NOTES, "" },
	{ STATE_SYN_SENT, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED, IN_NOTES, "" },
	{ STATE_SYN_RCVD, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED, IN_NOTES, "" },
	{ STATE_ESTABLISHED, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED, IN_NOTES,
	  "" },
	{ STATE_FIN_WAIT_1, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED, IN_NOTES,
	  "" },
	{ STATE_CLOSE_WAIT, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED, IN_NOTES,
	  "" },
	{ STATE_CLOSING, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED, IN_NOTES, "" },
	{ STATE_LAST_ACK, STATE_CLOSED, CAUSE_RETRIES_EXHAUSTED, IN_NOTES, "" },
	{ STATE_FIN_WAIT_1, STATE_CLOSED, CAUSE_DATA_AFTER_CLOSE, IN_NOTES,
	  "" },
	{ STATE_FIN_WAIT_2, STATE_CLOSED, CAUSE_DATA_AFTER_CLOSE, IN_NOTES,
	  "" },
	{ STATE_FIN_WAIT_2, STATE_CLOSED, CAUSE_FIN_WAIT_2_TIMEOUT, IN_NOTES,
	  "" },
	{ STATE_TIME_WAIT, STATE_CLOSED, CAUSE_NEW_SYN, IN_NOTES, "" },
};

#define ARROWS COUNT(arrows)

static_assert(ARROWS <= FIGURE_ARROWS_MAX, "struct figure is too small");

static unsigned int find(unsigned int from, unsigned int to, unsigned int cause)
{
	unsigned int i;

	for (i = 0; i < ARROWS; i++)
		if (arrows[i].from == from && arrows[i].to == to &&
		    arrows[i].cause == cause)
			break;
	return i;
}

bool figure_allows(const struct tcb_move *move)
{
	return find(move->from, move->to, move->cause) < ARROWS;
}

void figure_count(struct figure *figure, const struct tcb_move *move)
{
	unsigned int i = find(move->from, move->to, move->cause);

	if (i < ARROWS)
		figure->count[i]++;
}

void figure_count_moves(struct figure *figure,
			const struct tcb_actions *actions)
{
	unsigned int i;

	for (i = 0; i + 1 < actions->move_count; i++)
		if (actions->moves[i].from == STATE_FIN_WAIT_1 &&
		    actions->moves[i + 1].to == STATE_TIME_WAIT)
			figure->count[find(STATE_FIN_WAIT_1, STATE_TIME_WAIT,
					   NO_CAUSE)]++;
}

void figure_add(struct figure *figure, const struct figure *from)
{
	unsigned int i;

	for (i = 0; i < ARROWS; i++)
		figure->count[i] += from->count[i];
}

static void print_part(const struct figure *figure, const char *prefix,
		       unsigned int part)
{
	unsigned int i;

	for (i = 0; i < ARROWS; i++) {
		const struct arrow *arrow = &arrows[i];

		if (arrow->part != part)
			continue;
		printf("%s%-11s -> %-11s %12lu  %s%s%s\n", prefix,
		       tcb_state_name(arrow->from), tcb_state_name(arrow->to),
		       figure->count[i],
		       arrow->cause == NO_CAUSE ? "" :
		       tcb_cause_text(arrow->cause),
		       *arrow->remark && arrow->cause != NO_CAUSE ? ", " : "",
		       arrow->remark);
	}
}

unsigned int figure_print(const struct figure *figure, const char *prefix)
{
	unsigned int missing = 0;
	unsigned int i;

	printf("%sFigure 5 of RFC 9293, and how often each arrow was taken:\n",
	       prefix);
	print_part(figure, prefix, IN_FIGURE);
	print_part(figure, prefix, NOT_OFFERED);
	printf("%sBy its notes and by 3.10:\n", prefix);
	print_part(figure, prefix, IN_NOTES);
	for (i = 0; i < ARROWS; i++)
		missing += arrows[i].part == IN_FIGURE && !figure->count[i];
	return missing;
}
