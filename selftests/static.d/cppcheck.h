/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What cppcheck, which reads no header of the kernel, has to know of its macros:
 * that these are loops, and set their first argument.
 */
#define list_for_each_entry(pos, head, member) \
	for (pos = first_entry(head); pos; pos = next_entry(pos))
#define list_for_each_entry_safe(pos, n, head, member) \
	for (pos = first_entry(head); (n = next_entry(pos)); pos = n)
#define hlist_for_each_entry(pos, head, member) \
	for (pos = first_entry(head); pos; pos = next_entry(pos))
#define hlist_nulls_for_each_entry(pos, node, head, member) \
	for (node = first_node(head); (pos = entry_of(node)); node = next_node(node))
#define hlist_nulls_for_each_entry_rcu hlist_nulls_for_each_entry
#define skb_queue_walk(queue, skb) \
	for (skb = first_skb(queue); skb; skb = next_skb(skb))

/* And of the C library's, which it does not read either. */
#define noreturn __attribute__((noreturn))
