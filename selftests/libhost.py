# SPDX-License-Identifier: GPL-2.0
"""libhost.py - network namespaces as hosts, and what a test says in the end"""

import contextlib
import ctypes
import fcntl
import os
import re
import socket
import struct
import subprocess

AF_EDUTCP = 19

# How many times slower than Debian's this kernel is: looking for faults takes
# time (vm/run passes on what the kernel's folder says). Limits of time are
# multiplied by it; what is done very often is done less often.
SLOW = int(os.environ.get("EDUTCP_SLOW", "1"))

libc = ctypes.CDLL(None, use_errno=True)


class Failure(AssertionError):
    """The claim of a test does not hold."""


class Skip(Exception):
    """The test cannot be run here."""


def diagnose(lines):
    """Print lines as TAP's diagnostics."""
    for line in lines:
        for part in str(line).split("\n"):
            print("# " + part, flush=True)


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


def edutcp_socket():
    """A new AF_EDUTCP socket, in the network namespace that we are in."""
    fd = libc.socket(AF_EDUTCP, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, 0)
    if fd < 0:
        error = ctypes.get_errno()
        raise OSError(error, "socket(AF_EDUTCP): " + os.strerror(error))
    # All but the family's number is as with TCP.
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM,
                         socket.IPPROTO_TCP, fileno=fd)


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


class Namespace:
    """A network namespace: where /proc/edutcp and the knobs are its own."""

    def __init__(self, path):
        self.file = open(path)
        self.inode = os.fstat(self.file.fileno()).st_ino

    def inside(self):
        return inside(self.file)

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


class Host(Namespace):
    """A network namespace, with a cable to another or with only "lo"."""

    def __init__(self, scenario, name, netns, address, device):
        super().__init__("/run/netns/" + netns)
        self.scenario = scenario
        self.name = name        # "client", "server"
        self.netns = netns      # as ip(8) knows it
        self.address = address
        self.device = device

    # sockets

    def edutcp(self, nonblocking=False):
        """A new AF_EDUTCP socket of this host."""
        with self.inside():
            sock = edutcp_socket()
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

    # programs

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
