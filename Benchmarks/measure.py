"""Runs the benchmarks; started by Benchmarks/run, which builds what is measured."""

import argparse
import datetime
import json
import os
import platform
import shutil
import sys
import tempfile
import time

from benches import GROUPS
from figures import table
from guardline import processes_of
from quiet import Patience


class Bench:
    """Where the binaries are, and a state, a run-time directory and a project of the benchmark's own."""

    def __init__(self, root, work, is_quick, is_realtime):
        self.root, self.work, self.is_quick, self.is_realtime = root, work, is_quick, is_realtime
        self.bin = root + "/.build/muster/bin"
        self.muster, self.guard = self.bin + "/muster", self.bin + "/muster-guard"
        self.release = root + "/.build/benchmarks/release"
        self.journal_row = self.release + "/journal-row"
        self.judge_samples = self.release + "/judge-samples"
        self.ledger_classify = self.release + "/ledger-classify"
        self.state, self.outcomes = work + "/state", work + "/outcomes.sqlite"
        for path in ("/state", "/runtime", "/project/runbooks"):
            os.makedirs(work + path, mode=0o700)
        shutil.copytree(root + "/drills", work + "/project/drills")
        self.drill = work + "/project/drills/first-drill.yaml"
        self.environment = {
            **os.environ, "MUSTER_STATE": self.state, "MUSTER_RUNTIME": work + "/runtime",
            "MUSTER_OUTCOMES": self.outcomes}
        self.environment.pop("MUSTER_BUILD_ONLY", None)
        self.patience = Patience(0)

    def runs(self, count):
        return max(5, count // 5) if self.is_quick else count

    def time(self, *command, count, exactly=False):
        """Milliseconds from before the process is made until it was waited for; one more run before, to warm up,
        unless it is to be run `exactly` so often."""
        said = self.work + "/said"
        writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        streams = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, said, writing, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
        taken = []
        for _ in range(count if exactly else count + 1):
            began = time.monotonic_ns()
            pid = os.posix_spawn(command[0], command, self.environment, file_actions=streams)
            _, status = os.waitpid(pid, 0)
            taken.append((time.monotonic_ns() - began) / 1e6)
            code = os.waitstatus_to_exitcode(status)
            if code != 0:
                with open(said, encoding="utf-8", errors="replace") as file:
                    raise RuntimeError(f"{' '.join(command)} ended with {code}:\n{file.read()[-2000:]}")
        return taken if exactly else taken[1:]


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
    return (f"{datetime.date.today()}, {os.cpu_count()} cores ({model}), Linux {platform.release()}, "
            f"load {os.getloadavg()[0]:.1f} before")


def arguments():
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description="Measures Muster's release build.")
    parser.add_argument("--root", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="a fifth of the runs")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON as well")
    parser.add_argument("--place", metavar="DIR", default="/var/tmp", help="the disk that is measured")
    parser.add_argument("--only", choices=GROUPS, action="append", help="this group of figures; may be given twice")
    parser.add_argument(
        "--patience", metavar="SECONDS", type=float, default=60, help="wait so long per group for a quiet machine")
    parser.add_argument(
        "--realtime", action="store_true", help="measure before all other work of a busy machine (root; sched(7))")
    return parser.parse_args()


def main():
    wanted = arguments()
    if wanted.realtime:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except PermissionError:
            print("Benchmarks/run: --realtime needs root (sched(7)); run it with sudo, or without", file=sys.stderr)
            return 2
    work = tempfile.mkdtemp(prefix="muster-bench.", dir=wanted.place)
    where = machine()
    where += ", at real-time priority" if wanted.realtime else ""
    print(f"{where}, state on {work}", file=sys.stderr)
    figures, failures = [], []
    try:
        bench = Bench(wanted.root, work, wanted.quick, wanted.realtime)
        for group in wanted.only or GROUPS:
            print(f"  {group} ...", file=sys.stderr)
            bench.patience = Patience(wanted.patience)
            bench.patience.wait()
            try:
                for figure in GROUPS[group](bench):
                    figure.was_busy = bench.patience.was_busy
                    figures.append(figure)
            except RuntimeError as error:
                failures.append(f"{group}: {error}")
        left = processes_of(work)
        if left:
            failures.append(f"processes of the benchmark are left: {left}; see them with ps, then muster undo")
    finally:
        if not failures:
            shutil.rmtree(work)
    print(table(figures))
    if wanted.json:
        with open(wanted.json, "w", encoding="utf-8") as file:
            json.dump({"machine": where, "figures": [figure.plain() for figure in figures]}, file, indent=2)
    missed = [figure.name for figure in figures if figure.verdict == "MISSED"]
    unknown = [figure.name for figure in figures if figure.verdict in ("busy", "noisy")]
    for text in failures:
        print(f"Benchmarks/run: could not be measured: {text} (kept: {work})", file=sys.stderr)
    if missed:
        print(f"Benchmarks/run: missed: {'; '.join(missed)}", file=sys.stderr)
    if unknown:
        print(f"Benchmarks/run: the machine was too busy to tell: {'; '.join(unknown)}", file=sys.stderr)
    return 1 if missed or failures else 3 if unknown else 0


sys.exit(main())
