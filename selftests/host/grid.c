// SPDX-License-Identifier: GPL-2.0
/*
 * The grid: each state, in each shape that matters, times each event, and for
 * a segment times where its sequence number stands, times what it
 * acknowledges, times how much text it has. In each cell the core must do what
 * the reference (libreference.h) reads in RFC 9293.
 *
 * A start is a state and its shape: our window and the peer's, open or shut;
 * text in flight or waiting; and one thing more (enum extra). It is reached by
 * events, as any connection reaches it. No start and no cell is left out
 * silently: what cannot exist is counted under its reason, and printed.
 */

#include "kselftest_harness.h"

#include "liboracle.h"
#include "libscenario.h"

#define BUFFER 2000		/* octets: our receive buffer, and window */
#define OWED 100		/* octets of the text whose ACK is delayed */
#define LITTLE 20		/* octets that the user SENDs */
#define MUCH 12000		/* the initial congestion window does not do */
#define KINDS_MAX 30		/* kinds of failures that a test prints */

/* ----------------------------------------------------------------- starts */

/* How the connection was opened. */
enum route {
	ACTIVE,
	PASSIVE,
	SIMULTANEOUS,
	ROUTES,
};

/* What there is of ours besides SYN and FIN. */
enum load {
	NOTHING,
	IN_FLIGHT,
	WAITING,
	BOTH,
	LOADS,
};

enum extra {
	PLAIN,
	SCALED,			/* both sides scale their windows */
	ACK_OWED,		/* the ACK of text, or of a FIN, is delayed */
	HOLE,			/* text was received before its turn */
	FIN_HELD,		/* and so was the peer's FIN */
	NOBODY_READS,
	NO_ROOM,		/* no memory for text */
	LAST_TRY,		/* R2 is reached */
	USER_TIMEOUT,
	KEEPALIVE,
	KEEPALIVE_LAST,		/* one was sent and is the last */
	CLOSE_QUEUED,		/* CLOSE in SYN-RECEIVED, behind a SEND */
	SYN_IN_FLIGHT,		/* CLOSE in SYN-RECEIVED, so FIN-WAIT-1 */
	ENTRY,			/* TIME-WAIT held without a tcb_conn */
	EXTRAS,
};

static const char * const route_names[] = {
	"active", "passive", "simultaneous",
};

static const char * const load_names[] = {
	"nothing of ours", "text in flight", "text waiting",
	"text in flight and waiting",
};

static const char * const extra_names[] = {
	"", ", scaled windows", ", ACK owed", ", text before its turn",
	", FIN before its turn", ", nobody reads", ", no memory", ", last try",
	", user timeout", ", keepalive", ", last keepalive", ", CLOSE queued",
	", SYN in flight", ", entry",
};

#define WRAP 1

/* Initial sequence numbers: ours and the peer's. */
static const struct {
	u32 ours;
	u32 peers;
} numbers[ROUTES] = {
	{ 10000, 7000 },
	[WRAP] = { 0u - 10, 0u - 1000 },
	{ 0x80000000 - 10, 0x80000000 - 1000 },	/* they change sign */
};

struct start {
	unsigned int state;
	enum route route;
	enum load load;
	enum extra extra;
	unsigned int number;	/* index into numbers */
	bool our_shut;		/* our window is shut */
	bool peer_shut;		/* the peer's window is shut */
};

static bool has_peers_fin(unsigned int state)
{
	return state == STATE_CLOSE_WAIT || state == STATE_CLOSING ||
	       state == STATE_LAST_ACK || state == STATE_TIME_WAIT;
}

static bool takes_text(unsigned int state)
{
	return state == STATE_ESTABLISHED || state == STATE_FIN_WAIT_1 ||
	       state == STATE_FIN_WAIT_2;
}

static bool is_closed_by_us(unsigned int state)
{
	return state == STATE_FIN_WAIT_1 || state == STATE_CLOSING ||
	       state == STATE_LAST_ACK;
}

/* Why there is no such start, or NULL. */
static const char *no_such_load(const struct start *t)
{
	switch (t->state) {
	case STATE_SYN_RCVD:
		if (t->route == PASSIVE && t->load)
			return "a request has no user who SENDs";
		/* fall through */
	case STATE_SYN_SENT:
		if (t->load == IN_FLIGHT || t->load == BOTH)
			return "no text is sent before ESTABLISHED";
		return NULL;
	case STATE_FIN_WAIT_2:
	case STATE_TIME_WAIT:
		return t->load ? "all of ours is acknowledged there" : NULL;
	default:
		if (is_closed_by_us(t->state) && t->load == WAITING &&
		    !t->peer_shut)
			return "CLOSE pushes what waits, unless the window is shut";
		return NULL;
	}
}

static const char *no_such_extra(const struct start *t)
{
	bool request = t->state == STATE_SYN_RCVD && t->route == PASSIVE;

	switch (t->extra) {
	case PLAIN:
	case SCALED:
		return NULL;
	case ACK_OWED:
		if (takes_text(t->state) || t->state == STATE_CLOSE_WAIT)
			return NULL;
		return "no ACK is delayed in this state";
	case HOLE:
	case FIN_HELD:
		if (!takes_text(t->state))
			return "no text is taken in this state";
		return t->our_shut ? "nothing fits a window that is shut" : NULL;
	case NO_ROOM:
		if (takes_text(t->state) || t->state == STATE_SYN_SENT)
			return NULL;
		return "no text is taken in this state";
	case LAST_TRY:
		if (t->state == STATE_SYN_SENT || t->state == STATE_SYN_RCVD ||
		    is_closed_by_us(t->state))
			return NULL;
		if (t->load == WAITING && !t->peer_shut)
			return "what is corked is sent at the first try";
		return t->load ? NULL : "nothing is tried again without text";
	case NOBODY_READS:
	case USER_TIMEOUT:
	case KEEPALIVE:
		return request ? "a request has no user" : NULL;
	case KEEPALIVE_LAST:
		if ((t->state == STATE_ESTABLISHED ||
		     t->state == STATE_CLOSE_WAIT ||
		     t->state == STATE_FIN_WAIT_2) && !t->load)
			return NULL;
		return "a keep-alive is sent only if nothing is in flight";
	case CLOSE_QUEUED:
		return t->state == STATE_SYN_RCVD && t->load == WAITING ? NULL :
		       "only a CLOSE in SYN-RECEIVED is queued";
	case SYN_IN_FLIGHT:
		if (t->state != STATE_FIN_WAIT_1 || t->load)
			return "only a CLOSE in SYN-RECEIVED leaves the SYN in flight";
		return t->our_shut ? "the FIN of that CLOSE opens the window" : NULL;
	case ENTRY:
		return t->state == STATE_TIME_WAIT ? NULL :
		       "only in TIME-WAIT the tcb_conn goes";
	default:
		return "?";
	}
}

static const char *no_such_start(const struct start *t)
{
	const char *reason;

	if (t->state == STATE_CLOSED || t->state == STATE_LISTEN) {
		if (t->our_shut || t->peer_shut || t->load || t->extra)
			return "without a connection there is nothing to vary";
		return NULL;
	}
	if (t->state == STATE_SYN_SENT && t->peer_shut)
		return "in SYN-SENT the peer's window is not known yet";
	if (t->state == STATE_TIME_WAIT && t->peer_shut)
		return "in TIME-WAIT the peer's window is of no use";
	reason = no_such_load(t);
	return reason ? reason : no_such_extra(t);
}

/* ----------------------------------------------- how each start is reached */

static struct scenario s;

/* RCV.NXT, SND.UNA and SND.NXT as scenarios count them. */
static u32 rcv_nxt(void)
{
	return s.tcb.rcv_nxt - s.peer_iss;
}

static u32 una(void)
{
	return s.tcb.snd_una - s.open.iss;
}

static u32 nxt(void)
{
	return s.tcb.snd_nxt - s.open.iss;
}

static void prepare(const struct start *t)
{
	start(&s);
	s.relaxed = true;
	s.open.iss = numbers[t->number].ours;
	s.peer_iss = numbers[t->number].peers;
	s.env.rcv_buffer = BUFFER;
	s.env.rcv_space = BUFFER;
	s.open.window = BUFFER;
	s.open.wscale = t->extra == SCALED ? 3 : 0;
	s.peer_window = 30000;
	s.params.r1_retries = 1;
	s.time_wait_entry = t->extra == ENTRY;
	if (t->extra == LAST_TRY) {
		s.params.syn_retries = 1;
		s.params.synack_retries = 1;
		s.params.data_retries = 1;
	}
	if (t->extra == KEEPALIVE_LAST)
		s.params.keep_count = 1;
}

/* Up to the state before the handshake is complete. */
static void open_half(const struct start *t, bool shut)
{
	bool scaled = t->extra == SCALED;
	u8 flags = SYN;
	u32 ack = 0;

	if (t->our_shut && shut) {
		s.env.rcv_space = 0;
		s.open.window = 0;
	}
	if (t->route == PASSIVE)
		user_listen(&s);
	else
		user_connect(&s);
	if (t->state == STATE_SYN_SENT || t->state == STATE_LISTEN)
		return;
	if (t->route == ACTIVE) {
		flags |= ACK;
		ack = 1;
	}
	arrives(&s, flags, .ack = ack, .has_wscale = scaled,
		.wscale = scaled ? 2 : 0,
		.window = t->peer_shut && shut ? ZERO_WINDOW : 0);
}

static void open_whole(const struct start *t)
{
	open_half(t, false);
	if (t->route != ACTIVE)
		arrives(&s, ACK, .seq = 1, .ack = 1);
	expect_state(&s, STATE_ESTABLISHED);
	s.conn->quick_acks = 0;		/* not at the start any more */
}

/* What the peer's segments say of its window, once that is shut. */
static int window(const struct start *t)
{
	return t->peer_shut ? ZERO_WINDOW : 0;
}

/* The peer sends so much text that our window is shut, or will be soon. */
static void fill_window(const struct start *t)
{
	u32 octets = BUFFER - has_peers_fin(t->state);

	if (t->extra == ACK_OWED && takes_text(t->state))
		octets -= OWED;
	while (octets) {
		u32 len = min_u32(octets, MSS);

		arrives(&s, ACK, .seq = rcv_nxt(), .ack = una(), .len = len);
		octets -= len;
	}
	passes(&s, s.params.delayed_ack);
}

static void peer_shuts_window(void)
{
	arrives(&s, ACK, .seq = rcv_nxt(), .ack = una(), .window = ZERO_WINDOW);
}

/* The user sends text; if it is to wait, into a window that is shut. */
static void send_text(const struct start *t)
{
	switch (t->load) {
	case NOTHING:
		break;
	case IN_FLIGHT:
		user_send(&s, LITTLE);
		break;
	case WAITING:
		if (t->peer_shut)
			peer_shuts_window();
		else
			s.tcb.flags |= TCB_CORKED;
		user_send(&s, LITTLE);
		break;
	default:
		user_send(&s, t->peer_shut ? LITTLE : MUCH);
		if (!t->peer_shut)
			break;
		peer_shuts_window();
		user_send(&s, LITTLE);
		break;
	}
}

/* The peer closes: its FIN acknowledges all of ours, or nothing new. */
static void peer_closes(u32 ack, int wnd)
{
	arrives(&s, FIN | ACK, .seq = rcv_nxt(), .ack = ack, .window = wnd);
}

/* From ESTABLISHED on. */
static void go_to_state(const struct start *t)
{
	if (t->state == STATE_CLOSE_WAIT && t->extra == ACK_OWED) {
		send_text(t);
		peer_closes(una(), window(t));
		return;
	}
	if (t->state == STATE_CLOSE_WAIT || t->state == STATE_LAST_ACK) {
		peer_closes(una(), 0);
		passes(&s, s.params.delayed_ack);
	}
	send_text(t);
	if (t->state != STATE_ESTABLISHED && t->state != STATE_CLOSE_WAIT)
		user_close(&s);
	/* If text waits for it, the window has been shut before. */
	if (t->peer_shut && t->load != WAITING && t->load != BOTH)
		peer_shuts_window();

	switch (t->state) {
	case STATE_CLOSING:
		peer_closes(una(), window(t));
		break;
	case STATE_FIN_WAIT_2:
		arrives(&s, ACK, .seq = rcv_nxt(), .ack = nxt(),
			.window = window(t));
		break;
	case STATE_TIME_WAIT:
		peer_closes(nxt(), 0);
		break;
	default:
		break;
	}
}

static void add_extra(const struct start *t)
{
	unsigned int i;

	switch (t->extra) {
	case ACK_OWED:
		if (takes_text(t->state))
			arrives(&s, ACK, .seq = rcv_nxt(), .ack = una(),
				.len = OWED, .window = window(t));
		break;
	case HOLE:
		arrives(&s, ACK, .seq = rcv_nxt() + 50, .ack = una(), .len = 10,
			.window = window(t));
		break;
	case FIN_HELD:
		arrives(&s, FIN | ACK, .seq = rcv_nxt() + 50, .ack = una(),
			.window = window(t));
		break;
	case NOBODY_READS:
		scenario_stop_receiving(&s);
		break;
	case NO_ROOM:
		s.env.no_room = true;
		break;
	case LAST_TRY:
		for (i = 0; i < 1000 && !s.tcb.retries; i++)
			passes(&s, 10);
		break;
	case USER_TIMEOUT:
		s.conn->settings.user_timeout = 150;
		break;
	case KEEPALIVE:
		s.conn->settings.keepalive = true;
		break;
	case KEEPALIVE_LAST:
		s.conn->settings.keepalive = true;
		passes(&s, s.params.keep_idle);
		break;
	case CLOSE_QUEUED:
		user_close(&s);
		break;
	default:
		break;
	}
}

/* Is the start what it says it is? */
static void check_start(const struct start *t)
{
	const struct tcb *tcb = &s.tcb;
	u32 text_end = seq_min(tcb->snd_nxt, tcb->snd_end);

	expect_state(&s, t->state);
	if (t->state == STATE_CLOSED || t->state == STATE_LISTEN)
		return;
	if (t->our_shut != (tcb->rcv_wnd == 0))
		scenario_fail(&s, "our window is not as it should be");
	if (t->state == STATE_SYN_SENT || t->state == STATE_TIME_WAIT)
		return;
	if (t->peer_shut != (tcb->snd_wnd == 0))
		scenario_fail(&s, "the peer's window is not as it should be");
	if (t->extra == LAST_TRY)
		return;		/* a probe has taken an octet of what waits */
	if ((t->load == IN_FLIGHT || t->load == BOTH) !=
	    (seq_after(text_end, tcb->snd_una) &&
	     seq_after(text_end, tcb->iss + 1)))
		scenario_fail(&s, "text in flight is not as it should be");
	if ((t->load == WAITING || t->load == BOTH) !=
	    seq_after(tcb->snd_end, text_end))
		scenario_fail(&s, "text waiting is not as it should be");
	if (s.env.now - tcb->challenged_at < s.params.challenge_interval)
		scenario_fail(&s, "the next challenge ACK would be left out");
}

/* Bring a connection to its start, by what may happen to any. */
static void reach_start(const struct start *t, struct oracle *o)
{
	prepare(t);
	switch (t->state) {
	case STATE_CLOSED:
		break;
	case STATE_LISTEN:
	case STATE_SYN_SENT:
	case STATE_SYN_RCVD:
		open_half(t, true);
		if (t->load)
			user_send(&s, LITTLE);
		break;
	default:
		if (t->extra == SYN_IN_FLIGHT) {
			open_half(t, true);
			user_close(&s);
			break;
		}
		open_whole(t);
		if (t->our_shut)
			fill_window(t);
		go_to_state(t);
		break;
	}
	add_extra(t);
	check_start(t);

	memset(o, 0, sizeof(*o));
	o->tcb = s.tcb;
	o->conn_room = s.conn_room;
	o->held = s.held_room;
	o->params = s.params;
	o->env = s.env;
	o->open = s.open;
	o->text_max = s.text_max;
	o->time_wait_entry = s.time_wait_entry;
	o->conn = s.conn ? &o->conn_room : NULL;
	o->conn_room.held = &o->held;
	o->env.params = &o->params;
	/* In TIME-WAIT: the clock has not, or has, overtaken the old numbers. */
	o->env.iss = s.tcb.snd_nxt + (t->extra == ENTRY ? -5 : 5);
	oracle_mirror(o);
}

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

/* What a test has counted; reasons are the literals of this file. */
#define REASONS_MAX 40

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

static void print_start(const struct start *t, const struct oracle *o)
{
	printf("# %s (%s), our window %u, the peer's %u, %s%s, ISS %u, IRS %u\n",
	       tcb_state_name(t->state), route_names[t->route],
	       o->tcb.rcv_wnd, o->tcb.snd_wnd, load_names[t->load],
	       extra_names[t->extra], o->tcb.iss, o->tcb.irs);
	printf("# una %u nxt %u end %u, rcv nxt %u wnd %u; 5961: %u %u %u, 1337: %u\n",
	       o->tcb.snd_una, o->tcb.snd_nxt, o->tcb.snd_end, o->tcb.rcv_nxt,
	       o->tcb.rcv_wnd, o->params.challenge_rst, o->params.challenge_syn,
	       o->params.challenge_ack, o->params.protect_time_wait);
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
	bool has_user = o->conn || t->state == STATE_CLOSED ||
			t->state == STATE_LISTEN;

	switch (call) {
	case REF_OPEN_ACTIVE:
	case REF_OPEN_PASSIVE:
		return t->state == STATE_CLOSED ? NULL :
		       "OPEN of what is open: the holder refuses it";
	case REF_STATUS:
	case REF_ABORT:
		return NULL;
	case REF_STOP_RECEIVING:
		if (t->state == STATE_CLOSED || t->state == STATE_LISTEN)
			return "without a connection there is nothing to receive";
		/* fall through */
	default:
		return has_user ? NULL : "the user has gone, or not come yet";
	}
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
		call_cell(t, base, (enum ref_call)call, LITTLE);
		if (call == REF_SEND || call == REF_RECEIVE)
			call_cell(t, base, (enum ref_call)call, BUFFER);
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

typedef void (*start_fn)(const struct start *t, struct oracle *o);

static void one_start(const struct start *t, start_fn f)
{
	static struct oracle base;
	const char *reason = no_such_start(t);

	if (reason) {
		cannot_be(reason);
		return;
	}
	reach_start(t, &base);
	tally.starts++;
	f(t, &base);
}

/*
 * All starts in a state. Later on it is of no importance how a connection was
 * opened, so the ways take turns. The numbers vary if nothing else is special;
 * else they wrap, which is the hardest.
 */
static void for_each_start(unsigned int state, start_fn f)
{
	struct start t = { .state = state };
	unsigned int shape;

	for (shape = 0; shape < LOADS * 4; shape++) {
		t.load = (enum load)(shape / 4);
		t.our_shut = shape & 1;
		t.peer_shut = shape & 2;
		for (t.extra = PLAIN; t.extra < EXTRAS; t.extra++)
			for (t.number = 0; t.number < ROUTES; t.number++) {
				if (t.extra && t.number != WRAP)
					continue;
				t.route = t.extra == SYN_IN_FLIGHT ?
					  SIMULTANEOUS : (enum route)t.number;
				if (state == STATE_SYN_RCVD) {
					t.route = PASSIVE;
					one_start(&t, f);
					t.route = SIMULTANEOUS;
				} else if (state == STATE_LISTEN) {
					t.route = PASSIVE;
				} else if (state == STATE_SYN_SENT) {
					t.route = ACTIVE;
				}
				one_start(&t, f);
			}
	}
}

static void all_events(const struct start *t, struct oracle *o)
{
	unsigned int i;

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

	if (t->extra)
		return;
	switch_off(&o->params);
	for (i = 0; i < ARRAY_SIZE(all_flags); i++)
		segment_cells(t, o, all_flags[i]);
}

static void run_without(const char *name, void (*off)(struct tcb_params *))
{
	unsigned int state;

	switch_off = off;
	for (state = STATE_ESTABLISHED; state < STATE_COUNT; state++)
		for_each_start(state, all_segments);
	print_tally(name);
}

static void run_state(unsigned int state)
{
	for_each_start(state, all_events);
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
