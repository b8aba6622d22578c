"""Compares the programs of script/pgo: the median over the rounds of what the one that is built with a profile costs, as a
multiple of the one that is not.

usage: pgo.py DIRECTORY ROUNDS

DIRECTORY holds a report of the benchmark `compare` for each round of each: plain-1.json, guided-1.json and so on.
"""

import json
import statistics
import sys

WORK = {
    "query-one": "query of one id",
    "query-thirty": "query of 30 ids",
    "create": "create",
    "query-while-creating": "query beside creates",
}


def figures(directory, name):
    """The figures of a report, by what was done."""
    with open(f"{directory}/{name}.json", encoding="utf-8") as report:
        return {row["what"]: row["figures"] for row in json.load(report)["rows"]}


def main(directory, rounds):
    pairs = [
        (figures(directory, f"plain-{n}"), figures(directory, f"guided-{n}"))
        for n in range(1, rounds + 1)
    ]
    print(f"With a profile, as a multiple of without one (median of {rounds} pairs in turn):\n")
    print("| | processor time of the server | requests a second |")
    print("|---|---:|---:|")
    for what, name in WORK.items():
        ratio = lambda figure: statistics.median(
            guided[what][figure] / plain[what][figure] for plain, guided in pairs
        )
        print(f"| {name} | {ratio('cpu_us'):.3f} | {ratio('rate'):.3f} |")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
