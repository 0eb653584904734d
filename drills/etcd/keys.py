"""A workload for Muster's `exec` (docs/EXEC_WORKLOAD.md): entries in etcd, over its JSON gateway.

    keys.py PORT...     the client ports of the members, which are asked in turn

A put goes to one member, once. "ok" only when etcd has answered with a revision, so that a majority has it; "fail" only
when it certainly has not taken it (no connection); everything else is "info". Whoever failed is not asked first next time.
"""
import base64
import http.client
import json
import sys

ports = [int(port) for port in sys.argv[1:]]
connections = {}


def coded(text):
    return base64.b64encode(text.encode()).decode()


def ask(port, path, body):
    """Raises ConnectionRefusedError when nothing was sent; OSError, HTTPException or ValueError otherwise."""
    connection = connections.get(port)
    if connection is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.connect()
        connections[port] = connection
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read(1 << 26) or b"{}")
    except (OSError, http.client.HTTPException, ValueError):
        connections.pop(port).close()
        raise


def ask_another():
    ports.append(ports.pop(0))


def put(key, value):
    problem = "no member"
    for port in list(ports):
        try:
            status, answer = ask(port, "/v3/kv/put", {"key": coded(key), "value": coded(value)})
        except ConnectionRefusedError as error:
            problem = str(error)
            ask_another()
            continue
        except (OSError, http.client.HTTPException, ValueError) as error:
            ask_another()
            return {"info": repr(error)}
        if status == 200 and "revision" in answer.get("header", {}):
            return {"ok": True}
        ask_another()
        # "etcdserver: request timed out", "leader changed": it may be applied all the same.
        return {"info": answer.get("error", f"status {status}")}
    return {"fail": problem}


def read(body):
    problem = "no member"
    for port in list(ports):
        try:
            status, answer = ask(port, "/v3/kv/range", body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = repr(error)
            ask_another()
            continue
        if status == 200:
            return answer.get("kvs", [])
        problem = answer.get("error", f"status {status}")
        ask_another()
    raise OSError(problem)


def answer(request):
    key = request.get("key", "")
    if request["op"] == "put":
        return put(key, request["value"])
    if request["op"] == "get":
        # Linearizable, which is the default: a member that is behind asks the leader first.
        found = read({"key": coded(key)})
        # The gateway leaves out what is empty.
        return {"ok": True, "value": base64.b64decode(found[0].get("value", "")).decode() if found else None}
    if request["op"] == "list":
        start = request["prefix"]
        end = start[:-1] + chr(ord(start[-1]) + 1)
        found = read({"key": coded(start), "range_end": coded(end), "keys_only": True})
        return {"ok": True, "keys": [base64.b64decode(one["key"]).decode() for one in found]}
    return {"fail": "unsupported"}


for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = answer(request)
    except OSError as error:
        reply = {"fail": str(error)}
    print(json.dumps({"id": request["id"], **reply}), flush=True)
