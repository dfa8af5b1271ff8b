/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reference for the protocol core: RFC 9293, 3.10, a second time.
 *
 * It is written from the RFC's text alone and shares nothing with the core:
 * no type, no constant, no comparison of sequence numbers. What both get wrong
 * in the same way must so have been misread twice. It is a judge, not a TCP:
 * it does no congestion control and measures no time.
 *
 * For each event: one of the three event functions changes the connection and
 * says what must follow (struct ref_answer). Then ref_sent() judges each
 * segment that the core sends, and ref_settled() what it has left undone.
 * Where the RFC leaves open when something is sent (new text, an ACK of text)
 * the judge follows the core, and says only when it goes too far. So it may be
 * asked about one event or about any sequence of them.
 */
#ifndef LIBREFERENCE_H
#define LIBREFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where the RFC leaves a choice, or contradicts itself, the reference says what
 * it has chosen. This is all of it:
 *
 * Choice 1: OPEN and SEND in LISTEN are refused; the socket interface has no
 *	call that makes a listening socket active.
 * Choice 2: LAST-ACK is entered when CLOSE is called, as FIN-WAIT-1 is, not
 *	when the FIN has been sent.
 * Choice 3: text and FIN of a SYN without ACK are not queued. They are not
 *	acknowledged either, so they come again.
 * Choice 4: a RST in SYN-SENT says "refused" to the user, as in SYN-RECEIVED.
 * Choice 5: an empty segment at the right edge of the window is acceptable:
 *	there stand the ACKs of a peer that has filled the window (A.2).
 * Choice 6: an ACK that does not acknowledge our SYN is answered by a RST in
 *	SYN-RECEIVED (3.5.2, group 2), even if RFC 5961 would have it ACKed; and
 *	so it is in FIN-WAIT-1 if CLOSE has led there from SYN-RECEIVED, or the
 *	recovery from old duplicates (3.5.1) would end with that CLOSE.
 * Choice 7: the peer's SYN again in SYN-RECEIVED is answered by our SYN,ACK,
 *	which has perhaps been lost. With an ACK, in a simultaneous open, it
 *	is what figure 8 shows: the SYN is trimmed, the ACK counts.
 * Choice 8: a SYN ends TIME-WAIT only if it stands after RCV.NXT, and is not
 *	a SYN,ACK. RFC 6191 would take one at RCV.NXT, too.
 * Choice 9: the FIN that comes again in TIME-WAIT stands before the window,
 *	so the first step drops it. It restarts 2 MSL there, as the fifth and
 *	eighth say; other segments do not.
 * Choice 10: the ACK of a FIN in ESTABLISHED may wait for our own FIN.
 * Choice 11: nothing stands after a FIN. A second one elsewhere is not the
 *	peer's: it is answered, but RCV.NXT stays. Nor is one noted, before its
 *	turn, that has text after it; in its turn, it is that text which goes.
 * Choice 12: a segment before its turn is held for its text and FIN alone; its
 *	ACK counts at once.
 * Choice 13: a SYN or RST stands at SEG.SEQ, and the text after it does not
 *	bring it into the window (3.5.3: "if its sequence number is in the
 *	window"; fourth: "if the SYN is not in the window").
 * Choice 14: when an ACK answers a segment that is dropped, and that does not
 *	come again for want of an ACK (it has neither text nor FIN, or it is a
 *	SYN or RST), they have a limit; and where RFC 5961 is the reason, so
 *	have those of all connections together (its section 7).
 * Choice 15: FIN-WAIT-2 ends after a while if nobody reads any more.
 * Choice 16: a peer that is given up for its silence to keep-alives is sent
 *	a RST (3.8.4 does not say).
 * Choice 17: MAX.SND.WND is the largest possible, if nobody remembers it.
 */

/* RFC 9293, 3.3.2, in its order. */
enum ref_state {
	REF_CLOSED,
	REF_LISTEN,
	REF_SYN_SENT,
	REF_SYN_RECEIVED,
	REF_ESTABLISHED,
	REF_FIN_WAIT_1,
	REF_FIN_WAIT_2,
	REF_CLOSE_WAIT,
	REF_CLOSING,
	REF_LAST_ACK,
	REF_TIME_WAIT,
	REF_STATES,
};

/* A segment; its window is scaled already. */
struct ref_segment {
	uint32_t seq;
	uint32_t ack;
	uint32_t len;		/* octets of text */
	uint32_t wnd;
	bool has_ack;
	bool syn;
	bool rst;
	bool fin;
};

struct ref_range {
	uint32_t from;
	uint32_t len;
};

#define REF_HELD_MAX 64

/**
 * struct ref_conn - a connection
 * @state: its state
 * @passive: it came from LISTEN
 * @close_called: CLOSE was called: a FIN stands at @snd_end
 * @nobody_reads: the user has said that there will be no RECEIVE any more
 * @hold_small: hint: a part segment may wait, even if nothing is in flight
 * @resends: hint: the sender takes some of what is in flight for lost
 * @fin_held: the peer's FIN has arrived, at @fin_seq, before its turn
 * @ack_owed: an ACK is due in less than 0.5 seconds (MUST-40)
 * @iss: initial send sequence number
 * @irs: initial receive sequence number
 * @snd_una: SND.UNA
 * @snd_nxt: SND.NXT
 * @snd_end: sequence number after the last octet that was SENT
 * @snd_wnd: SND.WND
 * @snd_wl1: SND.WL1
 * @snd_wl2: SND.WL2
 * @max_snd_wnd: MAX.SND.WND (RFC 5961, 5.2)
 * @rcv_nxt: RCV.NXT
 * @rcv_wnd: RCV.WND
 * @fin_seq: see @fin_held
 * @cwnd: hint: the congestion window
 * @retries: hint: retransmissions in a row of the same segment
 * @held: text that arrived before its turn, in any order
 * @held_count: how many of them
 *
 * The hints are about what the reference does not do itself; set them before
 * each event.
 */
struct ref_conn {
	enum ref_state state;
	bool passive;
	bool close_called;
	bool nobody_reads;
	bool hold_small;
	bool resends;
	bool fin_held;
	bool ack_owed;
	uint32_t iss;
	uint32_t irs;
	uint32_t snd_una;
	uint32_t snd_nxt;
	uint32_t snd_end;
	uint32_t snd_wnd;
	uint32_t snd_wl1;
	uint32_t snd_wl2;
	uint32_t max_snd_wnd;
	uint32_t rcv_nxt;
	uint32_t rcv_wnd;
	uint32_t fin_seq;
	uint32_t cwnd;
	uint32_t retries;
	struct ref_range held[REF_HELD_MAX];
	unsigned int held_count;
};

/**
 * struct ref_world - what an event needs to know besides the connection
 * @challenge_rst: RFC 5961, 3
 * @challenge_syn: RFC 5961, 4
 * @challenge_ack: RFC 5961, 5
 * @protect_time_wait: RFC 1337: RST does not end TIME-WAIT
 * @listening: a listener waits for a SYN that reopens TIME-WAIT
 * @may_omit_ack: the limit of this connection is reached
 * @may_omit_challenge: the limit of all connections together is
 * @iss: ISS, if the event begins a connection
 * @window: RCV.WND to begin with
 * @room: octets for which there is room in the receive buffer
 * @unit: windows that are advertised are multiples of this (RFC 7323, 2.3)
 * @step: the right edge of the window moves by so much or not at all
 * @r1: R1 as a count of retransmissions, for the segment in question
 * @r2: R2 likewise
 * @no_room: there is no memory for text
 * @peer_is_silent: enough keep-alives had no answer
 */
struct ref_world {
	bool challenge_rst;
	bool challenge_syn;
	bool challenge_ack;
	bool protect_time_wait;
	bool listening;
	bool may_omit_ack;
	bool may_omit_challenge;
	uint32_t iss;
	uint32_t window;
	uint32_t room;
	uint32_t unit;
	uint32_t step;
	uint32_t r1;
	uint32_t r2;
	bool no_room;
	bool peer_is_silent;
};

/* What must be sent; an ACK may ride on text or on a FIN. */
enum ref_reply {
	REF_NOTHING,
	REF_ACK_SOON,		/* in less than 0.5 seconds */
	REF_ACK,
	REF_SYN,
	REF_SYN_ACK,
	REF_RST,
};

enum ref_error {
	REF_NO_ERROR,
	REF_REFUSED,
	REF_RESET,
	REF_TIMED_OUT,
};

/* What a user call returns. */
enum ref_result {
	REF_OK,
	REF_NO_CONNECTION,	/* "connection does not exist" */
	REF_CLOSING_ERROR,	/* "connection closing" */
	REF_EXISTS,		/* "connection already exists" */
};

/* What becomes of the 2 MSL timer. */
enum ref_msl {
	REF_MSL_LEFT_ALONE,
	REF_MSL_STARTED,	/* or started again */
};

#define REF_PATH_MAX 4

/**
 * struct ref_answer - what must follow from an event
 * @clause: of the RFC that decided, for reports
 * @path: the states entered, in order
 * @moves: how many
 * @reply: what must be sent
 * @reset: if that is a RST, which
 * @omissible: @reply is an ACK that is not sent if @may_omit_ack
 * @challenge: nor is it if @may_omit_challenge
 * @window_update: an ACK may be sent if it opens the window
 * @resend: what is at SND.UNA must be sent again
 * @probe: an octet must be sent, into whatever window
 * @connected: tell the user that the connection is open
 * @acked: tell the user that something was acknowledged
 * @peer_done: tell the user "connection closing"
 * @delivered: so many octets of text are given to the user
 * @kept: text to be kept: what is delivered, or held for later
 * @no_answer: tell IP (and the user) that R1 is reached
 * @reopen: in TIME-WAIT, a SYN for a listener to have (MAY-2), with an ISS that
 *	is later than @beyond
 * @beyond: see @reopen
 * @error: tell the user why the connection ended
 * @result: of a user call
 * @two_msl: what becomes of that timer
 * @was_idle: nothing was in flight before anything was sent
 * @sent_ack: judge's note: a segment with an ACK was sent
 * @sent_bare: judge's note: one of them carried nothing else
 * @sent_reply: judge's note: SYN or RST, as wanted, was sent
 * @sent_first: judge's note: what is at SND.UNA was sent again
 * @sent_text: judge's note: text or FIN was sent
 */
struct ref_answer {
	const char *clause;
	enum ref_state path[REF_PATH_MAX];
	unsigned int moves;
	enum ref_reply reply;
	struct ref_segment reset;
	bool omissible;
	bool challenge;
	bool window_update;
	bool resend;
	bool probe;
	bool connected;
	bool acked;
	bool peer_done;
	uint32_t delivered;
	struct ref_range kept;
	bool no_answer;
	bool reopen;
	uint32_t beyond;
	enum ref_error error;
	enum ref_result result;
	enum ref_msl two_msl;
	bool was_idle;
	bool sent_ack;
	bool sent_bare;
	bool sent_reply;
	bool sent_first;
	bool sent_text;
};

enum ref_call {
	REF_OPEN_ACTIVE,
	REF_OPEN_PASSIVE,
	REF_SEND,
	REF_RECEIVE,
	REF_CLOSE,
	REF_ABORT,
	REF_STATUS,
	REF_STOP_RECEIVING,	/* not in the RFC: no RECEIVE will follow */
};

enum ref_timeout {
	REF_RETRANSMISSION_TIMEOUT,
	REF_USER_TIMEOUT,
	REF_TIME_WAIT_TIMEOUT,
	REF_PERSIST_TIMEOUT,		/* 3.8.6.1 */
	REF_KEEPALIVE_TIMEOUT,		/* 3.8.4 */
	REF_DELAYED_ACK_TIMEOUT,	/* 3.8.6.3 */
	REF_FIN_WAIT_2_TIMEOUT,		/* not in the RFC */
};

/*
 * Sequence numbers are points on a circle (3.4); so each question is whether a
 * point lies on an arc.
 */

/* FROM =< x < FROM+LEN */
static inline bool ref_in_window(uint32_t x, uint32_t from, uint32_t len)
{
	return (uint32_t)(x - from) < len;
}

/* FROM =< x =< TO */
static inline bool ref_on_arc(uint32_t x, uint32_t from, uint32_t to)
{
	return (uint32_t)(x - from) <= (uint32_t)(to - from);
}

/* FROM < x =< TO */
static inline bool ref_beyond_on_arc(uint32_t x, uint32_t from, uint32_t to)
{
	return x != from && ref_on_arc(x, from, to);
}

/* x > FROM, if there is no other end to the arc: on the half circle after it. */
static inline bool ref_later(uint32_t x, uint32_t from)
{
	return ref_beyond_on_arc(x, from, from + 0x7fffffff);
}

#define REF_CALLS (REF_STOP_RECEIVING + 1)
#define REF_TIMEOUTS (REF_FIN_WAIT_2_TIMEOUT + 1)

/* The name that the RFC gives to a state. */
const char *ref_state_name(enum ref_state state);

/**
 * ref_user_call() - 3.10.1 to 3.10.6
 * @c: a connection
 * @call: the user's call
 * @octets: of a SEND
 * @world: the rest
 * @answer: is filled in
 */
void ref_user_call(struct ref_conn *c, enum ref_call call, uint32_t octets,
		   const struct ref_world *world, struct ref_answer *answer);

/* ref_segment_arrives() - 3.10.7 */
void ref_segment_arrives(struct ref_conn *c, const struct ref_segment *seg,
			 const struct ref_world *world,
			 struct ref_answer *answer);

/* ref_timeout() - 3.10.8 */
void ref_timeout(struct ref_conn *c, enum ref_timeout timeout,
		 const struct ref_world *world, struct ref_answer *answer);

/**
 * ref_sent() - judge a segment that is sent after an event
 * @c: the connection, as the event has left it; SND.NXT, RCV.WND follow
 * @seg: the segment
 * @world: with the room that there is now
 * @answer: of the event
 *
 * Return: what is wrong with it, in words; NULL if nothing.
 */
const char *ref_sent(struct ref_conn *c, const struct ref_segment *seg,
		     const struct ref_world *world, struct ref_answer *answer);

/**
 * ref_settled() - all is sent that will be; was it enough?
 * @c: the connection
 * @world: the rest
 * @answer: of the event
 *
 * Return: what is missing, in words; NULL if nothing.
 */
const char *ref_settled(struct ref_conn *c, const struct ref_world *world,
			const struct ref_answer *answer);

/* Must a timer run that sends something again (for SND.UNA, or a probe)? */
bool ref_wants_send_timer(const struct ref_conn *c);

#endif
