"""A workload for Muster's `exec` (docs/EXEC_WORKLOAD.md): entries as persistent messages in one queue of RabbitMQ.

    messages.py PUBLISHER QUEUE PORT...     the AMQP ports of the nodes

PUBLISHER says when a message counts as kept:
    confirmed    the broker has confirmed it, and did not return it as unroutable: the only one to rely on
    unreturned   the broker has confirmed it, and was not asked to return what it can route nowhere (no `mandatory`)
    unconfirmed  it was written to the connection

A message is published once. "fail" only where there was no connection, or the broker returned it; everything else that is
no confirm is "info". Reading back takes the whole queue, one process at a time, acknowledges nothing and gives all of it back;
what is there twice is counted. It needs a queue that nobody else consumes. Needs Debian's python3-pika.
"""
import contextlib
import fcntl
import json
import signal
import sys
import time

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, UnroutableError

publisher, queue = sys.argv[1:3]
ports = [int(port) for port in sys.argv[3:]]

PATIENCE = 1.5
connection = channel = taken = None


def alarm(_number, _frame):
    raise TimeoutError("no answer in time")


signal.signal(signal.SIGALRM, alarm)


@contextlib.contextmanager
def within(seconds):
    """Raises TimeoutError, which is an OSError, out of what takes longer: most of what pika waits for has no limit of its own.
    Not within another one: there is one alarm, and whoever catches its error has none left."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def lost():
    global connection, channel
    broken, connection, channel = connection, None, None
    ports.append(ports.pop(0))
    if broken is not None:
        try:
            # close() would wait for a broker that may be gone; pika has no public way to hang up.
            broken._impl._transport.abort()
        except Exception:
            pass


def connected():
    """A channel; raises OSError or AMQPError when no node has one."""
    global connection, channel
    if channel is not None and channel.is_open:
        return channel
    problem = OSError("no node")
    for _ in list(ports):
        try:
            # Each node has a time of its own, so that one that says nothing takes none away from the next; together they have less
            # than the drills give a write (timeout: 5s).
            with within(1):
                connection = pika.BlockingConnection(pika.ConnectionParameters(
                    "127.0.0.1", ports[0], heartbeat=0, connection_attempts=1, socket_timeout=1, stack_timeout=2))
                channel = connection.channel()
                if publisher != "unconfirmed":
                    channel.confirm_delivery()
            return channel
        # What pika says of a handshake that takes too long is none of its AMQPError.
        except (AMQPError, AMQPConnectorException, OSError) as error:
            problem = OSError(repr(error))
            lost()
    raise problem


def put(key, value):
    global taken
    taken = None
    try:
        way = connected()
    except (AMQPError, OSError) as error:
        lost()
        return {"fail": repr(error)}
    try:
        with within(PATIENCE):
            way.basic_publish(
                "", queue, value.encode(), pika.BasicProperties(message_id=key, delivery_mode=2), publisher == "confirmed")
        return {"ok": True}
    except UnroutableError:
        return {"fail": "returned: no queue takes it"}
    except (AMQPError, OSError) as error:
        lost()
        return {"info": repr(error)}


def take():
    """Every message of the queue: {key: [value, ...]}. Raises OSError when it cannot be known."""
    with open(__file__) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connected()
        # More than the deadlines of taken_by together. Whatever goes wrong, the connection ends, and the broker has all of it back.
        with within(6 * PATIENCE):
            way = connection.channel()
            found = taken_by(way)
            way.close()
            return found


def taken_by(way):
    # Whoever consumes has messages that nobody else sees; one who has just ended gives them back in a moment.
    deadline = time.monotonic() + PATIENCE
    while (there := way.queue_declare(queue, passive=True).method).consumer_count:
        if time.monotonic() > deadline:
            raise OSError("the queue has another consumer")
        time.sleep(0.02)
    found, seen = {}, 0
    # The default takes 2,000 messages and no more until some are acknowledged.
    way.basic_qos(prefetch_count=65535)

    def one(_channel, _method, properties, body):
        nonlocal seen
        seen += 1
        found.setdefault(properties.message_id or "", []).append(body.decode())

    consumer = way.basic_consume(queue, one)
    deadline = time.monotonic() + 4 * PATIENCE
    while seen < there.message_count or ready(way):
        if time.monotonic() > deadline:
            raise OSError(f"{seen} of {there.message_count} messages came in time")
        connection.process_data_events(0.02)
    # The broker gives back what a closing channel held only after it has said that it is closed.
    way.basic_cancel(consumer)
    way.basic_nack(0, multiple=True, requeue=True)
    while ready(way) < seen:
        if time.monotonic() > deadline:
            raise OSError("the messages did not come back to the queue in time")
        time.sleep(0.01)
    return found


def ready(way):
    """How many messages nobody holds."""
    return way.queue_declare(queue, passive=True).method.message_count


def answer(request):
    global taken
    if request["op"] == "put":
        return put(request["key"], request["value"])
    try:
        if request["op"] == "get":
            # A reading answers for each key once: who asks again wants to know anew.
            if taken is None or request["key"] in taken[1]:
                taken = take(), set()
            taken[1].add(request["key"])
            values = taken[0].get(request["key"])
            if not values:
                return {"ok": True, "value": None}
            return {"ok": True, "value": values[0] if len(set(values)) == 1 else "", "count": len(values)}
        if request["op"] == "list":
            taken = None
            return {"ok": True, "keys": [key for key in take() if key.startswith(request["prefix"])]}
    except (AMQPError, OSError) as error:
        taken = None
        lost()
        return {"fail": repr(error)}
    return {"fail": "unsupported"}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
