"""How much memory a drill takes at its peak, and the measuring engine the longer it writes."""

import os
import re
import subprocess
import time

from engine import MILLION, measured, redis_server
from figures import Figure


def read(path):
    """The text of a file in /proc; empty once the process is gone."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def kilobytes(text, field):
    found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def running(directory):
    """Process and program for everything that runs from `directory`."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            program = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            continue
        if program.startswith(directory + "/"):
            yield pid, program[len(directory) + 1:]


def peaks(command, environment, directory):
    """Runs a drill to its end and looks every 50 ms. The sums are of proportional set sizes (proc(5),
    smaps_rollup): pages that several processes share count once.
    Returns bytes by what they are of, and the drill's exit code."""
    found = {"engine": 0, "all": 0, "target": 0}
    run = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while run.poll() is None:
        ours = target = 0
        for pid, program in running(directory):
            share = kilobytes(read(f"/proc/{pid}/smaps_rollup"), "Pss")
            if program == "sample-service":
                target += share
            else:
                ours += share
        # The kernel keeps the peak by itself (proc(5), VmHWM).
        highest = kilobytes(read(f"/proc/{run.pid}/status"), "VmHWM")
        found = {
            "engine": max(found["engine"], highest), "all": max(found["all"], ours),
            "target": max(found["target"], target)}
        time.sleep(0.05)
    return found, run.returncode


def growth(bench):
    """The engine's resident memory while 64 writers write 20,000 entries a second to a local Redis: no more at the end
    than after the first million."""
    counts = [MILLION, 2 * MILLION] if bench.is_quick else [MILLION, 2 * MILLION, 4 * MILLION]
    place = bench.work + "/growth"
    os.mkdir(place)
    with redis_server(bench) as url:
        bench.patience.wait()
        found = measured(bench, "growth", url, 64, 20_000, place, ",".join(map(str, counts)))
    resident = [value / MILLION for value in found["resident"]]
    for count, value in zip(counts, resident):
        yield Figure("growth", f"resident after {count:,} writes to Redis", "MB", None, [value])
    yield Figure(
        "growth", "growth of memory, each million writes", "MB", 1,
        [max(0, resident[-1] - resident[0]) * MILLION / (counts[-1] - counts[0])])
