// SPDX-License-Identifier: GPL-2.0
/* Counters: RFC 4022's, and one for every reason to drop a segment. */

#include <linux/seq_file.h>

#include "edutcp.h"

static const char * const stat_names[STAT_COUNT] = {
	[STAT_ACTIVE_OPENS] = "ActiveOpens",
	[STAT_PASSIVE_OPENS] = "PassiveOpens",
	[STAT_ATTEMPT_FAILS] = "AttemptFails",
	[STAT_ESTAB_RESETS] = "EstabResets",
	[STAT_CURR_ESTAB] = "CurrEstab",
	[STAT_IN_SEGS] = "InSegs",
	[STAT_OUT_SEGS] = "OutSegs",
	[STAT_RETRANS_SEGS] = "RetransSegs",
	[STAT_IN_ERRS] = "InErrs",
	[STAT_OUT_RSTS] = "OutRsts",
	[STAT_CHALLENGES] = "ChallengeAcks",
	[STAT_DROP_TRUNCATED] = "DropTruncated",
	[STAT_DROP_CHECKSUM] = "DropBadChecksum",
	[STAT_DROP_OFFSET] = "DropBadDataOffset",
	[STAT_DROP_OPTION] = "DropBadOption",
	[STAT_DROP_NOT_UNICAST] = "DropNotUnicast",
	[STAT_DROP_POLICY] = "DropPolicy",
	[STAT_DROP_FILTER] = "DropSocketFilter",
	[STAT_DROP_BACKLOG_FULL] = "DropBacklogFull",
	[STAT_DROP_BUFFER_FULL] = "DropReceiveBufferFull",
	[STAT_DROP_SYN_QUEUE_FULL] = "DropSynQueueFull",
	[STAT_DROP_ACCEPT_QUEUE_FULL] = "DropAcceptQueueFull",
	[STAT_DROP_NO_ROUTE] = "DropNoRoute",
	[STAT_DROP_NO_MEMORY] = "DropNoMemory",
	[STAT_DROP_CORE + DROP_CLOSED] = "DropNoConnection",
	[STAT_DROP_CORE + DROP_LISTEN_RST] = "DropListenRst",
	[STAT_DROP_CORE + DROP_LISTEN_ACK] = "DropListenAck",
	[STAT_DROP_CORE + DROP_LISTEN_OTHER] = "DropListenNoSyn",
	[STAT_DROP_CORE + DROP_SYN_SENT_ACK] = "DropSynSentBadAck",
	[STAT_DROP_CORE + DROP_SYN_SENT_RST] = "DropSynSentRstNoAck",
	[STAT_DROP_CORE + DROP_SYN_SENT_OTHER] = "DropSynSentNoSyn",
	[STAT_DROP_CORE + DROP_PAWS] = "DropPaws",
	[STAT_DROP_CORE + DROP_SEQUENCE] = "DropOutOfWindow",
	[STAT_DROP_CORE + DROP_RST_CHALLENGED] = "DropRstChallenged",
	[STAT_DROP_CORE + DROP_RST_TIME_WAIT] = "DropRstTimeWait",
	[STAT_DROP_CORE + DROP_SYN_CHALLENGED] = "DropSynChallenged",
	[STAT_DROP_CORE + DROP_NO_ACK] = "DropNoAck",
	[STAT_DROP_CORE + DROP_ACK_OLD] = "DropAckTooOld",
	[STAT_DROP_CORE + DROP_ACK_FUTURE] = "DropAckOfUnsent",
	[STAT_DROP_CORE + DROP_ACK_SYN_RCVD] = "DropSynRcvdBadAck",
	[STAT_DROP_CORE + DROP_TEXT_AFTER_FIN] = "DropTextAfterFin",
	[STAT_DROP_CORE + DROP_TEXT_AFTER_CLOSE] = "DropTextAfterClose",
	[STAT_DROP_CORE + DROP_TEXT_DUPLICATE] = "DropTextDuplicate",
	[STAT_DROP_CORE + DROP_TEXT_NO_ROOM] = "DropTextNoRoom",
};

void edutcp_count(const struct net *net, enum edutcp_stat stat, long by)
{
	this_cpu_add(edutcp_pernet(net)->stats->counter[stat], by);
}

static bool counts_as_established(u8 state)
{
	return state == STATE_ESTABLISHED || state == STATE_CLOSE_WAIT;
}

void edutcp_count_moves(const struct net *net, const struct tcb_move *moves,
			unsigned int count)
{
	for (; count; count--, moves++) {
		bool closes = moves->to == STATE_CLOSED ||
			      moves->to == STATE_LISTEN;

		if (moves->to == STATE_SYN_SENT)
			edutcp_count(net, STAT_ACTIVE_OPENS, 1);
		if (moves->from == STATE_LISTEN && moves->to == STATE_SYN_RCVD)
			edutcp_count(net, STAT_PASSIVE_OPENS, 1);
		if (closes && (moves->from == STATE_SYN_SENT ||
			       moves->from == STATE_SYN_RCVD))
			edutcp_count(net, STAT_ATTEMPT_FAILS, 1);
		if (closes && counts_as_established(moves->from))
			edutcp_count(net, STAT_ESTAB_RESETS, 1);
		if (counts_as_established(moves->to) !=
		    counts_as_established(moves->from))
			edutcp_count(net, STAT_CURR_ESTAB,
				     counts_as_established(moves->to) ? 1 : -1);
	}
}

void edutcp_stats_show(struct seq_file *seq, const struct net *net)
{
	struct edutcp_stats __percpu *stats = edutcp_pernet(net)->stats;
	unsigned int stat;
	int cpu;

	for (stat = 0; stat < STAT_COUNT; stat++) {
		unsigned long sum = 0;

		if (!stat_names[stat])
			continue;	/* the core's DROP_NONE */
		for_each_possible_cpu(cpu)
			sum += per_cpu_ptr(stats, cpu)->counter[stat];
		seq_printf(seq, "%s %lu\n", stat_names[stat], sum);
	}
}
