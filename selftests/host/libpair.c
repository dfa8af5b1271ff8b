// SPDX-License-Identifier: GPL-2.0
/* Two scenarios joined by a wire: see libpair.h. */

#include "libpair.h"

static enum fate random_fate(struct pair *pair)
{
	u32 dice = random_below(&pair->seed, 100);

	if (dice < pair->loss)
		return FATE_LOSE;
	dice -= pair->loss;
	if (dice < pair->doubled)
		return FATE_DOUBLE;
	dice -= pair->doubled;
	return dice < pair->delayed ? FATE_DELAY : FATE_ARRIVE;
}

static void put_on_wire(struct pair *pair, const struct scenario *from,
			const struct segment *seg, u32 delay)
{
	struct packet *packet = &pair->wire[pair->count];

	if (pair->count == WIRE_MAX)
		return;		/* a wire holds no more: it is lost */
	packet->at = pair->now + delay;
	packet->text_len = seg->text_len;
	packet->to = from == &pair->a ? &pair->b : &pair->a;
	segment_write(seg, 1, 2, packet->header);
	pair->count++;
}

static void send_one(struct pair *pair, struct scenario *from,
		     const struct segment *seg)
{
	enum fate fate = pair->fate ? pair->fate(pair, from, seg) :
				      random_fate(pair);
	u32 later = pair->delay * (2 + random_below(&pair->seed, 4));

	switch (fate) {
	case FATE_LOSE:
		scenario_note(from, "    this one gets lost");
		break;
	case FATE_DOUBLE:
		put_on_wire(pair, from, seg, pair->delay);
		put_on_wire(pair, from, seg, later);
		break;
	case FATE_DELAY:
		put_on_wire(pair, from, seg, later);
		break;
	default:
		put_on_wire(pair, from, seg, pair->delay);
		break;
	}
}

/*
 * 3.7.1, MUST-16: text and options together are no more than the peer and the
 * path take without options.
 */
static void check_size(struct pair *pair, struct scenario *from,
		       const struct segment *seg)
{
	struct scenario *to = from == &pair->a ? &pair->b : &pair->a;
	u32 limit = max_u32(min_u32(from->open.path_mss, to->open.mss),
			    TCB_MSS_MIN);

	if (seg->text_len && segment_write_len(seg) - SEG_HEADER_MIN +
	    seg->text_len > limit)
		scenario_fail(from, "a segment with %u octets of text is too long",
			      seg->text_len);
}

/*
 * The holder's part of GSO: cut into segments of the MSS, FIN on the last. Each
 * has the options.
 */
static void transmit(struct scenario *from, const struct segment *seg)
{
	u32 mss = from->tcb.snd_mss - segment_sack_len(seg);
	struct segment piece = *seg;
	u32 left = seg->text_len;

	while (left > mss) {
		piece.text_len = mss;
		piece.flags = seg->flags & (u8)~(SEG_FIN | SEG_PSH);
		check_size(from->wire, from, &piece);
		send_one(from->wire, from, &piece);
		piece.seq += piece.text_len;
		left -= piece.text_len;
	}
	piece.text_len = left;
	piece.flags = seg->flags;
	check_size(from->wire, from, &piece);
	send_one(from->wire, from, &piece);
}

static void join(struct pair *pair, struct scenario *s, const char *name)
{
	start(s);
	s->name = name;
	s->transmit = transmit;
	s->wire = pair;
	s->relaxed = true;
	s->open.iss = random_u32(&pair->seed);
	s->time_wait_entry = one_in(&pair->seed, 2);
}

void pair_start(struct pair *pair, u64 seed)
{
	pair->now = 0;
	pair->delay = 10;
	pair->seed = seed;
	pair->fate = NULL;
	pair->loss = 0;
	pair->doubled = 0;
	pair->delayed = 0;
	pair->slow_readers = false;
	pair->no_readers = false;
	pair->count = 0;
	join(pair, &pair->a, "A");
	join(pair, &pair->b, "B");
	pair->a.peer_iss = pair->b.open.iss;
	pair->b.peer_iss = pair->a.open.iss;
}

static void set_clocks(struct pair *pair, u32 now)
{
	pair->now = now;
	scenario_set_clock(&pair->a, now);
	scenario_set_clock(&pair->b, now);
}

/* The packet that arrives first, of those the one that was sent first. */
static unsigned int first_packet(const struct pair *pair)
{
	unsigned int first = 0;
	unsigned int i;

	for (i = 1; i < pair->count; i++)
		if (seq_before(pair->wire[i].at, pair->wire[first].at))
			first = i;
	return first;
}

static void deliver_packet(struct pair *pair, unsigned int i)
{
	struct packet packet = pair->wire[i];
	struct segment seg;

	pair->count--;
	memmove(&pair->wire[i], &pair->wire[i + 1],
		(pair->count - i) * sizeof(packet));
	if (segment_parse(packet.header,
			  segment_header_len(packet.header) + packet.text_len,
			  &seg) != SEGMENT_OK)
		scenario_fail(packet.to, "the peer has written a bad header");
	scenario_segment_arrives(packet.to, &seg);
}

static void read_some(struct pair *pair, struct scenario *s, bool all)
{
	u32 unread = s->delivered - s->taken;

	if (!unread || pair->no_readers)
		return;
	if (!pair->slow_readers || all)
		scenario_receive(s, unread);
	else if (one_in(&pair->seed, 8))
		scenario_receive(s, 1 + random_below(&pair->seed, unread));
}

void pair_run(struct pair *pair, u32 ms)
{
	struct scenario *ends[] = { &pair->a, &pair->b };
	u32 until = pair->now + ms;
	unsigned long events = 0;

	for (;;) {
		struct scenario *timer_of = NULL;
		u32 next = until;
		unsigned int i;
		u32 deadline;

		if (++events > 1000000)
			scenario_fail(&pair->a, "this conversation never ends");
		for (i = 0; i < 2; i++) {
			struct scenario *s = ends[i];

			if (tcb_next_deadline(&s->tcb, s->conn, &s->params,
					      &deadline) &&
			    !seq_after(deadline, next)) {
				next = deadline;
				timer_of = s;
			}
		}
		if (pair->count) {
			i = first_packet(pair);
			if (!seq_after(pair->wire[i].at, next)) {
				set_clocks(pair, pair->wire[i].at);
				deliver_packet(pair, i);
				read_some(pair, ends[0], false);
				read_some(pair, ends[1], false);
				continue;
			}
		}
		if (!timer_of)
			break;
		set_clocks(pair, next);
		scenario_run_timers(timer_of);
		read_some(pair, ends[0], true);
		read_some(pair, ends[1], true);
	}
	set_clocks(pair, until);
	read_some(pair, ends[0], true);
	read_some(pair, ends[1], true);
}
