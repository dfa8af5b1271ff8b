// SPDX-License-Identifier: GPL-2.0
/*
 * connect(): what it returns, at once or later: as with the stock stack.
 */

#include "sock_common.h"

SAME(connect_bad_address)
{
	struct sockaddr_in sin = address(LOCALHOST, PORT);
	struct sockaddr *sa = (struct sockaddr *)&sin;
	int fd = new_socket(r, 0);

	TRY(r, connect(fd, sa, 0));
	TRY(r, connect(fd, sa, 1));
	TRY(r, connect(fd, sa, 2));
	TRY(r, connect(fd, sa, 15));
	TRY(r, connect(fd, (void *)8, 16));
	TRY(r, connect(fd, sa, 1000));
	sin.sin_family = AF_INET6;
	TRY(r, connect(fd, sa, sizeof(sin)));
	TRY(r, connect(fd, sa, 8));
	sin.sin_family = 19;
	TRY(r, connect(fd, sa, sizeof(sin)));
	NAMES(r, fd);
	LOOK(r, fd);
}

/* After an error a socket may try the next address. */
SAME(connect_where)
{
	static const char * const hosts[] = {
		LOCALHOST, "0.0.0.0", "127.0.0.9", "127.255.255.255",
		"255.255.255.255", "224.0.0.1", "10.1.2.3", "240.0.0.1",
	};
	struct pair p = new_pair(r);
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		note(r, "%s", hosts[i]);
		fd = new_socket(r, 0);
		TRY(r, connect_to(fd, hosts[i], PORT + 1));
		NAMES(r, fd);
		LOOK(r, fd);
		SO_ERROR_OF(r, fd);
		TRY(r, connect_to(fd, hosts[i], 0));
		TRY(r, connect_to(fd, LOCALHOST, PORT));
		NAMES(r, fd);
		close(fd);
		close(accept(p.listener, NULL, NULL));
	}
	fd = new_socket(r, 0);
	TRY(r, connect_to(fd, "0.0.0.0", PORT));
	NAMES(r, fd);
}

SAME(connect_by_bad_routes)
{
	int fd = new_socket(r, 0);

	if (system("ip route add unreachable 10.1.0.0/24") ||
	    system("ip route add prohibit 10.2.0.0/24") ||
	    system("ip route add blackhole 10.3.0.0/24")) {
		strcpy(r->skip, "no ip command");
		return;
	}
	TRY(r, connect_to(fd, "10.1.0.1", PORT));
	TRY(r, connect_to(fd, "10.2.0.1", PORT));
	TRY(r, connect_to(fd, "10.3.0.1", PORT));
	TRY(r, connect_to(fd, "10.4.0.1", PORT));
	NAMES(r, fd);
}

SAME(connect_refused)
{
	int fd = new_socket(r, 0);
	char word[10];

	TRY(r, connect_to(fd, LOCALHOST, PORT));
	NAMES(r, fd);
	SO_ERROR_OF(r, fd);
	LOOK(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	TRY(r, send(fd, WORD, 10, 0));
	TRY(r, shutdown(fd, SHUT_RDWR));
	TRY(r, listen(fd, 1));
	NAMES(r, fd);
	close(fd);

	note(r, "bound");
	fd = new_socket(r, 0);
	TRY(r, bind_to(fd, LOCALHOST, PORT + 1));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	NAMES(r, fd);
	new_listener(r, LOCALHOST, PORT, 1);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	NAMES(r, fd);
}

SAME(connect_refused_without_waiting)
{
	int fd = new_socket(r, SOCK_NONBLOCK);
	char word[10];

	TRY(r, connect_to(fd, LOCALHOST, PORT));
	LOOK(r, fd);
	NAMES(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	SO_ERROR_OF(r, fd);
	LOOK(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	LOOK(r, fd);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	LOOK(r, fd);
	SO_ERROR_OF(r, fd);
	SO_ERROR_OF(r, fd);
	LOOK(r, fd);

	note(r, "the error goes to connect()");
	fd = new_socket(r, SOCK_NONBLOCK);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	pause_ms(SETTLE_MS);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	SO_ERROR_OF(r, fd);

	note(r, "the error goes to send()");
	fd = new_socket(r, SOCK_NONBLOCK);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	pause_ms(SETTLE_MS);
	TRY(r, send(fd, WORD, 10, 0));
	TRY(r, send(fd, WORD, 10, 0));
	SO_ERROR_OF(r, fd);
}

SAME(connect_without_waiting)
{
	int listener = new_listener(r, LOCALHOST, PORT, 5);
	int fd = new_socket(r, SOCK_NONBLOCK);

	TRY(r, connect_to(fd, LOCALHOST, PORT));
	LOOK(r, fd);
	SO_ERROR_OF(r, fd);
	NAMES(r, fd);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	TRY(r, connect_to(fd, LOCALHOST, PORT + 1));
	TRY(r, listen(fd, 1));
	TRY_FD(r, accept(fd, NULL, NULL));
	TRY_FD(r, accept(listener, NULL, NULL));
}

SAME(connect_again)
{
	struct pair p = new_pair(r);

	TRY(r, connect_to(p.client, LOCALHOST, PORT));
	TRY(r, connect_to(p.server, LOCALHOST, PORT));
	TRY(r, connect_to(p.listener, LOCALHOST, PORT));
	TRY(r, listen(p.client, 1));
	TRY(r, listen(p.server, 1));
	shutdown(p.client, SHUT_WR);
	TRY(r, connect_to(p.client, LOCALHOST, PORT));
	shutdown(p.server, SHUT_WR);
	pause_ms(SETTLE_MS);
	TRY(r, connect_to(p.client, LOCALHOST, PORT));
	TRY(r, connect_to(p.server, LOCALHOST, PORT));
}

SAME(connect_into_nothing)
{
	struct sockaddr_in sin = address(NOWHERE, PORT);
	int fd;
	char word[10];

	if (!set_up_black_hole(r))
		return;
	fd = new_socket(r, SOCK_NONBLOCK);
	TRY(r, connect_to(fd, NOWHERE, PORT));
	TRY(r, connect_to(fd, NOWHERE, PORT));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	TRY(r, connect(fd, (struct sockaddr *)&sin, 3));
	LOOK(r, fd);
	NAMES(r, fd);
	SO_ERROR_OF(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	TRY(r, send(fd, WORD, 10, 0));
	TRY(r, listen(fd, 1));
	TRY(r, bind_to(fd, LOCALHOST, PORT));
	TRY_FD(r, accept(fd, NULL, NULL));
	TRY(r, shutdown(fd, SHUT_WR));
	LOOK(r, fd);
	NAMES(r, fd);
	SO_ERROR_OF(r, fd);
	TRY(r, send(fd, WORD, 10, 0));
	TRY(r, recv(fd, word, 10, 0));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	close(fd);

	note(r, "SHUT_RD");
	fd = new_socket(r, SOCK_NONBLOCK);
	TRY(r, connect_to(fd, NOWHERE, PORT));
	TRY(r, shutdown(fd, SHUT_RD));
	LOOK(r, fd);
	NAMES(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	close(fd);

	note(r, "SHUT_RDWR");
	fd = new_socket(r, SOCK_NONBLOCK);
	TRY(r, connect_to(fd, NOWHERE, PORT));
	TRY(r, shutdown(fd, SHUT_RDWR));
	LOOK(r, fd);
	NAMES(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	close(fd);

	note(r, "AF_UNSPEC");
	fd = new_socket(r, SOCK_NONBLOCK);
	TRY(r, connect_to(fd, NOWHERE, PORT));
	TRY(r, disconnect(fd));
	LOOK(r, fd);
	NAMES(r, fd);
	SO_ERROR_OF(r, fd);
	new_listener(r, LOCALHOST, PORT, 1);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
}

SAME(connect_times_out)
{
	int fd, waiting;
	char word[10];

	if (!set_up_black_hole(r))
		return;
	/* Both: one second, then two. */
	set_sysctl("ipv4/tcp_syn_retries", "1");
	set_sysctl("edutcp/syn_retries", "1");
	fd = new_socket(r, 0);
	waiting = new_socket(r, SOCK_NONBLOCK);
	TRY(r, connect_to(waiting, NOWHERE, PORT));
	TRY(r, connect_to(fd, NOWHERE, PORT));
	SO_ERROR_OF(r, fd);
	LOOK(r, fd);
	NAMES(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	new_listener(r, LOCALHOST, PORT, 1);
	TRY(r, connect_to(fd, LOCALHOST, PORT));

	pause_ms(300);
	LOOK(r, waiting);
	TRY(r, recv(waiting, word, 10, 0));
	TRY(r, recv(waiting, word, 10, 0));
	LOOK(r, waiting);
	SO_ERROR_OF(r, waiting);
}

/* Who has called bind() holds the port until close(). */
SAME(connect_refused_keeps_port)
{
	int fd = new_socket(r, 0);
	int other = new_socket(r, 0);
	struct pair p;

	TRY(r, bind_to(fd, LOCALHOST, PORT + 1));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	TRY(r, bind_to(other, LOCALHOST, PORT + 1));
	close(fd);
	TRY(r, bind_to(other, LOCALHOST, PORT + 1));

	note(r, "after a reset");
	p = new_pair(r);
	fd = new_socket(r, 0);
	TRY(r, bind_to(fd, LOCALHOST, PORT + 2));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	close_hard(accept(p.listener, NULL, NULL));
	pause_ms(SETTLE_MS);
	NAMES(r, fd);
	other = new_socket(r, 0);
	TRY(r, bind_to(other, LOCALHOST, PORT + 2));
	TRY(r, disconnect(fd));
	NAMES(r, fd);
	TRY(r, bind_to(other, LOCALHOST, PORT + 2));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
}

SAME(connect_to_oneself)
{
	int fd = new_socket(r, 0);
	char word[11] = "";

	TRY(r, bind_to(fd, LOCALHOST, PORT));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	NAMES(r, fd);
	LOOK(r, fd);
	TRY(r, send(fd, WORD, 10, 0));
	TRY(r, recv(fd, word, 10, 0));
	note(r, "%s", word);
	TRY(r, shutdown(fd, SHUT_WR));
	TRY(r, recv(fd, word, 10, 0));
	LOOK(r, fd);
	NAMES(r, fd);
}

SAME(connect_from_bound_port)
{
	struct pair p = new_pair(r);
	int a = new_socket(r, 0);
	int b = new_socket(r, 0);

	set_option(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(b, SOL_SOCKET, SO_REUSEADDR, 1);
	TRY(r, bind_to(a, LOCALHOST, PORT + 1));
	TRY(r, bind_to(b, LOCALHOST, PORT + 1));
	TRY(r, connect_to(a, LOCALHOST, PORT));
	TRY(r, connect_to(b, LOCALHOST, PORT));
	NAMES(r, a);
	NAMES(r, b);
	new_listener(r, "127.0.0.2", PORT, 1);
	TRY(r, connect_to(b, "127.0.0.2", PORT));
	NAMES(r, b);
	close(accept(p.listener, NULL, NULL));
	TRY(r, disconnect(b));
	NAMES(r, b);
}

/* With few ports there are few connections to one peer. */
SAME(connect_without_free_ports)
{
	int listener, other, fd, last = -1;

	listener = new_listener(r, LOCALHOST, PORT, 10);
	other = new_listener(r, "127.0.0.2", PORT, 10);
	if (set_sysctl("ipv4/ip_local_port_range", "20000 20003") ||
	    set_sysctl("edutcp/ip_local_port_range", "20000 20003"))
		give_up(r, "set the range of ports");
	/* How many depends on the order in which a stack tries them. */
	for (;;) {
		fd = new_socket(r, 0);
		if (connect_to(fd, LOCALHOST, PORT))
			break;
		last = fd;
	}
	note(r, "%s", strerrorname_np(errno));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	NAMES(r, fd);
	LOOK(r, fd);
	SO_ERROR_OF(r, fd);
	note(r, "to another peer");
	TRY(r, connect_to(fd, "127.0.0.2", PORT));
	TRY_FD(r, accept(other, NULL, NULL));
	note(r, "when one is free again");
	close_hard(last);
	pause_ms(SETTLE_MS);
	fd = new_socket(r, 0);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	TRY_FD(r, accept(listener, NULL, NULL));
}

TEST_F(own_network, every_port_of_the_range)
{
	struct run r = { .family = AF_EDUTCP };
	int fd, i;

	new_listener(&r, LOCALHOST, PORT, 10);
	ASSERT_EQ(0, set_sysctl("edutcp/ip_local_port_range", "20000 20002"));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, connect_to(new_socket(&r, 0), LOCALHOST, PORT));
	fd = new_socket(&r, 0);
	EXPECT_EQ(-1, connect_to(fd, LOCALHOST, PORT));
	EXPECT_EQ(EADDRNOTAVAIL, errno);
}

SAME(disconnect_and_connect_again)
{
	struct pair p = new_pair(r);
	char word[10];

	send(p.server, WORD, 10, 0);
	pause_ms(SETTLE_MS);
	TRY(r, disconnect(p.client));
	NAMES(r, p.client);
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	LOOK(r, p.server);
	TRY(r, recv(p.server, word, 10, 0));
	TRY(r, recv(p.server, word, 10, 0));
	TRY(r, disconnect(p.client));
	TRY(r, disconnect(p.server));

	TRY(r, connect_to(p.client, LOCALHOST, PORT));
	close(p.server);
	p.server = accept(p.listener, NULL, NULL);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, recv(p.server, word, 10, MSG_WAITALL));

	note(r, "a listener");
	TRY(r, disconnect(p.listener));
	LOOK(r, p.listener);
	NAMES(r, p.listener);
	TRY(r, get_option(p.listener, SOL_SOCKET, SO_ACCEPTCONN));
	TRY_FD(r, accept(p.listener, NULL, NULL));
	TRY(r, listen(p.listener, 1));
	NAMES(r, p.listener);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, recv(p.server, word, 10, MSG_WAITALL));
}

TEST_HARNESS_MAIN
