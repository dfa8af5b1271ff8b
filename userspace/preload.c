// SPDX-License-Identifier: GPL-2.0
/*
 * libedutcp-preload.so: run a program over edutcp without changing it.
 *
 *	LD_PRELOAD=libedutcp-preload.so curl http://...
 *
 * Addresses are the same as for TCP, so only socket() has to differ: where
 * the program asks for a TCP socket over IPv4, it gets an AF_EDUTCP one.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "edutcp.h"

int socket(int domain, int type, int protocol)
{
	static int (*next_socket)(int domain, int type, int protocol);
	int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (!next_socket)
		*(void **)&next_socket = dlsym(RTLD_NEXT, "socket");
	if (domain == AF_INET && kind == SOCK_STREAM &&
	    (protocol == 0 || protocol == IPPROTO_TCP))
		domain = AF_EDUTCP;
	return next_socket(domain, type, protocol);
}
