# SPDX-License-Identifier: GPL-2.0
"""librecord.py - what is on the cable, and which states are gone through"""

import collections
import ctypes
import os
import re
import select
import socket
import struct
import time

from libhost import Failure
from libsegment import Segment

TRACING = "/sys/kernel/tracing"

Move = collections.namedtuple("Move", "time netns local remote old new cause")


class Trace:
    """Changes of state, from a trace instance of our own."""

    EVENT = re.compile(
        r"(\d+)\.(\d+): edutcp_state: netns=(\d+) local=([\d.]+):(\d+) "
        r"remote=([\d.]+):(\d+) (\w+) -> (\w+): (.*)")

    def __init__(self):
        self.folder = "%s/instances/edutcp-%d" % (TRACING, os.getpid())
        self.moves = []
        self.rest = ""
        # An instance inherits this option. Names of tasks, which are not
        # looked at here, would be noted by a probe in the scheduler.
        with open(TRACING + "/options/record-cmd", "r+") as option:
            before = option.read()
            option.write("0")
            option.flush()
            os.mkdir(self.folder)
            option.write(before)
        # The packets' clock, but for whole seconds.
        self._write("trace_clock", "tai")
        self.tai = round(time.clock_gettime(time.CLOCK_TAI) - time.time())
        self._write("events/edutcp/edutcp_state/enable", "1")
        self.pipe = os.open(self.folder + "/trace_pipe",
                            os.O_RDONLY | os.O_NONBLOCK)

    def _write(self, path, text):
        with open(self.folder + "/" + path, "w") as file:
            file.write(text)

    def update(self):
        while True:
            try:
                self.rest += os.read(self.pipe, 65536).decode()
            except BlockingIOError:
                break
        *lines, self.rest = self.rest.split("\n")
        for line in lines:
            match = self.EVENT.search(line)
            if match:
                self.moves.append(self._move(*match.groups()))

    def _move(self, seconds, micros, netns, laddr, lport, raddr, rport, old,
              new, cause):
        when = int(seconds) - self.tai + int(micros.ljust(6, "0")) / 1e6
        return Move(when, int(netns), (laddr, int(lport)),
                    (raddr, int(rport)), old, new, cause)

    def close(self):
        self._write("events/edutcp/edutcp_state/enable", "0")
        os.close(self.pipe)
        os.rmdir(self.folder)


class Recorder:
    """Segments at a host's device, and changes of state on both hosts.

    With only one host, its "lo" is recorded. With ends_only, segments with
    none of SYN, FIN and RST are left out, so a long transfer can be recorded.
    The segments wait in the kernel until somebody asks: nothing runs beside
    the test.
    """

    def __init__(self, scenario, left, right=None, ends_only=False):
        self.scenario = scenario
        self.left = left
        self.right = right
        self.segments = []
        self.since = time.time()
        self.trace = scenario.trace()
        self.alone = right is None
        with left.inside():
            self.sock = socket.socket(socket.AF_PACKET,
                                      socket.SOCK_RAW | socket.SOCK_NONBLOCK)
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # RCVBUFFORCE
        self.sock.setsockopt(socket.SOL_SOCKET, 35, 1)  # TIMESTAMPNS
        self.sock.setsockopt(263, 8, 1)     # SOL_PACKET, PACKET_AUXDATA
        self._filter(ends_only)
        # Only ETH_P_ALL sees what a host sends.
        self.sock.bind(("lo" if self.alone else left.device, 3))

    def _filter(self, ends_only):
        """Only TCP over IPv4: a classic BPF program."""
        program = [
            (0x28, 0, 0, 12),           # ldh the Ethernet type
            (0x15, 0, 6, 0x0800),       # IPv4, or drop
            (0x30, 0, 0, 23),           # ldb the protocol
            (0x15, 0, 4, 6),            # TCP, or drop
            (0xb1, 0, 0, 14),           # ldxb the IP header's length
            (0x50, 0, 0, 14 + 13),      # ldb the control bits, behind it
            (0x45, 0, 1, 0x07 if ends_only else 0xff),
            (0x06, 0, 0, 0xffffffff),   # accept
            (0x06, 0, 0, 0),            # drop
        ]
        code = b"".join(struct.pack("HBBI", *line) for line in program)
        buffer = ctypes.create_string_buffer(code)
        self.sock.setsockopt(socket.SOL_SOCKET, 26,     # SO_ATTACH_FILTER
                             struct.pack("HP", len(program),
                                         ctypes.addressof(buffer)))

    def update(self):
        """Take in what has happened."""
        while True:
            try:
                frame, notes, _, sender = self.sock.recvmsg(1 << 17, 256)
            except BlockingIOError:
                break
            # On "lo" everything passes twice: sent, and received.
            if self.alone and sender[2] != 4:   # PACKET_OUTGOING
                continue
            when, partial = time.time(), False
            for level, kind, data in notes:
                if (level, kind) == (socket.SOL_SOCKET, 35):
                    seconds, nanos = struct.unpack("qq", data[:16])
                    when = seconds + nanos / 1e9
                elif (level, kind) == (263, 8):
                    # TP_STATUS_CSUMNOTREADY
                    partial = bool(struct.unpack("I", data[:4])[0] & 8)
            self.segments.append(Segment(when, frame[14:], partial))
        self.trace.update()

    def sent(self, source=None, destination=None, kind=None, text=None):
        """The segments so far: from an endpoint, to an endpoint, with these
        flags ("SYN,ACK"), with or without text. An endpoint is (address,
        port); either may be None."""
        self.update()
        return [s for s in self.segments
                if _is(s.source, source) and _is(s.destination, destination)
                and kind in (None, s.kind())
                and text in (None, bool(s.text))]

    def moves(self, host, local=None, remote=None):
        """Changes of state on a host."""
        self.update()
        return [m for m in self.trace.moves
                if m.netns == host.inode and m.time >= self.since
                and _is(m.local, local) and _is(m.remote, remote)]

    def path(self, host, local, remote):
        """The states that an endpoint has gone through."""
        moves = self.moves(host, local, remote)
        return [m.old for m in moves[:1]] + [m.new for m in moves]

    def expect_states(self, host, local, remote, states, seconds=30):
        """An endpoint goes through these states and no others.

        Waits for the last of them. The first change that leads elsewhere is
        reported at once.
        """
        name = "%s %s -> %s" % (host.name, _name(local), _name(remote))
        wanted = list(zip(states, states[1:]))
        expected = "%s was expected to go %s" % (name, " -> ".join(states))
        end = time.monotonic() + seconds
        while True:
            moves = self.moves(host, local, remote)
            for move, (old, new) in zip(moves, wanted):
                if (move.old, move.new) != (old, new):
                    raise Failure("%s\nbut instead of %s -> %s it went "
                                  "%s -> %s (%s)" % (expected, old, new,
                                                     *move[4:]))
            if len(moves) > len(wanted):
                raise Failure("%s\nbut then went on %s -> %s (%s)" %
                              ((expected,) + moves[len(wanted)][4:]))
            if len(moves) == len(wanted):
                return moves
            if time.monotonic() > end:
                missing = wanted[len(moves)]
                raise Failure("%s\nbut after %d s it still has not gone "
                              "%s -> %s" % (expected, seconds, *missing))
            select.select([self.trace.pipe], [], [], 0.02)

    # the ladder

    def ladder(self, limit=120):
        """All that was recorded, connection by connection, as text."""
        self.update()
        connections = {}
        moves = [m for m in self.trace.moves if m.time >= self.since and
                 m.netns in [h.inode for h in (self.left, self.right) if h]]
        for event in sorted(self.segments + moves, key=lambda e: e.time):
            ends = ((event.source, event.destination)
                    if isinstance(event, Segment)
                    else (event.local, event.remote))
            # A listener has no peer; it is no connection.
            if ends[1] != ("0.0.0.0", 0):
                connections.setdefault(frozenset(ends), []).append(event)
        lines = []
        for events in connections.values():
            lines += self._rungs(events)
        if len(lines) > limit:
            lines = (lines[:limit // 2] +
                     ["... %d lines more ..." % (len(lines) - limit)] +
                     lines[-limit // 2:])
        return lines

    def _rungs(self, events):
        first = events[0]
        segments = [e for e in events if isinstance(e, Segment)]
        a = segments[0].source if segments else first.local
        b = segments[0].destination if segments else first.remote
        if not self.alone and b[0] == self.left.address:
            a, b = b, a
        base, clock = {}, {}
        for segment in segments:
            base.setdefault(segment.source, segment.seq)
            if "TS" in segment.options:
                clock.setdefault(segment.source, segment.options["TS"][0])
        for segment in segments:        # the peer may never have spoken
            if "ACK" in segment.flags:
                base.setdefault(segment.destination, segment.ack - 1)
        left = "%s %s" % (self.left.name, _name(a))
        right = "%s %s" % ((self.right or self.left).name, _name(b))
        lines = ["%10s  %-56s%s" % ("ms", left, right)]
        for event in events:
            when = (event.time - self.since) * 1000
            if isinstance(event, Segment):
                text = self._arrow(event, base, clock, event.source == a)
            else:
                text = "%s -> %s: %s" % (event.old, event.new, event.cause)
                if event.local != a:
                    text = " " * 56 + text
            lines.append("%10.3f  %s" % (when, text))
        return lines

    @staticmethod
    def _arrow(segment, base, clock, rightwards):
        words = [segment.kind() or "(no flags)",
                 "seq=%d" % ((segment.seq - base[segment.source]) % 2**32)]
        if "ACK" in segment.flags:
            words.append("ack=%d" % ((segment.ack -
                                      base[segment.destination]) % 2**32))
        if segment.text:
            words.append("len=%d" % len(segment.text))
        words.append("win=%d" % segment.window)
        words += _option_words(segment, base, clock)
        if segment.checksum_ok is False:
            words.append("BAD CHECKSUM")
        text = " ".join(words)
        dashes = "-" * max(2, 50 - len(text))
        return (" " * 8 + text + " " + dashes + ">" if rightwards
                else " " * 8 + "<" + dashes + " " + text)

    def close(self):
        self.sock.close()


def _option_words(segment, base, clock):
    """Options in words; sequence numbers and clocks begin at 0, as the rest
    of a ladder does."""
    for name, value in segment.options.items():
        if name == "sackOK":
            yield name
        elif name == "sack":
            zero = base.get(segment.destination, 0)
            yield "sack=" + ",".join(
                "%d-%d" % tuple((edge - zero) % 2**32 for edge in edges)
                for edges in value)
        elif name == "TS":
            val, ecr = value
            val -= clock[segment.source]
            if ecr:
                ecr -= clock.get(segment.destination, 0)
            yield "TS=%d:%d" % (val % 2**32, ecr % 2**32)
        else:
            yield "%s=%s" % (name, value)


def _is(endpoint, wanted):
    """Is an endpoint the one wanted, of which parts may be None?"""
    return wanted is None or all(w in (None, e)
                                 for e, w in zip(endpoint, wanted))


def _name(endpoint):
    return "%s:%s" % tuple("*" if part is None else part for part in endpoint)
