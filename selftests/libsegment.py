# SPDX-License-Identifier: GPL-2.0
"""libsegment.py - TCP segments: from octets to fields, and back"""

import socket
import struct


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
        self.option_list = parse_options(tcp[20:(offset >> 4) * 4])
        named = [_named(*option) for option in self.option_list]
        # The names in order, padding too: ["mss", "nop", "wscale"]
        self.layout = [name for name, _ in named]
        # {"mss": 1460, "wscale": 3, "sackOK": b"", "TS": (val, ecr),
        # "sack": [(start, end)...], kind: value...}
        self.options = {name: value for name, value in named
                        if name not in ("eol", "nop")}
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


def parse_options(octets):
    """The options of a header, in order, as pairs of kind and value; padding
    (kind 1, kind 0) has an empty value."""
    options = []
    while octets:
        kind, length = octets[0], 1
        if kind > 1:
            # What cannot be right is shown as it is, up to its end.
            length = octets[1] if len(octets) > 1 else 0
            if not 2 <= length <= len(octets):
                length = len(octets)
        options.append((kind, octets[min(2, length):length]))
        if kind == 0:
            break
        octets = octets[length:]
    return options


NAMES = {0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK"}


def _named(kind, value):
    """An option's name and value; of one that we do not know, or that is
    malformed, its kind and octets."""
    if kind in (2, 3):
        value = int.from_bytes(value, "big")
    elif kind == 5 and len(value) % 8 == 0:
        return "sack", list(struct.iter_unpack("!II", value))
    elif kind == 8 and len(value) == 8:
        return "TS", struct.unpack("!II", value)
    return NAMES.get(kind, kind), value


def _sum(octets):
    """The Internet checksum's sum of 16-bit words."""
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def checksum(octets):
    """The Internet checksum."""
    return ~_sum(octets) & 0xffff


def tcp_octets(sport, dport, seq, ack, flags, data=b"", *, source,
               destination, options=b"", offset=None, window=65535, urgent=0,
               bad_checksum=False, reserved=0):
    """A segment as octets, right or wrong."""
    options += b"\0" * (-len(options) % 4)
    if offset is None:
        offset = 5 + len(options) // 4
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32,
                      offset << 4 | reserved, flags, window, 0, urgent)
    tcp += options + data
    pseudo = (socket.inet_aton(source) + socket.inet_aton(destination) +
              struct.pack("!HH", socket.IPPROTO_TCP, len(tcp)))
    check = checksum(pseudo + tcp)
    if bad_checksum:
        check ^= 0x5555
    return tcp[:16] + struct.pack("!H", check) + tcp[18:]


def ip_octets(payload, *, source, destination, protocol=socket.IPPROTO_TCP,
              identification=0, fragment=0):
    """An IP packet as octets; fragment: the field with flags and offset."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload),
                         identification, fragment, 64, protocol, 0,
                         socket.inet_aton(source),
                         socket.inet_aton(destination))
    return (header[:10] + struct.pack("!H", checksum(header)) + header[12:] +
            payload)


def icmp_octets(kind, code, mtu, quoted):
    """An ICMP message about a packet; mtu: if it was too large."""
    octets = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + quoted
    return octets[:2] + struct.pack("!H", checksum(octets)) + octets[4:]
