/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The protocol core: RFC 9293, section 3.10, as functions.
 *
 * Each event of 3.10 (a user call, a segment, a timeout) is one function. It
 * is handed the connection's TCB and what it needs to know of the world, it
 * changes the TCB, and it notes in struct tcb_actions what its holder must do.
 * The core itself does nothing: it takes no lock, allocates nothing, reads no
 * clock, and never sees a buffer. It speaks of data as ranges of sequence
 * numbers; the holder knows where the octets are.
 *
 * After every event the holder calls tcb_next_segment() until it returns
 * false, sending what it is given, and then sets its timer to
 * tcb_next_deadline().
 *
 * One TCB, three holders. A connection in SYN-RECEIVED that a listener made
 * lives in a small request, an open one in a socket, one in TIME-WAIT in a
 * small entry. Only a socket has the second struct, tcb_conn; the others hand
 * in NULL for it.
 *
 * Locking: none. The holder sees to it that only one event at a time runs on
 * a TCB. Context: any.
 */
#ifndef EDUTCP_CORE_TCB_H
#define EDUTCP_CORE_TCB_H

#include "congestion.h"
#include "ranges.h"
#include "rtt.h"
#include "segment.h"
#include "seq.h"
#include "state.h"

#define TCB_MSS_DEFAULT 536	/* octets: IPv4 peer without option, MUST-15 */
#define TCB_MSS_MIN 48		/* octets: below it headers cost all; as Linux */
#define TCB_RTO_AFTER_LOST_SYN 3000	/* milliseconds; RFC 6298, (5.7) */
#define TCB_QUICK_ACKS 16	/* ACKs not delayed at the start, as Linux */

/* What the connection's timer waits for; one at a time. */
enum tcb_timer {
	TIMER_NONE,
	TIMER_RETRANSMIT,	/* an ACK of the oldest segment in flight */
	TIMER_PERSIST,		/* a zero window to open, 3.8.6.1 */
	TIMER_FIN_WAIT_2,	/* the FIN of a peer, when nobody reads any more */
	TIMER_TIME_WAIT,	/* the end of 2 MSL */
};

/* tcb.flags */
#define TCB_ACTIVE	BIT(0)	/* began with an active OPEN */
#define TCB_FIN_QUEUED	BIT(1)	/* CLOSE was called: a FIN at snd_end */
#define TCB_RCV_CLOSED	BIT(2)	/* nobody will RECEIVE any more */
#define TCB_ACK_NOW	BIT(3)	/* an ACK must go out */
#define TCB_SYN_DUE	BIT(4)	/* our SYN must go out, or go out again */
#define TCB_PROBE	BIT(5)	/* an octet must go out, whatever the window */
#define TCB_NODELAY	BIT(6)	/* the user turned Nagle's algorithm off */
#define TCB_CORKED	BIT(7)	/* the user will send more: hold part segments */
#define TCB_SYN_AGAIN	BIT(8)	/* our SYN has gone out more than once */
#define TCB_SYN_ACKED	BIT(9)	/* and has been acknowledged */
#define TCB_KEEP_PROBE	BIT(10)	/* a keep-alive must go out */
/*
 * Options: both SYNs carry them; before the peer's has come, ours does.
 */
#define TCB_WSCALE_OK	BIT(11)	/* Window Scale (RFC 7323, 2.2) */
#define TCB_TS_OK	BIT(12)	/* Timestamps (RFC 7323, 3.2) */
#define TCB_SACK_OK	BIT(13)	/* SACK-Permitted (RFC 2018, 2) */

#define TCB_OPTIONS	(TCB_WSCALE_OK | TCB_TS_OK | TCB_SACK_OK)

/**
 * struct tcb - the Transmission Control Block (RFC 9293, 3.3.1)
 * @state: an enum tcb_state; only tcb_set_state() changes it
 * @flags: TCB_ACTIVE and the others
 * @timer: what @deadline is for, an enum tcb_timer
 * @retries: times the timer expired since the peer was last heard of
 * @backoff: the timeout is shifted left by this
 * @snd_wscale: shift count for windows that the peer advertises
 * @rcv_wscale: shift count for windows that we advertise
 * @snd_mss: effective send MSS: octets of text that fit a segment (3.7.1)
 *	without a SACK option
 * @rcv_mss: the value of our own MSS option
 * @iss: initial send sequence number
 * @irs: initial receive sequence number
 * @snd_una: SND.UNA, oldest sequence number not acknowledged
 * @snd_nxt: SND.NXT, next sequence number to send; never moves back
 * @snd_end: sequence number after the last octet that the user has SENT
 * @snd_wnd: SND.WND, scaled
 * @rcv_nxt: RCV.NXT
 * @rcv_wnd: RCV.WND: what the peer may still send, by what we last advertised
 * @deadline: when @timer expires, on the core's clock
 * @opened_at: when the connection was opened, on the core's clock
 * @challenged_at: when we last answered a segment that changed nothing
 * @ts_recent: TS.Recent, the peer's clock (RFC 7323, 4.3)
 */
struct tcb {
	u8 state;
	u8 timer;
	u16 flags;
	u8 retries;
	u8 backoff;
	u8 snd_wscale:4;
	u8 rcv_wscale:4;
	u16 snd_mss;
	u16 rcv_mss;
	u32 iss;
	u32 irs;
	u32 snd_una;
	u32 snd_nxt;
	u32 snd_end;
	u32 snd_wnd;
	u32 rcv_nxt;
	u32 rcv_wnd;
	u32 deadline;
	u32 opened_at;
	u32 challenged_at;
	u32 ts_recent;
};

/* Are we making good for lost segments? */
enum tcb_recovery {
	RECOVERY_NONE,
	RECOVERY_FAST,		/* after three duplicate ACKs (RFC 6582) */
	RECOVERY_SACK,		/* the same, by what the peer holds (RFC 6675) */
	RECOVERY_TIMEOUT,	/* after a retransmission timeout */
};

/**
 * struct tcb_settings - what the user has set for this connection
 * @algorithm: of congestion control; NULL: congestion_reno
 * @user_timeout: so long may data stay unacknowledged (3.9.1, OPEN; RFC 5482),
 *	instead of tcb_params.data_retries
 * @keep_idle: instead of tcb_params.keep_idle
 * @keep_interval: instead of tcb_params.keep_interval
 * @keep_count: instead of tcb_params.keep_count
 * @syn_retries: instead of tcb_params.syn_retries
 * @keepalive: keep-alives are to be sent (MUST-24)
 *
 * Times are in milliseconds; 0 says that it was not set.
 */
struct tcb_settings {
	const struct congestion_algorithm *algorithm;
	u32 user_timeout;
	u32 keep_idle;
	u32 keep_interval;
	u8 keep_count;
	u8 syn_retries;
	bool keepalive;
};

/**
 * struct tcb_conn - what only an open connection needs
 * @settings: what the user has set; stays from one connection to the next
 * @rtt: round-trip time and retransmission timeout
 * @cc: congestion window
 * @held: ranges that arrived before their turn; NULL: none can be held
 * @sacked: of what is in flight, ranges that the peer holds (the scoreboard of
 *	RFC 6675); NULL: none can be noted
 * @max_snd_wnd: MAX.SND.WND, the largest window the peer ever offered
 * @snd_wl1: SND.WL1
 * @snd_wl2: SND.WL2
 * @rtx_nxt: next sequence number to send again, if before @rtx_end
 * @rtx_end: end of what is taken for lost, but for what is in @sacked
 * @recover: recovery lasts until this is acknowledged; duplicate ACKs mean
 *	a loss only when more than this is (RFC 6582)
 * @small_end: end of the last part segment that was sent (for Nagle)
 * @timed_seq: its acknowledgment ends the running round-trip measurement
 * @timed_at: when that measurement began
 * @ack_deadline: when a delayed ACK must go out, if @ack_pending
 * @ack_sent: Last.ACK.sent, the last acknowledgment number that went out
 * @fin_seq: where the peer's FIN stands, if @fin_held
 * @ts_recent_at: when tcb.ts_recent was last set
 * @waiting_since: when the peer last acknowledged something, or what is in
 *	flight was sent (for the user timeout)
 * @heard_at: when the peer was last heard of (for keep-alives)
 * @probed_at: when the last keep-alive was sent, if @keep_probes
 * @peer_mss: MSS option of the peer, or the default
 * @rcv_segment: octets of the largest segment the peer has sent, or the
 *	default MSS if that is more: what "full-sized" means (SHLD-19)
 * @recovery: an enum tcb_recovery
 * @dup_acks: duplicate ACKs in a row
 * @quick_acks: so many ACKs are not delayed yet
 * @keep_probes: keep-alives without an answer
 * @ack_pending: an ACK is owed but may wait
 * @timing: a round trip is being measured
 * @timed_twice: what is being timed was sent more than once
 * @fin_held: the peer's FIN has arrived, not yet all before it
 * @cwnd_limited: the congestion window held data back
 */
struct tcb_conn {
	struct tcb_settings settings;
	struct rtt rtt;
	struct congestion cc;
	struct ranges *held;
	struct ranges *sacked;
	u32 max_snd_wnd;
	u32 snd_wl1;
	u32 snd_wl2;
	u32 rtx_nxt;
	u32 rtx_end;
	u32 recover;
	u32 small_end;
	u32 timed_seq;
	u32 timed_at;
	u32 ack_deadline;
	u32 ack_sent;
	u32 fin_seq;
	u32 ts_recent_at;
	u32 waiting_since;
	u32 heard_at;
	u32 probed_at;
	u16 peer_mss;
	u16 rcv_segment;
	u8 recovery;
	u8 dup_acks;
	u8 quick_acks;
	u8 keep_probes;
	bool ack_pending;
	bool timing;
	bool timed_twice;
	bool fin_held;
	bool cwnd_limited;
};

/**
 * struct tcb_params - the knobs; times in milliseconds
 * @rto_initial: before a round trip was measured (RFC 6298, 2.1)
 * @rto_min: lower bound of the timeout
 * @rto_max: upper bound of the timeout
 * @delayed_ack: an ACK waits no longer than this (MUST-40: below 500, with all that delays a timer)
 * @time_wait: 2 MSL
 * @fin_wait_2: patience with a peer that does not close, if nobody reads
 * @challenge_interval: answers of a connection to segments without text that
 *	are out of place are so far apart, or two confused peers would answer
 *	each other for ever
 * @keep_idle: after so long a silence a keep-alive is sent (MUST-28)
 * @keep_interval: and after so long another, if it is not answered
 * @syn_retries: R2 for a SYN (MUST-23)
 * @synack_retries: R2 for the SYN,ACK of a listener
 * @r1_retries: R1: after so many retransmissions of a segment the IP layer is
 *	asked to look for another way (MUST-20)
 * @data_retries: R2 for data
 * @orphan_retries: R2 when the user is gone
 * @keep_count: so many keep-alives go unanswered before the end
 * @window_scaling: offer the Window Scale option
 * @timestamps: offer the Timestamps option
 * @sack: offer the SACK-Permitted option
 * @challenge_rst: a RST must bear the exact sequence number (RFC 5961, 3)
 * @challenge_syn: a SYN does not reset a connection (RFC 5961, 4)
 * @challenge_ack: an ACK must not be too old (RFC 5961, 5)
 * @protect_time_wait: RST does not end TIME-WAIT (RFC 1337)
 */
struct tcb_params {
	u32 rto_initial;
	u32 rto_min;
	u32 rto_max;
	u32 delayed_ack;
	u32 time_wait;
	u32 fin_wait_2;
	u32 challenge_interval;
	u32 keep_idle;
	u32 keep_interval;
	u8 syn_retries;
	u8 synack_retries;
	u8 r1_retries;
	u8 data_retries;
	u8 orphan_retries;
	u8 keep_count;
	u8 window_scaling;
	u8 timestamps;
	u8 sack;
	u8 challenge_rst;
	u8 challenge_syn;
	u8 challenge_ack;
	u8 protect_time_wait;
};

/**
 * struct tcb_env - what an event needs to know of the world
 * @now: the time in milliseconds, from a clock that wraps
 * @ts_now: the connection's timestamp clock: @now, from a beginning of its own
 *	(RFC 7323, 5.4)
 * @rcv_space: octets for which there is room in the receive buffer
 * @rcv_buffer: octets of the whole receive buffer
 * @iss: in TIME-WAIT, the initial sequence number of a connection that began
 *	now; else not looked at
 * @listening: in TIME-WAIT, there is a listener for such a connection; else not
 *	looked at
 * @challenges_left: challenge ACKs that may still be sent by all connections
 *	together (RFC 5961, 7)
 * @no_room: there is no memory for the text of a segment
 * @params: the knobs
 */
struct tcb_env {
	u32 now;
	u32 ts_now;
	u32 rcv_space;
	u32 rcv_buffer;
	u32 iss;
	u32 challenges_left;
	bool listening;
	bool no_room;
	const struct tcb_params *params;
};

/* Why a segment, or its text, was dropped. */
enum tcb_drop {
	DROP_NONE,
	DROP_CLOSED,		/* no such connection, 3.10.7.1 */
	DROP_LISTEN_RST,	/* 3.10.7.2 first */
	DROP_LISTEN_ACK,	/* 3.10.7.2 second */
	DROP_LISTEN_OTHER,	/* 3.10.7.2 fourth */
	DROP_SYN_SENT_ACK,	/* unacceptable ACK, 3.10.7.3 first */
	DROP_SYN_SENT_RST,	/* RST without acceptable ACK, second */
	DROP_SYN_SENT_OTHER,	/* neither SYN nor RST, fifth */
	DROP_PAWS,		/* from the past, by its timestamp (RFC 7323) */
	DROP_SEQUENCE,		/* outside of the window, 3.10.7.4 first */
	DROP_RST_CHALLENGED,	/* RST not exactly at RCV.NXT, second */
	DROP_RST_TIME_WAIT,	/* RFC 1337 */
	DROP_SYN_CHALLENGED,	/* SYN on a synchronized connection, fourth */
	DROP_NO_ACK,		/* ACK bit off, fifth */
	DROP_ACK_OLD,		/* older than any window explains, fifth */
	DROP_ACK_FUTURE,	/* acknowledges what was not sent, fifth */
	DROP_ACK_SYN_RCVD,	/* does not acknowledge our SYN, fifth */
	DROP_TEXT_AFTER_FIN,	/* text after the peer's FIN, seventh */
	DROP_TEXT_AFTER_CLOSE,	/* text when nobody reads, 3.6.1 */
	DROP_TEXT_DUPLICATE,	/* text that is here already */
	DROP_TEXT_NO_ROOM,	/* text for which there is no room */
	DROP_COUNT,
};

/* What the user is told when the connection ends before its time. */
enum tcb_error {
	ERROR_NONE,
	ERROR_REFUSED,
	ERROR_RESET,
	ERROR_TIMED_OUT,
};

/* Bits of tcb_actions.tell: what has become possible for the user. */
#define TELL_CONNECTED	BIT(0)	/* the handshake is complete */
#define TELL_READABLE	BIT(1)	/* rcv_nxt has advanced over text */
#define TELL_WRITABLE	BIT(2)	/* snd_una has advanced */
#define TELL_PEER_DONE	BIT(3)	/* the peer's FIN was reached: no text from
				 * beyond it is held any more
				 */
#define TELL_NO_ANSWER	BIT(4)	/* R1 is reached: look for another route */

/* How a segment leaves the one it was handed to. */
enum tcb_verdict {
	VERDICT_DONE,
	VERDICT_ACCEPT,		/* request: the handshake is complete; make a
				 * socket and hand it the same segment
				 */
	VERDICT_REOPEN,		/* TIME-WAIT: a new SYN; hand it to a listener,
				 * with @reopen_iss for its tcb_open_request()
				 */
};

/* A change of state. */
struct tcb_move {
	u8 from;
	u8 to;
	u8 cause;
};

#define TCB_MOVES_MAX 4		/* one event makes three at the most */

/**
 * struct tcb_actions - what the holder must do; all zero before an event
 * @moves: the changes of state, in order
 * @move_count: how many
 * @drop: why the segment, or its text, was dropped
 * @verdict: how the segment leaves us
 * @error: why the connection ended
 * @tell: what to tell the user
 * @send_reset: send @reset
 * @challenged: a challenge ACK is sent: one less of tcb_env.challenges_left
 * @keep_text: keep text of the segment: @text_len octets from @text_offset
 * @text_offset: octets of the segment's text that are not wanted
 * @text_len: octets of text to keep, starting at sequence number @text_seq;
 *	all up to rcv_nxt is in order and may be given to the user
 * @text_seq: sequence number of the first octet kept
 * @reopen_iss: an initial sequence number that the old connection has not
 *	reached (MUST-13)
 * @reset: the RST to send
 */
struct tcb_actions {
	struct tcb_move moves[TCB_MOVES_MAX];
	u8 move_count;
	u8 drop;
	u8 verdict;
	u8 error;
	u8 tell;
	bool send_reset;
	bool challenged;
	bool keep_text;
	u32 text_offset;
	u32 text_len;
	u32 text_seq;
	u32 reopen_iss;
	struct segment reset;
};

/**
 * struct tcb_open - how a connection starts
 * @iss: initial send sequence number, unpredictable (MUST-9)
 * @mss: value for our MSS option: what we can receive (MUST-14)
 * @path_mss: octets of text that the path takes in one segment without options
 * @wscale: shift count that we offer
 * @window: receive window to begin with
 */
struct tcb_open {
	u32 iss;
	u16 mss;
	u16 path_mss;
	u8 wscale;
	u32 window;
};

/*
 * User calls (RFC 9293, 3.10.1 to 3.10.5): calls.c
 */

/**
 * tcb_init() - a TCB that is in no use
 * @tcb: to be set to CLOSED
 */
static inline void tcb_init(struct tcb *tcb)
{
	*tcb = (struct tcb) { .state = STATE_CLOSED };
}

/**
 * tcb_listen() - passive OPEN (3.10.1)
 * @tcb: in state CLOSED
 * @env: the world
 * @actions: what to do
 */
void tcb_listen(struct tcb *tcb, const struct tcb_env *env,
		struct tcb_actions *actions);

/**
 * tcb_connect() - active OPEN (3.10.1)
 * @tcb: in state CLOSED; the SYN is the next segment
 * @conn: its second half
 * @open: how to start
 * @env: the world
 * @actions: what to do
 */
void tcb_connect(struct tcb *tcb, struct tcb_conn *conn,
		 const struct tcb_open *open, const struct tcb_env *env,
		 struct tcb_actions *actions);

/**
 * tcb_conn_init() - the second half of a connection that a listener made
 * @conn: to be filled in; its settings are kept
 * @tcb: the request's TCB, in SYN-RECEIVED
 * @env: the world
 */
void tcb_conn_init(struct tcb_conn *conn, const struct tcb *tcb,
		   const struct tcb_env *env);

/**
 * tcb_send() - SEND (3.10.2): the user has queued more octets
 * @tcb: a connection for which tcb_may_send() holds
 * @octets: how many
 */
void tcb_send(struct tcb *tcb, u32 octets);

/**
 * tcb_receive() - RECEIVE (3.10.3): the user has taken octets away
 * @tcb: a connection
 * @env: the world; rcv_space after the octets were taken
 *
 * If that opens the window by enough, the peer is told (3.8.6.2.2).
 */
void tcb_receive(struct tcb *tcb, const struct tcb_env *env);

/**
 * tcb_close() - CLOSE (3.10.4): the user has no more to send
 * @tcb: a connection
 * @actions: what to do
 *
 * The other direction stays open until the peer closes it (3.6.1). Calling it
 * twice is allowed and has no effect. In LISTEN and SYN-SENT it ends the
 * connection.
 */
void tcb_close(struct tcb *tcb, struct tcb_actions *actions);

/**
 * tcb_stop_receiving() - nobody will RECEIVE any more
 * @tcb: a connection
 * @env: the world
 *
 * Text that arrives from now on cannot be delivered; it resets the connection
 * (SHLD-3). In FIN-WAIT-2 the wait for the peer's FIN becomes bounded.
 */
void tcb_stop_receiving(struct tcb *tcb, const struct tcb_env *env);

/**
 * tcb_abort() - ABORT (3.10.5)
 * @tcb: a connection
 * @env: the world
 * @actions: what to do
 */
void tcb_abort(struct tcb *tcb, const struct tcb_env *env,
	       struct tcb_actions *actions);

/**
 * tcb_set_path_mss() - the path's MTU has become known or has changed
 * @tcb: a connection
 * @conn: its second half
 * @path_mss: octets of text that the path takes in one segment without options
 */
void tcb_set_path_mss(struct tcb *tcb, struct tcb_conn *conn, u16 path_mss);

/* May the user SEND? */
static inline bool tcb_may_send(const struct tcb *tcb)
{
	return tcb->state != STATE_CLOSED && tcb->state != STATE_LISTEN &&
	       tcb->state != STATE_TIME_WAIT && !(tcb->flags & TCB_FIN_QUEUED);
}

/*
 * SEGMENT ARRIVES (RFC 9293, 3.10.7): arrives.c
 */

/**
 * tcb_segment_without_connection() - a segment for nobody (3.10.7.1)
 * @seg: the segment
 * @actions: a RST, unless it was one itself
 */
void tcb_segment_without_connection(const struct segment *seg,
				    struct tcb_actions *actions);

/**
 * tcb_segment_for_listener() - a segment in LISTEN (3.10.7.2)
 * @seg: the segment
 * @actions: what to do
 *
 * Return: true for a SYN: the holder makes a request with
 * tcb_open_request().
 */
bool tcb_segment_for_listener(const struct segment *seg,
			      struct tcb_actions *actions);

/**
 * tcb_open_request() - LISTEN to SYN-RECEIVED (3.10.7.2 third)
 * @tcb: of the new request; the SYN,ACK is its next segment
 * @seg: the SYN
 * @open: how to start
 * @env: the world
 * @actions: what to do
 *
 * Text on the SYN is not kept: it is not acknowledged, and comes again.
 */
void tcb_open_request(struct tcb *tcb, const struct segment *seg,
		      const struct tcb_open *open, const struct tcb_env *env,
		      struct tcb_actions *actions);

/**
 * tcb_segment_arrives() - a segment in any other state (3.10.7.3, 3.10.7.4)
 * @tcb: a connection
 * @conn: its second half; NULL for a request or a TIME-WAIT entry
 * @seg: the segment
 * @env: the world
 * @actions: what to do
 */
void tcb_segment_arrives(struct tcb *tcb, struct tcb_conn *conn,
			 const struct segment *seg, const struct tcb_env *env,
			 struct tcb_actions *actions);

/*
 * Timeouts (RFC 9293, 3.10.8): timeout.c
 */

/**
 * tcb_next_deadline() - when does tcb_timeout() have something to do?
 * @tcb: a connection
 * @conn: its second half, or NULL
 * @params: the knobs
 * @deadline: set to the instant, on the core's clock
 *
 * Return: false if no timer is running.
 */
bool tcb_next_deadline(const struct tcb *tcb, const struct tcb_conn *conn,
		       const struct tcb_params *params, u32 *deadline);

/**
 * tcb_timeout() - handle the timers whose time has come
 * @tcb: a connection
 * @conn: its second half, or NULL
 * @env: the world
 * @actions: what to do
 */
void tcb_timeout(struct tcb *tcb, struct tcb_conn *conn,
		 const struct tcb_env *env, struct tcb_actions *actions);

/*
 * What to send: output.c
 */

/**
 * tcb_next_segment() - is there a segment to send, and which?
 * @tcb: a connection
 * @conn: its second half, or NULL
 * @env: the world
 * @text_max: octets of text that the holder can send at once; if more than
 *	snd_mss, the holder cuts them into segments of snd_mss (GSO)
 * @seg: the segment: its text is that of sequence numbers seg->seq and on
 *
 * The core takes it for sent. If the holder cannot send it, it is a segment
 * lost on the way, and comes again.
 *
 * Return: false if there is nothing to send now.
 */
bool tcb_next_segment(struct tcb *tcb, struct tcb_conn *conn,
		      const struct tcb_env *env, u32 text_max,
		      struct segment *seg);

#endif
