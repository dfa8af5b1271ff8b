/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the core do for each other, and for nobody else.
 */
#ifndef EDUTCP_CORE_INTERNAL_H
#define EDUTCP_CORE_INTERNAL_H

#include "tcb.h"

/**
 * tcb_set_state() - the one function that changes a connection's state
 * @tcb: a connection
 * @to: the state to enter
 * @cause: an enum tcb_cause
 * @actions: the move is noted here, for the holder to count and to show
 */
void tcb_set_state(struct tcb *tcb, enum tcb_state to, enum tcb_cause cause,
		   struct tcb_actions *actions);

/**
 * tcb_begin() - a new connection, its SYN about to be sent
 * @tcb: is set anew
 * @from: the state that it is about to leave
 * @flags: flags to begin with
 * @open: how to start
 * @env: the world
 */
void tcb_begin(struct tcb *tcb, enum tcb_state from, u16 flags,
	       const struct tcb_open *open, const struct tcb_env *env);

/**
 * tcb_rto() - the timeout that the next (re)transmission will have
 * @tcb: a connection
 * @conn: its second half, or NULL
 * @params: the knobs
 *
 * Return: milliseconds.
 */
u32 tcb_rto(const struct tcb *tcb, const struct tcb_conn *conn,
	    const struct tcb_params *params);

static inline void tcb_start_timer(struct tcb *tcb, enum tcb_timer timer,
				   u32 now, u32 timeout)
{
	tcb->timer = timer;
	tcb->deadline = now + timeout;
}

static inline void tcb_stop_timer(struct tcb *tcb)
{
	tcb->timer = TIMER_NONE;
}

/* Has our FIN been acknowledged? Not: "some ACK has arrived". */
static inline bool tcb_fin_acked(const struct tcb *tcb)
{
	return (tcb->flags & TCB_FIN_QUEUED) &&
	       seq_after(tcb->snd_una, tcb->snd_end);
}

/**
 * tcb_select_window() - the receive window to advertise next (3.8.6.2.2)
 * @tcb: a connection
 * @env: the world
 *
 * Return: octets from rcv_nxt.
 */
u32 tcb_select_window(const struct tcb *tcb, const struct tcb_env *env);

/**
 * tcb_send_reset() - <SEQ=SND.NXT><CTL=RST>
 * @tcb: a connection that ends
 * @env: the world
 * @actions: the RST is noted here
 */
void tcb_send_reset(const struct tcb *tcb, const struct tcb_env *env,
		    struct tcb_actions *actions);

/* Begin to send text, with the window that a new connection has. */
static inline void tcb_begin_congestion(const struct tcb *tcb,
					struct tcb_conn *conn, bool syn_lost)
{
	const struct congestion_algorithm *algorithm = conn->settings.algorithm;

	congestion_init(&conn->cc, algorithm ? algorithm : &congestion_reno,
			tcb->snd_mss, syn_lost);
}

/* Our SYN must go out once more. */
static inline void tcb_repeat_syn(struct tcb *tcb)
{
	tcb->flags |= TCB_SYN_DUE | TCB_SYN_AGAIN;
}

/**
 * tcb_set_mss() - the effective send MSS (3.7.1, MUST-16)
 * @tcb: a connection whose options are known
 * @peer_mss: the peer's MSS option, or the default
 * @path_mss: octets of text that the path takes in one segment without options
 */
static inline void tcb_set_mss(struct tcb *tcb, u32 peer_mss, u32 path_mss)
{
	tcb->snd_mss = (u16)max_u32(min_u32(peer_mss, path_mss), TCB_MSS_MIN);
	if (tcb->flags & TCB_TS_OK)
		tcb->snd_mss -= SEG_TIMESTAMPS_LEN;
}

/* timestamps.c: what the Timestamps option is good for (RFC 7323, 4 and 5) */

/**
 * tcb_timestamp_is_old() - PAWS: is a segment from the past? (RFC 7323, 5.3)
 * @tcb: a synchronized connection
 * @conn: its second half, or NULL
 * @seg: the segment
 * @env: the world
 *
 * Return: true if it is to be dropped.
 */
bool tcb_timestamp_is_old(const struct tcb *tcb, const struct tcb_conn *conn,
			  const struct segment *seg, const struct tcb_env *env);

/**
 * tcb_note_timestamp() - remember the peer's clock (RFC 7323, 4.3)
 * @tcb: a synchronized connection
 * @conn: its second half
 * @seg: a segment whose sequence number and ACK are acceptable: a forged one
 *	must not move the clock ahead, or PAWS would refuse what is genuine
 * @env: the world
 */
void tcb_note_timestamp(struct tcb *tcb, struct tcb_conn *conn,
			const struct segment *seg, const struct tcb_env *env);

/**
 * tcb_round_trip() - an ACK ends the measurement of a round trip
 * @tcb: a connection
 * @conn: its second half
 * @seg: the ACK
 * @env: the world
 * @measured: set to milliseconds
 *
 * Return: false if it cannot be said which of several transmissions was
 * acknowledged (Karn's rule, RFC 6298, 3).
 */
bool tcb_round_trip(const struct tcb *tcb, const struct tcb_conn *conn,
		    const struct segment *seg, const struct tcb_env *env,
		    u32 *measured);

/* keepalive.c: is the peer still there? (3.8.4) */

/**
 * tcb_keepalive_deadline() - when is the peer to be asked?
 * @tcb: a connection
 * @conn: its second half
 * @params: the knobs
 * @deadline: set to the instant, on the core's clock
 *
 * Return: false if no keep-alive is to be sent as things are.
 */
bool tcb_keepalive_deadline(const struct tcb *tcb, const struct tcb_conn *conn,
			    const struct tcb_params *params, u32 *deadline);

/**
 * tcb_keepalive_timeout() - ask the peer, or give it up
 * @tcb: a connection
 * @conn: its second half
 * @env: the world; tcb_keepalive_deadline() has been reached
 * @actions: what to do
 */
void tcb_keepalive_timeout(struct tcb *tcb, struct tcb_conn *conn,
			   const struct tcb_env *env,
			   struct tcb_actions *actions);

/* recovery.c: making good for lost segments */

/**
 * tcb_recovery_sacked() - note which ranges the peer holds (RFC 6675, 3)
 * @tcb: a connection
 * @conn: its second half
 * @seg: a segment with an acceptable ACK
 *
 * Return: true if some were not known before.
 */
bool tcb_recovery_sacked(const struct tcb *tcb, struct tcb_conn *conn,
			 const struct segment *seg);

/**
 * tcb_in_network() - octets that have been sent and are neither acknowledged
 * nor taken for lost: the "pipe" of RFC 6675
 * @tcb: a connection
 * @conn: its second half
 *
 * Return: their number.
 */
u32 tcb_in_network(const struct tcb *tcb, const struct tcb_conn *conn);

/**
 * tcb_recovery_acked() - snd_una has advanced
 * @tcb: a connection
 * @conn: its second half
 * @acked: by so many octets of text
 */
void tcb_recovery_acked(struct tcb *tcb, struct tcb_conn *conn, u32 acked);

/**
 * tcb_recovery_duplicate_ack() - a duplicate ACK arrived (RFC 5681, 2; or, if
 * the peer may use SACK, an ACK with news of that kind, whether or not it has
 * advanced snd_una: RFC 6675, 2)
 * @tcb: a connection
 * @conn: its second half
 */
void tcb_recovery_duplicate_ack(struct tcb *tcb, struct tcb_conn *conn);

/**
 * tcb_recovery_timeout() - the retransmission timer expired
 * @tcb: a connection
 * @conn: its second half
 */
void tcb_recovery_timeout(struct tcb *tcb, struct tcb_conn *conn);

/* Take [start, end) for lost, so that it is sent again. */
static inline void tcb_retransmit(struct tcb_conn *conn, u32 start, u32 end)
{
	conn->rtx_nxt = start;
	conn->rtx_end = end;
}

#endif
