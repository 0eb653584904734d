"""What a drill may leave on a machine, looked at before and after it; and how the drill's own processes are killed."""
import contextlib
import glob
import os
import re
import signal
import subprocess
import time

ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)
# Of the state directory: what is kept on purpose (docs/SAFETY.md, "Where things are").
KEPT = re.compile(r"journal\.sqlite.*|ledgers|hands\.lock|warden\.log|ballast|quarantine")
PATIENCE = 60


def lines(*command):
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.splitlines()
    return []


def text(path):
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace")
    return ""


def names(path):
    with contextlib.suppress(OSError):
        return sorted(os.listdir(path))
    return []


def state_directory():
    if "MUSTER_STATE" in os.environ:
        return os.environ["MUSTER_STATE"]
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return "/var/lib/muster" if os.geteuid() == 0 else home + "/muster"


def segments():
    """System V segments, semaphores and queues: kind and number, and who made it (proc(5), /proc/sysvipc)."""
    for kind, maker in (("shm", 4), ("sem", None), ("msg", None)):
        for line in text(f"/proc/sysvipc/{kind}").splitlines()[1:]:
            part = line.split()
            yield f"System V {kind} {part[1]}", part[maker] if maker else None


def on_the_host():
    """Everything that a drill may make on this host besides processes, one line each."""
    found = {f"network namespace {one}" for one in names("/run/netns")}
    found |= {f"mount {' '.join(line.split()[:2])}" for line in text("/proc/mounts").splitlines()}
    found |= {f"nft {line}" for line in lines("nft", "list", "tables")}
    found |= {f"tc {line.split(' refcnt')[0]}" for line in lines("tc", "qdisc", "show")}
    found |= {f"interface {one}" for one in names("/sys/class/net")}
    found |= {f"loop device of {text(one).strip()}" for one in glob.glob("/sys/block/loop*/loop/backing_file")}
    # Those with others in them are only the way to them.
    found |= {f"cgroup {place}" for place, inner, _ in os.walk("/sys/fs/cgroup") if "muster" in place and not inner}
    found |= {f"file {one}" for one in glob.glob("/var/tmp/muster-*") + glob.glob("/dev/shm/*")}
    found |= {one for one, _ in segments()}
    state = state_directory()
    found |= {f"file {state}/{one}" for one in names(state) if not KEPT.fullmatch(one)}
    return found


def processes(ids):
    """Those that name one of the ids: in what they were called with, where they are, or what they were given."""
    found = set()
    for process in glob.glob("/proc/[0-9]*"):
        words = text(process + "/cmdline")
        place = ""
        with contextlib.suppress(OSError):
            place = os.readlink(process + "/cwd")
        given = text(process + "/environ")
        if any(one in words or one in place or one in given for one in ids):
            found.add(f"process {process[6:]} ({words.strip()[:60] or text(process + '/comm').strip()})")
    return found


class Watch:
    """One run: which ids it has, and what they were seen to own, from its start to its end."""

    def __init__(self):
        self.before = on_the_host()
        self.ids = set()
        self.makers = {}
        self.pids = {}

    def look(self, engine):
        """While it runs: the processes of ours, by what they are, and all names that the run goes by."""
        self.pids = {"engine": engine}
        guards = self.below({str(engine)})
        for pid, words in guards.items():
            if words[1:2] and words[1] in ("guard", "hands", "warden"):
                self.pids.setdefault(words[1], int(pid))
            for flag in ("--run", "--id"):
                if flag in words[:-1]:
                    self.ids.add(words[words.index(flag) + 1])
        for segment, maker in segments():
            if segment not in self.before and maker:
                with contextlib.suppress(OSError):
                    self.makers.setdefault(segment, os.readlink(f"/proc/{maker}/cwd"))

    @staticmethod
    def below(known):
        """Programs of the guard that descend from the engine: theirs is a session of its own, and its child all the same."""
        parents, found = {}, {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            stat = text(path)
            if stat:
                parents.setdefault(stat.rsplit(")", 1)[1].split()[1], []).append(path.split("/")[2])
        ahead = list(known)
        while ahead:
            for child in parents.get(ahead.pop(), ()):
                words = text(f"/proc/{child}/cmdline").split()
                if words and "muster-guard" in words[0]:
                    found[child] = words
                ahead.append(child)
        return found

    def is_ours(self, item):
        """Whether it is this run's: others may run drills meanwhile, whose names are in what is theirs."""
        named = {one.upper() for one in ULID.findall(item.replace("_", "-") + self.makers.get(item, ""))}
        own = {one.upper() for each in self.ids for one in ULID.findall(each)}
        return not named or bool(named & own)

    def left(self):
        """What is there now, was not before, and is nobody else's."""
        return {one for one in on_the_host() - self.before if self.is_ours(one)} | processes(self.ids)

    def left_in_the_end(self):
        """Ends of processes and mounts take their time: what is still there after a minute is left for good."""
        deadline = time.monotonic() + PATIENCE
        while True:
            left = self.left()
            if not left or time.monotonic() > deadline:
                return sorted(left)
            time.sleep(0.25)


KINDS = {"engine": ("engine",), "guard": ("guard",), "both": ("engine", "guard"),
         "all": ("engine", "guard", "hands", "warden")}


def kill(watch, kind):
    """SIGKILL to those of the run's own processes that are there. All get it before anyone can do something about it.
    Returns whether all of them were there."""
    there = [watch.pids[one] for one in KINDS[kind] if one in watch.pids]
    for pid in there:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(there) == len(KINDS[kind])


def check():
    """Whether each kind of thing is seen: makes one, and removes it. For root. A look that sees nothing finds nothing wrong."""
    run = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    state = state_directory()
    made = f"/var/tmp/muster-{run}"
    kinds = {
        "network namespace": (f"ip netns add muster-{run[-8:]}", f"ip netns delete muster-{run[-8:]}"),
        "file /var/tmp": (f"mkdir {made}", f"rmdir {made}"),
        "mount": (f"mkdir {made} && mount -t tmpfs none {made}", f"umount {made}; rmdir {made}"),
        "nft": (f"nft add table inet muster_{run}", f"nft delete table inet muster_{run}"),
        "tc": ("ip link add muster0 type veth && tc qdisc add dev muster0 root pfifo limit 10", "ip link delete muster0"),
        "interface": ("ip link add muster0 type veth", "ip link delete muster0"),
        "loop device": (f"truncate -s 1M {made}.img && losetup -f {made}.img",
                        f"losetup -d $(losetup -nO NAME -j {made}.img); rm {made}.img"),
        "cgroup": (f"mkdir -p /sys/fs/cgroup/unified/muster/{run}", f"rmdir /sys/fs/cgroup/unified/muster/{run}")
        if os.path.isdir("/sys/fs/cgroup/unified") else
        (f"mkdir -p /sys/fs/cgroup/muster/{run}", f"rmdir /sys/fs/cgroup/muster/{run}"),
        "file /dev/shm": (f"touch /dev/shm/muster-{run}", f"rm /dev/shm/muster-{run}"),
        "System V": ("ipcmk --shmem 56", "ipcrm --shmem-id ${1##* }"),
        f"file {state}": (f"mkdir -p {state} && touch {state}/{run}.sock", f"rm {state}/{run}.sock"),
        "process": (f"(exec -a {run} sleep 60) >/dev/null & sleep 0.2", f"kill $(pgrep -f '^{run} 60$')"),
    }
    wrong = []
    for kind, (make, unmake) in kinds.items():
        watch = Watch()
        watch.ids.add(run)
        told = ""
        try:
            told = subprocess.run(["bash", "-c", make], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
            seen = watch.left()
        finally:
            subprocess.run(["bash", "-c", unmake, "", told], check=True)
        time.sleep(0.1)
        # Of others something may come or go meanwhile.
        if not any(one.startswith(kind) for one in seen - watch.left()):
            wrong.append(f"{kind} was not seen, only {sorted(seen)}")
    return wrong


if __name__ == "__main__":
    found = check()
    print("\n".join(found) or "each kind is seen")
    raise SystemExit(1 if found else 0)
