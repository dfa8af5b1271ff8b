/* SPDX-License-Identifier: GPL-2.0 */
/* The counters behind /proc/edutcp/stats, one set per network namespace. */
#ifndef EDUTCP_STATS_H
#define EDUTCP_STATS_H

#include <linux/percpu.h>

#include "core/tcb.h"

struct net;
struct seq_file;

enum edutcp_stat {
	/* RFC 4022, 5: the TCP group */
	STAT_ACTIVE_OPENS,
	STAT_PASSIVE_OPENS,
	STAT_ATTEMPT_FAILS,
	STAT_ESTAB_RESETS,
	STAT_CURR_ESTAB,
	STAT_IN_SEGS,
	STAT_OUT_SEGS,
	STAT_RETRANS_SEGS,
	STAT_IN_ERRS,
	STAT_OUT_RSTS,
	STAT_CHALLENGES,

	/* Reasons for which a segment was dropped before the core saw it */
	STAT_DROP_TRUNCATED,
	STAT_DROP_CHECKSUM,
	STAT_DROP_OFFSET,
	STAT_DROP_OPTION,
	STAT_DROP_NOT_UNICAST,
	STAT_DROP_POLICY,
	STAT_DROP_FILTER,
	STAT_DROP_BACKLOG_FULL,
	STAT_DROP_BUFFER_FULL,
	STAT_DROP_SYN_QUEUE_FULL,
	STAT_DROP_ACCEPT_QUEUE_FULL,
	STAT_DROP_NO_ROUTE,
	STAT_DROP_NO_MEMORY,

	/* and reasons of the core: this plus its enum tcb_drop */
	STAT_DROP_CORE,

	STAT_COUNT = STAT_DROP_CORE + DROP_COUNT,
};

struct edutcp_stats {
	unsigned long counter[STAT_COUNT];
};

/**
 * edutcp_count() - add to a counter
 * @net: the namespace
 * @stat: which counter
 * @by: how much; may be negative for STAT_CURR_ESTAB
 *
 * Context: any; takes no lock.
 */
void edutcp_count(const struct net *net, enum edutcp_stat stat, long by);

/**
 * edutcp_count_moves() - count what changes of state mean for RFC 4022
 * @net: the namespace
 * @moves: the changes
 * @count: how many
 *
 * Context: any; takes no lock.
 */
void edutcp_count_moves(const struct net *net, const struct tcb_move *moves,
			unsigned int count);

/**
 * edutcp_stats_show() - print all counters, a line each
 * @seq: where to
 * @net: whose
 */
void edutcp_stats_show(struct seq_file *seq, const struct net *net);

#endif
