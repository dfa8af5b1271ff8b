// SPDX-License-Identifier: GPL-2.0
/*
 * The grid: each state, in each shape that matters, times each event, and for
 * a segment times where its sequence number stands, times what it
 * acknowledges, times how much text it has. In each cell the core must do what
 * the reference (libreference.h) reads in RFC 9293.
 *
 * No cell is left out silently: one that cannot exist is counted under its
 * reason, and the counts are printed.
 */

#include "kselftest_harness.h"

#include "libscenario.h"
#include "libstart.h"

#define KINDS_MAX 30		/* kinds of failures that a test prints */
#define REASONS_MAX 40

/* ------------------------------------------------------------------- cells */

/* Where a segment begins, seen from our window. */
static const char * const seq_names[] = {
	"far before", "a window before", "ends at RCV.NXT", "IRS",
	"RCV.NXT - 1", "straddles RCV.NXT", "RCV.NXT", "in the window",
	"last in the window", "right edge", "beyond", "far beyond",
	"half a circle away",
};

#define SEQS ARRAY_SIZE(seq_names)

static const char * const ack_names[] = {
	"none", "half a circle away", "far too old", "one too old",
	"oldest acceptable", "SND.UNA - 1", "SND.UNA", "SND.UNA + 1",
	"in flight", "SND.NXT - 1", "SND.NXT", "SND.NXT + 1", "far future",
};

#define ACKS ARRAY_SIZE(ack_names)
#define NO_ACK 0

static const u32 lengths[] = { 0, 1, 60, 3000 };

/* Half the circle is neither before nor after; so, not quite half. */
#define HALF 0x70000000
#define FAR 0x20000000

/* With the same numbers, whether or not there is a connection. */
static void sequence_numbers(const struct oracle *o, u32 len, u32 *seq)
{
	const struct ref_conn *c = &o->ref;
	u32 start = c->rcv_nxt, edge = c->rcv_nxt + c->rcv_wnd;

	seq[0] = start - FAR;
	seq[1] = start - c->rcv_wnd - 1;
	seq[2] = start - len;
	seq[3] = c->irs;
	seq[4] = start - 1;
	seq[5] = start - len / 2;
	seq[6] = start;
	seq[7] = start + c->rcv_wnd / 2;
	seq[8] = edge - 1;
	seq[9] = edge;
	seq[10] = edge + 1;
	seq[11] = edge + FAR;
	seq[12] = start + HALF;
}

static void ack_numbers(const struct oracle *o, u32 *ack)
{
	const struct ref_conn *c = &o->ref;
	u32 oldest = c->snd_una - c->max_snd_wnd;

	ack[NO_ACK] = 0;
	ack[1] = c->snd_una + HALF;
	ack[2] = oldest - FAR;
	ack[3] = oldest - 1;
	ack[4] = oldest;
	ack[5] = c->snd_una - 1;
	ack[6] = c->snd_una;
	ack[7] = c->snd_una + 1;
	ack[8] = c->snd_una + (c->snd_nxt - c->snd_una) / 2;
	ack[9] = c->snd_nxt - 1;
	ack[10] = c->snd_nxt;
	ack[11] = c->snd_nxt + 1;
	ack[12] = c->snd_nxt + FAR;
}

/* Is it the same number as that of an earlier class? */
static bool is_repeated(const u32 *list, unsigned int i, unsigned int first)
{
	unsigned int j;

	for (j = first; j < i; j++)
		if (list[j] == list[i])
			return true;
	return false;
}

/* What a test has counted. Reasons are literals: their addresses tell. */

static struct {
	unsigned long cells;
	unsigned long starts;
	unsigned long failed;
	struct {
		const char *reason;
		unsigned long count;
	} none[REASONS_MAX];
	/* Failures that look alike: only the first is printed. */
	struct {
		const char *clause;
		char complaint[sizeof(((struct oracle *)NULL)->complaint)];
		unsigned long count;
	} kinds[KINDS_MAX];
} tally;

static void cannot_be(const char *reason)
{
	unsigned int i;

	for (i = 0; i < REASONS_MAX; i++) {
		if (!tally.none[i].reason)
			tally.none[i].reason = reason;
		if (tally.none[i].reason == reason) {
			tally.none[i].count++;
			return;
		}
	}
	abort();	/* REASONS_MAX is too small */
}

static void print_tally(const char *what)
{
	unsigned int i;

	printf("# %s: %lu cells from %lu starts, %lu failed\n", what,
	       tally.cells, tally.starts, tally.failed);
	for (i = 0; i < KINDS_MAX && tally.kinds[i].clause; i++)
		printf("#   failed: %10lu of %s: %s\n", tally.kinds[i].count,
		       tally.kinds[i].clause, tally.kinds[i].complaint);
	for (i = 0; i < REASONS_MAX && tally.none[i].reason; i++)
		printf("#   cannot be: %8lu %s\n", tally.none[i].count,
		       tally.none[i].reason);
	fflush(stdout);
}

/* Counts a failure; returns true if it is the first of its kind. */
static bool is_new_kind(const struct oracle *o)
{
	unsigned int i;

	for (i = 0; i < KINDS_MAX; i++) {
		if (!tally.kinds[i].clause) {
			tally.kinds[i].clause = o->answer.clause;
			strcpy(tally.kinds[i].complaint, o->complaint);
		} else if (tally.kinds[i].clause != o->answer.clause ||
			   strcmp(tally.kinds[i].complaint, o->complaint)) {
			continue;
		}
		return !tally.kinds[i].count++;
	}
	return false;
}

/* Counts a cell; returns true if it is to be reported. */
static bool count_cell(const struct start *t, const struct oracle *base,
		       const struct oracle *o)
{
	tally.cells++;
	if (!o->complaint[0])
		return false;
	tally.failed++;
	if (!is_new_kind(o))
		return false;
	printf("#\n");
	print_start(t, base);
	return true;
}

static void segment_cell(const struct start *t, const struct oracle *base,
			 const struct segment *seg, const char *seq_name,
			 const char *ack_name)
{
	static struct oracle o;

	oracle_copy(&o, base);
	oracle_segment_arrives(&o, seg);
	if (!count_cell(t, base, &o))
		return;
	printf("# segment: flags %02x seq %u (%s) ack %u (%s) len %u win %u\n",
	       seg->flags, seg->seq, seq_name, seg->ack, ack_name,
	       seg->text_len, seg->window);
	printf("# DIFFERENT: %s\n", o.complaint);
	oracle_report(&o);
	fflush(stdout);
}

/* Each ACK number, and windows as they were, shut, and wide. */
static void ack_cells(const struct start *t, const struct oracle *base,
		      struct segment *seg, const char *seq_name)
{
	u32 ack[ACKS];
	unsigned int i;

	ack_numbers(base, ack);
	for (i = NO_ACK + 1; i < ACKS; i++) {
		if (is_repeated(ack, i, NO_ACK + 1)) {
			cannot_be("an ACK number that is another class, too");
			continue;
		}
		seg->ack = ack[i];
		seg->window = 25000;
		segment_cell(t, base, seg, seq_name, ack_names[i]);
		if (seg->flags & (SYN | RST))
			continue;
		seg->window = 0;
		segment_cell(t, base, seg, seq_name, ack_names[i]);
	}
}

static void segment_cells(const struct start *t, const struct oracle *base,
			  u8 flags)
{
	unsigned int i, j;
	u32 seq[SEQS];

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct segment seg = {
			.flags = flags,
			.text_len = lengths[i],
			.mss = flags & SYN ? MSS : 0,
		};

		sequence_numbers(base, segment_len(&seg), seq);
		for (j = 0; j < SEQS; j++) {
			if (is_repeated(seq, j, 0)) {
				cannot_be("a SEQ number that is another class, too");
				continue;
			}
			seg.seq = seq[j];
			if (flags & ACK) {
				ack_cells(t, base, &seg, seq_names[j]);
				continue;
			}
			seg.ack = 0;
			seg.window = 25000;
			segment_cell(t, base, &seg, seq_names[j],
				     ack_names[NO_ACK]);
		}
	}
}

static const u8 all_flags[] = {
	0, FIN, SYN, SYN | FIN, RST, RST | FIN, RST | SYN, RST | SYN | FIN,
	ACK, ACK | FIN, ACK | SYN, ACK | SYN | FIN, ACK | RST,
	ACK | RST | FIN, ACK | RST | SYN, ACK | RST | SYN | FIN,
	ACK | PSH | URG, FIN | PSH | URG,
};

/* Why the core is never asked that, or NULL. */
static const char *no_such_call(const struct start *t, const struct oracle *o,
				enum ref_call call)
{
	bool open = t->state != STATE_CLOSED && t->state != STATE_LISTEN;

	switch (call) {
	case REF_OPEN_ACTIVE:
	case REF_OPEN_PASSIVE:
		return t->state == STATE_CLOSED ? NULL :
		       "OPEN of what is open: the holder refuses it";
	case REF_STATUS:
	case REF_ABORT:
		return NULL;
	case REF_STOP_RECEIVING:
		if (!open)
			return "without a connection there is nothing to receive";
		break;
	default:
		break;
	}
	return open && !o->conn ? "the user has gone, or not come yet" : NULL;
}

static void call_cell(const struct start *t, const struct oracle *base,
		      enum ref_call call, u32 octets)
{
	static const char * const names[REF_CALLS] = {
		[REF_OPEN_ACTIVE] = "OPEN, active",
		[REF_OPEN_PASSIVE] = "OPEN, passive",
		[REF_SEND] = "SEND",
		[REF_RECEIVE] = "RECEIVE",
		[REF_CLOSE] = "CLOSE",
		[REF_ABORT] = "ABORT",
		[REF_STATUS] = "STATUS",
		[REF_STOP_RECEIVING] = "no RECEIVE any more",
	};
	const char *reason = no_such_call(t, base, call);
	static struct oracle o;

	if (reason) {
		cannot_be(reason);
		return;
	}
	oracle_copy(&o, base);
	oracle_user_call(&o, call, octets);
	if (!count_cell(t, base, &o))
		return;
	printf("# user: %s %u\n# DIFFERENT: %s\n", names[call], octets,
	       o.complaint);
	oracle_report(&o);
	fflush(stdout);
}

static void call_cells(const struct start *t, const struct oracle *base)
{
	unsigned int call;

	for (call = 0; call < REF_CALLS; call++) {
		call_cell(t, base, (enum ref_call)call, START_LITTLE);
		if (call == REF_SEND || call == REF_RECEIVE)
			call_cell(t, base, (enum ref_call)call, START_BUFFER);
	}
}

/* Is another timer ahead of this one? */
static bool is_overtaken(const struct oracle *o, enum ref_timeout timeout)
{
	unsigned int i;
	u32 mine, other;

	if (!oracle_timer_runs(o, timeout, &mine))
		return false;
	for (i = 0; i < REF_TIMEOUTS; i++)
		if (i != timeout &&
		    oracle_timer_runs(o, (enum ref_timeout)i, &other) &&
		    !seq_after(other, mine))
			return true;
	return false;
}

static void timer_cells(const struct start *t, const struct oracle *base)
{
	static const char * const names[REF_TIMEOUTS] = {
		[REF_RETRANSMISSION_TIMEOUT] = "retransmission",
		[REF_USER_TIMEOUT] = "user timeout",
		[REF_TIME_WAIT_TIMEOUT] = "TIME-WAIT",
		[REF_PERSIST_TIMEOUT] = "persist",
		[REF_KEEPALIVE_TIMEOUT] = "keep-alive",
		[REF_DELAYED_ACK_TIMEOUT] = "delayed ACK",
		[REF_FIN_WAIT_2_TIMEOUT] = "FIN-WAIT-2",
	};
	static struct oracle o;
	unsigned int i;
	u32 deadline;

	for (i = 0; i < REF_TIMEOUTS; i++) {
		if (!oracle_timer_runs(base, (enum ref_timeout)i, &deadline)) {
			cannot_be("a timer that does not run does not expire");
			continue;
		}
		if (is_overtaken(base, (enum ref_timeout)i)) {
			cannot_be("another timer expires before this one");
			continue;
		}
		oracle_copy(&o, base);
		oracle_timer_expires(&o, (enum ref_timeout)i);
		if (!count_cell(t, base, &o))
			continue;
		printf("# timer: %s\n# DIFFERENT: %s\n", names[i], o.complaint);
		oracle_report(&o);
		fflush(stdout);
	}
	oracle_copy(&o, base);
	oracle_nothing_is_due(&o);
	if (!count_cell(t, base, &o))
		return;
	printf("# no timer is due\n# DIFFERENT: %s\n", o.complaint);
	oracle_report(&o);
	fflush(stdout);
}

/* ------------------------------------------------------------------- tests */

static void all_events(const struct start *t, struct oracle *o)
{
	unsigned int i;

	tally.starts++;
	for (i = 0; i < ARRAY_SIZE(all_flags); i++)
		segment_cells(t, o, all_flags[i]);
	call_cells(t, o);
	timer_cells(t, o);
}

/* With what is switched off in a lab. */
static void (*switch_off)(struct tcb_params *params);

static void all_segments(const struct start *t, struct oracle *o)
{
	unsigned int i;

	if (t->extra || t->numbers != WRAP)
		return;
	tally.starts++;
	switch_off(&o->params);
	for (i = 0; i < ARRAY_SIZE(all_flags); i++)
		segment_cells(t, o, all_flags[i]);
}

static void run_without(const char *name, void (*off)(struct tcb_params *))
{
	unsigned int state;

	switch_off = off;
	for (state = STATE_ESTABLISHED; state < STATE_COUNT; state++)
		visit_starts(state, all_segments, cannot_be);
	print_tally(name);
}

static void run_state(unsigned int state)
{
	visit_starts(state, all_events, cannot_be);
	print_tally(tcb_state_name(state));
}

TEST(in_closed)
{
	run_state(STATE_CLOSED);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_listen)
{
	run_state(STATE_LISTEN);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_syn_sent)
{
	run_state(STATE_SYN_SENT);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_syn_rcvd)
{
	run_state(STATE_SYN_RCVD);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_established)
{
	run_state(STATE_ESTABLISHED);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_fin_wait_1)
{
	run_state(STATE_FIN_WAIT_1);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_fin_wait_2)
{
	run_state(STATE_FIN_WAIT_2);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_close_wait)
{
	run_state(STATE_CLOSE_WAIT);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_closing)
{
	run_state(STATE_CLOSING);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_last_ack)
{
	run_state(STATE_LAST_ACK);
	EXPECT_EQ(0, tally.failed);
}

TEST(in_time_wait)
{
	run_state(STATE_TIME_WAIT);
	EXPECT_EQ(0, tally.failed);
}

static void no_challenge_rst(struct tcb_params *params)
{
	params->challenge_rst = 0;
}

TEST(without_challenge_rst)
{
	run_without("RFC 5961, 3 off", no_challenge_rst);
	EXPECT_EQ(0, tally.failed);
}

static void no_challenge_syn(struct tcb_params *params)
{
	params->challenge_syn = 0;
}

TEST(without_challenge_syn)
{
	run_without("RFC 5961, 4 off", no_challenge_syn);
	EXPECT_EQ(0, tally.failed);
}

static void no_challenge_ack(struct tcb_params *params)
{
	params->challenge_ack = 0;
}

TEST(without_challenge_ack)
{
	run_without("RFC 5961, 5 off", no_challenge_ack);
	EXPECT_EQ(0, tally.failed);
}

static void no_defence(struct tcb_params *params)
{
	no_challenge_rst(params);
	no_challenge_syn(params);
	no_challenge_ack(params);
	params->protect_time_wait = 0;
}

TEST(without_any_defence)
{
	run_without("RFC 5961 and RFC 1337 off", no_defence);
	EXPECT_EQ(0, tally.failed);
}

TEST_HARNESS_MAIN
