"""A workload for Muster's `exec` (docs/EXEC_WORKLOAD.md): entries as rows of a MariaDB table.

    rows.py SOCKET

One connection, a transaction for each INSERT. "ok" only when COMMIT has answered; "fail" where there was no connection, or
the server says that it rolled back; "info" for everything else. Needs Debian's python3-pymysql.
"""
import json
import sys

import pymysql

socket = sys.argv[1]
connection = None

# Errors of the server after which a statement is certainly rolled back: duplicate key, read-only (1290), lock wait
# timeout, deadlock, table full, disk full (https://mariadb.com/kb/en/mariadb-error-codes/).
ROLLED_BACK = {1021, 1062, 1114, 1205, 1213, 1290}


def connected():
    global connection
    if connection is None:
        connection = pymysql.connect(
            unix_socket=socket, user="muster", database="muster", autocommit=True, connect_timeout=2, charset="ascii")
    return connection.cursor()


def lost():
    global connection
    if connection is not None:
        try:
            connection.close()
        except pymysql.Error:
            pass
    connection = None


def put(key, value):
    try:
        cursor = connected()
    except (pymysql.Error, OSError) as error:
        lost()
        return {"fail": str(error)}
    try:
        cursor.execute("INSERT INTO entries VALUES (%s, %s)", (key, value))
        return {"ok": True}
    except (pymysql.Error, OSError) as error:
        code = error.args[0] if error.args else 0
        if code in ROLLED_BACK:
            return {"fail": str(error)}
        lost()
        return {"info": str(error)}


def read(request):
    try:
        cursor = connected()
        if request["op"] == "get":
            cursor.execute("SELECT content FROM entries WHERE name = %s", (request["key"],))
            row = cursor.fetchone()
            return {"ok": True, "value": row[0] if row else None}
        cursor.execute("SELECT name FROM entries WHERE LEFT(name, %s) = %s", (len(request["prefix"]), request["prefix"]))
        return {"ok": True, "keys": [row[0] for row in cursor.fetchall()]}
    except (pymysql.Error, OSError) as error:
        lost()
        return {"fail": str(error)}


for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "put":
        reply = put(request["key"], request["value"])
    elif request["op"] in ("get", "list"):
        reply = read(request)
    else:
        reply = {"fail": "unsupported"}
    print(json.dumps({"id": request["id"], **reply}), flush=True)
