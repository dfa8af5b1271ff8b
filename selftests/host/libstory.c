// SPDX-License-Identifier: GPL-2.0
/* The story of a scenario, and how a failure tells it: see libstory.h. */

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#include "libstory.h"

static const char * const drop_names[DROP_COUNT] = {
	[DROP_NONE] = "none",
	[DROP_CLOSED] = "CLOSED",
	[DROP_LISTEN_RST] = "LISTEN_RST",
	[DROP_LISTEN_ACK] = "LISTEN_ACK",
	[DROP_LISTEN_OTHER] = "LISTEN_OTHER",
	[DROP_SYN_SENT_ACK] = "SYN_SENT_ACK",
	[DROP_SYN_SENT_RST] = "SYN_SENT_RST",
	[DROP_SYN_SENT_OTHER] = "SYN_SENT_OTHER",
	[DROP_PAWS] = "PAWS",
	[DROP_SEQUENCE] = "SEQUENCE",
	[DROP_RST_CHALLENGED] = "RST_CHALLENGED",
	[DROP_RST_TIME_WAIT] = "RST_TIME_WAIT",
	[DROP_SYN_CHALLENGED] = "SYN_CHALLENGED",
	[DROP_NO_ACK] = "NO_ACK",
	[DROP_ACK_OLD] = "ACK_OLD",
	[DROP_ACK_FUTURE] = "ACK_FUTURE",
	[DROP_ACK_SYN_RCVD] = "ACK_SYN_RCVD",
	[DROP_TEXT_AFTER_FIN] = "TEXT_AFTER_FIN",
	[DROP_TEXT_AFTER_CLOSE] = "TEXT_AFTER_CLOSE",
	[DROP_TEXT_DUPLICATE] = "TEXT_DUPLICATE",
	[DROP_TEXT_NO_ROOM] = "TEXT_NO_ROOM",
};

const char *drop_name(unsigned int drop)
{
	return drop < DROP_COUNT && drop_names[drop] ? drop_names[drop] : "?";
}

static const char * const timer_names[] = {
	[TIMER_NONE] = "no timer",
	[TIMER_RETRANSMIT] = "the retransmission timer",
	[TIMER_PERSIST] = "the persist timer",
	[TIMER_FIN_WAIT_2] = "the FIN-WAIT-2 timer",
	[TIMER_TIME_WAIT] = "the 2 MSL timer",
};

const char *timer_name(unsigned int timer)
{
	return timer_names[timer];
}

struct scenario *scenario_at(struct scenario *s, const char *file, int line)
{
	s->file = file;
	s->line = line;
	return s;
}

bool scenario_searching;

void scenario_note(struct scenario *s, const char *format, ...)
{
	char *line = s->ladder[s->ladder_count % LADDER_LINES];
	va_list args;
	int used;

	if (scenario_searching)
		return;
	s->ladder_count++;
	used = snprintf(line, LADDER_COLUMNS, "%7u.%03u %s ",
			s->env.now / 1000, s->env.now % 1000, s->name);
	va_start(args, format);
	vsnprintf(line + used, (size_t)(LADDER_COLUMNS - used), format, args);
	va_end(args);
}

static void print_story(struct scenario *s)
{
	unsigned int i = 0, lines;

	fprintf(stderr, "# The story so far (sequence numbers are relative):\n");
	/* A random walk is long, and only its end is of interest. */
	lines = s->relaxed ? 40 : LADDER_LINES;
	if (s->ladder_count > lines) {
		i = s->ladder_count - lines;
		fprintf(stderr, "#    (%u lines left out)\n", i);
	}
	for (; i < s->ladder_count; i++)
		fprintf(stderr, "# %s\n", s->ladder[i % LADDER_LINES]);
	fprintf(stderr,
		"# %s: una %u nxt %u end %u wnd %u, rcv nxt %u wnd %u, %s\n",
		tcb_state_name(s->tcb.state), s->tcb.snd_una - s->open.iss,
		s->tcb.snd_nxt - s->open.iss, s->tcb.snd_end - s->open.iss,
		s->tcb.snd_wnd, s->tcb.rcv_nxt - s->peer_iss, s->tcb.rcv_wnd,
		timer_name(s->tcb.timer));
}

void scenario_fail(struct scenario *s, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "# %s:%d: ", s->file, s->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	if (scenario_searching)
		abort();
	print_story(s);
	/* We are the child that the harness has made for this one test. */
	_exit(1);
}

static struct scenario *current;

static void print_current_story(void)
{
	if (current)
		print_story(current);
	current = NULL;
}

/* Not there in a program that was built without the sanitizers. */
#pragma weak __sanitizer_set_death_callback

static void on_abort(int signal_number)
{
	print_current_story();
	signal(signal_number, SIG_DFL);
}

void print_story_on_death(struct scenario *s)
{
	if (scenario_searching)
		return;		/* the fuzzer wants to see it die */
	current = s;
	signal(SIGABRT, on_abort);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(print_current_story);
}

/* What finds no room is left out. */
static void append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

void print_segment(char *text, size_t size, const struct seg *seg)
{
	static const char * const names[] = {
		"FIN", "SYN", "RST", "PSH", "ACK", "URG",
	};
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < 6; i++)
		if (seg->flags & BIT(i))
			append(text, size, "%s%s", text[0] ? "," : "",
			       names[i]);
	append(text, size, "%s %u:%u(%u)", text[0] ? "" : "-", seg->seq,
	       seg->seq + seg->len, seg->len);
	if (seg->flags & SEG_ACK)
		append(text, size, " ack %u", seg->ack);
	if (seg->window)
		append(text, size, " win %d",
		       seg->window < 0 ? 0 : seg->window);
	if (seg->mss)
		append(text, size, " mss %u", seg->mss);
	if (seg->has_wscale)
		append(text, size, " wscale %u", seg->wscale);
	if (seg->sack_ok)
		append(text, size, " sackOK");
	if (seg->has_ts)
		append(text, size, " ts %u ecr %u", seg->tsval, seg->tsecr);
	for (i = 0; i < SEG_SACK_MAX && seg->sack[i].end; i++)
		append(text, size, " sack %u:%u", seg->sack[i].start,
		       seg->sack[i].end);
}

struct seg relative(const struct scenario *s, const struct segment *seg,
		    bool ours)
{
	u32 sender = ours ? s->open.iss : s->peer_iss;
	u32 receiver = ours ? s->peer_iss : s->open.iss;
	bool ack = seg->flags & SEG_ACK;
	struct seg shown = {
		.flags = seg->flags,
		.seq = seg->seq - sender,
		.ack = ack ? seg->ack - receiver : 0,
		.len = seg->text_len,
		.window = seg->window ? seg->window : ZERO_WINDOW,
		.mss = seg->mss,
		.has_wscale = seg->has_wscale,
		.wscale = seg->has_wscale ? seg->wscale : 0,
		.sack_ok = seg->sack_ok,
		.has_ts = seg->has_ts,
	};
	unsigned int i;

	if (seg->has_ts) {
		shown.tsval = seg->tsval - (ours ? TS_BASE : PEER_TS_BASE);
		shown.tsecr = ack ? seg->tsecr -
				    (ours ? PEER_TS_BASE : TS_BASE) : 0;
	}
	for (i = 0; i < seg->sack_count; i++)
		shown.sack[i] = (struct seq_range) {
			.start = seg->sack[i].start - receiver,
			.end = seg->sack[i].end - receiver,
		};
	return shown;
}

void note_segment(struct scenario *s, const char *arrow,
		  const struct seg *seg)
{
	char text[LADDER_COLUMNS];

	if (scenario_searching)
		return;
	print_segment(text, sizeof(text), seg);
	scenario_note(s, "%s %s", arrow, text);
}
