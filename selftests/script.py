#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""script.py - the scripts of scripts/, each of them a test

Every script has a network namespace to itself, in which this program plays the
peer (libscript.py has the language). They run side by side: one goes on when
it has something to do, and a new one begins when all others wait. So what has
to be waited for costs little, and no script is late on account of another.

In the end they are played to sockets of the stock stack, but for those which
say why it does otherwise: so what they expect is also what Linux does.

	script.py [WORD...]		only scripts whose titles have all these
					words, or of the file of that name
"""

import glob
import os
import select
import subprocess
import sys
import time
import traceback

from libhost import Failure, diagnose
from libscript import Performance, read_scripts

# So many at a time; each has three files open.
AT_ONCE = 100
# To begin a script takes less than so many seconds.
BEGINNING = 0.03
# How a script is played: what its title is followed by, the peer's initial
# sequence number (an ordinary one, and one that wraps within a little text),
# and whether to the stock stack.
WAYS = (
    ("", 1000, False),
    (" (the peer's numbers wrap)", 2**32 - 50, False),
    (" (stock TCP)", 1000, True),
)


class Show:
    """All the scripts, one beside the other."""

    def __init__(self, parts):
        self.waiting = list(enumerate(parts, 1))
        self.parts = parts
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
        self.report()
        return self.failed

    def ready(self):
        """Those that have something to do; if there are none, a new one."""
        now = time.time()
        first = min((d for _, d in self.running.values()), default=now + 1)
        # To begin takes time, and so does printing; whoever has something to do soon comes first.
        room = (self.waiting and len(self.running) < AT_ONCE and
                first > now + BEGINNING)
        pause = 0 if room else max(0, first - now)
        found = {self.by_file[fd] for fd, _ in self.poll.poll(pause * 1000)}
        if not found and room:
            self.report()
        now = time.time()
        found |= {performance for performance, (_, deadline)
                  in self.running.items() if deadline <= now}
        if not found and room:
            found = {self.begin()}
        return found

    def begin(self):
        number, (script, (_, iss, stock)) = self.waiting.pop(0)
        performance = Performance(script, iss, stock)
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

    def report(self):
        """Print the verdicts, in order, as far as they are known."""
        while self.printed + 1 in self.verdicts:
            self.printed += 1
            failure = self.verdicts[self.printed]
            script, (way, _, _) = self.parts[self.printed - 1]
            if failure:
                self.failed += 1
                diagnose(failure)
            print("%sok %d %s%s" % ("not " if failure else "", self.printed,
                                    script.title, way), flush=True)


def missing(script, knobs):
    """Does a script need what this module does not have?"""
    return [name for name in script.needs if name not in knobs]


def main():
    if os.geteuid():
        print("1..0 # SKIP not root")
        return 4
    words = sys.argv[1:]
    folder = os.path.dirname(os.path.abspath(__file__)) + "/scripts/"
    scripts = [script for path in sorted(glob.glob(folder + "*.script"))
               for script in read_scripts(path)
               if all(word in script.title or script.file == word + ".script"
                      for word in words)]
    subprocess.run(["modprobe", "-q", "tun"], check=False)
    knobs = os.listdir("/proc/sys/net/edutcp")
    later = [s for s in scripts if missing(s, knobs)]
    parts = [(script, way) for way in WAYS for script in scripts
             if not (script.not_stock if way[2] else script in later)]
    print("TAP version 13\n1..%d" % len(parts), flush=True)
    if later:
        diagnose(["%d scripts are for what this module does not have yet" %
                  len(later)])
    begun = time.time(), time.process_time()
    failed = Show(parts).run()
    diagnose(["%.1f s, %.1f s of them busy" % (
        time.time() - begun[0], time.process_time() - begun[1])])
    return 1 if failed else 0


sys.exit(main())
