/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a program may include to use edutcp.
 *
 *	int fd = socket(AF_EDUTCP, SOCK_STREAM, 0);
 *
 * From there on it is a TCP socket: addresses are struct sockaddr_in with
 * sin_family AF_INET, and options of level IPPROTO_TCP have TCP's own numbers.
 */
#ifndef _UAPI_EDUTCP_H
#define _UAPI_EDUTCP_H

/*
 * A loadable module cannot add a number to the kernel's list of families. 19
 * was AF_ECONET's, which left the kernel in 2012; nothing else has taken it.
 */
#define AF_EDUTCP 19
#define PF_EDUTCP AF_EDUTCP

#endif
