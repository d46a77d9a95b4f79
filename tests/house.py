#!/usr/bin/env python3
"""usage: house.py: the order of the house, which no compiler checks.

Every source begins with one line that says what it is or adds; no source is longer than 450 lines, and no folder holds
more than 20 of them. What is not so today is listed below, each with its reason; nothing new is to join it. Which room
may include which is walls.py's. A file that a source or a page names, as the advice of a check does, is there.
"""
import collections
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["manifolds", "sde", "discrete", "validation", "cli", "tests", "docs"]
MOST_LINES, MOST_SOURCES = 450, 20

LONG = {
    "tests/manifolds/law_test.cpp": "what no check says of the models; splits into derivatives and geometry",
}
FULL = {
    "validation/run": "configuration, plan, ensembles and their kernels; the ensembles are to become one",
    "validation/scan": "a header and a source for each reading; cell_run and optimum go with the one ensemble",
    "validation/report": "a header and a source for each result; one per result is left when JSON is shared",
}


def missing_files():
    """Names of sources, in code, strings and pages, that lead nowhere. The changelog tells of files that were."""
    found = []
    named = re.compile(r"\b((?:manifolds|sde|discrete|validation|cli|tests|cmake)/[\w/]+\.(?:[ch]pp|py|cmake))\b")
    pages = [SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", *(SOURCE / "docs").rglob("*.md"),
             *(SOURCE / "sde").glob("*.md"), *(SOURCE / "tests/fuzz").glob("*.md")]
    sources = [p for folder in FOLDERS for p in (SOURCE / folder).rglob("*.[ch]pp")]
    for path in sorted(pages + sources):
        text = re.sub(r'"\s*\n\s*"', "", path.read_text())  # strings over several lines
        for name in sorted(set(named.findall(text))):
            if "NAME" not in name and not (SOURCE / name).exists():
                found.append(f"{path.relative_to(SOURCE)}: there is no {name}")
    return found


def main():
    wrong, count, too_long = [], collections.Counter(), set()
    for path in sorted(p for folder in FOLDERS for p in (SOURCE / folder).rglob("*.[ch]pp")):
        name = path.relative_to(SOURCE).as_posix()
        lines = path.read_text().splitlines()
        count[path.parent.relative_to(SOURCE).as_posix()] += 1
        if not (lines and lines[0].startswith("// ")):
            wrong.append(f"{name}: its first line does not say what it is: // ...")
        if len(lines) > MOST_LINES:
            too_long.add(name)
        if len(lines) > MOST_LINES and name not in LONG:
            wrong.append(f"{name}: {len(lines)} lines; split it, no source has more than {MOST_LINES}")
    for folder, sources in count.items():
        if sources > MOST_SOURCES and folder not in FULL:
            wrong.append(f"{folder}: {sources} sources; no folder has more than {MOST_SOURCES}")
    wrong += [f"{name}: is not too long any more" for name in LONG if name not in too_long]
    wrong += [f"{folder}: is not too full any more" for folder in FULL if count[folder] <= MOST_SOURCES]
    wrong += missing_files()
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
