#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""retransmit.py - what gets lost is sent again, ever more slowly

Segments are dropped where they arrive, by nftables; the recorder stands before
that and sees them all.
"""

import errno
import os

from libscenario import run, test

PORT = 80
SYN = "tcp flags & (syn | ack) == syn"
SYN_ACK = "tcp flags & (syn | ack) == (syn | ack)"
FIN = "tcp flags fin"
BARE_ACK = "tcp flags & (syn | fin | rst | ack) == ack ip length <= 60"
TEXT = "ip length > 100"


def connect(t, client, server):
    """Two sockets and their endpoints."""
    listener = server.listen(PORT)
    sock = client.edutcp()
    sock.connect((server.address, PORT))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    return sock, accepted, peer, (server.address, PORT)


def gaps(segments):
    """Milliseconds from each segment to the next."""
    return [round((b.time - a.time) * 1000)
            for a, b in zip(segments, segments[1:])]


def check_backoff(t, segments, first):
    """Each gap is twice the one before; the first is given in ms."""
    for i, gap in enumerate(gaps(segments)):
        wanted = first << i
        # A timer may be late (the machine is slow), never early.
        t.check(wanted - 2 <= gap <= wanted * 1.2 + 30,
                "gap %d of %s ms is about %d ms" % (i, gaps(segments), wanted))
    t.equal(len({(s.seq, s.text, s.kind()) for s in segments}), 1,
            "different segments among those sent again")


@test("a SYN goes again after 1, 2, 4 ... RTO, then connect() times out")
def syn(t):
    client, server = t.hosts()
    client.set("net.edutcp.rto_initial_ms", 400)
    client.set("net.edutcp.syn_retries", 3)
    server.drop(SYN)
    recorder = t.record(client, server)
    server.listen(PORT)
    sock = client.edutcp()
    t.refuses(errno.ETIMEDOUT, sock.connect, (server.address, PORT))

    syns = recorder.sent(kind="SYN")
    t.equal(len(syns), 1 + 3, "SYNs")
    check_backoff(t, syns, 400)
    end = recorder.expect_states(client, syns[0].source, syns[0].destination,
                                 ["CLOSED", "SYN_SENT", "CLOSED"])[-1]
    t.check("retransmissions" in end.cause,
            "the cause of the end is the lack of an answer: " + end.cause)
    last_wait = (end.time - syns[-1].time) * 1000
    t.check(3198 <= last_wait <= 3900,
            "after the last SYN it waits 3200 ms more, not %d" % last_wait)
    t.equal(client.stats()["RetransSegs"], 3, "RetransSegs")

    # The socket is as new, and the cable is whole again.
    server.drop_nothing()
    sock.connect((server.address, PORT))


@test("a SYN that there is no route to answer by is as good as lost")
def syn_without_route(t):
    client, server = t.hosts()
    client.set("net.edutcp.rto_initial_ms", 400)
    listener = server.listen(PORT)
    network = server.run("ip", "route", "show", "dev", server.device).split()[0]
    server.run("ip", "route", "del", network, "dev", server.device)
    sock = client.edutcp()
    opening = t.background(sock.connect, (server.address, PORT))
    t.wait_for(lambda: server.stats()["DropNoRoute"], "a SYN dropped")
    t.equal(server.rows(state="SYN_RCVD"), [], "requests")

    # The next SYN finds a route.
    server.run("ip", "route", "add", network, "dev", server.device)
    opening.result()
    listener.accept()[0].close()


@test("a lost SYN is made good for, and the table counts")
def lost_syn(t):
    client, server = t.hosts()
    client.set("net.edutcp.rto_initial_ms", 400)
    server.drop(SYN, first=2)
    recorder = t.record(client, server)
    server.listen(PORT)
    sock = client.edutcp()
    connecting = t.background(sock.connect, (server.address, PORT))
    row = t.wait_for_row(client, state="SYN_SENT", retransmissions=1)
    t.equal(row["timer"], "retransmit", "timer in SYN_SENT")
    t.check(0 < row["timer_ms"] <= 800, "timer_ms is within the timeout")
    connecting.result()
    check_backoff(t, recorder.sent(kind="SYN"), 400)
    t.equal(len(recorder.sent(kind="SYN")), 3, "SYNs")
    t.equal(client.rows()[0]["retransmissions"], 0,
            "retransmissions once connected")


@test("a SYN,ACK goes again by itself until it is acknowledged")
def syn_ack(t):
    client, server = t.hosts()
    # The client must not ask again: that would bring a SYN,ACK as well.
    client.set("net.edutcp.rto_initial_ms", 60000)
    server.set("net.edutcp.rto_initial_ms", 400)
    client.drop(SYN_ACK, first=2)
    recorder = t.record(client, server)
    sock, _, a, b = connect(t, client, server)
    sock.send(b"hello")
    replies = recorder.sent(kind="SYN,ACK")
    t.equal(len(replies), 3, "SYN,ACKs")
    check_backoff(t, replies, 400)
    t.equal(len({s.ack for s in replies}), 1, "acknowledgment numbers")
    t.equal(len(recorder.sent(kind="SYN")), 1, "SYNs")
    recorder.expect_states(server, b, a, ["LISTEN", "SYN_RCVD", "ESTABLISHED"])


@test("a request that nobody acknowledges is forgotten after synack_retries")
def forgotten_request(t):
    client, server = t.hosts()
    client.set("net.edutcp.rto_initial_ms", 600000)
    server.set("net.edutcp.rto_initial_ms", 300)
    server.set("net.edutcp.synack_retries", 2)
    client.drop(SYN_ACK)
    recorder = t.record(client, server)
    server.listen(PORT)
    sock = client.edutcp(nonblocking=True)
    t.refuses(errno.EINPROGRESS, sock.connect, (server.address, PORT))
    row = t.wait_for_row(server, state="SYN_RCVD")
    t.equal(row["timer"], "retransmit", "timer in SYN_RCVD")
    a, b = row["remote"], row["local"]
    end = recorder.expect_states(server, b, a,
                                 ["LISTEN", "SYN_RCVD", "CLOSED"])[-1]
    t.check("retransmissions" in end.cause,
            "the cause of the end is the lack of an answer: " + end.cause)
    check_backoff(t, recorder.sent(kind="SYN,ACK"), 300)
    t.equal(len(recorder.sent(kind="SYN,ACK")), 3, "SYN,ACKs")
    t.equal([r["state"] for r in server.rows()], ["LISTEN"],
            "states in the server's table")


@test("text goes again, unchanged, until it is acknowledged")
def text(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    sock, accepted, a, b = connect(t, client, server)
    server.drop(TEXT, first=3)
    data = os.urandom(1000)
    sock.send(data)
    row = t.wait_for_row(client, local=a, retransmissions=2)
    t.equal((row["timer"], row["send_queue"]), ("retransmit", 1000),
            "timer and send queue of the client")
    t.equal(accepted.recv(2000), data, "what the server has read")
    segments = recorder.sent(source=a, text=True)
    t.equal(len(segments), 4, "segments with the text")
    # After the round trip of the handshake, the timeout is RTO.min.
    check_backoff(t, segments, 200)
    t.wait_for(lambda: not client.rows(local=a)[0]["send_queue"],
               "the ACK of the text")
    row = client.rows(local=a)[0]
    t.equal((row["timer"], row["retransmissions"]), ("-", 0),
            "timer and retransmissions after the ACK")
    t.equal(client.stats()["RetransSegs"], 3, "RetransSegs")


@test("when text is never acknowledged the connection ends with ETIMEDOUT")
def text_times_out(t):
    client, server = t.hosts()
    client.set("net.edutcp.data_retries", 2)
    recorder = t.record(client, server)
    sock, _, a, b = connect(t, client, server)
    server.drop(TEXT)
    sock.send(b"x" * 1000)
    t.refuses(errno.ETIMEDOUT, sock.recv, 1)
    t.equal(len(recorder.sent(source=a, text=True)), 3, "segments with text")
    recorder.expect_states(client, a, b,
                           ["CLOSED", "SYN_SENT", "ESTABLISHED", "CLOSED"])


def transfer(t, client, server, recorder, lost):
    """Send eight segments, of which those whose numbers are in "lost" do not
    arrive the first time. Return the segments that were sent, and the ACKs
    that had come until the first was sent again."""
    client.set("net.edutcp.rto_min_ms", 5000)
    sock, accepted, a, b = connect(t, client, server)
    mss = 1448
    server.drop(TEXT + " numgen inc mod 1000 { %s }" %
                ", ".join(map(str, lost)))
    data = os.urandom(8 * mss)
    sock.sendall(data)
    received = b""
    while len(received) < len(data):
        received += accepted.recv(65536)
    t.equal(received, data, "what the server has read")

    segments = recorder.sent(source=a, text=True)
    numbers = [((s.seq - segments[0].seq) % 2**32) // mss for s in segments]
    t.equal(numbers, list(range(8)) + list(lost), "segments that were sent")
    t.check(segments[8].time - segments[lost[0]].time < 4,
            "it goes again before the timeout")
    return segments, [s for s in recorder.sent(source=b, text=False)
                      if segments[0].time < s.time < segments[8].time]


@test("SACK: what is missing comes again, and nothing else")
def selective(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    # Without SACK this would take a round trip more for each.
    lost = (1, 3, 4)
    segments, acks = transfer(t, client, server, recorder, lost)
    t.equal({s.ack for s in acks[1:]}, {segments[1].seq},
            "what is acknowledged while the first is missing")
    edge = [s.seq for s in segments[:8]]
    end = (edge[7] + len(segments[7].text)) % 2**32
    t.equal(acks[0].options.get("sack"), None, "ranges before the loss")
    t.equal(acks[1].options["sack"], [(edge[2], edge[3])],
            "range after the first loss")
    # The latest stands first (RFC 2018, 4).
    t.equal(acks[-1].options["sack"], [(edge[5], end), (edge[2], edge[3])],
            "ranges in the end")
    t.check(segments[10].time - segments[8].time < 0.1,
            "all that was lost goes again at once")
    final = recorder.sent(source=segments[0].destination)[-1]
    t.equal(final.options.get("sack"), None, "ranges when all has arrived")


@test("without SACK three duplicate ACKs bring the lost segment back")
def fast_retransmit(t):
    client, server = t.hosts(offload=False)
    client.set("net.edutcp.sack", 0)
    recorder = t.record(client, server)
    segments, acks = transfer(t, client, server, recorder, (0,))
    t.check(len(acks) >= 3, "there were three duplicate ACKs before it")
    t.equal({s.ack for s in acks}, {segments[0].seq}, "what they acknowledge")
    t.check(all("sack" not in s.options for s in acks),
            "nothing is said of ranges")


@test("a FIN goes again with the same sequence number")
def fin(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    sock, accepted, a, b = connect(t, client, server)
    sock.send(b"hello")
    accepted.recv(5)
    t.wait_for(lambda: not client.rows(local=a)[0]["send_queue"],
               "the ACK of the text")
    server.drop(FIN, first=2)
    sock.close()
    row = t.wait_for_row(client, local=a, state="FIN_WAIT_1",
                         retransmissions=1)
    t.equal(row["timer"], "retransmit", "timer in FIN_WAIT_1")
    t.equal(accepted.recv(1), b"", "what the server reads after the FIN")
    recorder.expect_states(client, a, b, [
        "CLOSED", "SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2"])
    fins = recorder.sent(source=a, kind="FIN,ACK")
    t.equal(len(fins), 3, "FINs")
    check_backoff(t, fins, 200)
    after = [s for s in recorder.sent(source=b, kind="ACK")
             if s.time > fins[-1].time]
    t.equal(after[0].ack, (fins[0].seq + 1) % 2**32, "the ACK of the FIN")


run()
