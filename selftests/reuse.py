#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""reuse.py - a new SYN for a connection in TIME_WAIT (MUST-13, RFC 6191)"""

import socket

from libpeers import PORT, connect, receive, state_of
from libscenario import run, test

OPENED_BY_PEER = ["LISTEN", "SYN_RCVD", "ESTABLISHED"]
ENDED = ["FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]


def to_time_wait(t, client, server, stock_client):
    """A connection that the server has closed first."""
    c = connect(t, client, server, stock_client=stock_client)
    c.server.close()
    t.equal(c.client.recv(1), b"", "what the client reads")
    c.client.close()
    t.wait_for_row(server, remote=c.a, state="TIME_WAIT")
    return c


def again(client, c, stock_client):
    """A socket with the same local endpoint, not yet connected."""
    sock = client.stock() if stock_client else client.edutcp()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(c.a)
    return sock


def check_reopened(t, server, recorder, c, sock):
    accepted, peer = c.listener.accept()
    t.defer(accepted.close)
    t.equal(peer, c.a, "who connects")
    for sender, receiver in (sock, accepted), (accepted, sock):
        sender.sendall(b"hello")
        t.equal(receive(receiver, 5), b"hello", "what is read")
    moves = recorder.moves(server, c.b, c.a)
    t.equal([moves[0].old] + [m.new for m in moves],
            OPENED_BY_PEER + ENDED + ["CLOSED"] + OPENED_BY_PEER[1:],
            "the old connection's way, and the new one's")
    t.check("new SYN" in moves[5].cause, "why the old one has ended: " +
            moves[5].cause)
    old, new = recorder.sent(source=c.b, kind="SYN,ACK")[:2]
    t.check(0 < (new.seq - old.seq) % 2**32 < 2**31,
            "the server's new ISS is beyond the old one")
    t.equal(len(server.rows(remote=c.a)), 1, "rows for this pair of sockets")


@test("the stock stack connects anew from the same port at once")
def stock(t):
    for timestamps in 1, 0:
        client, server = t.hosts()
        client.set("net.ipv4.tcp_timestamps", timestamps)
        recorder = t.record(client, server)
        c = to_time_wait(t, client, server, True)
        sock = again(client, c, True)
        sock.connect(c.b)
        check_reopened(t, server, recorder, c, sock)


@test("a SYN with a newer timestamp is new, even with an old number")
def by_timestamp(t):
    client, server = t.hosts()
    # Always the same number: by it the SYN is a duplicate of the first.
    client.set("net.edutcp.debug_iss", 1000000)
    recorder = t.record(client, server)
    c = to_time_wait(t, client, server, False)
    sock = again(client, c, False)
    sock.connect(c.b)
    check_reopened(t, server, recorder, c, sock)


@test("without timestamps the number decides: an old one is no new SYN")
def by_number(t):
    client, server = t.hosts()
    client.set("net.edutcp.debug_iss", 1000000)
    client.set("net.edutcp.timestamps", 0)
    client.set("net.edutcp.rto_initial_ms", 500)
    server.set("net.edutcp.time_wait_ms", 3000)
    recorder = t.record(client, server)
    c = to_time_wait(t, client, server, False)
    sock = again(client, c, False)
    connecting = t.background(sock.connect, c.b)
    t.wait_for_sent(recorder, "the second SYN of the new connection", count=3,
                    source=c.a, kind="SYN")
    t.equal(state_of(server, False, c.b, c.a), "TIME_WAIT",
            "state of the old connection")
    # The RST that answers its ACK does not end it either (RFC 1337); time
    # does, and then the SYN is welcome.
    connecting.result()
    moves = recorder.moves(server, c.b, c.a)
    end = [m for m in moves if m.old == "TIME_WAIT"][0]
    t.check("2 MSL" in end.cause, "why the old one has ended: " + end.cause)
    t.check(server.stats()["DropRstTimeWait"] > 0, "a RST was ignored")


@test("protect_time_wait=0: a RST ends TIME_WAIT")
def unprotected(t):
    client, server = t.hosts()
    server.set("net.edutcp.protect_time_wait", 0)
    client.set("net.edutcp.debug_iss", 1000000)
    client.set("net.edutcp.timestamps", 0)
    recorder = t.record(client, server)
    c = to_time_wait(t, client, server, False)
    # The SYN is old; its answer brings forth a RST.
    again(client, c, False).connect(c.b)
    ends = [m for m in recorder.moves(server, c.b, c.a)
            if m.old == "TIME_WAIT"]
    t.check("RST" in ends[0].cause, "why the old one has ended: " +
            ends[0].cause)


@test("edutcp in TIME_WAIT as the client; the stock server connects back")
def other_way(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    c = connect(t, client, server, stock_server=True)
    c.client.close()
    t.equal(c.server.recv(1), b"", "what the server reads")
    c.server.close()
    c.listener.close()
    t.wait_for_row(client, local=c.a, state="TIME_WAIT")
    # The same pair of sockets, with the parts exchanged.
    listener = client.edutcp()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(c.a)
    listener.listen()
    sock = server.stock()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", PORT))
    sock.connect(c.a)
    accepted, _ = listener.accept()
    sock.sendall(b"hello")
    t.equal(receive(accepted, 5), b"hello", "what is read")
    accepted.close()
    t.equal(recorder.path(client, c.a, c.b)[5:9],
            ["TIME_WAIT", "CLOSED", "SYN_RCVD", "ESTABLISHED"],
            "the way from one connection to the next")


run()
