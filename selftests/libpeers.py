# SPDX-License-Identifier: GPL-2.0
"""libpeers.py - connections whose ends may be edutcp's or the stock stack's,
and segments that none of both has sent"""

import collections
import re
import socket
import struct

from libsegment import ip_octets, tcp_octets

PORT = 80

# What /proc/net/tcp calls them.
STOCK_STATES = dict(enumerate(
    "ESTABLISHED SYN_SENT SYN_RCVD FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT CLOSED "
    "CLOSE_WAIT LAST_ACK LISTEN CLOSING SYN_RCVD".split(), 1))

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

# In the words of nft(8)
MATCH_SYN = "tcp flags & (syn | ack) == syn"
MATCH_SYN_ACK = "tcp flags & (syn | ack) == (syn | ack)"
MATCH_FIN = "tcp flags fin"
MATCH_BARE_ACK = ("tcp flags & (syn | fin | rst | ack) == ack "
                  "ip length <= 80")
MATCH_TEXT = "ip length > 100"
MATCH_ALL = "meta l4proto tcp"

# client, server: the sockets; a, b: their endpoints
Connection = collections.namedtuple("Connection",
                                    "client server a b listener")


def new_socket(host, stock):
    return host.stock() if stock else host.edutcp()


def connect(t, client, server, *, stock_client=False, stock_server=False,
            port=PORT):
    """A connection between two hosts."""
    listener = server.listen(port, stock=stock_server)
    sock = new_socket(client, stock_client)
    sock.connect((server.address, port))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    return Connection(sock, accepted, peer, (server.address, port), listener)


def receive(sock, length):
    """So many octets, or fewer if the peer has closed."""
    octets = b""
    while len(octets) < length:
        part = sock.recv(min(length - len(octets), 1 << 20))
        if not part:
            break
        octets += part
    return octets


def state_of(host, stock, local, remote):
    """The state of a connection, by the tables; None if it has no row."""
    if not stock:
        rows = host.rows(local=local, remote=remote)
        return rows[-1]["state"] if rows else None

    def in_hex(endpoint):
        address = struct.unpack("=I", socket.inet_aton(endpoint[0]))[0]
        return "%08X:%04X" % (address, endpoint[1])
    match = re.search(r": %s %s (\w\w) " % (in_hex(local), in_hex(remote)),
                      host.read("/proc/thread-self/net/tcp"))
    return STOCK_STATES[int(match[1], 16)] if match else None


def wait_for_state(t, host, stock, local, remote, wanted, seconds=30):
    """Wait until a connection is in a state; None: until it has no row."""
    t.wait_for(lambda: state_of(host, stock, local, remote) == wanted,
               "%s %s:%d to be in %s" % (host.name, *local, wanted), seconds)


def forge(host, source, destination, flags, *, seq, ack=0, text=b"",
          options=b""):
    """Send a segment from a host's device as if it came from an endpoint."""
    octets = tcp_octets(source[1], destination[1], seq, ack, flags, text,
                        source=source[0], destination=destination[0],
                        options=options)
    packet = ip_octets(octets, source=source[0], destination=destination[0])
    # The hardware addresses that Scenario.hosts() gives, by the last octets
    # of the others.
    macs = b"".join(b"\2\0\0\0\0" + bytes([int(address.split(".")[3])])
                    for address in (destination[0], host.address))
    with host.inside():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sock:
        sock.bind((host.device, 0))
        sock.send(macs + b"\x08\0" + packet)
