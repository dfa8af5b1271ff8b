// SPDX-License-Identifier: GPL-2.0
/*
 * socket() and bind(): which addresses and ports can be had, and who else has
 * them: as with the stock stack.
 */

#include "sock_common.h"

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
/* A connection that was closed may still have to hear its last ACK. */
static int bind_when_free(int fd, const char *host, int port)
{
	unsigned int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (!bind_to(fd, host, port))
			return 0;
		if (errno != EADDRINUSE)
			return -1;
		usleep(10000);
	}
	return -1;
}

TEST_F(own_network, connect_across_the_families)
{
	static const int families[] = { AF_INET, AF_EDUTCP };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		int listener = socket(families[i], SOCK_STREAM, 0);
		int client = socket(families[!i], SOCK_STREAM, 0);
		char word[20];
		int server;

		ASSERT_EQ(0, bind_when_free(listener, LOCALHOST, PORT));
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

/* listen() has chosen a port; when it ends that is given back. */
SAME(bind_after_a_chosen_port)
{
	int fd = new_socket(r, 0);

	TRY(r, listen(fd, 1));
	NAMES(r, fd);
	TRY(r, shutdown(fd, SHUT_RD));
	NAMES(r, fd);
	TRY(r, bind_to(fd, LOCALHOST, PORT));
	NAMES(r, fd);
	TRY(r, listen(fd, 1));
	TRY(r, connect_to(new_socket(r, 0), LOCALHOST, PORT));
}

/* Nor does connect() use it: it chooses one of its own range. */
TEST_F(own_network, connect_after_a_chosen_port)
{
	struct run r = { .family = AF_EDUTCP };
	struct sockaddr_in sin = { };
	socklen_t len = sizeof(sin);
	int fd = new_socket(&r, 0);

	ASSERT_EQ(0, set_sysctl("edutcp/ip_local_port_range", "20000 20010"));
	new_listener(&r, LOCALHOST, PORT, 1);
	ASSERT_EQ(0, listen(fd, 1));
	ASSERT_EQ(0, shutdown(fd, SHUT_RD));
	EXPECT_EQ(0, connect_to(fd, LOCALHOST, PORT));
	EXPECT_EQ(0, getsockname(fd, (struct sockaddr *)&sin, &len));
	EXPECT_GE(ntohs(sin.sin_port), 20000);
	EXPECT_LE(ntohs(sin.sin_port), 20010);
}

static void read_port_range(char *text, int len)
{
	int fd = open("/proc/sys/net/edutcp/ip_local_port_range", O_RDONLY);

	memset(text, 0, len);
	if (fd >= 0 && read(fd, text, len - 1) < 0)
		text[0] = '\0';
	close(fd);
}

/* First and last port are set together: never is the first beyond the last. */
TEST_F(own_network, port_range_in_order)
{
	static const char * const bad[] = { "20001 20000", "30000", "1 20000",
					    "20000 65536", "20000 x" };
	char before[40], after[40];
	unsigned int i;

	ASSERT_EQ(0, set_sysctl("edutcp/ip_local_port_range", "20000 20010"));
	read_port_range(before, sizeof(before));
	EXPECT_STREQ("20000\t20010\n", before);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, set_sysctl("edutcp/ip_local_port_range", bad[i]))
			TH_LOG("accepted: %s", bad[i]);
		EXPECT_EQ(EINVAL, errno);
		read_port_range(after, sizeof(after));
		EXPECT_STREQ(before, after);
	}
	EXPECT_EQ(0, set_sysctl("edutcp/ip_local_port_range", "20000 20000"));
}

TEST_HARNESS_MAIN
