// SPDX-License-Identifier: GPL-2.0
/*
 * How many challenge ACKs a namespace sends (RFC 5961, 7).
 *
 * A limit that all connections share is a channel between them: who sends
 * segments that are to be challenged, and counts the answers, learns whether
 * another connection was challenged meanwhile (CVE-2016-5696). So the number
 * for each second is random, between half of the limit and all of it.
 */

#include <linux/random.h>

#include "edutcp.h"

/**
 * edutcp_challenges_left() - how many may still be sent in this second
 * @en: our part of the namespace
 *
 * Context: any.
 *
 * Return: as many as may still be sent in this second.
 */
u32 edutcp_challenges_left(struct edutcp_net *en)
{
	unsigned long second = jiffies / HZ;
	u32 limit = READ_ONCE(en->challenge_limit);

	if (READ_ONCE(en->challenge_second) != second) {
		WRITE_ONCE(en->challenge_second, second);
		atomic_set(&en->challenges_left,
			   limit - get_random_u32() % (limit / 2 + 1));
	}
	return max(atomic_read(&en->challenges_left), 0);
}

/**
 * edutcp_challenge_sent() - one has been sent
 * @en: our part of the namespace
 *
 * Context: any.
 */
void edutcp_challenge_sent(struct edutcp_net *en)
{
	atomic_dec(&en->challenges_left);
}
