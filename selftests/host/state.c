// SPDX-License-Identifier: GPL-2.0
/* The tables of state.c: names, causes, and the arrows of figure 5. */

#include "kselftest_harness.h"

#include "state.h"

TEST(states_have_the_textbooks_names)
{
	static const struct {
		unsigned int state;
		const char *name;
	} names[] = {
		{ STATE_CLOSED, "CLOSED" },
		{ STATE_LISTEN, "LISTEN" },
		{ STATE_SYN_SENT, "SYN_SENT" },
		{ STATE_SYN_RCVD, "SYN_RCVD" },
		{ STATE_ESTABLISHED, "ESTABLISHED" },
		{ STATE_FIN_WAIT_1, "FIN_WAIT_1" },
		{ STATE_FIN_WAIT_2, "FIN_WAIT_2" },
		{ STATE_CLOSE_WAIT, "CLOSE_WAIT" },
		{ STATE_CLOSING, "CLOSING" },
		{ STATE_LAST_ACK, "LAST_ACK" },
		{ STATE_TIME_WAIT, "TIME_WAIT" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_STREQ(names[i].name, tcb_state_name(names[i].state));
}

/* A trace may show what was read from memory that was not a state's. */
TEST(what_is_no_state_has_no_name)
{
	EXPECT_STREQ("?", tcb_state_name(0));
	EXPECT_STREQ("?", tcb_state_name(STATE_COUNT));
	EXPECT_STREQ("?", tcb_state_name(255));
}

TEST(each_cause_has_a_text_of_its_own)
{
	unsigned int i, j;

	for (i = 0; i < CAUSE_COUNT; i++) {
		EXPECT_STRNE("?", tcb_cause_text(i));
		for (j = 0; j < i; j++)
			EXPECT_STRNE(tcb_cause_text(j), tcb_cause_text(i));
	}
	EXPECT_STREQ("?", tcb_cause_text(CAUSE_COUNT));
	EXPECT_STREQ("?", tcb_cause_text(255));
}

/* Figure 5, but for the arrows to CLOSED; and none from LISTEN to SYN-SENT. */
static bool has_arrow(unsigned int from, unsigned int to)
{
	static const struct {
		unsigned int from, to;
	} arrows[] = {
		{ STATE_CLOSED, STATE_LISTEN },
		{ STATE_CLOSED, STATE_SYN_SENT },
		{ STATE_LISTEN, STATE_SYN_RCVD },
		{ STATE_SYN_SENT, STATE_SYN_RCVD },
		{ STATE_SYN_SENT, STATE_ESTABLISHED },
		{ STATE_SYN_RCVD, STATE_LISTEN },
		{ STATE_SYN_RCVD, STATE_ESTABLISHED },
		{ STATE_SYN_RCVD, STATE_FIN_WAIT_1 },
		{ STATE_ESTABLISHED, STATE_FIN_WAIT_1 },
		{ STATE_ESTABLISHED, STATE_CLOSE_WAIT },
		{ STATE_FIN_WAIT_1, STATE_FIN_WAIT_2 },
		{ STATE_FIN_WAIT_1, STATE_CLOSING },
		{ STATE_FIN_WAIT_1, STATE_TIME_WAIT },
		{ STATE_FIN_WAIT_2, STATE_TIME_WAIT },
		{ STATE_CLOSE_WAIT, STATE_LAST_ACK },
		{ STATE_CLOSING, STATE_TIME_WAIT },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(arrows); i++)
		if (arrows[i].from == from && arrows[i].to == to)
			return true;
	return false;
}

TEST(moves_are_the_arrows_of_the_figure_and_those_to_closed)
{
	unsigned int from, to;

	for (from = STATE_ESTABLISHED; from < STATE_COUNT; from++)
		for (to = STATE_ESTABLISHED; to < STATE_COUNT; to++) {
			bool legal = has_arrow(from, to);

			if (to == STATE_CLOSED)
				legal = from != STATE_CLOSED;
			EXPECT_EQ(legal, tcb_move_is_legal(from, to)) {
				TH_LOG("%s -> %s", tcb_state_name(from),
				       tcb_state_name(to));
			}
		}
}

TEST(what_is_no_state_is_neither_left_nor_entered)
{
	unsigned int state;

	for (state = 0; state <= STATE_COUNT; state++) {
		EXPECT_FALSE(tcb_move_is_legal(state, 0));
		EXPECT_FALSE(tcb_move_is_legal(0, state));
		EXPECT_FALSE(tcb_move_is_legal(state, STATE_COUNT));
		EXPECT_FALSE(tcb_move_is_legal(STATE_COUNT, state));
	}
}

TEST_HARNESS_MAIN
