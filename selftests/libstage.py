# SPDX-License-Identifier: GPL-2.0
"""libstage.py - a network namespace with a tun device, whose far end we are

	edutcp, or the stock stack           the one who made the stage
	   10.8.0.1 =========== tun0 =========== 10.8.x.y

send() lets a packet arrive at 10.8.0.1; received() has the segments that were
sent to the others. The device does nothing of TCP's work, so these are whole
and have their checksums. A stage costs little: no program is started.
"""

import ctypes
import fcntl
import os
import socket
import struct
import time

from libcapture import capture_namespace
from libhost import Namespace, edutcp_socket, libc
from libsegment import Segment

LOCAL = "10.8.0.1"

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU = (0x8914, 0x8916,
                                                         0x891C, 0x8922)
IFF_UP = 1
SO_TIMESTAMPNS = 35
ETH_P_ALL = 3
PACKET_OUTGOING = 4

# The states of the stock stack, by their numbers in /proc/net/tcp.
STOCK_STATES = dict(enumerate(
    "ESTABLISHED SYN_SENT SYN_RCVD FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT CLOSED "
    "CLOSE_WAIT LAST_ACK LISTEN CLOSING SYN_RCVD".split(), 1))


class Stage(Namespace):
    """The namespace, its device, and the far end of that."""

    def __init__(self, mtu=1500):
        self.hosts = 0
        with open("/proc/thread-self/ns/net") as before:
            if libc.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")
            try:
                super().__init__("/proc/thread-self/ns/net")
                self._make_device(mtu)
                self._double_timeouts()
                self.capture = capture_namespace("stage-%d" % os.getpid(),
                                                 wait=False)
            finally:
                libc.setns(before.fileno(), CLONE_NEWNET)

    def _make_device(self, mtu):
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK |
                           os.O_CLOEXEC)
        fcntl.ioctl(self.tun, TUNSETIFF,
                    struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for command, value in (
                    (SIOCSIFADDR, self._address(LOCAL)),
                    (SIOCSIFNETMASK, self._address("255.255.0.0")),
                    (SIOCSIFMTU, struct.pack("i", mtu)),
                    (SIOCSIFFLAGS, struct.pack("H", IFF_UP))):
                fcntl.ioctl(sock, command,
                            struct.pack("16s24s", b"tun0", value))
        # The device itself would not say when a packet was sent.
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW |
                                  socket.SOCK_NONBLOCK)
        self.wire.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.wire.bind(("tun0", ETH_P_ALL))

    def _double_timeouts(self):
        """Since 6.5 the stock stack sends its first SYNs a second apart; let
        each timeout be twice the one before, as with all else."""
        knob = "net.ipv4.tcp_syn_linear_timeouts"
        if os.path.exists("/proc/sys/" + knob.replace(".", "/")):
            self.set(knob, 0)

    @staticmethod
    def _address(address):
        return struct.pack("HH4s", socket.AF_INET, 0,
                           socket.inet_aton(address))

    def socket(self, stock=False):
        """A new TCP socket on the stage."""
        with self.inside():
            sock = (socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                    if stock else edutcp_socket())
        sock.setblocking(False)
        return sock

    def new_host(self):
        """An address at the far end that nobody has spoken to before."""
        self.hosts += 1
        return "10.8.%d.%d" % (1 + self.hosts // 250, 1 + self.hosts % 250)

    def send(self, packet):
        """Let a packet arrive; return the time before it did."""
        now = time.time()
        os.write(self.tun, packet)
        return now

    def received(self):
        """The segments that have been sent to us since the last call."""
        segments = []
        while True:
            try:
                packet, notes, _, sender = self.wire.recvmsg(1 << 17, 64)
            except BlockingIOError:
                break
            if (sender[2] != PACKET_OUTGOING or packet[0] >> 4 != 4 or
                    packet[9] != socket.IPPROTO_TCP):
                continue
            seconds, nanos = struct.unpack("qq", notes[0][2])
            segments.append(Segment(seconds + nanos / 1e9, packet))
        try:
            while True:     # or the device would be full one day
                os.read(self.tun, 1 << 17)
        except BlockingIOError:
            return segments

    def stock_states(self, address, port):
        """The states of the stock stack's connections with a port of ours;
        with "0.0.0.0" and 0: of its listeners."""
        # Addresses are printed as numbers of the machine's byte order.
        wanted = "%08X:%04X" % (
            struct.unpack("=I", socket.inet_aton(address))[0], port)
        lines = self.read("/proc/thread-self/net/tcp").splitlines()[1:]
        return [STOCK_STATES[int(line[3], 16)] for line in map(str.split, lines)
                if line[2] == wanted]
