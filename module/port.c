// SPDX-License-Identifier: GPL-2.0
/*
 * Who is bound to which port.
 *
 * edutcp shares the ports of a host with the stock stack. Each (namespace,
 * address, port) that is bound here is held there by one stock socket that is
 * bound and never listens: its "reservation". So whoever comes second, on
 * either side, gets EADDRINUSE, and the stock stack's rules of who may bind
 * what (local addresses, privileged ports) hold here too.
 *
 * A struct edutcp_port lives from the first binding to the last, counted in
 * users: one for each socket bound to it and one for each TIME-WAIT entry. Its
 * reservations live as long as it does.
 *
 * Lock: edutcp_net.port_lock, for all that is in this file. It is taken from
 * softirq, where sockets die. Making a reservation sleeps; edutcp_net.
 * port_mutex keeps others from making the same one. Giving one back sleeps as
 * well, so it is left to a work queue.
 *
 * Connections with a port from edutcp's own range (net.edutcp.
 * ip_local_port_range, disjoint from the stock stack's) are not bound: their
 * four numbers need only be unique in the table of connections.
 */

#include <linux/workqueue.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>

#include "compat.h"
#include "edutcp.h"

static struct workqueue_struct *port_queue;

/* A stock socket that holds an address and a port. */
struct edutcp_reservation {
	struct list_head node;
	struct socket *sock;
	__be32 addr;
};

/**
 * struct edutcp_port - a port somebody is bound to
 * @node: in edutcp_net.ports, while it has users
 * @number: the port, host byte order
 * @users: bindings and TIME-WAIT entries
 * @timewaits: of these, the TIME-WAIT entries
 * @bindings: struct edutcp_binding
 * @reservations: struct edutcp_reservation
 * @pending: counts those on their way out
 * @release: gives the reservations back
 */
struct edutcp_port {
	struct hlist_node node;
	u16 number;
	unsigned int users;
	unsigned int timewaits;
	struct list_head bindings;
	struct list_head reservations;
	atomic_t *pending;
	struct work_struct release;
};

/**
 * edutcp_port_init() - once, when the module is loaded
 *
 * Return: 0 or -ENOMEM.
 */
int edutcp_port_init(void)
{
	port_queue = alloc_workqueue("edutcp_ports", WQ_UNBOUND, 0);
	return port_queue ? 0 : -ENOMEM;
}

/**
 * edutcp_port_exit() - once, when the module is unloaded
 */
void edutcp_port_exit(void)
{
	destroy_workqueue(port_queue);
}

/**
 * edutcp_port_flush() - wait until all reservations are back
 *
 * Context: process.
 */
void edutcp_port_flush(void)
{
	flush_workqueue(port_queue);
}

/**
 * edutcp_port_settle() - see to it that ports that were given up are free
 * @net: the namespace
 *
 * Context: process.
 */
void edutcp_port_settle(struct net *net)
{
	if (atomic_read(&edutcp_pernet(net)->ports_going))
		edutcp_port_flush();
}

/**
 * edutcp_port_net_init() - prepare a namespace
 * @en: our part of it
 */
void edutcp_port_net_init(struct edutcp_net *en)
{
	unsigned int i;

	mutex_init(&en->port_mutex);
	spin_lock_init(&en->port_lock);
	for (i = 0; i < ARRAY_SIZE(en->ports); i++)
		INIT_HLIST_HEAD(&en->ports[i]);
}

static struct hlist_head *port_chain(struct edutcp_net *en, u16 number)
{
	return &en->ports[number % ARRAY_SIZE(en->ports)];
}

static struct edutcp_port *find_port(struct edutcp_net *en, u16 number)
{
	struct edutcp_port *port;

	hlist_for_each_entry(port, port_chain(en, number), node)
		if (port->number == number)
			return port;
	return NULL;
}

static void release_reservations(struct edutcp_port *port)
{
	struct edutcp_reservation *reservation, *next;

	list_for_each_entry_safe(reservation, next, &port->reservations, node) {
		sock_release(reservation->sock);
		kfree(reservation);
	}
}

static void release_port(struct work_struct *work)
{
	struct edutcp_port *port = container_of(work, struct edutcp_port,
						release);
	atomic_t *pending = port->pending;

	release_reservations(port);
	kfree(port);
	atomic_dec(pending);
}

static struct edutcp_port *new_port(struct edutcp_net *en)
{
	struct edutcp_port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	if (!port)
		return NULL;
	INIT_LIST_HEAD(&port->bindings);
	INIT_LIST_HEAD(&port->reservations);
	INIT_WORK(&port->release, release_port);
	port->pending = &en->ports_going;
	return port;
}

/* Under port_lock. */
static void put_port(struct edutcp_port *port)
{
	if (--port->users)
		return;
	hlist_del(&port->node);
	atomic_inc(port->pending);
	queue_work(port_queue, &port->release);
}

static bool overlap(__be32 a, __be32 b)
{
	return a == b || a == htonl(INADDR_ANY) || b == htonl(INADDR_ANY);
}

/*
 * May @binding stand beside those that are there? As in Linux: two may share
 * address and port if both said SO_REUSEADDR and neither listens.
 */
static bool conflicts(const struct edutcp_port *port,
		      const struct edutcp_binding *binding)
{
	const struct edutcp_binding *other;

	if (port->timewaits && !binding->reuse)
		return true;
	list_for_each_entry(other, &port->bindings, node) {
		if (other == binding || !overlap(other->addr, binding->addr))
			continue;
		if (!other->reuse || !binding->reuse || other->listening)
			return true;
	}
	return false;
}

static void let_overlap(struct edutcp_port *port, unsigned char reuse)
{
	struct edutcp_reservation *reservation;

	list_for_each_entry(reservation, &port->reservations, node)
		reservation->sock->sk->sk_reuse = reuse;
}

/*
 * Hold @addr and @number, or any port if that is 0, in the stock stack. @reuse
 * is what the user said by SO_REUSEADDR: it holds for the moment of binding
 * (stock connections in TIME-WAIT, say, do not matter then); afterwards nobody
 * over there shares the port.
 *
 * Where this port has a reservation already for an address that overlaps, the
 * two must not get in each other's way: both are made reusable for the moment.
 */
static int reserve(struct net *net, struct edutcp_port *port, __be32 addr,
		   unsigned char reuse, u16 *number)
{
	struct edutcp_reservation *reservation;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = addr,
		.sin_port = htons(*number),
	};
	int err;

	list_for_each_entry(reservation, &port->reservations, node)
		if (reservation->addr == addr)
			return 0;

	reservation = kzalloc(sizeof(*reservation), GFP_KERNEL);
	if (!reservation)
		return -ENOMEM;
	reservation->addr = addr;
	err = sock_create_kern(net, AF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &reservation->sock);
	if (err)
		goto free;

	if (!list_empty(&port->reservations)) {
		let_overlap(port, SK_CAN_REUSE);
		reuse = SK_CAN_REUSE;
	}
	reservation->sock->sk->sk_reuse = reuse;
	err = kernel_bind(reservation->sock, (struct sockaddr_unsized *)&sin,
			  sizeof(sin));
	let_overlap(port, SK_NO_REUSE);
	reservation->sock->sk->sk_reuse = SK_NO_REUSE;
	if (err)
		goto release;
	/* Else the stock stack would remember that all here may be shared. */
	inet_csk(reservation->sock->sk)->icsk_bind_hash->fastreuse = 0;

	*number = inet_sk(reservation->sock->sk)->inet_num;
	list_add(&reservation->node, &port->reservations);
	return 0;

release:
	sock_release(reservation->sock);
free:
	kfree(reservation);
	return err;
}

/**
 * edutcp_port_bind() - bind a socket to an address and a port
 * @sk: a socket that is not bound
 * @addr: address, network byte order; 0 for all
 * @number: port, host byte order; 0 for any
 *
 * Context: process, @sk locked. Sets inet_num and inet_sport.
 *
 * Return: 0, -EADDRINUSE, -EADDRNOTAVAIL (no local address), -EACCES
 * (privileged port), -ENOMEM.
 */
int edutcp_port_bind(struct sock *sk, __be32 addr, u16 number)
{
	struct net *net = sock_net(sk);
	struct edutcp_net *en = edutcp_pernet(net);
	struct edutcp_binding *binding = &edutcp_sk(sk)->binding;
	struct edutcp_port *fresh = new_port(en);
	struct edutcp_port *port = NULL;
	int err;

	if (!fresh)
		return -ENOMEM;
	binding->addr = addr;
	binding->reuse = sk->sk_reuse;
	binding->listening = false;

	mutex_lock(&en->port_mutex);

	/* Hold an existing port while we sleep. */
	spin_lock_bh(&en->port_lock);
	if (number)
		port = find_port(en, number);
	err = port && conflicts(port, binding) ? -EADDRINUSE : 0;
	if (err)
		port = NULL;
	else if (port)
		port->users++;
	spin_unlock_bh(&en->port_lock);
	if (err)
		goto unlock;

	edutcp_port_settle(net);	/* it may be our own, on its way back */
	err = reserve(net, port ?: fresh, addr, sk->sk_reuse, &number);

	spin_lock_bh(&en->port_lock);
	if (err) {
		if (port)
			put_port(port);
	} else {
		if (!port) {
			port = fresh;
			fresh = NULL;
			port->number = number;
			port->users = 1;
			hlist_add_head(&port->node, port_chain(en, number));
		}
		binding->port = port;
		list_add(&binding->node, &port->bindings);
		inet_sk(sk)->inet_num = number;
		inet_sk(sk)->inet_sport = htons(number);
	}
	spin_unlock_bh(&en->port_lock);
unlock:
	mutex_unlock(&en->port_mutex);
	kfree(fresh);
	return err;
}

/**
 * edutcp_port_listen() - from now on the socket listens on its port
 * @sk: a bound socket
 *
 * Context: process, @sk locked.
 *
 * Return: 0, or -EADDRINUSE if another listens.
 */
int edutcp_port_listen(struct sock *sk)
{
	struct edutcp_net *en = edutcp_pernet(sock_net(sk));
	struct edutcp_binding *binding = &edutcp_sk(sk)->binding;
	int err = 0;

	spin_lock_bh(&en->port_lock);
	if (conflicts(binding->port, binding))
		err = -EADDRINUSE;
	else
		binding->listening = true;
	spin_unlock_bh(&en->port_lock);
	return err;
}

/**
 * edutcp_port_inherit() - a listener's new connection shares its port
 * @sk: the connection
 * @listener: locked
 *
 * Context: softirq.
 */
void edutcp_port_inherit(struct sock *sk, struct sock *listener)
{
	struct edutcp_net *en = edutcp_pernet(sock_net(sk));
	struct edutcp_binding *binding = &edutcp_sk(sk)->binding;

	*binding = edutcp_sk(listener)->binding;
	binding->listening = false;
	binding->addr = edutcp_sk(sk)->entry.key.local_addr;

	spin_lock_bh(&en->port_lock);
	binding->port->users++;
	list_add(&binding->node, &binding->port->bindings);
	spin_unlock_bh(&en->port_lock);
}

/**
 * edutcp_port_to_timewait() - a TIME-WAIT entry takes a share in the port
 * @sk: the connection
 *
 * Context: any.
 *
 * Return: the port, or NULL if @sk is bound to none.
 */
struct edutcp_port *edutcp_port_to_timewait(struct sock *sk)
{
	struct edutcp_net *en = edutcp_pernet(sock_net(sk));
	struct edutcp_port *port = edutcp_sk(sk)->binding.port;

	if (!port)
		return NULL;
	spin_lock_bh(&en->port_lock);
	port->users++;
	port->timewaits++;
	spin_unlock_bh(&en->port_lock);
	return port;
}

/**
 * edutcp_port_put_timewait() - a TIME-WAIT entry gives up its share
 * @net: the namespace
 * @port: the port, or NULL
 *
 * Context: any.
 */
void edutcp_port_put_timewait(struct net *net, struct edutcp_port *port)
{
	struct edutcp_net *en = edutcp_pernet(net);

	if (!port)
		return;
	spin_lock_bh(&en->port_lock);
	port->timewaits--;
	put_port(port);
	spin_unlock_bh(&en->port_lock);
}

/**
 * edutcp_port_idle() - the socket's connection is over, or it listens no more
 * @sk: a socket, bound or not
 *
 * What bind() has taken stays taken until close().
 *
 * Context: any; @sk locked.
 */
void edutcp_port_idle(struct sock *sk)
{
	struct edutcp_net *en = edutcp_pernet(sock_net(sk));

	if (sock_flag(sk, SOCK_DEAD) ||
	    !(sk->sk_userlocks & SOCK_BINDPORT_LOCK)) {
		edutcp_port_release(sk);
		return;
	}
	spin_lock_bh(&en->port_lock);
	edutcp_sk(sk)->binding.listening = false;
	spin_unlock_bh(&en->port_lock);
}

/**
 * edutcp_port_release() - a socket is no longer bound
 * @sk: a socket, bound or not
 *
 * Context: any; @sk locked.
 */
void edutcp_port_release(struct sock *sk)
{
	struct edutcp_net *en = edutcp_pernet(sock_net(sk));
	struct edutcp_binding *binding = &edutcp_sk(sk)->binding;

	inet_sk(sk)->inet_num = 0;
	if (!binding->port)
		return;
	spin_lock_bh(&en->port_lock);
	list_del(&binding->node);
	put_port(binding->port);
	spin_unlock_bh(&en->port_lock);
	binding->port = NULL;
}

/**
 * edutcp_port_is_bound() - is anybody bound to this port?
 * @net: the namespace
 * @number: port, host byte order
 *
 * Context: any.
 *
 * Return: true if a socket or a TIME-WAIT entry of ours holds it.
 */
bool edutcp_port_is_bound(struct net *net, u16 number)
{
	struct edutcp_net *en = edutcp_pernet(net);
	bool bound;

	spin_lock_bh(&en->port_lock);
	bound = find_port(en, number);
	spin_unlock_bh(&en->port_lock);
	return bound;
}
