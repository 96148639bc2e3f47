#!/usr/bin/env python3
"""Prints modules that know each other in a circle, with the lines that make it, and fails if there are any.

    scripts/check-circles.py

A module is a file or folder at the top of a crate's `src`; it knows another if a line of code names `crate::OTHER`.
"""
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES = ["src", "crates/core/src", "crates/dom/src"]
NAMED = re.compile(r"\bcrate::(\{[^}]*\}|[a-z_0-9]+)")


def uses(source):
    """{module: {module it knows: [file:line]}}"""
    known = defaultdict(lambda: defaultdict(list))
    for file in sorted(source.rglob("*.rs")):
        module = file.relative_to(source).parts[0].removesuffix(".rs")
        if module in ("lib", "main"):
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if line.lstrip().startswith("//"):
                continue
            for named in NAMED.findall(line):
                for other in re.findall(r"[a-z_0-9]+", named):
                    if other != module:
                        known[module][other].append(f"{file.relative_to(ROOT)}:{number}")
    return known


def reach(known, start):
    seen, todo = set(), [start]
    while todo:
        for other in known.get(todo.pop(), {}):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def main():
    found = False
    for crate in CRATES:
        known = uses(ROOT / crate)
        reached = {module: reach(known, module) for module in list(known)}
        in_circle = sorted(module for module in known if module in reached[module])
        for module in in_circle:
            for other, places in sorted(known[module].items()):
                if other in in_circle and module in reached[other]:
                    found = True
                    print(f"{crate}: {module} -> {other}: {', '.join(places[:5])}")
    if found:
        sys.exit("modules know each other in a circle; move what both need to where neither is")
    print("no circles")


main()
