// SPDX-License-Identifier: GPL-2.0
/*
 * What the Timestamps option is good for: segments that are too old to be
 * believed (PAWS), and round trips although segments were sent twice (RTTM).
 */

#include "internal.h"

/*
 * RFC 7323, 5.5: the peer's clock may have gone half way round since we last
 * saw it; then "older" means nothing. 24 days are 2^31 ticks of 1 ms, the
 * fastest clock that is allowed.
 */
#define OUTDATED_MS (24u * 24 * 3600 * 1000)

static bool is_outdated(const struct tcb_conn *conn, const struct tcb_env *env)
{
	return conn && env->now - conn->ts_recent_at > OUTDATED_MS;
}

bool tcb_timestamp_is_old(const struct tcb *tcb, const struct tcb_conn *conn,
			  const struct segment *seg, const struct tcb_env *env)
{
	/*
	 * RFC: once negotiated, a segment without the option should be dropped.
	 * Linux: it is taken. Here: as Linux, or a middlebox that strips the
	 * option from some segments would end the connection.
	 */
	return (tcb->flags & TCB_TS_OK) && seg->has_ts &&
	       !(seg->flags & SEG_RST) &&
	       seq_before(seg->tsval, tcb->ts_recent) &&
	       !is_outdated(conn, env);
}

void tcb_note_timestamp(struct tcb *tcb, struct tcb_conn *conn,
			const struct segment *seg, const struct tcb_env *env)
{
	if (!(tcb->flags & TCB_TS_OK) || !seg->has_ts ||
	    seq_after(seg->seq, conn->ack_sent) ||
	    (seq_before(seg->tsval, tcb->ts_recent) && !is_outdated(conn, env)))
		return;
	tcb->ts_recent = seg->tsval;
	conn->ts_recent_at = env->now;
}

bool tcb_round_trip(const struct tcb *tcb, const struct tcb_conn *conn,
		    const struct segment *seg, const struct tcb_env *env,
		    u32 *measured)
{
	u32 timed = env->now - conn->timed_at;

	if (!conn->timed_twice) {
		*measured = timed;
		return true;
	}
	if (!(tcb->flags & TCB_TS_OK) || !seg->has_ts)
		return false;
	/*
	 * The echo says when the segment left that brought the ACK about. If
	 * that was before the timing began, it was one that we know nothing of,
	 * or the peer has made it up.
	 */
	*measured = env->ts_now - seg->tsecr;
	return *measured <= timed;
}
