// SPDX-License-Identifier: GPL-2.0
/*
 * poll(), select() and epoll: what they say in every state of a socket, and
 * that they wake who waits. As from the stock stack.
 */

#include "sock_common.h"

#include <sys/select.h>

/* ---------------------------------------------------------------- states */

SAME(states_of_a_listener)
{
	int fd = new_socket(r, 0);
	int client;

	LOOK(r, fd);
	bind_to(fd, LOCALHOST, PORT);
	LOOK(r, fd);
	listen(fd, 5);
	LOOK(r, fd);
	client = new_socket(r, 0);
	connect_to(client, LOCALHOST, PORT);
	LOOK(r, fd);
	connect_to(new_socket(r, 0), LOCALHOST, PORT);
	LOOK(r, fd);
	close(accept(fd, NULL, NULL));
	LOOK(r, fd);
	close(accept(fd, NULL, NULL));
	LOOK(r, fd);
	shutdown(fd, SHUT_RD);
	LOOK(r, fd);
	listen(fd, 5);
	LOOK(r, fd);
	disconnect(fd);
	LOOK(r, fd);
}

SAME(states_of_connecting)
{
	int fd;

	if (!set_up_black_hole(r))
		return;
	set_sysctl("ipv4/tcp_syn_retries", "1");
	set_sysctl("edutcp/syn_retries", "1");
	fd = new_socket(r, SOCK_NONBLOCK);
	connect_to(fd, NOWHERE, PORT);
	LOOK(r, fd);
	pause_ms(3500);
	LOOK(r, fd);
	SO_ERROR_OF(r, fd);
	LOOK(r, fd);
}

/* Closing, with the client first, then the server. */
SAME(states_of_a_connection)
{
	struct pair p = new_pair(r);
	char word[10];

	LOOK(r, p.client);
	LOOK(r, p.server);
	send(p.client, WORD, 10, 0);
	LOOK(r, p.server);
	recv(p.server, word, 4, 0);
	LOOK(r, p.server);
	recv(p.server, word, 6, 0);
	LOOK(r, p.server);
	shutdown(p.client, SHUT_WR);
	LOOK(r, p.client);
	LOOK(r, p.server);
	recv(p.server, word, 10, 0);
	LOOK(r, p.server);
	send(p.server, WORD, 10, 0);
	LOOK(r, p.client);
	shutdown(p.server, SHUT_WR);
	LOOK(r, p.client);
	LOOK(r, p.server);
	recv(p.client, word, 10, 0);
	LOOK(r, p.client);
	recv(p.client, word, 10, 0);
	LOOK(r, p.client);
}

SAME(states_after_simultaneous_close)
{
	struct pair p = new_pair(r);

	shutdown(p.client, SHUT_WR);
	shutdown(p.server, SHUT_WR);
	LOOK(r, p.client);
	LOOK(r, p.server);
	SO_ERROR_OF(r, p.client);
	SO_ERROR_OF(r, p.server);
}

SAME(states_after_peers_close)
{
	struct pair p = new_pair(r);

	close(p.server);
	LOOK(r, p.client);
	send(p.client, WORD, 10, 0);
	LOOK(r, p.client);
	SO_ERROR_OF(r, p.client);
	LOOK(r, p.client);
}

SAME(states_after_reset)
{
	struct pair p = new_pair(r);
	char word[10];

	send(p.server, WORD, 10, 0);
	pause_ms(SETTLE_MS);
	close_hard(p.server);
	LOOK(r, p.client);
	recv(p.client, word, 10, 0);
	LOOK(r, p.client);
	recv(p.client, word, 10, 0);
	LOOK(r, p.client);
}

SAME(states_after_shut_rd)
{
	struct pair p = new_pair(r);

	shutdown(p.client, SHUT_RD);
	LOOK(r, p.client);
	LOOK(r, p.server);
	send(p.server, WORD, 10, 0);
	LOOK(r, p.client);
	shutdown(p.client, SHUT_WR);
	LOOK(r, p.client);
	LOOK(r, p.server);
}

/* SO_RCVLOWAT: not readable below it. */
SAME(low_water_mark)
{
	struct pair p = new_pair(r);
	char word[30];

	TRY(r, set_option(p.server, SOL_SOCKET, SO_RCVLOWAT, 15));
	TRY(r, get_option(p.server, SOL_SOCKET, SO_RCVLOWAT));
	send(p.client, WORD, 10, 0);
	LOOK(r, p.server);
	TRY(r, recv(p.server, word, 30, MSG_DONTWAIT));
	send(p.client, WORD WORD, 20, 0);
	LOOK(r, p.server);
	TRY(r, recv(p.server, word, 30, 0));
	send(p.client, WORD, 10, 0);
	shutdown(p.client, SHUT_WR);
	LOOK(r, p.server);
	TRY(r, recv(p.server, word, 30, 0));
}

/* A full socket is not writable, and becomes so when a good part is free. */
SAME(writable_again)
{
	static char block[65536];
	struct pair p = new_pair(r);
	struct pollfd pfd = { .fd = p.client, .events = POLLOUT };
	unsigned int failures = 0;
	ssize_t got;

	set_option(p.client, SOL_SOCKET, SO_SNDBUF, 100000);
	fcntl(p.client, F_SETFL, O_NONBLOCK);
	fill(p.client);
	LOOK(r, p.client);
	TRY(r, poll(&pfd, 1, 50));
	do {
		got = recv(p.server, block, sizeof(block), MSG_DONTWAIT);
		if (got < 0)
			pause_ms(100);
		else
			failures = 0;
	} while (got > 0 || failures++ < 5);
	TRY(r, poll(&pfd, 1, 1000));
	LOOK(r, p.client);
	TRY(r, send(p.client, WORD, 10, 0));
}

/* --------------------------------------------------------------- waking */

static void connect_later(int fd)
{
	connect_to(fd, LOCALHOST, PORT);
}

/* Wait for events, with one thing to happen meanwhile. */
static void wait_for(struct run *r, int fd, short events, void (*action)(int),
		     int action_fd)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	struct later later;
	char text[100];
	long start = now_ms();
	int found;

	do_later(&later, 150, action, action_fd);
	found = poll(&pfd, 1, 3000);
	note(r, "poll() = %d %s%s", found, mask_text(pfd.revents, text),
	     now_ms() - start < 120 ? ", too early" :
	     now_ms() - start > 2500 ? ", too late" : "");
	join_later(&later);
}

SAME(wakes_for_a_connection)
{
	int listener = new_listener(r, LOCALHOST, PORT, 5);

	wait_for(r, listener, POLLIN, connect_later, new_socket(r, 0));
	close(accept(listener, NULL, NULL));
	wait_for(r, listener, POLLIN | POLLOUT, connect_later, new_socket(r, 0));
}

SAME(wakes_for_data)
{
	struct pair p = new_pair(r);

	wait_for(r, p.client, POLLIN, send_a_word, p.server);
}

SAME(wakes_for_fin)
{
	struct pair p = new_pair(r);

	wait_for(r, p.client, POLLIN, end_sending, p.server);
}

SAME(wakes_for_fin_only)
{
	struct pair p = new_pair(r);

	wait_for(r, p.client, POLLRDHUP, end_sending, p.server);
}

SAME(wakes_for_both_fins)
{
	struct pair p = new_pair(r);

	shutdown(p.client, SHUT_WR);
	pause_ms(SETTLE_MS);
	wait_for(r, p.client, 0, end_sending, p.server);
}

SAME(wakes_for_reset)
{
	struct pair p = new_pair(r);

	wait_for(r, p.client, 0, close_hard, p.server);
}

SAME(wakes_for_reset_reader)
{
	struct pair p = new_pair(r);

	wait_for(r, p.client, POLLIN, close_hard, p.server);
}

SAME(wakes_for_own_shutdown)
{
	struct pair p = new_pair(r);

	wait_for(r, p.client, 0, shut_all_ways, p.client);
}

SAME(wakes_for_listener_shutdown)
{
	int listener = new_listener(r, LOCALHOST, PORT, 5);

	wait_for(r, listener, POLLIN, shut_all_ways, listener);
}

static void disconnect_it(int fd)
{
	disconnect(fd);
}

SAME(wakes_for_peers_disconnect)
{
	struct pair p = new_pair(r);

	wait_for(r, p.client, POLLIN | POLLRDHUP, disconnect_it, p.server);
}

/* connect() under way, and refused by a RST that comes later */
SAME(wakes_for_refusal)
{
	int fd;

	if (!set_up_black_hole(r))
		return;
	set_sysctl("ipv4/tcp_syn_retries", "1");
	set_sysctl("edutcp/syn_retries", "1");
	fd = new_socket(r, SOCK_NONBLOCK);
	connect_to(fd, NOWHERE, PORT);
	TRY(r, poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 6000));
	SO_ERROR_OF(r, fd);
}

SAME(blocked_reader_wakes)
{
	struct pair p = new_pair(r);
	struct later later;
	char word[10];

	do_later(&later, 100, end_sending, p.server);
	TRY(r, recv(p.client, word, 10, 0));
	join_later(&later);

	close(p.listener);
	p = new_pair(r);
	do_later(&later, 100, close_hard, p.server);
	TRY(r, recv(p.client, word, 10, 0));
	join_later(&later);

	close(p.listener);
	p = new_pair(r);
	do_later(&later, 100, shut_all_ways, p.client);
	TRY(r, recv(p.client, word, 10, 0));
	join_later(&later);

	note(r, "of MSG_WAITALL");
	close(p.listener);
	p = new_pair(r);
	send(p.server, WORD, 4, 0);
	do_later(&later, 100, end_sending, p.server);
	TRY(r, recv(p.client, word, 10, MSG_WAITALL));
	join_later(&later);
}

SAME(blocked_writer_wakes)
{
	struct pair p = new_pair(r);
	struct later later;

	set_option(p.client, SOL_SOCKET, SO_SNDBUF, 20000);
	fill(p.client);
	do_later(&later, 100, close_hard, p.server);
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, send(p.client, WORD, 10, 0));
	join_later(&later);

	note(r, "shutdown by oneself");
	close(p.listener);
	p = new_pair(r);
	set_option(p.client, SOL_SOCKET, SO_SNDBUF, 20000);
	fill(p.client);
	do_later(&later, 100, end_sending, p.client);
	TRY(r, send(p.client, WORD, 10, 0));
	join_later(&later);
}

/* ------------------------------------------------------- select(), epoll */

static void note_select(struct run *r, int fd)
{
	struct timeval now = { };
	fd_set in, out, bad;
	int found;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	bad = in;
	pause_ms(SETTLE_MS);
	found = select(fd + 1, &in, &out, &bad, &now);
	note(r, "select() = %d%s%s%s", found, FD_ISSET(fd, &in) ? " in" : "",
	     FD_ISSET(fd, &out) ? " out" : "",
	     FD_ISSET(fd, &bad) ? " exception" : "");
}

SAME(select_in_each_state)
{
	struct pair p = new_pair(r);
	int fd = new_socket(r, 0);

	note_select(r, fd);
	note_select(r, p.listener);
	note_select(r, p.client);
	send(p.client, WORD, 10, 0);
	note_select(r, p.server);
	shutdown(p.client, SHUT_WR);
	note_select(r, p.client);
	close_hard(p.server);
	note_select(r, p.client);
	connect_to(fd, LOCALHOST, PORT);
	note_select(r, p.listener);
}

static void note_epoll(struct run *r, int epfd, int ms)
{
	struct epoll_event events[4];
	int i, found;
	char text[100];

	pause_ms(SETTLE_MS);
	found = epoll_wait(epfd, events, 4, ms);
	note(r, "epoll_wait() = %d", found);
	for (i = 0; i < found; i++)
		note(r, "  %u: %s", events[i].data.u32,
		     mask_text(events[i].events, text));
}

static int watch(int epfd, int fd, unsigned int events, unsigned int number)
{
	struct epoll_event event = { .events = events, .data.u32 = number };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
}

SAME(epoll_level)
{
	struct pair p = new_pair(r);
	int epfd = epoll_create1(0);
	char word[10];

	TRY(r, watch(epfd, p.listener, EPOLLIN, 1));
	TRY(r, watch(epfd, p.client, EPOLLIN | EPOLLRDHUP, 2));
	TRY(r, watch(epfd, p.server, EPOLLIN | EPOLLOUT, 3));
	note_epoll(r, epfd, 0);
	send(p.server, WORD, 10, 0);
	note_epoll(r, epfd, 0);
	note_epoll(r, epfd, 0);
	recv(p.client, word, 10, 0);
	note_epoll(r, epfd, 0);
	connect_to(new_socket(r, 0), LOCALHOST, PORT);
	note_epoll(r, epfd, 0);
	shutdown(p.server, SHUT_WR);
	note_epoll(r, epfd, 0);
	close(p.client);
	note_epoll(r, epfd, 0);
	close(p.server);
	close(p.listener);
	note_epoll(r, epfd, 0);
}

/*
 * Edge-triggered: an event for each thing that happens, and none while nothing
 * does.
 */
SAME(epoll_edge)
{
	struct pair p = new_pair(r);
	int epfd = epoll_create1(0);
	char word[10];

	TRY(r, watch(epfd, p.client, EPOLLIN | EPOLLRDHUP | EPOLLET, 1));
	note_epoll(r, epfd, 0);
	send(p.server, WORD, 4, 0);
	note_epoll(r, epfd, 0);
	note_epoll(r, epfd, 0);
	recv(p.client, word, 2, 0);
	note_epoll(r, epfd, 0);
	send(p.server, WORD, 4, 0);
	note_epoll(r, epfd, 0);
	recv(p.client, word, 10, 0);
	note_epoll(r, epfd, 0);
	shutdown(p.server, SHUT_WR);
	note_epoll(r, epfd, 0);
	note_epoll(r, epfd, 0);
	shutdown(p.client, SHUT_WR);
	note_epoll(r, epfd, 0);
	note_epoll(r, epfd, 0);
}

SAME(epoll_edge_writable)
{
	static char block[65536];
	struct pair p = new_pair(r);
	int epfd = epoll_create1(0);

	set_option(p.client, SOL_SOCKET, SO_SNDBUF, 100000);
	TRY(r, watch(epfd, p.client, EPOLLOUT | EPOLLET, 1));
	note_epoll(r, epfd, 0);
	note_epoll(r, epfd, 0);
	fill(p.client);
	note_epoll(r, epfd, 0);
	shutdown(p.server, SHUT_WR);
	while (recv(p.server, block, sizeof(block), MSG_DONTWAIT) > 0 ||
	       recv(p.server, block, sizeof(block), MSG_DONTWAIT) > 0)
		pause_ms(10);
	note_epoll(r, epfd, 1000);
}

SAME(epoll_edge_connect)
{
	int listener = new_listener(r, LOCALHOST, PORT, 5);
	int fd = new_socket(r, SOCK_NONBLOCK);
	int epfd = epoll_create1(0);

	TRY(r, watch(epfd, fd, EPOLLIN | EPOLLOUT | EPOLLET, 1));
	note_epoll(r, epfd, 0);
	connect_to(fd, LOCALHOST, PORT);
	note_epoll(r, epfd, 0);
	note_epoll(r, epfd, 0);
	close(fd);

	note(r, "refused");
	fd = new_socket(r, SOCK_NONBLOCK);
	TRY(r, watch(epfd, fd, EPOLLIN | EPOLLOUT | EPOLLET, 2));
	note_epoll(r, epfd, 0);
	connect_to(fd, LOCALHOST, PORT + 1);
	note_epoll(r, epfd, 0);
	note_epoll(r, epfd, 0);
	TRY(r, close(listener));
}

SAME(epoll_edge_listener)
{
	int listener = new_listener(r, LOCALHOST, PORT, 5);
	int epfd = epoll_create1(0);

	TRY(r, watch(epfd, listener, EPOLLIN | EPOLLET, 1));
	connect_to(new_socket(r, 0), LOCALHOST, PORT);
	note_epoll(r, epfd, 0);
	note_epoll(r, epfd, 0);
	connect_to(new_socket(r, 0), LOCALHOST, PORT);
	note_epoll(r, epfd, 0);
	close(accept(listener, NULL, NULL));
	note_epoll(r, epfd, 0);
}

SAME(epoll_oneshot)
{
	struct pair p = new_pair(r);
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };
	int epfd = epoll_create1(0);

	TRY(r, watch(epfd, p.client, EPOLLIN | EPOLLONESHOT, 1));
	send(p.server, WORD, 4, 0);
	note_epoll(r, epfd, 0);
	send(p.server, WORD, 4, 0);
	note_epoll(r, epfd, 0);
	TRY(r, epoll_ctl(epfd, EPOLL_CTL_MOD, p.client, &event));
	note_epoll(r, epfd, 0);
}

/* SIGIO, for who has asked for it. */
SAME(sigio)
{
	struct pair p = new_pair(r);

	catch_signal(SIGIO, 0);
	TRY(r, fcntl(p.client, F_SETOWN, getpid()));
	TRY(r, fcntl(p.client, F_SETFL, O_ASYNC));
	send(p.server, WORD, 4, 0);
	pause_ms(SETTLE_MS);
	note(r, "%s after data", signals_seen ? "a signal" : "none");
	signals_seen = 0;
	shutdown(p.server, SHUT_WR);
	pause_ms(SETTLE_MS);
	note(r, "%s after FIN", signals_seen ? "a signal" : "none");
	signals_seen = 0;
	TRY(r, fcntl(p.listener, F_SETOWN, getpid()));
	TRY(r, fcntl(p.listener, F_SETFL, O_ASYNC));
	connect_to(new_socket(r, 0), LOCALHOST, PORT);
	pause_ms(SETTLE_MS);
	note(r, "%s after a connection", signals_seen ? "a signal" : "none");
}

/* Who waits for more than the buffer takes is told when it is full. */
SAME(low_water_mark_beyond_the_buffer)
{
	static char block[300000];
	struct pair p;

	p.listener = new_listener(r, LOCALHOST, PORT, 8);
	set_option(p.listener, SOL_SOCKET, SO_RCVBUF, 8192);
	p.client = new_socket(r, 0);
	TRY(r, connect_to(p.client, LOCALHOST, PORT));
	p.server = accept(p.listener, NULL, NULL);
	TRY(r, set_option(p.server, SOL_SOCKET, SO_RCVLOWAT, 1 << 20));
	LOOK(r, p.server);
	TRY(r, send(p.client, WORD, 10, 0));
	LOOK(r, p.server);
	fill(p.client);
	LOOK(r, p.server);
	TRY(r, recv(p.server, block, sizeof(block), MSG_DONTWAIT) > 10);
}

TEST_HARNESS_MAIN
