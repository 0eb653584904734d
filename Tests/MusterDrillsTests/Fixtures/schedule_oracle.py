"""Holds what Muster found for rules and zones against programs that share nothing with it.

Reads a file of JSON, one case a line, and prints the cases that differ; the last line says how many were looked
at by whom. Zones come from the system's files through Python's zoneinfo, rules from cronsim, dateutil and libical.
"""

import ctypes
import ctypes.util
import json
import sys
from datetime import datetime, timedelta, timezone

from zoneinfo import ZoneInfo, reset_tzpath

from cronsim import CronSim
from dateutil import rrule

reset_tzpath(["/usr/share/zoneinfo"])
UTC = timezone.utc
EPOCH = datetime(1970, 1, 1)
counts = {}


def instant(naive, zone, fold=0):
    return int(naive.replace(tzinfo=zone, fold=fold).timestamp())


def shown(seconds, zone):
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def resolve(naive, zone):
    """What a local time means, found by asking zoneinfo for both passes and looking what the clocks show then."""
    first, second = instant(naive, zone, 0), instant(naive, zone, 1)
    exact = sorted({s for s in (first, second) if shown(s, zone) == naive})
    if exact:
        return exact
    # Skipped: the end of the gap lies between the two, found by halving.
    low, high = min(first, second) - 1, max(first, second) + 1
    before = shown(low, zone)
    assert before < naive < shown(high, zone), (naive, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if shown(middle, zone) > naive:
            high = middle
        else:
            low = middle
    return ["gap", high]


def days_by_dateutil(rule, start, first):
    """A rule's local times from dateutil, which knows no zone here."""
    return rrule.rrulestr(rule, dtstart=start).xafter(first, inc=True)


def due(naive, zone, gap):
    """When it is due, by the policy: the end of a gap or nothing, the first of two passes."""
    found = resolve(naive, zone)
    if found[0] == "gap":
        return None if gap == "skip" else found[1]
    return found[0]


def walk(times, zone, gap, after, count):
    """The first times that are due after a moment; several at the same instant are one."""
    found = []
    for naive in times:
        seconds = due(naive, zone, gap)
        if seconds is None or seconds <= after or (found and found[-1] == seconds):
            continue
        found.append(seconds)
        if len(found) == count:
            break
    return found


def check_zone(case):
    zone = ZoneInfo(case["zone"])
    for seconds, offset in case["offsets"]:
        wanted = int(datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset().total_seconds())
        if wanted != offset:
            return f"offset at {seconds}: {offset}, zoneinfo has {wanted}"
    for local, meaning in case["locals"]:
        wanted = resolve(EPOCH + timedelta(seconds=local), zone)
        if wanted != meaning:
            return f"local {EPOCH + timedelta(seconds=local)}: {meaning}, zoneinfo has {wanted}"
    return None


def cron_by_cronsim(case, zone, count):
    start = datetime.fromtimestamp(case["after"], UTC).astimezone(zone)
    minute, hour = case["text"].split()[:2]
    hours = field(hour, 0, 23) if minute.startswith("*") or hour.startswith("*") else None
    found = []
    # It is one run that several are shifted to; cronsim gives it once for each.
    for moment in CronSim(case["text"], start):
        seconds = int(moment.timestamp())
        # Where midnight is skipped, cronsim 2.8 gives `* 0 * * *` an hour that is not 0.
        if hours is not None and moment.hour not in hours:
            continue
        if seconds > case["after"] and (not found or found[-1] != seconds):
            found.append(seconds)
        if len(found) == count:
            break
    return found


def field(text, low, high, names=()):
    """A field's values, read in yet another way; Sunday stays 7 where it was."""
    values = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        ends = [names.index(e) + low if e in names else e for e in span.split("-")]
        a, b = (low, high) if span == "*" else (int(ends[0]), int(ends[-1]))
        values.update(range(a, b + 1, int(step or 1)))
    return values


MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()


def cron_by_days(case, zone, count):
    """Day by day and minute by minute, without any cleverness; both day fields as dayMatch says."""
    minute, hour, day, month, weekday = case["text"].split()
    minutes, hours = sorted(field(minute, 0, 59)), sorted(field(hour, 0, 23))
    days, months = field(day, 1, 31), field(month, 1, 12, MONTHS)
    weekdays = {v % 7 for v in field(weekday, 0, 7, WEEKDAYS)}
    together = any if case.get("match") == "any" else all

    def fits(date):
        return date.month in months and together([date.day in days, date.isoweekday() % 7 in weekdays])

    if minute.startswith("*") or hour.startswith("*"):
        # Time that passes: every minute of UTC is looked at, as long as the clocks show that day.
        found, seconds = [], case["after"] // 60 * 60 + 60
        end = case["after"] + 86_400 * 400
        while len(found) < count and seconds < end:
            local = shown(seconds, zone)
            if not fits(local):
                # Days that do not fit are passed an hour at a time.
                seconds += 3600 if local.hour < 22 and local.minute == 0 else 60
                continue
            if local.minute in minutes and local.hour in hours:
                found.append(seconds)
            seconds += 60
        return found if len(found) == count else None

    def times():
        date = shown(case["after"], zone).replace(hour=0, minute=0, second=0) - timedelta(days=2)
        for _ in range(36_600):
            if fits(date):
                for h in hours:
                    for m in minutes:
                        yield date.replace(hour=h, minute=m)
            date += timedelta(days=1)

    return walk(times(), zone, case["gap"], case["after"], count)


def check_cron(case):
    zone, got = ZoneInfo(case["zone"]), case["got"]
    if not got:
        return "nothing was found"
    if "match" not in case and case["gap"] == "shift":
        counts["cronsim"] = counts.get("cronsim", 0) + 1
        wanted = cron_by_cronsim(case, zone, len(got))
        if wanted != got:
            return f"{got}, cronsim has {wanted}"
    wanted = cron_by_days(case, zone, len(got))
    if wanted is not None:
        counts["day by day"] = counts.get("day by day", 0) + 1
        if wanted != got:
            return f"{got}, day by day {wanted}"
    return None


class Libical:
    """libical's own expansion, in UTC: icalrecur_expand_recurrence(rule, start, count, array)."""

    def __init__(self):
        self.library = ctypes.CDLL(ctypes.util.find_library("ical") or "libical.so.3")
        self.library.icalrecur_expand_recurrence.argtypes = [
            ctypes.c_char_p,
            ctypes.c_long,
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_long),
        ]

    def times(self, rule, start, count):
        array = (ctypes.c_long * count)()
        seconds = int((start - EPOCH).total_seconds())
        if not self.library.icalrecur_expand_recurrence(rule.encode(), seconds, count, array):
            return None
        return [EPOCH + timedelta(seconds=s) for s in array if s]


def check_recurrence(case, libical):
    zone, got = ZoneInfo(case["zone"]), case["got"]
    start = EPOCH + timedelta(seconds=case["start"])
    first = max(start, shown(case["after"], zone) - timedelta(days=2))
    if case["dateutil"]:
        counts["dateutil"] = counts.get("dateutil", 0) + 1
        wanted = walk(days_by_dateutil(case["text"], start, first), zone, case["gap"], case["after"], case["count"])
        # Muster looks a hundred years ahead, and no further.
        wanted = [s for s in wanted if s < case["after"] + 36_525 * 86_400]
        if wanted != got:
            return f"{got}, dateutil has {wanted}"
    if libical and case["libical"] and case["nominal"]:
        # libical takes the start for an occurrence in any case; from the second on it goes by the rule.
        count = len(case["nominal"]) + 1
        times = libical.times(case["text"], start, count)
        if times is None:
            return "libical does not take the rule"
        counts["libical"] = counts.get("libical", 0) + 1
        wanted = [int((t - EPOCH).total_seconds()) for t in times]
        if wanted[: len(case["nominal"])] != case["nominal"] and wanted[1:] != case["nominal"]:
            return f"nominal {case['nominal']}, libical has {wanted}"
    return None


def main():
    try:
        libical = Libical()
    except OSError:
        libical = None
    differing = 0
    with open(sys.argv[1]) as file:
        for line in file:
            case = json.loads(line)
            kind = case["kind"]
            counts[kind] = counts.get(kind, 0) + 1
            if kind == "zone":
                problem = check_zone(case)
            elif kind == "cron":
                problem = check_cron(case)
            else:
                problem = check_recurrence(case, libical)
            if problem:
                differing += 1
                case.pop("offsets", None), case.pop("locals", None)
                if differing <= 20:
                    print("differs:", problem, json.dumps(case))
    print(json.dumps({"differing": differing, **counts}))


main()
