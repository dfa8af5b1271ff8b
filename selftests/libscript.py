# SPDX-License-Identifier: GPL-2.0
"""libscript.py - scripts that play the peer of a socket, segment by segment

A file has several scripts. The title of a script says what it shows; its lines
are indented:

	A SYN brings SYN_RCVD, and the ACK of our SYN ESTABLISHED
		listen
		< S 0 <mss 1000>
		> S. 0 ack 1
		state SYN_RCVD
		< . 1 ack 1
		accept
		state ESTABLISHED

"<" lets a segment arrive, ">" expects one to be sent (libnotation.py has how
they are written). Whatever is sent must be expected, in its order and in its
time: at once, or, where the line begins with a time, so many milliseconds
after what was before it:

	+200 > P. 1:101 ack 1		after 200 ms
	+30..50 > . 1 ack 101		after 30 to 50 ms

With other lines the time is a pause. A window that is not given is that of the
segment before; at first 65535. The text on either side is known by its
sequence numbers (libnotation.text()), so that it is always checked.

"->" in a user call is what it returns: a number, or the name of an error.

	socket				only if options are to be set early
	bind PORT			any port if there is no such line
	listen [BACKLOG]		at port 80
	connect				does not wait; -> EINPROGRESS
	accept				-> EAGAIN
	send OCTETS [more] [oob]	all of them are taken, or -> so many
	recv OCTETS			that is all there is; -> EOF, -> EAGAIN
	take OCTETS			the same, but there may be more
	shutdown rd|wr|rdwr
	linger SECONDS
	setsockopt NAME NUMBER
	getsockopt NAME -> NUMBER	of SO_ERROR the name
	close
	close listener

What is looked at:

	state NAME [COLUMN VALUE ...]	in /proc/edutcp/connections; CLOSED where
					there is no row, LISTEN where there is
					only the listener's
	poll EVENT ...			IN OUT RDHUP HUP ERR, or "nothing"
	stat NAME NUMBER		a counter of /proc/edutcp/stats
	quiet MILLISECONDS		nothing is sent

A segment that arrives may be followed by "; drop NAME": it makes the counter
DropNAME rise by one. These stand for several lines:

	established [win N] [<OPTIONS>]	passive open, accepted; mss 1000
	connected [win N] [<OPTIONS>]	active open
	spoken [win N] [<OPTIONS>]	established, and then 16 octets have
					arrived, so that ACKs are delayed

And others:

	as NAME				from now on another peer is meant, at a
					port of its own; the first one is A
	anew				the next SYN of ours has a new ISN
	< icmp NAME [seq N] [mtu N]	about our last segment, or an older one
	set NAME VALUE			net.edutcp.NAME
	mtu OCTETS			of the device
	needs sysctl NAME		a script for what is not there yet
	not stock: REASON		the stock stack does otherwise
"""

import errno
import inspect
import os
import re
import select
import socket
import struct
import time

from libhost import Failure
from libnotation import (BITS, NAMES, Written, join_options, option_octets, relative,
                         same_options, text, write_options)
from libsegment import icmp_octets, ip_octets, tcp_octets
from libstage import LOCAL

PORT = 80
PEER_PORT = 4000
# So many seconds later is still at once. A delayed ACK waits 40 ms.
SOON = 0.025
# A timer counts from a tick of its clock; and the longer the kernel's timers
# run, the coarser they are: an eighth of the time, at the most.
EARLY = 0.003
LATE = 1.125

# net.edutcp.NAME is net.ipv4.THIS for the stock stack.
STOCK_KNOBS = {
    "syn_retries": "tcp_syn_retries",
    "synack_retries": "tcp_synack_retries",
    "protect_time_wait": "tcp_rfc1337",
    "timestamps": "tcp_timestamps",
    "sack": "tcp_sack",
    "keepalive_probes": "tcp_keepalive_probes",
}

ICMP = {
    "net-unreachable": (3, 0), "host-unreachable": (3, 1),
    "protocol-unreachable": (3, 2), "port-unreachable": (3, 3),
    "frag-needed": (3, 4), "time-exceeded": (11, 0),
    "parameter-problem": (12, 0), "source-quench": (4, 0),
}

MACROS = {
    "established": """
        listen
        < S 0 {window} {options}
        > S. 0 ack 1
        < . 1 ack 1 {window} {sent}
        accept""",
    "connected": """
        connect
        > S 0
        < S. 0 ack 1 {window} {options}
        > . 1 ack 1 {seen}
        state ESTABLISHED""",
    # The first ACKs of a connection are not delayed: let them have been.
    "spoken": "established {window} {options}\n" + "\n".join(
        "< . %d:%d ack 1 {sent}\n> . 1 ack %d {seen}" % (n, n + 1, n + 1)
        for n in range(1, 17)),
}


class Line:
    """A line of a script."""

    FORM = re.compile(r"(?:\+(\d+)(?:\.\.(\d+))? )?(\S+) ?(.*)$")

    def __init__(self, writing, number, source):
        self.writing = writing
        self.number = number
        self.source = source        # what stands in the file
        low, high, self.word, rest = self.FORM.match(writing).groups()
        # When, in seconds since what was before: from, to
        self.time = low and (int(low) / 1000, int(high or low) / 1000)
        self.exact = not high
        rest, _, self.drop = rest.partition("; drop ")
        rest, _, self.result = rest.partition("-> ")
        self.rest = rest.strip()
        self.words = rest.split()
        self.segment = None
        if self.word in "<>" and self.words[0] != "icmp":
            self.segment = Written(self.rest)


class Script:
    """A title, and lines."""

    def __init__(self, title, file):
        self.title = title
        self.file = file
        self.lines = []
        self.needs = []
        self.not_stock = None
        self.mtu = 1500

    def is_alone(self):
        """Must it have a stage to itself, with its knobs and counters?"""
        return self.mtu != 1500 or any(line.word in ("set", "stat")
                                       for line in self.lines)

    def add(self, writing, number):
        """Take in a line."""
        word, _, rest = writing.partition(" ")
        if word == "needs":
            self.needs.append(rest.split()[1])
        elif writing.startswith("not stock:"):
            self.not_stock = writing.partition(": ")[2]
        elif word == "mtu":
            self.mtu = int(rest)
        else:
            self.lines += [Line(line, number, writing)
                           for line in expand(writing)]


def expand(writing):
    """The lines that a line stands for."""
    word, _, rest = writing.partition(" ")
    if word not in MACROS:
        return [writing]
    window, options = re.fullmatch(r"(win \d+)? ?(<.*>)?", rest).groups()
    options = options or "<mss 1000>"
    # Timestamps are in all segments or in none.
    ts = re.search(r"ts (\d+)", options)
    lines = MACROS[word].format(
        window=window or "", options=options,
        sent="<nop,nop,ts %s last>" % ts[1] if ts else "",
        seen="<nop,nop,ts * %s>" % ts[1] if ts else "")
    return [part for line in lines.strip().split("\n")
            for part in expand(" ".join(line.split()))]


def read_scripts(path):
    """The scripts of a file."""
    scripts = []
    with open(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line, indented = line.split("#")[0].rstrip(), line[0].isspace()
                if line and not indented:
                    scripts.append(Script(line, os.path.basename(path)))
                elif line:
                    scripts[-1].add(" ".join(line.split()), number)
            except Exception as error:
                raise ValueError("%s:%d: %s" % (path, number, error)) from error
    return scripts


class Peer:
    """The far end of one connection, and what it knows of the near end."""

    def __init__(self, port, iss):
        self.port = port
        self.iss = iss
        self.their_port = None      # of the socket that is tested
        self.their_iss = None
        self.highest = None         # of their sequence numbers, + 1
        self.their_ack = None       # their last ACK: what they expect
        self.first_ts = 0
        self.last_ts = 0
        self.segments = []          # received, not yet expected
        self.window = 65535         # the one of our last segment
        self.opened = False         # they have acknowledged our SYN
        self.sock = None            # theirs, of this connection
        self.sent = 1               # the next octet to be sent by the user
        self.read = 1               # and to be received

    def written(self, segment):
        """How a segment from them would be written."""
        base = segment.seq if self.their_iss is None and \
            "SYN" in segment.flags else self.their_iss or 0
        words = ["".join(letter for letter, name in NAMES.items()
                         if name in segment.flags).replace(".P", "P.") or "-"]
        start = relative(segment.seq, base)
        words.append("%d:%d" % (start, start + len(segment.text))
                     if segment.text else str(start))
        if "ACK" in segment.flags:
            words.append("ack %d" % relative(segment.ack, self.iss))
        words.append("win %d" % segment.window)
        if segment.urgent:
            words.append("urg %d" % segment.urgent)
        options = self.options(segment)
        if options:
            words.append(join_options(options))
        if not (segment.checksum_ok and segment.ip_checksum_ok):
            words.append("BAD CHECKSUM")
        return " ".join(words)

    def options(self, segment):
        """A segment's options, in writing."""
        return write_options(segment.option_list, self.iss, self.first_ts)


class Performance:
    """A script that is being run."""

    def __init__(self, script, stage, iss=1000, stock=False):
        self.script = script
        self.stage = stage
        self.address = stage.new_host()
        self.iss = iss
        self.stock = stock
        self.peers = {}
        self.peer = self._peer("A")
        self.listener = None
        self.line = None
        self.begun = self.event = time.time()
        self.ladder = []            # (when, text)
        self.last_segment = None
        self.steps = self._steps()

    # the loop's side

    def resume(self):
        """Go on until there is something to wait for.

        Return the time until which to wait if nothing arrives; None when the
        script is over. Raises Failure.
        """
        return next(self.steps, None)

    def _collect(self):
        for segment in self.stage.received():
            self._take(segment)

    def _take(self, segment):
        address, port = segment.destination
        if address != self.address:
            return      # there was another script on this stage
        peer = next((p for p in self.peers.values() if p.port == port), None)
        if peer is None:
            self._note(segment.time, "> to port %d, where nobody is" % port)
            raise Failure("a segment for nobody, to port %d" % port)
        for kind, value in segment.option_list:
            if kind == 8 and len(value) == 8:
                peer.last_ts = int.from_bytes(value[:4], "big")
                peer.first_ts = peer.first_ts or peer.last_ts
        self._note(segment.time, "> " + peer.written(segment))
        if peer.their_port is None:
            peer.their_port = segment.source[1]
        if segment.source[1] != peer.their_port:
            raise Failure("a segment from port %d" % segment.source[1])
        if not (segment.checksum_ok and segment.ip_checksum_ok):
            raise Failure("a checksum is wrong")
        if "SYN" in segment.flags and peer.their_iss is None:
            if peer.highest is not None and relative(segment.seq,
                                                     peer.highest) <= 0:
                raise Failure("the new ISN lies below the old connection's "
                              "sequence numbers")
            peer.their_iss = segment.seq
        if peer.their_iss is not None:
            peer.highest = (segment.seq + segment.length()) % 2**32
        if {"ACK", "RST"} & segment.flags == {"ACK"}:
            peer.opened = True
            peer.their_ack = segment.ack
        peer.segments.append(segment)
        self.last_segment = segment

    def _note(self, when, what):
        self.ladder.append((when, what))

    def show(self):
        """Where it stands, for whoever must find out what has happened."""
        script = self.script
        yield "%s: %s" % (script.file, script.title)
        for number, source in dict((line.number, line.source)
                                   for line in script.lines).items():
            here = self.line and number == self.line.number
            yield "%4d %s %s" % (number, "=>" if here else "  ", source)
            if here and source != self.line.writing:
                yield "          (%s)" % self.line.writing
        yield "what has happened, in ms:"
        for when, what in sorted(self.ladder, key=lambda entry: entry[0]):
            yield "%10.3f  %s" % ((when - self.begun) * 1000, what)
        yield "in the end:"
        if not self.stock:
            yield from self.stage.table().splitlines()

    def close(self):
        """Away with all that the script has made."""
        abort = struct.pack("ii", 1, 0)
        for sock in [self.listener] + [p.sock for p in self.peers.values()]:
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abort)
                sock.close()
        for peer in self.peers.values():
            # What has been closed lives on without a socket.
            if peer.their_ack is not None:
                self.stage.send(self._packet(peer.port, peer.their_port,
                                             peer.their_ack, 0, BITS["R"]))

    # the script's side

    def _steps(self):
        for self.line in self.script.lines:
            line = self.line
            if line.word != ">":
                if line.time:
                    yield from self._pause(line.time[0])
                self._nothing_else()
            steps = getattr(self, "_do_" + {
                "<": "arrives", ">": "expect"}.get(line.word, line.word))(line)
            if inspect.isgenerator(steps):      # it may have to wait
                yield from steps
        self._nothing_else()

    def _pause(self, seconds):
        self.event += seconds
        while time.time() < self.event:
            self._nothing_else()
            yield self.event

    def _nothing_else(self):
        self._collect()
        for peer in self.peers.values():
            if peer.segments:
                raise Failure("not expected:\n  > " +
                              peer.written(peer.segments[0]))

    def _settle(self, look, wanted):
        """Look until it is as wanted; not long, but softirq may be behind."""
        end = time.time() + SOON
        while True:
            seen = look()
            if seen == wanted or time.time() > end:
                break
            yield time.time() + SOON / 10
        if seen != wanted:
            raise Failure("wanted: %s\nseen:   %s" % (wanted, seen))

    def _peer(self, name):
        if name not in self.peers:
            self.peers[name] = Peer(PEER_PORT + len(self.peers), self.iss)
        return self.peers[name]

    # segments

    def _packet(self, sport, dport, seq, ack, flags, data=b"", **more):
        ends = {"source": self.address, "destination": LOCAL}
        return ip_octets(tcp_octets(sport, dport, seq, ack, flags, data,
                                    **ends, **more), **ends)

    def _do_arrives(self, line):
        if not line.segment:
            self._icmp(*line.words[1:])
            return
        segment, peer = line.segment, self.peer
        if segment.has("SYN") and not peer.opened:
            peer.read = segment.start + 1
        if segment.window:
            peer.window = segment.window[0]
        ack = 0
        if segment.ack is not None:
            ack = (peer.their_iss or 0) + segment.ack
        packet = self._packet(
            peer.port, peer.their_port or PORT, peer.iss + segment.start, ack,
            segment.flags, segment.text(),
            options=option_octets(segment.options or [], peer.their_iss or 0,
                                  peer.last_ts),
            window=peer.window,
            urgent=segment.urgent or 0, offset=segment.offset,
            reserved=segment.reserved, bad_checksum=segment.badsum)
        before = (self.stage.stats() if line.drop and not self.stock else None)
        self.event = self.stage.send(packet)
        self._note(self.event, line.writing)
        if before:
            name = "Drop" + line.drop
            yield from self._settle(
                lambda: "%s +%d" % (name, self.stage.stats()[name] -
                                    before[name]), name + " +1")

    def _icmp(self, name, *words):
        more = dict(zip(words[::2], map(int, words[1::2])))
        ours = self.last_segment
        seq = ours.seq
        if "seq" in more:
            seq = (self.peer.their_iss + more["seq"]) % 2**32
        quoted = ip_octets(
            tcp_octets(ours.source[1], ours.destination[1], seq, ours.ack,
                       BITS["."], source=LOCAL, destination=self.address),
            source=LOCAL, destination=self.address)
        self.event = self.stage.send(ip_octets(
            icmp_octets(*ICMP[name], more.get("mtu", 0), quoted),
            source=self.address, destination=LOCAL,
            protocol=socket.IPPROTO_ICMP))
        self._note(self.event, self.line.writing)

    def _do_expect(self, line):
        peer = self.peer
        low, high = line.time or (0, 0)
        if line.time and line.exact:
            high *= LATE
        earliest, latest = self.event + low - EARLY, self.event + high + SOON
        self._collect()
        while not peer.segments:
            if time.time() > latest:
                raise Failure("nothing has come within %d ms" %
                              ((latest - self.event) * 1000))
            yield latest
            self._collect()
        segment = peer.segments.pop(0)
        came = "it came:\n  > " + peer.written(segment)
        self._compare(line.segment, segment, came)
        if not (earliest if line.time else 0) <= segment.time <= latest:
            raise Failure("it came after %.1f ms, not after %d to %d ms" %
                          tuple((when - self.event) * 1000
                                for when in (segment.time, earliest, latest)))
        self.event = segment.time

    def _compare(self, wanted, got, came):
        peer = self.peer

        def check(condition, what):
            if not condition:
                raise Failure("%s differ: %s" % (what, came))
        letters = {name for letter, name in NAMES.items()
                   if wanted.has(name)}
        ignored = {"PSH"} - letters
        if self.stock and "RST" in letters:
            ignored.add("ACK")      # it says ACK of its own accord
        check(letters - ignored == got.flags - ignored, "control bits")
        check(relative(got.seq, peer.their_iss or 0) == wanted.start,
              "sequence numbers")
        check(len(got.text) == wanted.end - wanted.start, "lengths")
        if wanted.ack is not None:
            check(relative(got.ack, peer.iss) == wanted.ack,
                  "acknowledgment numbers")
        if wanted.window:
            check(wanted.window[0] <= got.window <= wanted.window[1],
                  "windows")
        if wanted.options is not None or "SYN" not in letters:
            check(same_options(wanted.options or [], peer.options(got)),
                  "options")
        check(got.urgent == (wanted.urgent or 0), "urgent pointers")
        check(got.text == wanted.text(), "octets of the text")

    def _do_quiet(self, line):
        yield from self._pause(int(line.rest) / 1000)
        self._nothing_else()

    # user calls

    def _call(self, default, function, *arguments):
        """Call, and check what is returned; default: unless there is a ->"""
        self.event = time.time()
        try:
            result = function(*arguments)
            result = "0" if result is None else str(result)
        except OSError as error:
            result = errno.errorcode[error.errno]
        self._note(self.event, "%s -> %s" % (self.line.writing, result))
        wanted = self.line.result or default
        # EOPNOTSUPP has another name as well.
        wanted = errno.errorcode.get(getattr(errno, wanted, None), wanted)
        if result != wanted:
            raise Failure("it returns %s, not %s" % (result, wanted))
        return result

    def _socket(self):
        if self.peer.sock is None:
            self.peer.sock = self.stage.socket(self.stock)
            self.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR,
                                      1)
        return self.peer.sock

    def _do_socket(self, _line):
        self.peer.sock = None
        self._socket()

    def _do_bind(self, line):
        self._call("0", self._socket().bind,
                          ("0.0.0.0", int(line.rest)))

    def _do_listen(self, line):
        sock = self._socket()
        if sock.getsockname()[1] == 0:
            sock.bind(("0.0.0.0", PORT))
        self._call("0", sock.listen, int(line.rest or 100))
        self.listener, self.peer.sock = sock, None

    def _do_connect(self, _line):
        self._call("EINPROGRESS", self._socket().connect,
                              (self.address, self.peer.port))
        port = self.peer.sock.getsockname()[1]
        if port != self.peer.their_port:
            # There is no old connection whose numbers must be passed.
            self.peer.their_port, self.peer.highest = port, None

    def _do_accept(self, _line):
        def accept():
            sock, address = self.listener.accept()
            sock.setblocking(False)
            if address != (self.address, self.peer.port):
                raise Failure("it accepts a connection from %s:%d" % address)
            self.peer.sock = sock
        self._call("0", accept)

    def _do_send(self, line):
        peer = self.peer
        size, *names = line.words
        flags = {"more": socket.MSG_MORE, "oob": socket.MSG_OOB}
        data = text(peer.sent, peer.sent + int(size))
        result = self._call(
            size, peer.sock.send, data,
            socket.MSG_NOSIGNAL | sum(flags[name] for name in names))
        if result.isdigit():
            peer.sent += int(result)

    def _do_recv(self, line, size=1 << 20):
        peer = self.peer

        def receive():
            data = peer.sock.recv(size)
            wanted = text(peer.read, peer.read + len(data))
            if data != wanted:
                raise Failure("other octets than were sent")
            peer.read += len(data)
            return len(data) if data else "EOF"
        self._call(line.rest, receive)

    def _do_take(self, line):
        self._do_recv(line, int(line.rest))

    def _do_shutdown(self, line):
        how = {"rd": socket.SHUT_RD, "wr": socket.SHUT_WR,
               "rdwr": socket.SHUT_RDWR}[line.rest]
        self._call("0", self.peer.sock.shutdown, how)

    def _do_linger(self, line):
        self._call("0", self._socket().setsockopt, socket.SOL_SOCKET,
                          socket.SO_LINGER,
                          struct.pack("ii", 1, int(line.rest)))

    @staticmethod
    def _option(name):
        level = {"SO": socket.SOL_SOCKET, "TCP": socket.IPPROTO_TCP,
                 "IP": socket.IPPROTO_IP}[name.partition("_")[0]]
        return level, getattr(socket, name)

    def _do_setsockopt(self, line):
        name, value = line.words
        self._call("0", self._socket().setsockopt, *self._option(name),
                          int(value))

    def _do_getsockopt(self, line):
        def get():
            value = self.peer.sock.getsockopt(*self._option(line.rest))
            if line.rest == "SO_ERROR":
                return errno.errorcode.get(value, "0")
            return value
        self._call(None, get)

    def _do_close(self, line):
        sock = self.listener if line.rest == "listener" else self.peer.sock
        self._call("0", sock.close)

    # what is looked at

    def _do_state(self, line):
        state, *more = line.words
        columns = {} if self.stock else dict(zip(more[::2], more[1::2]))

        def look():
            row = self._row(state)
            return dict({"state": row.get("state", "CLOSED")},
                        **{name: str(row.get(name)) for name in columns})
        yield from self._settle(look, dict(columns, state=state))

    def _row(self, state):
        """The peer's row in the table of connections, or {}. Of LISTEN it is
        the listener's, if there is none of the peer's."""
        if self.stock:
            states = self.stage.stock_states(self.address, self.peer.port)
            if not states and state == "LISTEN":
                states = self.stage.stock_states("0.0.0.0", 0)
            return {"state": states[0]} if states else {}
        rows = self.stage.rows(remote=(self.address, self.peer.port))
        if not rows and state == "LISTEN":
            rows = self.stage.rows(state="LISTEN")
        return rows[0] if rows else {}

    def _do_poll(self, line):
        sock = self.listener if line.words[0] == "listener" else self.peer.sock
        wanted = [w for w in line.words if w not in ("nothing", "listener")]
        names = {"IN": select.POLLIN, "OUT": select.POLLOUT,
                 "RDHUP": select.POLLRDHUP, "HUP": select.POLLHUP,
                 "ERR": select.POLLERR, "PRI": select.POLLPRI}
        poll = select.poll()
        poll.register(sock, sum(names.values()))

        def look():
            found = poll.poll(0)
            bits = found[0][1] if found else 0
            return {name for name, bit in names.items() if bits & bit}
        return self._settle(look, set(wanted))

    def _do_stat(self, line):
        name, number = line.words
        if not self.stock:
            yield from self._settle(
                lambda: "%s %d" % (name, self.stage.stats()[name]),
                "%s %s" % (name, number))

    # others

    def _do_as(self, line):
        self.peer = self._peer(line.rest)

    def _do_anew(self, _line):
        self.peer.their_iss = None
        self.peer.first_ts = 0

    def _do_set(self, line):
        name, value = line.words
        if not self.stock:
            self.stage.set("net.edutcp." + name, value)
        elif name in STOCK_KNOBS:
            self.stage.set("net.ipv4." + STOCK_KNOBS[name], value)
        else:
            raise Failure("the stock stack has no such knob")
