// SPDX-License-Identifier: GPL-2.0
/*
 * The flags of send() and recv(), and how much waits: as with the stock stack.
 */

#include "sock_common.h"

SAME(partial_reads)
{
	struct pair p = new_pair(r);
	char text[30] = "";

	TRY(r, write(p.client, WORD, 10));
	TRY(r, write(p.client, WORD, 10));
	pause_ms(SETTLE_MS);
	TRY(r, read(p.server, text, 3));
	TRY(r, read(p.server, text + 3, 10));
	TRY(r, read(p.server, text + 13, 30 - 13));
	note(r, "%s", text);
	TRY(r, recv(p.server, text, 1, MSG_DONTWAIT));
}

SAME(peek)
{
	struct pair p = new_pair(r);
	char text[30] = "";

	TRY(r, recv(p.server, text, 5, MSG_PEEK | MSG_DONTWAIT));
	send(p.client, WORD, 10, 0);
	send(p.client, "abcdefghij", 10, 0);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, text, 5, MSG_PEEK));
	note(r, "%s", text);
	TRY(r, recv(p.server, text, 29, MSG_PEEK));
	note(r, "%s", text);
	TRY(r, recv(p.server, text, 20, MSG_PEEK | MSG_WAITALL));
	memset(text, 0, sizeof(text));
	TRY(r, recv(p.server, text, 8, 0));
	TRY(r, recv(p.server, text + 8, 5, MSG_PEEK));
	TRY(r, recv(p.server, text + 8, 5, 0));
	TRY(r, recv(p.server, text + 13, 10, 0));
	note(r, "%s", text);
	shutdown(p.client, SHUT_WR);
	TRY(r, recv(p.server, text, 5, MSG_PEEK));
	TRY(r, recv(p.server, text, 5, MSG_PEEK));
	TRY(r, recv(p.server, text, 5, 0));
}

SAME(peek_at_reset)
{
	struct pair p = new_pair(r);
	char text[30] = "";

	close_hard(p.client);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, text, 5, MSG_PEEK));
	TRY(r, recv(p.server, text, 5, MSG_PEEK));
	TRY(r, recv(p.server, text, 5, 0));
}

/* MSG_TRUNC: read and throw away */
SAME(truncate)
{
	struct pair p = new_pair(r);
	char text[30] = "unchanged";

	send(p.client, WORD WORD, 20, 0);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, text, 8, MSG_TRUNC));
	TRY(r, recv(p.server, (void *)8, 4, MSG_TRUNC));
	note(r, "%s", text);
	memset(text, 0, sizeof(text));
	TRY(r, recv(p.server, text, 29, 0));
	note(r, "%s", text);
	send(p.client, WORD WORD, 20, 0);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, NULL, 15, MSG_TRUNC | MSG_PEEK));
	TRY(r, recv(p.server, NULL, 100, MSG_TRUNC));
	TRY(r, recv(p.server, NULL, 100, MSG_TRUNC | MSG_DONTWAIT));
}

SAME(wait_for_all)
{
	struct pair p = new_pair(r);
	struct later later;
	char text[30] = "";

	send(p.client, WORD, 10, 0);
	do_later(&later, 100, send_a_word, p.client);
	TRY(r, recv(p.server, text, 14, MSG_WAITALL));
	note(r, "%s", text);
	join_later(&later);
	send(p.client, WORD, 10, 0);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, text, 14, MSG_WAITALL | MSG_DONTWAIT));
	send(p.client, WORD, 10, 0);
	pause_ms(SETTLE_MS);
	close_hard(p.client);
	pause_ms(SETTLE_MS);
	TRY(r, recv(p.server, text, 14, MSG_WAITALL));
	TRY(r, recv(p.server, text, 14, MSG_WAITALL));
}

static long value_of(int fd, unsigned long request)
{
	int value = -1;

	return ioctl(fd, request, &value) ? -1 : value;
}

SAME(queue_lengths)
{
	struct pair p = new_pair(r);
	char text[30];

	TRY(r, value_of(p.server, FIONREAD));
	TRY(r, value_of(p.client, TIOCOUTQ));
	send(p.client, WORD, 10, 0);
	send(p.client, WORD, 10, 0);
	pause_ms(100);
	TRY(r, value_of(p.server, FIONREAD));
	TRY(r, value_of(p.client, TIOCOUTQ));
	recv(p.server, text, 3, 0);
	TRY(r, value_of(p.server, FIONREAD));
	shutdown(p.client, SHUT_WR);
	pause_ms(100);
	TRY(r, value_of(p.server, FIONREAD));
	TRY(r, value_of(p.client, TIOCOUTQ));
	recv(p.server, text, 30, 0);
	TRY(r, value_of(p.server, FIONREAD));
	recv(p.server, text, 30, 0);
	TRY(r, value_of(p.server, FIONREAD));
	TRY(r, ioctl(p.server, FIONREAD, (void *)8));
	fill(p.server);
	TRY(r, value_of(p.server, TIOCOUTQ) > 0);
	/* (After a reset the stock stack counts what it has thrown away.) */
	close_hard(p.client);
	pause_ms(SETTLE_MS);
	TRY(r, value_of(p.server, FIONREAD));
}

SAME(more_to_come)
{
	struct pair p = new_pair(r);
	char text[30] = "";

	TRY(r, send(p.client, "Hell", 4, MSG_MORE));
	TRY(r, send(p.client, "o, wor", 6, MSG_MORE));
	TRY(r, send(p.client, "ld", 2, 0));
	TRY(r, recv(p.server, text, 12, MSG_WAITALL));
	note(r, "%s", text);
	TRY(r, send(p.client, WORD, 10, MSG_MORE));
	shutdown(p.client, SHUT_WR);
	TRY(r, recv(p.server, text, 12, MSG_WAITALL));
	TRY(r, recv(p.server, text, 12, MSG_WAITALL));
}

static long thread_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* What is there already does not make who waits for more run in circles. */
SAME(peek_and_wait_for_all)
{
	struct pair p = new_pair(r);
	struct later later;
	char text[20];
	long begun;

	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, set_timeout(p.server, SO_RCVTIMEO, 1000));
	begun = thread_ms();
	TRY(r, recv(p.server, text, 20, MSG_PEEK | MSG_WAITALL));
	note(r, thread_ms() - begun < 300 ? "it slept" : "it spun");

	do_later(&later, 200, send_a_word, p.client);
	TRY(r, recv(p.server, text, 14, MSG_PEEK | MSG_WAITALL));
	join_later(&later);
	TRY(r, recv(p.server, text, 20, MSG_DONTWAIT));
}

static void *read_all(void *arg)
{
	char block[4096];

	while (recv(*(int *)arg, block, sizeof(block), 0) > 0)
		;
	return NULL;
}

/*
 * MSG_MORE holds a part segment back; but not when the buffer is full, for then
 * nothing would ever be added to it. (A timer would let it go, in the end.)
 */
SAME(more_into_a_full_buffer)
{
	struct pair p = new_pair(r);
	static char block[2000000];
	pthread_t reader;
	long begun;

	TRY(r, set_option(p.client, SOL_SOCKET, SO_SNDBUF, 1));
	pthread_create(&reader, NULL, read_all, &p.server);
	begun = now_ms();
	TRY(r, send(p.client, block, sizeof(block), MSG_MORE));
	note(r, now_ms() - begun < 3000 ? "soon" : "late");
	close(p.client);
	pthread_join(reader, NULL);
}

TEST_HARNESS_MAIN
