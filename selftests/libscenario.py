# SPDX-License-Identifier: GPL-2.0
"""libscenario.py - hosts, sockets and a recorder for tests of edutcp

A test is a function that is handed a Scenario:

	from libscenario import test, run

	@test("a closed port refuses")
	def closed_port(t):
	    client, server = t.hosts()
	    t.record(client, server)
	    ...
	    t.equal(error, errno.ECONNREFUSED, "error of connect()")

	run()

run() runs the tests of a file one by one and prints TAP. A Scenario takes
away whatever it has made, and when a test fails it shows what it knows: every
segment and every change of state in order of time, as a ladder, and the table
of connections of each host. To wait for something, name it: then a test that
waits in vain can say for what.
"""

import collections
import contextlib
import ctypes
import fcntl
import inspect
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

AF_EDUTCP = 19
TRACING = "/sys/kernel/tracing"

libc = ctypes.CDLL(None, use_errno=True)


class Failure(AssertionError):
    """The claim of a test does not hold."""


class Skip(Exception):
    """The test cannot be run here."""


# ------------------------------------------------------------------ namespaces

@contextlib.contextmanager
def inside(netns):
    """Be in a network namespace, given as an open file, for a while.

    Only the calling thread is. Sockets made meanwhile stay there, and so do
    programs that are started.
    """
    with open("/proc/thread-self/ns/net") as before:
        _enter(netns)
        try:
            yield
        finally:
            _enter(before)


def _enter(netns):
    if libc.setns(netns.fileno(), 0x40000000):      # CLONE_NEWNET
        error = ctypes.get_errno()
        raise OSError(error, "setns: " + os.strerror(error))


def preload_library():
    """The path of libedutcp-preload.so, made by "make userspace"."""
    name = "libedutcp-preload.so"
    folder = os.path.dirname(os.path.abspath(__file__))
    while folder != "/":
        for path in ("userspace/", "build/userspace/"):
            if os.path.exists(os.path.join(folder, path, name)):
                return os.path.join(folder, path, name)
        folder = os.path.dirname(folder)
    raise Skip(name + " has not been built")


class Host:
    """A network namespace, with a cable to another or with only "lo"."""

    def __init__(self, scenario, name, netns, address, device):
        self.scenario = scenario
        self.name = name        # "client", "server"
        self.netns = netns      # as ip(8) knows it
        self.address = address
        self.device = device
        self.file = open("/run/netns/" + netns)
        self.inode = os.fstat(self.file.fileno()).st_ino

    def inside(self):
        return inside(self.file)

    # sockets

    def edutcp(self, nonblocking=False):
        """A new AF_EDUTCP socket of this host."""
        kind = socket.SOCK_STREAM | socket.SOCK_CLOEXEC
        with self.inside():
            fd = libc.socket(AF_EDUTCP, kind, 0)
        if fd < 0:
            error = ctypes.get_errno()
            raise OSError(error, "socket(AF_EDUTCP): " + os.strerror(error))
        # All but the family's number is as with TCP.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM,
                             socket.IPPROTO_TCP, fileno=fd)
        sock.setblocking(not nonblocking)
        self.scenario.defer(sock.close)
        return sock

    def stock(self):
        """A new TCP socket of this host, of the kernel's own stack."""
        with self.inside():
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.scenario.defer(sock.close)
        return sock

    def listen(self, port=0, backlog=128, stock=False, reuse=True):
        """A socket that listens on all addresses."""
        sock = self.stock() if stock else self.edutcp()
        if reuse:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", port))
        sock.listen(backlog)
        return sock

    # programs and files

    def run(self, *command, stdin=None, check=True):
        """Run a program to its end and return what it has printed."""
        self.scenario.doing = "running " + " ".join(command)
        with self.inside():
            done = subprocess.run(command, input=stdin, text=True,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        if check and done.returncode:
            raise Failure("%s: exit status %d\n%s" %
                          (" ".join(command), done.returncode, done.stdout))
        return done.stdout

    def start(self, *command, preload=False, **options):
        """Start a program, over edutcp if preload is set; it is killed in
        the end."""
        environment = dict(os.environ)
        if preload:
            environment["LD_PRELOAD"] = preload_library()
        with self.inside():
            process = subprocess.Popen(command, env=environment,
                                       stdin=subprocess.DEVNULL, **options)

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
        self.scenario.defer(end)
        return process

    def read(self, path):
        """A file of /proc that differs from namespace to namespace."""
        with self.inside(), open(path) as file:
            return file.read()

    def set(self, knob, value):
        """Set a knob of sysctl(8), such as "net.edutcp.time_wait_ms"."""
        path = "/proc/sys/" + knob.replace(".", "/")
        with self.inside(), open(path, "w") as file:
            file.write(str(value))

    def stats(self):
        """The counters of /proc/edutcp/stats."""
        lines = self.read("/proc/thread-self/net/edutcp/stats").splitlines()
        return {name: int(value) for name, value in map(str.split, lines)}

    def table(self):
        """/proc/edutcp/connections as it is."""
        return self.read("/proc/thread-self/net/edutcp/connections")

    def rows(self, **wanted):
        """The rows of /proc/edutcp/connections with the values wanted.

        A row is a dict by the names of the columns; "local" and "remote" are
        (address, port).
        """
        rows = []
        lines = self.table().splitlines()
        names = lines[0].split()
        for line in lines[1:]:
            row = dict(zip(names, line.split()))
            for name, value in row.items():
                if name in ("local", "remote"):
                    address, port = value.split(":")
                    row[name] = (address, int(port))
                elif value.isdigit():
                    row[name] = int(value)
            if all(row[name] == value for name, value in wanted.items()):
                rows.append(row)
        return rows

    def has_stock_row(self, port, state="01"):
        """Does the stock stack have a socket in this state (01: established,
        0A: listening) with this local port? See /proc/net/tcp."""
        table = self.read("/proc/thread-self/net/tcp")
        return re.search(r": \w{8}:%04X \w{8}:\w{4} %s " % (port, state),
                         table) is not None

    # the cable

    def cable(self, *netem):
        """How this host's end of the cable treats what it sends; the words
        are those of tc-netem(8). Without any, it is a good cable."""
        verb = ("replace",) if netem else ("del",)
        netem = ("netem",) + netem if netem else ()
        self.run("tc", "qdisc", *verb, "dev", self.device, "root", *netem,
                 check=bool(netem))

    def drop(self, match, first=None):
        """Drop arriving segments that match, in the words of nft(8): all, or
        only the first few. They are recorded all the same."""
        if first is not None:
            match += " numgen inc mod 1000000 < %d" % first
        self.run("nft", "-f", "-", stdin="""
            table ip scenario
            delete table ip scenario
            table ip scenario {
                chain arriving {
                    type filter hook prerouting priority raw;
                    %s counter drop
                }
            }""" % match)

    def drop_nothing(self):
        self.run("nft", "delete", "table", "ip", "scenario")

    def without_offload(self):
        """Let the device do nothing of TCP's work: then what is recorded has
        its checksum, and is cut into segments as on a wire."""
        # SIOCETHTOOL with ETHTOOL_STSO, SGSO, SGRO, SRXCSUM, STXCSUM; on
        # "lo" the last two are always on.
        commands = (0x1f, 0x24, 0x2c, 0x15, 0x17)
        with self.inside(), socket.socket() as sock:
            for command in commands[:3 if self.device == "lo" else 5]:
                value = ctypes.create_string_buffer(
                    struct.pack("II", command, 0))
                fcntl.ioctl(sock, 0x8946,
                            struct.pack("16sP16x", self.device.encode(),
                                        ctypes.addressof(value)))


# ---------------------------------------------------------------- the recorder

class Segment:
    """A TCP segment as it was on the cable."""

    BITS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")

    def __init__(self, when, packet, partial=False):
        ip_len = (packet[0] & 15) * 4
        total = struct.unpack("!H", packet[2:4])[0]
        source, destination = (socket.inet_ntoa(packet[i:i + 4])
                               for i in (12, 16))
        tcp = packet[ip_len:total]
        (sport, dport, self.seq, self.ack, offset, bits, self.window,
         self.checksum, self.urgent) = struct.unpack("!HHIIBBHHH", tcp[:20])
        self.time = when
        self.source = (source, sport)
        self.destination = (destination, dport)
        self.flags = {name for i, name in enumerate(self.BITS)
                      if bits & 1 << i}
        self.layout, self.options = _parse_options(tcp[20:(offset >> 4) * 4])
        self.text = tcp[(offset >> 4) * 4:]
        # None: nobody has computed it, for the segment stays in the machine.
        pseudo = packet[12:20] + struct.pack("!HH", 6, len(tcp))
        self.checksum_ok = None if partial else _sum(pseudo + tcp) == 0xffff
        self.ip_checksum_ok = _sum(packet[:ip_len]) == 0xffff

    def is_bare(self):
        """Is it an ACK and nothing else?"""
        return self.flags == {"ACK"} and not self.text

    def length(self):
        """SEG.LEN: the sequence numbers it takes."""
        return len(self.text) + ("SYN" in self.flags) + ("FIN" in self.flags)

    def kind(self):
        """Flags as in "SYN,ACK", without PSH, which is of no consequence."""
        order = ("SYN", "FIN", "RST", "ACK", "URG")
        return ",".join(name for name in order if name in self.flags)


def _parse_options(octets):
    """The options of a header: their names in order, and their values.

    {"mss": 1460, "wscale": 3, "sackOK": True, "TS": (val, ecr),
    "sack": [(start, end)...], kind: octets...}
    """
    layout, options = [], {}
    while octets and octets[0]:
        kind = octets[0]
        length = 1 if kind == 1 else max(octets[1], 2) if octets[1:] else 2
        value, octets = octets[2:length], octets[length:]
        name = {1: "nop", 2: "mss", 3: "wscale", 4: "sackOK"}.get(kind, kind)
        if name in ("mss", "wscale"):
            value = int.from_bytes(value, "big")
        elif name == "sackOK":
            value = True
        elif kind == 5 and len(value) % 8 == 0:
            name, value = "sack", list(struct.iter_unpack("!II", value))
        elif kind == 8 and len(value) == 8:
            name, value = "TS", struct.unpack("!II", value)
        layout.append(name)
        if name != "nop":
            options[name] = value
    return layout, options


def _sum(octets):
    """The Internet checksum's sum of 16-bit words."""
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


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
        os.mkdir(self.folder)
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
            (0x15, 0, 5, 0x0800),       # IPv4, or drop
            (0x30, 0, 0, 23),           # ldb the protocol
            (0x15, 0, 3, 6),            # TCP, or drop
            (0x30, 0, 0, 47),           # ldb the control bits
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


# ---------------------------------------------------------------- the scenario

class Task:
    """A function that runs in a thread of its own."""

    def __init__(self, scenario, function, *arguments):
        self.scenario = scenario
        self.name = function.__name__
        self.value = self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True,
                                       args=(function, arguments))
        self.thread.start()

    def _run(self, function, arguments):
        try:
            self.value = function(*arguments)
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def result(self, seconds=60):
        """What the function has returned; its exception is raised here."""
        self.scenario.doing = "waiting for %s()" % self.name
        self.thread.join(seconds)
        if self.thread.is_alive():
            raise Failure("%s() has not ended after %d s" %
                          (self.name, seconds))
        if self.error:
            raise self.error
        return self.value


class Scenario:
    """What a test makes, and how it says what it expects."""

    count = 0       # of pairs of hosts, so that each has names of its own

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.all_hosts = []
        self.recorders = []
        self.doing = "at its beginning"
        self._trace = None

    def defer(self, function, *arguments):
        """Call a function when the test is over; the last one first."""
        self.stack.callback(function, *arguments)

    def hosts(self, offload=True):
        """Two hosts and a cable between them:

            netns client-PID-N            netns server-PID-N
              c0 10.7.0.1/24 =============== s0 10.7.0.2/24

        As with two-hosts.sh: they know each other's hardware addresses, so
        there is nothing on the cable but what the test sends.
        """
        Scenario.count += 1
        suffix = "-%d-%d" % (os.getpid(), Scenario.count)
        client, server = "client" + suffix, "server" + suffix
        self.doing = "making two hosts"
        self.defer(_ip, None, "netns delete %s\nnetns delete %s" %
                   (client, server))
        _ip(None, """
            netns add {0}
            netns add {1}
            link add c0 netns {0} address 02:00:00:00:00:01 type veth peer name s0 netns {1} address 02:00:00:00:00:02
            """.format(client, server))
        pair = []
        for i, (name, netns) in enumerate((("client", client),
                                           ("server", server)), 1):
            _ip(netns, """
                link set dev {0}0 addrgenmode none
                link set dev lo up
                link set dev {0}0 up
                address add 10.7.0.{1}/24 dev {0}0
                neighbour replace 10.7.0.{2} lladdr 02:00:00:00:00:0{2} dev {0}0 nud permanent
                """.format(name[0], i, 3 - i))
            host = Host(self, name, netns, "10.7.0.%d" % i, name[0] + "0")
            self.defer(host.file.close)
            pair.append(host)
            if not offload:
                host.without_offload()
        self.all_hosts += pair
        return pair

    def trace(self):
        if not self._trace:
            self._trace = Trace()
            self.defer(self._trace.close)
        return self._trace

    def record(self, left, right=None, ends_only=False):
        recorder = Recorder(self, left, right, ends_only)
        self.defer(recorder.close)
        self.recorders.append(recorder)
        return recorder

    def background(self, function, *arguments):
        return Task(self, function, *arguments)

    # claims

    @staticmethod
    def check(condition, what):
        if not condition:
            raise Failure("this does not hold: " + what)

    @staticmethod
    def equal(got, wanted, what):
        if got != wanted:
            raise Failure("%s: expected %s, got %s" %
                          (what, _brief(wanted), _brief(got)))

    @staticmethod
    def refuses(error, function, *arguments):
        """A call fails with an error number."""
        what = getattr(function, "__name__", "call")
        try:
            function(*arguments)
        except OSError as raised:
            if raised.errno == error:
                return
            raise Failure("%s%r: expected %s, got %s" %
                          (what, arguments, os.strerror(error),
                           raised)) from raised
        raise Failure("%s%r: expected %s, but it succeeded" %
                      (what, arguments, os.strerror(error)))

    def wait_for(self, predicate, what, seconds=30):
        """Wait until something holds, and return it."""
        self.doing = "waiting for " + what
        end = time.monotonic() + seconds
        while True:
            result = predicate()
            if result:
                return result
            if time.monotonic() > end:
                raise Failure("waited %d s for %s" % (seconds, what))
            time.sleep(0.01)

    def wait_for_row(self, host, what=None, seconds=30, **wanted):
        """Wait for a row of /proc/edutcp/connections, and return it."""
        what = what or "a row on the %s with %s" % (
            host.name, ", ".join("%s=%s" % pair for pair in wanted.items()))
        return self.wait_for(lambda: host.rows(**wanted), what, seconds)[0]

    def wait_for_sent(self, recorder, what, count=1, seconds=30, **wanted):
        """Wait for segments, and return all that Recorder.sent() finds."""
        def found():
            sent = recorder.sent(**wanted)
            return sent if len(sent) >= count else None
        return self.wait_for(found, what, seconds)

    def show(self):
        """What is known, for whoever must find out why a test has failed."""
        for recorder in self.recorders:
            yield from recorder.ladder()
        for host in self.all_hosts:
            try:
                lines = host.table().splitlines()
            except OSError as error:
                lines = [error]
            yield "/proc/edutcp/connections on the %s:" % host.name
            yield from lines[:20]
            if len(lines) > 20:
                yield "... %d lines more" % (len(lines) - 20)

    def close(self):
        self.stack.close()


def _brief(value, limit=1000):
    """A value in words, if need be only its beginning."""
    text = repr(value)
    return text if len(text) <= limit else "%s... (%d characters)" % (
        text[:limit], len(text))


def _ip(netns, batch):
    """Let ip(8) do several things in one go: programs start slowly in a VM."""
    command = ["ip"] + (["-n", netns] if netns else []) + ["-batch", "-"]
    lines = "\n".join(line.strip() for line in batch.strip().splitlines())
    done = subprocess.run(command, input=lines + "\n", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failure("ip(8) failed: " + done.stdout)


# ------------------------------------------------------------------------- TAP

_tests = []


def test(name, seconds=120):
    """Make a function a test of this name, with a limit to its time."""
    def register(function):
        _tests.append((name, seconds, function))
        return function
    return register


def diagnose(lines):
    for line in lines:
        for part in str(line).split("\n"):
            print("# " + part, flush=True)


def _run_one(function, seconds):
    """Return "ok", "not ok" or "ok # SKIP why"."""
    t = Scenario()

    def too_late(_signal, frame):
        while frame and frame.f_code is not function.__code__:
            frame = frame.f_back
        where = " (line %d)" % frame.f_lineno if frame else ""
        raise Failure("not done after %d s, last seen %s%s" %
                      (seconds, t.doing, where))
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(seconds)
    verdict = "ok"
    try:
        function(t)
    except Skip as reason:
        verdict = "ok # SKIP " + str(reason)
    except Exception as error:      # pylint: disable=broad-except
        signal.alarm(0)
        verdict = "not ok"
        diagnose([error if isinstance(error, Failure)
                  else traceback.format_exc()])
        lines = [entry.lineno for entry in
                 traceback.extract_tb(error.__traceback__)
                 if entry.name == function.__name__]
        diagnose(["at line %d of %s" % (lines[-1],
                                        inspect.getfile(function))]
                 if lines else [])
        try:
            diagnose(t.show())
        except Exception:           # pylint: disable=broad-except
            diagnose(["no more is known:", traceback.format_exc()])
    finally:
        # The rest must not hang either.
        signal.alarm(60)
        try:
            t.close()
        except Exception:           # pylint: disable=broad-except
            verdict = "not ok"
            diagnose(["in cleaning up:", traceback.format_exc()])
        signal.alarm(0)
    return verdict


def run():
    """Run the tests of the file (or those whose names contain the word given
    as argument) and exit."""
    if os.geteuid():
        print("1..0 # SKIP not root")
        sys.exit(4)
    chosen = [entry for entry in _tests
              if all(word in entry[0] for word in sys.argv[1:])]
    print("TAP version 13\n1..%d" % len(chosen), flush=True)
    # Timestamps of packets cost time, so the kernel takes them only while
    # some socket wants them, and begins with a delay: want them all along.
    keeper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    keeper.setsockopt(socket.SOL_SOCKET, 35, 1)
    failed = False
    for number, (name, seconds, function) in enumerate(chosen, 1):
        begun = time.monotonic()
        verdict = _run_one(function, seconds)
        failed |= verdict.startswith("not")
        diagnose(["%.1f s" % (time.monotonic() - begun)])
        status, _, skip = verdict.partition(" # ")
        print("%s %d %s%s" % (status, number, name,
                              " # " + skip if skip else ""), flush=True)
    # Threads that hang must not keep the program.
    os._exit(1 if failed else 0)    # pylint: disable=protected-access


@contextlib.contextmanager
def scratch():
    """A folder for a test's files."""
    with tempfile.TemporaryDirectory(prefix="edutcp-") as folder:
        yield folder
