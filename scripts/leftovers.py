"""What a drill may leave on a machine, looked at before and after it; and how the drill's own processes are killed."""
import contextlib
import glob
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time

ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)
# Of the state directory: what is kept on purpose (docs/SAFETY.md, "Where things are").
KEPT = re.compile(r"journal\.sqlite.*|ledgers|hands\.lock|warden\.log|ballast|quarantine")
# Of the runtime directory: the host's lock, and what people put there to stop everything.
KEPT_RUNTIME = re.compile(r"muster\.lock|halt")
# Where programs put what they need for a moment. Everybody does: what is ours there must say so, or be seen in our hands.
TEMPORARY = ("/tmp", "/var/tmp")
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


def runtime_directory():
    return os.environ.get("MUSTER_RUNTIME")


def temporary():
    """Everything that lies openly in a temporary directory."""
    return {f"{place}/{one}" for place in TEMPORARY for one in names(place)}


def ulids(words):
    return {one.upper() for one in ULID.findall(words.replace("_", "-"))}


def names_one(path, ids):
    """Whether a file, a link, or what is in a directory names one of the ids: the beginnings of as much as a run leaves."""
    ahead, looked = [path], 0
    while ahead and looked < 200:
        one = ahead.pop()
        looked += 1
        said = one
        with contextlib.suppress(OSError):
            if os.path.islink(one):
                said += os.readlink(one)
            elif os.path.isdir(one):
                ahead += [f"{one}/{name}" for name in names(one)]
            # Whoever reads a pipe or a device may wait for ever, or take what is another's.
            elif os.path.isfile(one):
                with open(one, "rb") as file:
                    said += " " + file.read(65536).decode(errors="replace")
        if ulids(said) & ids:
            return True
    return False


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
    if runtime := runtime_directory():
        found |= {f"file {runtime}/{one}" for one in names(runtime) if not KEPT_RUNTIME.fullmatch(one)}
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
    """One run: which ids it has, and what they were seen to own, from its start to its end. `with` removes what is its own."""

    def __init__(self):
        # What the run's programs make where TMPDIR says is theirs by its place, whatever it is called.
        self.private = tempfile.mkdtemp(prefix="test-systems-")
        self.lying = temporary()
        self.touched = set()
        self.before = on_the_host()
        self.ids = set()
        self.makers = {}
        self.pids = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.private, ignore_errors=True)

    def environment(self):
        """For the engine."""
        return os.environ | {"TMPDIR": self.private}

    def look(self, engine):
        """While it runs: the processes of ours, by what they are, and all names that the run goes by."""
        self.pids = {"engine": engine}
        below = self.below({str(engine)})
        self.touch({str(engine), *below})
        for pid, words in below.items():
            if "muster-guard" not in words[0]:
                continue
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
        """What descends from the engine: the guard's programs have sessions of their own, and are its children all the same."""
        parents, found = {}, {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            stat = text(path)
            if stat:
                parents.setdefault(stat.rsplit(")", 1)[1].split()[1], []).append(path.split("/")[2])
        ahead = list(known)
        while ahead:
            for child in parents.get(ahead.pop(), ()):
                words = text(f"/proc/{child}/cmdline").split()
                if words:
                    found[child] = words
                ahead.append(child)
        return found

    def touch(self, pids):
        """Notes what of the temporary directories is open in one of these processes, or a socket that it listens on."""
        sockets = {}
        for line in text("/proc/net/unix").splitlines()[1:]:
            part = line.split(None, 7)
            if len(part) == 8 and part[7].startswith(TEMPORARY):
                sockets[f"socket:[{part[6]}]"] = part[7]
        for pid in pids:
            held = [f"/proc/{pid}/cwd"] + glob.glob(f"/proc/{pid}/fd/*")
            for link in held:
                with contextlib.suppress(OSError):
                    path = os.readlink(link)
                    path = sockets.get(path, path)
                    place = next((one for one in TEMPORARY if path.startswith(one + "/")), None)
                    if place:
                        self.touched.add("/".join([place, path[len(place) + 1:].split("/")[0]]))

    def is_ours(self, item):
        """Whether it is this run's: others may run drills meanwhile, whose names are in what is theirs."""
        named = ulids(item + self.makers.get(item, ""))
        return not named or bool(named & self.own())

    def own(self):
        return set().union(*map(ulids, self.ids))

    def left_lying(self):
        """In the temporary directories, where others put theirs as well."""
        found = {f"{self.private}/{one}" for one in names(self.private)}
        for path in temporary() - self.lying:
            if path in self.touched or names_one(path, self.own()):
                found.add(path)
        return {f"file {one}" for one in found}

    def left(self):
        """What is there now, was not before, and is nobody else's."""
        found = {one for one in on_the_host() - self.before if self.is_ours(one)}
        return found | self.left_lying() | processes(self.ids)

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


def random_id():
    return "01" + "".join(secrets.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(24))


def kinds(run, state, runtime):
    """What makes one of each kind, and removes it."""
    made = f"/var/tmp/muster-{run}"
    link = f"mu{run[-8:].lower()}"
    cgroups = "/sys/fs/cgroup/unified" if os.path.isdir("/sys/fs/cgroup/unified") else "/sys/fs/cgroup"
    return {
        "network namespace": (f"ip netns add muster-{run[-8:]}", f"ip netns delete muster-{run[-8:]}"),
        "file /var/tmp": (f"mkdir {made}", f"rmdir {made}"),
        "mount": (f"mkdir {made} && mount -t tmpfs none {made}", f"umount {made}; rmdir {made}"),
        "nft": (f"nft add table inet muster_{run}", f"nft delete table inet muster_{run}"),
        "tc": (f"ip link add {link} type veth && tc qdisc add dev {link} root pfifo limit 10", f"ip link delete {link}"),
        "interface": (f"ip link add {link} type veth", f"ip link delete {link}"),
        "loop device": (f"truncate -s 1M {made}.img && losetup -f {made}.img",
                        f"losetup -d $(losetup -nO NAME -j {made}.img); rm {made}.img"),
        "cgroup": (f"mkdir -p {cgroups}/muster/{run}", f"rmdir {cgroups}/muster/{run}"),
        "file /dev/shm": (f"touch /dev/shm/muster-{run}", f"rm /dev/shm/muster-{run}"),
        "System V": ("ipcmk --shmem 56", "ipcrm --shmem-id ${1##* }"),
        f"file {state}": (f"mkdir -p {state} && touch {state}/{run}.sock", f"rm {state}/{run}.sock"),
        f"file {runtime}": (f"touch {runtime}/fixture.sock", f"rm {runtime}/fixture.sock"),
        "process": (f"(exec -a {run} sleep 60) >/dev/null & sleep 0.2", f"kill $(pgrep -f '^{run} 60$')"),
        # In temporary directories: by its name, by what it says, by where it leads, by what is in it.
        f"file /tmp/named-{run}": (f"touch /tmp/named-{run}", f"rm /tmp/named-{run}"),
        f"file /tmp/says-{link}": (f"echo 1234 {made}/data >/tmp/says-{link}", f"rm /tmp/says-{link}"),
        f"file /tmp/leads-{link}": (f"ln -s {made}/data /tmp/leads-{link}", f"rm /tmp/leads-{link}"),
        f"file /tmp/holds-{link}": (f"mkdir -p /tmp/holds-{link}/{run}", f"rm -r /tmp/holds-{link}"),
        f"file /var/tmp/says-{link}": (f"echo {run} >/var/tmp/says-{link}", f"rm /var/tmp/says-{link}"),
    }


def held(run):
    """What is only known by the hands it was in: a file, a socket, and what was made where TMPDIR says."""
    wrong = []
    name = run[-8:].lower()
    script = f"""import os, socket, tempfile, time
file = open("/tmp/file-{name}", "w")
socket.socket(socket.AF_UNIX).bind("/tmp/lost-{name}")
own = socket.socket(socket.AF_UNIX); own.bind("/tmp/socket-{name}"); own.listen()
os.mkdir("/tmp/home-{name}"); os.chdir("/tmp/home-{name}")
tempfile.mkstemp(prefix="made-")
print("made", flush=True)
time.sleep(60)"""
    wanted = [f"/tmp/file-{name}", f"/tmp/socket-{name}", f"/tmp/home-{name}"]
    with Watch() as watch:
        # Others make files as well, which are none of the run's.
        foreign = tempfile.mkdtemp(prefix="foreign-", dir="/tmp")
        # As a program below the engine, not the engine itself.
        engine = subprocess.Popen(["bash", "-c", 'python3 -c "$0"; :', script], stdout=subprocess.PIPE, text=True,
                                  start_new_session=True, env=watch.environment())
        try:
            engine.stdout.readline()
            watch.look(engine.pid)
        finally:
            os.killpg(engine.pid, signal.SIGKILL)
            engine.wait()
        seen = watch.left()
        wrong += [f"file {one} was not seen, only {sorted(seen)}" for one in wanted if f"file {one}" not in seen]
        if not any(one.startswith(f"file {watch.private}/made-") for one in seen):
            wrong.append(f"what was made in TMPDIR was not seen, only {sorted(seen)}")
        if f"file {foreign}" in seen:
            wrong.append(f"{foreign} is another's")
        os.rmdir(foreign)
        for one in wanted + [f"/tmp/lost-{name}"]:
            os.rmdir(one) if os.path.isdir(one) else os.unlink(one)
    return wrong


def check():
    """Whether each kind of thing is seen: makes one, and removes it. For root. A look that sees nothing finds nothing wrong."""
    run = random_id()
    wrong = []
    with tempfile.TemporaryDirectory(prefix="leftovers-") as runtime:
        os.environ["MUSTER_RUNTIME"] = runtime
        for kind, (make, unmake) in kinds(run, state_directory(), runtime).items():
            with Watch() as watch:
                watch.ids.add(run)
                told = ""
                try:
                    told = subprocess.run(["bash", "-c", make], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
                    seen = watch.left()
                finally:
                    subprocess.run(["bash", "-c", unmake, "", told], check=True)
                # Of others something may come or go meanwhile: it is what was seen before it was removed, and not after.
                deadline = time.monotonic() + 10
                while not any(one.startswith(kind) for one in seen - watch.left()):
                    if time.monotonic() > deadline:
                        wrong.append(f"{kind} was not seen to come and go, only {sorted(seen)}")
                        break
                    time.sleep(0.05)
        # Of another run's nothing is ours.
        with Watch() as watch:
            watch.ids.add(random_id())
            with tempfile.NamedTemporaryFile("w", dir="/tmp") as file:
                file.write(run)
                file.flush()
                if f"file {file.name}" in watch.left():
                    wrong.append("what names another run is taken for this one's")
    return wrong + held(run)


if __name__ == "__main__":
    found = check()
    print("\n".join(found) or "each kind is seen")
    raise SystemExit(1 if found else 0)
