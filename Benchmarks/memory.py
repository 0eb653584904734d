"""How much memory a drill takes at its peak."""

import os
import re
import subprocess
import time


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
