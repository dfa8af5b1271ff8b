// SPDX-License-Identifier: GPL-2.0
/*
 * capture FOLDER - inside the VM: record the packets of every network
 * namespace, and what /proc/net/edutcp says there
 *
 * For each namespace with traffic there come to be in FOLDER
 *
 *	NUMBER-NAME.pcapng	its packets, the last few megabytes of them
 *	NUMBER-NAME.old.pcapng	those before
 *	NUMBER-NAME.proc	the files of /proc/net/edutcp, as last seen
 *	NUMBER-NAME.failed	the same, at the moment when a test failed
 *
 * It notices namespaces with a name in /run/netns by itself. For any other, a
 * test sends its descriptor over the socket CAPTURE_SOCKET, and keeps that
 * connection for as long as it needs the namespace (see capture.h).
 *
 * The VM may die at any time, so nothing waits here: packets go to the folder,
 * which is on another machine, within BLOCK_MS. And all this must not disturb
 * what is tested. So the kernel copies the packets' beginnings into a ring (a
 * packet that waits to be read would be seen as shared by those who handle it),
 * and no file is touched before there is a packet for it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../capture.h"

#define NAMED		"/run/netns"
#define PROC		"/proc/self/net/edutcp"

#define SNAP		160		/* octets of each packet */
#define BLOCK		(1 << 14)
#define BLOCKS_NAMED	16
#define BLOCKS_UNNAMED	4		/* of those there are many */
#define BLOCK_MS	20		/* a block with a packet waits so long */
#define FILE_MAX	(2 << 20)	/* a file of packets, before the next */
#define PROC_MAX	(1 << 16)	/* of each file of PROC */
#define SAMPLE_MS	1000		/* from traffic to a look at PROC */
#define DEVICES		32

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct watch {
	int fd;
	void (*ready)(struct watch *watch);
};

/**
 * struct space - a network namespace
 * @ring: a packet socket in it; must be the first member
 * @next: in the list of all
 * @name: of its files
 * @inode: tells it from others
 * @is_named: in /run/netns
 * @ns: a descriptor of it
 * @map: the ring's blocks
 * @blocks: how many
 * @block: the number of the one that the kernel fills next
 * @taken: how many packets of that block are in the file already
 * @offset: where in the block the next packet is
 * @file: with its packets; or -1
 * @size: how long that is
 * @device: the indices of the devices that the file knows already
 * @devices: how many
 * @sample_at: when to look at PROC, in milliseconds; 0: no need to
 */
struct space {
	struct watch ring;
	struct space *next;
	char name[80];
	ino_t inode;
	bool is_named;
	int ns;
	char *map;
	unsigned int blocks;
	unsigned int block;
	unsigned int taken;
	unsigned int offset;
	int file;
	off_t size;
	int device[DEVICES];
	unsigned int devices;
	int64_t sample_at;
};

/* A test that has connected; @space: of which it has sent the descriptor. */
struct peer {
	struct watch watch;
	struct space *space;
};

static struct space *spaces;
static unsigned int count;
static int epoll;
static int home;		/* the namespace we started in */

/* What is to go into a file of packets next. */
static char buffer[1 << 17];
static size_t filled;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void add_watch(struct watch *watch, int fd,
		      void (*ready)(struct watch *watch), uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	watch->fd = fd;
	watch->ready = ready;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll_ctl");
}

/* Some disk may be full: say so, once. */
static void complain(const char *name)
{
	static bool said;

	if (!said)
		warn("%s", name);
	said = true;
}

/* --------------------------------------------------------------- the files */

/* https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html */
#define SECTION		0x0a0d0d0a
#define INTERFACE	1
#define PACKET		6

static void put(const void *octets, size_t len)
{
	memcpy(buffer + filled, octets, len);
	filled += len;
}

static void put_padded(const void *octets, size_t len)
{
	put(octets, len);
	while (filled % 4)
		buffer[filled++] = 0;
}

static void put_32(uint32_t value)
{
	put(&value, sizeof(value));
}

static void put_option(uint16_t code, const void *octets, uint16_t len)
{
	put(&code, sizeof(code));
	put(&len, sizeof(len));
	put_padded(octets, len);
}

/* A block begins with its type and its length, and ends in its length. */
static size_t begin_block(uint32_t type)
{
	size_t begin = filled;

	put_32(type);
	put_32(0);
	return begin;
}

static void end_block(size_t begin)
{
	uint32_t len = filled + 4 - begin;

	memcpy(buffer + begin + 4, &len, sizeof(len));
	put_32(len);
}

static void write_buffer(struct space *s)
{
	if (filled && write(s->file, buffer, filled) != (ssize_t)filled)
		complain(s->name);
	s->size += filled;
	filled = 0;
}

static void begin_file(struct space *s)
{
	char name[100], old[100];
	size_t begin;

	snprintf(name, sizeof(name), "%s.pcapng", s->name);
	snprintf(old, sizeof(old), "%s.old.pcapng", s->name);
	if (s->file >= 0) {
		close(s->file);
		rename(name, old);
	}
	s->file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (s->file < 0)
		complain(name);
	s->size = 0;
	s->devices = 0;

	begin = begin_block(SECTION);
	put_32(0x1a2b3c4d);
	put_32(1);		/* version 1.0 */
	put_32(-1);		/* length of the section: not known */
	put_32(-1);
	end_block(begin);
}

static void put_device(struct space *s, const struct sockaddr_ll *from)
{
	struct ifreq ifr = { .ifr_ifindex = from->sll_ifindex };
	bool ethernet = from->sll_hatype == ARPHRD_ETHER ||
			from->sll_hatype == ARPHRD_LOOPBACK;
	size_t begin = begin_block(INTERFACE);
	uint8_t nanoseconds = 9;

	if (ioctl(s->ring.fd, SIOCGIFNAME, &ifr))
		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "device %d",
			 from->sll_ifindex);
	put_32(ethernet ? 1 : 101);	/* LINKTYPE_ETHERNET, LINKTYPE_RAW */
	put_32(SNAP);
	put_option(2, ifr.ifr_name, strlen(ifr.ifr_name));
	put_option(9, &nanoseconds, 1);
	put_32(0);
	end_block(begin);
}

/* The number that a device has in the file of packets. */
static unsigned int device_number(struct space *s,
				  const struct sockaddr_ll *from)
{
	unsigned int i;

	for (i = 0; i < s->devices; i++)
		if (s->device[i] == from->sll_ifindex)
			return i;
	if (s->devices == DEVICES)
		return DEVICES - 1;
	put_device(s, from);
	s->device[s->devices] = from->sll_ifindex;
	return s->devices++;
}

static void put_packet(struct space *s, const struct tpacket3_hdr *packet)
{
	const char *octets = (const char *)packet;
	const struct sockaddr_ll *from =
		(const void *)(octets + TPACKET_ALIGN(sizeof(*packet)));
	uint64_t time = packet->tp_sec * UINT64_C(1000000000) + packet->tp_nsec;
	uint32_t flags = from->sll_pkttype == PACKET_OUTGOING ? 2 : 1;
	unsigned int device;
	size_t begin;

	if (filled > sizeof(buffer) / 2)
		write_buffer(s);
	if (s->file < 0 || s->size + filled > FILE_MAX) {
		write_buffer(s);
		begin_file(s);
	}
	device = device_number(s, from);
	begin = begin_block(PACKET);
	put_32(device);
	put_32(time >> 32);
	put_32(time);
	put_32(packet->tp_snaplen);
	put_32(packet->tp_len);
	put_padded(octets + packet->tp_mac, packet->tp_snaplen);
	put_option(2, &flags, sizeof(flags));
	put_32(0);
	end_block(begin);
}

/* What all files of PROC say, in one file. */
static void sample(struct space *s, const char *ending)
{
	static char text[PROC_MAX];
	char name[100];
	struct dirent *entry;
	DIR *folder;
	FILE *out;

	s->sample_at = 0;
	if (setns(s->ns, CLONE_NEWNET)) {
		complain(s->name);
		return;
	}
	folder = opendir(PROC);
	if (!folder)
		goto leave;		/* the module is not loaded */
	snprintf(name, sizeof(name), "%s.%s", s->name, ending);
	out = fopen(name, "we");
	if (!out) {
		complain(name);
		goto leave;
	}
	while ((entry = readdir(folder))) {
		ssize_t len = 0, more = 1;
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		while (more > 0 && len < PROC_MAX) {
			more = read(fd, text + len, PROC_MAX - len);
			len += more > 0 ? more : 0;
		}
		close(fd);
		fprintf(out, "==> %s <==\n%.*s\n", entry->d_name, (int)len, text);
	}
	if (fclose(out))
		complain(name);
leave:
	if (folder)
		closedir(folder);
	if (setns(home, CLONE_NEWNET))
		err(1, "setns");
}

/* ---------------------------------------------------------- the namespaces */

/*
 * Write what the ring has. The kernel hands over a block when it is full or
 * BLOCK_MS old. It counts the packets of the block that it still fills, too;
 * with @all, these are taken as well.
 */
static void take_packets(struct space *s, bool all)
{
	for (;;) {
		struct tpacket_block_desc *block =
			(void *)(s->map + (size_t)s->block * BLOCK);
		struct tpacket_hdr_v1 *head = &block->hdr.bh1;
		bool whole = __atomic_load_n(&head->block_status,
					     __ATOMIC_ACQUIRE) & TP_STATUS_USER;

		if (!whole && !all)
			break;
		if (!s->taken)
			s->offset = head->offset_to_first_pkt;
		for (; s->taken < head->num_pkts; s->taken++) {
			struct tpacket3_hdr *packet =
				(void *)((char *)block + s->offset);

			put_packet(s, packet);
			s->offset += packet->tp_next_offset;
			if (!s->sample_at)
				s->sample_at = now_ms() + SAMPLE_MS;
		}
		if (!whole)
			break;
		__atomic_store_n(&head->block_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
		s->block = (s->block + 1) % s->blocks;
		s->taken = 0;
	}
	write_buffer(s);
}

static void ring_ready(struct watch *watch)
{
	take_packets((struct space *)watch, false);
}

/* On "lo" each packet passes twice: the second time is enough. */
static const struct sock_filter filter[] = {
	{ BPF_LD | BPF_W | BPF_ABS, 0, 0, SKF_AD_OFF + SKF_AD_HATYPE },
	{ BPF_JMP | BPF_JEQ | BPF_K, 0, 2, ARPHRD_LOOPBACK },
	{ BPF_LD | BPF_W | BPF_ABS, 0, 0, SKF_AD_OFF + SKF_AD_PKTTYPE },
	{ BPF_JMP | BPF_JEQ | BPF_K, 1, 0, PACKET_OUTGOING },
	{ BPF_RET | BPF_K, 0, 0, SNAP },
	{ BPF_RET | BPF_K, 0, 0, 0 },
};

static bool open_ring(struct space *s, int fd)
{
	const struct sock_fprog program = {
		.len = ARRAY_SIZE(filter),
		.filter = (struct sock_filter *)filter,
	};
	const struct tpacket_req3 request = {
		.tp_block_size = BLOCK,
		.tp_block_nr = s->blocks,
		.tp_frame_size = 1 << 11,
		.tp_frame_nr = (BLOCK >> 11) * s->blocks,
		.tp_retire_blk_tov = BLOCK_MS,
	};
	const struct sockaddr_ll all = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(0x0003),	/* ETH_P_ALL */
	};
	int version = TPACKET_V3;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request,
		       sizeof(request)))
		return false;
	s->map = mmap(NULL, (size_t)BLOCK * s->blocks, PROT_READ | PROT_WRITE,
		      MAP_SHARED, fd, 0);
	return s->map != MAP_FAILED &&
	       !bind(fd, (const struct sockaddr *)&all, sizeof(all));
}

/* Begin with a namespace; NULL if that cannot be done. Takes @ns over. */
static struct space *open_space(const char *name, int ns, bool is_named)
{
	struct space *s = calloc(1, sizeof(*s));
	struct stat stat;
	int fd = -1;
	char *c;

	if (!s)
		err(1, "calloc");
	s->ns = ns;
	s->is_named = is_named;
	s->blocks = is_named ? BLOCKS_NAMED : BLOCKS_UNNAMED;
	s->file = -1;
	snprintf(s->name, sizeof(s->name), "%03u-%s", ++count, name);
	for (c = s->name; *c; c++)
		if (*c == '/' || *c == ' ')
			*c = '-';
	if (fstat(ns, &stat) || setns(ns, CLONE_NEWNET)) {
		warn("%s", name);
		goto fail;
	}
	s->inode = stat.st_ino;
	/* Without a protocol it takes nothing before it is bound. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (setns(home, CLONE_NEWNET))
		err(1, "setns");
	if (fd < 0 || !open_ring(s, fd)) {
		warn("%s", name);
		goto fail;
	}
	add_watch(&s->ring, fd, ring_ready, EPOLLIN);
	s->next = spaces;
	spaces = s;
	return s;
fail:
	if (fd >= 0)
		close(fd);
	close(ns);
	free(s);
	return NULL;
}

/* Nobody else has it any more; or we must not be what keeps it. */
static void close_space(struct space *s)
{
	struct space **at = &spaces;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	take_packets(s, true);
	if (s->sample_at)
		sample(s, "proc");
	munmap(s->map, (size_t)BLOCK * s->blocks);
	close(s->ring.fd);
	if (s->file >= 0)
		close(s->file);
	close(s->ns);
	free(s);
}

/* A namespace in NAMED, or 0 if the name does not lead to one (yet). */
static ino_t named_inode(int folder, const char *name)
{
	struct stat stat, plain;

	if (fstatat(folder, name, &stat, 0) || fstat(folder, &plain) ||
	    stat.st_dev == plain.st_dev)
		return 0;
	return stat.st_ino;
}

static struct space *find_named(ino_t inode)
{
	struct space *s;

	for (s = spaces; s; s = s->next)
		if (s->is_named && s->inode == inode)
			return s;
	return NULL;
}

/* Something was mounted or unmounted: names of namespaces are mounts. */
static void mounts_changed(struct watch *watch)
{
	struct space *s, *next;
	struct dirent *entry;
	ino_t seen[256];
	unsigned int i, n = 0;
	DIR *folder = opendir(NAMED);

	(void)watch;
	if (!folder)
		return;
	while ((entry = readdir(folder)) && n < ARRAY_SIZE(seen)) {
		ino_t inode = named_inode(dirfd(folder), entry->d_name);
		int fd;

		if (!inode || entry->d_name[0] == '.')
			continue;
		seen[n++] = inode;
		if (find_named(inode))
			continue;
		fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		open_space(entry->d_name, fd, true);
	}
	closedir(folder);

	for (s = spaces; s; s = next) {
		next = s->next;
		if (!s->is_named)
			continue;
		for (i = 0; i < n && seen[i] != s->inode; i++)
			;
		if (i == n)
			close_space(s);
	}
}

/* --------------------------------------------------------------- the tests */

static void test_failed(void)
{
	struct space *s;

	for (s = spaces; s; s = s->next) {
		take_packets(s, true);
		if (s->file >= 0)
			sample(s, "failed");
	}
}

/* A test has sent a namespace, or the word that it has failed; or it is gone. */
static void peer_ready(struct watch *watch)
{
	struct peer *peer = (struct peer *)watch;
	char name[60], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { name, sizeof(name) - 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(watch->fd, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header;
	int fd;

	if (len <= 0) {
		close(watch->fd);
		if (peer->space)
			close_space(peer->space);
		free(peer);
		return;
	}
	name[len] = '\0';
	header = CMSG_FIRSTHDR(&message);
	if (!header) {
		test_failed();
	} else {
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
		if (peer->space)
			close_space(peer->space);
		peer->space = open_space(name, fd, false);
	}
	/* The test waits for this before it sends its first packet. */
	send(watch->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void accept_peer(struct watch *watch)
{
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
	struct peer *peer;

	if (fd < 0)
		return;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		err(1, "calloc");
	add_watch(&peer->watch, fd, peer_ready, EPOLLIN);
}

static int listen_for_tests(void)
{
	struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = CAPTURE_SOCKET,
	};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 64))
		err(1, "%s", CAPTURE_SOCKET);
	return fd;
}

/* ---------------------------------------------------------------- the loop */

/* The guest is about to end. */
static void finish(struct watch *watch)
{
	(void)watch;
	while (spaces)
		close_space(spaces);
	exit(0);
}

/* Take the samples that are due; return the milliseconds until the next. */
static int samples_due(void)
{
	int64_t now = now_ms(), next = -1;
	struct space *s;

	for (s = spaces; s; s = s->next) {
		if (s->sample_at && s->sample_at <= now)
			sample(s, "proc");
		if (s->sample_at && (next < 0 || s->sample_at - now < next))
			next = s->sample_at - now;
	}
	return next;
}

int main(int argc, char **argv)
{
	struct watch mounts, tests, end;
	sigset_t term;

	if (argc != 2)
		errx(2, "usage: capture FOLDER");
	if (chdir(argv[1]))
		err(1, "%s", argv[1]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (epoll < 0 || home < 0)
		err(1, "epoll");

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	add_watch(&end, signalfd(-1, &term, SFD_CLOEXEC), finish, EPOLLIN);
	add_watch(&tests, listen_for_tests(), accept_peer, EPOLLIN);
	add_watch(&mounts, open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC),
		  mounts_changed, EPOLLPRI);
	open_space("root", dup(home), false);
	mounts_changed(NULL);

	/* One at a time: an event's handler may do away with the next one's. */
	for (;;) {
		struct epoll_event event;
		int n = epoll_wait(epoll, &event, 1, samples_due());

		if (n < 0 && errno != EINTR)
			err(1, "epoll_wait");
		if (n > 0) {
			struct watch *watch = event.data.ptr;

			watch->ready(watch);
		}
	}
}
