#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""fuzz.py - fuzz the protocol core

Runs each of libFuzzer's targets beside this script for some seconds, one after
the other, from what is in corpus/. Prints TAP, a line for each target, and what
was reached.

An input that fails is kept; its name is printed, with what it breaks. Run by
itself ("build/selftests-fuzz/events FILE") it tells its story.

Environment:
    FUZZ_SECONDS    for each target (20)
    FUZZ_TARGET     the only target to run
    FUZZ_CORPUS     a folder: inputs that reach something new are kept there, by
                    target, and the next run begins with them, too
    FUZZ_ARTIFACTS  a folder for inputs that fail (the current one)
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# What a target must reach, even on a busy machine: executions a second, and
# edges in the core's code. Less says that it does not test what it should.
TARGETS = {
    "parser": (5000, 50),
    "events": (100, 700),
    "pair": (20, 600),
}

# More than any input takes, in octets: long stories are slow, and say no more.
MAX_LEN = 400


class Output:
    """What libFuzzer says."""

    def __init__(self, text):
        self.text = text

    def statistic(self, name):
        """One of -print_final_stats=1, 0 if it is not there."""
        found = re.search(rf"^stat::{name}: *(\d+)", self.text, re.M)
        return int(found[1]) if found else 0

    def coverage(self):
        """The edges reached, those there are, and the inputs that it took."""
        reached = re.findall(r"cov: (\d+) .*corp: (\d+)", self.text)
        edges = re.search(r"\((\d+) inline 8-bit counters\)", self.text)
        covered, inputs = map(int, reached[-1] if reached else (0, 0))
        return covered, int(edges[1]) if edges else 0, inputs

    def culprit(self):
        """The file with the input that failed, if one did."""
        found = re.search(r"Test unit written to (\S+)", self.text)
        return found[1] if found else None

    def complaints(self):
        """What went wrong, without what libFuzzer says all the time."""
        wanted = re.compile(r"# |==\d+==|SUMMARY|.*runtime error|artifact_prefix"
                            r"|Base64")
        return [line for line in self.text.splitlines() if wanted.match(line)]


def run(target, seconds, corpus, artifacts):
    """Run a target; return its exit status (None: too slow) and its output."""
    command = [
        str(HERE / target), f"-max_total_time={seconds}",
        "-print_final_stats=1", "-timeout=10", "-rss_limit_mb=4096",
        f"-max_len={MAX_LEN}", f"-artifact_prefix={artifacts}/{target}-",
        str(corpus), str(HERE / "corpus" / target),
    ]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds + 60, check=False)
    except subprocess.TimeoutExpired as late:
        return None, Output((late.stdout or b"").decode(errors="replace"))
    return done.returncode, Output(done.stdout.decode(errors="replace"))


def tell_story(target, culprit):
    """Run an input by itself; return what it says."""
    done = subprocess.run([str(HERE / target), "-timeout=60", culprit],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return Output(done.stdout.decode(errors="replace")).complaints()


def judge(target, seconds, status, output):
    """What is wrong, in words; nothing if all is well."""
    least_rate, least_coverage = TARGETS[target]
    executed = output.statistic("number_of_executed_units")
    covered, _, _ = output.coverage()

    if status is None:
        return "did not end"
    if status:
        return f"an input fails (status {status})"
    if not executed:
        return "nothing was executed"
    if executed < least_rate * seconds:
        return f"{executed} executions in {seconds} s are too few"
    if covered < least_coverage:
        return f"{covered} edges of the core are too few"
    return None


def fuzz(number, target, seconds, corpus, artifacts):
    """Run a target and print its result; return whether all is well."""
    status, output = run(target, seconds, corpus, artifacts)
    wrong = judge(target, seconds, status, output)
    executed = output.statistic("number_of_executed_units")
    covered, edges, inputs = output.coverage()

    print(f"# {target}: {executed} executions, {executed // seconds} a second; "
          f"coverage: {covered} of {edges} edges, {inputs} inputs")
    if wrong:
        story = output.complaints()
        if output.culprit():
            story += tell_story(target, output.culprit())
        for line in story[:80]:
            print("# " + line.removeprefix("# "))
        print(f"not ok {number} {target}: {wrong}", flush=True)
    else:
        print(f"ok {number} {target}", flush=True)
    return not wrong


def main():
    """Run the targets."""
    seconds = int(os.environ.get("FUZZ_SECONDS") or 20)
    only = os.environ.get("FUZZ_TARGET")
    targets = [only] if only else list(TARGETS)
    artifacts = os.path.abspath(os.environ.get("FUZZ_ARTIFACTS") or ".")

    if only and only not in TARGETS:
        sys.exit(f"fuzz.py: no target '{only}'; there are " + ", ".join(TARGETS))
    os.makedirs(artifacts, exist_ok=True)
    print(f"TAP version 13\n1..{len(targets)}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        kept = pathlib.Path(os.environ.get("FUZZ_CORPUS") or scratch)
        results = []
        for number, target in enumerate(targets, 1):
            corpus = kept / target
            corpus.mkdir(parents=True, exist_ok=True)
            results.append(fuzz(number, target, seconds, corpus, artifacts))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
