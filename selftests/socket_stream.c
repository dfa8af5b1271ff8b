// SPDX-License-Identifier: GPL-2.0
/*
 * Octets: every one arrives, once, in order, however it is written and read,
 * and whichever process does it.
 */

#include "sock_common.h"

#include <sys/sendfile.h>
#include <sys/un.h>

#define BLOCK 65536

SAME(many_messages)
{
	struct pair p = new_pair(r);
	struct mmsghdr out[5] = { }, in[3] = { };
	struct iovec iov = { WORD, 10 }, room[3];
	char text[3][20];
	unsigned int i;

	for (i = 0; i < 5; i++) {
		out[i].msg_hdr.msg_iov = &iov;
		out[i].msg_hdr.msg_iovlen = 1;
	}
	for (i = 0; i < 3; i++) {
		room[i] = (struct iovec){ text[i], 7 };
		in[i].msg_hdr.msg_iov = &room[i];
		in[i].msg_hdr.msg_iovlen = 1;
	}
	TRY(r, sendmmsg(p.client, out, 5, 0));
	pause_ms(SETTLE_MS);
	TRY(r, recvmmsg(p.server, in, 3, 0, NULL));
	for (i = 0; i < 3; i++)
		note(r, "%.7s %u %d", text[i], in[i].msg_len,
		     in[i].msg_hdr.msg_flags);
}

/* A child process has the socket as well: close() by one is not the end. */
SAME(shared_with_a_child)
{
	struct pair p = new_pair(r);
	char text[20] = "";
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(p.server);
		pause_ms(50);
		send(p.client, WORD, 10, 0);
		_exit(0);
	}
	close(p.client);
	TRY(r, recv(p.server, text, 10, MSG_WAITALL));
	waitpid(pid, NULL, 0);
	TRY(r, recv(p.server, text, 10, 0));
	LOOK(r, p.server);

	note(r, "shutdown() is");
	close(p.listener);
	p = new_pair(r);
	pid = fork();
	if (!pid) {
		shutdown(p.client, SHUT_WR);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	TRY(r, recv(p.server, text, 10, 0));
	TRY(r, send(p.client, WORD, 10, MSG_NOSIGNAL));
}

/* The end of a process closes its sockets. */
SAME(process_ends)
{
	struct pair p = new_pair(r);
	char text[20] = "";
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(p.server);
		send(p.client, WORD, 10, 0);
		pause_ms(100);
		raise(SIGKILL);
	}
	close(p.client);
	TRY(r, recv(p.server, text, 10, MSG_WAITALL));
	TRY(r, recv(p.server, text, 10, 0));
	waitpid(pid, NULL, 0);
}

static void pass(int unix_fd, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	sendmsg(unix_fd, &msg, 0);
}

static int take(int unix_fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { };
	char octet;
	struct iovec iov = { &octet, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(unix_fd, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

SAME(passed_on)
{
	struct pair p = new_pair(r);
	char text[20] = "";
	int pipes[2];
	pid_t pid;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pipes);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(p.client);
		close(p.server);
		close(p.listener);
		p.server = take(pipes[1]);
		if (recv(p.server, text, 10, MSG_WAITALL) == 10)
			send(p.server, text, 10, 0);
		_exit(0);
	}
	pass(pipes[0], p.server);
	close(p.server);
	TRY(r, send(p.client, "abcdefghij", 10, 0));
	TRY(r, recv(p.client, text, 10, MSG_WAITALL));
	note(r, "%s", text);
	waitpid(pid, NULL, 0);
	TRY(r, recv(p.client, text, 10, 0));
}

/* ------------------------------------------------------ a lot of octets */

FIXTURE(stream) {
	struct run r;
	struct pair p;
};

FIXTURE_VARIANT(stream) {
	int family;
	int peer;
};

FIXTURE_VARIANT_ADD(stream, edutcp) {
	.family = AF_EDUTCP,
	.peer = AF_EDUTCP,
};

FIXTURE_VARIANT_ADD(stream, from_stock) {
	.family = AF_INET,
	.peer = AF_EDUTCP,
};

FIXTURE_VARIANT_ADD(stream, to_stock) {
	.family = AF_EDUTCP,
	.peer = AF_INET,
};

FIXTURE_SETUP(stream)
{
	signal(SIGPIPE, SIG_IGN);
	set_up_loopback(&self->r);
	self->r.family = variant->peer;
	self->p.listener = new_listener(&self->r, LOCALHOST, PORT, 8);
	self->r.family = variant->family;
	self->p.client = new_socket(&self->r, 0);
	ASSERT_EQ(0, connect_to(self->p.client, LOCALHOST, PORT));
	self->p.server = accept(self->p.listener, NULL, NULL);
	ASSERT_LE(0, self->p.server);
}

FIXTURE_TEARDOWN(stream)
{
	close(self->p.client);
	close(self->p.server);
	close(self->p.listener);
}

/**
 * struct flow - a thread that sends or receives the pattern
 * @fd: the socket
 * @total: octets to send; or to receive, at the end of which comes EOF
 * @chunk: octets in one call, at the most; varied if @vary
 * @pause_us: after each call
 * @vary: use another length for each call, by this seed
 * @nonblock: with poll() and MSG_DONTWAIT
 * @done: octets that went well
 * @bad: something did not
 */
struct flow {
	pthread_t thread;
	int fd;
	unsigned long long total;
	size_t chunk;
	unsigned int pause_us;
	unsigned int vary;
	bool nonblock;
	unsigned long long done;
	const char *bad;
};

static size_t next_len(struct flow *f)
{
	size_t len = f->chunk;

	if (f->vary) {
		f->vary = f->vary * 1103515245 + 12345;
		len = 1 + (f->vary >> 8) % len;
	}
	return len;
}

static void *must_malloc(size_t size)
{
	void *block = malloc(size);

	if (!block)
		abort();
	return block;
}

static void *sender(void *arg)
{
	struct flow *f = arg;
	unsigned char *block = must_malloc(f->chunk);

	while (f->done < f->total && !f->bad) {
		struct pollfd pfd = { .fd = f->fd, .events = POLLOUT };
		size_t len = next_len(f);
		ssize_t sent;

		if (len > f->total - f->done)
			len = f->total - f->done;
		fill_pattern(block, f->done, len);
		sent = send(f->fd, block, len, f->nonblock ? MSG_DONTWAIT : 0);
		if (sent < 0 && errno == EAGAIN && f->nonblock) {
			if (poll(&pfd, 1, 10000) != 1)
				f->bad = "never writable again";
			continue;
		}
		if (sent <= 0)
			f->bad = strerrorname_np(errno);
		else if (!f->nonblock && (size_t)sent != len)
			f->bad = "a blocking send() took only a part";
		else
			f->done += sent;
		if (f->pause_us)
			usleep(f->pause_us);
	}
	free(block);
	if (shutdown(f->fd, SHUT_WR) && !f->bad)
		f->bad = "shutdown() failed";
	return NULL;
}

static void *receiver(void *arg)
{
	struct flow *f = arg;
	unsigned char *block = must_malloc(f->chunk);

	while (!f->bad) {
		struct pollfd pfd = { .fd = f->fd, .events = POLLIN };
		ssize_t got = recv(f->fd, block, next_len(f),
				   f->nonblock ? MSG_DONTWAIT : 0);

		if (got < 0 && errno == EAGAIN && f->nonblock) {
			if (poll(&pfd, 1, 10000) != 1)
				f->bad = "never readable again";
			continue;
		}
		if (got < 0)
			f->bad = strerrorname_np(errno);
		else if (!got && f->done != f->total)
			f->bad = "the end came early";
		else if (!is_pattern(block, f->done, got))
			f->bad = "other octets than were sent";
		if (got <= 0)
			break;
		f->done += got;
		if (f->pause_us)
			usleep(f->pause_us);
	}
	free(block);
	return NULL;
}

#define RUN_FLOWS(...) do {						\
	struct flow *all[] = { __VA_ARGS__ };				\
	unsigned int n;							\
									\
	for (n = 0; n < ARRAY_SIZE(all); n++)				\
		pthread_create(&all[n]->thread, NULL,			\
			       n & 1 ? receiver : sender, all[n]);	\
	for (n = 0; n < ARRAY_SIZE(all); n++)				\
		pthread_join(all[n]->thread, NULL);			\
	for (n = 0; n < ARRAY_SIZE(all); n++) {				\
		EXPECT_STREQ("", all[n]->bad ?: "")			\
			TH_LOG("flow %u", n);				\
		EXPECT_EQ(all[n]->total, all[n]->done)			\
			TH_LOG("flow %u", n);				\
	}								\
} while (0)

TEST_F_TIMEOUT(stream, one_way, 300)
{
	struct flow out = { .fd = self->p.client, .total = 8000000,
			    .chunk = BLOCK };
	struct flow in = { .fd = self->p.server, .total = 8000000,
			   .chunk = BLOCK };

	RUN_FLOWS(&out, &in);
}

/* One write() of it all */
TEST_F_TIMEOUT(stream, one_large_write, 300)
{
	struct flow out = { .fd = self->p.client, .total = 4000000,
			    .chunk = 4000000 };
	struct flow in = { .fd = self->p.server, .total = 4000000,
			   .chunk = BLOCK };

	RUN_FLOWS(&out, &in);
}

TEST_F_TIMEOUT(stream, both_ways, 300)
{
	struct flow out = { .fd = self->p.client, .total = 3000000,
			    .chunk = 5000, .vary = 1 };
	struct flow in = { .fd = self->p.server, .total = 3000000,
			   .chunk = 70000, .vary = 2 };
	struct flow back_out = { .fd = self->p.server, .total = 2000000,
				 .chunk = 100000, .vary = 3 };
	struct flow back_in = { .fd = self->p.client, .total = 2000000,
				.chunk = 3000, .vary = 4 };

	RUN_FLOWS(&out, &in, &back_out, &back_in);
}

TEST_F_TIMEOUT(stream, slow_reader, 300)
{
	struct flow out = { .fd = self->p.client, .total = 3000000,
			    .chunk = BLOCK };
	struct flow in = { .fd = self->p.server, .total = 3000000,
			   .chunk = 50000, .pause_us = 20000 };

	RUN_FLOWS(&out, &in);
}

TEST_F_TIMEOUT(stream, slow_reader_without_blocking, 300)
{
	struct flow out = { .fd = self->p.client, .total = 3000000,
			    .chunk = BLOCK, .nonblock = true };
	struct flow in = { .fd = self->p.server, .total = 3000000,
			   .chunk = 50000, .pause_us = 20000,
			   .nonblock = true };

	RUN_FLOWS(&out, &in);
}

/* The reader begins when all buffers are full and the window is shut. */
TEST_F_TIMEOUT(stream, shut_window, 300)
{
	struct flow out = { .fd = self->p.client, .total = 12000000,
			    .chunk = BLOCK };
	struct flow in = { .fd = self->p.server, .total = 12000000,
			   .chunk = BLOCK };

	pthread_create(&out.thread, NULL, sender, &out);
	pause_ms(1500);
	pthread_create(&in.thread, NULL, receiver, &in);
	pthread_join(out.thread, NULL);
	pthread_join(in.thread, NULL);
	EXPECT_STREQ("", out.bad ?: "");
	EXPECT_STREQ("", in.bad ?: "");
	EXPECT_EQ(in.total, in.done);
}

TEST_F_TIMEOUT(stream, small_buffers, 300)
{
	struct flow out = { .fd = self->p.client, .total = 60000,
			    .chunk = BLOCK, .vary = 7 };
	struct flow in = { .fd = self->p.server, .total = 60000,
			   .chunk = BLOCK, .vary = 8 };

	set_option(self->p.client, SOL_SOCKET, SO_SNDBUF, 1);
	set_option(self->p.server, SOL_SOCKET, SO_RCVBUF, 1);
	RUN_FLOWS(&out, &in);
}

TEST_F_TIMEOUT(stream, octet_by_octet, 300)
{
	struct flow out = { .fd = self->p.client, .total = 5000, .chunk = 1 };
	struct flow in = { .fd = self->p.server, .total = 5000, .chunk = 1 };

	set_option(self->p.client, IPPROTO_TCP, TCP_NODELAY, 1);
	RUN_FLOWS(&out, &in);
}

/* close() with a full send buffer: it all arrives nevertheless. */
TEST_F_TIMEOUT(stream, close_with_full_buffers, 300)
{
	struct flow in = { .fd = self->p.server, .chunk = BLOCK };
	unsigned char *block = must_malloc(BLOCK);
	ssize_t sent;

	do {
		fill_pattern(block, in.total, BLOCK);
		sent = send(self->p.client, block, BLOCK, MSG_DONTWAIT);
		if (sent > 0)
			in.total += sent;
	} while (sent > 0);
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_GT(in.total, 100000);
	close(self->p.client);
	receiver(&in);
	EXPECT_STREQ("", in.bad ?: "");
	EXPECT_EQ(in.total, in.done);
	free(block);
}

TEST_F_TIMEOUT(stream, vectors, 300)
{
	static unsigned char out[200000], in[200000];
	struct iovec iov[1024];
	size_t total = 0;
	unsigned int i;
	ssize_t moved;

	fill_pattern(out, 0, sizeof(out));
	for (i = 0; i < 1024; i++) {
		iov[i] = (struct iovec){ out + total, i % 190 };
		total += i % 190;
	}
	EXPECT_EQ(total, writev(self->p.client, iov, 1024));
	shutdown(self->p.client, SHUT_WR);

	/* Read into others, of another shape. */
	for (i = 0, total = 0; i < 1024; i++) {
		iov[i] = (struct iovec){ in + total, i % 97 };
		total += i % 97;
	}
	moved = readv(self->p.server, iov, 1024);
	ASSERT_LT(0, moved);
	while ((size_t)moved < sizeof(in)) {
		ssize_t got = read(self->p.server, in + moved,
				   sizeof(in) - moved);

		if (got <= 0)
			break;
		moved += got;
	}
	for (i = 0, total = 0; i < 1024; i++)
		total += i % 190;
	EXPECT_EQ(total, moved);
	EXPECT_TRUE(is_pattern(in, 0, moved));
}

TEST_F_TIMEOUT(stream, sendfile_and_splice, 300)
{
	static unsigned char block[BLOCK];
	struct flow in = { .fd = self->p.server, .total = 500000,
			   .chunk = BLOCK };
	int fd = memfd_create("data", 0);
	unsigned long long done = 0;
	off_t offset = 0;
	int pipes[2];

	while (done < in.total) {
		fill_pattern(block, done, BLOCK);
		done += write(fd, block, BLOCK);
	}
	pthread_create(&in.thread, NULL, receiver, &in);
	while (offset < 300000)
		ASSERT_LT(0, sendfile(self->p.client, fd, &offset,
				      300000 - offset));

	ASSERT_EQ(0, pipe(pipes));
	for (done = 300000; done < in.total;) {
		loff_t from = done;
		ssize_t len = in.total - done < 20000 ? in.total - done : 20000;

		len = splice(fd, &from, pipes[1], NULL, len, 0);
		ASSERT_LT(0, len);
		done += len;
		while (len > 0) {
			ssize_t moved = splice(pipes[0], NULL, self->p.client,
					       NULL, len, 0);

			ASSERT_LT(0, moved);
			len -= moved;
		}
	}
	shutdown(self->p.client, SHUT_WR);
	pthread_join(in.thread, NULL);
	EXPECT_STREQ("", in.bad ?: "");
	EXPECT_EQ(in.total, in.done);

	/* And out of a socket into a pipe */
	EXPECT_EQ(10, send(self->p.server, WORD, 10, 0));
	EXPECT_EQ(10, splice(self->p.client, NULL, pipes[1], NULL, 100, 0));
	EXPECT_EQ(10, read(pipes[0], block, 100));
	EXPECT_EQ(0, memcmp(block, WORD, 10));
}

/*
 * Two threads write records, two read; each record must arrive whole, for
 * send() of this little is atomic.
 */
struct record {
	unsigned int writer;
	unsigned int number;
	unsigned char rest[92];
};

static int shared_fd;

static void *record_writer(void *arg)
{
	struct record record = { .writer = (uintptr_t)arg };
	long bad = 0;

	for (record.number = 0; record.number < 2000; record.number++) {
		memset(record.rest, record.number ^ record.writer,
		       sizeof(record.rest));
		bad += send(shared_fd, &record, sizeof(record), 0) !=
		       sizeof(record);
	}
	return (void *)bad;
}

TEST_F_TIMEOUT(stream, two_writers, 300)
{
	unsigned int next[2] = { 0, 0 };
	pthread_t writer[2];
	struct record record;
	unsigned int i, bad = 0;
	void *result;

	shared_fd = self->p.client;
	for (i = 0; i < 2; i++)
		pthread_create(&writer[i], NULL, record_writer,
			       (void *)(uintptr_t)i);
	for (i = 0; i < 4000; i++) {
		unsigned int j;

		ASSERT_EQ(sizeof(record), recv(self->p.server, &record,
					       sizeof(record), MSG_WAITALL));
		ASSERT_LT(record.writer, 2);
		ASSERT_EQ(next[record.writer]++, record.number);
		for (j = 0; j < sizeof(record.rest); j++)
			bad += record.rest[j] !=
			       (unsigned char)(record.number ^ record.writer);
	}
	EXPECT_EQ(0, bad);
	for (i = 0; i < 2; i++) {
		pthread_join(writer[i], &result);
		EXPECT_EQ(NULL, result);
	}
}

static unsigned long long sum_of_two;

static void *summing_reader(void *arg)
{
	static const size_t chunk = 3000;
	unsigned char *block = must_malloc(chunk);
	unsigned long long sum = 0;
	ssize_t got, i;

	(void)arg;
	while ((got = recv(shared_fd, block, chunk, 0)) > 0)
		for (i = 0; i < got; i++)
			sum += block[i] + 1;
	free(block);
	__atomic_add_fetch(&sum_of_two, sum, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Two threads read: each octet goes to one of them. */
TEST_F_TIMEOUT(stream, two_readers, 300)
{
	struct flow out = { .fd = self->p.client, .total = 1000000,
			    .chunk = 10000, .vary = 5 };
	pthread_t reader[2];
	unsigned long long sum = 0;
	unsigned int i;

	shared_fd = self->p.server;
	for (i = 0; i < 2; i++)
		pthread_create(&reader[i], NULL, summing_reader, NULL);
	sender(&out);
	for (i = 0; i < 2; i++)
		pthread_join(reader[i], NULL);
	for (i = 0; i < out.total; i++)
		sum += octet_at(i) + 1;
	EXPECT_STREQ("", out.bad ?: "");
	EXPECT_EQ(sum, sum_of_two);
}

/* close() by one thread while another is in a call: no crash, no hang. */
TEST_F_TIMEOUT(stream, close_under_a_call, 300)
{
	unsigned int i;

	for (i = 0; i < 50; i++) {
		int client = new_socket(&self->r, 0);
		struct later later;
		char text[100];
		int server;

		ASSERT_EQ(0, connect_to(client, LOCALHOST, PORT));
		server = accept(self->p.listener, NULL, NULL);
		do_later(&later, i % 5, i & 1 ? close_hard : shut_all_ways,
			 client);
		while (send(server, text, sizeof(text), MSG_DONTWAIT) > 0)
			;
		while (recv(client, text, sizeof(text), MSG_DONTWAIT) > 0)
			;
		join_later(&later);
		close(server);
		if (!(i & 1))
			close(client);
	}
}

TEST_F_TIMEOUT(stream, many_connections, 300)
{
	enum { COUNT = 200 };
	static struct pair p[COUNT];
	unsigned int i, bad = 0;
	unsigned int number;

	ASSERT_EQ(0, listen(self->p.listener, COUNT));
	for (i = 0; i < COUNT; i++) {
		p[i].client = new_socket(&self->r, 0);
		ASSERT_EQ(0, connect_to(p[i].client, LOCALHOST, PORT));
		ASSERT_EQ(sizeof(i), send(p[i].client, &i, sizeof(i), 0));
	}
	for (i = 0; i < COUNT; i++) {
		p[i].server = accept(self->p.listener, NULL, NULL);
		ASSERT_LE(0, p[i].server);
	}
	for (i = 0; i < COUNT; i++) {
		bad += recv(p[i].server, &number, 4, MSG_WAITALL) != 4;
		bad += number != i;	/* the queue is first in, first out */
		bad += send(p[i].server, &i, sizeof(i), 0) != sizeof(i);
		close(p[i].server);
	}
	for (i = 0; i < COUNT; i++) {
		bad += recv(p[i].client, &number, 4, MSG_WAITALL) != 4;
		bad += number != i;
		bad += recv(p[i].client, &number, 4, MSG_WAITALL) != 0;
		close(p[i].client);
	}
	EXPECT_EQ(0, bad);
}

TEST_HARNESS_MAIN
