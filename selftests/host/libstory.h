/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How scenarios tell their story: for the files of the library, which share it,
 * not for tests.
 */
#ifndef LIBSTORY_H
#define LIBSTORY_H

#include "libscenario.h"

const char *drop_name(unsigned int drop);
const char *timer_name(unsigned int timer);

/*
 * Should the core fail by itself, since a sanitizer has found something or
 * core_bug_on() has, then the story of this scenario is wanted, too.
 */
void print_story_on_death(struct scenario *s);

/* In the manner of a packet dump: "ACK,PSH 1:101(100) ack 1 win 65535". */
void print_segment(char *text, size_t size, const struct seg *seg);

/* As tests write it; @ours: we have sent it, not the peer. */
struct seg relative(const struct scenario *s, const struct segment *seg,
		    bool ours);

/* The segment as the next line of the story. */
void note_segment(struct scenario *s, const char *arrow,
		  const struct seg *seg);

#endif
