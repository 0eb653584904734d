"""Reads an iCalendar file with icalendar from PyPI and with libical (Debian: libical3), and prints what they
find as JSON: one event a line, sorted by its UID, then what libical says of the whole."""

import ctypes
import ctypes.util
import json
import sys

from icalendar import Calendar

data = open(sys.argv[1], "rb").read()
for line in data.split(b"\r\n"):
    assert len(line) <= 75 and b"\n" not in line and b"\r" not in line, line
    line.decode()
calendar = Calendar.from_ical(data)
assert not calendar.errors, calendar.errors
events = []
for event in calendar.walk("VEVENT"):
    assert not event.errors, event.errors
    events.append(
        {
            "uid": str(event["UID"]),
            "start": event["DTSTART"].dt.isoformat(),
            "end": event["DTEND"].dt.isoformat(),
            "stamp": event["DTSTAMP"].dt.isoformat(),
            "summary": str(event["SUMMARY"]),
            "description": str(event.get("DESCRIPTION", "")),
            "status": str(event["STATUS"]),
            "sequence": int(event["SEQUENCE"]),
            "categories": event["CATEGORIES"].to_ical().decode(),
            "alarms": [alarm["TRIGGER"].to_ical().decode() for alarm in event.walk("VALARM")],
        }
    )
for event in sorted(events, key=lambda e: e["uid"]):
    print(json.dumps(event))

library = ctypes.CDLL(ctypes.util.find_library("ical") or "libical.so.3")
library.icalparser_parse_string.restype = ctypes.c_void_p
library.icalparser_parse_string.argtypes = [ctypes.c_char_p]
for name in ("icalcomponent_count_errors", "icalrestriction_check"):
    getattr(library, name).argtypes = [ctypes.c_void_p]
library.icalcomponent_count_components.argtypes = [ctypes.c_void_p, ctypes.c_int]
root = library.icalparser_parse_string(data)
valid = library.icalrestriction_check(root)
ICAL_VEVENT_COMPONENT = 4
print(
    json.dumps(
        {
            "libical": library.icalcomponent_count_components(root, ICAL_VEVENT_COMPONENT),
            "errors": library.icalcomponent_count_errors(root),
            "valid": bool(valid),
        }
    )
)
