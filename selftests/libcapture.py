# SPDX-License-Identifier: GPL-2.0
"""libcapture.py - how a test tells vm/capture of what that cannot see itself

Where nobody listens (the VM has been told so, or it is none) nothing is done.
"""

import socket

CAPTURE_SOCKET = "/run/capture"


def _tell(text, *descriptors):
    """Send something, wait until it is dealt with, return the connection."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(CAPTURE_SOCKET)
        socket.send_fds(sock, [text.encode()[:59]], descriptors)
        sock.recv(1)
    except OSError:
        sock.close()
    return sock


def capture_namespace(name):
    """Record the packets of the network namespace that we are in, which has
    no name in /run/netns, until the socket returned is closed."""
    with open("/proc/thread-self/ns/net") as netns:
        return _tell(name, netns.fileno())


def test_failed(name):
    """Keep all packets so far, and what /proc/edutcp says at this moment."""
    _tell(name).close()
