// SPDX-License-Identifier: GPL-2.0
/* The scopes: see libscopes.h, and struct scope for what the fields mean. */

#include "libscopes.h"

/* Segments of a connection before: numbers a window's width back, or more. */
#define OLD_A (0xfffffffe - WINDOW_WIDTH)
#define OLD_B (0x7ffffffe - WINDOW_WIDTH)
/* In the window of the present one, but not where anything is expected. */
#define NEAR_A (0xfffffffe + 500u)

#define TO_B 1

/* RFC 9293, 3.5.1, figure 8: recovery from an old duplicate SYN */
static const struct packet old_syn[] = {
	{ .to = TO_B, .seq = OLD_A, .flags = SEG_SYN, .window = 1000,
	  .mss = 536 },
};

/* A whole old connection comes in: SYN, the ACK of its SYN,ACK, text, FIN. */
static const struct packet old_connection[] = {
	{ .to = TO_B, .seq = OLD_A, .flags = SEG_SYN, .window = 1000,
	  .mss = 536 },
	{ .to = TO_B, .seq = OLD_A + 1, .ack = OLD_B + 1, .flags = SEG_ACK,
	  .text_len = 1, .window = 1000 },
	{ .to = TO_B, .seq = OLD_A + 2, .ack = OLD_B + 1,
	  .flags = SEG_ACK | SEG_FIN, .window = 1000 },
};

/* Both SYNs of an old connection: they may meet new ones in SYN-SENT. */
static const struct packet old_syns[] = {
	{ .to = TO_B, .seq = OLD_A, .flags = SEG_SYN, .window = 1000,
	  .mss = 536 },
	{ .seq = OLD_B, .ack = OLD_A + 1, .flags = SEG_SYN | SEG_ACK,
	  .window = 1000, .mss = 536 },
};

/* RSTs: of an old connection, and one in the window (RFC 5961, 3). */
static const struct packet old_rsts[] = {
	{ .to = TO_B, .seq = OLD_A + 1, .flags = SEG_RST },
	{ .to = TO_B, .seq = NEAR_A, .flags = SEG_RST },
	{ .seq = OLD_B + 1, .ack = OLD_A + 1, .flags = SEG_RST | SEG_ACK },
};

/* A SYN in the window (RFC 5961, 4), and an old RST. */
static const struct packet near_syn[] = {
	{ .to = TO_B, .seq = NEAR_A, .flags = SEG_SYN, .window = 1000,
	  .mss = 536 },
	{ .to = TO_B, .seq = OLD_A + 1, .flags = SEG_RST },
};

/* In the window, and an ACK of what was never sent, or long ago. */
static const struct packet near_acks[] = {
	{ .to = TO_B, .seq = NEAR_A, .ack = 0x7ffffffe + 100u,
	  .flags = SEG_ACK, .window = 1000 },
	{ .to = TO_B, .seq = NEAR_A, .ack = OLD_B + 1, .flags = SEG_ACK,
	  .window = 1000 },
};

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
	}, {
		.name = "simultaneous_open",
		.about = "two active OPENs, no listener, an octet from A",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .opens = 1 },
		},
		.timeouts = 1,
		.capacity = 4,
		.lives = 1,
	}, {
		.name = "close_early",
		.about = "CLOSE in SYN-SENT and of the listener, too",
		.user = {
			{ .opens = 1, .closes_early = true },
			{ .listens = 1, .unlistens = true },
		},
		.timeouts = 1,
		.capacity = 6,
		.lives = 2,
	}, {
		.name = "half_close",
		.about = "A closes at once, B sends two octets",
		.user = {
			{ .opens = 1 },
			{ .listens = 1, .octets = 2 },
		},
		.timeouts = 1,
		.capacity = 5,
		.lives = 1,
	}, {
		.name = "loss",
		.about = "an octet from A, a segment is lost",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1 },
		},
		.losses = 1,
		.timeouts = 2,
		.capacity = 4,
		.lives = 1,
	}, {
		.name = "duplicate",
		.about = "an octet from A, segments arrive twice",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1 },
		},
		.duplicates = 2,
		.capacity = 5,
		.lives = 2,
	}, {
		.name = "zero_window",
		.about = "two octets to a buffer of one, a segment is lost",
		.user = {
			{ .opens = 1, .octets = 2 },
			{ .listens = 1, .buffer = 1, .keeps_open = true },
		},
		.losses = 1,
		.timeouts = 2,
		.capacity = 3,
		.lives = 1,
	}, {
		.name = "delayed_acks",
		.about = "two octets, Nagle's algorithm, delayed ACKs",
		.user = {
			{ .opens = 1, .octets = 2 },
			{ .listens = 1, .octets = 1 },
		},
		.nagle = true,
		.delayed_acks = true,
		.capacity = 5,
		.lives = 1,
	}, {
		.name = "old_syn",
		.about = "figure 8: an old SYN comes before or after the new one",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1 },
		},
		.timeouts = 1,
		.capacity = 4,
		.lives = 3,
		.old = old_syn,
		.old_count = COUNT(old_syn),
	}, {
		.name = "old_syns",
		.about = "simultaneous open with SYN and SYN,ACK of before",
		.user = {
			{ .opens = 1 },
			{ .opens = 1 },
		},
		.timeouts = 1,
		.capacity = 4,
		.lives = 1,
		.old = old_syns,
		.old_count = COUNT(old_syns),
	}, {
		.name = "old_connection",
		.about = "SYN, ACK with text and FIN of before",
		.user = {
			{ .opens = 1 },
			{ .listens = 1 },
		},
		.timeouts = 1,
		.capacity = 5,
		.lives = 2,
		.old = old_connection,
		.old_count = COUNT(old_connection),
	}, {
		.name = "old_rsts",
		.about = "RSTs of before, and one in the window",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1 },
		},
		.capacity = 6,
		.lives = 1,
		.old = old_rsts,
		.old_count = COUNT(old_rsts),
	}, {
		.name = "near_syn",
		.about = "a SYN that falls into the window, and an old RST",
		.user = {
			{ .opens = 1 },
			{ .listens = 1 },
		},
		.timeouts = 1,
		.capacity = 6,
		.lives = 2,
		.old = near_syn,
		.old_count = COUNT(near_syn),
	}, {
		.name = "near_acks",
		.about = "ACKs of the future and of the past, in the window",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1 },
		},
		.capacity = 5,
		.lives = 1,
		.old = near_acks,
		.old_count = COUNT(near_acks),
	}, {
		.name = "crash_of_client",
		.about = "figures 9 to 11: A forgets all, and may open again",
		.user = {
			{ .opens = 2, .crashes = 1 },
			{ .listens = 1, .octets = 1, .keeps_open = true },
		},
		.timeouts = 1,
		.capacity = 4,
		.lives = 2,
	}, {
		.name = "crash_of_server",
		.about = "B forgets all but its listener",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1, .crashes = 1 },
		},
		.timeouts = 1,
		.capacity = 5,
		.lives = 2,
	}, {
		.name = "reopen",
		.about = "A opens again, and may find B in TIME-WAIT",
		.user = {
			{ .opens = 2 },
			{ .listens = 1 },
		},
		.timeouts = 1,
		.capacity = 4,
		.lives = 2,
	}, {
		.name = "abort",
		.about = "both may ABORT",
		.user = {
			{ .opens = 1, .octets = 1, .aborts = 1 },
			{ .listens = 1, .aborts = 1 },
		},
		.timeouts = 1,
		.capacity = 5,
		.lives = 1,
	}, {
		.name = "abort_simultaneous",
		.about = "two active OPENs, and both may ABORT",
		.user = {
			{ .opens = 1, .aborts = 1 },
			{ .opens = 1, .aborts = 1 },
		},
		.timeouts = 1,
		.capacity = 4,
		.lives = 1,
	}, {
		.name = "exit",
		.about = "a program exits while the other sends",
		.user = {
			{ .opens = 1, .exits = 1 },
			{ .listens = 1, .octets = 1 },
		},
		.timeouts = 1,
		.capacity = 5,
		.lives = 1,
	}, {
		.name = "give_up",
		.about = "so much is lost that R2 is reached",
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1 },
		},
		.losses = 2,
		.timeouts = 2,
		.capacity = 3,
		.lives = 1,
		.retries = 1,
	}, {
		.name = "deep_text",
		.about = "two octets each way",
		.deep = true,
		.user = {
			{ .opens = 1, .octets = 2 },
			{ .listens = 1, .octets = 2 },
		},
		.capacity = 6,
		.lives = 1,
	}, {
		.name = "deep_faults",
		.about = "an octet; two segments lost, two that come twice",
		.deep = true,
		.user = {
			{ .opens = 1, .octets = 1 },
			{ .listens = 1 },
		},
		.losses = 2,
		.duplicates = 2,
		.timeouts = 2,
		.capacity = 3,
		.lives = 2,
	}, {
		.name = "deep_zero_window",
		.about = "two octets to a buffer of one, a segment is lost",
		.deep = true,
		.user = {
			{ .opens = 1, .octets = 2 },
			{ .listens = 1, .buffer = 1 },
		},
		.losses = 1,
		.timeouts = 2,
		.capacity = 4,
		.lives = 1,
	}, {
		.name = "deep_simultaneous",
		.about = "two active OPENs, SYN and SYN,ACK of before",
		.deep = true,
		.user = {
			{ .opens = 1 },
			{ .opens = 1 },
		},
		.timeouts = 2,
		.capacity = 5,
		.lives = 2,
		.old = old_syns,
		.old_count = COUNT(old_syns),
	}, {
		.name = "deep_crash",
		.about = "figures 9 to 11: A forgets all, and may open again",
		.deep = true,
		.user = {
			{ .opens = 2, .crashes = 1 },
			{ .listens = 1, .octets = 1 },
		},
		.timeouts = 1,
		.capacity = 4,
		.lives = 2,
	},
};

const unsigned int scopes_count = COUNT(scopes);
