"""Whether the machine has time for us."""

import time


class Patience:
    """Waits for quiet moments, but not for ever. Other work on the machine makes every figure larger, and what
    then is over its budget says nothing about Muster."""

    def __init__(self, seconds):
        self.left = seconds
        self.was_busy = False

    def wait(self):
        """Returns once half of the machine was idle for a moment, or patience is at its end."""
        while self.left > 0:
            began = time.monotonic()
            if idle_share(0.3) >= 0.5:
                return
            self.left -= time.monotonic() - began
        self.was_busy = True


def idle_share(seconds):
    """The share of all cores' time in which nobody ran (proc(5), /proc/stat: user, nice, system, idle, iowait)."""
    before = ticks()
    time.sleep(seconds)
    spent = [after - earlier for after, earlier in zip(ticks(), before)]
    return spent[3] / max(1, sum(spent))


def ticks():
    with open("/proc/stat", encoding="ascii") as file:
        # What guests took is counted in user and nice already.
        return [int(word) for word in file.readline().split()[1:9]]
