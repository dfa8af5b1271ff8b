// SPDX-License-Identifier: GPL-2.0
/* Whole conversations of two cores over a good wire and over bad ones. */

#include "kselftest_harness.h"

#include "libpair.h"

#define HOUR (3600u * 1000)

static struct pair p;

static void limit_buffer(struct scenario *s, u32 octets)
{
	s->open.window = octets;
	s->env.rcv_buffer = octets;
	s->env.rcv_space = octets;
}

static void connect_and_accept(void)
{
	user_listen(&p.b);
	user_connect(&p.a);
}

/*
 * All that one has sent, the other has received, and nobody has complained.
 * That each octet came once, in order and from the right place, is checked by
 * deliver() and keep_text() in libscenario.c as it happens.
 */
static void expect_done(u32 from_a, u32 from_b)
{
	expect_delivered(&p.b, from_a);
	expect_delivered(&p.a, from_b);
	expect_state(&p.a, STATE_CLOSED);
	expect_state(&p.b, STATE_CLOSED);
	expect_error(&p.a, ERROR_NONE);
	expect_error(&p.b, ERROR_NONE);
}

TEST(handshake_text_both_ways_and_teardown)
{
	pair_start(&p, 1);
	expect_path(&p.a, STATE_SYN_SENT, STATE_ESTABLISHED, STATE_FIN_WAIT_1,
		    STATE_FIN_WAIT_2, STATE_TIME_WAIT, STATE_CLOSED);
	expect_path(&p.b, STATE_LISTEN, STATE_SYN_RCVD, STATE_ESTABLISHED,
		    STATE_CLOSE_WAIT, STATE_LAST_ACK, STATE_CLOSED);
	connect_and_accept();
	pair_run(&p, 1000);
	user_send(&p.a, 100000);
	user_send(&p.b, 50000);
	pair_run(&p, 10000);
	user_close(&p.a);
	pair_run(&p, 1000);
	expect_state(&p.b, STATE_CLOSE_WAIT);
	user_close(&p.b);
	pair_run(&p, 1000);
	expect_state(&p.a, STATE_TIME_WAIT);
	expect_state(&p.b, STATE_CLOSED);
	pair_run(&p, 60000);
	expect_done(100000, 50000);
}

TEST(good_wire_needs_no_retransmission)
{
	pair_start(&p, 2);
	connect_and_accept();
	pair_run(&p, 1000);
	user_send(&p.a, 500000);
	pair_run(&p, 60000);
	expect_delivered(&p.b, 500000);
	EXPECT_EQ(RECOVERY_NONE, p.a.conn->recovery);
	/* Never halved, never restarted. */
	EXPECT_EQ(1u << 30, p.a.conn->cc.ssthresh);
}

static unsigned int frames;

static enum fate count_frames(struct pair *pair, const struct scenario *from,
			      const struct segment *seg)
{
	(void)pair;
	(void)from;
	(void)seg;
	frames++;
	return FATE_ARRIVE;
}

/* SYN, SYN,ACK, ACK; FIN, FIN,ACK, ACK: the ACK of a FIN rides on the FIN. */
TEST(connection_without_text_takes_six_segments)
{
	pair_start(&p, 3);
	p.fate = count_frames;
	frames = 0;
	connect_and_accept();
	pair_run(&p, 100);
	EXPECT_EQ(3, frames);
	user_close(&p.a);
	pair_run(&p, 10);
	user_close(&p.b);
	pair_run(&p, 100000);
	EXPECT_EQ(6, frames);
	expect_done(0, 0);
}

TEST(simultaneous_open_and_close)
{
	pair_start(&p, 4);
	expect_path(&p.a, STATE_SYN_SENT, STATE_SYN_RCVD, STATE_ESTABLISHED,
		    STATE_FIN_WAIT_1, STATE_CLOSING, STATE_TIME_WAIT,
		    STATE_CLOSED);
	expect_path(&p.b, STATE_SYN_SENT, STATE_SYN_RCVD, STATE_ESTABLISHED,
		    STATE_FIN_WAIT_1, STATE_CLOSING, STATE_TIME_WAIT,
		    STATE_CLOSED);
	user_connect(&p.a);
	user_connect(&p.b);
	pair_run(&p, 1000);
	expect_state(&p.a, STATE_ESTABLISHED);
	expect_state(&p.b, STATE_ESTABLISHED);
	user_send(&p.a, 5000);
	user_send(&p.b, 6000);
	pair_run(&p, 1000);
	user_close(&p.a);
	user_close(&p.b);
	pair_run(&p, 100000);
	expect_done(5000, 6000);
}

static enum fate lose_syn_acks_of_a(struct pair *pair,
				    const struct scenario *from,
				    const struct segment *seg)
{
	return from == &pair->a && pair->now < 3500 &&
	       (seg->flags & (SYN | ACK)) == (SYN | ACK) ?
	       FATE_LOSE : FATE_ARRIVE;
}

TEST(simultaneous_open_survives_the_loss_of_one_syn_ack)
{
	pair_start(&p, 5);
	p.fate = lose_syn_acks_of_a;
	user_connect(&p.a);
	user_connect(&p.b);
	pair_run(&p, 20000);
	expect_state(&p.a, STATE_ESTABLISHED);
	expect_state(&p.b, STATE_ESTABLISHED);
}

static enum fate lose_acks_of_a_fin(struct pair *pair,
				    const struct scenario *from,
				    const struct segment *seg)
{
	(void)seg;
	/* The last ACK of A, whatever else is said in those seconds. */
	return from == &pair->a && pair->a.tcb.state == STATE_TIME_WAIT &&
	       pair->now < 15000 ? FATE_LOSE : FATE_ARRIVE;
}

/* TIME-WAIT is there for this: the last ACK may get lost. */
TEST(lost_last_ack_is_made_good_by_time_wait)
{
	pair_start(&p, 6);
	p.fate = lose_acks_of_a_fin;
	connect_and_accept();
	pair_run(&p, 1000);
	user_close(&p.a);
	pair_run(&p, 1000);
	user_close(&p.b);
	pair_run(&p, 10000);
	expect_state(&p.a, STATE_TIME_WAIT);
	expect_state(&p.b, STATE_LAST_ACK);
	pair_run(&p, HOUR);
	expect_done(0, 0);
}

static enum fate lose_everything(struct pair *pair,
				 const struct scenario *from,
				 const struct segment *seg)
{
	(void)pair;
	(void)from;
	(void)seg;
	return FATE_LOSE;
}

TEST(cut_wire_ends_both_sides_that_have_something_to_say)
{
	pair_start(&p, 7);
	connect_and_accept();
	pair_run(&p, 1000);
	p.fate = lose_everything;
	user_send(&p.a, 1000);
	user_close(&p.b);
	pair_run(&p, 2 * HOUR);
	expect_state(&p.a, STATE_CLOSED);
	expect_state(&p.b, STATE_CLOSED);
	expect_error(&p.a, ERROR_TIMED_OUT);
	expect_error(&p.b, ERROR_TIMED_OUT);
}

TEST(connection_without_traffic_survives_a_cut_wire)
{
	pair_start(&p, 8);
	connect_and_accept();
	pair_run(&p, 1000);
	p.fate = lose_everything;
	pair_run(&p, 24 * HOUR);
	p.fate = NULL;
	user_send(&p.a, 1000);
	pair_run(&p, 1000);
	expect_delivered(&p.b, 1000);
}

TEST(slow_reader_gets_everything_through_a_small_window)
{
	pair_start(&p, 9);
	p.slow_readers = true;
	limit_buffer(&p.b, 3000);
	connect_and_accept();
	pair_run(&p, 1000);
	user_send(&p.a, 100000);
	user_close(&p.a);
	pair_run(&p, HOUR);
	expect_delivered(&p.b, 100000);
	expect_state(&p.b, STATE_CLOSE_WAIT);
}

static bool second_lost[2];

static enum fate lose_second_segment(struct pair *pair,
				     const struct scenario *from,
				     const struct segment *seg)
{
	bool *lost = &second_lost[from == &pair->b];

	if (*lost || !seg->text_len || seg->seq != from->tcb.iss + 1001)
		return FATE_ARRIVE;
	*lost = true;
	return FATE_LOSE;
}

/*
 * RFC 9293, A.2: "sequence number validation rules can prevent ACK fields from
 * being processed". Here both have filled the peer's window, so that their
 * ACKs lie right at its edge, and both need these ACKs to go on.
 */
TEST(full_windows_with_a_loss_each_way_do_not_block_each_other)
{
	pair_start(&p, 10);
	limit_buffer(&p.a, 4000);
	limit_buffer(&p.b, 4000);
	p.no_readers = true;
	connect_and_accept();
	pair_run(&p, 1000);
	p.fate = lose_second_segment;
	memset(second_lost, 0, sizeof(second_lost));
	user_send(&p.a, 4000);
	user_send(&p.b, 4000);
	pair_run(&p, 60000);
	expect_delivered(&p.a, 4000);
	expect_delivered(&p.b, 4000);
}

/* The same clause: "simultaneous window probes" */
TEST(probes_that_cross_do_not_hide_that_a_window_has_opened)
{
	pair_start(&p, 11);
	limit_buffer(&p.a, 4000);
	limit_buffer(&p.b, 4000);
	p.no_readers = true;
	connect_and_accept();
	pair_run(&p, 1000);
	user_send(&p.a, 8000);
	user_send(&p.b, 8000);
	pair_run(&p, 20000);
	expect_delivered(&p.a, 4000);
	expect_delivered(&p.b, 4000);
	user_receive(&p.a, 4000);
	pair_run(&p, 200000);
	expect_delivered(&p.a, 8000);
	expect_delivered(&p.b, 4000);
}

/* ------------------------------------------------------------------- options */

TEST(both_sides_agree_on_the_options)
{
	unsigned int a, b;

	for (a = 0; a < 4; a++)
		for (b = 0; b < 4; b++) {
			u16 expected = TCB_WSCALE_OK;

			pair_start(&p, 12);
			p.a.params.timestamps = a & 1;
			p.a.params.sack = !!(a & 2);
			p.b.params.timestamps = b & 1;
			p.b.params.sack = !!(b & 2);
			if (a & b & 1)
				expected |= TCB_TS_OK;
			if (a & b & 2)
				expected |= TCB_SACK_OK;
			connect_and_accept();
			pair_run(&p, 1000);
			EXPECT_EQ(expected, p.a.tcb.flags & TCB_OPTIONS);
			EXPECT_EQ(expected, p.b.tcb.flags & TCB_OPTIONS);
			EXPECT_EQ(p.a.tcb.snd_mss, p.b.tcb.snd_mss);
		}
}

/* What came of a transfer in one direction, some of whose text gets lost. */
struct transfer {
	u32 one_in;		/* of so many segments, at random; or, if 0, */
	u32 first_losses;	/* of the first segments, these (a bit each) */
	u64 seed;		/* the same for each transfer */
	unsigned int sent;	/* segments with text */
	u32 end;		/* of what was sent so far */
	u32 again;		/* octets that were sent again */
	u32 at;			/* when the last of all was sent */
	bool timeout;
};

static struct transfer transfer;

static enum fate lose_some_text(struct pair *pair, const struct scenario *from,
				const struct segment *seg)
{
	bool lost;

	if (from != &pair->a || !seg->text_len)
		return FATE_ARRIVE;
	if (!transfer.sent)
		transfer.end = seg->seq;
	if (seq_before(seg->seq, transfer.end))
		transfer.again += seg->text_len;
	transfer.end = seq_max(transfer.end, seg->seq + seg->text_len);
	transfer.at = pair->now;
	if (from->conn->recovery == RECOVERY_TIMEOUT)
		transfer.timeout = true;
	lost = transfer.one_in ? one_in(&transfer.seed, transfer.one_in) :
	       transfer.sent < 32 && transfer.first_losses & BIT(transfer.sent);
	transfer.sent++;
	return lost ? FATE_LOSE : FATE_ARRIVE;
}

static void transfer_octets(u32 octets, bool sack, u32 loss_one_in)
{
	pair_start(&p, 13);
	p.a.params.sack = sack;
	connect_and_accept();
	pair_run(&p, 1000);
	p.fate = lose_some_text;
	transfer = (struct transfer) {
		.one_in = loss_one_in,
		.first_losses = BIT(1) | BIT(3) | BIT(5),
		.seed = 99,
	};
	user_send(&p.a, octets);
	pair_run(&p, HOUR);
	expect_delivered(&p.b, octets);
}

TEST(three_losses_in_a_window_are_made_good_without_a_timeout)
{
	transfer_octets(50000, true, 0);
	EXPECT_FALSE(transfer.timeout);
	EXPECT_EQ(3 * p.a.tcb.snd_mss, transfer.again);
}

/*
 * Without SACK one loss is learned of in a round trip (RFC 2018, 1), and after
 * a timeout the peer gets much that it holds.
 */
TEST(transfer_over_a_bad_wire_needs_fewer_retransmissions_with_sack)
{
	static const u32 losses[] = { 5, 10 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(losses); i++) {
		u32 without;

		transfer_octets(1000000, false, losses[i]);
		without = transfer.again;
		transfer_octets(1000000, true, losses[i]);
		EXPECT_LT(transfer.again, without);
	}
}

TEST(transfer_over_a_bad_wire_takes_less_time_with_sack)
{
	static const u32 losses[] = { 10, 20, 50 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(losses); i++) {
		u32 without;

		transfer_octets(1000000, false, losses[i]);
		without = transfer.at;
		transfer_octets(1000000, true, losses[i]);
		EXPECT_LT(transfer.at, without);
	}
}

/* -------------------------------------------------------- random conversations */

/* A conversation with everything random but its outcome. */
static void random_conversation(u64 seed, bool bad_wire)
{
	static const u32 buffers[] = { 2500, 8000, 30000, 65000 };
	u32 from_a, from_b, step;
	bool simultaneous;

	pair_start(&p, seed * 0x9e3779b97f4a7c15ull + 1);
	if (bad_wire) {
		p.loss = random_below(&p.seed, 15);
		p.doubled = random_below(&p.seed, 15);
		p.delayed = random_below(&p.seed, 30);
	}
	p.delay = 1 + random_below(&p.seed, 100);
	p.slow_readers = one_in(&p.seed, 3);
	p.a.text_max = one_in(&p.seed, 2) ? MSS : 65535;
	p.b.text_max = one_in(&p.seed, 2) ? MSS : 65535;
	p.a.open.wscale = (u8)random_below(&p.seed, 5);
	p.b.open.wscale = (u8)random_below(&p.seed, 5);
	limit_buffer(&p.a, buffers[random_below(&p.seed, 4)]);
	limit_buffer(&p.b, buffers[random_below(&p.seed, 4)]);
	p.b.open.path_mss = (u16)(100 + random_below(&p.seed, 1400));
	/* Losses in a row shall not end it. */
	p.a.params.data_retries = 40;
	p.a.params.syn_retries = 40;
	p.a.params.synack_retries = 40;
	p.b.params = p.a.params;
	p.a.params.rto_max = 10000;
	p.b.params.rto_max = 10000;
	/* Options that both want, or one, or none. */
	p.a.params.timestamps = !one_in(&p.seed, 3);
	p.b.params.timestamps = !one_in(&p.seed, 3);
	p.a.params.sack = !one_in(&p.seed, 3);
	p.b.params.sack = !one_in(&p.seed, 3);
	/* Both numbers wrap round on the way, more often than not. */
	p.a.open.iss = 0u - random_below(&p.seed, 100000);
	p.b.open.iss = 0u - random_below(&p.seed, 100000);
	p.a.peer_iss = p.b.open.iss;
	p.b.peer_iss = p.a.open.iss;

	simultaneous = one_in(&p.seed, 4);
	if (simultaneous) {
		user_connect(&p.b);
		user_connect(&p.a);
	} else {
		connect_and_accept();
	}
	from_a = 0;
	from_b = 0;
	for (step = 0; step < 10; step++) {
		u32 octets = random_below(&p.seed, 10000);

		if (one_in(&p.seed, 2)) {
			user_send(&p.a, octets);
			from_a += octets;
		} else if (p.b.conn && tcb_may_send(&p.b.tcb)) {
			user_send(&p.b, octets);
			from_b += octets;
		}
		pair_run(&p, random_below(&p.seed, 2000));
	}
	/* CLOSE in SYN-SENT would forget what is queued (3.10.4). */
	while (!p.b.conn || p.b.tcb.state == STATE_SYN_SENT ||
	       p.a.tcb.state == STATE_SYN_SENT)
		pair_run(&p, 1000);
	user_close(&p.a);
	pair_run(&p, random_below(&p.seed, 3) * random_below(&p.seed, 100));
	user_close(&p.b);
	pair_run(&p, 4 * HOUR);
	expect_done(from_a, from_b);
}

TEST(random_conversations_over_a_good_wire)
{
	u64 seed;

	for (seed = 1; seed <= 200; seed++)
		random_conversation(seed, false);
}

TEST(random_conversations_over_a_bad_wire)
{
	u64 seed;

	for (seed = 1000; seed < 2000; seed++)
		random_conversation(seed, true);
}

TEST_HARNESS_MAIN
