// SPDX-License-Identifier: GPL-2.0
/*
 * server ADDRESS PORT: accept one connection, print what it says until it has
 * no more to say; then, when a line is typed, close it.
 *
 * Beside AF_EDUTCP there is nothing in it that is not in any TCP server.
 */

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edutcp.h"

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	char text[1024];
	int listener, fd;
	int one = 1;
	ssize_t n;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &addr.sin_addr) != 1)
		errx(2, "usage: server ADDRESS PORT");
	addr.sin_port = htons((in_port_t)atoi(argv[2]));

	listener = socket(AF_EDUTCP, SOCK_STREAM, 0);
	if (listener < 0)
		err(1, "socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "bind");
	if (listen(listener, 5))
		err(1, "listen");

	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		err(1, "accept");
	close(listener);

	while ((n = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	if (n < 0)
		err(1, "read");
	puts("server: the client has closed its side; Enter closes ours");
	fflush(stdout);
	getchar();
	close(fd);
	return 0;
}
