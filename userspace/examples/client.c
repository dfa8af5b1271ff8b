// SPDX-License-Identifier: GPL-2.0
/*
 * client ADDRESS PORT: connect, say what is typed, close at the end of input.
 *
 * Beside AF_EDUTCP there is nothing in it that is not in any TCP client.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edutcp.h"

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	char line[1024];
	int fd;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &addr.sin_addr) != 1)
		errx(2, "usage: client ADDRESS PORT");
	addr.sin_port = htons((in_port_t)atoi(argv[2]));

	fd = socket(AF_EDUTCP, SOCK_STREAM, 0);
	if (fd < 0)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "connect");

	while (fgets(line, sizeof(line), stdin))
		if (write(fd, line, strlen(line)) < 0)
			err(1, "write");
	close(fd);
	return 0;
}
