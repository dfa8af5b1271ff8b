#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""conformance_ip.py - requirements of RFC 9293 on where TCP meets IP

What Documentation/conformance.rst names as the proof of a requirement that
the protocol core cannot show by itself: addresses, TTL, Diffserv field, IP
options, ICMP messages, the clock behind initial sequence numbers.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import select
import socket
import struct
import time

from libscenario import libc, run, test

PORT = 80
TEXT = "ip length > 100"

IP_TOS, IP_TTL, IP_OPTIONS, IP_RECVERR = 1, 2, 4, 11
UNREACHABLE, SOURCE_QUENCH, TIME_EXCEEDED, PARAMETER_PROBLEM = 3, 4, 11, 12
PORT_UNREACHABLE, FRAGMENTATION_NEEDED = 3, 4

# Soft errors of 3.9.2.2, and what a program is told of them.
SOFT_ERRORS = [
    (UNREACHABLE, 0, errno.ENETUNREACH),
    (UNREACHABLE, 1, errno.EHOSTUNREACH),
    (UNREACHABLE, 5, errno.EOPNOTSUPP),
    (TIME_EXCEEDED, 0, errno.EHOSTUNREACH),
    (PARAMETER_PROBLEM, 0, errno.EPROTO),
]
# The other ICMP errors: a soft one that stays in the IP layer, and the hard ones.
OTHER_ERRORS = [
    (TIME_EXCEEDED, 1),
    (UNREACHABLE, 2),
    (UNREACHABLE, PORT_UNREACHABLE),
]


class Packet:
    """The IP header of a segment, and a little of TCP's."""

    def __init__(self, octets):
        ihl = (octets[0] & 15) * 4
        self.tos, self.length = struct.unpack("!xBH", octets[:4])
        self.ttl = octets[8]
        self.source, self.dest = map(socket.inet_ntoa,
                                     (octets[12:16], octets[16:20]))
        self.options = octets[20:ihl]
        self.flags = octets[ihl + 13]
        self.kind = ",".join(name for bit, name in (
            (2, "SYN"), (1, "FIN"), (4, "RST"), (16, "ACK"))
            if self.flags & bit)


class Packets:
    """The packets with TCP in them that a host sends, in order."""

    def __init__(self, t, host):
        self.found = []
        with host.inside():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM |
                                      socket.SOCK_NONBLOCK)
        self.sock.bind((host.device, 3))        # ETH_P_ALL
        t.defer(self.sock.close)

    def new(self):
        """Those that were sent since this was asked before."""
        found = []
        while True:
            try:
                octets, sender = self.sock.recvfrom(1 << 16)
            except BlockingIOError:
                return found
            # PACKET_OUTGOING, IPv4, TCP
            if sender[2] == 4 and sender[1] == 0x0800 and octets[9] == 6:
                found.append(Packet(octets))


def connect(t, client, server, prepare=lambda sock: None):
    """Two sockets and their endpoints."""
    listener = server.listen(PORT)
    sock = client.edutcp()
    prepare(sock)
    sock.connect((server.address, PORT))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    return sock, accepted, peer, (server.address, PORT)


def pass_on(t, sender, receiver, octets):
    """Send and receive some octets."""
    task = t.background(sender.sendall, octets)
    received = b""
    while len(received) < len(octets):
        part = receiver.recv(65536)
        t.check(part, "the text has not ended")
        received += part
    task.result()
    t.equal(received, octets, "what was received")


def abort(sock):
    """ABORT: SO_LINGER with a time of 0, and close()."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


def error_of(sock):
    """SO_ERROR: hard errors, and the soft ones that are known so far."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


# ------------------------------------------------------------------------ ICMP

def _sum(octets):
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def icmp(router, kind, code, about, seq=None, mtu=0):
    """An ICMP message about a segment, to who has sent it."""
    quote = struct.pack("!BBHHHBBH4s4sHHI", 0x45, 0, 40, 1, 0x4000, 63, 6, 0,
                        socket.inet_aton(about.source[0]),
                        socket.inet_aton(about.destination[0]),
                        about.source[1], about.destination[1],
                        about.seq if seq is None else seq)
    quote = quote[:10] + struct.pack("!H", _sum(quote[:20])) + quote[12:]
    message = struct.pack("!BBHI", kind, code, 0, mtu) + quote
    message = message[:2] + struct.pack("!H", _sum(message)) + message[4:]
    with router.inside(), socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                        socket.IPPROTO_ICMP) as raw:
        raw.sendto(message, (about.source[0], 0))


def with_text_in_flight(t):
    """A connection whose client has sent what the server does not get: the
    hosts, both sockets, the client's endpoint, the segment."""
    client, server = t.hosts()
    recorder = t.record(client, server)
    sock, accepted, a, _ = connect(t, client, server)
    server.drop(TEXT)
    sock.send(b"x" * 500)
    lost = t.wait_for_sent(recorder, "the text", source=a, text=True)[0]
    return client, server, sock, accepted, a, lost


def expect_established(t, client, a):
    t.equal([row["state"] for row in client.rows(local=a)], ["ESTABLISHED"],
            "states of the client's connection")


def witness(t, client, server):
    """Make another connection with text in flight. Returned is a function:
    what ICMP messages before its call do is done when it returns."""
    other = client.edutcp()
    other.connect((server.address, PORT))
    other.send(b"w" * 500)
    lost = t.wait_for_sent(t.recorders[0], "the other connection's text",
                           source=other.getsockname(), text=True)[0]

    def wait():
        t.equal(error_of(other), 0, "error of the other connection")
        icmp(server, UNREACHABLE, 1, lost)
        t.wait_for(lambda: error_of(other) == errno.EHOSTUNREACH,
                   "the error of the other connection")
    return wait


@test("a soft ICMP error is told to the program and ends nothing")
def soft_errors(t):
    client, server, sock, accepted, a, lost = with_text_in_flight(t)
    for kind, code, error in SOFT_ERRORS:
        icmp(server, kind, code, lost)
        told = t.wait_for(lambda: error_of(sock),
                          "the error of ICMP %d, %d" % (kind, code))
        t.equal(told, error, "SO_ERROR after ICMP %d, %d" % (kind, code))
        expect_established(t, client, a)
    # The path is whole again: the text gets through, and other text back.
    server.drop_nothing()
    t.equal(accepted.recv(1000), b"x" * 500, "what the server receives")
    pass_on(t, accepted, sock, b"y" * 500)


@test("other ICMP errors do not end an open connection either")
def other_errors(t):
    client, server, sock, accepted, a, lost = with_text_in_flight(t)
    for kind, code in OTHER_ERRORS:
        icmp(server, kind, code, lost)
        icmp(server, UNREACHABLE, 0, lost)
        t.wait_for(lambda: error_of(sock) == errno.ENETUNREACH,
                   "the soft error that comes after it")
        expect_established(t, client, a)
    server.drop_nothing()
    t.equal(accepted.recv(1000), b"x" * 500, "what the server receives")


@test("a soft ICMP error is why a connection that times out has ended")
def soft_error_in_the_end(t):
    client, server = t.hosts()
    client.set("net.edutcp.data_retries", 2)
    recorder = t.record(client, server)
    sock, _, a, _ = connect(t, client, server)
    server.drop(TEXT)
    sock.send(b"x" * 500)
    lost = t.wait_for_sent(recorder, "the text", source=a, text=True)[0]
    icmp(server, UNREACHABLE, 1, lost)
    t.refuses(errno.EHOSTUNREACH, sock.recv, 1)
    t.equal(client.rows(local=a), [], "rows of the connection")


@test("who sets IP_RECVERR is told of a soft ICMP error at once")
def told_at_once(t):
    client, server, sock, accepted, a, lost = with_text_in_flight(t)
    client.set("net.edutcp.r1_retries", 255)     # which is told, too
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    for kind, code, error in SOFT_ERRORS:
        reading = t.background(sock.recv, 1)
        icmp(server, kind, code, lost)
        t.refuses(error, reading.result)
        expect_established(t, client, a)
    poll = select.poll()
    poll.register(sock, 0)
    t.equal(poll.poll(0), [], "what poll() says before")
    icmp(server, UNREACHABLE, 1, lost)
    t.equal(poll.poll(30000), [(sock.fileno(), select.POLLERR)],
            "what poll() says")
    t.refuses(errno.EHOSTUNREACH, sock.send, b"x")
    server.drop_nothing()
    t.equal(accepted.recv(1000), b"x" * 500, "what the server receives")
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 0)
    pass_on(t, accepted, sock, b"y" * 500)


@test("who sets IP_RECVERR is told when R1 is reached, and the connection lives")
def told_of_r1(t):
    client, server, sock, accepted, a, _ = with_text_in_flight(t)
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    poll = select.poll()
    poll.register(sock, 0)
    t.equal(poll.poll(60000), [(sock.fileno(), select.POLLERR)],
            "what poll() says")
    t.equal(error_of(sock), errno.ETIMEDOUT, "SO_ERROR")
    expect_established(t, client, a)
    server.drop_nothing()
    t.equal(accepted.recv(1000), b"x" * 500, "what the server receives")


@test("ICMP for a SYN: port unreachable refuses, at once")
def refused_by_icmp(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    server.drop("tcp flags syn")
    sock = client.edutcp(nonblocking=True)
    t.refuses(errno.EINPROGRESS, sock.connect, (server.address, PORT))
    syn = t.wait_for_sent(recorder, "the SYN", kind="SYN")[0]
    icmp(server, UNREACHABLE, PORT_UNREACHABLE, syn)
    t.equal(bool(select.select([], [sock], [], 30)[1]), True,
            "the program is woken")
    t.equal(error_of(sock), errno.ECONNREFUSED, "SO_ERROR")
    t.equal(client.rows(), [], "rows on the client")


@test("an ICMP Source Quench is silently discarded")
def source_quench(t):
    client, server, sock, _, a, lost = with_text_in_flight(t)
    wait = witness(t, client, server)
    before = client.stats()
    icmp(server, SOURCE_QUENCH, 0, lost)
    wait()
    t.equal(error_of(sock), 0, "SO_ERROR")
    expect_established(t, client, a)
    after = client.stats()
    t.equal({name for name in after if after[name] != before[name]} -
            {"OutSegs", "RetransSegs"}, set(), "counters that have changed")


@test("an ICMP message concerns one connection, and what it has in flight")
def icmp_for_whom(t):
    client, server, sock, _, a, lost = with_text_in_flight(t)
    wait = witness(t, client, server)
    # What is acknowledged already, what was never sent: from a forger.
    for seq in (lost.seq - 1, lost.seq + 500, lost.seq + 2**31):
        icmp(server, UNREACHABLE, 0, lost, seq % 2**32)
        wait()
        t.equal(error_of(sock), 0, "SO_ERROR")
    icmp(server, UNREACHABLE, 0, lost, (lost.seq + 499) % 2**32)
    t.wait_for(lambda: error_of(sock) == errno.ENETUNREACH,
               "the error about something in flight")
    expect_established(t, client, a)


@test("ICMP fragmentation needed makes segments smaller")
def path_mtu(t):
    client, server = t.hosts(offload=False)
    client.set("net.edutcp.timestamps", 0)
    recorder = t.record(client, server)
    sock, accepted, a, _ = connect(t, client, server)
    # The server's end plays a router with a narrow cable behind it.
    server.drop("ip length > 1000")
    data = b"m" * 20000
    sender = t.background(sock.sendall, data)
    lost = t.wait_for_sent(recorder, "the text", source=a, text=True)[0]
    t.equal(len(lost.text), 1460, "text of the first segment")
    icmp(server, UNREACHABLE, FRAGMENTATION_NEEDED, lost, mtu=1000)
    received = b""
    while len(received) < len(data):
        received += accepted.recv(65536)
    t.equal(received, data, "what the server receives")
    sender.result()
    # Without DF they would come through in fragments.
    lengths = [len(s.text) for s in recorder.sent(source=a, text=True)]
    t.equal(max(n for n in lengths if n < 1460), 960,
            "text of a full segment afterwards, of %s" % lengths)


# ------------------------------------------------------- fields of the IP header

def header_field(t, option, field, default):
    """A socket's TTL or Diffserv field is in each of its segments: also in
    the SYN,ACK of a listener and in a RST, and when it changes."""
    client, server = t.hosts()
    theirs, ours = Packets(t, server), Packets(t, client)

    def expect(packets, value, kinds):
        found = []

        def all_there():
            found.extend(packets.new())
            return kinds <= {p.kind for p in found}
        t.wait_for(all_there, "%s on the cable" % ", ".join(kinds))
        t.equal({getattr(p, field) for p in found}, {value},
                field + " of " + ", ".join(p.kind for p in found))

    listener = server.listen(PORT)
    listener.setsockopt(socket.IPPROTO_IP, option, 0x40)
    sock = client.edutcp()
    sock.connect((server.address, PORT))
    accepted, peer = listener.accept()
    expect(ours, default, {"SYN", "ACK"})
    expect(theirs, 0x40, {"SYN,ACK"})
    sock.close()
    accepted.close()
    expect(ours, default, {"FIN,ACK"})
    expect(theirs, 0x40, {"FIN,ACK"})
    t.wait_for_row(client, local=peer, state="TIME_WAIT")
    # What was sent so far is of no interest any more.
    theirs.new()
    ours.new()

    sock = client.edutcp()
    sock.setsockopt(socket.IPPROTO_IP, option, 0x28)
    sock.connect((server.address, PORT))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    pass_on(t, sock, accepted, b"x" * 5000)
    t.wait_for(lambda: not client.rows(local=peer)[0]["send_queue"],
               "the ACK of all text")
    expect(ours, 0x28, {"SYN", "ACK"})
    expect(theirs, 0x40, {"SYN,ACK", "ACK"})
    # In the midst of the connection, each direction by itself.
    sock.setsockopt(socket.IPPROTO_IP, option, 0x30)
    accepted.setsockopt(socket.IPPROTO_IP, option, 0x50)
    pass_on(t, sock, accepted, b"x" * 5000)
    pass_on(t, accepted, sock, b"x" * 5000)
    expect(ours, 0x30, {"ACK"})
    expect(theirs, 0x50, {"ACK"})
    t.wait_for(lambda: not server.rows(remote=peer)[0]["send_queue"],
               "the ACK of all text")
    ours.new()
    abort(sock)
    expect(ours, 0x30, {"RST"})


@test("TTL: the host's default, or what IP_TTL says, before and after connect()")
def ttl(t):
    header_field(t, IP_TTL, "ttl", 64)


@test("TTL: the default is net.ipv4.ip_default_ttl")
def default_ttl(t):
    client, server = t.hosts()
    client.set("net.ipv4.ip_default_ttl", 77)
    ours = Packets(t, client)
    server.listen(PORT)
    client.edutcp().connect((server.address, PORT))
    t.equal({p.ttl for p in ours.new()}, {77}, "TTL of the client's segments")


@test("Diffserv field: 0, or what IP_TOS says, before and after connect()")
def diffserv(t):
    header_field(t, IP_TOS, "tos", 0)


# Record Route and Timestamp, with room for three addresses or instants; and an
# option that nobody knows, which a router would copy into each fragment.
IP_OPTION_LISTS = {
    "Record Route": bytes((7, 15, 4)) + bytes(12) + b"\0",
    "Timestamp": bytes((68, 16, 5, 0)) + bytes(12),
    "unknown": bytes((0xde, 6)) + b"wxyz" + b"\1\0",
}


@test("IP options of a peer's segments do not matter")
def options_arrive(t):
    client, server = t.hosts()
    listener = server.listen(PORT)
    for name, octets in IP_OPTION_LISTS.items():
        theirs = Packets(t, client)
        sock = client.stock()
        sock.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, octets)
        sock.connect((server.address, PORT))
        accepted, _ = listener.accept()
        t.defer(accepted.close)
        pass_on(t, sock, accepted, b"x" * 20000)
        pass_on(t, accepted, sock, b"y" * 20000)
        sent = theirs.new()
        t.equal({p.options[0] for p in sent if p.options}, {octets[0]},
                "kind of option on the cable for " + name)
        t.check(all(p.options for p in sent), "each segment has the option")
        sock.close()
        t.equal(accepted.recv(1), b"", "the end of the text")


@test("IP options of ours are in each segment, which still fits the path")
def options_sent(t):
    client, server = t.hosts(offload=False)
    listener = server.listen(PORT)
    for name in "Record Route", "Timestamp":
        octets = IP_OPTION_LISTS[name]
        ours = Packets(t, client)
        sock = client.edutcp()
        sock.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, octets)
        sock.connect((server.address, PORT))
        accepted, _ = listener.accept()
        t.defer(accepted.close)
        pass_on(t, sock, accepted, b"x" * 20000)
        pass_on(t, accepted, sock, b"y" * 20000)
        sock.close()
        t.equal(accepted.recv(1), b"", "the end of the text")
        sent = ours.new()
        t.equal({p.options[:1] for p in sent}, {octets[:1]},
                "kinds of option on the cable for " + name)
        t.equal(max(p.length for p in sent), 1500, "longest packet")


@test("a source route set before connect() is taken, to its end")
def source_route(t):
    client, server = t.hosts()
    # Another network behind the server, to which the client has no route.
    server.run("ip", "address", "add", "10.8.0.1/24", "dev", "lo")
    for name in "all", "s0":
        server.set("net.ipv4.conf.%s.accept_source_route" % name, 1)
    listener = server.listen(PORT)
    late = client.edutcp()
    t.refuses(errno.ENETUNREACH, late.connect, ("10.8.0.1", PORT))

    ours = Packets(t, client)
    sock = client.edutcp()
    # Loose Source Route: one stop on the way.
    route = bytes((0x83, 7, 4)) + socket.inet_aton(server.address) + b"\0"
    sock.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, route)
    sock.connect(("10.8.0.1", PORT))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    t.equal(accepted.getsockname(), ("10.8.0.1", PORT), "the end of the route")
    t.equal(sock.getpeername(), ("10.8.0.1", PORT), "the peer's address")
    pass_on(t, sock, accepted, b"x" * 20000)
    pass_on(t, accepted, sock, b"y" * 20000)
    t.wait_for(lambda: not server.rows(remote=peer)[0]["send_queue"],
               "the ACK of all text")
    abort(sock)
    sent = []

    def reset():
        sent.extend(ours.new())
        return "RST" in sent[-1].kind
    t.wait_for(reset, "the RST")
    t.equal({(p.dest, p.options) for p in sent},
            {(server.address, bytes((0x83, 7, 4)) +
              socket.inet_aton("10.8.0.1") + b"\0")},
            "where the segments go first, and next")


# ------------------------------------------------------------------- addresses

@test("the local address: the one bound to, else the one IP chooses; and kept")
def local_address(t):
    client, server = t.hosts()
    client.run("ip", "address", "add", "10.7.0.11/24", "dev", "c0")
    server.run("ip", "address", "add", "10.7.0.12/24", "dev", "s0")
    server.run("ip", "neighbour", "replace", "10.7.0.11", "lladdr",
               "02:00:00:00:00:01", "dev", "s0")
    client.run("ip", "neighbour", "replace", "10.7.0.12", "lladdr",
               "02:00:00:00:00:02", "dev", "c0")
    ours, theirs = Packets(t, client), Packets(t, server)
    listener = server.listen(PORT)
    for to in server.address, "10.7.0.12":
        for bound in None, client.address, "10.7.0.11":
            sock = client.edutcp()
            if bound:
                sock.bind((bound, 0))
            sock.connect((to, PORT))
            accepted, peer = listener.accept()
            t.defer(accepted.close)
            pass_on(t, sock, accepted, b"x" * 5000)
            t.equal(peer[0], bound or client.address,
                    "the client's address, when bound to %s" % bound)
            t.equal(accepted.getsockname(), (to, PORT), "the server's")
            t.equal({(p.source, p.dest) for p in ours.new()},
                    {(peer[0], to)}, "addresses of the client's segments")
            t.equal({(p.source, p.dest) for p in theirs.new()},
                    {(to, peer[0])}, "addresses of the server's segments")
    # A preferred source address of the route is IP's choice, too.
    client.run("ip", "route", "change", "10.7.0.0/24", "dev", "c0", "src",
               "10.7.0.11")
    sock = client.edutcp()
    sock.connect((server.address, PORT))
    t.equal(sock.getsockname()[0], "10.7.0.11", "address by the route")


@test("a port is listened at while connections of it are in other states")
def listen_beside(t):
    client, server = t.hosts()
    client.set("net.edutcp.rto_initial_ms", 300)
    peer = server.listen(PORT)

    def bound():
        sock = client.edutcp(nonblocking=True)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", 5000))
        return sock
    old = bound()
    old.setblocking(True)
    old.connect((server.address, PORT))
    accepted, _ = peer.accept()
    t.defer(accepted.close)
    # Another one of the same port in SYN_SENT.
    server.listen(PORT + 1)
    server.drop("tcp dport %d" % (PORT + 1))
    opening = bound()
    t.refuses(errno.EINPROGRESS, opening.connect, (server.address, PORT + 1))
    t.wait_for_row(client, state="SYN_SENT")

    listener = client.listen(5000)
    t.equal(sorted(r["state"] for r in client.rows()),
            ["ESTABLISHED", "LISTEN", "SYN_SENT"], "states at the port")
    # Neither of the older ones has noticed.
    pass_on(t, old, accepted, b"x" * 5000)
    server.drop_nothing()
    t.wait_for(lambda: len(client.rows(state="ESTABLISHED")) == 2,
               "the other handshake to end")
    # And the listener listens, also while a request of it is in SYN_RCVD.
    server.set("net.edutcp.rto_initial_ms", 600000)
    server.drop("tcp flags & (syn | ack) == (syn | ack)", first=1)
    first = server.edutcp(nonblocking=True)
    t.refuses(errno.EINPROGRESS, first.connect, (client.address, 5000))
    t.wait_for_row(client, state="SYN_RCVD")
    second = server.edutcp()
    second.connect((client.address, 5000))
    newest, _ = listener.accept()
    t.defer(newest.close)
    pass_on(t, second, newest, b"x" * 5000)


# -------------------------------------------------------- segment size and ISN

@test("MSS: ours is what the device takes, theirs and the path limit segments")
def segment_size(t):
    client, server = t.hosts(offload=False)
    client.set("net.edutcp.timestamps", 0)
    recorder = t.record(client, server)
    server.run("ip", "link", "set", "dev", "s0", "mtu", "1400")
    sock, accepted, a, b = connect(t, client, server)
    syn, reply = recorder.sent()[:2]
    t.equal((syn.options["mss"], reply.options["mss"]), (1460, 1360),
            "MSS of SYN and SYN,ACK")
    pass_on(t, sock, accepted, b"x" * 10000)
    t.equal(max(len(s.text) for s in recorder.sent(source=a)), 1360,
            "text of the client, which the server limits")
    # The server knows that the client would take more, but its cable not.
    pass_on(t, accepted, sock, b"x" * 10000)
    t.equal(max(len(s.text) for s in recorder.sent(source=b)), 1360,
            "text of the server, which its cable limits")

    # A route may say that less can be received than the device takes.
    client.run("ip", "route", "change", "10.7.0.0/24", "dev", "c0", "advmss",
               "900")
    server.listen(PORT + 1)
    client.edutcp().connect((server.address, PORT + 1))
    syn = recorder.sent(destination=(server.address, PORT + 1), kind="SYN")[0]
    t.equal(syn.options["mss"], 900, "MSS by the route")


@test("initial sequence numbers of one pair of sockets follow a clock")
def clock(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    begun = time.monotonic()
    while time.monotonic() < begun + 1:
        sock = client.edutcp()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", 5000))
        t.refuses(errno.ECONNREFUSED, sock.connect, (server.address, PORT))
        sock.close()
    syns = recorder.sent(kind="SYN")
    t.check(len(syns) > 2, "there are some SYNs")
    for syn in syns[1:]:
        passed = syn.time - syns[0].time
        # A tick of 64 ns; it wraps after 274 s.
        ticked = (syn.seq - syns[0].seq) % 2**32 * 64e-9
        # The segment is seen a while after the number was chosen.
        t.check(abs(passed - ticked) < 0.5,
                "the numbers have advanced by %.3f s in %.3f s" %
                (ticked, passed))


class Stall:
    """A page of memory that makes a call wait until it is let go on: nobody
    touches it, and userfaultfd(2) holds whoever does."""

    def __init__(self, t):
        self.memory = mmap.mmap(-1, 4096)
        self.fd = libc.syscall(323, os.O_CLOEXEC | os.O_NONBLOCK)
        t.check(self.fd >= 0, "there is userfaultfd()")
        t.defer(os.close, self.fd)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.range = struct.pack("QQ", start, 4096)
        # UFFDIO_API; UFFDIO_REGISTER for missing pages
        fcntl.ioctl(self.fd, 0xc018aa3f, struct.pack("QQQ", 0xaa, 0, 0))
        fcntl.ioctl(self.fd, 0xc020aa00, self.range + struct.pack("QQ", 1, 0))

    def is_held(self):
        """Does somebody wait?"""
        return bool(select.select([self.fd], [], [], 0)[0])

    def let_go(self):
        """UFFDIO_ZEROPAGE: let it be an ordinary page."""
        fcntl.ioctl(self.fd, 0xc020aa04, self.range + struct.pack("QQ", 0, 0))


@test("segments that came during a call are acknowledged by one ACK")
def backlog(t):
    client, server = t.hosts(offload=False)
    client.set("net.edutcp.timestamps", 0)
    recorder = t.record(client, server)
    sock, accepted, peer, b = connect(t, client, server)
    sock.send(b"x")
    t.wait_for(lambda: not client.rows(local=peer)[0]["send_queue"],
               "the ACK of the first octet")
    stall = Stall(t)
    reading = t.background(accepted.recv_into, stall.memory, 1)
    t.wait_for(stall.is_held, "recv() to come to the page")
    before = server.stats()["InSegs"]
    acks = len(recorder.sent(source=b))
    data = b"y" * 10 * 1460
    sock.sendall(data)
    t.wait_for(lambda: server.stats()["InSegs"] == before + 10,
               "ten segments to arrive")
    t.equal(len(recorder.sent(source=b)), acks, "ACKs before recv() goes on")
    stall.let_go()
    t.equal(reading.result(), 1, "what recv() returns")
    t.wait_for(lambda: not client.rows(local=peer)[0]["send_queue"],
               "the ACK of all text")
    t.equal(len(recorder.sent(source=b)), acks + 1, "ACKs afterwards")
    received = b""
    while len(received) < len(data):
        received += accepted.recv(65536)
    t.equal(received, data, "what the server receives")


@test("the knobs: thresholds are as long as they must be, an ACK's delay is not")
def knobs(t):
    client, _ = t.hosts()

    def knob(name):
        return int(client.read("/proc/sys/net/edutcp/" + name))

    def lasts(retries, timeout):
        """Seconds until so many retransmissions have not been answered."""
        return sum(min(timeout << i, knob("rto_max_ms"))
                   for i in range(retries + 1)) / 1000
    t.check(lasts(knob("data_retries"), knob("rto_min_ms")) >= 100,
            "R2 of text is 100 s at the least")
    t.check(lasts(knob("orphan_retries"), knob("rto_min_ms")) >= 100,
            "R2 of text is 100 s at the least when the program is gone")
    t.check(lasts(knob("syn_retries"), knob("rto_initial_ms")) >= 180,
            "R2 of a SYN is 3 minutes at the least")
    t.check(knob("r1_retries") >= 3, "R1 is 3 retransmissions at the least")
    t.check(knob("keepalive_time_ms") >= 7200000,
            "a keep-alive is sent after 2 hours at the earliest")
    t.check(knob("delayed_ack_ms") <= 480, "an ACK waits less than 0.5 s")
    for value in 481, 500, 1000:
        t.refuses(errno.EINVAL, client.set, "net.edutcp.delayed_ack_ms", value)


run()
