#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""keepalive.py - is the peer still there? Keep-alives and the user timeout"""

import errno
import socket

from libpeers import (MATCH_ALL, MATCH_TEXT, PORT, connect, new_socket,
                      receive)
from libscenario import run, test

TCP, SOCKET = socket.IPPROTO_TCP, socket.SOL_SOCKET
LIMIT = 2000    # virtual seconds: time leaps ahead while a program is loaded


def keep_alive(sock, idle, interval, count):
    sock.setsockopt(TCP, socket.TCP_KEEPIDLE, idle)
    sock.setsockopt(TCP, socket.TCP_KEEPINTVL, interval)
    sock.setsockopt(TCP, socket.TCP_KEEPCNT, count)
    sock.setsockopt(SOCKET, socket.SO_KEEPALIVE, 1)


def gaps(segments):
    """Milliseconds from each segment to the next."""
    return [round((b.time - a.time) * 1000)
            for a, b in zip(segments, segments[1:])]


def about(t, ms, wanted, what):
    """A timer may be late, never early."""
    t.check(wanted - 2 <= ms <= wanted * 1.1 + 100,
            "%s takes about %d ms: %d ms" % (what, wanted, ms))


def silence(t, stock):
    """The client asks whether a peer is there that is not; what it sends."""
    client, server = t.hosts()
    recorder = t.record(client, server)
    c = connect(t, client, server, stock_client=stock)
    c.client.sendall(b"hello")
    receive(c.server, 5)
    server.drop(MATCH_ALL)
    begun = len(recorder.sent(source=c.a))
    keep_alive(c.client, 4, 2, 3)
    t.refuses(errno.ETIMEDOUT, c.client.recv, 1)
    sent = t.wait_for(lambda: recorder.sent(source=c.a) if [
        s for s in recorder.sent(source=c.a) if "RST" in s.flags] else None,
                      "the RST")
    nxt = sent[0].seq + 1 + len(b"hello")
    # RFC: a RST that ends a connection bears no ACK. Linux: it does. Neither
    # that nor its options are of any consequence.
    return client, recorder, c, sent[begun:], [
        ("RST",) if "RST" in s.flags else
        (s.kind(), (s.seq - nxt) % 2**32, len(s.text), s.layout)
        for s in sent[begun:]]


@test("keep-alives to a peer that has gone: ETIMEDOUT, as the stock stack's",
      LIMIT)
def gone(t):
    client, recorder, c, probes, described = silence(t, False)
    t.equal([kind for kind, *_ in described], ["ACK"] * 3 + ["RST"],
            "segments: probes, then the end")
    t.equal({seq for _, seq, *_ in described[:3]}, {2**32 - 1},
            "SEQ of a probe, from SND.NXT: something that the peer has had")
    t.equal(probes[3].seq, (probes[0].seq + 1) % 2**32, "SEQ of the RST")
    t.check(all(abs(gap - 2000) < 100 for gap in gaps(probes)),
            "two seconds from each to the next: %s" % gaps(probes))
    end = recorder.expect_states(client, c.a, c.b, [
        "CLOSED", "SYN_SENT", "ESTABLISHED", "CLOSED"])[-1]
    t.check("keep-alive" in end.cause, "the cause is " + end.cause)
    t.equal(described, silence(t, True)[-1], "the trace")


@test("keep-alives to a peer that is there: it answers, and all is well",
      LIMIT)
def present(t):
    for stock in False, True:
        client, server = t.hosts()
        recorder = t.record(client, server)
        c = connect(t, client, server, stock_server=stock)
        # Nothing is loaded from here on, so time is as it should be.
        keep_alive(c.client, 3, 1, 2)
        row = t.wait_for_row(client, state="ESTABLISHED", timer="keepalive")
        t.check(row["timer_ms"] <= 3000, "timer_ms is within KEEPIDLE")
        probes = [s for s in t.wait_for_sent(recorder, "four probes",
                                             count=5, source=c.a, kind="ACK")
                  if s.seq != row["snd_nxt"]]
        for gap in gaps(probes):
            about(t, gap, 3000, "the time from one probe to the next")
        answers = [s for s in recorder.sent(source=c.b, kind="ACK")]
        t.check(len(answers) >= len(probes) - 1, "each is answered")
        t.equal({(s.ack, len(s.text)) for s in answers},
                {(row["snd_nxt"], 0)}, "the answers")
        t.equal(client.rows(local=c.a)[0]["state"], "ESTABLISHED", "state")
        # It serves, still.
        c.server.sendall(b"hello")
        t.equal(receive(c.client, 5), b"hello", "what is read")


@test("while something is unacknowledged there is no keep-alive", LIMIT)
def unacknowledged(t):
    client, server = t.hosts()
    client.set("net.edutcp.rto_min_ms", 20000)
    recorder = t.record(client, server)
    c = connect(t, client, server)
    server.drop(MATCH_ALL)
    c.client.sendall(b"hello")
    keep_alive(c.client, 1, 1, 1)
    row = t.wait_for_row(client, local=c.a, timer="retransmit")
    t.wait_for(lambda: client.rows(local=c.a)[0]["age_ms"] >
               row["age_ms"] + 8000, "eight seconds to pass")
    t.equal(len(recorder.sent(source=c.a, kind="ACK")), 1 + 1,
            "segments: the ACK of the SYN, and the text")


@test("net.edutcp.keepalive_* hold where the socket has set nothing", LIMIT)
def by_sysctl(t):
    client, server = t.hosts()
    client.set("net.edutcp.keepalive_time_ms", 2000)
    client.set("net.edutcp.keepalive_interval_ms", 500)
    client.set("net.edutcp.keepalive_probes", 2)
    recorder = t.record(client, server)
    c = connect(t, client, server)
    t.equal([c.client.getsockopt(TCP, name) for name in
             (socket.TCP_KEEPIDLE, socket.TCP_KEEPCNT)], [2, 2],
            "TCP_KEEPIDLE and TCP_KEEPCNT")
    server.drop(MATCH_ALL)
    begun = len(recorder.sent(source=c.a))
    c.client.setsockopt(SOCKET, socket.SO_KEEPALIVE, 1)
    t.refuses(errno.ETIMEDOUT, c.client.recv, 1)
    sent = recorder.sent(source=c.a)[begun:]
    t.equal([s.kind() for s in sent], ["ACK", "ACK", "RST"], "segments")
    for gap in gaps(sent):
        about(t, gap, 500, "the time from one to the next")


@test("a listener's connections inherit the setting", LIMIT)
def inherited(t):
    client, server = t.hosts()
    for stock in False, True:
        listener = server.listen(PORT)
        keep_alive(listener, 7, 5, 3)
        new_socket(client, stock).connect((server.address, PORT))
        accepted, _ = listener.accept()
        t.equal([accepted.getsockopt(SOCKET, socket.SO_KEEPALIVE),
                 accepted.getsockopt(TCP, socket.TCP_KEEPIDLE),
                 accepted.getsockopt(TCP, socket.TCP_KEEPINTVL),
                 accepted.getsockopt(TCP, socket.TCP_KEEPCNT)], [1, 7, 5, 3],
                "settings of the accepted socket")
        t.equal(server.rows(state="ESTABLISHED")[0]["timer"], "keepalive",
                "timer")
        accepted.setsockopt(SOCKET, socket.SO_KEEPALIVE, 0)
        t.equal(server.rows(state="ESTABLISHED")[0]["timer"], "-",
                "timer when it is switched off")
        accepted.close()
        listener.close()


def times_out(t, client, recorder, c, ms):
    """The connection ends so long after what was sent last anew."""
    t.refuses(errno.ETIMEDOUT, c.client.recv, 1)
    first = recorder.sent(source=c.a, text=True)[0]
    end = recorder.moves(client, c.a, c.b)[-1]
    t.check("user timeout" in end.cause, "the cause is " + end.cause)
    about(t, (end.time - first.time) * 1000, ms, "the user timeout")


@test("TCP_USER_TIMEOUT ends a connection whose text nobody acknowledges",
      LIMIT)
def user_timeout(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    c = connect(t, client, server)
    server.drop(MATCH_TEXT)
    c.client.setsockopt(TCP, socket.TCP_USER_TIMEOUT, 3000)
    t.equal(c.client.getsockopt(TCP, socket.TCP_USER_TIMEOUT), 3000,
            "TCP_USER_TIMEOUT")
    c.client.sendall(b"x" * 1000)
    times_out(t, client, recorder, c, 3000)


@test("a shut window: TCP_USER_TIMEOUT runs only when probes go unanswered",
      LIMIT)
def shut_window(t):
    client, server = t.hosts()
    client.set("net.edutcp.rto_max_ms", 1000)   # and so are the probes apart
    recorder = t.record(client, server)
    listener = server.listen(PORT)
    listener.setsockopt(SOCKET, socket.SO_RCVBUF, 8192)
    sock = client.edutcp(nonblocking=True)
    t.refuses(errno.EINPROGRESS, sock.connect, (server.address, PORT))
    _accepted, a = listener.accept()
    sock.setsockopt(TCP, socket.TCP_USER_TIMEOUT, 5000)
    sock.send(b"x" * 20000)
    row = t.wait_for_row(client, local=a, timer="persist")
    t.wait_for(lambda: client.rows(local=a)[0]["age_ms"] >
               row["age_ms"] + 12000, "twelve seconds to pass")
    # The peer is alive, and there is no hurry (MUST-37).
    t.equal(client.rows(local=a)[0]["state"], "ESTABLISHED",
            "state while probes are answered")
    server.drop(MATCH_ALL)
    sock.setblocking(True)
    t.refuses(errno.ETIMEDOUT, sock.recv, 1)
    end = recorder.moves(client, a)[-1]
    t.check("user timeout" in end.cause, "the cause is " + end.cause)


@test("TCP_USER_TIMEOUT ends connect(), too", LIMIT)
def connecting(t):
    client, server = t.hosts()
    server.drop(MATCH_ALL)
    recorder = t.record(client, server)
    sock = client.edutcp()
    sock.setsockopt(TCP, socket.TCP_USER_TIMEOUT, 2500)
    t.refuses(errno.ETIMEDOUT, sock.connect, (server.address, PORT))
    first, last = recorder.moves(client)
    about(t, (last.time - first.time) * 1000, 2500, "connect()")


run()
