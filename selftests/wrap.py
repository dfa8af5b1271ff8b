#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""wrap.py - sequence numbers go round through 0 (RFC 9293, 3.4)

net.edutcp.debug_iss pins the initial sequence number, here a little before
2^32. All of edutcp's comparisons must not notice.
"""

import errno
import os
import socket

from libpeers import MATCH_TEXT, connect, receive
from libscenario import run, test

SIZE = 1000000
TOP = 2**32


def both_ways(t, c, size):
    """Much text in both directions at once; then both close."""
    data = os.urandom(size), os.urandom(size)
    tasks = [t.background(c.client.sendall, data[0]),
             t.background(c.server.sendall, data[1]),
             t.background(receive, c.client, size)]
    t.equal(receive(c.server, size), data[0], "what the server has read")
    for task in tasks[:2]:
        task.result()
    t.equal(tasks[2].result(), data[1], "what the client has read")
    c.client.shutdown(socket.SHUT_WR)
    t.equal(c.server.recv(1), b"", "what the server reads in the end")
    c.server.shutdown(socket.SHUT_WR)
    t.equal(c.client.recv(1), b"", "what the client reads in the end")


def wrapped(t, recorder, end):
    """One end's text has gone through 0."""
    segments = recorder.sent(source=end, text=True)
    high = [s for s in segments if s.seq > TOP // 2]
    low = [s for s in segments if s.seq < TOP // 2]
    t.check(high and low, "text has been sent before 0 and after it")
    t.check(max(s.time for s in low) > min(s.time for s in high),
            "first before, then after")


def pairs():
    """Who is whose peer: edutcp both times, then once as client, once as
    server."""
    yield {}
    yield {"stock_server": True}
    yield {"stock_client": True}


@test("text in both directions goes through 0, whoever the peer is")
def through(t):
    for stocks in pairs():
        client, server = t.hosts()
        for host in client, server:
            host.set("net.edutcp.debug_iss", TOP - SIZE // 2)
        recorder = t.record(client, server)
        c = connect(t, client, server, **stocks)
        both_ways(t, c, SIZE)
        if "stock_client" not in stocks:
            wrapped(t, recorder, c.a)
        if "stock_server" not in stocks:
            wrapped(t, recorder, c.b)


@test("what is lost around 0 comes again, with SACK and without")
def with_loss(t):
    size = 100000
    for sack in 1, 0:
        client, server = t.hosts(offload=False)
        for host in client, server:
            host.set("net.edutcp.sack", sack)
            host.drop(MATCH_TEXT + " numgen inc mod 20 == 7")
        recorder = t.record(client, server)
        # Each time another segment is the one that has 0 in it.
        for port, before in enumerate(range(10000, 90000, 10000), 81):
            for host in client, server:
                host.set("net.edutcp.debug_iss", TOP - before)
            c = connect(t, client, server, port=port)
            both_ways(t, c, size)
            wrapped(t, recorder, c.a)
            wrapped(t, recorder, c.b)
        for host in client, server:
            t.check(host.stats()["RetransSegs"] > 0, "segments were lost")


@test("SYN, text and FIN on each side of 0 and on it")
def at_the_edge(t):
    length = 10
    for stocks in pairs():
        client, server = t.hosts()
        recorder = t.record(client, server)
        # The SYN bears the last number, the first octet, the last, the FIN.
        for port, iss in enumerate((TOP - 1, TOP - 2, TOP - 1 - length,
                                    TOP - 2 - length, TOP - 3 - length), 81):
            for host in client, server:
                host.set("net.edutcp.debug_iss", iss)
            c = connect(t, client, server, port=port, **stocks)
            for sender, receiver in ((c.client, c.server),
                                     (c.server, c.client)):
                text = os.urandom(length)
                sender.sendall(text)
                t.equal(receive(receiver, length), text, "what is read")
                sender.shutdown(socket.SHUT_WR)
                t.equal(receiver.recv(1), b"", "what is read then")
            for end, mine in ((c.a, "stock_client" not in stocks),
                              (c.b, "stock_server" not in stocks)):
                sent = [s for s in recorder.sent(source=end) if
                        c.a in (s.source, s.destination)]
                if mine:
                    t.equal(sent[0].seq, iss, "SEQ of the SYN")
                t.equal([(s.seq - sent[0].seq) % TOP for s in sent
                         if "FIN" in s.flags], [1 + length],
                        "SEQ of the FIN, from that of the SYN")


@test("debug_iss is for namespaces of tests alone, and says so loudly")
def loudly(t):
    path = "/proc/sys/net/edutcp/debug_iss"
    t.refuses(errno.EACCES, open, path, "w")
    with open(path) as file:
        t.equal(file.read().strip(), "0", "debug_iss of the whole machine")

    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    t.defer(os.close, log)
    os.lseek(log, 0, os.SEEK_END)

    def messages():
        lines = []
        while True:
            try:
                lines.append(os.read(log, 8192).decode())
            except BlockingIOError:
                return [line for line in lines if "sequence number" in line]
    client, server = t.hosts()
    messages()

    def warned():
        client.set("net.edutcp.debug_iss", 4711)
        return messages()
    # Again and again: the rate of warnings is limited, and the test before
    # this one may have used them up.
    said = t.wait_for(warned, "the warning")
    t.equal(len(said), 1, "messages about it")
    t.check("4711" in said[0] and int(said[0].split(",")[0]) & 7 <= 4,
            "it names the number, as a warning: " + said[0])
    recorder = t.record(client, server)
    connect(t, client, server)
    t.equal(recorder.sent(kind="SYN")[0].seq, 4711, "SEQ of the SYN")
    t.check(recorder.sent(kind="SYN,ACK")[0].seq != 4711,
            "another namespace does not know of it")
    client.set("net.edutcp.debug_iss", 0)
    t.equal(messages(), [], "messages when it is switched off")


run()
