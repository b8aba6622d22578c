"""Reads counts of callgrind for script/instructions.

usage: instructions.py check|bless|by-stop FILE PROGRAM CALLS DIRECTORY

DIRECTORY holds one output file a call, named after it, of CALLS calls of PROGRAM, made with --dump-instr=yes and without
compression. `check` compares what a call costs with FILE, `bless` writes it there, `by-stop` prints it by the stops of
a request.

An instruction belongs to the innermost file of ours that it stands in, inlined code included: to the stop of that
file in STOPS. What stands in none (a library, a part of ours that several stops use) belongs to where it was called
from. So do allocations.
"""

import collections
import json
import os
import re
import subprocess
import sys

# The files of a stop, by how their paths begin. The first that fits counts; None leaves it to the caller.
STOPS = [
    ("benches/instructions/allocator.rs", None),
    ("benches/", "the harness"),
    ("server/src/server.rs", "the harness"),
    ("server/src/http/service_gate.rs", "gate"),
    ("server/src/http/pipeline.rs", "pipeline"),
    ("server/src/request.rs", "pipeline"),
    ("server/src/router.rs", "router"),
    ("server/src/head.rs", "head"),
    ("server/src/notes.rs", "head"),
    ("server/src/body", "body"),
    ("server/src/metrics", "metrics"),
    ("server/src/sandbox/request_log", "journal"),
    ("server/src/throttle/rate.rs", "rate"),
    ("server/src/throttle", "admission"),
    ("server/src/sandbox/reset_lock.rs", "admission"),
    ("server/src/auth/admit.rs", "admission"),
    ("server/src/auth/provider.rs", "grant"),
    ("server/src/auth", "authentication"),
    ("server/src/credential", "authentication"),
    ("server/src/operation", "operation"),
    ("server/src/response.rs", "answer"),
    ("server/src/group.rs", "grant"),
    ("model/src/json.rs", "parse"),
    ("model/src/wire", "parse and encode"),
    ("store/src/registry", None),
    ("store/src", "store"),
]
# What Rust's allocations call.
ALLOCATORS = {"mi_malloc_aligned", "mi_zalloc_aligned", "mi_realloc_aligned"}
# How often what is unowned climbs. A rest of recursive calls stays below.
ROUNDS = 100


def stop_of(path):
    """The stop of a source file; None where it is none of its own."""
    found = re.search(r"(?:^|/)(?:crates/)?((?:server|store|model)/(?:src|benches)/.*)$", path)
    if "/.cargo/" in path or "/rustc/" in path or not found:
        return None
    inner = found.group(1)
    for start, stop in STOPS:
        if inner.startswith(start) or inner.split("/", 1)[1].startswith(start):
            return stop
    return None


class Profile:
    """The counts of one run."""

    def __init__(self, file):
        self.own = collections.defaultdict(lambda: collections.defaultdict(int))  # function: {address: cost}
        self.calls = []  # (caller, address, callee, count, inclusive cost)
        function = called = None
        count = thing = None
        with open(file) as lines:
            for line in lines:
                line = line.rstrip("\n")
                if line.startswith("ob="):
                    thing = line[3:]
                elif line.startswith("fn="):
                    function = (thing, line[3:])
                    called_object = thing
                elif line.startswith("cob="):
                    called_object = line[4:]
                elif line.startswith("cfn="):
                    called = (called_object, line[4:])
                    called_object = thing
                elif line.startswith("calls="):
                    count = int(line[6:].split()[0])
                elif line.startswith("0x"):
                    address, _, cost = line.split()[:3]
                    if count is not None:
                        self.calls.append((function, address, called, count, int(cost)))
                        count = None
                    else:
                        self.own[function][address] += int(cost)

    def stops(self, program):
        """The stop of each address of the program."""
        wanted = sorted(
            {address for function, costs in self.own.items() if function[0] == program for address in costs}
            | {address for function, address, *_ in self.calls if function[0] == program}
        )
        answer = subprocess.run(
            ["addr2line", "--exe", program, "--inlines", "--addresses"],
            input="\n".join(wanted), capture_output=True, text=True, check=True,
        ).stdout
        stops, at = {}, None
        for line in answer.splitlines():
            if line.startswith("0x"):
                at = f"0x{int(line, 16):x}"
                stops[at] = None
            elif stops[at] is None:
                stops[at] = stop_of(os.path.normpath(line.rsplit(":", 1)[0]))
        return stops


def by_stop(file, program):
    profile = Profile(file)
    stops = profile.stops(program)
    # The shims of the global allocator stand in the file that names it.
    ours = lambda function: function[0] == program and "__rust_" not in function[1]
    at = lambda function, address: stops.get(address) if ours(function) else None
    unowned, unowned_allocations = collections.Counter(), collections.Counter()
    cost, allocations = collections.Counter(), collections.Counter()
    callers = collections.defaultdict(list)
    for function, costs in profile.own.items():
        for address, instructions in costs.items():
            stop = at(function, address)
            if stop:
                cost[stop] += instructions
            else:
                unowned[function] += instructions
    for caller, address, callee, count, instructions in profile.calls:
        callers[callee].append((caller, address, count, instructions))
        if callee[1] in ALLOCATORS:
            unowned_allocations[callee] += count
    # What is unowned climbs to its callers until it reaches a stop: a few rounds, as calls are nested.
    for _ in range(ROUNDS):
        moving = {f: (unowned[f], unowned_allocations[f]) for f in set(unowned) | set(unowned_allocations)
                  if (unowned[f] or unowned_allocations[f]) and any(c[3] for c in callers[f])}
        if not moving:
            break
        for function, (instructions, made) in moving.items():
            unowned[function] -= instructions
            unowned_allocations[function] -= made
            weight = sum(c[3] for c in callers[function])
            for caller, address, _, share in callers[function]:
                stop = at(caller, address)
                part, part_made = instructions * share / weight, made * share / weight
                if stop:
                    cost[stop] += part
                    allocations[stop] += part_made
                else:
                    unowned[caller] += part
                    unowned_allocations[caller] += part_made
    cost["elsewhere"] += sum(unowned.values())
    allocations["elsewhere"] += sum(unowned_allocations.values())
    return cost, allocations


def print_by_stop(program, calls, files):
    tables = [(name, *by_stop(file, program)) for name, file in files]
    whole = collections.Counter()
    for _, cost, _ in tables:
        whole.update(cost)
    print("Instructions a call, and in brackets allocations:\n")
    print("| stop | " + " | ".join(name for name, *_ in tables) + " |")
    print("|---|" + "---:|" * len(tables))
    for stop, _ in whole.most_common():
        cells = [f"{cost[stop] / calls:,.0f} ({made[stop] / calls:.1f})" for _, cost, made in tables]
        print(f"| {stop} | " + " | ".join(cells) + " |")
    totals = [f"{sum(cost.values()) / calls:,.0f} ({sum(made.values()) / calls:.1f})" for _, cost, made in tables]
    print("| all | " + " | ".join(totals) + " |")


def version(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def compare(mode, committed_file, counted):
    rustc, valgrind = version("rustc", "--version"), version("valgrind", "--version")
    if mode == "bless":
        with open(committed_file, "w") as out:
            json.dump({"rustc": rustc, "valgrind": valgrind, "instructions": counted}, out, indent=2)
            out.write("\n")
    with open(committed_file) as file:
        committed = json.load(file)
    if committed["rustc"] != rustc or committed["valgrind"] != valgrind:
        print(f"{committed_file} was made with {committed['rustc']} and {committed['valgrind']}, this run with "
              f"{rustc} and {valgrind}: a difference below may be theirs.")
    too_many = 0
    for call, count in counted.items():
        budget = committed["instructions"].get(call, 0)
        grown = count / budget - 1 if budget else 1
        too_many += grown > 0.05
        note = "  TOO MANY" if grown > 0.05 else "  fewer: make instructions-bless keeps it so" if grown < -0.05 else ""
        print(f"{call:20} {count:>9,} instructions a call, {budget:>9,} committed, {grown:+6.1%}{note}")
    if too_many:
        sys.exit("Calls cost more instructions than before. Where that is wanted: make instructions-bless, and say why "
                 "in the commit.")


def main():
    mode, committed_file, program, calls, directory = sys.argv[1:]
    program, calls = os.path.realpath(program), int(calls)
    files = [(name, os.path.join(directory, name)) for name in sorted(os.listdir(directory))]
    if mode == "by-stop":
        return print_by_stop(program, calls, files)
    # Not the file's own summary: with other threads that has what they did before, too.
    totals = {name: sum(sum(costs.values()) for costs in Profile(file).own.values()) for name, file in files}
    compare(mode, committed_file, {name: total // calls for name, total in totals.items()})


main()
