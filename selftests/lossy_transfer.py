#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""lossy_transfer.py - 10 MB arrive whole over a bad cable, and in time

Each end of the cable loses 5 % of the segments, doubles 1 %, and delays the
others by 20 ms, but for 25 % that overtake the rest. So the round trip takes
40 ms, and there is hardly one without a loss.

In virtual time a transfer takes some 35 to 55 s, with either end edutcp's or the
stock stack's. All transfers run at the same time; the cable's bandwidth has no
bound, so they are not in each other's way.
"""

import hashlib
import os
import socket
import time

from libhost import SLOW
from libscenario import run, test

SIZE = 10 * 1000 * 1000 // SLOW
BAD_CABLE = "delay 20ms loss 5% duplicate 1% reorder 25% 50%".split()
BOUND = 200     # seconds


def spoil(host):
    """Make this end of the cable a bad one."""
    # Loss is to be loss of single segments: nothing may handle a hundred of
    # them as one.
    host.without_offload()
    host.cable(*BAD_CABLE)


class Transfer:
    """10 MB from one socket to another."""

    def __init__(self, t, name, sender, receiver):
        self.t = t
        self.name = name
        self.data = os.urandom(SIZE)
        self.digest = hashlib.sha256()
        self.task = t.background(self.receive, receiver)
        t.background(self.send, sender)

    def send(self, sock):
        sock.sendall(self.data)
        sock.shutdown(socket.SHUT_WR)

    def receive(self, sock):
        begun = time.monotonic()
        octets = 0
        while text := sock.recv(1 << 18):
            self.digest.update(text)
            octets += len(text)
        return octets, time.monotonic() - begun

    def check(self):
        octets, seconds = self.task.result(BOUND)
        self.t.equal(octets, SIZE, "octets received, " + self.name)
        self.t.equal(self.digest.hexdigest(),
                     hashlib.sha256(self.data).hexdigest(),
                     "SHA-256, " + self.name)
        print("# %s: %.0f s" % (self.name, seconds))
        self.t.check(seconds < BOUND, "%s takes less than %d s" %
                     (self.name, BOUND))


def connect(t, client, server, port, client_is_stock=False,
            server_is_stock=False, address=None):
    """Both sockets of a connection."""
    listener = server.listen(port, stock=server_is_stock)
    sock = client.stock() if client_is_stock else client.edutcp()
    sock.connect((address or server.address, port))
    accepted, _ = listener.accept()
    t.defer(accepted.close)
    return sock, accepted


@test("10 MB arrive in each direction in spite of loss, doubles and disorder",
      3 * BOUND)
def transfers(t):
    client, server = t.hosts()
    alone, _ = t.hosts()        # a host that talks to itself
    for host in client, server:
        spoil(host)
    alone.device = "lo"
    alone.run("ip", "link", "set", "dev", "lo", "mtu", "1500")
    spoil(alone)
    pending = []

    sock, peer = connect(t, client, server, 8001, server_is_stock=True)
    pending.append(Transfer(t, "stock server to AF_EDUTCP client", peer, sock))

    sock, peer = connect(t, alone, alone, 8002, server_is_stock=True,
                         address="127.0.0.1")
    pending.append(Transfer(t, "the same over loopback", peer, sock))

    sock, peer = connect(t, client, server, 8003, client_is_stock=True)
    pending.append(Transfer(t, "AF_EDUTCP server to stock client", peer, sock))

    sock, peer = connect(t, client, server, 8004)
    pending.append(Transfer(t, "AF_EDUTCP to itself, server to client", peer,
                            sock))
    pending.append(Transfer(t, "AF_EDUTCP to itself, client to server", sock,
                            peer))
    for transfer in pending:
        transfer.check()

    # It was a bad cable indeed: of 7000 segments some 350 were lost.
    for host in client, server:
        t.check(host.stats()["RetransSegs"] > 200 // SLOW,
                "edutcp on the %s has sent some segments again" % host.name)
        t.check(host.stats()["InSegs"] > 3000 // SLOW,
                "edutcp on the %s has carried the data" % host.name)


run()
