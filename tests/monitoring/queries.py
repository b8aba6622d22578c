"""Reads the alerts and the dashboard; prints each query's metrics, a line each. Fails where a query cannot be parsed."""

import json
import sys

import promql_parser
import yaml


def queries(alerts, dashboard):
    with open(alerts, encoding="utf-8") as file:
        for group in yaml.safe_load(file)["groups"]:
            for rule in group["rules"]:
                assert rule["annotations"]["summary"] and rule["labels"]["severity"] in ("critical", "warning"), rule
                yield rule["expr"]
    with open(dashboard, encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m")


def metrics(expression):
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression.name
    for part in ("expr", "lhs", "rhs", "vector_selector", "args"):
        below = getattr(expression, part, None)
        for one in below if isinstance(below, list) else [below]:
            if one is not None:
                yield from metrics(one)


for query in queries(*sys.argv[1:]):
    found = list(metrics(promql_parser.parse(query)))
    assert found, query
    print("\n".join(found))
