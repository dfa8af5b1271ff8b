#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""http_transfer.py - programs fetch 10 MB by HTTP over edutcp

Programs of every day, unchanged: curl, and Python's http.server. One end or
both speak edutcp, by way of the preload library or a socket of AF_EDUTCP. Each
test also looks whether it was edutcp, and at the other end the stock stack,
that has carried the file.
"""

import hashlib
import http.client
import os
import socket
import time

from libhost import Failure
from libscenario import run, scratch, test

SIZE = 10 * 1000 * 1000
PORT = 8000


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Site:
    """A folder with one random file, and a program that serves it."""

    def __init__(self, t, folder):
        self.t = t
        self.folder = folder
        self.path = folder + "/file"
        with open(self.path, "wb") as file:
            file.write(os.urandom(SIZE))
        self.digest = digest_of(self.path)

    def serve(self, host, over_edutcp):
        """Start "python3 -m http.server" on a host; return when it listens."""
        log = open(self.folder + "/server.log", "w+")
        self.t.defer(log.close)
        server = host.start("python3", "-m", "http.server", str(PORT),
                            "--bind", "0.0.0.0", "--directory", self.folder,
                            preload=over_edutcp, stdout=log, stderr=log)

        def listens():
            if server.poll() is not None:
                log.seek(0)
                raise Failure("the server has ended: " + log.read())
            # It listens in one of the two stacks, and not in the other.
            edutcp = bool(host.rows(local=("0.0.0.0", PORT), state="LISTEN"))
            stock = host.has_stock_row(PORT, "0A")
            if stock or edutcp:
                self.t.equal((edutcp, stock), (over_edutcp, not over_edutcp),
                             "listens with edutcp, with the stock stack")
            return stock or edutcp
        self.t.wait_for(listens, "http.server to listen", 60)

    def check(self, data_digest, what):
        self.t.equal(data_digest, self.digest, "SHA-256 of " + what)

    def curl(self, host, address, over_edutcp):
        """Fetch the file with curl."""
        copy = self.folder + "/copy"
        curl = host.start("curl", "-sS", "--max-time", "100", "-o", copy,
                          "http://%s:%d/file" % (address, PORT),
                          preload=over_edutcp)
        self.t.doing = "waiting for curl"
        self.t.equal(curl.wait(), 0, "exit status of curl")
        self.check(digest_of(copy), "curl's copy")

    def fetch(self, sock, address):
        """Fetch the file with Python's HTTP client over a socket."""
        connection = http.client.HTTPConnection(address, PORT)
        sock.connect((address, PORT))
        connection.sock = sock
        connection.request("GET", "/file")
        body = connection.getresponse().read()
        self.check(hashlib.sha256(body).hexdigest(), "http.client's copy")


class Carried:
    """What edutcp carries on a host between here and the end of "with"."""

    def __init__(self, t, host, mss):
        self.t = t
        self.host = host
        self.least = SIZE // mss

    def __enter__(self):
        self.before = self.host.stats()
        self.begun = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        seconds = time.monotonic() - self.begun
        after = self.host.stats()
        for counter in ("InSegs", "OutSegs"):
            self.growth(after, counter, self.least if self.bulk == counter
                        else 10)
        self.growth(after, "ActiveOpens" if self.active else "PassiveOpens", 1)
        print("# %.1f s, retransmitted %d" %
              (seconds, after["RetransSegs"] - self.before["RetransSegs"]))

    def growth(self, after, counter, least):
        grown = after[counter] - self.before[counter]
        self.t.check(grown >= least, "%s of the %s has grown by %d, "
                     "at least %d" % (counter, self.host.name, grown, least))

    bulk = "InSegs"     # where the file is counted
    active = True       # does edutcp open the connection?


class Served(Carried):
    bulk = "OutSegs"
    active = False


def no_stock_traffic(t, host):
    """The stock stack of a host has neither opened nor accepted anything."""
    names, values = [line.split()[1:] for line
                     in host.read("/proc/thread-self/net/snmp").splitlines()
                     if line.startswith("Tcp:")]
    counters = dict(zip(names, map(int, values)))
    for name in ("ActiveOpens", "PassiveOpens"):
        t.equal(counters[name], 0, "the stock stack's %s on the %s" %
                (name, host.name))


@test("AF_EDUTCP clients fetch 10 MB from a stock server across a cable")
def client_across_veth(t):
    client, server = t.hosts()
    t.record(client, server, ends_only=True)
    with scratch() as folder:
        site = Site(t, folder)
        site.serve(server, over_edutcp=False)
        with Carried(t, client, 1460):
            site.curl(client, server.address, over_edutcp=True)
        with Carried(t, client, 1460):
            site.fetch(client.edutcp(), server.address)
    no_stock_traffic(t, client)
    t.equal(server.rows(), [], "edutcp's connections on the stock server")


@test("AF_EDUTCP clients fetch 10 MB from a stock server over loopback")
def client_over_loopback(t):
    host, _ = t.hosts()
    t.record(host, ends_only=True)
    with scratch() as folder:
        site = Site(t, folder)
        site.serve(host, over_edutcp=False)
        with Carried(t, host, 65535):
            site.curl(host, "127.0.0.1", over_edutcp=True)
        with Carried(t, host, 65535):
            site.fetch(host.edutcp(), "127.0.0.1")


@test("stock clients fetch 10 MB from an AF_EDUTCP server")
def stock_client(t):
    client, server = t.hosts()
    t.record(client, server, ends_only=True)
    with scratch() as folder:
        site = Site(t, folder)
        site.serve(server, over_edutcp=True)
        with Served(t, server, 1460):
            site.curl(client, server.address, over_edutcp=False)
        with Served(t, server, 1460):
            site.fetch(client.stock(), server.address)
        with Served(t, server, 65535):
            site.fetch(server.stock(), "127.0.0.1")
    t.equal(client.rows(), [], "edutcp's connections on the stock client")


@test("AF_EDUTCP to AF_EDUTCP, 10 MB each way at once")
def both_ways(t):
    client, server = t.hosts()
    t.record(client, server, ends_only=True)
    listener = server.listen(PORT)
    left = client.edutcp()
    data = {}

    def send(sock):
        sock.sendall(data[sock])
        sock.shutdown(socket.SHUT_WR)

    def receive(sock):
        digest = hashlib.sha256()
        octets = 0
        while text := sock.recv(1 << 18):
            digest.update(text)
            octets += len(text)
        return octets, digest.hexdigest()

    with Carried(t, client, 1460), Served(t, server, 1460):
        left.connect((server.address, PORT))
        right, _ = listener.accept()
        t.defer(right.close)
        data = {left: os.urandom(SIZE), right: os.urandom(SIZE)}
        receivers = [t.background(receive, sock) for sock in (left, right)]
        senders = [t.background(send, sock) for sock in (left, right)]
        t.wait_for_row(client, remote=(server.address, PORT),
                       state="ESTABLISHED")
        t.wait_for_row(server, remote=left.getsockname(), state="ESTABLISHED")
        for task in senders:
            task.result(100)
        for task, source in zip(receivers, (right, left)):
            octets, digest = task.result(100)
            t.equal((octets, digest),
                    (SIZE, hashlib.sha256(data[source]).hexdigest()),
                    "octets received and their SHA-256")
    no_stock_traffic(t, client)
    no_stock_traffic(t, server)


run()
