# SPDX-License-Identifier: GPL-2.0
"""libscenario.py - hosts, sockets and a recorder for tests of edutcp

A test is a function that is handed a Scenario:

	from libscenario import test, run

	@test("a closed port refuses")
	def closed_port(t):
	    client, server = t.hosts()
	    t.record(client, server)
	    ...
	    t.equal(error, errno.ECONNREFUSED, "error of connect()")

	run()

run() runs the tests of a file one by one and prints TAP. A Scenario takes
away whatever it has made, and when a test fails it shows what it knows: every
segment and every change of state in order of time, as a ladder, and the table
of connections of each host. To wait for something, name it: then a test that
waits in vain can say for what.
"""

import contextlib
import inspect
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from libcapture import test_failed
from libhost import SLOW, Failure, Host, Skip, diagnose
from librecord import Recorder, Trace


class Task:
    """A function that runs in a thread of its own."""

    def __init__(self, scenario, function, *arguments):
        self.scenario = scenario
        self.name = function.__name__
        self.value = self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True,
                                       args=(function, arguments))
        self.thread.start()

    def _run(self, function, arguments):
        try:
            self.value = function(*arguments)
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def result(self, seconds=60):
        """What the function has returned; its exception is raised here."""
        self.scenario.doing = "waiting for %s()" % self.name
        seconds *= SLOW
        self.thread.join(seconds)
        if self.thread.is_alive():
            raise Failure("%s() has not ended after %d s" %
                          (self.name, seconds))
        if self.error:
            raise self.error
        return self.value


class Scenario:
    """What a test makes, and how it says what it expects."""

    count = 0       # of pairs of hosts, so that each has names of its own

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.all_hosts = []
        self.recorders = []
        self.doing = "at its beginning"
        self._trace = None

    def defer(self, function, *arguments):
        """Call a function when the test is over; the last one first."""
        self.stack.callback(function, *arguments)

    def hosts(self, offload=True):
        """Two hosts and a cable between them:

            netns client-PID-N            netns server-PID-N
              c0 10.7.0.1/24 =============== s0 10.7.0.2/24

        As with two-hosts.sh: they know each other's hardware addresses, so
        there is nothing on the cable but what the test sends.
        """
        Scenario.count += 1
        suffix = "-%d-%d" % (os.getpid(), Scenario.count)
        client, server = "client" + suffix, "server" + suffix
        self.doing = "making two hosts"
        self.defer(_ip, None, "netns delete %s\nnetns delete %s" %
                   (client, server))
        _ip(None, """
            netns add {0}
            netns add {1}
            link add c0 netns {0} address 02:00:00:00:00:01 type veth peer name s0 netns {1} address 02:00:00:00:00:02
            """.format(client, server))
        pair = []
        for i, (name, netns) in enumerate((("client", client),
                                           ("server", server)), 1):
            _ip(netns, """
                link set dev {0}0 addrgenmode none
                link set dev lo up
                link set dev {0}0 up
                address add 10.7.0.{1}/24 dev {0}0
                neighbour replace 10.7.0.{2} lladdr 02:00:00:00:00:0{2} dev {0}0 nud permanent
                """.format(name[0], i, 3 - i))
            host = Host(self, name, netns, "10.7.0.%d" % i, name[0] + "0")
            self.defer(host.file.close)
            pair.append(host)
            if not offload:
                host.without_offload()
        self.all_hosts += pair
        return pair

    def trace(self):
        if not self._trace:
            self._trace = Trace()
            self.defer(self._trace.close)
        return self._trace

    def record(self, left, right=None, ends_only=False):
        recorder = Recorder(self, left, right, ends_only)
        self.defer(recorder.close)
        self.recorders.append(recorder)
        return recorder

    def background(self, function, *arguments):
        return Task(self, function, *arguments)

    # claims

    @staticmethod
    def check(condition, what):
        if not condition:
            raise Failure("this does not hold: " + what)

    @staticmethod
    def equal(got, wanted, what):
        if got != wanted:
            raise Failure("%s: expected %s, got %s" %
                          (what, _brief(wanted), _brief(got)))

    @staticmethod
    def refuses(error, function, *arguments):
        """A call fails with an error number."""
        what = getattr(function, "__name__", "call")
        try:
            function(*arguments)
        except OSError as raised:
            if raised.errno == error:
                return
            raise Failure("%s%r: expected %s, got %s" %
                          (what, arguments, os.strerror(error),
                           raised)) from raised
        raise Failure("%s%r: expected %s, but it succeeded" %
                      (what, arguments, os.strerror(error)))

    def wait_for(self, predicate, what, seconds=30):
        """Wait until something holds, and return it.

        The longer it takes, the less often this looks: to wait is to cost
        nothing in virtual time.
        """
        self.doing = "waiting for " + what
        seconds *= SLOW
        begun = time.monotonic()
        while True:
            result = predicate()
            if result:
                return result
            waited = time.monotonic() - begun
            if waited > seconds:
                raise Failure("waited %d s for %s" % (seconds, what))
            time.sleep(min(max(waited / 20, 0.01), 0.25))

    def wait_for_row(self, host, what=None, seconds=30, **wanted):
        """Wait for a row of /proc/edutcp/connections, and return it."""
        what = what or "a row on the %s with %s" % (
            host.name, ", ".join("%s=%s" % pair for pair in wanted.items()))
        return self.wait_for(lambda: host.rows(**wanted), what, seconds)[0]

    def wait_for_sent(self, recorder, what, count=1, seconds=30, **wanted):
        """Wait for segments, and return all that Recorder.sent() finds."""
        def found():
            sent = recorder.sent(**wanted)
            return sent if len(sent) >= count else None
        return self.wait_for(found, what, seconds)

    def show(self):
        """What is known, for whoever must find out why a test has failed."""
        for recorder in self.recorders:
            yield from recorder.ladder()
        for host in self.all_hosts:
            try:
                lines = host.table().splitlines()
            except OSError as error:
                lines = [error]
            yield "/proc/edutcp/connections on the %s:" % host.name
            yield from lines[:20]
            if len(lines) > 20:
                yield "... %d lines more" % (len(lines) - 20)

    def close(self):
        self.stack.close()


def _brief(value, limit=1000):
    """A value in words, if need be only its beginning."""
    text = repr(value)
    return text if len(text) <= limit else "%s... (%d characters)" % (
        text[:limit], len(text))


def _ip(netns, batch):
    """Let ip(8) do several things in one go: programs start slowly in a VM."""
    command = ["ip"] + (["-n", netns] if netns else []) + ["-batch", "-"]
    lines = "\n".join(line.strip() for line in batch.strip().splitlines())
    done = subprocess.run(command, input=lines + "\n", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failure("ip(8) failed: " + done.stdout)


# ------------------------------------------------------------------------- TAP

_tests = []


def test(name, seconds=120):
    """Make a function a test of this name, with a limit to its time."""
    def register(function):
        _tests.append((name, seconds, function))
        return function
    return register


def _run_one(function, seconds):
    """Return "ok", "not ok" or "ok # SKIP why"."""
    t = Scenario()
    seconds *= SLOW

    def too_late(_signal, frame):
        while frame and frame.f_code is not function.__code__:
            frame = frame.f_back
        where = " (line %d)" % frame.f_lineno if frame else ""
        raise Failure("not done after %d s, last seen %s%s" %
                      (seconds, t.doing, where))
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(seconds)
    verdict = "ok"
    try:
        function(t)
    except Skip as reason:
        verdict = "ok # SKIP " + str(reason)
    except Exception as error:      # pylint: disable=broad-except
        signal.alarm(0)
        verdict = "not ok"
        test_failed(function.__name__)
        diagnose([error if isinstance(error, Failure)
                  else traceback.format_exc()])
        lines = [entry.lineno for entry in
                 traceback.extract_tb(error.__traceback__)
                 if entry.name == function.__name__]
        diagnose(["at line %d of %s" % (lines[-1],
                                        inspect.getfile(function))]
                 if lines else [])
        try:
            diagnose(t.show())
        except Exception:           # pylint: disable=broad-except
            diagnose(["no more is known:", traceback.format_exc()])
    finally:
        # The rest must not hang either.
        signal.alarm(60 * SLOW)
        try:
            t.close()
        except Exception:           # pylint: disable=broad-except
            verdict = "not ok"
            diagnose(["in cleaning up:", traceback.format_exc()])
        signal.alarm(0)
    return verdict


def run():
    """Run the tests of the file (or those whose names contain the word given
    as argument) and exit."""
    if os.geteuid():
        print("1..0 # SKIP not root")
        sys.exit(4)
    chosen = [entry for entry in _tests
              if all(word in entry[0] for word in sys.argv[1:])]
    print("TAP version 13\n1..%d" % len(chosen), flush=True)
    # Timestamps of packets cost time, so the kernel takes them only while
    # some socket wants them, and begins with a delay: want them all along.
    keeper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    keeper.setsockopt(socket.SOL_SOCKET, 35, 1)
    failed = False
    for number, (name, seconds, function) in enumerate(chosen, 1):
        begun = time.monotonic()
        verdict = _run_one(function, seconds)
        failed |= verdict.startswith("not")
        diagnose(["%.1f s" % (time.monotonic() - begun)])
        status, _, skip = verdict.partition(" # ")
        print("%s %d %s%s" % (status, number, name,
                              " # " + skip if skip else ""), flush=True)
    # Threads that hang must not keep the program.
    os._exit(1 if failed else 0)    # pylint: disable=protected-access


@contextlib.contextmanager
def scratch():
    """A folder for a test's files."""
    with tempfile.TemporaryDirectory(prefix="edutcp-") as folder:
        yield folder
