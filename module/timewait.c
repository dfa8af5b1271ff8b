// SPDX-License-Identifier: GPL-2.0
/*
 * TIME-WAIT in a small object of its own, so that a closed connection does not
 * keep a socket for a minute or more.
 *
 * Its lock is for the TCB. Two things refer to an entry: the table and the
 * timer. Whoever takes it out of the table (edutcp_table_remove() says who was
 * first) also stops the timer. Entries do not hold their namespace: it purges
 * them when it goes.
 */

#include <linux/slab.h>

#include "compat.h"
#include "edutcp.h"

static struct kmem_cache *cache;

/**
 * edutcp_timewait_init() - once, when the module is loaded
 *
 * Return: 0 or -ENOMEM.
 */
int edutcp_timewait_init(void)
{
	cache = KMEM_CACHE(edutcp_timewait, SLAB_ACCOUNT);
	return cache ? 0 : -ENOMEM;
}

/**
 * edutcp_timewait_exit() - once, when the module is unloaded, after a grace
 * period
 */
void edutcp_timewait_exit(void)
{
	kmem_cache_destroy(cache);
}

static void free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(cache, container_of(rcu, struct edutcp_timewait, rcu));
}

static void put(struct edutcp_timewait *tw)
{
	if (refcount_dec_and_test(&tw->refs))
		call_rcu(&tw->rcu, free_rcu);
}

/* Out of the table, once; without @tw->lock. */
static void kill(struct edutcp_timewait *tw)
{
	if (!edutcp_table_remove(tw->net, &tw->entry))
		return;
	edutcp_port_put_timewait(tw->net, tw->port);
	if (timer_delete(&tw->timer))
		put(tw);
	put(tw);
}

static void environment(const struct edutcp_timewait *tw, struct tcb_env *env)
{
	edutcp_surroundings(tw->net, edutcp_ts_offset(&tw->entry.key), env);
	env->iss = edutcp_isn(tw->net, &tw->entry.key);
}

static void expired(struct timer_list *timer)
{
	struct edutcp_timewait *tw = timer_container_of(tw, timer, timer);
	struct tcb_actions actions = { };
	struct tcb_env env;
	bool closed;

	environment(tw, &env);
	spin_lock(&tw->lock);
	if (tw->tcb.state == STATE_TIME_WAIT)
		tcb_timeout(&tw->tcb, NULL, &env, &actions);
	closed = tw->tcb.state == STATE_CLOSED;
	if (!closed) {
		/* 2 MSL was begun anew: keep the reference, wait on. */
		mod_timer(&tw->timer, edutcp_jiffies(env.now,
						     tw->tcb.deadline));
	}
	spin_unlock(&tw->lock);

	edutcp_note(tw->net, &tw->entry.key, &actions);
	if (closed) {
		kill(tw);
		put(tw);
	}
}

/**
 * edutcp_timewait_enter() - a TIME-WAIT entry takes over from a socket
 * @sk: a connection that has just entered TIME-WAIT, locked
 * @env: the world
 *
 * Whether or not there was memory for it, the socket's own TCB is empty
 * afterwards.
 *
 * Context: softirq or process.
 *
 * Return: false if there was no memory.
 */
bool edutcp_timewait_enter(struct sock *sk, const struct tcb_env *env)
{
	struct edutcp_sock *esk = edutcp_sk(sk);
	struct net *net = sock_net(sk);
	struct edutcp_timewait *tw = kmem_cache_alloc(cache, GFP_ATOMIC);

	if (!tw) {
		struct tcb_actions actions = { };

		tcb_abort(&esk->tcb, env, &actions);
		edutcp_note(net, &esk->entry.key, &actions);
		return false;
	}

	*tw = (struct edutcp_timewait) {
		.entry.key = esk->entry.key,
		.entry.kind = EDUTCP_TIMEWAIT,
		.tcb = esk->tcb,
		.net = net,
		.port = edutcp_port_to_timewait(sk),
	};
	spin_lock_init(&tw->lock);
	refcount_set(&tw->refs, 2);
	timer_setup(&tw->timer, expired, TIMER_PINNED);

	/* The table's lock orders this before any look-up that finds it. */
	local_bh_disable();
	mod_timer(&tw->timer, edutcp_jiffies(env->now, tw->tcb.deadline));
	edutcp_table_replace(net, &esk->entry, &tw->entry);
	local_bh_enable();

	tcb_init(&esk->tcb);
	return true;
}

/**
 * edutcp_timewait_segment() - a segment for a connection in TIME-WAIT
 * @tw: found in the table
 * @seg: the segment
 * @listening: there is a listener for a connection with these two sockets
 * @reopen_iss: set to the initial sequence number of the new connection if the
 *	segment is a new SYN
 *
 * Context: softirq, RCU read section.
 *
 * Return: true if that is all; false if the segment is a new SYN, for a
 * listener, and the entry is gone.
 */
bool edutcp_timewait_segment(struct edutcp_timewait *tw,
			     const struct segment *seg, bool listening,
			     u32 *reopen_iss)
{
	struct tcb_actions actions = { };
	struct segment reply;
	struct tcb_env env;
	bool has_reply;

	environment(tw, &env);
	env.listening = listening;
	spin_lock(&tw->lock);
	if (tw->tcb.state != STATE_TIME_WAIT) {
		/* It has died since it was found: the segment comes again. */
		spin_unlock(&tw->lock);
		return true;
	}
	tcb_segment_arrives(&tw->tcb, NULL, seg, &env, &actions);
	has_reply = tcb_next_segment(&tw->tcb, NULL, &env, 0, &reply);
	spin_unlock(&tw->lock);

	edutcp_note(tw->net, &tw->entry.key, &actions);
	if (has_reply)
		edutcp_send_bare(tw->net, NULL, &tw->entry.key, &reply, NULL);
	if (actions.send_reset)
		edutcp_send_bare(tw->net, NULL, &tw->entry.key, &actions.reset,
				 NULL);
	if (actions.move_count)
		kill(tw);
	*reopen_iss = actions.reopen_iss;
	return actions.verdict != VERDICT_REOPEN;
}

/* The first entry of a chain, with a reference. */
static struct edutcp_timewait *first_in(struct hlist_nulls_head *head)
{
	struct edutcp_timewait *tw = NULL;
	struct hlist_nulls_node *node;
	struct edutcp_entry *entry;

	rcu_read_lock();
	hlist_nulls_for_each_entry_rcu(entry, node, head, node) {
		/* Sockets and their requests hold their namespace. */
		if (WARN_ON_ONCE(entry->kind != EDUTCP_TIMEWAIT))
			continue;
		tw = container_of(entry, struct edutcp_timewait, entry);
		if (refcount_inc_not_zero(&tw->refs))
			break;
		tw = NULL;
	}
	rcu_read_unlock();
	return tw;
}

/**
 * edutcp_timewait_purge() - the namespace goes away
 * @net: the namespace
 * @table: its table, in which nobody looks anything up any more
 *
 * Context: process. When it returns, no timer of an entry is running.
 */
void edutcp_timewait_purge(struct net *net, struct edutcp_table *table)
{
	struct edutcp_timewait *tw;
	unsigned int chain;

	for (chain = 0; chain < edutcp_table_chains(table); chain++) {
		while ((tw = first_in(edutcp_table_chain(table, chain)))) {
			struct tcb_actions actions = { };
			struct tcb_env env;

			environment(tw, &env);
			spin_lock_bh(&tw->lock);
			tcb_abort(&tw->tcb, &env, &actions);
			spin_unlock_bh(&tw->lock);
			edutcp_note(net, &tw->entry.key, &actions);
			kill(tw);
			timer_delete_sync(&tw->timer);
			put(tw);
		}
		cond_resched();
	}
	/* A timer that took its entry out itself may still be running. */
	synchronize_rcu();
}
