// SPDX-License-Identifier: GPL-2.0
/*
 * AF_EDUTCP: the family, its sockets' birth and death, and the module's.
 *
 * A socket has one reference from its owner: the user's file descriptor, or
 * the accept queue it waits in. It is given up by edutcp_destroy_sock(), when
 * both the owner has let go (SOCK_DEAD) and the connection is CLOSED,
 * whichever comes last. A running timer holds another.
 */

#include <linux/module.h>
#include <net/netns/generic.h>
#include <net/inet_common.h>
#include <net/tcp_states.h>
#include <net/xfrm.h>

#include "edutcp.h"

unsigned int edutcp_net_id __read_mostly;

/* Memory of all sockets, in pages, as net.ipv4.tcp_mem has it. */
static atomic_long_t memory_allocated;
static DEFINE_PER_CPU(int, memory_per_cpu);
static struct percpu_counter sockets_allocated;
static unsigned long memory_pressure;
static long memory_limits[3];
/* Under pressure a socket may still have so much: min, default, max. */
static int memory_per_socket[3] = { PAGE_SIZE, EDUTCP_RCVBUF, EDUTCP_RCVBUF };

static struct lock_class_key slock_key, lock_key;

static void enter_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(memory_pressure, 1);
}

static void leave_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(memory_pressure, 0);
}

struct proto edutcp_prot = {
	.name = "EDUTCP",
	.owner = THIS_MODULE,
	.obj_size = sizeof(struct edutcp_sock),
	.slab_flags = SLAB_ACCOUNT,
	.max_header = MAX_HEADER,
	.backlog_rcv = edutcp_backlog_rcv,
	.release_cb = edutcp_release_cb,
	.keepalive = edutcp_keepalive,
	.enter_memory_pressure = enter_memory_pressure,
	.leave_memory_pressure = leave_memory_pressure,
	.memory_allocated = &memory_allocated,
	.per_cpu_fw_alloc = &memory_per_cpu,
	.sockets_allocated = &sockets_allocated,
	.memory_pressure = &memory_pressure,
	.sysctl_mem = memory_limits,
	.sysctl_rmem = memory_per_socket,
	.sysctl_wmem = memory_per_socket,
};

/**
 * edutcp_pernet() - our part of a network namespace
 * @net: the namespace
 *
 * Return: it; every namespace has one.
 */
struct edutcp_net *edutcp_pernet(const struct net *net)
{
	return net_generic(net, edutcp_net_id);
}

static void destruct(struct sock *sk)
{
	struct edutcp_sock *esk = edutcp_sk(sk);

	WARN_ON_ONCE(!hlist_nulls_unhashed(&esk->entry.node));
	WARN_ON_ONCE(esk->listener || esk->binding.port);
	inet_sock_destruct(sk);
}

/**
 * edutcp_destroy_sock() - the last of a socket's owner and its connection goes
 * @sk: in CLOSED and SOCK_DEAD
 *
 * Context: softirq or process, @sk locked; the caller has a reference of its
 * own.
 */
void edutcp_destroy_sock(struct sock *sk)
{
	edutcp_port_release(sk);
	sk_stream_kill_queues(sk);
	xfrm_sk_free_policy(sk);
	sk_sockets_allocated_dec(sk);
	sock_put(sk);
}

static int create(struct net *net, struct socket *sock, int protocol, int kern)
{
	struct edutcp_sock *esk;
	struct sock *sk;
	int err;

	if (sock->type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (protocol && protocol != IPPROTO_TCP)
		return -EPROTONOSUPPORT;
	err = edutcp_table_get(net);
	if (err)
		return err;

	sock->state = SS_UNCONNECTED;
	sock->ops = &edutcp_stream_ops;
	sk = sk_alloc(net, PF_EDUTCP, GFP_KERNEL, &edutcp_prot, kern);
	if (!sk)
		return -ENOBUFS;
	sock_init_data(sock, sk);
	sock_lock_init_class_and_name(sk, "slock-AF_EDUTCP", &slock_key,
				      "sk_lock-AF_EDUTCP", &lock_key);

	esk = edutcp_sk(sk);
	sk->sk_protocol = IPPROTO_TCP;
	sk->sk_destruct = destruct;
	sk->sk_backlog_rcv = edutcp_prot.backlog_rcv;
	sk->sk_write_space = edutcp_write_space;
	sk->sk_gso_type = SKB_GSO_TCPV4;
	sk->sk_rcvbuf = max_t(int, sk->sk_rcvbuf, EDUTCP_RCVBUF);
	sk->sk_sndbuf = max_t(int, sk->sk_sndbuf, EDUTCP_SNDBUF);
	sock_set_flag(sk, SOCK_RCU_FREE);
	/* Our own wake-ups, not sock_wfree()'s. */
	sock_set_flag(sk, SOCK_USE_WRITE_QUEUE);
	esk->inet.uc_ttl = -1;
	esk->inet.pmtudisc = READ_ONCE(net->ipv4.sysctl_ip_no_pmtu_disc) ?
			     IP_PMTUDISC_DONT : IP_PMTUDISC_WANT;

	tcb_init(&esk->tcb);
	esk->out_of_order = RB_ROOT;
	edutcp_timer_init(sk);
	sk_sockets_allocated_inc(sk);
	return 0;
}

static const struct net_proto_family family = {
	.family = PF_EDUTCP,
	.create = create,
	.owner = THIS_MODULE,
};

static int __net_init net_init(struct net *net)
{
	struct edutcp_net *en = edutcp_pernet(net);
	int err;

	mutex_init(&en->table_mutex);
	edutcp_port_net_init(en);
	en->stats = alloc_percpu(struct edutcp_stats);
	if (!en->stats)
		return -ENOMEM;
	err = inet_ctl_sock_create(&en->control, PF_INET, SOCK_RAW, IPPROTO_TCP,
				   net);
	if (err)
		goto free_stats;
	err = edutcp_sysctl_net_init(net);
	if (err)
		goto destroy_control;
	err = edutcp_proc_net_init(net);
	if (err)
		goto sysctl_exit;
	return 0;

sysctl_exit:
	edutcp_sysctl_net_exit(net);
destroy_control:
	inet_ctl_sock_destroy(en->control);
free_stats:
	free_percpu(en->stats);
	return err;
}

/*
 * From here on segments of this namespace find nobody; a grace period passes
 * before net_exit(). Sockets hold their namespace, so there are none; what is
 * left are TIME-WAIT entries.
 */
static void __net_exit net_pre_exit(struct net *net)
{
	struct edutcp_net *en = edutcp_pernet(net);

	edutcp_proc_net_exit(net);
	edutcp_sysctl_net_exit(net);
	RCU_INIT_POINTER(en->lookup, NULL);
}

static void __net_exit net_exit(struct net *net)
{
	struct edutcp_net *en = edutcp_pernet(net);

	if (en->table)
		edutcp_timewait_purge(net, en->table);
	edutcp_port_flush();
	edutcp_table_free(en->table);
	inet_ctl_sock_destroy(en->control);
	free_percpu(en->stats);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.pre_exit = net_pre_exit,
	.exit = net_exit,
	.id = &edutcp_net_id,
	.size = sizeof(struct edutcp_net),
};

static void check_state_numbers(void)
{
	BUILD_BUG_ON(STATE_ESTABLISHED != (int)TCP_ESTABLISHED);
	BUILD_BUG_ON(STATE_SYN_SENT != (int)TCP_SYN_SENT);
	BUILD_BUG_ON(STATE_SYN_RCVD != (int)TCP_SYN_RECV);
	BUILD_BUG_ON(STATE_FIN_WAIT_1 != (int)TCP_FIN_WAIT1);
	BUILD_BUG_ON(STATE_FIN_WAIT_2 != (int)TCP_FIN_WAIT2);
	BUILD_BUG_ON(STATE_TIME_WAIT != (int)TCP_TIME_WAIT);
	BUILD_BUG_ON(STATE_CLOSED != (int)TCP_CLOSE);
	BUILD_BUG_ON(STATE_CLOSE_WAIT != (int)TCP_CLOSE_WAIT);
	BUILD_BUG_ON(STATE_LAST_ACK != (int)TCP_LAST_ACK);
	BUILD_BUG_ON(STATE_LISTEN != (int)TCP_LISTEN);
	BUILD_BUG_ON(STATE_CLOSING != (int)TCP_CLOSING);
	BUILD_BUG_ON(sizeof(struct tcb) > 64);
	BUILD_BUG_ON(sizeof(struct edutcp_skb_cb) >
		     sizeof_field(struct sk_buff, cb));
}

static int __init edutcp_init(void)
{
	unsigned long pages = nr_free_buffer_pages() / 16;
	int err;

	check_state_numbers();
	edutcp_table_init();
	memory_limits[1] = max(pages, 128UL);
	memory_limits[0] = memory_limits[1] / 4 * 3;
	memory_limits[2] = memory_limits[0] * 2;

	err = percpu_counter_init(&sockets_allocated, 0, GFP_KERNEL);
	if (err)
		return err;
	err = edutcp_request_init();
	if (err)
		goto destroy_counter;
	err = edutcp_timewait_init();
	if (err)
		goto exit_request;
	err = edutcp_port_init();
	if (err)
		goto exit_timewait;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto exit_port;
	err = edutcp_proc_init();
	if (err)
		goto unregister_net;
	err = edutcp_input_init();
	if (err)
		goto exit_proc;
	err = proto_register(&edutcp_prot, 1);
	if (err)
		goto exit_input;
	err = sock_register(&family);
	if (err)
		goto unregister_proto;
	return 0;

unregister_proto:
	proto_unregister(&edutcp_prot);
exit_input:
	edutcp_input_exit();
exit_proc:
	edutcp_proc_exit();
unregister_net:
	unregister_pernet_subsys(&net_ops);
exit_port:
	edutcp_port_exit();
exit_timewait:
	edutcp_timewait_exit();
exit_request:
	edutcp_request_exit();
destroy_counter:
	percpu_counter_destroy(&sockets_allocated);
	return err;
}

/*
 * Sockets hold the module, so there are none. First nobody new, then no
 * segments, then what is left in the namespaces, then what waits for RCU.
 */
static void __exit edutcp_exit(void)
{
	sock_unregister(PF_EDUTCP);
	edutcp_input_exit();
	edutcp_proc_exit();
	unregister_pernet_subsys(&net_ops);
	rcu_barrier();
	proto_unregister(&edutcp_prot);
	edutcp_port_exit();
	edutcp_timewait_exit();
	edutcp_request_exit();
	percpu_counter_destroy(&sockets_allocated);
}

module_init(edutcp_init);
module_exit(edutcp_exit);
MODULE_DESCRIPTION("edutcp: a TCP to learn from");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NETPROTO(PF_EDUTCP);
