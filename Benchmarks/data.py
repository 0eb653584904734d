"""Digests of datasets: tables row by row, and trees of files, on a warm cache."""

import os
import shutil
import sqlite3
import subprocess
import tempfile

from figures import Figure

MEGABYTE = 1_000_000
ROWS = 1_000_000
FILES = 400
FILE_BYTES = 1 << 20


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
    """A million rows of SQLite, and 400 MiB in 400 files; the peak is of the process that reads the table."""
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
        yield Figure("datasets", "digest of a table, a row (5 µs are 200,000 rows/s)", "µs", 5, rates)
        yield Figure("datasets", "digest of a table: peak memory", "MB", 100, peaks)
        yield Figure("datasets", "digest of files, 100 MB (200 ms are 500 MB/s)", "ms", 200, speeds)
    finally:
        shutil.rmtree(place)
