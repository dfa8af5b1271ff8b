// SPDX-License-Identifier: GPL-2.0
/* The scopes: see libscopes.h, and struct scope for what the fields mean. */

#include "libscopes.h"

const struct scope scopes[] = {
	{
		.name = "client_server",
		.about = "a client, a listener, an octet each way",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1, .octets = 1 },
		},
		.capacity = 6,
		.lives = 1,
	},
};

const unsigned int scopes_count = sizeof(scopes) / sizeof(scopes[0]);
