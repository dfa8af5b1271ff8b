#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""timewait.py - how connections end: TIME_WAIT, and its way there"""

import errno
import os
import socket

from libscenario import run, test

PORT = 80
OPENED = ["CLOSED", "SYN_SENT", "ESTABLISHED"]
ACCEPTED = ["LISTEN", "SYN_RCVD", "ESTABLISHED"]


def connect(t, client, server):
    """Two sockets, their endpoints, and the listener."""
    listener = server.listen(PORT)
    sock = client.edutcp()
    sock.connect((server.address, PORT))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    return sock, accepted, peer, (server.address, PORT), listener


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


def half_close(t, first, second, first_host, second_host, ends):
    """One side closes its direction; the other still sends, then closes."""
    mine, theirs = ends
    first.shutdown(socket.SHUT_WR)
    t.equal(second.recv(1), b"", "what is read after the FIN")
    t.wait_for_row(first_host, local=mine, state="FIN_WAIT_2")
    t.wait_for_row(second_host, local=theirs, remote=mine, state="CLOSE_WAIT")
    t.refuses(errno.EPIPE, first.send, b"x")

    data = os.urandom(300000)
    sender = t.background(second.sendall, data)
    received = b""
    while len(received) < len(data):
        text = first.recv(65536)
        t.check(text, "the closed direction is not that of the text")
        received += text
    t.equal(received, data, "what arrives after the FIN")
    sender.result()
    t.equal(first_host.rows(local=mine)[0]["state"], "FIN_WAIT_2",
            "state of the one who has closed")
    t.equal(second_host.rows(local=theirs, remote=mine)[0]["state"],
            "CLOSE_WAIT", "state of the other")
    second.close()
    t.equal(first.recv(1), b"", "what is read in the end")
    t.wait_for_row(first_host, local=mine, state="TIME_WAIT")


@test("half-close: the other direction stays open, whoever closes first")
def half_closed(t):
    client, server = t.hosts()
    recorder = t.record(client, server, ends_only=True)
    closer = ["FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]
    follower = ["CLOSE_WAIT", "LAST_ACK", "CLOSED"]

    sock, accepted, a, b, listener = connect(t, client, server)
    half_close(t, sock, accepted, client, server, (a, b))
    recorder.expect_states(client, a, b, OPENED + closer)
    recorder.expect_states(server, b, a, ACCEPTED + follower)

    sock = client.edutcp()
    sock.connect((server.address, PORT))
    accepted, a = listener.accept()
    half_close(t, accepted, sock, server, client, (b, a))
    recorder.expect_states(client, a, b, OPENED + follower)
    recorder.expect_states(server, b, a, ACCEPTED + closer)


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
