#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""bad_input.py - segments as no honest peer sends them

edutcp on one side; on the other a tap device, on which this program writes
what it likes and reads what edutcp answers.  Every malformed segment must be
counted for what is wrong with it, be answered as RFC 9293 has it or not at
all, and do no harm: a connection beside it, or the very connection it was
aimed at, still carries its data.  In the end random segments go to every
state; whether the kernel has something to say to them, the VM's runner sees.
"""

import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

import libsegment
from libcapture import capture_namespace, test_failed
from libhost import SLOW, edutcp_socket, libc
from libsegment import ip_octets

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32

OURS, THEIRS = "10.8.0.1", "10.8.0.2"
OUR_MAC, THEIR_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
BROADCAST_MAC = b"\xff" * 6
PORT = 4000
MASK = 0xFFFFFFFF
SEED = 4711
# Seconds to wait for what is sure to come.
PATIENCE = 10 * SLOW
# Random segments per state.
COUNT = int(os.environ.get("COUNT", 5000 // SLOW))

MSS = b"\x02\x04\x05\xb4"
SACK_OK = b"\x04\x02"
WSCALE = b"\x01\x03\x03\x07"


def timestamps(val, ecr):
    """The option."""
    return b"\x08\x0a" + struct.pack("!II", val & MASK, ecr & MASK)


# What a SYN of Linux offers.
ALL_OPTIONS = MSS + SACK_OK + timestamps(1 << 30, 0) + WSCALE


def stat(name):
    """A counter of /proc/edutcp/stats."""
    with open("/proc/edutcp/stats", encoding="ascii") as file:
        return int(dict(line.split() for line in file)[name])


def state_of(port):
    """The state of the connection to the peer's port; None if there is none."""
    with open("/proc/edutcp/connections", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            if fields[1] == f"{THEIRS}:{port}":
                return fields[2]
    return None


class Segment:
    """A received segment."""

    def __init__(self, packet):
        header = (packet[0] & 15) * 4
        self.to = socket.inet_ntoa(packet[16:20])
        total = struct.unpack_from("!H", packet, 2)[0]
        tcp = packet[header:total]
        (self.source, self.dest, self.seq, self.ack, offset, self.flags,
         self.window) = struct.unpack_from("!HHIIBBH", tcp)
        self.data = tcp[(offset >> 4) * 4:]


class Wire:
    """The tap device."""

    def __init__(self, name="tap0"):
        subprocess.run(["modprobe", "-q", "tun"], check=False)
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, TUNSETIFF,
                    struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        mac = ":".join(f"{octet:02x}" for octet in OUR_MAC)
        their = ":".join(f"{octet:02x}" for octet in THEIR_MAC)
        subprocess.run(["ip", "-batch", "-"], check=True, text=True, input=f"""
            link set dev lo up
            link set dev {name} address {mac} addrgenmode none
            link set dev {name} up
            address add {OURS}/24 broadcast 10.8.0.255 dev {name}
            neighbour replace {THEIRS} lladdr {their} dev {name} nud permanent
            """)
        self.ip_id = 0

    def send_ip(self, payload, source=THEIRS, dest=OURS, mac=OUR_MAC,
                fragment=0):
        """Send an IP packet; fragment: the field with the flags and offset."""
        self.ip_id = (self.ip_id + (fragment == 0)) & 0xFFFF
        packet = ip_octets(payload, source=source, destination=dest,
                           identification=self.ip_id, fragment=fragment)
        try:
            os.write(self.fd, mac + THEIR_MAC + b"\x08\x00" + packet)
        except BlockingIOError:
            pass

    def send(self, sport, dport, seq, ack, flags, data=b"", **more):
        """Send a segment, see tcp_octets() and send_ip()."""
        where = {key: more.pop(key) for key in ("mac", "fragment")
                 if key in more}
        source = more.get("source", THEIRS)
        dest = more.get("dest", OURS)
        self.send_ip(tcp_octets(sport, dport, seq, ack, flags, data, **more),
                     source, dest, **where)

    def read(self, seconds=0.0):
        """The next segment from edutcp, or None."""
        end = time.monotonic() + seconds
        while True:
            left = max(0.0, end - time.monotonic())
            if not select.select([self.fd], [], [], left)[0]:
                return None
            frame = os.read(self.fd, 70000)
            if frame[12:14] == b"\x08\x00" and frame[23] == 6:
                return Segment(frame[14:])

    def drain(self):
        """Forget what has been answered so far."""
        while self.read():
            pass


def tcp_octets(*fields, source=THEIRS, dest=OURS, **more):
    """A segment as octets, right or wrong."""
    return libsegment.tcp_octets(*fields, source=source, destination=dest,
                                 **more)


def listener_at(port, backlog=100):
    """A listener, on all addresses."""
    sock = edutcp_socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", port))
    sock.listen(backlog)
    return sock


class Peer:
    """The other end of a connection, by hand."""

    ports = iter(range(1024, 60000))

    def __init__(self, wire, dport=PORT, options=None):
        self.wire = wire
        self.options = MSS if options is None else options
        self.port = next(Peer.ports)
        self.dport = dport
        self.iss = random.getrandbits(32)
        self.nxt = self.iss
        self.ack = 0
        self.sock = None
        self.window = 0

    def send(self, flags, data=b"", seq=0, ack=0, **more):
        """Send; seq and ack are relative to where they should be."""
        self.wire.send(self.port, self.dport, self.nxt + seq, self.ack + ack,
                       flags, data, **more)

    def answer(self, seconds=PATIENCE):
        """The next answer to this peer, or None."""
        end = time.monotonic() + seconds
        while True:
            seg = self.wire.read(max(0.0, end - time.monotonic()))
            if seg is None or seg.dest == self.port:
                return seg

    def syn(self):
        """To SYN-RECEIVED."""
        self.send(SYN, options=self.options)
        seg = self.answer()
        check(seg is not None and seg.flags == SYN | ACK, "no SYN,ACK")
        self.nxt = self.iss + 1 & MASK
        check(seg.ack == self.nxt, "SYN,ACK acknowledges something else")
        self.ack = seg.seq + 1 & MASK
        self.window = seg.window

    def connect(self, listener):
        """To ESTABLISHED."""
        self.syn()
        self.send(ACK)
        listener.settimeout(PATIENCE)
        self.sock = listener.accept()[0]
        self.sock.settimeout(PATIENCE)
        return self

    def say(self, data):
        """Send data the way a good peer does; check that it is read."""
        self.send(ACK | PSH, data)
        self.nxt = self.nxt + len(data) & MASK
        got = b""
        while len(got) < len(data):
            part = self.sock.recv(len(data))
            check(part, "the data has ended")
            got += part
        check(got == data, "other data than was sent")

    def hear(self, data):
        """Let edutcp send data, check and acknowledge it."""
        self.sock.sendall(data)
        got = b""
        while len(got) < len(data):
            seg = self.answer()
            check(seg is not None, "no data comes")
            check(not seg.flags & RST, "a reset comes")
            if seg.data and seg.seq == self.ack:
                got += seg.data
                self.ack = self.ack + len(seg.data) & MASK
        self.send(ACK)
        check(got == data, "other data than was sent")

    def still_works(self):
        """Data in both directions."""
        self.wire.drain()
        self.say(random.randbytes(1000))
        self.hear(random.randbytes(1000))
        self.wire.drain()

    def close(self):
        """Away with it."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()


class Failure(Exception):
    """A test has failed."""


def check(condition, text):
    """Fail unless the condition holds."""
    if not condition:
        raise Failure(text)


class Counted:
    """with Counted("DropX"): what happens inside is counted once (or so)."""

    def __init__(self, name, times=1):
        self.name = name
        self.times = times
        self.before = 0

    def __enter__(self):
        self.before = stat(self.name)

    def __exit__(self, kind, value, trace):
        if kind is None:
            more = stat(self.name) - self.before
            check(more == self.times,
                  f"{self.name} rose by {more}, not {self.times}")


def quiet(peer):
    """There was no answer."""
    seg = peer.answer(0.02)
    check(seg is None,
          f"an answer to {seg.to}, flags {seg.flags:#x}" if seg else "")


# ------------------------------------------------------------------- tests

BAD_OPTIONS = {
    "length 0": b"\x02\x00\x05\xb4",
    "length 1": b"\x02\x01\x05\xb4",
    "unknown, length 0": b"\xfe\x00\x00\x00",
    "unknown, length 1": b"\x01\x01\xfe\x01",
    "past the header": b"\x01\x01\xfe\x03",
    "far past the header": b"\xfe\xff\x00\x00",
    "kind without length": b"\x01\x01\x01\xfe",
    "MSS without length": b"\x01\x01\x01\x02",
    "MSS of length 2": b"\x02\x02\x01\x01",
    "MSS of length 3": b"\x02\x03\x05\x00",
    "MSS of length 5": b"\x02\x05\x05\xb4\x00\x00\x00\x00",
    "window scale of length 2": b"\x03\x02\x01\x01",
    "window scale of length 4": b"\x03\x04\x07\x07",
    "SACK-permitted of length 3": b"\x04\x03\x00\x01",
    "SACK-permitted past the header": b"\x01\x01\x01\x04",
    "SACK without a range": b"\x05\x02\x01\x01",
    "SACK of half a range": b"\x05\x06" + b"\0" * 6,
    "SACK of one range and a half": b"\x05\x0e" + b"\0" * 14,
    "SACK past the header": b"\x05\x12" + b"\0" * 10,
    "timestamps of length 2": b"\x08\x02\x01\x01",
    "timestamps of length 9": b"\x08\x09" + b"\0" * 10,
    "timestamps of length 11": b"\x08\x0b" + b"\0" * 10,
    "timestamps past the header": b"\x08\x0a" + b"\0" * 6,
    "good MSS, then bad": MSS + b"\x02\x09\x00\x00",
}


def malformed(target, wire):
    """All that is wrong with a header, whatever its flags."""
    for size in range(20):
        wire.send_ip(tcp_octets(target.port, PORT, target.nxt, target.ack,
                                ACK)[:size])
        quiet(target)
    for flags in (SYN, ACK, RST, SYN | ACK, FIN | ACK, RST | ACK):
        for offset in range(5):
            with Counted("DropBadDataOffset"), Counted("InErrs"):
                target.send(flags, b"data", offset=offset)
            quiet(target)
        for offset in (6, 7, 15):
            with Counted("DropBadDataOffset"), Counted("InErrs"):
                target.send(flags, offset=offset)
            quiet(target)
        with Counted("DropBadChecksum"), Counted("InErrs"):
            target.send(flags, bad_checksum=True)
        with Counted("DropBadChecksum"), Counted("InErrs"):
            target.send(flags, b"data" * 300, bad_checksum=True)
        quiet(target)
        for name, options in BAD_OPTIONS.items():
            try:
                with Counted("DropBadOption"), Counted("InErrs"):
                    target.send(flags, options=options)
                quiet(target)
            except Failure as failure:
                raise Failure(f"{name}: {failure}") from failure


def test_malformed_to_listener(wire, listener):
    """malformed headers to a listener"""
    malformed(Peer(wire), wire)
    check(listener.fileno() >= 0, "")


def test_malformed_to_connection(wire, listener):
    """malformed headers to an established connection"""
    peer = Peer(wire).connect(listener)
    malformed(peer, wire)
    peer.still_works()
    peer.close()


def test_harmless_oddities(wire, listener):
    """unknown options, reserved bits, garbage behind the end of options"""
    peer = Peer(wire).connect(listener)
    errors = stat("InErrs")
    for options in (b"\xfe\x04ab", b"\0\xff\xff\xff", b"\1\1\1\1", MSS,
                    b"\xfd\x28" + b"x" * 38, b"\1\1\x08\x0a" + b"t" * 8):
        peer.send(ACK, b"x", options=options)
        peer.nxt += 1
        check(peer.sock.recv(9) == b"x", "the octet does not come")
    for reserved in range(1, 16):
        peer.send(ACK, b"y", reserved=reserved)
        peer.nxt += 1
        check(peer.sock.recv(9) == b"y", "the octet does not come")
    peer.send(ACK | 0xC0, b"z")
    peer.nxt += 1
    check(peer.sock.recv(9) == b"z", "the octet does not come")
    check(stat("InErrs") == errors, "counted as errors")
    peer.still_works()
    peer.close()


def test_not_unicast(wire, listener):
    """to and from broadcast and multicast addresses"""
    peer = Peer(wire).connect(listener)
    other = Peer(wire)
    for flags in (SYN, ACK, RST):
        for target in (peer, other):
            with Counted("DropNotUnicast"):
                target.send(flags, dest="10.8.0.255")
            with Counted("DropNotUnicast"):
                target.send(flags, dest="255.255.255.255")
            with Counted("DropNotUnicast"):
                target.send(flags, dest="224.0.0.1")
            with Counted("DropNotUnicast"):
                target.send(flags, mac=BROADCAST_MAC)
            with Counted("DropNotUnicast"):
                target.send(flags, mac=bytes.fromhex("01005e000001"))
            # These the IP layer drops already.
            for source in ("224.0.0.5", "255.255.255.255", "10.8.0.255",
                           "127.0.0.1", OURS, "0.0.0.0", "240.0.0.1"):
                target.send(flags, source=source)
            quiet(target)
    check(state_of(other.port) is None, "a SYN to many made a connection")
    peer.still_works()
    peer.close()


def test_flags_in_listen(wire, listener):
    """all combinations of flags in LISTEN"""
    for flags in range(64):
        peer = Peer(wire)
        data = b"data" if flags & 32 else b""
        name = ("DropListenRst" if flags & RST else
                "DropListenAck" if flags & ACK else
                "DropListenNoSyn" if not flags & SYN else "PassiveOpens")
        with Counted(name):
            peer.send(flags, data, ack=12345)
        if flags & RST or name == "DropListenNoSyn":
            quiet(peer)
            continue
        seg = peer.answer()
        check(seg is not None, f"no answer to flags {flags:#x}")
        if flags & ACK:
            check(seg.flags == RST and seg.seq == 12345,
                  f"wrong RST for flags {flags:#x}")
        else:
            check(seg.flags == SYN | ACK and seg.ack == peer.nxt + 1 & MASK,
                  f"wrong answer to flags {flags:#x}")
            peer.send(RST, seq=1)
            check(state_of(peer.port) is None, "a request outlives a RST")
    check(listener.fileno() >= 0, "")


def test_flags_out_of_window(wire, listener):
    """all combinations of flags, before and behind the window"""
    peer = Peer(wire).connect(listener)
    for flags in range(64):
        for seq in (-70000, -len(b"data") - 3, 2000000, 1 << 31):
            for data in (b"", b"data"):
                with Counted("DropOutOfWindow"):
                    peer.send(flags, data, seq=seq)
    check(state_of(peer.port) == "ESTABLISHED", "the connection is gone")
    peer.still_works()
    peer.close()


def test_flags_in_window(wire, listener):
    """RST, SYN and what has no ACK, inside the window"""
    peer = Peer(wire).connect(listener)
    with Counted("DropRstChallenged", 3):
        peer.send(RST, seq=1)
        peer.send(RST, seq=1000)
        peer.send(RST | ACK, seq=5)
    seg = peer.answer()
    check(seg is not None and seg.flags == ACK and seg.ack == peer.nxt,
          "no challenge ACK")
    with Counted("DropSynChallenged", 4):
        peer.send(SYN)
        peer.send(SYN | ACK)
        peer.send(SYN | FIN)
        peer.send(SYN | ACK, b"data", seq=7)
    with Counted("DropNoAck", 4):
        peer.send(0)
        peer.send(FIN)
        peer.send(PSH | URG, b"data")
        peer.send(FIN | PSH | URG, b"data", seq=9)
    with Counted("DropAckOfUnsent", 2):
        peer.send(ACK, b"data", ack=1)
        peer.send(ACK | FIN, ack=100000)
    with Counted("DropAckTooOld", 1):
        peer.send(ACK, b"data", ack=-2000000)
    check(state_of(peer.port) == "ESTABLISHED", "the connection is gone")
    peer.still_works()
    peer.close()


def test_old_timestamps(wire, listener):
    """segments that are too old by their timestamps, and of any age without"""
    peer = Peer(wire, options=ALL_OPTIONS).connect(listener)
    now = 1 << 30
    with Counted("DropPaws", 3):
        peer.send(ACK, b"old", options=timestamps(now - 1, 0))
        peer.send(ACK | FIN, options=timestamps(now - (1 << 30), 0))
        peer.send(SYN, options=timestamps(now - (1 << 31) + 1, 0))
    check(state_of(peer.port) == "ESTABLISHED", "the connection is gone")
    seg = peer.answer()
    check(seg is not None and seg.flags == ACK and seg.ack == peer.nxt,
          "no ACK in answer")
    with Counted("DropPaws", 0):
        for options in (timestamps(now, 0), timestamps(now + 1, 0), b""):
            peer.send(ACK, b"x", options=options)
            peer.nxt += 1
            check(peer.sock.recv(9) == b"x", "the octet does not come")
    with Counted("DropPaws"):
        peer.send(ACK, b"old", options=timestamps(now, 0))
    peer.still_works()
    peer.close()


def test_wrong_sack(wire, listener):
    """SACK options that say what cannot be"""
    peer = Peer(wire, options=ALL_OPTIONS).connect(listener)
    peer.sock.sendall(b"d" * 1000)
    check(peer.answer() is not None, "no data comes")
    first = peer.ack
    for ranges in ((first, first + 1000), (first + 500, first + 2000),
                   (first - 500, first + 500), (first + 800, first + 100),
                   (first + 5, first + 5), (first + (1 << 31), first + 1000),
                   (1000000 + first, 1001000 + first)):
        octets = struct.pack("!BBII", 5, 10, *(edge & MASK for edge in ranges))
        for _ in range(5):
            peer.send(ACK, options=octets)
    wire.drain()
    # Once all of it, and then the truth: nothing has arrived.
    peer.send(ACK, options=struct.pack("!BBII", 5, 10, first + 1 & MASK,
                                       first + 1000 & MASK))
    got = b""
    while len(got) < 1000:
        seg = peer.answer()
        check(seg is not None, "the data does not come again")
        if seg.data and seg.seq == peer.ack:
            got += seg.data
            peer.ack = peer.ack + len(seg.data) & MASK
            peer.send(ACK)
    peer.still_works()
    peer.close()


def test_fragments(wire, listener):
    """IP fragments: whole, incomplete, with the header cut"""
    peer = Peer(wire).connect(listener)
    more = 0x2000

    data = random.randbytes(4000)
    octets = tcp_octets(peer.port, PORT, peer.nxt, peer.ack, ACK, data)
    for start in (8, 2000, 0, 1000, 3000):
        # The header itself is cut after 8 octets.
        end = {0: 8, 8: 1000, 3000: len(octets)}.get(start, start + 1000)
        last = end == len(octets)
        wire.ip_id += start == 8
        wire.send_ip(octets[start:end],
                     fragment=(0 if last else more) | start // 8)
    peer.nxt = peer.nxt + len(data) & MASK
    got = b""
    while len(got) < len(data):
        got += peer.sock.recv(5000)
    check(got == data, "other data than was sent")

    for start in (0, 8, 1000):
        wire.ip_id += 1
        wire.send_ip(octets[start:start + 500], fragment=more | start // 8)
    peer.still_works()
    peer.close()


def test_text_before_and_behind(wire, listener):
    """text that overlaps: old and new, in any order, with holes"""
    peer = Peer(wire).connect(listener)
    data = random.randbytes(40000)
    sent = []
    place = 0
    while place < len(data):
        size = random.randrange(1, 1460)
        sent.append((place, place + size))
        place += random.randrange(1, size + 1)
    random.shuffle(sent)
    for start, end in sent + sent:
        peer.send(ACK, data[start:end], seq=start)
    got = b""
    while len(got) < len(data):
        # A segment may have found no room: its sender sends it again.
        try:
            got += peer.sock.recv(100000)
        except socket.timeout:
            pass
        peer.send(ACK, data[len(got):len(got) + 1400], seq=len(got))
    check(got == data, "other data than was sent")
    peer.nxt = peer.nxt + len(data) & MASK
    peer.still_works()
    peer.close()


def random_sack(peer):
    """A SACK option: near what may be in flight, or anywhere."""
    edges = [random.getrandbits(32) if random.random() < 0.2 else
             peer.ack + random_offset(peer.window) & MASK
             for _ in range(2 * random.randrange(1, 5))]
    return bytes((5, 2 + 4 * len(edges))) + struct.pack(f"!{len(edges)}I",
                                                        *edges)


def random_options(peer):
    """Options: right, wrong, or neither."""
    kind = random.random()
    if kind < 0.5:
        return b""
    if kind < 0.55:
        return random.choice((MSS, ALL_OPTIONS))
    if kind < 0.7:
        return timestamps((1 << 30) + random_offset(1000), random.getrandbits(32))
    if kind < 0.8:
        return random_sack(peer)
    if kind < 0.9:
        return random.choice(list(BAD_OPTIONS.values()))
    return random.randbytes(random.randrange(1, 41))


def random_offset(window):
    """A distance: mostly 0, or at an edge of something."""
    edge = random.choice((0, 0, 0, 0, 1, window, window >> 1, -window, 1 << 31,
                          1000))
    return edge + random.choice((0, 0, 0, 1, -1, random.randrange(-3000, 3000)))


def send_random(peer, wire, port=None):
    """One random segment."""
    more = {}
    if random.random() < 0.03:
        more["bad_checksum"] = True
    if random.random() < 0.03:
        more["offset"] = random.randrange(16)
    flags = random.choice((ACK, ACK, ACK | PSH, ACK | FIN, RST, RST | ACK, SYN,
                           SYN | ACK, random.randrange(64),
                           random.randrange(256)))
    data = b""
    if random.random() < 0.5:
        data = b"r" * random.choice((1, 2, 100, 1460, random.randrange(3000)))
    wire.send(port or peer.port, peer.dport,
              peer.nxt + random_offset(peer.window),
              peer.ack + random_offset(65535), flags, data,
              options=random_options(peer), reserved=random.choice((0, 0, 0, 15)),
              window=random.choice((65535, 0, 1, random.randrange(65536))),
              **more)


def to_listen(peer, _listener):
    """(any port of the peer)"""
    peer.port = None


def to_syn_sent(peer, _listener):
    """connect(), which nobody answers"""
    peer.sock = edutcp_socket()
    peer.sock.setblocking(False)
    peer.sock.connect_ex((THEIRS, peer.port))
    seg = peer.answer()
    check(seg is not None and seg.flags == SYN, "no SYN")
    peer.dport = seg.source
    peer.ack = seg.seq + 1 & MASK


def to_syn_rcvd(peer, _listener):
    """SYN, and SYN,ACK"""
    peer.syn()


def to_established(peer, listener):
    """the whole handshake"""
    peer.connect(listener)


def to_fin_wait_1(peer, listener):
    """a FIN from edutcp"""
    peer.connect(listener)
    peer.sock.shutdown(socket.SHUT_WR)


def to_fin_wait_2(peer, listener):
    """... and its ACK"""
    to_fin_wait_1(peer, listener)
    peer.ack += 1
    peer.send(ACK)


def to_close_wait(peer, listener):
    """a FIN from the peer"""
    peer.connect(listener)
    peer.send(ACK | FIN)
    peer.nxt += 1


def to_last_ack(peer, listener):
    """... and one from edutcp"""
    to_close_wait(peer, listener)
    peer.sock.shutdown(socket.SHUT_WR)


def to_closing(peer, listener):
    """FINs that cross"""
    to_fin_wait_1(peer, listener)
    peer.send(ACK | FIN)
    peer.nxt += 1


def to_time_wait(peer, listener):
    """edutcp closes first, then the peer"""
    to_fin_wait_2(peer, listener)
    peer.send(ACK | FIN)
    peer.nxt += 1


STATES = {
    "LISTEN": to_listen,
    "SYN_SENT": to_syn_sent,
    "SYN_RCVD": to_syn_rcvd,
    "ESTABLISHED": to_established,
    "FIN_WAIT_1": to_fin_wait_1,
    "FIN_WAIT_2": to_fin_wait_2,
    "CLOSE_WAIT": to_close_wait,
    "LAST_ACK": to_last_ack,
    "CLOSING": to_closing,
    "TIME_WAIT": to_time_wait,
}


def random_in(state):
    """A test: random segments to a connection in this state."""
    def test(wire, listener):
        bystander = Peer(wire).connect(listener)
        # Random SYNs to connections that are over leave many requests.
        victims = listener_at(PORT + 1, 4096)
        sent = rounds = 0
        while sent < COUNT:
            peer = Peer(wire, PORT + 1, random.choice((MSS, ALL_OPTIONS)))
            STATES[state](peer, victims)
            if peer.port:
                seen = state_of(peer.port)
                check(seen == state, f"in {seen}, not in {state}")
            rounds += 1
            # A RST that is right, and the like, end it: then another.
            for _ in range(100):
                send_random(peer, wire, random.randrange(1024, 65536)
                            if state == "LISTEN" else None)
                sent += 1
                if sent % 25 == 0 and peer.port and \
                        state_of(peer.port) != state:
                    break
            if peer.sock:
                peer.close()
            wire.drain()
        bystander.still_works()
        bystander.close()
        victims.close()
        print(f"# {sent} segments to {rounds} connections")
    test.__doc__ = f"random segments in {state}"
    return test


def test_random_unacceptable(wire, listener):
    """random segments of which none may change the connection"""
    peer = Peer(wire).connect(listener)
    for number in range(2 * COUNT):
        flags = random.randrange(64)
        data = random.randbytes(random.choice((0, 1, 50, 1000)))
        case = random.randrange(4)
        if case == 0:		# behind the window, or long before it
            peer.send(flags, data, seq=random.randrange(1000000, 1 << 31))
        elif case == 1:		# nothing but RST may lack the ACK
            peer.send(flags & ~(RST | ACK), data, seq=random.randrange(30000))
        elif case == 2:		# acknowledges what was not sent
            peer.send(flags & ~RST | ACK, data,
                      ack=random.randrange(1, 1 << 31))
        else:
            peer.send(flags, data, bad_checksum=True)
        if number % 500 == 0:
            peer.still_works()
    check(state_of(peer.port) == "ESTABLISHED", "the connection is gone")
    peer.still_works()
    peer.close()


def main():
    """Run all tests."""
    if libc.unshare(CLONE_NEWNET):
        print("1..0 # SKIP cannot make a network namespace")
        return 4
    capture = capture_namespace("bad_input")
    try:
        wire = Wire()
    except OSError as error:
        print(f"1..0 # SKIP no tap device: {error}")
        return 4
    listener = listener_at(PORT)
    tests = [test_malformed_to_listener, test_malformed_to_connection,
             test_harmless_oddities, test_not_unicast, test_flags_in_listen,
             test_flags_out_of_window, test_flags_in_window,
             test_old_timestamps, test_wrong_sack, test_fragments,
             test_text_before_and_behind, test_random_unacceptable]
    tests += [random_in(state) for state in STATES]

    print("TAP version 13")
    print(f"1..{len(tests)}")
    failed = 0
    for number, test in enumerate(tests, 1):
        random.seed(SEED + number)
        result = "ok"
        start = time.monotonic()
        wire.drain()
        try:
            test(wire, listener)
        except (Failure, OSError) as error:
            test_failed(test.__name__)
            print(f"# {type(error).__name__}: {error}")
            result = "not ok"
            failed += 1
        name = test.__doc__.splitlines()[0]
        print(f"# {time.monotonic() - start:.1f} s")
        print(f"{result} {number} {name}", flush=True)
    capture.close()
    return 1 if failed else 0


sys.exit(main())
