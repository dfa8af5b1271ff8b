#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""coexist.py - edutcp beside the stock stack, and as a module that comes and
goes

Takes the module out and puts it in again, so no other program may use edutcp
meanwhile.
"""

import ctypes
import errno
import os
import platform
import re
import socket
import subprocess
import threading

from libhost import SLOW, Skip, libc
from libscenario import run, test

PORT = 80
STOCK_PORT = 8080
TIMES = 20 // SLOW

# delete_module, finit_module: no function of the C library calls them.
SYSTEM_CALLS = {"x86_64": (176, 313), "aarch64": (106, 273)}


# ------------------------------------------------------------------ the module

def module_file():
    """Where modprobe(8) would load edutcp from."""
    plan = subprocess.run(["modprobe", "--show-depends", "edutcp"], text=True,
                          stdout=subprocess.PIPE, check=False).stdout
    found = re.findall(r"insmod (\S+\.ko)\b", plan)
    if not found or platform.machine() not in SYSTEM_CALLS:
        raise Skip("modprobe does not tell where edutcp.ko is")
    return found[-1]


def unload():
    """Try to take the module out; return 0 or the error number."""
    number = SYSTEM_CALLS[platform.machine()][0]
    if libc.syscall(number, b"edutcp", os.O_NONBLOCK):
        return ctypes.get_errno()
    return 0


def load(path):
    """Put the module in. (As insmod does; to start a program takes longer.)"""
    number = SYSTEM_CALLS[platform.machine()][1]
    with open(path, "rb") as file:
        if libc.syscall(number, file.fileno(), b"", 0):
            error = ctypes.get_errno()
            raise OSError(error, "finit_module: " + os.strerror(error))


def is_loaded():
    return os.path.exists("/sys/module/edutcp")


def unload_in_the_end(t):
    """Unload, once the last socket's memory is free: that takes an RCU grace
    period after close(); and orphans of tests before this one may try for
    minutes to reach a peer that is gone."""
    def tried():
        error = unload()
        t.check(error in (0, errno.EWOULDBLOCK),
                "unloading succeeds or must wait, not: " + os.strerror(error))
        return error == 0
    t.wait_for(tried, "the module to be free of users", 300)


# -------------------------------------------------------------------- the ports

def bind_soon(t, sock, address):
    """Bind to a port that was closed just now: to give it back to the stock
    stack is left to a work queue."""
    def bound():
        try:
            sock.bind(address)
        except OSError as error:
            t.equal(error.errno, errno.EADDRINUSE, "error of bind()")
            return False
        return True
    t.wait_for(bound, "port %d to be free" % address[1], 5)


@test("a port belongs to one stack at a time: EADDRINUSE both ways")
def shared_ports(t):
    host, _ = t.hosts()
    in_use = errno.EADDRINUSE
    for reuse in (0, 1):        # SO_REUSEADDR is no help against a listener
        for first, second in ((host.edutcp, host.stock),
                              (host.stock, host.edutcp)):
            t.doing = "binding %s, then %s, with SO_REUSEADDR %d" % (
                first.__name__, second.__name__, reuse)
            for address in ("0.0.0.0", host.address):
                one, two, three = first(), second(), second()
                for sock in (one, two, three):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR,
                                    reuse)
                one.bind((address, 5000))
                one.listen()
                t.refuses(in_use, two.bind, (host.address, 5000))
                t.refuses(in_use, two.bind, ("0.0.0.0", 5000))
                two.bind((host.address, 5001))
                # Free again when the first has gone.
                one.close()
                bind_soon(t, three, (address, 5000))
                three.listen()
                two.close()
                three.close()


@test("the same port of another address is free for either stack")
def other_address(t):
    host, _ = t.hosts()
    for first, second in ((host.edutcp, host.stock),
                          (host.stock, host.edutcp)):
        one, two = first(), second()
        one.bind((host.address, 5000))
        two.bind(("127.0.0.1", 5000))
        one.listen()
        two.listen()
        one.close()
        two.close()


@test("a connected port is taken as well, and any port is a free one")
def bound_and_any(t):
    client, server = t.hosts()
    server.listen(PORT)
    sock = client.edutcp()
    sock.bind(("0.0.0.0", 5000))
    sock.connect((server.address, PORT))
    t.refuses(errno.EADDRINUSE, client.stock().bind, ("0.0.0.0", 5000))
    ports = set()
    for _ in range(50):
        for sock in (client.edutcp(), client.stock()):
            sock.bind(("0.0.0.0", 0))
            ports.add(sock.getsockname()[1])
    t.equal(len(ports), 100, "different ports of 100 that were bound to any")


@test("ports that connect() chooses come from ranges without a common port")
def ephemeral_ports(t):
    client, server = t.hosts()
    ranges = {}
    for name in ("edutcp", "ipv4"):
        knob = client.read("/proc/sys/net/%s/ip_local_port_range" % name)
        ranges[name] = range(int(knob.split()[0]), int(knob.split()[1]) + 1)
    t.check(not set(ranges["edutcp"]) & set(ranges["ipv4"]),
            "the ranges have nothing in common: %s" % ranges)
    server.listen(PORT, stock=True)
    for make, name in ((client.edutcp, "edutcp"), (client.stock, "ipv4")):
        ports = set()
        for _ in range(50):
            sock = make()
            sock.connect((server.address, PORT))
            ports.add(sock.getsockname()[1])
        t.equal(len(ports), 50, "different ports of " + name)
        t.check(ports <= set(ranges[name]),
                "ports of %s are in its range" % name)


# ------------------------------------------------------------------ the module

class StockTraffic:
    """Stock connections from one host to the other, without a pause; each
    asks for the same data, and compares."""

    def __init__(self, t, client, server):
        self.client = client
        self.server = server
        self.data = os.urandom(100000)
        self.fetches = 0
        self.error = None
        self.stopped = threading.Event()
        self.listener = server.listen(STOCK_PORT, stock=True)
        t.defer(self.stopped.set)
        threading.Thread(target=self.guarded, args=(self.serve,),
                         daemon=True).start()
        threading.Thread(target=self.guarded, args=(self.fetch,),
                         daemon=True).start()

    def guarded(self, function):
        try:
            while not self.stopped.is_set():
                function()
        except Exception as error:      # pylint: disable=broad-except
            if not self.stopped.is_set():
                self.error = error

    def serve(self):
        sock, _ = self.listener.accept()
        with sock:
            sock.recv(100)
            sock.sendall(self.data)

    def fetch(self):
        with self.client.inside():
            sock = socket.socket()
        with sock:
            sock.settimeout(20)
            sock.connect((self.server.address, STOCK_PORT))
            sock.sendall(b"please")
            received = b""
            while text := sock.recv(65536):
                received += text
        if received != self.data:
            raise ValueError("got %d octets, not those sent" % len(received))
        self.fetches += 1

    def goes_on(self, t, when):
        """Two more fetches come to their end, of which one begins now."""
        before = self.fetches
        t.wait_for(lambda: self.error or self.fetches >= before + 2,
                   "stock traffic " + when)
        t.check(not self.error, "stock traffic is undisturbed %s: %r" %
                (when, self.error))


def use(t, client, server):
    """Let edutcp work, and leave behind TIME_WAIT entries on both sides, and
    requests that are half open until the listener is closed."""
    listener = server.listen(PORT)
    ends = []
    for i in range(4):
        sock = client.edutcp()
        sock.connect((server.address, PORT))
        accepted, _ = listener.accept()
        sock.send(b"hello")
        t.equal(accepted.recv(100), b"hello", "what the server has read")
        ends.append((sock, accepted) if i % 2 else (accepted, sock))
    for first, second in ends:
        first.close()
        t.equal(second.recv(1), b"", "what is read after the FIN")
        second.close()
    for host in client, server:
        t.wait_for(lambda host=host: len(host.rows(state="TIME_WAIT")) == 2,
                   "two TIME_WAIT entries on the " + host.name)

    # A socket that connects and lets nobody answer.
    client.drop("tcp sport %d" % PORT)
    half_open = [client.edutcp(nonblocking=True) for _ in range(3)]
    for sock in half_open:
        t.refuses(errno.EINPROGRESS, sock.connect, (server.address, PORT))
    t.wait_for(lambda: len(server.rows(state="SYN_RCVD")) == 3,
               "three requests")
    t.equal(unload(), errno.EWOULDBLOCK, "unloading while sockets are open")
    for sock in half_open + [listener]:
        sock.close()
    client.drop_nothing()
    t.equal({row["state"] for host in (client, server) for row in host.rows()},
            {"TIME_WAIT"}, "states that are left")


@test("stock traffic is undisturbed while edutcp is used and unloaded %d times"
      % TIMES, 500)
def come_and_go(t):
    path = module_file()
    client, server = t.hosts()
    traffic = StockTraffic(t, client, server)
    t.defer(lambda: is_loaded() or load(path))
    for time in range(TIMES):
        use(t, client, server)
        traffic.goes_on(t, "while edutcp is in use (%d)" % time)
        unload_in_the_end(t)
        t.check(not is_loaded(), "the module is gone")
        t.check(not os.path.exists("/proc/edutcp"), "/proc/edutcp is gone")
        traffic.goes_on(t, "without edutcp (%d)" % time)
        # What was reserved for it is free.
        with server.stock() as sock:
            sock.bind(("0.0.0.0", PORT))
            sock.listen()
        load(path)
    traffic.goes_on(t, "in the end")
    print("# %d stock fetches" % traffic.fetches)


@test("the module cannot be unloaded while a socket is open, of any kind", 400)
def pinned(t):
    module_file()
    client, server = t.hosts()
    t.defer(lambda: is_loaded() or load(module_file()))

    def refused(what):
        t.equal(unload(), errno.EWOULDBLOCK, "unloading with " + what)
    sock = client.edutcp()
    refused("a socket that does nothing")
    sock.bind(("0.0.0.0", 5000))
    refused("a bound socket")
    listener = server.listen(PORT)
    sock.close()
    refused("a listener")
    sock = client.edutcp()
    sock.connect((server.address, PORT))
    accepted, _ = listener.accept()
    listener.close()
    refused("a connection")

    # A connection that nobody holds any more and that still has to end.
    server.drop("tcp dport %d" % PORT)
    sock.close()
    accepted.close()
    t.wait_for_row(client, state="CLOSING", timer="retransmit")
    refused("an orphan")
    server.drop_nothing()
    t.wait_for_row(client, state="TIME_WAIT")
    t.wait_for_row(server, state="TIME_WAIT")
    unload_in_the_end(t)


@test("socket() loads the module when it is not there", 400)
def loaded_by_need(t):
    path = module_file()
    client, server = t.hosts()
    t.defer(lambda: is_loaded() or load(path))
    unload_in_the_end(t)
    server.listen(PORT)
    client.edutcp().connect((server.address, PORT))
    t.check(is_loaded(), "the module is loaded")


run()
