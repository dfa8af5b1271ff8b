/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a test tells vm/capture of a network namespace that has no name. The
 * same in Python: libhost.captured().
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CAPTURE_SOCKET "/run/capture"

/*
 * Record the packets of the network namespace that we are in until the
 * descriptor returned is closed, or the process ends. The descriptor is -1 if
 * nobody is there who records.
 */
static inline int capture_namespace(const char *name)
{
	struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = CAPTURE_SOCKET,
	};
	struct iovec iov = { (void *)name, strlen(name) };
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(sizeof(int))];
	} control = {
		.header = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char done;

	memcpy(CMSG_DATA(&control.header), &ns, sizeof(ns));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ||
	    recv(fd, &done, 1, 0) != 1) {
		close(fd);
		fd = -1;
	}
	close(ns);
	return fd;
}

#endif
