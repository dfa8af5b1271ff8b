// SPDX-License-Identifier: GPL-2.0
/*
 * What each call returns, in every state of a socket, when all goes well and
 * when it does not: as from the stock stack.
 */

#include "sock_common.h"

#define WORD "0123456789"

/* ------------------------------------------------------------- socket() */

TEST(socket_takes_streams_only)
{
	static const int others[] = { SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET,
				      SOCK_RDM };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(-1, socket(AF_EDUTCP, others[i], 0));
		EXPECT_EQ(ESOCKTNOSUPPORT, errno);
	}
	EXPECT_EQ(-1, socket(AF_EDUTCP, SOCK_STREAM, IPPROTO_UDP));
	EXPECT_EQ(EPROTONOSUPPORT, errno);
	EXPECT_EQ(-1, socket(AF_EDUTCP, SOCK_STREAM, IPPROTO_SCTP));
	EXPECT_EQ(EPROTONOSUPPORT, errno);
	EXPECT_EQ(-1, socket(AF_EDUTCP, SOCK_STREAM, 255));
	EXPECT_EQ(EPROTONOSUPPORT, errno);
	i = socket(AF_EDUTCP, SOCK_STREAM, 0);
	EXPECT_EQ(AF_EDUTCP, get_option(i, SOL_SOCKET, SO_DOMAIN));
}

SAME(socket_and_its_options)
{
	int pair[2];
	int fd;

	TRY_FD(r, socket(r->family, SOCK_STREAM, 0));
	TRY_FD(r, socket(r->family, SOCK_STREAM, IPPROTO_TCP));
	TRY(r, socket(r->family, SOCK_STREAM, IPPROTO_UDP));
	TRY(r, socketpair(r->family, SOCK_STREAM, 0, pair));

	fd = TRY_FD(r, socket(r->family, SOCK_STREAM | SOCK_NONBLOCK |
			      SOCK_CLOEXEC, 0));
	TRY(r, fcntl(fd, F_GETFL) & O_NONBLOCK);
	TRY(r, fcntl(fd, F_GETFD));
	TRY(r, get_option(fd, SOL_SOCKET, SO_TYPE));
	TRY(r, get_option(fd, SOL_SOCKET, SO_PROTOCOL));
	TRY(r, get_option(fd, SOL_SOCKET, SO_ACCEPTCONN));
	TRY(r, get_option(fd, SOL_SOCKET, SO_REUSEADDR));
	TRY(r, get_option(fd, SOL_SOCKET, SO_KEEPALIVE));
	TRY(r, get_option(fd, SOL_SOCKET, SO_ERROR));
	TRY(r, get_option(fd, SOL_IP, IP_TTL));
	TRY(r, get_option(fd, SOL_IP, IP_TOS));
	TRY(r, set_option(fd, SOL_IP, IP_TOS, 0x10));
	TRY(r, get_option(fd, SOL_IP, IP_TOS));
	TRY(r, set_option(fd, SOL_IP, IP_TTL, 7));
	TRY(r, get_option(fd, SOL_IP, IP_TTL));
	TRY(r, set_option(fd, SOL_IP, IP_TTL, 0));
}

SAME(nodelay)
{
	struct pair p = new_pair(r);
	int fd = new_socket(r, 0);
	socklen_t len;
	int value = 1;
	char octet;

	TRY(r, get_option(fd, IPPROTO_TCP, TCP_NODELAY));
	TRY(r, set_option(fd, IPPROTO_TCP, TCP_NODELAY, 5));
	TRY(r, get_option(fd, IPPROTO_TCP, TCP_NODELAY));
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	TRY(r, get_option(fd, IPPROTO_TCP, TCP_NODELAY));
	TRY(r, set_option(fd, IPPROTO_TCP, TCP_NODELAY, 0));
	TRY(r, get_option(fd, IPPROTO_TCP, TCP_NODELAY));

	/* What goes wrong with any option */
	TRY(r, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 3));
	TRY(r, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 0));
	TRY(r, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (void *)8, 4));
	TRY(r, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, -1));
	TRY(r, setsockopt(fd, IPPROTO_TCP, 1000, &value, 4));
	TRY(r, setsockopt(fd, IPPROTO_UDP, 1, &value, 4));
	TRY(r, setsockopt(fd, 4711, 1, &value, 4));
	TRY(r, (len = 1, getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &octet, &len)));
	TRY(r, (long)len);
	TRY(r, (len = 100, getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len)));
	TRY(r, (long)len);
	TRY(r, (len = -1, getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len)));
	TRY(r, (len = 4, getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (void *)8, &len)));
	TRY(r, getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, (void *)8));
	TRY(r, (len = 4, getsockopt(fd, IPPROTO_TCP, 1000, &value, &len)));
	TRY(r, (len = 4, getsockopt(fd, IPPROTO_UDP, 1, &value, &len)));
	TRY(r, (len = 4, getsockopt(fd, 4711, 1, &value, &len)));

	/* A listener's connections have it as well. */
	TRY(r, set_option(p.listener, IPPROTO_TCP, TCP_NODELAY, 1));
	fd = new_socket(r, 0);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	close(accept(p.listener, NULL, NULL));	/* the first one's */
	fd = accept(p.listener, NULL, NULL);
	TRY(r, get_option(fd, IPPROTO_TCP, TCP_NODELAY));

	note(r, "set before listen()");
	fd = new_socket(r, 0);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	bind_to(fd, LOCALHOST, PORT + 1);
	TRY(r, listen(fd, 1));
	TRY(r, get_option(fd, IPPROTO_TCP, TCP_NODELAY));
	TRY(r, connect_to(new_socket(r, 0), LOCALHOST, PORT + 1));
	fd = accept(fd, NULL, NULL);
	TRY(r, get_option(fd, IPPROTO_TCP, TCP_NODELAY));
	TRY(r, disconnect(fd));
	TRY(r, get_option(fd, IPPROTO_TCP, TCP_NODELAY));
}

/* --------------------------------------------------------------- bind() */

SAME(bind_bad_address)
{
	struct sockaddr_in sin = address(LOCALHOST, PORT);
	struct sockaddr *sa = (struct sockaddr *)&sin;
	struct sockaddr_storage big = { .ss_family = AF_INET };
	int fd = new_socket(r, 0);

	TRY(r, bind(fd, sa, 0));
	TRY(r, bind(fd, sa, 1));
	TRY(r, bind(fd, sa, 2));
	TRY(r, bind(fd, sa, 8));
	TRY(r, bind(fd, sa, 15));
	TRY(r, bind(fd, (void *)8, 16));
	TRY(r, bind(fd, sa, 1000));
	sin.sin_family = AF_INET6;
	TRY(r, bind(fd, sa, sizeof(sin)));
	TRY(r, bind(fd, sa, 8));
	sin.sin_family = AF_UNIX;
	TRY(r, bind(fd, sa, sizeof(sin)));
	sin.sin_family = AF_UNSPEC;
	TRY(r, bind(fd, sa, sizeof(sin)));
	TRY(r, bind_to(fd, "192.0.2.1", PORT));
	NAMES(r, fd);
	TRY(r, bind(fd, (struct sockaddr *)&big, sizeof(big)));
	NAMES(r, fd);
}

/* Linux takes AF_UNSPEC for AF_INET, if the address is 0.0.0.0. */
SAME(bind_unspec)
{
	struct sockaddr_in sin = {
		.sin_family = AF_UNSPEC,
		.sin_port = htons(PORT),
	};
	int fd = new_socket(r, 0);

	TRY(r, bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	NAMES(r, fd);
}

SAME(bind_what_addresses)
{
	static const char * const hosts[] = {
		LOCALHOST, "127.0.0.2", "0.0.0.0", "127.255.255.255",
		"255.255.255.255", "224.0.0.1", "10.1.2.3", "240.0.0.1",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		int fd = new_socket(r, 0);

		note(r, "%s", hosts[i]);
		TRY(r, bind_to(fd, hosts[i], PORT + i));
		NAMES(r, fd);
		TRY(r, bind_to(fd, hosts[i], PORT + i));
		TRY(r, listen(fd, 1));
		close(fd);
	}
}

SAME(bind_when)
{
	struct pair p = new_pair(r);
	int fd = new_socket(r, 0);

	TRY(r, bind_to(fd, "0.0.0.0", 0));
	NAMES(r, fd);
	TRY(r, bind_to(fd, "0.0.0.0", 0));
	TRY(r, bind_to(p.listener, LOCALHOST, PORT + 1));
	TRY(r, bind_to(p.client, LOCALHOST, PORT + 1));
	TRY(r, bind_to(p.server, LOCALHOST, PORT + 1));
	close(p.server);
	pause_ms(SETTLE_MS);
	TRY(r, bind_to(p.client, LOCALHOST, PORT + 1));
}

SAME(bind_privileged_port)
{
	int fd = new_socket(r, 0);

	if (seteuid(65534))
		give_up(r, "become nobody");
	TRY(r, bind_to(fd, "0.0.0.0", 80));
	TRY(r, bind_to(fd, "0.0.0.0", 1023));
	TRY(r, bind_to(fd, "0.0.0.0", 1024));
}

/*
 * Who may stand beside whom at a port: by address, SO_REUSEADDR of either, and
 * whether the first listens. Then whether both may listen.
 */
SAME(reuseaddr)
{
	static const char * const hosts[] = { "0.0.0.0", LOCALHOST, "127.0.0.2" };
	unsigned int i;

	for (i = 0; i < 3 * 3 * 8; i++) {
		const char *a = hosts[i % 3], *b = hosts[i / 3 % 3];
		bool a_reuses = i / 9 & 1, b_reuses = i / 9 & 2;
		bool a_listens = i / 9 & 4;
		int first = new_socket(r, 0);
		int second = new_socket(r, 0);

		set_option(first, SOL_SOCKET, SO_REUSEADDR, a_reuses);
		set_option(second, SOL_SOCKET, SO_REUSEADDR, b_reuses);
		note(r, "%s%s%s, then %s%s", a, a_reuses ? " reuse" : "",
		     a_listens ? " listens" : "", b, b_reuses ? " reuse" : "");
		if (bind_to(first, a, PORT + i))
			give_up(r, "bind the first");
		if (a_listens && listen(first, 1))
			give_up(r, "listen");
		TRY(r, bind_to(second, b, PORT + i));
		TRY(r, listen(second, 1));
		TRY(r, listen(first, 1));
		close(first);
		close(second);
	}
}

SAME(bind_beside_a_connection)
{
	struct pair p = new_pair(r);	/* all with SO_REUSEADDR */
	int fd, again;

	close(p.listener);
	fd = new_socket(r, 0);
	TRY(r, bind_to(fd, LOCALHOST, PORT));
	TRY(r, bind_to(fd, "127.0.0.2", PORT));
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	again = new_socket(r, 0);
	set_option(again, SOL_SOCKET, SO_REUSEADDR, 1);
	TRY(r, bind_to(again, LOCALHOST, PORT));
	TRY(r, listen(again, 1));
	close(again);
	TRY(r, bind_to(fd, LOCALHOST, PORT));
}

SAME(bind_beside_time_wait)
{
	struct pair p = new_pair(r);
	int fd = new_socket(r, 0);

	/* The server closes first, so TIME-WAIT is at PORT. */
	close(p.listener);
	close(p.server);
	pause_ms(SETTLE_MS);
	close(p.client);
	pause_ms(SETTLE_MS);
	TRY(r, bind_to(fd, LOCALHOST, PORT));
	TRY(r, bind_to(fd, "0.0.0.0", PORT));
	TRY(r, set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1));
	TRY(r, bind_to(fd, LOCALHOST, PORT));
	TRY(r, listen(fd, 1));
	p.client = new_socket(r, 0);
	TRY(r, connect_to(p.client, LOCALHOST, PORT));
}

FIXTURE(own_network) {
};

FIXTURE_SETUP(own_network)
{
	struct run r = { };

	(void)self;
	(void)variant;
	set_up_loopback(&r);
	ASSERT_EQ(0, r.lines);
}

FIXTURE_TEARDOWN(own_network)
{
	(void)self;
}

/* A port is held in both stacks, whoever comes first. */
TEST_F(own_network, port_shared_with_stock_stack)
{
	static const char * const hosts[] = { "0.0.0.0", LOCALHOST };
	unsigned int i;

	for (i = 0; i < 16; i++) {
		bool ours_first = i & 1, reuse = i & 2;
		const char *a = hosts[!!(i & 4)], *b = hosts[!!(i & 8)];
		int first = socket(ours_first ? AF_EDUTCP : AF_INET,
				   SOCK_STREAM, 0);
		int second = socket(ours_first ? AF_INET : AF_EDUTCP,
				    SOCK_STREAM, 0);

		set_option(first, SOL_SOCKET, SO_REUSEADDR, reuse);
		set_option(second, SOL_SOCKET, SO_REUSEADDR, reuse);
		ASSERT_EQ(0, bind_to(first, a, PORT + i));
		ASSERT_EQ(0, listen(first, 1));
		EXPECT_EQ(-1, bind_to(second, b, PORT + i))
			TH_LOG("round %u", i);
		EXPECT_EQ(EADDRINUSE, errno);
		close(first);
		EXPECT_EQ(0, bind_to(second, b, PORT + i))
			TH_LOG("round %u: not given back", i);
		close(second);
	}
}

/* What was bound in one family never takes the other's connections. */
TEST_F(own_network, connect_across_the_families)
{
	static const int families[] = { AF_INET, AF_EDUTCP };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		int listener = socket(families[i], SOCK_STREAM, 0);
		int client = socket(families[!i], SOCK_STREAM, 0);
		char word[20];
		int server;

		ASSERT_EQ(0, bind_to(listener, LOCALHOST, PORT));
		ASSERT_EQ(0, listen(listener, 1));
		ASSERT_EQ(0, connect_to(client, LOCALHOST, PORT));
		server = accept(listener, NULL, NULL);
		ASSERT_LE(0, server);
		EXPECT_EQ(10, send(client, WORD, 10, 0));
		EXPECT_EQ(10, recv(server, word, 10, MSG_WAITALL));
		EXPECT_EQ(10, send(server, WORD, 10, 0));
		EXPECT_EQ(10, recv(client, word, 10, MSG_WAITALL));
		close(client);
		EXPECT_EQ(0, recv(server, word, 10, 0));
		close(server);
		close(listener);
	}
}

/* ------------------------------------------------------------ connect() */

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

/* --------------------------------------------------- listen(), accept() */

static int has_port(int fd)
{
	struct sockaddr_in sin = { };
	socklen_t len = sizeof(sin);

	getsockname(fd, (struct sockaddr *)&sin, &len);
	return sin.sin_port != 0;
}

SAME(listen_when)
{
	struct pair p = new_pair(r);
	int fd = new_socket(r, 0);

	TRY(r, get_option(p.listener, SOL_SOCKET, SO_ACCEPTCONN));
	TRY(r, get_option(p.server, SOL_SOCKET, SO_ACCEPTCONN));
	TRY(r, listen(fd, 0));		/* binds it */
	NAMES(r, fd);
	TRY(r, has_port(fd));
	TRY(r, listen(fd, 100));
	TRY(r, listen(fd, -1));
	TRY(r, listen(p.listener, 3));
	TRY(r, listen(p.client, 3));
	TRY(r, listen(p.server, 3));
	shutdown(p.client, SHUT_RDWR);
	TRY(r, listen(p.client, 3));
	close(fd);
}

SAME(accept_when)
{
	struct pair p = new_pair(r);
	int fd = new_socket(r, 0);

	TRY_FD(r, accept(fd, NULL, NULL));
	bind_to(fd, LOCALHOST, PORT + 1);
	TRY_FD(r, accept(fd, NULL, NULL));
	TRY_FD(r, accept(p.client, NULL, NULL));
	TRY_FD(r, accept(p.server, NULL, NULL));
	fcntl(p.listener, F_SETFL, O_NONBLOCK);
	TRY_FD(r, accept(p.listener, NULL, NULL));
	TRY_FD(r, accept4(p.listener, NULL, NULL, 0x40000000));
}

SAME(accept_says_who)
{
	struct pair p = new_pair(r);
	struct sockaddr_in sin = { };
	socklen_t len = sizeof(sin);
	int client, fd;

	client = new_socket(r, 0);
	bind_to(client, "127.0.0.7", PORT + 7);
	TRY(r, connect_to(client, LOCALHOST, PORT));
	fd = TRY_FD(r, accept4(p.listener, (struct sockaddr *)&sin, &len,
			       SOCK_NONBLOCK | SOCK_CLOEXEC));
	note_name(r, "accept4()", 0, &sin, len);
	TRY(r, fcntl(fd, F_GETFL) & O_NONBLOCK);
	TRY(r, fcntl(fd, F_GETFD));
	NAMES(r, fd);
	NAMES(r, client);
	NAMES(r, p.listener);

	note(r, "a short buffer");
	client = new_socket(r, 0);
	bind_to(client, "127.0.0.7", PORT + 8);
	TRY(r, connect_to(client, LOCALHOST, PORT));
	memset(&sin, 0, sizeof(sin));
	len = 4;
	fd = TRY_FD(r, accept(p.listener, (struct sockaddr *)&sin, &len));
	TRY(r, fcntl(fd, F_GETFL) & O_NONBLOCK);
	TRY(r, fcntl(fd, F_GETFD));
	TRY(r, (long)len);
	TRY(r, (long)ntohs(sin.sin_port));
	note(r, "%s", inet_ntoa(sin.sin_addr));
	len = 4;
	memset(&sin, 0, sizeof(sin));
	TRY(r, getsockname(fd, (struct sockaddr *)&sin, &len));
	TRY(r, (long)len);
	len = -1;
	TRY(r, getsockname(fd, (struct sockaddr *)&sin, &len));
	TRY(r, getsockname(fd, (struct sockaddr *)8, &len));
}

/* The listener's options are its connections'. */
SAME(accept_inherits)
{
	struct pair p = new_pair(r);
	int client, fd;

	set_option(p.listener, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(p.listener, SOL_SOCKET, SO_PRIORITY, 3);
	set_option(p.listener, SOL_IP, IP_TTL, 9);
	set_option(p.listener, SOL_SOCKET, SO_RCVLOWAT, 5);
	set_linger(p.listener, 1, 2);
	set_timeout(p.listener, SO_RCVTIMEO, 2000);
	fcntl(p.listener, F_SETFL, O_NONBLOCK);
	client = new_socket(r, 0);
	TRY(r, connect_to(client, LOCALHOST, PORT));
	pause_ms(SETTLE_MS);
	fd = TRY_FD(r, accept(p.listener, NULL, NULL));
	TRY(r, get_option(fd, SOL_SOCKET, SO_KEEPALIVE));
	TRY(r, get_option(fd, SOL_SOCKET, SO_PRIORITY));
	TRY(r, get_option(fd, SOL_SOCKET, SO_REUSEADDR));
	TRY(r, get_option(fd, SOL_SOCKET, SO_RCVLOWAT));
	TRY(r, get_option(fd, SOL_SOCKET, SO_LINGER));
	TRY(r, get_option(fd, SOL_SOCKET, SO_ERROR));
	TRY(r, get_option(fd, SOL_IP, IP_TTL));
	TRY(r, fcntl(fd, F_GETFL) & O_NONBLOCK);
}

SAME(accept_without_descriptors)
{
	struct pair p = new_pair(r);
	int client = new_socket(r, 0);
	struct rlimit limit, none;
	char word[10];
	int fd;

	TRY(r, connect_to(client, LOCALHOST, PORT));
	TRY(r, send(client, WORD, 10, 0));
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = client + 1;
	setrlimit(RLIMIT_NOFILE, &none);
	TRY_FD(r, accept(p.listener, NULL, NULL));
	TRY_FD(r, accept(p.listener, NULL, NULL));
	TRY_FD(r, new_socket(r, 0));
	setrlimit(RLIMIT_NOFILE, &limit);
	LOOK(r, p.listener);
	fd = TRY_FD(r, accept(p.listener, NULL, NULL));
	TRY(r, recv(fd, word, 10, 0));
}

/* The peer has gone again before accept(). */
SAME(accept_what_was_reset)
{
	struct pair p = new_pair(r);
	int client = new_socket(r, 0);
	char word[10];
	int fd;

	TRY(r, connect_to(client, LOCALHOST, PORT));
	pause_ms(SETTLE_MS);
	close_hard(client);
	LOOK(r, p.listener);
	fd = TRY_FD(r, accept(p.listener, NULL, NULL));
	NAMES(r, fd);
	LOOK(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	TRY(r, recv(fd, word, 10, 0));
	close(fd);

	note(r, "closed in order");
	client = new_socket(r, 0);
	TRY(r, connect_to(client, LOCALHOST, PORT));
	TRY(r, send(client, WORD, 10, 0));
	close(client);
	LOOK(r, p.listener);
	fd = TRY_FD(r, accept(p.listener, NULL, NULL));
	NAMES(r, fd);
	LOOK(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	TRY(r, recv(fd, word, 10, 0));
}

SAME(close_listener)
{
	struct pair p = new_pair(r);
	int waiting = new_socket(r, 0);
	char word[10];

	TRY(r, connect_to(waiting, LOCALHOST, PORT));
	pause_ms(SETTLE_MS);
	close(p.listener);
	LOOK(r, waiting);
	TRY(r, recv(waiting, word, 10, 0));
	TRY(r, recv(waiting, word, 10, 0));
	TRY(r, send(waiting, WORD, 10, 0));
	note(r, "accepted connections live on");
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, recv(p.server, word, 10, MSG_WAITALL));
	waiting = new_socket(r, 0);
	TRY(r, connect_to(waiting, LOCALHOST, PORT));
}

SAME(shutdown_listener)
{
	struct pair p = new_pair(r);
	int waiting = new_socket(r, 0);
	char word[10];

	TRY(r, connect_to(waiting, LOCALHOST, PORT));
	TRY(r, shutdown(p.listener, SHUT_WR));
	LOOK(r, p.listener);
	TRY(r, get_option(p.listener, SOL_SOCKET, SO_ACCEPTCONN));
	TRY(r, shutdown(p.listener, SHUT_RD));
	LOOK(r, p.listener);
	NAMES(r, p.listener);
	LOOK(r, waiting);
	TRY(r, recv(waiting, word, 10, 0));
	TRY_FD(r, accept(p.listener, NULL, NULL));
	TRY(r, shutdown(p.listener, SHUT_RD));
	TRY(r, connect_to(p.client, LOCALHOST, PORT));
	TRY(r, listen(p.listener, 1));
	NAMES(r, p.listener);
	waiting = new_socket(r, 0);
	TRY(r, connect_to(waiting, LOCALHOST, PORT));
	TRY_FD(r, accept(p.listener, NULL, NULL));
}

SAME(shutdown_wakes_accept)
{
	int listener = new_listener(r, LOCALHOST, PORT, 1);
	struct later later;

	do_later(&later, 100, shut_all_ways, listener);
	TRY_FD(r, accept(listener, NULL, NULL));
	join_later(&later);
}

SAME(listeners_by_address)
{
	int one = new_listener(r, LOCALHOST, PORT, 1);
	int two = new_listener(r, "127.0.0.2", PORT, 1);
	int all = new_listener(r, "0.0.0.0", PORT + 1, 1);
	int fd = new_socket(r, 0);

	TRY(r, connect_to(fd, "127.0.0.2", PORT));
	NAMES(r, TRY_FD(r, accept(two, NULL, NULL)));
	fd = new_socket(r, 0);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	NAMES(r, TRY_FD(r, accept(one, NULL, NULL)));
	fd = new_socket(r, 0);
	TRY(r, connect_to(fd, "127.0.0.3", PORT));
	TRY(r, connect_to(fd, "127.0.0.3", PORT + 1));
	NAMES(r, fd);
	NAMES(r, TRY_FD(r, accept(all, NULL, NULL)));
	NAMES(r, all);
}

/* --------------------------------------------- send(), recv(), shutdown() */

SAME(unconnected)
{
	struct sockaddr_in sin = address(LOCALHOST, PORT);
	int listener = new_listener(r, LOCALHOST, PORT, 1);
	int fd = new_socket(r, 0);
	char word[10];
	int value;

	LOOK(r, fd);
	NAMES(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	TRY(r, recv(fd, word, 10, MSG_DONTWAIT));
	TRY(r, recv(fd, word, 10, MSG_PEEK));
	TRY(r, send(fd, WORD, 10, 0));
	TRY(r, send(fd, WORD, 10, MSG_DONTWAIT));
	TRY(r, send(fd, WORD, 0, 0));
	TRY(r, read(fd, word, 10));
	TRY(r, write(fd, WORD, 10));
	TRY(r, shutdown(fd, SHUT_RD));
	TRY(r, shutdown(fd, SHUT_WR));
	TRY(r, shutdown(fd, SHUT_RDWR));
	TRY(r, shutdown(fd, 3));
	TRY(r, shutdown(fd, -1));
	TRY(r, (value = -1, ioctl(fd, FIONREAD, &value)));
	TRY(r, (long)value);
	TRY(r, (value = -1, ioctl(fd, TIOCOUTQ, &value)));
	TRY(r, (long)value);
	TRY(r, sendto(fd, WORD, 10, MSG_DONTWAIT, (struct sockaddr *)&sin,
		      sizeof(sin)));

	note(r, "bound");
	TRY(r, bind_to(fd, LOCALHOST, PORT + 1));
	LOOK(r, fd);
	NAMES(r, fd);
	TRY(r, recv(fd, word, 10, 0));
	TRY(r, send(fd, WORD, 10, 0));
	TRY(r, shutdown(fd, SHUT_RDWR));

	note(r, "listening");
	TRY(r, recv(listener, word, 10, 0));
	TRY(r, recv(listener, word, 10, MSG_DONTWAIT));
	TRY(r, send(listener, WORD, 10, 0));
	TRY(r, ioctl(listener, FIONREAD, &value));
	TRY(r, ioctl(listener, TIOCOUTQ, &value));
	TRY(r, ioctl(listener, 0x5678, &value));
	TRY(r, ioctl(fd, 0x5678, &value));
	NAMES(r, listener);
}

SAME(bad_arguments)
{
	struct pair p = new_pair(r);
	struct sockaddr_in sin = address("127.0.0.5", 5);
	struct sockaddr *sa = (struct sockaddr *)&sin;
	socklen_t len = sizeof(sin);
	struct msghdr msg = { };
	struct iovec iov[2];
	char word[10];

	TRY(r, send(p.client, (void *)8, 10, 0));
	TRY(r, send(p.client, WORD, 10, 0));
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, (void *)8, 10, 0));
	TRY(r, recv(p.server, word, 10, 0));
	TRY(r, send(p.client, WORD, 0, 0));
	TRY(r, recv(p.server, word, 10, MSG_OOB));
	TRY(r, recv(p.server, word, 10, MSG_ERRQUEUE));

	note(r, "partly bad");
	iov[0] = (struct iovec){ WORD, 10 };
	iov[1] = (struct iovec){ (void *)8, 10 };
	msg.msg_iov = iov;
	msg.msg_iovlen = 2;
	TRY(r, sendmsg(p.client, &msg, 0));
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, word, 10, MSG_DONTWAIT));
	TRY(r, recv(p.server, word, 10, MSG_DONTWAIT));
	send(p.client, WORD WORD, 20, 0);
	pause_ms(SETTLE_MS);
	iov[0].iov_base = word;
	TRY(r, recvmsg(p.server, &msg, 0));
	TRY(r, recv(p.server, word, 10, MSG_DONTWAIT));
	TRY(r, recv(p.server, word, 10, MSG_DONTWAIT));

	note(r, "addresses are of no use");
	TRY(r, sendto(p.client, WORD, 10, 0, sa, sizeof(sin)));
	TRY(r, recvfrom(p.server, word, 10, 0, sa, &len));
	TRY(r, (long)len);
	iov[0].iov_base = word;
	msg.msg_iovlen = 1;
	msg.msg_name = sa;
	msg.msg_namelen = sizeof(sin);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, recvmsg(p.server, &msg, 0));
	TRY(r, (long)msg.msg_namelen);
	TRY(r, (long)msg.msg_flags);
	TRY(r, lseek(p.server, 0, SEEK_CUR));
	TRY(r, pread(p.server, word, 10, 0));
}

/* Linux waits for data even if it is asked for none. */
SAME(recv_nothing)
{
	struct pair p = new_pair(r);
	int fd = new_socket(r, 0);
	char word[10];

	TRY(r, recv(fd, word, 0, MSG_DONTWAIT));
	TRY(r, recv(p.server, word, 0, MSG_DONTWAIT));
	send(p.client, WORD, 10, 0);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, word, 0, MSG_DONTWAIT));
	TRY(r, recv(p.server, word, 10, MSG_DONTWAIT));
	shutdown(p.client, SHUT_WR);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, word, 0, MSG_DONTWAIT));
}

SAME(broken_pipe)
{
	struct pair p = new_pair(r);
	int fresh = new_socket(r, 0);

	catch_signal(SIGPIPE, 0);
	TRY(r, shutdown(p.client, SHUT_WR));
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, (long)signals_seen);
	TRY(r, send(p.client, WORD, 10, MSG_NOSIGNAL));
	TRY(r, (long)signals_seen);
	TRY(r, write(p.client, WORD, 10));
	TRY(r, (long)signals_seen);
	TRY(r, send(p.client, WORD, 0, 0));
	TRY(r, (long)signals_seen);
	TRY(r, write(p.client, WORD, 0));
	TRY(r, (long)signals_seen);
	TRY(r, send(fresh, WORD, 10, 0));
	TRY(r, (long)signals_seen);
	TRY(r, send(fresh, WORD, 10, MSG_NOSIGNAL));
	TRY(r, (long)signals_seen);

	note(r, "the peer has gone");
	close(p.client);
	pause_ms(SETTLE_MS);
	TRY(r, send(p.server, WORD, 10, 0));	/* is answered with a RST */
	pause_ms(SETTLE_MS);
	LOOK(r, p.server);
	TRY(r, send(p.server, WORD, 10, 0));
	TRY(r, (long)signals_seen);
	TRY(r, send(p.server, WORD, 10, 0));
	TRY(r, (long)signals_seen);
	SO_ERROR_OF(r, p.server);
}

SAME(shutdown_when)
{
	struct pair p = new_pair(r);
	char word[10];

	TRY(r, shutdown(p.client, 3));
	TRY(r, shutdown(p.client, SHUT_WR));
	TRY(r, shutdown(p.client, SHUT_WR));
	NAMES(r, p.client);
	TRY(r, recv(p.server, word, 10, 0));
	TRY(r, recv(p.server, word, 10, 0));
	NAMES(r, p.server);
	TRY(r, send(p.server, WORD, 10, 0));
	TRY(r, recv(p.client, word, 10, MSG_WAITALL));
	TRY(r, shutdown(p.server, SHUT_WR));
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
	pause_ms(SETTLE_MS);
	note(r, "over");
	NAMES(r, p.client);
	NAMES(r, p.server);
	TRY(r, shutdown(p.client, SHUT_RD));
	TRY(r, shutdown(p.client, SHUT_WR));
	TRY(r, shutdown(p.server, SHUT_RDWR));
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, recv(p.server, word, 10, 0));
	TRY(r, recv(p.server, word, 10, 0));
	SO_ERROR_OF(r, p.client);
	SO_ERROR_OF(r, p.server);
	LOOK(r, p.client);
	LOOK(r, p.server);
}

/* SHUT_RD: nothing is said to the peer, and what comes can still be read. */
SAME(shutdown_receiving)
{
	struct pair p = new_pair(r);
	char word[10];

	send(p.server, WORD, 10, 0);
	pause_ms(SETTLE_MS);
	TRY(r, shutdown(p.client, SHUT_RD));
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 4, 0));
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
	LOOK(r, p.client);
	TRY(r, send(p.server, WORD, 10, 0));
	pause_ms(SETTLE_MS);
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, recv(p.server, word, 10, 0));
	TRY(r, shutdown(p.client, SHUT_WR));
	TRY(r, recv(p.server, word, 10, 0));
}

/* SHUT_RDWR by one: unlike after close(), what the peer sends is no error. */
SAME(shutdown_both_ways)
{
	struct pair p = new_pair(r);
	char word[10];

	TRY(r, shutdown(p.client, SHUT_RDWR));
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, send(p.server, WORD, 10, 0));
	pause_ms(SETTLE_MS);
	LOOK(r, p.client);
	LOOK(r, p.server);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, send(p.server, WORD, 10, 0));
	TRY(r, recv(p.server, word, 10, 0));
	TRY(r, shutdown(p.server, SHUT_WR));
	TRY(r, send(p.server, WORD, 10, 0));
	LOOK(r, p.client);
	LOOK(r, p.server);
}

/* ----------------------------------------------------------------- reset */

SAME(reset_by_peer)
{
	struct pair p = new_pair(r);
	char word[10];

	close_hard(p.server);
	pause_ms(SETTLE_MS);
	LOOK(r, p.client);
	NAMES(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, send(p.client, WORD, 10, 0));
	SO_ERROR_OF(r, p.client);
	TRY(r, shutdown(p.client, SHUT_WR));
	TRY(r, listen(p.client, 1));
	TRY(r, connect_to(p.client, LOCALHOST, PORT));
}

SAME(reset_then_send)
{
	struct pair p = new_pair(r);
	char word[10];

	catch_signal(SIGPIPE, 0);
	close_hard(p.server);
	pause_ms(SETTLE_MS);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, (long)signals_seen);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, (long)signals_seen);
	TRY(r, recv(p.client, word, 10, 0));
	SO_ERROR_OF(r, p.client);
}

SAME(reset_then_so_error)
{
	struct pair p = new_pair(r);
	char word[10];

	close_hard(p.server);
	pause_ms(SETTLE_MS);
	SO_ERROR_OF(r, p.client);
	SO_ERROR_OF(r, p.client);
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, shutdown(p.client, SHUT_RDWR));
}

/* What was received before the RST can be read, as Linux has it. */
SAME(reset_behind_data)
{
	struct pair p = new_pair(r);
	char word[10];

	TRY(r, send(p.server, WORD, 10, 0));
	pause_ms(SETTLE_MS);
	close_hard(p.server);
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 4, 0));
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
	LOOK(r, p.client);
}

SAME(close_with_unread_data)
{
	struct pair p = new_pair(r);
	char word[10];

	TRY(r, send(p.client, WORD, 10, 0));
	pause_ms(SETTLE_MS);
	close(p.server);
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, send(p.client, WORD, 10, 0));
}

SAME(data_after_close)
{
	struct pair p = new_pair(r);
	char word[10];

	close(p.server);
	pause_ms(SETTLE_MS);
	LOOK(r, p.client);
	TRY(r, send(p.client, WORD, 10, 0));
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
	SO_ERROR_OF(r, p.client);
}

SAME(data_after_close_read_first)
{
	struct pair p = new_pair(r);
	char word[10];

	close(p.server);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, send(p.client, WORD, 10, 0));
	pause_ms(SETTLE_MS);
	LOOK(r, p.client);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
}

/* A reset in FIN-WAIT-2 */
SAME(reset_after_shutdown)
{
	struct pair p = new_pair(r);
	char word[10];

	shutdown(p.client, SHUT_WR);
	pause_ms(SETTLE_MS);
	close_hard(p.server);
	LOOK(r, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, recv(p.client, word, 10, 0));
	NAMES(r, p.client);
}

SAME(linger)
{
	struct pair p = new_pair(r);
	char word[10];
	long start;

	TRY(r, set_linger(p.client, 1, 1));
	TRY(r, send(p.client, WORD, 10, 0));
	start = now_ms();
	TRY(r, close(p.client));
	note(r, "it %s", now_ms() - start > 500 ? "waits" : "does not wait");
	TRY(r, recv(p.server, word, 10, 0));
	TRY(r, recv(p.server, word, 10, 0));
}

/* --------------------------------------------------- signals and time-outs */

static void wake_by_connecting(int family_fd)
{
	int family = get_option(family_fd, SOL_SOCKET, SO_DOMAIN);
	int fd = socket(family, SOCK_STREAM, 0);

	connect_to(fd, LOCALHOST, PORT);
}

SAME(signal_and_accept)
{
	int listener = new_listener(r, LOCALHOST, PORT, 1);
	struct later later;

	catch_signal(SIGUSR1, 0);
	signal_after(100);
	TRY_FD(r, accept(listener, NULL, NULL));
	TRY(r, (long)signals_seen);

	note(r, "SA_RESTART");
	catch_signal(SIGUSR1, SA_RESTART);
	signal_after(100);
	do_later(&later, 300, wake_by_connecting, listener);
	TRY_FD(r, accept(listener, NULL, NULL));
	TRY(r, (long)signals_seen);
	join_later(&later);

	note(r, "SA_RESTART and SO_RCVTIMEO");
	set_timeout(listener, SO_RCVTIMEO, 2000);
	catch_signal(SIGUSR1, SA_RESTART);
	signal_after(100);
	TRY_FD(r, accept(listener, NULL, NULL));
	TRY(r, (long)signals_seen);
}

SAME(signal_and_recv)
{
	struct pair p = new_pair(r);
	struct later later;
	char word[10];

	catch_signal(SIGUSR1, 0);
	signal_after(100);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, (long)signals_seen);

	note(r, "SA_RESTART");
	catch_signal(SIGUSR1, SA_RESTART);
	signal_after(100);
	do_later(&later, 300, send_a_word, p.server);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, (long)signals_seen);
	join_later(&later);

	note(r, "SA_RESTART and SO_RCVTIMEO");
	set_timeout(p.client, SO_RCVTIMEO, 2000);
	catch_signal(SIGUSR1, SA_RESTART);
	signal_after(100);
	TRY(r, recv(p.client, word, 10, 0));
	TRY(r, (long)signals_seen);
	set_timeout(p.client, SO_RCVTIMEO, 0);

	note(r, "with a part of what MSG_WAITALL wants");
	send(p.server, WORD, 6, 0);
	catch_signal(SIGUSR1, SA_RESTART);
	signal_after(100);
	TRY(r, recv(p.client, word, 10, MSG_WAITALL));
	TRY(r, (long)signals_seen);
}

static void drain_fd(int fd)
{
	static char block[65536];

	while (recv(fd, block, sizeof(block), 0) > 0)
		;
}

SAME(signal_and_send)
{
	struct pair p = new_pair(r);
	struct later later;

	set_option(p.client, SOL_SOCKET, SO_SNDBUF, 20000);
	note(r, "%s", fill(p.client) > 100000 ? "full" : "?");
	TRY(r, send(p.client, WORD, 10, MSG_DONTWAIT));
	catch_signal(SIGUSR1, 0);
	signal_after(100);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, (long)signals_seen);

	note(r, "SO_SNDTIMEO");
	set_timeout(p.client, SO_SNDTIMEO, 100);
	TRY(r, send(p.client, WORD, 10, 0));
	catch_signal(SIGUSR1, SA_RESTART);
	set_timeout(p.client, SO_SNDTIMEO, 2000);
	signal_after(100);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, (long)signals_seen);
	set_timeout(p.client, SO_SNDTIMEO, 0);

	note(r, "SA_RESTART");
	catch_signal(SIGUSR1, SA_RESTART);
	signal_after(100);
	do_later(&later, 300, drain_fd, p.server);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, (long)signals_seen);
	close(p.client);
	join_later(&later);
}

SAME(signal_and_connect)
{
	int fd;

	if (!set_up_black_hole(r))
		return;
	fd = new_socket(r, 0);
	catch_signal(SIGUSR1, 0);
	signal_after(100);
	TRY(r, connect_to(fd, NOWHERE, PORT));
	TRY(r, (long)signals_seen);
	NAMES(r, fd);
	LOOK(r, fd);
	note(r, "it goes on without us");
	signal_after(100);
	TRY(r, connect_to(fd, NOWHERE, PORT));
	TRY(r, connect_to(fd, NOWHERE, PORT) == -1 && errno == EALREADY);
}

/* In a process of its own: connect() is restarted, and would wait long. */
SAME(signal_restarts_connect)
{
	int fd;

	if (!set_up_black_hole(r))
		return;
	set_sysctl("ipv4/tcp_syn_retries", "1");
	set_sysctl("edutcp/syn_retries", "1");
	fd = new_socket(r, 0);
	catch_signal(SIGUSR1, SA_RESTART);
	signal_after(100);
	TRY(r, connect_to(fd, NOWHERE, PORT));
	TRY(r, (long)signals_seen);
}

static void timed(struct run *r, const char *what, long start)
{
	long took = now_ms() - start;

	note(r, "%s %s", what, took < 100 ? "returns at once" :
	     took < 1500 ? "waits as long as it should" : "waits too long");
}

SAME(timeouts)
{
	struct pair p = new_pair(r);
	long start;
	char word[10];
	int fd;

	TRY(r, set_timeout(p.client, SO_RCVTIMEO, 150));
	start = now_ms();
	TRY(r, recv(p.client, word, 10, 0));
	timed(r, "recv()", start);
	start = now_ms();
	TRY(r, recv(p.client, word, 10, MSG_DONTWAIT));
	timed(r, "recv(MSG_DONTWAIT)", start);
	send(p.server, WORD, 5, 0);
	start = now_ms();
	TRY(r, recv(p.client, word, 10, MSG_WAITALL));
	timed(r, "recv(MSG_WAITALL)", start);
	TRY(r, set_timeout(p.listener, SO_RCVTIMEO, 150));
	start = now_ms();
	TRY_FD(r, accept(p.listener, NULL, NULL));
	timed(r, "accept()", start);

	set_option(p.server, SOL_SOCKET, SO_SNDBUF, 20000);
	fill(p.server);
	TRY(r, set_timeout(p.server, SO_SNDTIMEO, 150));
	start = now_ms();
	TRY(r, send(p.server, WORD, 10, 0));
	timed(r, "send()", start);

	if (!set_up_black_hole(r))
		return;
	fd = new_socket(r, 0);
	TRY(r, set_timeout(fd, SO_SNDTIMEO, 150));
	start = now_ms();
	TRY(r, connect_to(fd, NOWHERE, PORT));
	timed(r, "connect()", start);
	LOOK(r, fd);
	start = now_ms();
	TRY(r, connect_to(fd, NOWHERE, PORT));
	timed(r, "connect() again", start);
	SO_ERROR_OF(r, fd);
}

/* ----------------------------------------------------------- memory fails */

static int fail_nth(int nth)
{
	char text[20];
	int fd = open("/proc/self/fail-nth", O_RDWR);
	int len = snprintf(text, sizeof(text), "%d", nth);
	int err = -1;

	if (fd >= 0) {
		err = write(fd, text, len) == len ? 0 : -1;
		close(fd);
	}
	return err;
}

/* How much of nth is left: 0 if the failure has come. */
static int fail_nth_left(void)
{
	char text[20] = "";
	int fd = open("/proc/self/fail-nth", O_RDONLY);

	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return atoi(text);
}

static void set_knob(const char *name, const char *value)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/failslab/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		perror(path);
	close(fd);
}

/* A call after which everything is closed again; returns 0 or errno. */
static int call_socket(void)
{
	int fd = socket(AF_EDUTCP, SOCK_STREAM, 0);
	int err = fd < 0 ? errno : 0;

	close(fd);
	return err;
}

static int call_bind_and_listen(void)
{
	int fd = socket(AF_EDUTCP, SOCK_STREAM, 0);
	int err = 0;

	if (fd < 0 || bind_to(fd, LOCALHOST, PORT + 9) || listen(fd, 1))
		err = errno;
	close(fd);
	return err;
}

static int call_connect_and_talk(void)
{
	int fd = socket(AF_EDUTCP, SOCK_STREAM, 0);
	int err = 0;

	if (fd < 0 || set_timeout(fd, SO_SNDTIMEO, 3000) ||
	    connect_to(fd, LOCALHOST, PORT) || send(fd, WORD, 10, 0) < 0)
		err = errno;
	set_linger(fd, 1, 0);
	close(fd);
	return err;
}

/* Each allocation of each call fails once, the first, the second and so on. */
TEST_F(own_network, memory_fails)
{
	static int (* const calls[])(void) = {
		call_socket, call_bind_and_listen, call_connect_and_talk,
	};
	struct run r = { .family = AF_EDUTCP };
	unsigned int i;
	int nth;

	if (access("/proc/self/fail-nth", W_OK) ||
	    access("/sys/kernel/debug/failslab", F_OK))
		SKIP(return, "this kernel cannot make allocations fail");
	set_knob("ignore-gfp-wait", "N");
	set_knob("verbose", "0");
	new_listener(&r, LOCALHOST, PORT, 100);

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (nth = 1; nth < 500; nth++) {
			int err;

			ASSERT_EQ(0, fail_nth(nth));
			err = calls[i]();
			if (fail_nth_left() > 0)
				break;
			/*
			 * EADDRINUSE: so the stock stack, which holds the port
			 * for us, reports that it cannot allocate for bind().
			 */
			EXPECT_TRUE(!err || err == ENOMEM || err == ENOBUFS ||
				    err == ENFILE || err == EINPROGRESS ||
				    err == EAGAIN || err == EADDRINUSE)
				TH_LOG("call %u, allocation %d: %s", i, nth,
				       strerrorname_np(err));
		}
		fail_nth(0);
		EXPECT_LT(nth, 500);
		/* Nothing is left that would be in its way. */
		EXPECT_EQ(0, calls[i]());
	}
}

TEST_HARNESS_MAIN
