"""A workload for Muster's `exec`: keeps entries in a folder, one file each.

Reads one JSON request a line, answers each with one JSON line. Says "ok" only for what the store has
acknowledged, "fail" for what it certainly did not keep, "info" when it does not know. Never tries again.
"""
import json
import os
import sys

folder = sys.argv[1]


def answer(request):
    path = os.path.join(folder, request.get("key", ""))
    if request["op"] == "put":
        with open(path, "x") as file:
            file.write(request["value"])
            file.flush()
            os.fsync(file.fileno())
        return {"ok": True}
    if request["op"] == "get":
        return {"ok": True, "value": open(path).read() if os.path.exists(path) else None}
    if request["op"] == "list":
        return {"ok": True, "keys": [n for n in os.listdir(folder) if n.startswith(request["prefix"])]}
    return {"fail": "unsupported"}


for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = answer(request)
    except FileExistsError:
        reply = {"fail": "exists"}
    except OSError as error:
        reply = {"info" if request["op"] == "put" else "fail": str(error)}
    print(json.dumps({"id": request["id"], **reply}), flush=True)
