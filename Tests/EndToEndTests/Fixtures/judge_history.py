"""Reads a history that `muster export` wrote, with a reader of EDN that is not ours, and judges it.

Usage: judge_history.py HISTORY
Prints, as JSON, by workload: how many operations of which kind ended how; of entries how many were acknowledged and
are missing, could not be read, are damaged, or are there although nobody wrote them; of registers whether they are
linearizable (true, false; null where that is too much to search).
Exit code 1 and a line on standard error when it is no history: https://github.com/jepsen-io/history says what
one is.
"""
import collections
import json
import sys

import edn_format

K = edn_format.Keyword
ENDS = {"ok", "fail", "info"}
MOST_STATES = 100_000


def plain(value):
    """Keywords as ":name"; nothing else stands in our values."""
    return ":" + value.name if isinstance(value, K) else value


def call(form):
    """Whether it is a read or a write, of which key, with which value, and whether of a register."""
    kinds = {K("r"): "read", K("w"): "write", K("read"): "read", K("write"): "write"}
    if form[K("f")] == K("txn"):
        (micro,) = form[K("value")]
        return kinds[micro[0]], micro[1], plain(micro[2]), False
    return kinds[form[K("f")]], form[K("key")], plain(form[K("value")]), True


class Operation:
    """One operation of one process, from its invocation to its end."""

    def __init__(self, form, index):
        self.began, self.ended, self.end = index, None, "open"
        self.kind, self.key, self.value, self.is_register = call(form)
        self.workload = self.key.split("/")[0]
        assert (self.value is None) == (self.kind == "read"), f"{index}: a read asks for nil, a write has a value"

    def finish(self, form, index):
        kind, key, value, is_register = call(form)
        begun = (self.kind, self.key, self.is_register)
        assert (kind, key, is_register) == begun, f"{index}: ends another operation than was begun"
        if kind == "write":
            assert value == self.value, f"{index}: ends with another value than was to be written"
        self.value, self.ended, self.end = value, index, form[K("type")].name


def read(path):
    """All operations by beginning. Asserts what every history must hold."""
    time, under_way, gone, all_of_them, faults = 0, {}, set(), [], 0
    for index, line in enumerate(open(path, encoding="utf-8")):
        form = edn_format.loads(line)
        kind, process = form[K("type")].name, plain(form[K("process")])
        assert form[K("index")] == index, f"{index}: has index {form[K('index')]}"
        assert form[K("time")] >= time, f"{index}: time runs back"
        time = form[K("time")]
        if process == ":nemesis":
            assert kind == "info" and isinstance(form[K("f")], K), f"{index}: is no fault"
            faults += 1
            continue
        assert isinstance(process, int) and process not in gone, f"{index}: process {process} is gone"
        if kind == "invoke":
            assert process not in under_way, f"{index}: process {process} has two operations at once"
            under_way[process] = Operation(form, index)
            all_of_them.append(under_way[process])
        else:
            assert kind in ENDS, f"{index}: is of type {kind}"
            assert process in under_way, f"{index}: process {process} ends what it never began"
            under_way.pop(process).finish(form, index)
            if kind == "info":
                gone.add(process)
    # What is still under way was the last of its process, or two would have been at once.
    return all_of_them, faults


def is_linearizable(operations):
    """Of one register, nil at first (Wing and Gong, 1993; all states at once, as Lowe, 2016, has it).

    A state is what the register holds, and which of the operations under way have taken effect. A write whose end
    nobody knows is under way for ever: it may take effect at any time, or never.
    """
    events = []
    for number, operation in enumerate(operations):
        if operation.end == "fail" or operation.kind == "read" and operation.end != "ok":
            continue
        events.append((operation.began, number, False))
        if operation.end == "ok":
            events.append((operation.ended, number, True))
    states, under_way = {(None, frozenset())}, set()
    for _, number, is_end in sorted(events):
        if not is_end:
            under_way.add(number)
            continue
        # Everything that can have happened before this end; it itself must have.
        reached, left = set(states), list(states)
        while left:
            value, done = left.pop()
            for other in under_way - done:
                operation = operations[other]
                if operation.kind == "read" and operation.value != value:
                    continue
                state = (value if operation.kind == "read" else operation.value, done | {other})
                if state not in reached:
                    reached.add(state)
                    left.append(state)
            if len(reached) > MOST_STATES:
                return None
        states = {(value, done - {number}) for value, done in reached if number in done}
        under_way.discard(number)
        if not states:
            return False
    return True


def judge(operations):
    """Of one workload."""
    ends = collections.Counter(f"{operation.kind} {operation.end}" for operation in operations)
    by_key = collections.defaultdict(list)
    for operation in operations:
        by_key[operation.key].append(operation)
    answer = {"ends": ends, "keys": len(by_key)}
    if operations[0].is_register:
        verdicts = [is_linearizable(of_key) for of_key in by_key.values()]
        answer["linearizable"] = False if False in verdicts else None if None in verdicts else True
        answer["broken"] = verdicts.count(False)
        return answer
    counts = collections.Counter(missing=0, unread=0, damaged=0, foreign=0)
    for key, of_key in by_key.items():
        written = [operation for operation in of_key if operation.kind == "write"]
        reads = [operation for operation in of_key if operation.kind == "read"]
        assert len(written) <= 1, f"{key} was written twice"
        assert reads, f"{key} was not looked for"
        for operation in reads:
            if operation.end != "ok":
                counts["unread"] += 1
            elif operation.value == ":damaged":
                counts["damaged"] += 1
            elif operation.value is None:
                counts["missing"] += bool(written) and written[0].end == "ok"
            elif not any(one.value == operation.value and one.end != "fail" for one in written):
                counts["foreign"] += 1
    return answer | counts


def main():
    try:
        operations, faults = read(sys.argv[1])
        by_workload = collections.defaultdict(list)
        for operation in operations:
            by_workload[operation.workload].append(operation)
        answer = {name: judge(of_workload) for name, of_workload in by_workload.items()}
    except (AssertionError, KeyError, ValueError, TypeError, edn_format.exceptions.EDNDecodeError) as error:
        sys.exit(f"{sys.argv[1]} is no history: {type(error).__name__}: {error}")
    print(json.dumps({"faults": faults, "workloads": answer}))


if __name__ == "__main__":
    main()
