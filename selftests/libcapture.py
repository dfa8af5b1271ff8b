# SPDX-License-Identifier: GPL-2.0
"""libcapture.py - how a test tells vm/capture of what that cannot see itself

Where nobody listens (the VM has been told so, or it is none) nothing is done.

Who is timed does not wait for the answer: capture may just be writing to the
host's disk, and meanwhile virtual time runs ahead. Then the first packets may
be missing.
"""

import socket

CAPTURE_SOCKET = "/run/capture"


def _tell(text, wait, descriptors=()):
    """Send something, wait until it is dealt with, return the connection."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(CAPTURE_SOCKET)
        socket.send_fds(sock, [text.encode()[:59]], descriptors)
        if wait:
            sock.recv(1)
    except OSError:
        sock.close()
    return sock


def capture_namespace(name, wait=True):
    """Record the packets of the network namespace that we are in, which has
    no name in /run/netns, until the socket returned is closed."""
    with open("/proc/thread-self/ns/net") as netns:
        return _tell(name, wait, [netns.fileno()])


def test_failed(name, wait=True):
    """Keep all packets so far, and what /proc/edutcp says at this moment."""
    _tell(name, wait).close()
