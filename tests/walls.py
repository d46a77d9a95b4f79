#!/usr/bin/env python3
"""usage: walls.py BUILD: a room sees what it links and nothing else.

Each line below is one file added to a room with one include. With the room's own command from BUILD's
compile_commands.json the compiler must find the allowed header, and must say "No such file" of the forbidden one.
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys

# room, a header it sees, a header it must not see
WALLS = [
    ("sde", "manifolds/manifold.hpp", "discrete/iteration.hpp"),
    ("discrete", "manifolds/manifold.hpp", "sde/lyapunov_operator.hpp"),
    ("validation/statistics", "validation/statistics/statistics.hpp", "manifolds/manifold.hpp"),
    ("validation/run", "sde/lyapunov_operator.hpp", "validation/report/report.hpp"),
    ("validation/compare", "validation/run/plan.hpp", "validation/scan/scan.hpp"),
    ("validation/scan", "validation/run/plan.hpp", "validation/compare/compare.hpp"),
    ("validation/verify", "validation/compare/compare.hpp", "validation/output/output_folder.hpp"),
    ("validation/output", "manifolds/errors.hpp", "validation/run/plan.hpp"),
    ("validation/report", "validation/scan/scan.hpp", "validation/figures/figure.hpp"),
    ("validation/figures", "validation/scan/scan.hpp", "validation/report/report.hpp"),
]


def includes(command, folder, header):
    """The compiler's words when a file of this room includes the header; empty if it is found."""
    words = [w for w in shlex.split(command["command"]) if pathlib.PurePath(w).name != "ccache"]
    flags = [w for w in words[1:] if re.match(r"-(I|D|std|f|m)", w)]
    system = [w for i, w in enumerate(words) if w == "-isystem" or (i and words[i - 1] == "-isystem")]
    run = subprocess.run(
        [words[0], *flags, *system, "-E", "-x", "c++", "-o", "/dev/null", "-"],
        input=f'#include "{header}"\n', text=True, capture_output=True, cwd=folder)
    return "" if run.returncode == 0 else run.stderr


def main(build):
    commands = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    source = pathlib.Path(__file__).resolve().parent.parent
    wrong = []
    for room, seen, unseen in WALLS:
        name = "valleydrift_" + room.split("/")[-1]
        command = next(c for c in commands if re.search(rf"/{name}\.dir/", c["command"]))
        if not (source / seen).exists() or not (source / unseen).exists():
            wrong.append(f"{room}: {seen} or {unseen} is not there any more")
            continue
        if words := includes(command, command["directory"], seen):
            wrong.append(f"{room} cannot include {seen}: {words}")
        words = includes(command, command["directory"], unseen)
        if f"{unseen}: No such file" not in words:
            wrong.append(f"{room} can include {unseen}: {words or 'the compiler finds it'}")
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
