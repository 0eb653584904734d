"""What is measured, group by group."""

import contextlib
import os
import signal
import sqlite3
import statistics
import subprocess
import time

from data import datasets
from engine import ledger, probes, store
from figures import Figure
from guardline import Guard
from memory import growth, peaks
from proxy import proxy

MEGABYTE = 1_000_000


def starts(bench):
    count = bench.runs(100)
    yield Figure("start", "/bin/true, for comparison", "ms", None, bench.time("/bin/true", count=count))
    yield Figure("start", "muster --version", "ms", 15, bench.time(bench.muster, "--version", count=count))
    yield Figure("start", "muster-guard --version", "ms", 5, bench.time(bench.guard, "--version", count=count))


def plan(bench):
    taken = bench.time(bench.muster, "plan", bench.drill, count=bench.runs(50))
    yield Figure("plan", "muster plan of the first drill", "ms", 60, taken)


def wrapper(bench):
    """In turns, so that what else the machine does strikes both alike."""
    added = []
    for _ in range(bench.runs(40)):
        through = bench.time(bench.root + "/muster", "--version", count=5)
        direct = bench.time(bench.muster, "--version", count=5)
        added.append(statistics.median(through) - statistics.median(direct))
    yield Figure("wrapper", "added by an up-to-date ./muster", "ms", 100, added)


def first_probe(bench):
    """From making the process of `muster run` to the `started` of the first sample, which the outcome store has
    on the same clock. The drill is interrupted once it probes; a user's second drill is what is measured,
    so the store is there already."""
    taken = []
    for _ in range(bench.runs(15) + 1):
        bench.patience.wait()
        began = time.monotonic_ns()
        run = subprocess.Popen(
            [bench.muster, "run", bench.drill], env=bench.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(1.5)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=120)
        with contextlib.closing(sqlite3.connect(bench.outcomes)) as database:
            (first,) = database.execute(
                "SELECT min(due_ns + late_ns) FROM samples JOIN signals ON signals.id = samples.signal "
                "WHERE signals.writer = -1 AND due_ns > ?", [began]).fetchone()
        if first is None:
            raise RuntimeError(f"muster run probed nothing within 1.5 s:\n{said}")
        taken.append((first - began) / 1e6)
    yield Figure("probe", "muster run to the first probe", "ms", 300, taken[1:])


def journal(bench):
    place = bench.work + "/journal"
    os.mkdir(place, 0o700)
    yield Figure("journal", "one fdatasync of this disk, for comparison", "ms", None, synced(place, bench.runs(500)))
    bench.patience.wait()
    done = subprocess.run(
        [bench.journal_row, place, str(bench.runs(1000))], check=True, stdout=subprocess.PIPE, text=True)
    rows = [int(line) / 1e6 for line in done.stdout.split()]
    yield Figure("journal", "journal row, durable", "ms", 1, rows)


def synced(place, count):
    """The least that durability costs: one page of an existing file, written over."""
    taken = []
    file = os.open(place + "/page", os.O_RDWR | os.O_CREAT, 0o600)
    for number in range(count + 1):
        os.pwrite(file, bytes([number % 256]) * 4096, 0)
        began = time.monotonic_ns()
        os.fdatasync(file)
        taken.append((time.monotonic_ns() - began) / 1e6)
    os.close(file)
    return taken[1:]


def undo(bench):
    """100 processes of ours are suspended, one injection each; then guard, hands and warden die at once."""
    count, injected, undone = 100, [], []
    for _ in range(bench.runs(20)):
        sleepers = [subprocess.Popen(["/bin/sleep", "600"]) for _ in range(count)]
        try:
            guard = Guard(bench.guard, bench.state, bench.environment)
            try:
                for number, sleeper in enumerate(sleepers):
                    target = {"count": 1, "process": pid_file(bench, sleeper.pid)}
                    began = time.monotonic_ns()
                    guard.inject(f"hang-{number}", "process-pause", {}, target)
                    injected.append((time.monotonic_ns() - began) / 1e6)
            finally:
                guard.kill_all()
            expect(sleepers, "T")
            bench.patience.wait()
            undone += bench.time(bench.guard, "undo", "--state", bench.state, count=1, exactly=True)
            expect(sleepers, "S")
        finally:
            for sleeper in sleepers:
                sleeper.kill()
                sleeper.wait()
    yield Figure("undo", "inject of a process-pause, request to answer", "ms", None, injected)
    yield Figure("undo", f"muster-guard undo of {count} open injections", "ms", 1000, undone)


def pid_file(bench, pid):
    path = f"{bench.work}/sleeper-{pid}.pid"
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{pid}\n")
    return {"pidFile": path}


def expect(processes, state):
    for process in processes:
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            found = file.read().rsplit(")", 1)[1].split()[0]
        if found != state:
            raise RuntimeError(f"process {process.pid} is in state {found} instead of {state} (proc(5), stat)")


def judge(bench):
    """10 million samples with 1,000 outages, half of them a probe's and half of four writers."""
    taken = []
    for _ in range(bench.runs(10)):
        bench.patience.wait()
        done = subprocess.run(
            [bench.judge_samples, "10000000", "500"], check=True, stdout=subprocess.PIPE, text=True)
        taken.append([int(line) for line in done.stdout.split()])
    recorded, judged, size, peak = zip(*taken)
    yield Figure("judge", "recording 10 million samples", "ms", None, [value / 1e6 for value in recorded])
    yield Figure("judge", "judging them", "ms", 2000, [value / 1e6 for value in judged])
    yield Figure("judge", "one sample", "B", None, [value / 1e7 for value in size])
    yield Figure("judge", "memory at most, both together", "MB", 200, [value / MEGABYTE for value in peak])


def classify(bench):
    """Ten million entries, the read-back beside them; the peak is of the whole process, entries included."""
    taken, most = [], []
    for _ in range(bench.runs(5)):
        bench.patience.wait()
        done = subprocess.run([bench.ledger_classify], check=True, stdout=subprocess.PIPE, text=True)
        nanoseconds, peak = map(int, done.stdout.split())
        taken.append(nanoseconds / 1e9)
        most.append(peak / MEGABYTE)
    yield Figure("classify", "classification of 10 million entries", "s", 10, taken)
    yield Figure("classify", "classification of 10 million entries: peak memory", "MB", 1000, most)


def schedules(bench):
    """What is due next for 100,000 schedules in ten zones, a year of 1,000 weekly and monthly ones as iCalendar, and what
    reading a file of them takes: a whole command with 100,000, and the look for blackouts in 1,000."""
    taken = []
    for _ in range(bench.runs(10)):
        bench.patience.wait()
        done = subprocess.run(
            [bench.release + "/schedules", "100000", "1000"], check=True, stdout=subprocess.PIPE, text=True)
        taken.append([int(line) for line in done.stdout.split()])
    following, feed, _, size, look = zip(*taken)
    yield Figure("schedules", "next occurrence of 100,000 schedules", "ms", 1000, [value / 1e6 for value in following])
    yield Figure("schedules", "a year of 1,000 schedules as iCalendar", "ms", 1000, [value / 1e6 for value in feed])
    yield Figure("schedules", "its size", "MB", None, [value / MEGABYTE for value in size])
    yield Figure("schedules", "blackouts of a file of 1,000", "ms", 100, [value / 1e6 for value in look])
    whole = bench.time(bench.muster, "schedule", "next", "--file", many_schedules(bench), count=bench.runs(10))
    yield Figure("schedules", "muster schedule next, a file of 100,000", "ms", 2000, whole)


def many_schedules(bench):
    path = bench.work + "/project/drills/many.yaml"
    with open(path, "w", encoding="ascii") as file:
        file.write("format: 1\ntimezone: Europe/Berlin\nschedules:\n")
        for number in range(100_000):
            cron = f"{number * 7 % 60} {number % 24} * * {number % 7}"
            file.write(f"  s{number:06}: {{ drill: drills/first-drill.yaml, cron: {cron} }}\n")
    return path


def memory(bench):
    runs = [peaks([bench.muster, "run", bench.drill], bench.environment, bench.bin)
            for _ in range(1 if bench.is_quick else 3)]
    if any(code != 0 for _, code in runs):
        raise RuntimeError(f"the first drill ended with {[code for _, code in runs]} instead of 0")

    def figure(key, name, budget):
        return Figure("memory", name, "MB", budget, [found[key] / MEGABYTE for found, _ in runs])

    yield figure("all", "first drill: engine, guard, hands, warden, supervisor", 80)
    yield figure("engine", "first drill: muster alone, resident", None)
    yield figure("target", "first drill: sample-service", None)


def sizes(bench):
    for path, budget in ((bench.guard, 20), (bench.muster, None), (bench.bin + "/sample-service", None)):
        found = os.stat(path).st_size / MEGABYTE
        yield Figure("size", f"{os.path.basename(path)}, static, stripped", "MB", budget, [found])


GROUPS = {
    "start": starts, "plan": plan, "wrapper": wrapper, "probe": first_probe, "journal": journal, "undo": undo,
    "judge": judge, "classify": classify, "memory": memory, "size": sizes, "probes": probes, "ledger": ledger,
    "store": store, "growth": growth, "proxy": proxy, "schedules": schedules,
    "datasets": datasets}
