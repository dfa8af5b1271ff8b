# SPDX-License-Identifier: GPL-2.0
"""libnotation.py - segments in writing

	S 0 win 1000 <mss 1460,nop,wscale 7>
	P. 1:1001 ack 1
	. 1 ack 1 <nop,nop,sack 2001:3001>

First the control bits (F S R P . U E W, where "." is ACK; "-" if none is set),
then the sequence number, with an end if there is text. Sequence numbers count
from the initial one of the side that they belong to. What follows may be left
out: "ack", "win" (also as a range, 1..65535), "urg", options in <>. In a
segment that is expected, a window that is left out is not looked at, nor are
the options of a SYN; of another segment it means that there are none. PSH is
looked at only if it is written. In an option * stands for any value:

	mss N		nop		sack START:END ...
	wscale N	eol		ts VALUE ECHO
	sackOK		hex OCTETS	(as they are, right or wrong)

In "ts" our own values are written as they are; those of the other side count
from the first one it has sent, and "last" is the last one.

A segment to be sent may have: "badsum" (a wrong checksum), "offset N" (its
Data Offset), "reserved N" (its reserved bits).
"""

import re

BITS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "W": 128}
NAMES = dict(zip(BITS, ("FIN", "SYN", "RST", "PSH", "ACK", "URG")))
KINDS = {0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK", 5: "sack",
         8: "ts"}
NUMBERS = {name: kind for kind, name in KINDS.items()}

# The text of either side: which octet stands at a sequence number.
CYCLE = bytes(range(256)) + b"edutcp"


def text(start, end):
    """The octets from start to end."""
    first = start % len(CYCLE)
    times = (end - start) // len(CYCLE) + 2
    return (CYCLE * times)[first:first + end - start]


class Written:
    """A segment as it stands in a script."""

    FORM = re.compile(r"([FSRP.UEW]+|-) (-?\d+)(?::(-?\d+))?((?: \w+ \S+)*?)"
                      r"( badsum)?(?: <(.*)>)?$")

    def __init__(self, writing):
        match = self.FORM.match(writing)
        if not match:
            raise ValueError("no segment: " + writing)
        flags, start, end, words, badsum, options = match.groups()
        self.flags = sum(BITS[letter] for letter in flags if letter != "-")
        self.start = int(start)
        self.end = self.start if end is None else int(end)
        self.badsum = bool(badsum)
        # None: no word of them
        self.options = (None if options is None else
                        [option.split() for option in options.split(",")
                         if option])
        self.ack = self.window = self.urgent = self.offset = None
        self.reserved = 0
        words = words.split()
        for name, value in zip(words[::2], words[1::2]):
            if name == "win":
                low, _, high = value.partition("..")
                self.window = (int(low), int(high or low))
            elif name in ("ack", "urg", "offset", "reserved"):
                name = "urgent" if name == "urg" else name
                setattr(self, name, int(value))
            else:
                raise ValueError("no word of a segment: " + name)
        if self.has("ACK") != (self.ack is not None):
            raise ValueError("\".\" and \"ack\" go together: " + writing)

    def has(self, name):
        """Is this control bit set?"""
        letter = {name: letter for letter, name in NAMES.items()}[name]
        return bool(self.flags & BITS[letter])

    def text(self):
        """Its text; that of a SYN comes after the SYN."""
        syn = self.has("SYN")
        return text(self.start + syn, self.end + syn)


def option_octets(options, base, last_ts):
    """Options as octets. Sequence numbers of "sack" count from base; last_ts
    is what "last" stands for."""
    octets = b""
    for name, *values in options:
        if name == "hex":
            octets += bytes.fromhex("".join(values))
            continue
        if name == "ts":
            value = b"".join(
                (last_ts if v == "last" else int(v)).to_bytes(4, "big")
                for v in values)
        elif name == "sack":
            value = b"".join(
                ((base + int(edge)) % 2**32).to_bytes(4, "big")
                for block in values for edge in block.split(":"))
        else:
            sizes = {"mss": 2, "wscale": 1}
            value = b"".join(int(v).to_bytes(sizes[name], "big")
                             for v in values)
        octets += bytes([NUMBERS[name]])
        if name not in ("eol", "nop"):
            octets += bytes([2 + len(value)]) + value
    return octets


def relative(number, base):
    """A sequence number as it would be written."""
    distance = (number - base) % 2**32
    return distance - 2**32 if distance >= 2**31 else distance


def write_options(pairs, base, first_ts):
    """Options of a received segment in writing, as a list of lists of words.
    base: of the sequence numbers that a SACK speaks of; first_ts: the first
    timestamp of its sender."""
    written = []
    for kind, value in pairs:
        name = KINDS.get(kind)
        numbers = [int.from_bytes(value[i:i + 4], "big")
                   for i in range(0, len(value), 4)]
        if name == "ts" and len(value) == 8:
            words = [str(relative(numbers[0], first_ts)), str(numbers[1])]
        elif name == "sack" and len(value) in (8, 16, 24, 32):
            edges = [relative(number, base) for number in numbers]
            words = ["%d:%d" % pair for pair in zip(edges[::2], edges[1::2])]
        elif name in ("mss", "wscale"):
            words = [str(int.from_bytes(value, "big"))]
        elif name in ("eol", "nop", "sackOK") and not value:
            words = []
        else:
            name, words = "hex", [bytes([kind, 2 + len(value)]).hex() +
                                  value.hex()]
        written.append([name] + words)
    return written


def join_options(options):
    return "<" + ",".join(" ".join(words) for words in options) + ">"


def same_options(wanted, got):
    """Are they alike, but for what is written as * or as a range?"""
    def same(pattern, value):
        if ".." in pattern:
            low, high = map(int, pattern.split(".."))
            return low <= int(value) <= high
        return pattern in ("*", value)
    return (len(wanted) == len(got) and
            all(len(w) == len(g) and all(map(same, w, g))
                for w, g in zip(wanted, got)))
