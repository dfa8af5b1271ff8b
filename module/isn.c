// SPDX-License-Identifier: GPL-2.0
/*
 * Initial sequence numbers (RFC 9293, 3.4.1, MUST-8, MUST-9; RFC 6528):
 *
 *	ISN = M + F(local address, local port, remote address, remote port, key)
 *
 * M is a clock, so that successive incarnations of one connection start ever
 * higher. F makes the numbers of other connections useless to an attacker.
 */

#include <linux/random.h>
#include <linux/siphash.h>

#include "edutcp.h"

static siphash_aligned_key_t isn_key;
static siphash_aligned_key_t ts_key;
static siphash_aligned_key_t port_key;

static u64 hash_of(const struct edutcp_key *key, const siphash_key_t *secret)
{
	return siphash_3u32((__force u32)key->local_addr,
			    (__force u32)key->remote_addr,
			    (__force u32)key->local_port << 16 |
			    (__force u32)key->remote_port, secret);
}

/**
 * edutcp_isn() - choose an initial sequence number
 * @net: the namespace
 * @key: the connection
 *
 * RFC: a clock of 4 microseconds, for lines of 2 Mbit/s. Linux: 64 ns, which
 * wraps in 274 s, longer than a segment may live. Here: as Linux.
 *
 * Context: any.
 *
 * Return: the number.
 */
u32 edutcp_isn(const struct net *net, const struct edutcp_key *key)
{
	u32 pinned = READ_ONCE(edutcp_pernet(net)->debug_iss);

	if (unlikely(pinned))
		return pinned;
	net_get_random_once(&isn_key, sizeof(isn_key));
	return (u32)hash_of(key, &isn_key) + (u32)(ktime_get_real_ns() >> 6);
}

/**
 * edutcp_ts_offset() - where does a connection's timestamp clock begin?
 * @key: the connection
 *
 * RFC 7323, 5.4: not at boot, which is nobody's business. But all connections
 * between the same two hosts have the same clock, so that a new one is seen to
 * be newer than an old one in TIME-WAIT (RFC 6191).
 *
 * Context: any.
 *
 * Return: what to add to the time, in milliseconds.
 */
u32 edutcp_ts_offset(const struct edutcp_key *key)
{
	net_get_random_once(&ts_key, sizeof(ts_key));
	return (u32)siphash_2u32((__force u32)key->local_addr,
				 (__force u32)key->remote_addr, &ts_key);
}

/**
 * edutcp_port_offset() - where to begin the search for a local port
 * @key: the connection; its local port is not looked at
 *
 * RFC 6056, 3.3.3: a keyed hash of what is known, so that ports to one server
 * cannot be guessed from those to another; and some noise.
 *
 * Context: any.
 *
 * Return: where in the range of ports to begin to look.
 */
u32 edutcp_port_offset(const struct edutcp_key *key)
{
	struct edutcp_key known = *key;

	known.local_port = 0;
	net_get_random_once(&port_key, sizeof(port_key));
	return (u32)hash_of(&known, &port_key) + get_random_u16();
}
