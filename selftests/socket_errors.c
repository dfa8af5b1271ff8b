// SPDX-License-Identifier: GPL-2.0
/*
 * What send(), recv() and shutdown() return when all goes well and when it does
 * not; resets, signals, time-outs, want of memory: as with the stock stack.
 */

#include "sock_common.h"

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
