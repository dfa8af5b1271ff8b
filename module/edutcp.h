/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the module share: who holds a connection, and which file
 * does what for whom.
 *
 * Three kinds of objects hold a TCB, and a fourth holds none but waits for
 * connections. All four are entries of a network namespace's tables (table.c)
 * and rows of /proc/edutcp/connections:
 *
 *	struct edutcp_request		SYN-RECEIVED, made by a listener
 *	struct edutcp_sock		an open connection, or a listener
 *	struct edutcp_timewait		TIME-WAIT
 *
 * Locks, outermost first:
 *
 *	socket lock of a listener	its requests' TCBs and its queues
 *	socket lock of a connection	its TCB, buffers and queues
 *	timewait.lock			the TCB of a TIME-WAIT entry
 *	edutcp_net.port_lock		who is bound to which port (port.c)
 *	bucket lock			one chain of a table (table.c)
 *
 * The socket lock is the kernel's usual one: in softirq bh_lock_sock_nested(),
 * and if the socket is then owned by a user call, the segment goes to the
 * backlog and the timer's work is left to release_sock().
 *
 * Lifetime: entries are looked up under RCU and freed after a grace period, so
 * a softirq that has found one may use it until its RCU read section ends. It
 * must be prepared to find, once it holds the lock, that the entry has died:
 * its TCB is then in CLOSED, or it is no longer in the table.
 */
#ifndef EDUTCP_H
#define EDUTCP_H

#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <net/inet_sock.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "core/tcb.h"
#include "stats.h"
#include "uapi/edutcp.h"

struct edutcp_port;
struct edutcp_table;
struct seq_file;

/**
 * struct edutcp_key - the two sockets of a connection; network byte order
 * @local_addr: our IPv4 address
 * @remote_addr: the peer's
 * @local_port: our port
 * @remote_port: the peer's
 *
 * A listener's key has 0 for the remote address and port, and for the local
 * address if it listens on all.
 */
struct edutcp_key {
	__be32 local_addr;
	__be32 remote_addr;
	__be16 local_port;
	__be16 remote_port;
};

#define EDUTCP_SYNACK_RETRIES_MAX 15

/*
 * Buffers of a new socket in octets of memory, unless net.core.rmem_default
 * and wmem_default are larger. Half of it is text, see edutcp_environment().
 */
#define EDUTCP_RCVBUF (1024 * 1024)
#define EDUTCP_SNDBUF (1024 * 1024)

enum edutcp_kind {
	EDUTCP_CONNECTION,
	EDUTCP_LISTENER,
	EDUTCP_REQUEST,
	EDUTCP_TIMEWAIT,
};

/**
 * struct edutcp_entry - what every object in a table begins with or contains
 * @node: in a chain of the table; unhashed when not in it
 * @key: by which it is found; constant while it is in the table
 * @kind: which of the objects this is a part of; constant likewise
 */
struct edutcp_entry {
	struct hlist_nulls_node node;
	struct edutcp_key key;
	u8 kind;
};

/**
 * struct edutcp_binding - a socket's hold on a port (port.c)
 * @node: in the port's list
 * @port: the port, or NULL
 * @addr: the address that it is bound to, 0 for all
 * @reuse: SO_REUSEADDR was set
 * @listening: it listens there
 */
struct edutcp_binding {
	struct list_head node;
	struct edutcp_port *port;
	__be32 addr;
	bool reuse;
	bool listening;
};

/**
 * struct edutcp_listener - what only a listening socket needs
 * @accept_queue: sockets whose handshake is complete
 * @requests: struct edutcp_request, by retransmissions so far; each list is in
 *	the order of deadlines, for equal numbers have equal timeouts
 * @request_count: how many in all lists together
 *
 * All under the listener's socket lock.
 */
struct edutcp_listener {
	struct list_head accept_queue;
	struct list_head requests[EDUTCP_SYNACK_RETRIES_MAX + 1];
	unsigned int request_count;
};

/**
 * struct edutcp_sock - an AF_EDUTCP socket
 * @inet: the kernel's part; must be first
 * @entry: its place in the table of connections or of listeners
 * @tcb: the connection
 * @conn: its second half
 * @out_of_order: skbs with text that is before its turn, by sequence number
 * @binding: its hold on a port
 * @listener: only in LISTEN
 * @accept_node: in a listener's accept_queue
 * @rcv_queued: octets of text in the receive queue
 * @ts_offset: where the connection's timestamp clock began
 * @timer_deferred: the timer expired while a user call owned the socket
 * @in_backlog: segments that came meanwhile are being processed
 * @push_deferred: what they want sent goes when all of them are
 */
struct edutcp_sock {
	struct inet_sock inet;
	struct edutcp_entry entry;
	struct tcb tcb;
	struct tcb_conn conn;
	struct rb_root out_of_order;
	struct edutcp_binding binding;
	struct edutcp_listener *listener;
	struct list_head accept_node;
	u32 rcv_queued;
	u32 ts_offset;
	bool timer_deferred;
	bool in_backlog;
	bool push_deferred;
};

/**
 * struct edutcp_request - a connection in SYN-RECEIVED that a listener made
 * @entry: its place in the table of connections
 * @tcb: the connection
 * @listener: whose it is
 * @node: in a list of its listener
 * @rcu: for freeing it, when it is in no list any more
 */
struct edutcp_request {
	struct edutcp_entry entry;
	struct tcb tcb;
	struct sock *listener;
	union {
		struct list_head node;
		struct rcu_head rcu;
	};
};

/**
 * struct edutcp_timewait - a connection in TIME-WAIT
 * @entry: its place in the table of connections
 * @tcb: the connection
 * @lock: for @tcb
 * @refs: one for the table, one for the timer
 * @net: the namespace
 * @port: the port that it keeps from being bound again, or NULL
 * @timer: runs @tcb's timer
 * @rcu: for freeing it, when the timer is done
 */
struct edutcp_timewait {
	struct edutcp_entry entry;
	struct tcb tcb;
	spinlock_t lock;	/* for tcb */
	refcount_t refs;
	struct net *net;
	struct edutcp_port *port;
	union {
		struct timer_list timer;
		struct rcu_head rcu;
	};
};

/**
 * struct edutcp_net - what there is once per network namespace
 * @table: connections and listeners; NULL before the first socket
 * @lookup: the same for those who look for the owner of a segment; NULL again
 *	when the namespace goes away
 * @table_mutex: for making @table
 * @params: the knobs of the core
 * @challenge_limit: challenge ACKs a second
 * @challenge_second: the second that @challenges_left is for
 * @challenges_left: challenge ACKs that may still be sent
 * @debug_iss: the initial sequence number of all connections; 0: as is proper
 * @own_tcp: edutcp answers segments that are nobody's, not the stock stack
 * @port_range: first and last port for connect()
 * @control: a raw socket, through which segments without a socket are sent
 * @stats: counters, per cpu
 * @port_mutex: taken by who binds, around @port_lock
 * @port_lock: for @ports and all they hold
 * @ports: struct edutcp_port, by port number
 * @ports_going: ports whose reservation is about to be given back
 * @sysctls: the knobs, as registered
 * @sysctl_table: their description, this namespace's copy
 * @net: the namespace
 */
struct edutcp_net {
	struct edutcp_table *table;
	struct edutcp_table __rcu *lookup;
	struct mutex table_mutex;	/* for making the table */
	struct tcb_params params;
	u32 challenge_limit;
	unsigned long challenge_second;
	atomic_t challenges_left;
	u32 debug_iss;
	u8 own_tcp;
	int port_range[2];
	struct sock *control;
	struct edutcp_stats __percpu *stats;
	struct mutex port_mutex;	/* for making reservations */
	spinlock_t port_lock;		/* for all of port.c */
	struct hlist_head ports[64];
	atomic_t ports_going;
	struct ctl_table_header *sysctls;
	struct ctl_table *sysctl_table;
	struct net *net;
};

/*
 * How an skb of ours uses its control block. Receive queue and out_of_order:
 * the text has sequence numbers [seq, end_seq) and begins @offset octets after
 * skb->data. Write queue: the same, offset 0. On its way in, a SYN for a
 * connection that was in TIME-WAIT brings the initial sequence number to be
 * used along, @reopen_iss; for all other segments that is 0. @trimmed: a socket
 * filter has cut the text, and with it what stands after that.
 */
struct edutcp_skb_cb {
	u32 seq;
	u32 end_seq;
	u32 offset;
	u32 reopen_iss;
	bool trimmed;
};

static inline struct edutcp_skb_cb *edutcp_cb(struct sk_buff *skb)
{
	return (struct edutcp_skb_cb *)skb->cb;
}

static inline struct edutcp_sock *edutcp_sk(const struct sock *sk)
{
	return container_of(inet_sk(sk), struct edutcp_sock, inet);
}

static inline struct sock *edutcp_to_sock(struct edutcp_sock *esk)
{
	return &esk->inet.sk;
}

/* The core's clock: milliseconds, wraps after 49 days. */
static inline u32 edutcp_now(void)
{
	return (u32)ktime_to_ms(ktime_get());
}

/* An instant of the core's clock, as jiffies; never too early. */
static inline unsigned long edutcp_jiffies(u32 now, u32 deadline)
{
	s32 ms = deadline - now;

	return jiffies + (ms > 0 ? msecs_to_jiffies(ms) + 1 : 0);
}

/* family.c */
extern struct proto edutcp_prot;
extern unsigned int edutcp_net_id;
struct edutcp_net *edutcp_pernet(const struct net *net);
void edutcp_destroy_sock(struct sock *sk);

/* socket.c, stream.c, sockopt.c */
extern const struct proto_ops edutcp_stream_ops;
int edutcp_sendmsg(struct socket *sock, struct msghdr *msg, size_t size);
int edutcp_recvmsg(struct socket *sock, struct msghdr *msg, size_t size,
		   int flags);
void edutcp_write_space(struct sock *sk);
void edutcp_keepalive(struct sock *sk, int on);
int edutcp_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
		      unsigned int len);
int edutcp_getsockopt(struct socket *sock, int level, int name,
		      char __user *value, int __user *optlen);

/* input.c */
int edutcp_input_init(void);
void edutcp_input_exit(void);
int edutcp_backlog_rcv(struct sock *sk, struct sk_buff *skb);
void edutcp_process(struct sock *sk, struct sk_buff *skb,
		    const struct segment *seg);
void edutcp_process_or_queue(struct sock *sk, struct sk_buff *skb,
			     const struct segment *seg);

/* actions.c */
void edutcp_surroundings(const struct net *net, u32 ts_offset,
			 struct tcb_env *env);
void edutcp_environment(const struct sock *sk, struct tcb_env *env);
void edutcp_note(struct net *net, const struct edutcp_key *key,
		 const struct tcb_actions *actions);
void edutcp_forget_out_of_order(struct edutcp_sock *esk);
void edutcp_carry_out(struct sock *sk, struct sk_buff *skb,
		      const struct tcb_actions *actions);

/* output.c */
void edutcp_push(struct sock *sk, const struct tcb_env *env);
void edutcp_send_bare(struct net *net, const struct sock *sk,
		      const struct edutcp_key *key, const struct segment *seg,
		      struct dst_entry *dst);
void edutcp_write_queue_acked(struct sock *sk, u32 snd_una);
void edutcp_write_queue_purge(struct sock *sk);

/* challenge.c */
u32 edutcp_challenges_left(struct edutcp_net *en);
void edutcp_challenge_sent(struct edutcp_net *en);

/* timer.c */
void edutcp_timer_init(struct sock *sk);
void edutcp_timer_set(struct sock *sk, unsigned long expires);
void edutcp_timer_rearm(struct sock *sk, const struct tcb_env *env);
void edutcp_release_cb(struct sock *sk);

/* listen.c */
int edutcp_listen(struct socket *sock, int backlog);
void edutcp_listen_stop(struct sock *sk);
void edutcp_listen_segment(struct sock *sk, struct sk_buff *skb,
			   const struct segment *seg);
int edutcp_accept(struct socket *sock, struct socket *newsock, int flags);

/* request.c */
int edutcp_request_init(void);
void edutcp_request_exit(void);
void edutcp_request_syn(struct sock *sk, const struct edutcp_key *key,
			const struct segment *seg, u32 reopen_iss);
bool edutcp_request_segment(struct edutcp_request *request,
			    const struct segment *seg);
void edutcp_request_accepted(struct edutcp_request *request, struct sock *child);
void edutcp_request_timers(struct sock *sk);
void edutcp_request_kill_all(struct sock *sk);

/* timewait.c */
int edutcp_timewait_init(void);
void edutcp_timewait_exit(void);
bool edutcp_timewait_enter(struct sock *sk, const struct tcb_env *env);
bool edutcp_timewait_segment(struct edutcp_timewait *tw,
			     const struct segment *seg, bool listening,
			     u32 *reopen_iss);
void edutcp_timewait_purge(struct net *net, struct edutcp_table *table);

/* table.c */
void edutcp_table_init(void);
int edutcp_table_get(struct net *net);
void edutcp_table_free(struct edutcp_table *table);
int edutcp_table_insert(struct net *net, struct edutcp_entry *entry);
void edutcp_table_replace(struct net *net, struct edutcp_entry *old,
			  struct edutcp_entry *new);
bool edutcp_table_remove(struct net *net, struct edutcp_entry *entry);
struct edutcp_entry *edutcp_table_find(struct net *net,
				       const struct edutcp_key *key);
struct edutcp_entry *edutcp_table_find_listener(struct net *net,
						const struct edutcp_key *key,
						int device);
unsigned int edutcp_table_chains(const struct edutcp_table *table);
struct hlist_nulls_head *edutcp_table_chain(struct edutcp_table *table,
					    unsigned int chain);
bool edutcp_table_strayed(const struct edutcp_table *table,
			  const struct hlist_nulls_head *head,
			  const struct hlist_nulls_node *end);

/* port.c */
int edutcp_port_init(void);
void edutcp_port_exit(void);
void edutcp_port_net_init(struct edutcp_net *en);
void edutcp_port_flush(void);
void edutcp_port_settle(struct net *net);
int edutcp_port_bind(struct sock *sk, __be32 addr, u16 number);
int edutcp_port_listen(struct sock *sk);
void edutcp_port_inherit(struct sock *sk, struct sock *listener);
struct edutcp_port *edutcp_port_to_timewait(struct sock *sk);
void edutcp_port_idle(struct sock *sk);
void edutcp_port_release(struct sock *sk);
void edutcp_port_put_timewait(struct net *net, struct edutcp_port *port);
bool edutcp_port_is_bound(struct net *net, u16 number);

/* ipv4.c */
int edutcp_v4_connect(struct sock *sk, const struct sockaddr_in *to);
void edutcp_v4_connected(struct sock *sk, const struct edutcp_key *key,
			 struct dst_entry *dst);
struct dst_entry *edutcp_v4_route(struct net *net, const struct sock *sk,
				  const struct edutcp_key *key);
struct dst_entry *edutcp_v4_connected_route(struct sock *sk);
void edutcp_v4_send(struct sk_buff *skb, struct net *net, const struct sock *sk,
		    const struct edutcp_key *key, struct dst_entry *dst);
void edutcp_v4_checksum(struct sk_buff *skb, const struct edutcp_key *key);
void edutcp_v4_open(const struct sock *sk, const struct edutcp_key *key,
		    const struct dst_entry *dst, struct tcb_open *open);
void edutcp_v4_report(struct sock *sk, int err);
int edutcp_v4_error(struct sk_buff *skb, u32 info);
void edutcp_v4_key_of(const struct sk_buff *skb, struct edutcp_key *key);

/* isn.c */
u32 edutcp_isn(const struct net *net, const struct edutcp_key *key);
u32 edutcp_ts_offset(const struct edutcp_key *key);
u32 edutcp_port_offset(const struct edutcp_key *key);

/* proc.c, sysctl.c */
int edutcp_proc_init(void);
void edutcp_proc_exit(void);
int edutcp_proc_net_init(struct net *net);
void edutcp_proc_net_exit(struct net *net);
int edutcp_sysctl_net_init(struct net *net);
void edutcp_sysctl_net_exit(struct net *net);

#endif
