// SPDX-License-Identifier: GPL-2.0
/* The knobs of a network namespace: net.edutcp.* */

#include <linux/slab.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "edutcp.h"

static const struct tcb_params default_params = {
	.rto_initial = 1000,
	.rto_min = 200,
	.rto_max = 120000,
	.delayed_ack = 40,
	.time_wait = 60000,
	.fin_wait_2 = 60000,
	.challenge_interval = 500,
	.keep_idle = 2 * 3600 * 1000,
	.keep_interval = 75 * 1000,
	/*
	 * RFC: R2 for a SYN is at least 3 minutes (MUST-23). Linux: 6 retries,
	 * which are 127 s. Here: 7, which are 247 s.
	 */
	.syn_retries = 7,
	.synack_retries = 5,
	.r1_retries = 3,
	.data_retries = 15,
	.orphan_retries = 8,
	.keep_count = 9,
	.window_scaling = 1,
	.timestamps = 1,
	.sack = 1,
	.challenge_rst = 1,
	.challenge_syn = 1,
	.challenge_ack = 1,
	/*
	 * RFC 1337: a RST is ignored. Linux: it ends TIME-WAIT. Here: as the
	 * RFC; who opens the connection anew is known by its timestamps.
	 */
	.protect_time_wait = 1,
};

static const unsigned int one_ms = 1;
/* Half a second, less what a timer may be late by (MUST-40). */
static const unsigned int delayed_ack_max_ms = 480;
static const unsigned int one_hour_ms = 3600 * 1000;
static const unsigned int one_day_ms = 24 * 3600 * 1000;
static const int port_min = 1024;
static const int port_max = U16_MAX;
static const int retries_max = U8_MAX;
static const int synack_retries_max = EDUTCP_SYNACK_RETRIES_MAX;

static int set_own_tcp(EDUTCP_CTL_TABLE *table, int write, void *buffer,
		       size_t *len, loff_t *pos)
{
	struct edutcp_net *en = container_of(table->data, struct edutcp_net,
					     own_tcp);
	int err = proc_dou8vec_minmax(table, write, buffer, len, pos);

	/* Without a table segments do not even come to us. */
	if (!err && write && en->own_tcp)
		err = edutcp_table_get(en->net);
	return err;
}

/* Both at once, and in order. */
static int set_port_range(EDUTCP_CTL_TABLE *table, int write, void *buffer,
			  size_t *len, loff_t *pos)
{
	int *range = table->data;
	int wanted[2] = { range[0], range[1] };
	struct ctl_table copy = *table;
	int err;

	copy.data = wanted;
	err = proc_dointvec_minmax(&copy, write, buffer, len, pos);
	if (err || !write)
		return err;
	if (wanted[0] > wanted[1])
		return -EINVAL;
	WRITE_ONCE(range[0], wanted[0]);
	WRITE_ONCE(range[1], wanted[1]);
	return 0;
}

static int set_debug_iss(EDUTCP_CTL_TABLE *table, int write, void *buffer,
			 size_t *len, loff_t *pos)
{
	const u32 *iss = table->data;
	int err = proc_douintvec(table, write, buffer, len, pos);

	if (!err && write && *iss)
		pr_warn_ratelimited("edutcp: all connections of a network namespace begin at sequence number %u: whoever knows it can forge segments\n",
				    *iss);
	return err;
}

/* In the template, .data is an offset into struct edutcp_net. */
#define FIELD(field) ((void *)offsetof(struct edutcp_net, field))

#define MILLISECONDS(name, field, max) {			\
	.procname = name,					\
	.data = FIELD(params.field),				\
	.maxlen = sizeof(u32),					\
	.mode = 0644,						\
	.proc_handler = proc_douintvec_minmax,			\
	.extra1 = (void *)&one_ms,				\
	.extra2 = (void *)&(max),				\
}

#define OCTET(name, field, max) {				\
	.procname = name,					\
	.data = FIELD(params.field),				\
	.maxlen = sizeof(u8),					\
	.mode = 0644,						\
	.proc_handler = proc_dou8vec_minmax,			\
	.extra1 = SYSCTL_ZERO,					\
	.extra2 = (void *)(max),				\
}

static const struct ctl_table template[] = {
	MILLISECONDS("rto_initial_ms", rto_initial, one_hour_ms),
	MILLISECONDS("rto_min_ms", rto_min, one_hour_ms),
	MILLISECONDS("rto_max_ms", rto_max, one_hour_ms),
	MILLISECONDS("delayed_ack_ms", delayed_ack, delayed_ack_max_ms),
	MILLISECONDS("time_wait_ms", time_wait, one_hour_ms),
	MILLISECONDS("fin_wait_2_ms", fin_wait_2, one_hour_ms),
	MILLISECONDS("challenge_interval_ms", challenge_interval, one_hour_ms),
	MILLISECONDS("keepalive_time_ms", keep_idle, one_day_ms),
	MILLISECONDS("keepalive_interval_ms", keep_interval, one_day_ms),
	OCTET("syn_retries", syn_retries, &retries_max),
	OCTET("synack_retries", synack_retries, &synack_retries_max),
	OCTET("r1_retries", r1_retries, &retries_max),
	OCTET("data_retries", data_retries, &retries_max),
	OCTET("orphan_retries", orphan_retries, &retries_max),
	OCTET("keepalive_probes", keep_count, &retries_max),
	OCTET("window_scaling", window_scaling, SYSCTL_ONE),
	OCTET("timestamps", timestamps, SYSCTL_ONE),
	OCTET("sack", sack, SYSCTL_ONE),
	OCTET("challenge_rst", challenge_rst, SYSCTL_ONE),
	OCTET("challenge_syn", challenge_syn, SYSCTL_ONE),
	OCTET("challenge_ack", challenge_ack, SYSCTL_ONE),
	OCTET("protect_time_wait", protect_time_wait, SYSCTL_ONE),
	{
		.procname = "challenge_limit",
		.data = FIELD(challenge_limit),
		.maxlen = sizeof(u32),
		.mode = 0644,
		.proc_handler = proc_douintvec_minmax,
		.extra1 = SYSCTL_ZERO,
		.extra2 = SYSCTL_INT_MAX,	/* it is counted down in an int */
	},
	{
		.procname = "debug_iss",
		.data = FIELD(debug_iss),
		.maxlen = sizeof(u32),
		.mode = 0644,
		.proc_handler = set_debug_iss,
	},
	{
		.procname = "own_tcp",
		.data = FIELD(own_tcp),
		.maxlen = sizeof(u8),
		.mode = 0644,
		.proc_handler = set_own_tcp,
		.extra1 = SYSCTL_ZERO,
		.extra2 = SYSCTL_ONE,
	},
	{
		.procname = "ip_local_port_range",
		.data = FIELD(port_range),
		.maxlen = sizeof(int[2]),
		.mode = 0644,
		.proc_handler = set_port_range,
		.extra1 = (void *)&port_min,
		.extra2 = (void *)&port_max,
	},
	{ }
};

/**
 * edutcp_sysctl_net_init() - defaults and knobs of a namespace
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int edutcp_sysctl_net_init(struct net *net)
{
	struct edutcp_net *en = edutcp_pernet(net);
	struct ctl_table *table, *knob;

	en->net = net;
	en->params = default_params;
	en->challenge_limit = 1000;
	/* Below the stock stack's range, which begins at 32768. */
	en->port_range[0] = 16384;
	en->port_range[1] = 32767;

	table = kmemdup(template, sizeof(template), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (knob = table; knob->procname; knob++) {
		/* Only where a lab can do no harm. */
		if (knob->proc_handler == set_debug_iss &&
		    net_eq(net, &init_net))
			knob->mode = 0444;
		knob->data = (char *)en + (uintptr_t)knob->data;
	}
	en->sysctls = edutcp_register_sysctl(net, "net/edutcp", table,
					     ARRAY_SIZE(template) - 1);
	if (!en->sysctls) {
		kfree(table);
		return -ENOMEM;
	}
	en->sysctl_table = table;
	return 0;
}

/**
 * edutcp_sysctl_net_exit() - the namespace goes away
 * @net: the namespace
 */
void edutcp_sysctl_net_exit(struct net *net)
{
	struct edutcp_net *en = edutcp_pernet(net);

	unregister_net_sysctl_table(en->sysctls);
	kfree(en->sysctl_table);
}
