"""The fault proxy beside haproxy (TCP mode, one thread) and beside no proxy at all, in turns, so that what else the
machine does strikes all alike. The server behind them and what loads them is proxy-load."""

import contextlib
import http.client
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import time

from figures import Figure

IDLE = 4_000


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args[0]} does not listen on port {port}")
        time.sleep(0.001)


def load(bench, *words):
    done = subprocess.run(
        [bench.release + "/proxy-load", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"proxy-load {' '.join(map(str, words))} ended with {done.returncode}: {done.stdout[-500:]}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def server(bench):
    process = subprocess.Popen(
        [bench.release + "/proxy-load", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def haproxy(bench, upstream):
    program = shutil.which("haproxy")
    if program is None:
        raise RuntimeError("haproxy is missing: apt-get install haproxy")
    port, path = free_port(), bench.work + "/haproxy.cfg"
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with open(path, "w", encoding="ascii") as file:
        file.write(
            f"global\n  nbthread 1\n  maxconn {IDLE + 1000}\n  fd-hard-limit {min(limit, 100_000) - 100}\n"
            "defaults\n  mode tcp\n  option splice-auto\n"
            "  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
            f"listen p\n  bind 127.0.0.1:{port}\n  server s 127.0.0.1:{upstream}\n")
    with ended(subprocess.Popen([program, "-db", "-q", "-f", path], stdin=subprocess.DEVNULL)) as process:
        wait_for(port, process)
        yield port, process.pid


class MusterNet:
    """muster-net with one proxy; how long it took until it listened."""

    def __init__(self, bench, upstream):
        self.port, self.api_port = free_port(), free_port()
        config = f"{bench.work}/proxies-{self.port}.json"
        with open(config, "w", encoding="ascii") as file:
            json.dump([{"name": "p", "listen": f"127.0.0.1:{self.port}", "upstream": f"127.0.0.1:{upstream}"}], file)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [bench.bin + "/muster-net", "proxy", "--listen", f"127.0.0.1:{self.api_port}", "--config", config],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=bench.environment)
        try:
            wait_for(self.api_port, self.process)
            wait_for(self.port, self.process)
        except RuntimeError:
            self.process.kill()
            self.process.wait()
            raise
        self.started = (time.monotonic() - began) * 1000
        self.calls = http.client.HTTPConnection("127.0.0.1", self.api_port)

    def call(self, method, path, body=None):
        """Milliseconds."""
        began = time.monotonic_ns()
        self.calls.request(method, path, json.dumps(body) if body is not None else None)
        answer = self.calls.getresponse()
        answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} answers {answer.status}")
        return (time.monotonic_ns() - began) / 1e6


@contextlib.contextmanager
def muster_net(bench, upstream):
    found = MusterNet(bench, upstream)
    with ended(found.process):
        yield found
        found.calls.close()


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


def in_turns(bench, count, ports, measure):
    """The measurements of each, round by round."""
    found = {name: [] for name in ports}
    for _ in range(3 if bench.is_quick else count):
        bench.patience.wait()
        for name, port in ports.items():
            found[name].append(measure(port))
    return found


def idle(bench, port, pid):
    """Bytes of memory for each idle connection."""
    before = resident(pid)
    process = subprocess.Popen(
        [bench.release + "/proxy-load", "idle", str(port), str(IDLE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("proxy-load idle could not open its connections")
        return (resident(pid) - before) / IDLE
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def proxy(bench):
    with server(bench) as (upstream, server_pid), haproxy(bench, upstream) as (other, other_pid), \
            muster_net(bench, upstream) as ours:
        ports = {"no proxy": upstream, "haproxy": other, "muster-net": ours.port}
        yield from round_trips(bench, ports, [server_pid, other_pid, ours.process.pid])
        yield from beside(bench, ports)
        for name, port, pid, budget in (
                ("haproxy", other, other_pid, None), ("muster-net", ours.port, ours.process.pid, 20)):
            found = idle(bench, port, pid)
            yield Figure("proxy", f"{name}: memory of an idle connection", "KB", budget, [found / 1000])
        yield from latency(bench, ours)
    started = []
    for _ in range(bench.runs(20)):
        with server(bench) as (upstream, _), muster_net(bench, upstream) as ours:
            started.append(ours.started)
    yield Figure("proxy", "start to listening, with one proxy", "ms", 50, started)


@contextlib.contextmanager
def on_one_core(pids):
    """Everything that takes part, ourselves and what we start included. To wake up a core that sleeps takes longer
    than all the rest, is the machine's matter (a virtual one's above all), and says nothing of a proxy."""
    cores = os.sched_getaffinity(0)

    def pin(to):
        for pid in [os.getpid(), *pids]:
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), to)

    pin({max(cores)})
    try:
        yield
    finally:
        pin(cores)


def round_trips(bench, ports, pids):
    def measure():
        return in_turns(bench, 9, ports, lambda port: load(bench, "round-trips", port, 20_000)["p50"] / 1000)

    free = measure()
    with on_one_core(pids):
        pinned = measure()
    for place, trips, budget in (("", free, None), (" on one core", pinned, 25)):
        for name in ports:
            yield Figure("proxy", f"{name}: round trip of 64 bytes{place}, p50", "µs", None, trips[name])
        added = [with_it - without for with_it, without in zip(trips["muster-net"], trips["no proxy"])]
        yield Figure("proxy", f"muster-net: added to a round trip{place}, p50", "µs", budget, added)
        found = ratios(trips, "muster-net", "haproxy")
        yield Figure("proxy", f"muster-net's round trip{place} to haproxy's", "%", 100, found)


def beside(bench, ports):
    rates = in_turns(bench, 9, ports, lambda port: load(bench, "bulk", port, 1)["bytesPerSecond"] / 1e6)
    opened = in_turns(bench, 9, ports, lambda port: load(bench, "connections", port, 1)["perSecond"])
    for name in ports:
        yield Figure("proxy", f"{name}: one connection", "MB/s", None, rates[name])
    yield Figure("proxy", "haproxy's MB/s to muster-net's", "%", 100, ratios(rates, "haproxy", "muster-net"))
    for name in ports:
        yield Figure("proxy", f"{name}: connections a second", "/s", None, opened[name])
    yield Figure(
        "proxy", "muster-net: time of a connection (3,000/s are 333 µs)", "µs", 333,
        [1e6 / rate for rate in opened["muster-net"]])


def ratios(found, above, below):
    return [100 * first / second for first, second in zip(found[above], found[below])]


def latency(bench, ours):
    taken = [ours.call("GET", "/proxies") for _ in range(bench.runs(100))]
    yield Figure("proxy", "API: GET /proxies", "ms", 2, taken)
    asked = {"name": "late", "type": "latency", "attributes": {"latency": 100}}
    taken = []
    for _ in range(bench.runs(100)):
        taken.append(ours.call("POST", "/proxies/p/toxics", asked))
        ours.call("DELETE", "/proxies/p/toxics/late")
    yield Figure("proxy", "API: POST of a toxic", "ms", 2, taken)
    late, plain = [], []
    for _ in range(3 if bench.is_quick else 5):
        bench.patience.wait()
        plain.append(load(bench, "spread", ours.port, 1000, 5000, 2))
        ours.call("POST", "/proxies/p/toxics", asked)
        late.append(load(bench, "spread", ours.port, 1000, 5000, 3))
        ours.call("DELETE", "/proxies/p/toxics/late")
    # What is asked of the toxic is what it adds, so the round trip without it is taken off.
    base = statistics.median(run["p50"] for run in plain)
    for share, budget in (("p50", 0.2), ("p99", 1)):
        off = [abs(run[share] - 100e6 - base) / 1e6 for run in late]
        yield Figure("proxy", f"latency of 100 ms at 1,000 connections: {share} off by", "ms", budget, off)
