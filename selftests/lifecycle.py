#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""lifecycle.py - many connections come and go, and nothing is left of them"""

import ctypes
import errno
import os
import signal
import socket
import struct
import time

from libhost import AF_EDUTCP, SLOW, Failure, libc
from libscenario import run, test

PORT = 80
REQUESTS = 100000 // SLOW       # rows that stay
CONNECTIONS = 20000 // SLOW     # that come and go
READINGS = 3                    # of the table
STALL = 1.0 * SLOW              # seconds that the stock stack may have to wait


# ------------------------------------------------------------------- processes

class Child:
    """A function in a process of its own, in a host's namespace for good.

    (Threads of Python take turns; processes do not.) The function's argument
    says whether to stop; what it returns must be a number.
    """

    def __init__(self, t, host, function, *arguments):
        self.t = t
        self.name = function.__name__
        reader, writer = os.pipe()
        self.pipe = os.fdopen(reader)
        with host.inside():
            self.pid = os.fork()
            if not self.pid:
                self.run(writer, function, arguments)
        os.close(writer)
        t.defer(self.kill)

    @staticmethod
    def run(writer, function, arguments):
        """The child's life, which does not leave the namespace again."""
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(400)
            os.write(writer, b"%r" % function(*arguments))
        except BaseException as error:  # pylint: disable=broad-except
            os.write(writer, repr(error).encode())
        finally:
            os._exit(0)

    def has_ended(self):
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = 0
        return not self.pid

    def result(self, seconds=120):
        self.t.wait_for(self.has_ended, self.name + "() to end", seconds)
        text = self.pipe.read()
        try:
            return float(text)
        except ValueError:
            raise Failure("%s() has failed: %s" % (self.name, text)) from None

    def kill(self):
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.pipe.close()


def edutcp():
    fd = libc.socket(AF_EDUTCP, socket.SOCK_STREAM, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "socket(AF_EDUTCP)")
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 6, fileno=fd)


def come_and_go(port, count, flag=None):
    """Connections over loopback, one after the other: so many, or until the
    file goes away. Either side closes first in every second one."""
    listener = edutcp()
    listener.bind(("127.0.0.1", port))
    listener.listen(16)
    done = 0
    while done < count and (not flag or os.path.exists(flag)):
        sock = edutcp()
        sock.connect(("127.0.0.1", port))
        accepted, _ = listener.accept()
        first, second = (sock, accepted) if done % 2 else (accepted, sock)
        first.close()
        second.close()
        done += 1
    return done


def ping(flag):
    """An octet to and fro over a stock connection, until the file goes away.
    Return how long it took at the most."""
    listener = socket.create_server(("127.0.0.1", 8080))
    near = socket.create_connection(("127.0.0.1", 8080))
    far, _ = listener.accept()
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    longest = 0
    while os.path.exists(flag):
        begun = time.monotonic()
        near.send(b".")
        far.send(far.recv(1))
        near.recv(1)
        longest = max(longest, time.monotonic() - begun)
    return longest


def flag_file(t):
    path = "/tmp/edutcp-flag-%d-%d" % (os.getpid(), time.monotonic_ns())
    with open(path, "w"):
        pass

    def remove():
        if os.path.exists(path):
            os.unlink(path)
    t.defer(remove)
    return path, remove


# ----------------------------------------------------------- half-open requests

def complement(octets):
    """The Internet checksum."""
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn_frame(port, destination):
    """A SYN from 10.8.0.0 and a port, as a frame; and where it is to change
    for the other addresses of 10.8.0.0/16, see flood()."""
    source, destination = b"\x0a\x08\0\0", socket.inet_aton(destination)
    tcp = struct.pack("!HHIIBBHHH", port, PORT, 0xffff, 0, 5 << 4, 2, 1024, 0,
                      0)
    pseudo = source + destination + struct.pack("!HH", 6, len(tcp))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0xffff, 0, 64, 6, 0)
    ip += source + destination
    frame = bytearray(bytes.fromhex("020000000002" "020000000001" "0800") +
                      ip + tcp)
    struct.pack_into("!H", frame, 14 + 10, complement(ip))
    struct.pack_into("!H", frame, 34 + 16, complement(pseudo + tcp))
    return frame


def send(sock, frame):
    """Send a frame; when the receiver's backlog is full, again."""
    while True:
        try:
            return sock.send(frame)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            time.sleep(0.01)


def flood(t, client, server, count):
    """SYNs from all of 10.8.0.0/16, where nobody is, to a listener: from one
    port, and when the addresses are used up from the next.

    Each leaves a request in SYN_RCVD that stays as long as the listener, for
    the timeout is an hour. Return the peers, as the table shows them.
    """
    server.set("net.core.somaxconn", count)
    server.set("net.edutcp.rto_initial_ms", 3600 * 1000)
    # There the SYN,ACKs are lost.
    server.run("ip", "route", "add", "10.8.0.0/16", "via", client.address)
    server.listen(PORT, backlog=count)

    with client.inside():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sock:
        sock.bind((client.device, 0))
        for number in range(count):
            low = number & 0xffff
            if not low:
                frame = syn_frame(1024 + (number >> 16), server.address)
            # In the IP header the identification, and in TCP's the low half
            # of SEQ, go down as the address goes up: so the checksums stay.
            struct.pack_into("!H", frame, 14 + 4, 0xffff - low)
            struct.pack_into("!H", frame, 14 + 14, low)
            struct.pack_into("!H", frame, 34 + 6, 0xffff - low)
            send(sock, frame)
    t.wait_for(lambda: server.stats()["PassiveOpens"] >= count,
               "%d half-open requests" % count, 60)
    return {"10.8.%d.%d:%d" % (number >> 8 & 255, number & 255,
                               1024 + (number >> 16))
            for number in range(count)}


@test("of %d rows that stay none is missed and none shown twice, while others "
      "come and go, and nobody stalls" % REQUESTS, 400)
def big_table(t):
    client, server = t.hosts()
    begun = time.monotonic()
    stay = flood(t, client, server, REQUESTS)
    print("# %d requests in %.1f s" % (REQUESTS, time.monotonic() - begun))

    # Others come, and stay for a moment in TIME_WAIT.
    server.set("net.edutcp.time_wait_ms", 500)
    path, stop = flag_file(t)
    crowd = Child(t, server, come_and_go, 81, 10**9, path)
    t.wait_for(lambda: crowd.has_ended() or server.rows(state="TIME_WAIT"),
               "the first of the others")
    if crowd.has_ended():
        crowd.result()
    pinger = Child(t, server, ping, path)

    others = set()
    begun = time.monotonic()
    for reading in range(READINGS):
        t.check(not crowd.has_ended(), "others come and go")
        shown = []
        for line in server.table().splitlines()[1:]:
            peer = line.split(" ", 2)[1]
            if peer.startswith("10.8."):
                shown.append(peer)
            else:
                others.add(line.split(" ", 2)[0] + peer)
        t.equal(len(shown), len(set(shown)), "rows shown once and in all, "
                "reading %d" % reading)
        t.equal(sorted(stay - set(shown))[:10], [], "rows missed in reading "
                "%d" % reading)
        t.equal(sorted(set(shown) - stay)[:10], [], "rows of nobody")
    reading_time = (time.monotonic() - begun) / READINGS
    stop()
    longest = pinger.result()
    came = crowd.result()
    print("# %d readings of %.2f s; %d others came, %d of them were seen; "
          "stock round trip at most %.0f ms" %
          (READINGS, reading_time, came, len(others), longest * 1000))
    t.check(len(others) > 20, "other rows were there meanwhile")
    t.check(longest < STALL, "a stock round trip takes less than %.1f s" %
            STALL)


# ----------------------------------------------------------------- what is left

CACHES = ("EDUTCP", "edutcp_request", "edutcp_timewait")


def slabs():
    """Objects in our caches, where they have not been merged with others."""
    for name in CACHES:
        # What the processors have set aside would count as in use.
        path = "/sys/kernel/slab/%s/shrink" % name
        if os.path.exists(path):
            with open(path, "w") as file:
                file.write("1")
    with open("/proc/slabinfo") as file:
        rows = [line.split() for line in file]
    return {row[0]: int(row[1]) for row in rows if row[0] in CACHES}


def in_use(host):
    """What edutcp holds: sockets and pages of this host, objects of all."""
    for line in host.read("/proc/thread-self/net/protocols").splitlines():
        words = line.split()
        if words[0] == "EDUTCP":
            return {"sockets": int(words[2]), "pages": int(words[3]),
                    "rows": len(host.rows()), **slabs()}
    raise Failure("/proc/net/protocols does not know EDUTCP")


@test("%d times connect, accept, close leave nothing behind" % CONNECTIONS,
      170)
def nothing_left(t):
    client, _ = t.hosts()
    client.set("net.edutcp.time_wait_ms", 300)
    # The first socket of all makes what stays, such as the table.
    Child(t, client, come_and_go, 81, 10).result()
    t.wait_for(lambda: not client.rows(), "an empty table")
    # Each processor may keep a few objects for itself.
    t.wait_for(lambda: sum(slabs().values()) < 100,
               "what earlier tests have used to be freed: %s" % slabs())
    before = in_use(client)

    begun = time.monotonic()
    children = [Child(t, client, come_and_go, port, CONNECTIONS // 2)
                for port in (81, 82)]
    done = sum(child.result() for child in children)
    seconds = time.monotonic() - begun
    print("# %d connections, %.2f ms each" % (done, seconds / done * 1000))
    t.equal(done, CONNECTIONS, "connections")

    def as_before():
        now = in_use(client)
        return all(now[key] <= before[key] +
                   (0 if key in ("sockets", "rows") else 64)
                   for key in before)
    try:
        t.wait_for(as_before, "everything to be free again", 30)
    finally:
        print("# before: %s\n# after: %s" % (before, in_use(client)))
    stats = client.stats()
    t.equal(stats["PassiveOpens"], CONNECTIONS + 10, "PassiveOpens")
    t.equal(stats["CurrEstab"], 0, "CurrEstab")


run()
