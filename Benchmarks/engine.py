"""The measuring engine and the store of outcomes under load. Each figure is of a process of its own, whose threads'
processor time the kernel accounts for (proc(5), /proc/self/task/*/schedstat)."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time

from figures import Figure

MILLION = 1_000_000


def measured(bench, *words):
    command = [bench.release + "/measuring", *map(str, words)] + (["realtime"] if bench.is_realtime else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def web_server(bench):
    server = subprocess.Popen(
        [bench.release + "/null-http"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/"
    finally:
        server.stdin.close()
        server.wait()
        server.stdout.close()


@contextlib.contextmanager
def redis_server(bench):
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server is missing: apt-get install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", bench.work],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server does not start")
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def repeat(bench, count, *words):
    found = []
    for _ in range(1 if bench.is_quick else count):
        bench.patience.wait()
        found.append(measured(bench, *words))
    return found


def behind(rate, found):
    """How much of what was due was not done, in percent."""
    return [max(0, 100 * (1 - run["perSecond"] / rate)) for run in found]


def percent(found):
    return [100 * run["allThreads"] for run in found]


def probes(bench):
    seconds = 3 if bench.is_quick else 5
    with web_server(bench) as url:
        for rate, share, lateness, kind in (
                (1_000, 15, None, "probes"), (1_000, None, None, "fresh"), (10_000, None, 1, "probes"),
                (20_000, 100, None, "probes")):
            found = repeat(bench, 5, kind, url, rate, seconds)
            what = f"{rate:,} probes/s, {'kept alive' if kind == 'probes' else 'fresh connections'}"
            yield Figure("probes", f"{what}: of one core", "%", share, percent(found))
            yield Figure("probes", f"{what}: p99 lateness", "ms", lateness, [run["lateP99"] / 1e6 for run in found])
            yield Figure("probes", f"{what}: behind schedule", "%", 1, behind(rate, found))


def ledger(bench):
    rate, seconds = 20_000, 3 if bench.is_quick else 10
    with redis_server(bench) as url:
        found = []
        for number in range(1 if bench.is_quick else 3):
            bench.patience.wait()
            place = f"{bench.work}/ledger-{number}"
            os.mkdir(place)
            found.append(measured(bench, "ledger", url, 64, rate, seconds, place))
            shutil.rmtree(place)
    what = "20,000 writes/s to Redis, 64 streams"
    yield Figure("ledger", f"{what}: of one core", "%", 100, percent(found))
    yield Figure("ledger", f"{what}: not acknowledged", "%", 1, behind(rate, found))
    yield Figure(
        "ledger", "reading a million entries from the ledger's file", "ms", None,
        [run["readNanoseconds"] / run["entries"] for run in found])


def store(bench):
    count = MILLION
    found = []
    for number in range(2 if bench.is_quick else 5):
        bench.patience.wait()
        path = f"{bench.work}/store-{number}.sqlite"
        found.append(measured_store(bench, path, count))
    yield Figure(
        "store", "a million samples into the outcomes, batches of 10,000", "s", 2,
        [MILLION / run["perSecond"] for run in found])


def measured_store(bench, path, count):
    done = subprocess.run(
        [bench.release + "/measuring", "store", path, str(count), "10000"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"measuring store ended with {done.returncode}:\n{done.stdout[-2000:]}")
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + end)
    return json.loads(done.stdout)
