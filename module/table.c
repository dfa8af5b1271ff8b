// SPDX-License-Identifier: GPL-2.0
/*
 * The tables of a network namespace: connections (with requests and TIME-WAIT
 * entries), by all of their key; listeners, by local port.
 *
 * Readers run under RCU and take no lock. Writers take the lock of the chain.
 * A chain ends in a "nulls" marker that carries its number: a reader that
 * meets an entry which was just moved to another chain ends at the wrong
 * marker, knows it, and starts again.
 *
 * A table is made when the namespace gets its first socket, so a namespace
 * without one costs nothing, and its segments find out at once that they are
 * not ours.
 */

#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/siphash.h>

#include "edutcp.h"

#define LISTENER_CHAINS 64
#define LOCKS 256

static unsigned int table_chains __read_mostly = 16384;
module_param(table_chains, uint, 0444);
MODULE_PARM_DESC(table_chains,
		 "hash chains for connections, per network namespace");

static hsiphash_key_t table_secret __read_mostly;
static spinlock_t locks[LOCKS];

/**
 * struct edutcp_table - the chains of one namespace
 * @mask: number of chains for connections, less one
 * @chain: first those for connections, then LISTENER_CHAINS for listeners
 */
struct edutcp_table {
	unsigned int mask;
	struct hlist_nulls_head chain[];
};

/**
 * edutcp_table_init() - once, when the module is loaded
 */
void edutcp_table_init(void)
{
	unsigned int i;

	table_chains = roundup_pow_of_two(clamp(table_chains, 16U, 1U << 20));
	get_random_bytes(&table_secret, sizeof(table_secret));
	for (i = 0; i < LOCKS; i++)
		spin_lock_init(&locks[i]);
}

/**
 * edutcp_table_get() - make sure that a namespace has its table
 * @net: the namespace
 *
 * Context: process.
 *
 * Return: 0 or -ENOMEM.
 */
int edutcp_table_get(struct net *net)
{
	struct edutcp_net *en = edutcp_pernet(net);
	unsigned int i, chains = table_chains + LISTENER_CHAINS;
	struct edutcp_table *table;

	if (READ_ONCE(en->table))
		return 0;

	table = kvmalloc(struct_size(table, chain, chains), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	table->mask = table_chains - 1;
	for (i = 0; i < chains; i++)
		INIT_HLIST_NULLS_HEAD(&table->chain[i], i);

	mutex_lock(&en->table_mutex);
	if (!en->table) {
		WRITE_ONCE(en->table, table);
		rcu_assign_pointer(en->lookup, table);
		table = NULL;
	}
	mutex_unlock(&en->table_mutex);
	kvfree(table);
	return 0;
}

/**
 * edutcp_table_free() - free a table that nobody can find any more
 * @table: the table, empty; or NULL
 */
void edutcp_table_free(struct edutcp_table *table)
{
	kvfree(table);
}

static unsigned int connection_chain(const struct edutcp_table *table,
				     const struct edutcp_key *key)
{
	return hsiphash_3u32((__force u32)key->local_addr,
			     (__force u32)key->remote_addr,
			     (__force u32)key->local_port << 16 |
			     (__force u32)key->remote_port, &table_secret) &
	       table->mask;
}

static unsigned int listener_chain(const struct edutcp_table *table,
				   const struct edutcp_key *key)
{
	return table->mask + 1 + ntohs(key->local_port) % LISTENER_CHAINS;
}

static unsigned int chain_of(const struct edutcp_table *table,
			     const struct edutcp_entry *entry)
{
	return entry->kind == EDUTCP_LISTENER ?
	       listener_chain(table, &entry->key) :
	       connection_chain(table, &entry->key);
}

static bool same_key(const struct edutcp_key *a, const struct edutcp_key *b)
{
	return a->local_addr == b->local_addr &&
	       a->remote_addr == b->remote_addr &&
	       a->local_port == b->local_port &&
	       a->remote_port == b->remote_port;
}

static spinlock_t *lock_of(unsigned int chain)
{
	return &locks[chain % LOCKS];
}

/**
 * edutcp_table_insert() - make an entry findable
 * @net: the namespace; has its table
 * @entry: key and kind are set
 *
 * Context: any.
 *
 * Return: 0, or -EADDRNOTAVAIL if the key is taken.
 */
int edutcp_table_insert(struct net *net, struct edutcp_entry *entry)
{
	struct edutcp_table *table = edutcp_pernet(net)->table;
	unsigned int chain = chain_of(table, entry);
	struct hlist_nulls_node *node;
	struct edutcp_entry *other;
	int err = 0;

	spin_lock_bh(lock_of(chain));
	hlist_nulls_for_each_entry(other, node, &table->chain[chain], node)
		if (same_key(&other->key, &entry->key))
			err = -EADDRNOTAVAIL;
	if (!err)
		hlist_nulls_add_head_rcu(&entry->node, &table->chain[chain]);
	spin_unlock_bh(lock_of(chain));
	return err;
}

/**
 * edutcp_table_replace() - one object takes over a connection from another
 * @net: the namespace
 * @old: in the table; is taken out
 * @new: with the same key; is put in
 *
 * A reader finds one of the two at any moment.
 *
 * Context: any.
 */
void edutcp_table_replace(struct net *net, struct edutcp_entry *old,
			  struct edutcp_entry *new)
{
	struct edutcp_table *table = edutcp_pernet(net)->table;
	unsigned int chain = chain_of(table, old);

	spin_lock_bh(lock_of(chain));
	hlist_nulls_add_head_rcu(&new->node, &table->chain[chain]);
	hlist_nulls_del_init_rcu(&old->node);
	spin_unlock_bh(lock_of(chain));
}

/**
 * edutcp_table_remove() - make an entry unfindable
 * @net: the namespace
 * @entry: an entry, in the table or not
 *
 * Context: any.
 *
 * Return: true for the one caller who took it out.
 */
bool edutcp_table_remove(struct net *net, struct edutcp_entry *entry)
{
	struct edutcp_table *table = edutcp_pernet(net)->table;
	unsigned int chain;
	bool removed;

	if (hlist_nulls_unhashed(&entry->node))
		return false;

	chain = chain_of(table, entry);
	spin_lock_bh(lock_of(chain));
	removed = !hlist_nulls_unhashed(&entry->node);
	if (removed)
		hlist_nulls_del_init_rcu(&entry->node);
	spin_unlock_bh(lock_of(chain));
	return removed;
}

/**
 * edutcp_table_find() - find a connection, request or TIME-WAIT entry
 * @net: the namespace
 * @key: its two sockets
 *
 * Context: RCU read section.
 *
 * Return: the entry, or NULL.
 */
struct edutcp_entry *edutcp_table_find(struct net *net,
				       const struct edutcp_key *key)
{
	struct edutcp_table *table = rcu_dereference(edutcp_pernet(net)->lookup);
	struct hlist_nulls_node *node;
	struct edutcp_entry *entry;
	unsigned int chain;

	if (!table)
		return NULL;
	chain = connection_chain(table, key);
again:
	hlist_nulls_for_each_entry_rcu(entry, node, &table->chain[chain], node)
		if (same_key(&entry->key, key))
			return entry;
	if (get_nulls_value(node) != chain)
		goto again;
	return NULL;
}

/* SO_BINDTODEVICE */
static bool listens_on(const struct edutcp_entry *entry, int device)
{
	const struct edutcp_sock *esk = container_of(entry, struct edutcp_sock,
						     entry);
	int bound = READ_ONCE(esk->inet.sk.sk_bound_dev_if);

	return !bound || bound == device;
}

/**
 * edutcp_table_find_listener() - who listens there?
 * @net: the namespace
 * @key: of the segment; its local half is looked at
 * @device: where the segment came in
 *
 * A listener on the very address goes before one on all addresses.
 *
 * Context: RCU read section.
 *
 * Return: the entry, or NULL.
 */
struct edutcp_entry *edutcp_table_find_listener(struct net *net,
						const struct edutcp_key *key,
						int device)
{
	struct edutcp_table *table = rcu_dereference(edutcp_pernet(net)->lookup);
	struct edutcp_entry *entry, *any;
	struct hlist_nulls_node *node;
	unsigned int chain;

	if (!table)
		return NULL;
	chain = listener_chain(table, key);
again:
	any = NULL;
	hlist_nulls_for_each_entry_rcu(entry, node, &table->chain[chain],
				       node) {
		if (entry->key.local_port != key->local_port ||
		    !listens_on(entry, device))
			continue;
		if (entry->key.local_addr == key->local_addr)
			return entry;
		if (entry->key.local_addr == htonl(INADDR_ANY))
			any = entry;
	}
	if (get_nulls_value(node) != chain)
		goto again;
	return any;
}

/**
 * edutcp_table_chains() - how many chains there are, of both kinds
 * @table: the table
 *
 * Return: their number.
 */
unsigned int edutcp_table_chains(const struct edutcp_table *table)
{
	return table->mask + 1 + LISTENER_CHAINS;
}

/**
 * edutcp_table_strayed() - did a reader end in another chain?
 * @table: the table
 * @head: where it began
 * @end: the marker at which it ended
 *
 * Return: true if it has to start again.
 */
bool edutcp_table_strayed(const struct edutcp_table *table,
			  const struct hlist_nulls_head *head,
			  const struct hlist_nulls_node *end)
{
	return get_nulls_value(end) != head - table->chain;
}

/**
 * edutcp_table_chain() - the head of a chain
 * @table: the table
 * @chain: its number; listeners come first
 *
 * Return: the head.
 */
struct hlist_nulls_head *edutcp_table_chain(struct edutcp_table *table,
					    unsigned int chain)
{
	unsigned int first_listener = table->mask + 1;

	return &table->chain[chain < LISTENER_CHAINS ?
			     first_listener + chain : chain - LISTENER_CHAINS];
}
