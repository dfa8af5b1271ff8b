#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""script.py - the scripts of scripts/, each of them a test

A script has a network namespace to itself, in which this program plays the
peer (libscript.py has the language). They run side by side: one goes on when
it has something to do, and a new one begins when all others wait. So what has
to be waited for costs little, and no script is late on account of another.

Each is played to edutcp twice, once with sequence numbers that wrap; and to the
stock stack, unless it says why that does otherwise: so what is expected here is
also what Linux does. (On a slow kernel, which looks for faults in edutcp, once is
enough.)

	script.py [WORD...]		only scripts that have one of these words
					in their title, or are in the file of
					that name
"""

import glob
import os
import select
import subprocess
import sys
import time
import traceback

from libcapture import test_failed
from libhost import SLOW, Failure, diagnose
from libscript import Performance, read_scripts
from libstage import Stage

# So many at a time; one, where they would be late on account of each other.
AT_ONCE = 60 if SLOW == 1 else 1
# To begin a script takes less than so many seconds.
BEGINNING = 0.03 * SLOW
# The ways in which a script is played.
WAYS = PLAIN, WRAPPING, STOCK = ("to edutcp", "with numbers that wrap",
                                 "to the stock stack")
if SLOW > 1:
    WAYS = (PLAIN,)


def perform(script, stage, way):
    """Begin to play a script."""
    iss = 1000
    if way == WRAPPING:
        # The peer's, in the midst of what it sends within our window.
        ends = [line.segment.end for line in script.lines
                if line.word == "<" and line.segment]
        iss = 2**32 - 1 - max((e for e in ends if 0 < e < 70000),
                              default=0) // 2
    return Performance(script, stage, iss, way == STOCK)


class Show:
    """All the scripts, one beside the other."""

    def __init__(self, scripts):
        self.scripts = scripts
        self.left = {}          # how often a script is still to be played
        self.waiting = []       # (script, way)
        for script in scripts:
            for way in WAYS:
                if not (way == STOCK and script.not_stock):
                    self.waiting.append((script, way))
                    self.left[script] = self.left.get(script, 0) + 1
        self.failures = {script: [] for script in scripts}
        self.running = {}       # performance: (script, way, deadline)
        # To take a namespace away keeps the kernel busy for a while: they
        # stay until the end, and most are used many times. Each stack has
        # its own: a port of one in TIME_WAIT is not for the other to bind.
        self.stages = []
        self.free = {way == STOCK: [] for way in WAYS}
        self.poll = select.poll()
        self.by_file = {}
        self.printed = 0
        self.failed = 0

    def run(self):
        """Run all; return how many have failed."""
        while self.waiting or self.running:
            for performance in self.ready():
                self.resume(performance)
        self.report()
        return self.failed

    def ready(self):
        """Those that have something to do; if there are none, a new one."""
        now = time.time()
        first = min((entry[2] for entry in self.running.values()),
                    default=now + 1)
        # To begin takes time, and so does printing: whoever has something to
        # do soon comes first.
        room = (self.waiting and len(self.running) < AT_ONCE and
                first > now + BEGINNING)
        pause = 0 if room else max(0, first - now)
        found = {self.by_file[fd] for fd, _ in self.poll.poll(pause * 1000)}
        if not found and room:
            self.report()
        now = time.time()
        found |= {performance for performance, entry in self.running.items()
                  if entry[2] <= now}
        if not found and room:
            found = {self.begin()}
        return found

    def begin(self):
        script, way = self.waiting.pop(0)
        free = self.free[way == STOCK]
        if script.is_alone() or not free:
            self.stages.append(Stage(script.mtu))
            stage = self.stages[-1]
        else:
            stage = free.pop()
        performance = perform(script, stage, way)
        self.running[performance] = (script, way, 0)
        self.by_file[performance.stage.wire.fileno()] = performance
        self.poll.register(performance.stage.wire, select.POLLIN)
        return performance

    def resume(self, performance):
        script, way, _ = self.running[performance]
        deadline = None
        try:
            deadline = performance.resume()
        except Exception as error:      # pylint: disable=broad-except
            test_failed(script.title, wait=False)
            self.failures[script] += [
                "played %s:" % way, error if isinstance(error, Failure)
                else traceback.format_exc(), *performance.show()]
        if deadline is not None:
            self.running[performance] = (script, way, deadline)
            return
        del self.running[performance]
        self.poll.unregister(performance.stage.wire)
        del self.by_file[performance.stage.wire.fileno()]
        performance.close()
        if not script.is_alone() and not self.failures[script]:
            self.free[way == STOCK].append(performance.stage)
        self.left[script] -= 1

    def report(self):
        """Print the verdicts, in order, as far as they are known."""
        while (self.printed < len(self.scripts) and
               not self.left[self.scripts[self.printed]]):
            script = self.scripts[self.printed]
            self.printed += 1
            failure = self.failures[script]
            self.failed += bool(failure)
            diagnose(failure)
            print("%sok %d %s" % ("not " if failure else "", self.printed,
                                  script.title), flush=True)


def main():
    if os.geteuid():
        print("1..0 # SKIP not root")
        return 4
    words = sys.argv[1:]
    folder = os.path.dirname(os.path.abspath(__file__)) + "/scripts/"
    scripts = [script for path in sorted(glob.glob(folder + "*.script"))
               for script in read_scripts(path)
               if not words or any(
                   word in script.title or script.file == word + ".script"
                   for word in words)]
    subprocess.run(["modprobe", "-q", "tun"], check=False)
    knobs = os.listdir("/proc/sys/net/edutcp")
    later = [script for script in scripts
             if any(name not in knobs for name in script.needs)]
    # Those that only the stock stack could play show nothing of edutcp.
    scripts = [script for script in scripts if script not in later]
    print("TAP version 13\n1..%d" % len(scripts), flush=True)
    if later:
        diagnose(["%d scripts are for what this module does not have yet" %
                  len(later)])
    begun = time.time(), time.process_time()
    failed = Show(scripts).run()
    diagnose(["%.1f s, %.1f s of them busy" % (
        time.time() - begun[0], time.process_time() - begun[1])])
    return 1 if failed else 0


sys.exit(main())
