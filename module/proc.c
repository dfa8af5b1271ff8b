// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/edutcp/connections and stats, per network namespace; /proc/edutcp
 * is a link to self/net/edutcp. Documentation/proc.rst describes the columns.
 *
 * A row of the sequence is a whole chain of the table, printed in one RCU read
 * section: a chain is short, so nobody is kept waiting, and an entry that
 * stays is printed, whatever comes and goes around it.
 */

#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include "compat.h"
#include "edutcp.h"

static const char * const timer_names[] = {
	[TIMER_NONE] = "-",
	[TIMER_RETRANSMIT] = "retransmit",
	[TIMER_PERSIST] = "persist",
	[TIMER_FIN_WAIT_2] = "fin_wait_2",
	[TIMER_TIME_WAIT] = "time_wait",
};

/* What a row shows beside the TCB. */
struct row {
	const struct edutcp_entry *entry;
	struct tcb tcb;
	int receive_queue;
	int send_queue;
	bool other_timer;	/* one that tcb.timer does not know of */
	u32 other_deadline;
	bool delayed_ack;
	uid_t uid;
	unsigned long inode;
};

static void fill_from_sock(struct row *row, struct sock *sk,
			   struct seq_file *seq)
{
	const struct edutcp_sock *esk = edutcp_sk(sk);

	row->uid = from_kuid_munged(seq_user_ns(seq), sk_uid(sk));
	row->inode = sock_i_ino(sk);
	if (row->entry->kind == EDUTCP_LISTENER) {
		/* As in /proc/net/tcp: how many wait, and how many may. */
		row->receive_queue = READ_ONCE(sk->sk_ack_backlog);
		row->send_queue = READ_ONCE(sk->sk_max_ack_backlog);
		return;
	}
	row->receive_queue = READ_ONCE(esk->rcv_queued);
	row->send_queue = max_t(s32, row->tcb.snd_end +
				     !!(row->tcb.flags & TCB_FIN_QUEUED) -
				     row->tcb.snd_una, 0);
	row->other_timer = row->tcb.timer == TIMER_NONE &&
			   tcb_next_deadline(&row->tcb, &esk->conn,
					     &edutcp_pernet(sock_net(sk))->params,
					     &row->other_deadline);
	row->delayed_ack = esk->conn.ack_pending;
}

static void print_timer(struct seq_file *seq, const struct row *row, u32 now)
{
	const char *name = timer_names[row->tcb.timer % ARRAY_SIZE(timer_names)];
	u32 deadline = row->tcb.deadline;

	if (row->other_timer) {
		name = row->delayed_ack ? "delayed_ack" : "keepalive";
		deadline = row->other_deadline;
	} else if (row->tcb.timer == TIMER_NONE) {
		deadline = now;
	}
	seq_printf(seq, " %s %d", name, max_t(s32, deadline - now, 0));
}

static void print_row(struct seq_file *seq, const struct row *row)
{
	const struct edutcp_key *key = &row->entry->key;
	const struct tcb *tcb = &row->tcb;
	u32 now = edutcp_now();

	seq_printf(seq, "%pI4:%u %pI4:%u %s %s %d %d", &key->local_addr,
		   ntohs(key->local_port), &key->remote_addr,
		   ntohs(key->remote_port), tcb_state_name(tcb->state),
		   tcb->flags & TCB_ACTIVE ? "active" : "passive",
		   row->receive_queue, row->send_queue);
	print_timer(seq, row, now);
	seq_printf(seq, " %u %u %u %u %u %u %u %lu %u\n", tcb->retries,
		   tcb->snd_una, tcb->snd_nxt, tcb->rcv_nxt, tcb->iss, tcb->irs,
		   row->uid, row->inode, now - tcb->opened_at);
}

static void print_entry(struct seq_file *seq, const struct edutcp_entry *entry)
{
	const struct edutcp_request *request;
	struct row row = { .entry = entry };
	struct edutcp_sock *esk;

	/* No lock: a row may show a TCB in the midst of a change. */
	switch (entry->kind) {
	case EDUTCP_REQUEST:
		request = container_of(entry, struct edutcp_request, entry);
		row.tcb = request->tcb;
		row.uid = from_kuid_munged(seq_user_ns(seq),
					   sk_uid(request->listener));
		break;
	case EDUTCP_TIMEWAIT:
		row.tcb = container_of(entry, struct edutcp_timewait,
				       entry)->tcb;
		break;
	default:
		esk = container_of(entry, struct edutcp_sock, entry);
		row.tcb = esk->tcb;
		fill_from_sock(&row, edutcp_to_sock(esk), seq);
		break;
	}
	print_row(seq, &row);
}

/*
 * The file holds a reference to the namespace while it is open, so its table
 * cannot go away.
 */
static struct edutcp_table *table_of(struct seq_file *seq)
{
	return READ_ONCE(edutcp_pernet(seq_file_net(seq))->table);
}

static void *position(struct seq_file *seq, loff_t pos)
{
	struct edutcp_table *table = table_of(seq);

	if (pos == 0)
		return SEQ_START_TOKEN;
	if (!table || pos > edutcp_table_chains(table))
		return NULL;
	return edutcp_table_chain(table, pos - 1);
}

static void *connections_start(struct seq_file *seq, loff_t *pos)
{
	return position(seq, *pos);
}

static void *connections_next(struct seq_file *seq, void *v, loff_t *pos)
{
	return position(seq, ++*pos);
}

static void connections_stop(struct seq_file *seq, void *v)
{
}

static int connections_show(struct seq_file *seq, void *v)
{
	struct hlist_nulls_head *head = v;
	struct hlist_nulls_node *node;
	struct edutcp_entry *entry;
	size_t count = seq->count;

	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, "local remote state opened recv_queue send_queue timer timer_ms retransmissions snd_una snd_nxt rcv_nxt iss irs uid inode age_ms\n");
		return 0;
	}
	rcu_read_lock();
	do {
		seq->count = count;
		hlist_nulls_for_each_entry_rcu(entry, node, head, node)
			print_entry(seq, entry);
	} while (edutcp_table_strayed(table_of(seq), head, node));
	rcu_read_unlock();
	return 0;
}

static const struct seq_operations connections_ops = {
	.start = connections_start,
	.next = connections_next,
	.stop = connections_stop,
	.show = connections_show,
};

static int stats_show(struct seq_file *seq, void *v)
{
	edutcp_stats_show(seq, seq_file_single_net(seq));
	return 0;
}

/**
 * edutcp_proc_net_init() - the files of a namespace
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int edutcp_proc_net_init(struct net *net)
{
	struct proc_dir_entry *dir = proc_net_mkdir(net, "edutcp",
						    net->proc_net);

	if (!dir)
		return -ENOMEM;
	if (!proc_create_net("connections", 0444, dir, &connections_ops,
			     sizeof(struct seq_net_private)) ||
	    !proc_create_net_single("stats", 0444, dir, stats_show, NULL)) {
		edutcp_proc_net_exit(net);
		return -ENOMEM;
	}
	return 0;
}

/**
 * edutcp_proc_net_exit() - the namespace goes away
 * @net: the namespace
 */
void edutcp_proc_net_exit(struct net *net)
{
	remove_proc_subtree("edutcp", net->proc_net);
}

/**
 * edutcp_proc_init() - once, when the module is loaded: /proc/edutcp
 *
 * Return: 0 or -ENOMEM.
 */
int edutcp_proc_init(void)
{
	return proc_symlink("edutcp", NULL, "self/net/edutcp") ? 0 : -ENOMEM;
}

/**
 * edutcp_proc_exit() - once, when the module is unloaded
 */
void edutcp_proc_exit(void)
{
	remove_proc_entry("edutcp", NULL);
}
