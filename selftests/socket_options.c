// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options and what they do: as with the stock stack.
 */

#include "sock_common.h"

#include <linux/filter.h>

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

SAME(settings_of_tcp)
{
	static const int names[] = { TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
				     TCP_SYNCNT, TCP_USER_TIMEOUT };
	static const int values[] = { 0, -1, 1, 5, 127, 128, 255, 32767, 32768 };
	struct pair p = new_pair(r);
	unsigned int i, j;

	TRY(r, get_option(p.client, IPPROTO_TCP, TCP_KEEPIDLE));
	TRY(r, get_option(p.client, IPPROTO_TCP, TCP_KEEPINTVL));
	TRY(r, get_option(p.client, IPPROTO_TCP, TCP_KEEPCNT));
	TRY(r, get_option(p.client, IPPROTO_TCP, TCP_USER_TIMEOUT));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (j = 0; j < ARRAY_SIZE(values); j++) {
			note(r, "option %d, value %d", names[i], values[j]);
			TRY(r, set_option(p.client, IPPROTO_TCP, names[i],
					  values[j]));
		}
		TRY(r, get_option(p.client, IPPROTO_TCP, names[i]));
	}
	TRY(r, set_option(p.client, SOL_SOCKET, SO_KEEPALIVE, 1));
	TRY(r, get_option(p.client, SOL_SOCKET, SO_KEEPALIVE));
}

SAME(groups)
{
	struct ip_mreqn group = { .imr_multiaddr.s_addr = htonl(0xe0000105) };
	int fd = new_socket(r, 0);

	TRY(r, setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	TRY(r, setsockopt(fd, SOL_IP, IP_DROP_MEMBERSHIP, &group, sizeof(group)));
}

/*
 * A connection has two ends. The stock stack refuses these two alone; it lets
 * a connection join by the others.
 */
TEST(no_groups)
{
	static const int names[] = {
		IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP,
		IP_DROP_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE,
		IP_MSFILTER, MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP,
		MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP,
		MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE, MCAST_MSFILTER,
	};
	int fd = socket(AF_EDUTCP, SOCK_STREAM, 0);
	char value[300] = { };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-1, setsockopt(fd, SOL_IP, names[i], value,
					 sizeof(value)));
		EXPECT_EQ(EPROTO, errno);
	}
}

/* Connections come to a listener by the device that it is bound to alone. */
SAME(bound_to_device)
{
	int fd;

	if (!set_up_black_hole(r))
		return;
	fd = new_listener(r, "0.0.0.0", PORT, 5);
	TRY(r, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	TRY(r, connect_to(new_socket(r, 0), LOCALHOST, PORT));
	TRY_FD(r, accept(fd, NULL, NULL));

	TRY(r, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "hole", 5));
	TRY(r, connect_to(new_socket(r, 0), LOCALHOST, PORT));
	TRY(r, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
	TRY(r, connect_to(new_socket(r, 0), LOCALHOST, PORT));
	TRY_FD(r, accept(fd, NULL, NULL));
	TRY(r, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nothing", 8));
}

/* Let a filter keep so many octets of each segment, its header among them. */
static int attach_filter(int fd, unsigned int octets)
{
	struct sock_filter program = BPF_STMT(BPF_RET | BPF_K, octets);
	struct sock_fprog filter = { .len = 1, .filter = &program };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			  sizeof(filter));
}

#define HEADER_LEN 32	/* with timestamps */

/* What a filter has cut off comes again, until it is all there. */
SAME(filter_that_trims)
{
	unsigned char sent[250], seen[250];
	struct pair p = new_pair(r);

	fill_pattern(sent, 0, sizeof(sent));
	TRY(r, attach_filter(p.server, HEADER_LEN + 100));
	TRY(r, set_timeout(p.server, SO_RCVTIMEO, 5000));
	TRY(r, send(p.client, sent, sizeof(sent), 0));
	TRY(r, recv(p.server, seen, sizeof(seen), MSG_WAITALL));
	TRY(r, is_pattern(seen, 0, sizeof(seen)));
	TRY(r, shutdown(p.client, SHUT_WR));
	TRY(r, recv(p.server, seen, sizeof(seen), 0));
}

SAME(filter_that_drops)
{
	struct pair p = new_pair(r);
	char text[20];
	int unused = 0;

	TRY(r, attach_filter(p.server, 0));
	TRY(r, set_timeout(p.server, SO_RCVTIMEO, 300));
	TRY(r, send(p.client, WORD, 10, 0));
	TRY(r, recv(p.server, text, sizeof(text), 0));
	TRY(r, setsockopt(p.server, SOL_SOCKET, SO_DETACH_FILTER, &unused,
			  sizeof(unused)));
	TRY(r, set_timeout(p.server, SO_RCVTIMEO, 5000));
	TRY(r, recv(p.server, text, sizeof(text), 0));
}

TEST_HARNESS_MAIN
