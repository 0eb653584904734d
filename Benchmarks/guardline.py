"""A guard of its own on two pipes, and the few requests that the benchmarks make (Sources/MusterGuard/Wire)."""

import json
import os
import secrets
import signal
import subprocess
import time

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def processes_of(text):
    """Processes whose command line contains `text`, which only processes of this benchmark do."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"muster-guard") and any(text.encode() in word for word in words):
            found.append(int(name))
    return found


class Guard:
    """`muster-guard guard` without an engine: whoever made it asks, and kills it."""

    def __init__(self, binary, state, environment):
        self.state = state
        nonce = secrets.token_hex(8)
        self.process = subprocess.Popen(
            [binary, "guard", "--nonce", nonce, "--lease", "10m", "--state", state],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            start_new_session=True)
        hello = self.process.stdout.readline().decode()
        start = f"MUSTER/1 {nonce} "
        if start not in hello:
            raise RuntimeError(f"the guard did not say hello but {hello!r}")
        self.hello = json.loads(hello[hello.index(start) + len(start):])
        if "refused" in self.hello:
            raise RuntimeError(f"the guard refuses: {self.hello['refused']}")
        self.number = 0

    def ask(self, request, **fields):
        self.number += 1
        line = json.dumps({"id": self.number, "request": request, **fields})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"the guard ended instead of answering {request}")
            answer = json.loads(line)
            if answer.get("reply") != self.number:
                continue
            if "error" in answer:
                raise RuntimeError(f"{request}: {answer['error']}")
            return answer

    def inject(self, name, fault, parameters, target):
        """Returns the answer; `from` and `to` are the guard's CLOCK_MONOTONIC around the work."""
        number = secrets.randbits(80)
        ulid = "01JD8Q6Z5W" + "".join(LETTERS[number >> 5 * place & 31] for place in range(16))
        return self.ask("inject", wish={
            "id": f"{self.hello['tag']}-{ulid}", "run": "benchmark", "name": name, "fault": fault,
            "parameters": parameters, "target": target})

    def kill_all(self):
        """Guard, hands and warden at once: stopped first, so that none of them sees another one end."""
        pids = processes_of(self.state)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        deadline = time.monotonic() + 5
        while processes_of(self.state):
            if time.monotonic() > deadline:
                raise RuntimeError("processes of the guard outlive a SIGKILL")
            time.sleep(0.001)
        self.process.stdin.close()
        self.process.stdout.close()
