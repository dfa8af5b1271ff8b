/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: what perf, trace-cmd and bpftrace can see of edutcp. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM edutcp

#if !defined(EDUTCP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define EDUTCP_TRACE_H

#include <linux/tracepoint.h>

#include "edutcp.h"

/* A connection has changed its state. */
TRACE_EVENT(edutcp_state,

	TP_PROTO(const struct net *net, const struct edutcp_key *key,
		 const struct tcb_move *move),

	TP_ARGS(net, key, move),

	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__array(__u8, laddr, 4)
		__array(__u8, raddr, 4)
		__field(__u16, lport)
		__field(__u16, rport)
		__field(__u8, from)
		__field(__u8, to)
		__field(__u8, cause)
	),

	TP_fast_assign(
		__entry->netns = net->ns.inum;
		memcpy(__entry->laddr, &key->local_addr, 4);
		memcpy(__entry->raddr, &key->remote_addr, 4);
		__entry->lport = ntohs(key->local_port);
		__entry->rport = ntohs(key->remote_port);
		__entry->from = move->from;
		__entry->to = move->to;
		__entry->cause = move->cause;
	),

	TP_printk("netns=%u local=%pI4:%u remote=%pI4:%u %s -> %s: %s",
		  __entry->netns, __entry->laddr, __entry->lport,
		  __entry->raddr, __entry->rport,
		  tcb_state_name(__entry->from), tcb_state_name(__entry->to),
		  tcb_cause_text(__entry->cause))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
