#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""buffers.py - full buffers and shut windows"""

import errno
import os
import select
import socket

from libpeers import (ACK, PSH, PORT, connect, forge, new_socket, receive,
                      state_of)
from libscenario import run, test


def small_window(t, client, server, stock_client=False, size=8192):
    """A connection whose server has a small receive buffer."""
    listener = server.listen(PORT)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    sock = new_socket(client, stock_client)
    sock.connect((server.address, PORT))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    return sock, accepted, peer, (server.address, PORT)


@test("what fills a hole finds room in a buffer full of what lies behind it")
def hole_is_filled(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    sock, accepted, a, b = small_window(t, client, server, True)
    row = server.rows(remote=a)[0]
    # Single octets far apart: each takes the memory of a whole skb. As the
    # client has not sent them, it will know nothing of their acknowledgment.
    place = 1000
    while not server.stats()["DropReceiveBufferFull"]:
        t.check(place < 4000, "the buffer is full before the window is")
        forge(client, a, b, ACK | PSH, seq=row["rcv_nxt"] + place,
              ack=row["snd_nxt"], text=b"x")
        place += 50
    held = [s for s in recorder.sent(source=b) if "sack" in s.options]
    t.check(held, "the server has told of what it holds")
    sock.sendall(b"hello")
    t.equal(receive(accepted, 5), b"hello", "what is read")
    t.equal(len(recorder.sent(source=a, text=True)) - (place - 1000) // 50, 1,
            "segments that the client has sent: it came through at once")


@test("with the buffer full of what was not read, nothing gets lost")
def full(t):
    for stock in False, True:
        client, server = t.hosts()
        sock, accepted, a, b = small_window(t, client, server, stock)
        data = os.urandom(100000)
        sender = t.background(sock.sendall, data)
        t.wait_for(lambda: server.rows(remote=a)[0]["recv_queue"] > 4000,
                   "a full buffer")
        t.equal(receive(accepted, len(data)), data, "what is read")
        sender.result()


@test("an orphan does not probe a shut window for ever, though it is answered")
def orphan(t):
    for stock in False, True:
        client, server = t.hosts()
        client.set("net.edutcp.orphan_retries", 3)
        client.set("net.edutcp.rto_max_ms", 500)
        recorder = t.record(client, server)
        listener = server.listen(PORT, stock=stock)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sock = client.edutcp()
        sock.connect((server.address, PORT))
        accepted, a = listener.accept()
        sock.sendall(b"x" * 100000)
        t.wait_for_row(client, local=a, timer="persist")
        sock.close()
        # Its probes are answered; nobody would ever know that it waits.
        t.wait_for(lambda: state_of(client, False, a,
                                    (server.address, PORT)) is None,
                   "the end of the orphan", 60)
        moves = recorder.moves(client, a)
        t.equal((moves[-1].old, moves[-1].new), ("FIN_WAIT_1", "CLOSED"),
                "how it ends")
        probes = [s for s in recorder.sent(source=a)
                  if s.time > moves[-2].time and "RST" not in s.flags]
        t.check(3 <= len(probes) <= 4, "three or four probes, not %d" %
                len(probes))
        t.check([s for s in recorder.sent(destination=a, kind="ACK")
                 if s.time > probes[0].time], "they were answered")
        accepted.close()


@test("as long as somebody waits, a shut window is probed on and on")
def patience(t):
    client, server = t.hosts()
    client.set("net.edutcp.data_retries", 2)
    client.set("net.edutcp.rto_max_ms", 300)
    recorder = t.record(client, server)
    sock, accepted, a, _ = small_window(t, client, server)
    sender = t.background(sock.sendall, b"x" * 100000)
    t.wait_for_row(client, local=a, timer="persist")
    probes = t.wait_for_sent(recorder, "ten probes of one octet", count=10,
                             source=a, text=True)
    begun = len(probes)
    t.wait_for(lambda: len(recorder.sent(source=a, text=True)) >= begun + 10,
               "ten more")
    t.equal(client.rows(local=a)[0]["state"], "ESTABLISHED", "state")
    t.equal(len(receive(accepted, 100000)), 100000, "octets read")
    sender.result()


@test("SO_SNDBUF and poll(): writable when a third is free, and all arrives")
def writable(t):
    client, server = t.hosts()
    c = connect(t, client, server)
    c.client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20000)
    c.client.setblocking(False)
    sent = 0
    while True:
        try:
            sent += c.client.send(b"x" * 4096)
        except BlockingIOError:
            row = client.rows(local=c.a)[0]
            if row["timer"] == "persist":
                break
            select.select([], [c.client], [], 0.1)
    t.refuses(errno.EAGAIN, c.client.send, b"x")
    got = 0
    while got < sent:
        got += len(c.server.recv(1 << 20))
    t.equal(select.select([], [c.client], [], 10)[1], [c.client], "writable")
    t.equal(got, sent, "octets")


run()
