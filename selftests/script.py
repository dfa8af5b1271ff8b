#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""script.py - the scripts of scripts/, each of them a test

Every script has a network namespace to itself, in which this program plays the
peer (libscript.py has the language). They run side by side: one goes on when
it has something to do, and a new one begins when all others wait. So what has
to be waited for costs little, and no script is late on account of another.

	script.py [--stock] [WORD...]

WORD: only scripts whose titles have all these words, or of the file of that
name. --stock: with sockets of the stock stack; that is to show whether what a
script expects is also what Linux does.
"""

import glob
import os
import select
import sys
import time
import traceback

from libhost import Failure, diagnose
from libscript import Performance, read_scripts

# So many at a time; each has three files open.
AT_ONCE = 100
# Peers' initial sequence numbers: an ordinary one, and one that wraps within
# the first segment of text. 2^31 is on the way for neither.
ISS = {"": 1000, " (peer's numbers wrap)": 2**32 - 300}


class Show:
    """All the scripts, one beside the other."""

    def __init__(self, parts, stock):
        self.waiting = list(enumerate(parts, 1))
        self.parts = parts
        self.stock = stock
        self.running = {}       # performance: (number, deadline)
        self.poll = select.poll()
        self.by_file = {}
        self.verdicts = {}
        self.printed = 0
        self.failed = 0

    def run(self):
        """Run all; return how many have failed."""
        while self.waiting or self.running:
            for performance in self.ready():
                self.resume(performance)
        return self.failed

    def ready(self):
        """Those that have something to do; if there are none, a new one."""
        room = self.waiting and len(self.running) < AT_ONCE
        now = time.time()
        first = min((d for _, d in self.running.values()), default=now)
        pause = 0 if room else max(0, first - now)
        found = {self.by_file[fd] for fd, _ in self.poll.poll(pause * 1000)}
        now = time.time()
        found |= {performance for performance, (_, deadline)
                  in self.running.items() if deadline <= now}
        if not found and room:
            found = {self.begin()}
        return found

    def begin(self):
        number, (script, iss) = self.waiting.pop(0)
        performance = Performance(script, ISS[iss], self.stock)
        self.running[performance] = (number, 0)
        self.by_file[performance.stage.wire.fileno()] = performance
        self.poll.register(performance.stage.wire, select.POLLIN)
        return performance

    def resume(self, performance):
        number, _ = self.running[performance]
        failure = deadline = None
        try:
            deadline = performance.resume()
        except Exception as error:      # pylint: disable=broad-except
            failure = [error if isinstance(error, Failure)
                       else traceback.format_exc()]
            failure += performance.show()
        if deadline is not None:
            self.running[performance] = (number, deadline)
            return
        del self.running[performance]
        self.poll.unregister(performance.stage.wire)
        del self.by_file[performance.stage.wire.fileno()]
        performance.close()
        self.verdicts[number] = failure
        self.report()

    def report(self):
        """Print the verdicts, in order, as far as they are known."""
        while self.printed + 1 in self.verdicts:
            self.printed += 1
            failure = self.verdicts[self.printed]
            script, iss = self.parts[self.printed - 1]
            if failure:
                self.failed += 1
                diagnose(failure)
            print("%sok %d %s%s" % ("not " if failure else "", self.printed,
                                    script.title, iss), flush=True)


def missing(script, knobs):
    """Does a script need what this module does not have?"""
    return [name for name in script.needs if name not in knobs]


def main():
    if os.geteuid():
        print("1..0 # SKIP not root")
        return 4
    words = sys.argv[1:]
    stock = "--stock" in words
    if stock:
        words.remove("--stock")
    folder = os.path.dirname(os.path.abspath(__file__)) + "/scripts/"
    scripts = [script for path in sorted(glob.glob(folder + "*.script"))
               for script in read_scripts(path)
               if all(word in script.title or script.file == word + ".script"
                      for word in words)]
    knobs = os.listdir("/proc/sys/net/edutcp")
    later = [s for s in scripts if missing(s, knobs)]
    parts = [(script, iss) for iss in ISS for script in scripts
             if script not in later and not (stock and script.not_stock)]
    print("TAP version 13\n1..%d" % len(parts), flush=True)
    if later:
        diagnose(["%d scripts are for what this module does not have yet" %
                  len(later)])
    begun = time.time(), time.process_time()
    failed = Show(parts, stock).run()
    diagnose(["%.1f s, %.1f s of them busy" % (
        time.time() - begun[0], time.process_time() - begun[1])])
    return 1 if failed else 0


sys.exit(main())
