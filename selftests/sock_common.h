/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the socket tests share: run a sequence of calls on a stock TCP socket
 * and on an AF_EDUTCP socket, and compare.
 *
 * A sequence is a function that makes its calls through TRY(), which notes in
 * a report the call's own text and its result. The stock stack's report is
 * what is expected of edutcp: so no test needs to spell out what Linux does.
 *
 * Each run has a process and a network namespace of its own, so both can use
 * the same ports, and whatever a run breaks is gone when it ends.
 */
#ifndef SOCK_COMMON_H
#define SOCK_COMMON_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "edutcp.h"
#include "kselftest_harness.h"

#define PORT 4000
#define WORD "0123456789"
#define LOCALHOST "127.0.0.1"
#define SETTLE_MS 20	/* for what happens on another processor */
#define RUN_SECONDS 100

/**
 * struct run - one run of a sequence
 * @family: AF_INET or AF_EDUTCP
 * @skip: set by a sequence that cannot run here: why not
 * @lines: how many in @line
 * @line: the report
 */
struct run {
	int family;
	char skip[120];
	unsigned int lines;
	char line[600][120];
};

static inline void note(struct run *r, const char *format, ...)
{
	va_list args;

	if (r->lines == ARRAY_SIZE(r->line)) {
		strcpy(r->line[r->lines - 1], "and more than fits");
		return;
	}
	va_start(args, format);
	vsnprintf(r->line[r->lines++], sizeof(r->line[0]), format, args);
	va_end(args);
}

static inline long noted(struct run *r, const char *call, long value)
{
	if (value == -1)
		note(r, "%s = %s", call, strerrorname_np(errno));
	else
		note(r, "%s = %ld", call, value);
	return value;
}

/* Make a call, and note it and its result. */
#define TRY(r, call) (errno = 0, noted(r, #call, call))

/* For a result that differs from run to run: only whether there is one. */
#define TRY_FD(r, call) noted_fd(r, #call, call)

static inline int noted_fd(struct run *r, const char *call, int fd)
{
	if (fd < 0)
		note(r, "%s = %s", call, strerrorname_np(errno));
	else
		note(r, "%s is a descriptor", call);
	return fd;
}

static inline void pause_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts))
		;
}

static inline long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline char *mask_text(unsigned int mask, char *text)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} bits[] = {
		{ POLLIN, "IN " }, { POLLPRI, "PRI " }, { POLLOUT, "OUT " },
		{ POLLERR, "ERR " }, { POLLHUP, "HUP " }, { POLLNVAL, "NVAL " },
		{ POLLRDHUP, "RDHUP " }, { POLLRDNORM, "RDNORM " },
		{ POLLWRNORM, "WRNORM " }, { POLLRDBAND, "RDBAND " },
		{ POLLWRBAND, "WRBAND " },
	};
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (mask & bits[i].bit)
			strcat(text, bits[i].name);
	return text;
}

/* Note all that poll() can say of a socket. */
#define LOOK(r, fd) noted_mask(r, #fd, fd)

static inline void noted_mask(struct run *r, const char *name, int fd)
{
	struct pollfd pfd = {
		.fd = fd,
		.events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM |
			  POLLWRNORM | POLLRDBAND | POLLWRBAND,
	};
	char text[100];

	pause_ms(SETTLE_MS);
	poll(&pfd, 1, 0);
	note(r, "poll(%s): %s", name, mask_text(pfd.revents, text));
}

/* Note and clear SO_ERROR. */
#define SO_ERROR_OF(r, fd) noted_so_error(r, #fd, fd)

static inline void noted_so_error(struct run *r, const char *name, int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		note(r, "SO_ERROR of %s: call fails", name);
	else
		note(r, "SO_ERROR of %s: %s", name,
		     err ? strerrorname_np(err) : "0");
}

static inline struct sockaddr_in address(const char *host, int port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};

	inet_pton(AF_INET, host, &sin.sin_addr);
	return sin;
}

/*
 * Ports that the kernel chooses differ from run to run. And the stock stack
 * tells the old port of a socket whose connection is over, though it does not
 * hold it any more; edutcp says 0. Both are "any port".
 */
static inline void note_name(struct run *r, const char *what, int err,
			     const struct sockaddr_in *sin, socklen_t len)
{
	char host[INET_ADDRSTRLEN];
	int port = ntohs(sin->sin_port);

	if (err) {
		note(r, "%s: %s", what, strerrorname_np(errno));
		return;
	}
	inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
	if (port < PORT || port >= PORT + 1000)
		note(r, "%s: family %d length %u %s, any port", what,
		     sin->sin_family, len, host);
	else
		note(r, "%s: family %d length %u %s, port %d", what,
		     sin->sin_family, len, host, port);
}

/* Note what getsockname() and getpeername() say. */
#define NAMES(r, fd) noted_names(r, #fd, fd)

static inline void noted_names(struct run *r, const char *name, int fd)
{
	struct sockaddr_in sin = { };
	socklen_t len = sizeof(sin);
	char what[60];
	int err;

	snprintf(what, sizeof(what), "getsockname(%s)", name);
	err = getsockname(fd, (struct sockaddr *)&sin, &len);
	note_name(r, what, err, &sin, len);

	memset(&sin, 0, sizeof(sin));
	len = sizeof(sin);
	snprintf(what, sizeof(what), "getpeername(%s)", name);
	err = getpeername(fd, (struct sockaddr *)&sin, &len);
	note_name(r, what, err, &sin, len);
}

static inline int new_socket(struct run *r, int flags)
{
	return socket(r->family, SOCK_STREAM | flags, 0);
}

static inline int bind_to(int fd, const char *host, int port)
{
	struct sockaddr_in sin = address(host, port);

	return bind(fd, (struct sockaddr *)&sin, sizeof(sin));
}

static inline int connect_to(int fd, const char *host, int port)
{
	struct sockaddr_in sin = address(host, port);

	return connect(fd, (struct sockaddr *)&sin, sizeof(sin));
}

static inline int disconnect(int fd)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	return connect(fd, &sa, sizeof(sa));
}

static inline int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* The option's value, or -1. */
static inline int get_option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return getsockopt(fd, level, name, &value, &len) ? -1 : value;
}

static inline int set_timeout(int fd, int name, unsigned int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	return setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv));
}

static inline int set_linger(int fd, int on, int seconds)
{
	struct linger linger = { on, seconds };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Where something goes wrong that no test is about. */
static inline void give_up(struct run *r, const char *what)
{
	note(r, "cannot %s: %s", what, strerrorname_np(errno));
	_exit(0);
}

static inline int new_listener(struct run *r, const char *host, int port,
			       int backlog)
{
	int fd = new_socket(r, 0);

	if (fd < 0)
		give_up(r, "make a socket");
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind_to(fd, host, port))
		give_up(r, "bind a listener");
	if (listen(fd, backlog))
		give_up(r, "listen");
	return fd;
}

/**
 * struct pair - a connection
 * @listener: at PORT
 * @client: connected to it
 * @server: what came of it there
 */
struct pair {
	int listener;
	int client;
	int server;
};

static inline struct pair new_pair(struct run *r)
{
	struct pair p;

	p.listener = new_listener(r, LOCALHOST, PORT, 8);
	p.client = new_socket(r, 0);
	if (connect_to(p.client, LOCALHOST, PORT))
		give_up(r, "connect");
	p.server = accept(p.listener, NULL, NULL);
	if (p.server < 0)
		give_up(r, "accept");
	return p;
}

/* Set a sysctl, by its path under /proc/sys/net. */
static inline int set_sysctl(const char *path, const char *value)
{
	char name[100];
	int err = -1;
	int fd;

	snprintf(name, sizeof(name), "/proc/sys/net/%s", path);
	fd = open(name, O_WRONLY);
	if (fd < 0)
		return -1;
	if (write(fd, value, strlen(value)) > 0)
		err = 0;
	close(fd);
	return err;
}

/* A counter of /proc/edutcp/stats; -1 if there is none of that name. */
static inline long edutcp_counter(const char *name)
{
	FILE *file = fopen("/proc/edutcp/stats", "r");
	char seen[60];
	long value, result = -1;

	if (!file)
		return -1;
	while (fscanf(file, "%59s %ld", seen, &value) == 2)
		if (!strcmp(seen, name))
			result = value;
	fclose(file);
	return result;
}

static inline void set_up_loopback(struct run *r)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET))
		give_up(r, "make a network namespace");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		give_up(r, "bring up the loopback device");
	close(fd);
	capture_namespace(r->family == AF_EDUTCP ? "edutcp" : "stock");
}

/*
 * A network from which nothing comes back: 10.9.0.0/24. False, and the run is
 * skipped, if the kernel has no dummy device.
 */
static inline bool set_up_black_hole(struct run *r)
{
	if (!system("ip link add hole type dummy 2>/dev/null") &&
	    !system("ip address add 10.9.0.1/24 dev hole") &&
	    !system("ip link set hole up"))
		return true;
	strcpy(r->skip, "cannot make a dummy device");
	return false;
}

#define NOWHERE "10.9.0.2"

static int signals_seen;

static inline void count_signal(int number)
{
	(void)number;
	__atomic_add_fetch(&signals_seen, 1, __ATOMIC_SEQ_CST);
}

static inline void catch_signal(int number, int flags)
{
	struct sigaction action = {
		.sa_handler = count_signal,
		.sa_flags = flags,
	};

	sigaction(number, &action, NULL);
	signals_seen = 0;
}

/*
 * SIGUSR1 once, after so many milliseconds; 0: not any more. Not with alarm(),
 * which is taken: it ends a run that hangs.
 */
static inline void signal_after(unsigned int ms)
{
	struct itimerspec when = {
		.it_value = { ms / 1000, ms % 1000 * 1000000L },
	};
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR1,
	};
	static timer_t timer;
	static bool made;

	if (!made)
		made = !timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &when, NULL);
}

/* A thread that waits for a while and then does something to a socket. */
struct later {
	pthread_t thread;
	unsigned int ms;
	void (*action)(int fd);
	int fd;
};

static inline void *later_main(void *arg)
{
	struct later *later = arg;
	sigset_t all;

	/* Signals are for the thread that makes the calls. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pause_ms(later->ms);
	later->action(later->fd);
	return NULL;
}

static inline void do_later(struct later *later, unsigned int ms,
			    void (*action)(int fd), int fd)
{
	*later = (struct later) { .ms = ms, .action = action, .fd = fd };
	pthread_create(&later->thread, NULL, later_main, later);
}

static inline void join_later(struct later *later)
{
	pthread_join(later->thread, NULL);
}

/* Actions for do_later() */
static inline void send_a_word(int fd)
{
	send(fd, "word", 4, MSG_NOSIGNAL);
}

static inline void close_it(int fd)
{
	close(fd);
}

static inline void close_hard(int fd)
{
	set_linger(fd, 1, 0);
	close(fd);
}

static inline void shut_all_ways(int fd)
{
	shutdown(fd, SHUT_RDWR);
}

static inline void end_sending(int fd)
{
	shutdown(fd, SHUT_WR);
}

/* A pattern that shows lost, repeated and exchanged octets. */
static inline unsigned char octet_at(unsigned long long position)
{
	return (position * 2654435761u) >> 13;
}

static inline void fill_pattern(unsigned char *buffer,
				unsigned long long position, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buffer[i] = octet_at(position + i);
}

static inline bool is_pattern(const unsigned char *buffer,
			      unsigned long long position,
			      size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (buffer[i] != octet_at(position + i))
			return false;
	return true;
}

/*
 * Send until nothing more goes, patiently: the receiver may still make room.
 * How much that is, is each stack's own affair.
 */
static inline size_t fill(int fd)
{
	static char block[65536];
	unsigned int failures = 0;
	size_t total = 0;
	ssize_t sent;

	while (failures < 10) {
		sent = send(fd, block, sizeof(block), MSG_DONTWAIT);
		if (sent > 0) {
			total += sent;
			failures = 0;
		} else {
			failures++;
			pause_ms(100);
		}
	}
	return total;
}

static inline void play(struct run *r, void (*sequence)(struct run *r))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		signal(SIGALRM, SIG_DFL);
		signal(SIGPIPE, SIG_IGN);
		set_up_loopback(r);
		alarm(RUN_SECONDS);
		sequence(r);
		alarm(0);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		note(r, "no process: %s", strerrorname_np(errno));
	else if (WIFSIGNALED(status))
		note(r, WTERMSIG(status) == SIGALRM ? "here it hangs" :
						      "here it crashed");
}

/* Set at build time to see the reports, to write a test by. */
#ifndef SHOW_REPORTS
#define SHOW_REPORTS 0
#endif

static inline void compare(struct __test_metadata *_metadata,
			   void (*sequence)(struct run *r))
{
	struct run *runs = mmap(NULL, 2 * sizeof(*runs), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct run *stock = &runs[0], *ours = &runs[1];
	unsigned int i, shown = 0, differ = 0;

	if (runs == MAP_FAILED)
		SKIP(return, "no memory");
	stock->family = AF_INET;
	ours->family = AF_EDUTCP;
	play(stock, sequence);
	play(ours, sequence);
	if (stock->skip[0])
		SKIP(return, "%s", stock->skip);
	if (ours->skip[0])
		SKIP(return, "%s", ours->skip);
	EXPECT_GT(stock->lines, 0);

	for (i = 0; i < stock->lines || i < ours->lines; i++) {
		const char *a = i < stock->lines ? stock->line[i] : "(end)";
		const char *b = i < ours->lines ? ours->line[i] : "(end)";

		if (SHOW_REPORTS)
			printf("#   %3u  %s\n", i, a);
		if (!strcmp(a, b))
			continue;
		differ++;
		if (shown++ >= 12)
			continue;
		/* The line before says where we are. */
		if (i)
			printf("#   %3u          %s\n", i - 1, stock->line[i - 1]);
		printf("#   %3u  stock:  %s\n", i, a);
		printf("#   %3u  edutcp: %s\n", i, b);
	}
	fflush(stdout);
	EXPECT_EQ(0, differ);
	munmap(runs, 2 * sizeof(*runs));
}

FIXTURE(same_as_stock) {
};

FIXTURE_SETUP(same_as_stock)
{
	(void)self;
	(void)variant;
}

FIXTURE_TEARDOWN(same_as_stock)
{
	(void)self;
}

/* Define a sequence, and the test that both stacks answer it alike. */
#define SAME(name)							\
	static void sequence_##name(struct run *r);			\
	TEST_F_TIMEOUT(same_as_stock, name, 2 * RUN_SECONDS + 5)	\
	{								\
		compare(_metadata, sequence_##name);			\
	}								\
	static void sequence_##name(struct run *r)

/* For what concerns edutcp alone, or both stacks together. */
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

#endif
