#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""timewait.py - how connections end: TIME_WAIT, and its way there"""

import errno
import os
import socket

from libpeers import (MATCH_BARE_ACK, PORT, connect, receive, state_of,
                      wait_for_state)
from libscenario import run, test

OPENED = ["CLOSED", "SYN_SENT", "ESTABLISHED"]
ACCEPTED = ["LISTEN", "SYN_RCVD", "ESTABLISHED"]


@test("TIME_WAIT lasts net.edutcp.time_wait_ms, and counts down")
def duration(t):
    client, server = t.hosts()
    client.set("net.edutcp.time_wait_ms", 5000)
    recorder = t.record(client, server)
    sock, accepted, a, b, _ = connect(t, client, server)
    sock.close()
    t.wait_for_row(client, local=a, state="FIN_WAIT_2")
    accepted.close()
    row = t.wait_for_row(client, local=a, state="TIME_WAIT")
    t.equal(row["timer"], "time_wait", "timer")
    t.equal((row["recv_queue"], row["send_queue"], row["inode"]), (0, 0, 0),
            "queues and inode of an entry without a socket")

    seen = []

    def gone():
        rows = client.rows(local=a)
        seen.extend(r["timer_ms"] for r in rows)
        return not rows
    t.wait_for(gone, "the entry to go")
    t.check(all(0 <= ms <= 5000 for ms in seen),
            "timer_ms is from 0 to 5000: %s" % seen)
    t.equal(sorted(seen, reverse=True), seen, "the countdown")
    t.check(seen[0] - seen[-1] > 3000, "it was seen to fall: %s" % seen)

    moves = recorder.expect_states(client, a, b, OPENED + [
        "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"])
    lasted = (moves[-1].time - moves[-2].time) * 1000
    t.check(4999 <= lasted <= 5500, "TIME_WAIT lasts 5000 ms, not %d" % lasted)


@test("a port is taken while a connection of it is in TIME_WAIT")
def port_in_use(t):
    client, server = t.hosts()
    sock, accepted, a, b, listener = connect(t, client, server)
    # It is the server that closes first, so the port is the listener's.
    accepted.close()
    t.wait_for_row(server, remote=a, state="FIN_WAIT_2")
    sock.close()
    server.set("net.edutcp.time_wait_ms", 20000)    # for those that follow
    t.wait_for_row(server, remote=a, state="TIME_WAIT")
    listener.close()

    late = server.edutcp()
    t.refuses(errno.EADDRINUSE, late.bind, ("0.0.0.0", PORT))
    t.refuses(errno.EADDRINUSE, late.bind, (server.address, PORT))
    t.refuses(errno.EADDRINUSE, server.stock().bind, ("0.0.0.0", PORT))
    again = server.edutcp()
    again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    again.bind(("0.0.0.0", PORT))
    again.listen()
    # It works, for all that.
    client.edutcp().connect((server.address, PORT))
    again.accept()[0].close()
    t.equal([r["state"] for r in server.rows(remote=a)], ["TIME_WAIT"],
            "state of the old connection")


@test("after TIME_WAIT the port is free, without SO_REUSEADDR")
def port_free(t):
    client, server = t.hosts()
    server.set("net.edutcp.time_wait_ms", 3000)
    recorder = t.record(client, server)
    sock, accepted, a, b, listener = connect(t, client, server)
    accepted.close()
    t.wait_for_row(server, remote=a, state="FIN_WAIT_2")
    sock.close()
    listener.close()
    t.wait_for_row(server, remote=a, state="TIME_WAIT")
    late = server.edutcp()
    t.refuses(errno.EADDRINUSE, late.bind, ("0.0.0.0", PORT))
    recorder.expect_states(server, b, a, ACCEPTED + [
        "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"])
    late.bind(("0.0.0.0", PORT))
    late.listen()
    client.edutcp().connect((server.address, PORT))
    # Nor does the stock stack find anything of it when it is closed.
    late.accept()[0].close()
    late.close()


@test("the last ACKs are lost: TIME_WAIT answers each FIN and begins again")
def lost_ack(t):
    for stock in False, True:
        client, server = t.hosts()
        client.set("net.edutcp.time_wait_ms", 3000)
        recorder = t.record(client, server)
        c = connect(t, client, server, stock_server=stock)
        c.client.close()
        t.wait_for_row(client, local=c.a, state="FIN_WAIT_2")
        server.drop(MATCH_BARE_ACK, first=4)
        c.server.close()
        t.wait_for_row(client, local=c.a, state="TIME_WAIT")
        t.equal(state_of(server, stock, c.b, c.a), "LAST_ACK",
                "state of the server, which has no ACK")
        moves = recorder.expect_states(client, c.a, c.b, OPENED + [
            "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"])
        fins = recorder.sent(source=c.b, kind="FIN,ACK")
        t.equal(len(fins), 5, "FINs of the server")
        t.equal(len({s.seq for s in fins}), 1, "their sequence numbers")
        acks = [s for s in recorder.sent(source=c.a, kind="ACK")
                if s.time > fins[0].time]
        t.equal([(s.seq, s.ack) for s in acks],
                [(fins[0].ack, (fins[0].seq + 1) % 2**32)] * 5,
                "SEQ and ACK of the answers")
        t.equal(state_of(server, stock, c.b, c.a), None,
                "state of the server, which has one at last")
        # 2 MSL count from the last FIN, not from the first.
        t.check(fins[-1].time - fins[0].time > 1, "the FINs are far apart")
        lasted = (moves[-1].time - fins[-1].time) * 1000
        t.check(2999 <= lasted <= 3500,
                "TIME_WAIT lasts 3000 ms from the last FIN, not %d" % lasted)


def half_close(t, near, far):
    """One side closes its direction; the other still sends, then closes. A
    side is (host, whether its stack is the stock stack, endpoint, socket)."""
    host, stock, mine, first = near
    other, other_stock, theirs, second = far
    first.shutdown(socket.SHUT_WR)
    t.equal(second.recv(1), b"", "what is read after the FIN")
    wait_for_state(t, host, stock, mine, theirs, "FIN_WAIT_2")
    wait_for_state(t, other, other_stock, theirs, mine, "CLOSE_WAIT")
    t.refuses(errno.EPIPE, first.send, b"x")

    data = os.urandom(300000)
    sender = t.background(second.sendall, data)
    t.equal(receive(first, len(data)), data, "what arrives after the FIN")
    sender.result()
    t.equal(state_of(host, stock, mine, theirs), "FIN_WAIT_2",
            "state of the one who has closed")
    t.equal(state_of(other, other_stock, theirs, mine), "CLOSE_WAIT",
            "state of the other")
    second.close()
    t.equal(first.recv(1), b"", "what is read in the end")
    wait_for_state(t, host, stock, mine, theirs, "TIME_WAIT")
    wait_for_state(t, other, other_stock, theirs, mine, None)


@test("half-close: the other direction stays open, whoever closes first, and "
      "whoever the peer is")
def half_closed(t):
    closer = ["FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]
    follower = ["CLOSE_WAIT", "LAST_ACK", "CLOSED"]
    for stocks in (False, False), (False, True), (True, False):
        for server_first in False, True:
            client, server = t.hosts()
            recorder = t.record(client, server, ends_only=True)
            c = connect(t, client, server, stock_client=stocks[0],
                        stock_server=stocks[1])
            sides = [(client, stocks[0], c.a, c.client),
                     (server, stocks[1], c.b, c.server)]
            ways = [closer, follower]
            if server_first:
                half_close(t, *reversed(sides))
                ways.reverse()
            else:
                half_close(t, *sides)
            if not stocks[0]:
                recorder.expect_states(client, c.a, c.b, OPENED + ways[0])
            if not stocks[1]:
                recorder.expect_states(server, c.b, c.a, ACCEPTED + ways[1])


@test("FIN_WAIT_2 does not wait for ever when nobody is there to read")
def fin_wait_2(t):
    client, server = t.hosts()
    client.set("net.edutcp.fin_wait_2_ms", 3000)
    recorder = t.record(client, server)
    sock, _, a, b, _ = connect(t, client, server)
    sock.close()
    row = t.wait_for_row(client, local=a, state="FIN_WAIT_2")
    t.equal(row["timer"], "fin_wait_2", "timer")
    moves = recorder.expect_states(client, a, b, OPENED + [
        "FIN_WAIT_1", "FIN_WAIT_2", "CLOSED"])
    lasted = (moves[-1].time - moves[-2].time) * 1000
    t.check(2999 <= lasted <= 3500, "it lasts 3000 ms, not %d" % lasted)


run()
