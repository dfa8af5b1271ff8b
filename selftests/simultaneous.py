#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""simultaneous.py - both open at once; both close at once

RFC 9293, figures 7 and 12, between two hosts with edutcp and between edutcp
and the stock stack. The cable is slow, so what both send at the same moment
crosses.
"""

import errno
import os
import socket

from libpeers import (MATCH_SYN_ACK, connect, new_socket, receive, state_of,
                      wait_for_state)
from libscenario import run, test

OPEN_AT_ONCE = ["CLOSED", "SYN_SENT", "SYN_RCVD", "ESTABLISHED"]
CLOSE_AT_ONCE = ["FIN_WAIT_1", "CLOSING", "TIME_WAIT"]
DELAY_MS = 300
LIMIT = 2000    # virtual seconds: time leaps ahead while a program is loaded


def slow(*hosts):
    for host in hosts:
        host.cable("delay", "%dms" % DELAY_MS)


def cross(t, client, server, stock=False, stock_first=False):
    """Both ends of a connection, each of which connects to the other. The
    second end is the stock stack's if wanted, and may begin."""
    slow(client, server)
    a, b = (client.address, 1001), (server.address, 1002)
    near, far = new_socket(client, False), new_socket(server, stock)
    calls = [(near, a, b), (far, b, a)]
    for sock, mine, _ in calls:
        sock.setblocking(False)
        sock.bind(mine)
    for sock, _, theirs in reversed(calls) if stock_first else calls:
        t.refuses(errno.EINPROGRESS, sock.connect, theirs)
    return near, far, a, b


def wait_for_both(t, client, server, stock, a, b, wanted):
    wait_for_state(t, client, False, a, b, wanted)
    wait_for_state(t, server, stock, b, a, wanted)


def exchange(t, near, far):
    """Some text in each direction."""
    for sender, receiver in (near, far), (far, near):
        sender.setblocking(True)
        receiver.setblocking(True)
        data = os.urandom(5000)
        sender.sendall(data)
        t.equal(receive(receiver, len(data)), data, "what is read")


def check_opening(t, recorder, a, b):
    """Two SYNs, each answered by a SYN,ACK, and no RST."""
    for mine, theirs in (a, b), (b, a):
        kinds = [s.kind() for s in recorder.sent(mine, theirs)]
        t.equal(kinds[:2], ["SYN", "SYN,ACK"], "the first segments of one")
        t.equal(sum("SYN" in kind for kind in kinds), 2, "its SYNs")
        syn, syn_ack = recorder.sent(mine, theirs)[:2]
        t.equal(syn_ack.seq, syn.seq, "SEQ of the SYN,ACK")
        t.equal(syn_ack.ack,
                (recorder.sent(theirs, mine)[0].seq + 1) % 2**32,
                "what the SYN,ACK acknowledges")
        t.equal(syn_ack.layout, syn.layout, "options of the SYN,ACK")
    t.check(not [s for s in recorder.sent() if "RST" in s.flags], "no RST")


@test("both open at once: SYN_RCVD on both sides, and one connection", LIMIT)
def open_at_once(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    near, far, a, b = cross(t, client, server)
    for host, mine, theirs in (client, a, b), (server, b, a):
        row = t.wait_for_row(host, local=mine, remote=theirs,
                             state="SYN_RCVD")
        t.equal((row["opened"], row["timer"]), ("active", "retransmit"),
                "columns opened and timer in SYN_RCVD")
    wait_for_both(t, client, server, False, a, b, "ESTABLISHED")
    t.equal((len(client.rows()), len(server.rows())), (1, 1), "rows")
    check_opening(t, recorder, a, b)
    exchange(t, near, far)
    recorder.expect_states(client, a, b, OPEN_AT_ONCE)
    recorder.expect_states(server, b, a, OPEN_AT_ONCE)
    t.equal((client.stats()["ActiveOpens"], client.stats()["PassiveOpens"]),
            (1, 0), "ActiveOpens and PassiveOpens")


@test("both open at once, one of them the stock stack, whoever begins", LIMIT)
def open_with_stock(t):
    for stock_first in False, True:
        client, server = t.hosts(offload=False)
        recorder = t.record(client, server)
        near, far, a, b = cross(t, client, server, True, stock_first)
        wait_for_both(t, client, server, True, a, b, "SYN_RCVD")
        wait_for_both(t, client, server, True, a, b, "ESTABLISHED")
        check_opening(t, recorder, a, b)
        exchange(t, near, far)
        recorder.expect_states(client, a, b, OPEN_AT_ONCE)


@test("both open at once, and a SYN,ACK is lost: it comes again", LIMIT)
def open_with_loss(t):
    for stock in False, True:
        for loser in 0, 1:
            hosts = client, server = t.hosts()
            hosts[loser].drop(MATCH_SYN_ACK, first=1)
            recorder = t.record(client, server)
            near, far, a, b = cross(t, client, server, stock)
            wait_for_both(t, client, server, stock, a, b, "ESTABLISHED")
            exchange(t, near, far)
            recorder.expect_states(client, a, b, OPEN_AT_ONCE)


@test("both open at once, and one closes before it is ESTABLISHED", LIMIT)
def close_in_syn_rcvd(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    near, far, a, b = cross(t, client, server)
    t.wait_for_row(client, local=a, state="SYN_RCVD")
    near.close()
    wait_for_state(t, server, False, b, a, "CLOSE_WAIT")
    far.setblocking(True)
    t.equal(far.recv(1), b"", "what the other reads")
    far.close()
    recorder.expect_states(client, a, b, [
        "CLOSED", "SYN_SENT", "SYN_RCVD", "FIN_WAIT_1", "FIN_WAIT_2",
        "TIME_WAIT"])
    recorder.expect_states(server, b, a, OPEN_AT_ONCE + [
        "CLOSE_WAIT", "LAST_ACK", "CLOSED"])


def shut_down(near, far):
    near.shutdown(socket.SHUT_WR)
    far.shutdown(socket.SHUT_WR)


@test("both close at once: CLOSING, then TIME_WAIT on both sides", LIMIT)
def close_at_once(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    slow(client, server)
    c = connect(t, client, server)
    # The second closes while the first one's FIN is still on its way.
    shut_down(c.client, c.server)
    for host, mine, theirs in (client, c.a, c.b), (server, c.b, c.a):
        row = t.wait_for_row(host, local=mine, remote=theirs, state="CLOSING")
        t.equal((row["timer"], row["send_queue"]), ("retransmit", 1),
                "columns timer and send_queue in CLOSING")
    recorder.expect_states(client, c.a, c.b, [
        "CLOSED", "SYN_SENT", "ESTABLISHED"] + CLOSE_AT_ONCE)
    recorder.expect_states(server, c.b, c.a, [
        "LISTEN", "SYN_RCVD", "ESTABLISHED"] + CLOSE_AT_ONCE)
    t.equal([client.rows(local=c.a)[0]["state"],
             server.rows(remote=c.a)[0]["state"]], ["TIME_WAIT"] * 2,
            "states")
    for sock in c.client, c.server:
        t.equal(sock.recv(1), b"", "what is read in the end")


@test("both close at once, one of them the stock stack, as client and server", LIMIT)
def close_with_stock(t):
    for stock_client in False, True:
        client, server = t.hosts()
        recorder = t.record(client, server)
        slow(client, server)
        c = connect(t, client, server, stock_client=stock_client,
                    stock_server=not stock_client)
        shut_down(c.client, c.server)
        for wanted in "CLOSING", "TIME_WAIT":
            wait_for_state(t, client, stock_client, c.a, c.b, wanted)
            wait_for_state(t, server, not stock_client, c.b, c.a, wanted)
        host, mine, theirs = ((server, c.b, c.a) if stock_client else
                              (client, c.a, c.b))
        t.equal(recorder.path(host, mine, theirs)[-3:], CLOSE_AT_ONCE,
                "how edutcp's side has ended")
        fins = [s for s in recorder.sent() if "FIN" in s.flags]
        t.equal(sorted(s.source for s in fins), sorted([c.a, c.b]),
                "who has sent a FIN: both, once")


@test("both close at once behind text that is under way: all of it arrives", LIMIT)
def close_behind_text(t):
    for stock in False, True:
        client, server = t.hosts()
        recorder = t.record(client, server)
        slow(client, server)
        c = connect(t, client, server, stock_server=stock)
        data = {}
        for sock in c.client, c.server:
            data[sock] = os.urandom(10000)
            sock.sendall(data[sock])
            sock.shutdown(socket.SHUT_WR)
        for sock, other in (c.client, c.server), (c.server, c.client):
            t.equal(receive(sock, 10001), data[other], "what is read")
        recorder.expect_states(client, c.a, c.b, [
            "CLOSED", "SYN_SENT", "ESTABLISHED"] + CLOSE_AT_ONCE)
        wait_for_state(t, server, stock, c.b, c.a, "TIME_WAIT")


@test("a connection that both open at once and both close at once", LIMIT)
def open_and_close(t):
    client, server = t.hosts()
    for host in client, server:
        host.set("net.edutcp.time_wait_ms", 2000)
    recorder = t.record(client, server)
    near, far, a, b = cross(t, client, server)
    wait_for_both(t, client, server, False, a, b, "ESTABLISHED")
    shut_down(near, far)
    whole = OPEN_AT_ONCE + CLOSE_AT_ONCE + ["CLOSED"]
    recorder.expect_states(client, a, b, whole)
    recorder.expect_states(server, b, a, whole)
    t.equal((state_of(client, False, a, b), state_of(server, False, b, a)),
            (None, None), "states in the end")


run()
