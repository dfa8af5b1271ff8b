// SPDX-License-Identifier: GPL-2.0
/*
 * listen() and accept(): what they return, and how many may wait: as with the
 * stock stack.
 */

#include "sock_common.h"

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

SAME(backlog)
{
	int listener = new_listener(r, LOCALHOST, PORT, 1);
	int established = 0, i, fd[8];
	struct pollfd pfd;

	/* So that a SYN which is dropped is not sent again in this test. */
	for (i = 0; i < 8; i++) {
		fd[i] = new_socket(r, SOCK_NONBLOCK);
		connect_to(fd[i], LOCALHOST, PORT);
		pause_ms(SETTLE_MS);
		pfd = (struct pollfd){ .fd = fd[i], .events = POLLOUT };
		established += poll(&pfd, 1, 0);
	}
	note(r, "backlog 1: %d", established);

	TRY(r, listen(listener, 4));
	established = 0;
	for (i = 0; i < 8; i++) {
		fd[i] = new_socket(r, SOCK_NONBLOCK);
		connect_to(fd[i], LOCALHOST, PORT);
		pause_ms(SETTLE_MS);
		pfd = (struct pollfd){ .fd = fd[i], .events = POLLOUT };
		established += poll(&pfd, 1, 0);
	}
	note(r, "then 4: %d more", established);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	for (i = 0; accept(listener, NULL, NULL) >= 0; i++)
		;
	note(r, "%d accepted", i);
}

SAME(backlog_of_zero)
{
	int listener = new_listener(r, LOCALHOST, PORT, 0);
	int established = 0, i;
	struct pollfd pfd;

	for (i = 0; i < 4; i++) {
		int fd = new_socket(r, SOCK_NONBLOCK);

		connect_to(fd, LOCALHOST, PORT);
		pause_ms(SETTLE_MS);
		pfd = (struct pollfd){ .fd = fd, .events = POLLOUT };
		established += poll(&pfd, 1, 0);
	}
	note(r, "%d", established);
	TRY_FD(r, accept(listener, NULL, NULL));
}

SAME(backlog_huge_or_negative)
{
	int listener = new_listener(r, LOCALHOST, PORT, -1);
	int fd = new_socket(r, 0);

	TRY(r, connect_to(fd, LOCALHOST, PORT));
	TRY_FD(r, accept(listener, NULL, NULL));
	TRY(r, listen(listener, 1 << 30));
	fd = new_socket(r, 0);
	TRY(r, connect_to(fd, LOCALHOST, PORT));
	TRY_FD(r, accept(listener, NULL, NULL));
}

static void *connect_and_close(void *arg)
{
	const bool *stop = arg;
	struct run r = { .family = AF_EDUTCP };

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		int fd = new_socket(&r, 0);

		set_linger(fd, 1, 0);
		connect_to(fd, LOCALHOST, PORT);
		close(fd);
	}
	return NULL;
}

/*
 * A listener is closed while others connect: segments wait for it in its
 * backlog, handshakes are under way, connections wait for accept(). All go.
 */
TEST_F_TIMEOUT(own_network, listener_closed_under_load, 300)
{
	struct run r = { .family = AF_EDUTCP };
	pthread_t threads[3];
	bool stop = false;
	unsigned int i;
	char line[300];
	FILE *table;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, connect_and_close, &stop);
	for (i = 0; i < 300; i++) {
		int fd = new_listener(&r, LOCALHOST, PORT, 4);
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (i % 3 && poll(&pfd, 1, 20) == 1)
			close(accept(fd, NULL, NULL));
		close(fd);
	}
	EXPECT_EQ(0, r.lines);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);

	pause_ms(100);
	table = fopen("/proc/edutcp/connections", "r");
	ASSERT_NE(NULL, table);
	while (fgets(line, sizeof(line), table))
		EXPECT_TRUE(strstr(line, "TIME_WAIT") ||
			    strstr(line, "local remote"))
			TH_LOG("left: %s", line);
	fclose(table);
}

TEST_HARNESS_MAIN
