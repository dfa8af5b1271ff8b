// SPDX-License-Identifier: GPL-2.0
/*
 * Ladders: see libladder.h.
 *
 * Sequence numbers are relative to the initial one, as in a packet dump. Those
 * of an end's second life have a prime behind them, 0', those of the third
 * two; "old" are those of before the beginning.
 */

#include <stdio.h>

#include "libladder.h"

#define NUMBER_MAX 24
#define TEXT_MAX 64

static const char * const event_texts[] = {
	[EVENT_LISTEN] = "user: OPEN, passive",
	[EVENT_OPEN] = "user: OPEN, active",
	[EVENT_SEND] = "user: SEND 1 octet",
	[EVENT_RECEIVE] = "user: RECEIVE 1 octet",
	[EVENT_CLOSE] = "user: CLOSE",
	[EVENT_EXIT] = "user: exits",
	[EVENT_ABORT] = "user: ABORT",
	[EVENT_UNLISTEN] = "user: CLOSE of the listener",
	[EVENT_CRASH] = "crashes and forgets",
	[EVENT_TIMEOUT] = "timeout",
	[EVENT_ACK_TIMEOUT] = "timeout: delayed ACK",
	[EVENT_PAUSE] = "a second passes",
};

static const char * const timer_texts[] = {
	[TIMER_NONE] = "none",
	[TIMER_RETRANSMIT] = "retransmit",
	[TIMER_PERSIST] = "persist",
	[TIMER_FIN_WAIT_2] = "FIN-WAIT-2",
	[TIMER_TIME_WAIT] = "2 MSL",
};

static void row(const char *number, unsigned int who, const char *state,
		const char *text)
{
	if (who)
		printf("# %4s %-12s%56s%s%s\n", number, "", text,
		       *state ? "  " : "", state);
	else
		printf("# %4s %-12s%s\n", number, state, text);
}

/* A sequence number of @who, relative to the life it lies in. */
static const char *relative(char *text, unsigned int who, u32 seq)
{
	unsigned int life;

	for (life = 0; life < LIVES; life++) {
		u32 offset = seq - life_iss(who, life);

		/* A little before it may be meant, too; half is far. */
		if (offset + WINDOW_WIDTH / 2 >= WINDOW_WIDTH)
			continue;
		snprintf(text, NUMBER_MAX, "%s%d%.*s", life ? "" : "old ",
			 (s32)offset, life ? (int)life - 1 : 0, "'''''");
		return text;
	}
	snprintf(text, NUMBER_MAX, "%u (absolute)", seq);
	return text;
}

static const char *segment_text(char *text, const struct packet *packet)
{
	static const char * const names[] = { "FIN", "SYN", "RST", "", "ACK" };
	unsigned int from = !packet->to;
	char number[NUMBER_MAX];
	int used = 0;
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < 5; i++)
		if (packet->flags & BIT(i))
			used += snprintf(text + used, TEXT_MAX - (size_t)used,
					 "%s%s", used ? "," : "", names[i]);
	/* A RST for nobody has no sequence number: it says 0 (3.10.7.1). */
	if ((packet->flags & (SEG_RST | SEG_ACK)) != (SEG_RST | SEG_ACK))
		used += snprintf(text + used, TEXT_MAX - (size_t)used,
				 " seq %s",
				 relative(number, from, packet->seq));
	if (packet->text_len)
		used += snprintf(text + used, TEXT_MAX - (size_t)used,
				 " len %u", packet->text_len);
	if (packet->flags & SEG_ACK)
		used += snprintf(text + used, TEXT_MAX - (size_t)used,
				 " ack %s",
				 relative(number, packet->to, packet->ack));
	if (!(packet->flags & SEG_RST))
		snprintf(text + used, TEXT_MAX - (size_t)used, " win %u",
			 packet->window);
	return text;
}

void ladder_begin(struct ladder *ladder, const struct world *world)
{
	char segment[TEXT_MAX];
	unsigned int i;

	if (!ladder)
		return;
	*ladder = (struct ladder) { 0 };
	printf("#      %-12s%58s%s\n", "A", "", "B");
	printf("#      %-12s%58s%s\n",
	       tcb_state_name(end_state(&world->end[0])), "",
	       tcb_state_name(end_state(&world->end[1])));
	for (i = 0; i < world->packet_count; i++)
		printf("#      on its way to %c from before: %s\n",
		       'A' + world->packet[i].to,
		       segment_text(segment, &world->packet[i]));
}

void ladder_event(struct ladder *ladder, const struct world *world,
		  struct event event)
{
	const struct packet *packet = &world->packet[event.which];
	char segment[TEXT_MAX], text[2 * TEXT_MAX], number[NUMBER_MAX];
	const struct end *end;
	unsigned int who;

	if (!ladder)
		return;
	for (who = 0; who < ENDS; who++)
		ladder->now[who] = (u8)end_state(&world->end[who]);
	who = event.which;
	snprintf(number, sizeof(number), "%u.", ++ladder->line);
	switch (event.kind) {
	case EVENT_ARRIVE:
	case EVENT_ARRIVE_COPY:
	case EVENT_LOSE:
		who = packet->to;
		segment_text(segment, packet);
		if (event.kind == EVENT_LOSE)
			snprintf(text, sizeof(text), "lost: %s", segment);
		else if (who)
			snprintf(text, sizeof(text), "%s--> %s",
				 event.kind == EVENT_ARRIVE ? "" : "copy ",
				 segment);
		else
			snprintf(text, sizeof(text), "%s <--%s", segment,
				 event.kind == EVENT_ARRIVE ? "" : " copy");
		break;
	case EVENT_TIMEOUT:
		end = &world->end[who];
		snprintf(text, sizeof(text), "timeout: %s",
			 timer_texts[end->tcb.timer]);
		break;
	default:
		snprintf(text, sizeof(text), "%s", event_texts[event.kind]);
		break;
	}
	row(number, who, "", text);
}

void ladder_sent(const struct ladder *ladder, const struct packet *packet)
{
	char segment[TEXT_MAX], text[2 * TEXT_MAX];

	if (!ladder)
		return;
	segment_text(segment, packet);
	if (packet->to)
		snprintf(text, sizeof(text), "  sends %s -->", segment);
	else
		snprintf(text, sizeof(text), "<-- %s sends  ", segment);
	row("", !packet->to, "", text);
}

void ladder_moved(struct ladder *ladder, unsigned int who,
		  const struct tcb_move *move)
{
	if (!ladder)
		return;
	row("", who, tcb_state_name(move->to), tcb_cause_text(move->cause));
	ladder->now[who] = move->to;
}

void ladder_dropped(const struct ladder *ladder, unsigned int who,
		    unsigned int drop)
{
	if (!ladder || !drop)
		return;
	row("", who, "", "  it, or its text, is dropped");
}

void ladder_done(const struct ladder *ladder, const struct world *world)
{
	unsigned int who;

	if (!ladder)
		return;
	/* Where no move of the core says it: a crash; a listener behind. */
	for (who = 0; who < ENDS; who++)
		if (end_state(&world->end[who]) != ladder->now[who])
			row("", who, tcb_state_name(end_state(&world->end[who])),
			    "");
}

void ladder_good(const struct ladder *ladder)
{
	if (ladder)
		printf("#      --- now the network behaves, users RECEIVE and CLOSE ---\n");
}

void ladder_end(const struct ladder *ladder, const struct world *world)
{
	char number[4][NUMBER_MAX];
	unsigned int who;

	if (!ladder)
		return;
	for (who = 0; who < ENDS; who++) {
		const struct end *end = &world->end[who];
		const struct tcb *tcb = &end->tcb;

		if (end->holder == HOLDER_NONE)
			continue;
		printf("# %c: %s, SND.UNA %s, SND.NXT %s, SND.WND %u, ",
		       'A' + who, tcb_state_name(tcb->state),
		       relative(number[0], who, tcb->snd_una),
		       relative(number[1], who, tcb->snd_nxt), tcb->snd_wnd);
		if (tcb->state != STATE_SYN_SENT)
			printf("RCV.NXT %s, RCV.WND %u, ",
			       relative(number[2], !who, tcb->rcv_nxt),
			       tcb->rcv_wnd);
		printf("timer: %s\n", timer_texts[tcb->timer]);
	}
}
