#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""faults.py - when memory cannot be had

Lets allocations fail while connections are made and carry data. Calls may
fail then, and connections break, but what arrives is right; and when memory is
back everything works, and nothing is left of what went before.

Needs a kernel with fault injection: see DEBUG_TESTS in the Makefile.
"""

import contextlib
import os
import random
import select
import socket
import time

from libhost import SLOW, Failure, edutcp_socket
from libscenario import run, test

PORT = 80
SECONDS = 15            # that allocations fail
DEBUGFS = "/sys/kernel/debug/"
DATA = random.Random(793).randbytes(200000)


def write(path, value):
    with open(path, "w") as file:
        file.write(str(value))


def read(path):
    with open(path) as file:
        return file.read()


def patient(function, *arguments, seconds=5):
    """Repeat a call until memory for it can be had."""
    end = time.monotonic() + seconds
    while True:
        try:
            return function(*arguments)
        except (MemoryError, OSError):
            if time.monotonic() > end:
                raise


@contextlib.contextmanager
def failing(kind, percent, own_tasks=True):
    """Let allocations fail: "failslab" or "fail_page_alloc", so many per
    cent. Those of this process in its system calls; or else whoever's, but
    only of caches that nobody needs who does not use the network (the
    kernel's command line, vm/kernels/debug.cmdline, has them marked). Yields
    a function that tells how many have failed."""
    folder = DEBUGFS + kind + "/"
    most = 10 ** 8
    for name, value in (("verbose", 0), ("space", 0), ("interval", 1),
                        ("times", most), ("ignore-gfp-wait", "N"),
                        ("task-filter", "Y" if own_tasks else "N")):
        write(folder + name, value)
    if kind == "failslab":
        write(folder + "cache-filter", "N" if own_tasks else "Y")
    else:
        write(folder + "min-order", 0)
    if own_tasks:
        write("/proc/self/make-it-fail", 1)

    # Open while one still can.
    with open(folder + "probability", "wb", buffering=0) as switch:
        switch.write(b"%d" % percent)
        try:
            yield lambda: most - int(patient(read, folder + "times"))
        finally:
            patient(switch.write, b"0")
    if own_tasks:
        write("/proc/self/make-it-fail", 0)


def exchange(client, server, listener, seconds):
    """Make one connection from the client to the listener of the server and
    send DATA one way, within so many seconds; return how much has arrived.
    Errors end it, and are none of a test's business; wrong data is."""
    end = time.monotonic() + seconds
    received = bytearray()
    sent = 0
    with contextlib.ExitStack() as stack:
        poll = select.poll()
        try:
            with client.inside():
                sender = stack.enter_context(edutcp_socket())
            sender.setblocking(False)
            sender.connect_ex((server.address, PORT))
            poll.register(listener, select.POLLIN)
            poll.register(sender, select.POLLOUT)
            receiver = None
            while len(received) < len(DATA) and time.monotonic() < end:
                for fd, events in poll.poll(100):
                    if fd == listener.fileno():
                        accepted = stack.enter_context(listener.accept()[0])
                        accepted.setblocking(False)
                        poll.register(accepted, select.POLLIN)
                        receiver = accepted
                    elif fd == sender.fileno():
                        if events & (select.POLLERR | select.POLLHUP):
                            return len(received)
                        sent += sender.send(DATA[sent:sent + 20000])
                        if sent == len(DATA):
                            sender.shutdown(socket.SHUT_WR)
                            poll.unregister(sender)
                    elif receiver and fd == receiver.fileno():
                        octets = receiver.recv(65536)
                        if not octets:
                            return len(received)
                        received += octets
                        if octets != DATA[len(received) - len(octets):
                                          len(received)]:
                            raise Failure("what arrived is not what was sent")
        except (MemoryError, OSError):
            pass
    return len(received)


def keep_exchanging(client, server, listener, seconds):
    """Connections one after the other; return how many there were, how many
    carried all, and how much arrived."""
    end = time.monotonic() + seconds
    tried = whole = octets = 0
    while time.monotonic() < end:
        arrived = patient(exchange, client, server, listener, 2 * SLOW)
        tried += 1
        whole += arrived == len(DATA)
        octets += arrived
    return tried, whole, octets


def with_faults(t, kind, percent, **options):
    client, server = t.hosts()
    for host in client, server:
        for knob, value in (("rto_initial_ms", 100), ("rto_min_ms", 50),
                            ("rto_max_ms", 400), ("time_wait_ms", 100),
                            ("fin_wait_2_ms", 500), ("orphan_retries", 4),
                            ("synack_retries", 4)):
            host.set("net.edutcp." + knob, value)
    listener = server.listen(PORT)
    listener.setblocking(False)
    t.equal(exchange(client, server, listener, 30 * SLOW), len(DATA),
            "octets that arrive before")

    t.doing = "letting allocations fail"
    with failing(kind, percent, **options) as failed:
        tried, whole, octets = keep_exchanging(client, server, listener,
                                               SECONDS)
        count = failed()
    print("# %d allocations failed; %d of %d connections carried all, "
          "%d octets arrived" % (count, whole, tried, octets))
    t.check(count > 50, "more than 50 allocations have failed (%d)" % count)
    t.check(octets, "some data arrives in spite of it")

    def all_gone():
        # Those that were never accepted are the listener's.
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()
        return not client.rows() and \
            [row["state"] for row in server.rows()] == ["LISTEN"]
    t.wait_for(all_gone, "all connections to end", 60)
    t.equal(exchange(client, server, listener, 30 * SLOW), len(DATA),
            "octets that arrive afterwards")


@test("network buffers and sockets cannot be had, in tasks and in softirqs")
def network_caches(t):
    with_faults(t, "failslab", 5, own_tasks=False)


@test("no small allocation of a system call is sure to succeed")
def own_slab(t):
    with_faults(t, "failslab", 3)


@test("no page that a system call wants is sure to be had")
def own_pages(t):
    with_faults(t, "fail_page_alloc", 30)


run()
