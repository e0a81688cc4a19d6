#!/usr/bin/env python3
"""Prints the shapes of the Route 53 API as src/route53/shapes/model.txt has them, from botocore's model.

`model.py --check FILE` compares instead, and says what differs: the table can't drift from what the clients speak.
"""

import gzip
import json
import pathlib
import sys

import botocore

DATA = pathlib.Path(botocore.__file__).parent / "data/route53/2013-04-01/service-2.json.gz"


def model():
    with gzip.open(DATA) as file:
        return json.load(file)


def operation(model, name, op):
    http = op["http"]
    yield f"operation {name} {http['method']} {http['requestUri']} {http.get('responseCode', 200)}"
    for side in ("input", "output"):
        if side in op:
            yield f"  {side} {op[side]['shape']}"
    for error in op.get("errors", []):
        shape = model["shapes"][error["shape"]]
        yield f"  error {error['shape']} {shape.get('error', {}).get('httpStatusCode', 400)}"


def member(shape, name):
    about = shape["members"][name]
    star = "*" if name in shape.get("required", []) else ""
    words = [f"  {name}{star} {about['shape']}"]
    match about.get("location"):
        case "uri":
            words.append(f"uri={about['locationName']}")
        case "querystring":
            words.append(f"query={about['locationName']}")
        case "header":
            words.append(f"header={about['locationName']}")
    return " ".join(words)


def described(name, shape):
    kind = shape["type"]
    if kind == "structure":
        yield f"structure {name}"
        for one in shape["members"]:
            yield member(shape, one)
        return
    words = [kind, name]
    if kind == "list":
        words += [shape["member"]["shape"], f"item={shape['member'].get('locationName', 'member')}"]
    words += [f"{bound}={shape[bound]}" for bound in ("min", "max") if bound in shape]
    if "enum" in shape:
        words.append("enum=" + "|".join(shape["enum"]))
    if "pattern" in shape:
        words.append("pattern=" + shape["pattern"])
    yield " ".join(words)


def table(model):
    for name, op in sorted(model["operations"].items()):
        yield from operation(model, name, op)
    for name, shape in sorted(model["shapes"].items()):
        # Of errors, those that say more than a message.
        if not shape.get("exception") or set(shape["members"]) - {"message", "Message", "messages"}:
            yield from described(name, shape)


def main():
    expected = "\n".join(table(model())) + "\n"
    if sys.argv[1:2] != ["--check"]:
        print(expected, end="")
        return 0
    found = pathlib.Path(sys.argv[2]).read_text()
    found = "".join(line for line in found.splitlines(True) if not line.startswith("#"))
    missing = [line for line in expected.splitlines() if line not in set(found.splitlines())]
    extra = [line for line in found.splitlines() if line not in set(expected.splitlines())]
    for line in missing:
        print(f"missing: {line}")
    for line in extra:
        print(f"unknown: {line}")
    return 1 if found != expected else 0


sys.exit(main())
