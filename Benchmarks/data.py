"""Digests of datasets: tables row by row, and trees of files, on a warm cache; and a ledger's read-back from PostgreSQL."""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

from engine import measured
from figures import Figure

MEGABYTE = 1_000_000
ROWS = 1_000_000
FILES = 400
FILE_BYTES = 1 << 20


@contextlib.contextmanager
def postgres_server(bench, place):
    """A server of the benchmark's own, as the drills have theirs; nothing of it is written durably.
    Yields its address, and how to have a statement carried out."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.chmod(place, 0o711)
    settings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=512MB", "max_wal_size=4GB"]
    server = subprocess.Popen(
        ["bash", bench.root + "/drills/postgres/serve", place, str(port), *settings],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder = place + "/postgres"

    def run(statement):
        subprocess.run(
            ["psql", "--no-psqlrc", "--quiet", "--host", folder, "--port", str(port), "--username", "muster", "--dbname",
             "postgres", "--set", "ON_ERROR_STOP=1", "--command", statement],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                run("SELECT 1")
                break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL does not start: scripts/setup drills installs it")
            time.sleep(0.1)
        yield f"host={folder} port={port} user=muster dbname=postgres", run
    finally:
        server.terminate()
        server.wait()


def read(bench, kind, place):
    done = subprocess.run(
        [bench.release + "/datasets", kind, place], check=True, stdout=subprocess.PIPE, text=True)
    nanoseconds, items, size, peak = map(int, done.stdout.split())
    return nanoseconds / 1e9, items, size, peak


def table(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, credit REAL, since TEXT)")
        database.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?)",
            ((n, f"customer {n}", n / 7, "2020-01-01 00:00:00") for n in range(ROWS)))
    database.close()


def tree(path):
    for number in range(FILES):
        folder = os.path.join(path, str(number % 20))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"{number}.bin"), "wb") as file:
            file.write(os.urandom(FILE_BYTES))


def datasets(bench):
    """A million rows of SQLite and of PostgreSQL, and 400 MiB in 400 files; the peak is of the process that reads a table.
    Then a million writes to PostgreSQL, read back twice as after every drill, and classified."""
    yield from files_and_sqlite(bench)
    place = tempfile.mkdtemp(prefix="muster-datasets-", dir="/var/tmp")
    try:
        with postgres_server(bench, place) as (address, run):
            yield from postgres(bench, address, run)
            yield from read_back(bench, address)
    finally:
        shutil.rmtree(place)


def postgres(bench, address, run):
    run("CREATE TABLE customers (id integer PRIMARY KEY, name text, credit float8, since text); "
        "INSERT INTO customers SELECT n, 'customer ' || n, n / 7.0, '2020-01-01 00:00:00' "
        f"FROM generate_series(0, {ROWS - 1}) n")
    run("VACUUM (FREEZE, ANALYZE) customers")
    rates, peaks = [], []
    for _ in range(bench.runs(5)):
        bench.patience.wait()
        seconds, items, _, peak = read(bench, "postgres", address)
        rates.append(seconds * 1e6 / items)
        peaks.append(peak / MEGABYTE)
    run("DROP TABLE customers")
    yield Figure("datasets", "digest of a table of PostgreSQL, a row (5 µs are 200,000 rows/s)", "µs", 5, rates)
    yield Figure("datasets", "digest of a table of PostgreSQL: peak memory", "MB", 100, peaks)


def read_back(bench, address):
    place = bench.work + "/read-back"
    os.mkdir(place)
    found = measured(bench, "readback", address, 64, ROWS, 1 if bench.is_quick else 3, place)
    shutil.rmtree(place)
    taken = [(read + classified) / 1e9 for read, classified in zip(found["reading"], found["classifying"])]
    yield Figure("datasets", "reading back and classifying a million rows of PostgreSQL", "s", 20, taken)
    yield Figure("datasets", "the same: peak memory of the engine", "MB", 300, [found["peak"] / MEGABYTE])


def files_and_sqlite(bench):
    place = tempfile.mkdtemp(prefix="muster-datasets-", dir="/var/tmp")
    try:
        table(place + "/shop.db")
        tree(place + "/tree")
        rates, peaks, speeds = [], [], []
        for _ in range(bench.runs(5)):
            bench.patience.wait()
            seconds, items, _, peak = read(bench, "sqlite", place + "/shop.db")
            rates.append(seconds * 1e6 / items)
            peaks.append(peak / MEGABYTE)
            bench.patience.wait()
            seconds, _, size, _ = read(bench, "files", place + "/tree")
            speeds.append(seconds * 1e3 / (size / (100 * MEGABYTE)))
        yield Figure("datasets", "digest of a table of SQLite, a row (5 µs are 200,000 rows/s)", "µs", 5, rates)
        yield Figure("datasets", "digest of a table of SQLite: peak memory", "MB", 100, peaks)
        yield Figure("datasets", "digest of files, 100 MB (200 ms are 500 MB/s)", "ms", 200, speeds)
    finally:
        shutil.rmtree(place)
