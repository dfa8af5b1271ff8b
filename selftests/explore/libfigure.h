/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Figure 5 of RFC 9293 as a table of arrows, written from the RFC and not from
 * the core's own table, and how often each was taken.
 */
#ifndef LIBFIGURE_H
#define LIBFIGURE_H

#include <stdio.h>

#include "libworld.h"

#define FIGURE_ARROWS_MAX 64

/**
 * struct figure - how often each arrow was taken
 * @count: by the index of the arrow
 */
struct figure {
	unsigned long count[FIGURE_ARROWS_MAX];
};

/* Is there such an arrow, for such a cause? */
bool figure_allows(const struct tcb_move *move);

/* Count one move; and what several moves in one event amount to (note 2). */
void figure_count(struct figure *figure, const struct tcb_move *move);
void figure_count_moves(struct figure *figure,
			const struct tcb_actions *actions);

/* Add the counts of @from. */
void figure_add(struct figure *figure, const struct figure *from);

/**
 * figure_print() - print each arrow and its count
 * @figure: the counts
 * @prefix: of each line
 *
 * Return: how many arrows of the figure itself were never taken.
 */
unsigned int figure_print(const struct figure *figure, const char *prefix);

#endif
