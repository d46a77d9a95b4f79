#!/usr/bin/env python3
"""Whether README.md and docs/ say what the program does.

usage: documents.py PROGRAM [--slow] [--page PAGE]

A block that begins with ```console holds commands, each after "$ ", and below each what it prints: its standard output,
or if it fails (exit code above 1) its standard error. Every command is run, the commands of a block in one fresh folder
in which docs/ and tests/ are those of the sources, and what is printed must be what the page shows:
  - "..." alone on a line stands for any lines, at the end of a line or within it for any characters;
  - what the clock or the machine decides is not compared: a number followed by s, ms, us, ns, seconds or minutes, the
    words "under a second", and the N of "N threads";
  - spaces at the end of a line do not count.
A comment on the line before a block says how it is run, its parts separated by ";":
  <!-- slow -->          with --slow, and only then: its commands take longer than two seconds
  <!-- exit 1 -->        the last command ends with this code; without it every command ends with 0
  <!-- not run: why -->  not at all: what installs, builds, or takes minutes
  <!-- file PATH -->     no command: these lines stand in this file, which the build or a test compiles
A block ```sh is never run and must say so. Other languages (ini, yaml, cmake, text) are no commands.

A command in a sentence or a table, `valleydrift ...` or `scan ...`, is tried with --dry-run (compare, scan),
--print-config (inspect) or --list (verify); manifolds and advise are run, verify with --aa, --thorough or --junit is
not tried. One with capitals in place of a value (FILE, NAME) or "..." is a pattern and is not tried either. In a table
whose first column is headed `valleydrift compare ...` the first column holds the rest of the command.

Further: relative links and #anchors exist; README.md has at most 150 lines and names every command and valley;
docs/output.md names every JSON key and CSV column that small jobs write, and no other. There a comment before a table,
<!-- keys NAME PREFIX --> or <!-- columns NAME -->, says what its first column lists. KEY_reason beside a key is not
listed, nor what comes below a key that ends in .NAME. docs/architecture.md has a row for every room, with what the room
links.

Exit: 0 all is so, 1 something is not (each on a line of its own), 2 the program does not run.
"""
import argparse
import csv
import html
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
PAGES = [SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]
README_LINES = 150
COMMANDS = ("compare", "inspect", "scan", "advise", "verify", "manifolds")
CLOCK = [(re.compile(r"\s+(about )?\d+(\.\d+)?(e[-+]?\d+)? (s|ms|us|ns|seconds?|minutes?)\b"), " # s"),
         (re.compile(r"\bunder a second\b"), "# s"), (re.compile(r"\b\d+ threads?\b"), "# threads")]
TRIED_WITH = {"compare": ["--dry-run"], "scan": ["--dry-run"], "inspect": ["--print-config"], "verify": ["--list"],
              "manifolds": [], "advise": []}
STOPS = {"--dry-run", "--print-config", "--list", "--help"}  # nothing is run with these anyway
NOT_TRIED = {"--aa", "--thorough", "--junit"}                # nothing tries these without running them
failures = []


def fail(page, line, text):
    failures.append(f"{page.relative_to(SOURCE)}:{line}: {text}")


class Block:
    """Lines between ``` and ```, with the language and the parts of the comment before."""

    def __init__(self, page, line, language, notes, lines):
        self.page, self.line, self.language, self.lines = page, line, language, lines
        self.notes = [note.strip() for note in notes.split(";") if note.strip()]

    def note(self, word):
        """What follows the word in the comment, "" if nothing does, None if the word is not there."""
        found = (re.fullmatch(re.escape(word) + r"(?:[: ] *(.*))?", note) for note in self.notes)
        return next((match[1] or "" for match in found if match), None)

    def commands(self):
        """(command, printed lines) in order; a command that ends in a backslash goes on in the next line."""
        found = []
        goes_on = False
        for text in self.lines:
            if goes_on:
                found[-1][0] = found[-1][0][:-1] + " " + text.strip()
            elif text.startswith("$ "):
                found.append([text[2:].strip(), []])
            elif found:
                found[-1][1].append(text)
            else:
                fail(self.page, self.line, "a console block begins with a command, '$ ...'")
            goes_on = bool(found) and (goes_on or text.startswith("$ ")) and found[-1][0].endswith("\\")
        return found


def read_page(page):
    """The page's blocks, and its other lines with their numbers."""
    blocks, prose = [], []
    lines = page.read_text().splitlines()
    i = 0
    while i < len(lines):
        opening = re.fullmatch(r"```(\w*)", lines[i])
        if not opening:
            prose.append((i + 1, lines[i]))
            i += 1
            continue
        end = next((k for k in range(i + 1, len(lines)) if lines[k] == "```"), None)
        if end is None:
            fail(page, i + 1, "``` without its end")
            break
        before = re.fullmatch(r"<!-- (.*) -->", lines[i - 1]) if i > 0 else None
        blocks.append(Block(page, i + 1, opening[1], before[1] if before else "", lines[i + 1:end]))
        i = end + 1
    return blocks, prose


def run(program, command, folder):
    """Exit code and what the command prints; `valleydrift` is the program."""
    words = shlex.split(command)
    if words[0] != "valleydrift":
        return None, f"only valleydrift is run here, not {words[0]}"
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "LC_ALL": "C"}
    done = subprocess.run([program, *words[1:]], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=1000, check=False)
    return done.returncode, done.stderr if done.returncode > 1 else done.stdout


def without_clock(line):
    for pattern, instead in CLOCK:
        line = pattern.sub(instead, line)
    return line.rstrip()


def matches(shown, printed):
    pattern = ".*".join(re.escape(part) for part in without_clock(shown).split("..."))
    return re.fullmatch(pattern, without_clock(printed)) is not None


def difference_at(part, printed, places):
    """Where this part fits best, and the first line there that differs."""
    def agreeing(place):
        return next((k for k, s in enumerate(part)
                     if place + k >= len(printed) or not matches(s, printed[place + k])), len(part))
    place = max(places, key=agreeing, default=len(printed))
    k = agreeing(place)
    if k == len(part):
        return f"    more is printed than shown: {printed[place + k] if place + k < len(printed) else ''}"
    return f"    shown:   {part[k]}\n    printed: {printed[place + k] if place + k < len(printed) else '(nothing)'}"


def first_difference(shown, printed):
    """None if the lines shown are those printed; else the first ones shown that are not where they should be."""
    parts = [[]]
    for line in shown:
        if line.strip() == "...":
            parts.append([])
        else:
            parts[-1].append(line)
    while len(parts) == 1 and parts[0] and not parts[0][-1].strip() and (not printed or printed[-1].strip()):
        parts[0].pop()
    at = 0
    for number, part in enumerate(parts):
        first, last = number == 0, number == len(parts) - 1
        places = [0] if first else range(at, len(printed) - len(part) + 1)
        if last:
            places = [p for p in places if p + len(part) == len(printed)] if part or first else [len(printed)]
        place = next((p for p in places if p + len(part) <= len(printed)
                      and all(matches(s, printed[p + k]) for k, s in enumerate(part))), None)
        if place is None:
            return difference_at(part, printed, places if first else range(at, len(printed)))
        at = place + len(part)
    return None


def fresh_folder():
    folder = tempfile.TemporaryDirectory(prefix="valleydrift-documents-")
    for name in ("docs", "tests"):
        os.symlink(SOURCE / name, pathlib.Path(folder.name) / name)
    return folder


def try_block(program, block, slow):
    if (path := block.note("file")) is not None:
        text = "\n".join(block.lines)
        if not (SOURCE / path).is_file() or text not in (SOURCE / path).read_text():
            fail(block.page, block.line, f"these lines are not in {path}")
        return
    if block.note("not run") is not None:
        if not block.note("not run"):
            fail(block.page, block.line, "`not run` without the reason")
        return
    if block.language == "sh":
        fail(block.page, block.line, "a block ```sh is not run: say `not run: why` before it")
    if block.language == "" and any(text.startswith("$ ") for text in block.lines):
        fail(block.page, block.line, "commands are shown in a block ```console")
    if block.language != "console" or slow != (block.note("slow") is not None):
        return
    commands = block.commands()
    with fresh_folder() as folder:
        for k, (command, shown) in enumerate(commands):
            code, text = run(program, command, folder)
            expected = int(block.note("exit") or 0) if k == len(commands) - 1 else 0
            if code != expected:
                fail(block.page, block.line, f"$ {command}\n  exit code {code}, not {expected}\n{text}")
                continue
            if (difference := first_difference(shown, text.splitlines())) is not None:
                fail(block.page, block.line, f"$ {command}\n  does not print\n{difference}")


def paragraphs(prose):
    """Rows of tables as they are, other lines joined up to the next empty one: (number of the first, text)."""
    joined = []
    goes_on = False
    for number, line in prose:
        if goes_on and line and not line.startswith("|"):
            joined[-1] = (joined[-1][0], joined[-1][1] + " " + line.strip())
        else:
            joined.append((number, line))
        goes_on = bool(line) and not line.startswith("|")
    return joined


def try_sentences(program, page, prose):
    """Commands within sentences and tables: whether the program takes them."""
    lead = None  # of the table's first column
    for number, line in paragraphs(prose):
        spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", line)
        if not line.startswith("|"):
            lead = None
        elif heading := re.match(r"\| `valleydrift (\w+) \.\.\.`", line):
            lead = heading[1]
            continue
        if lead and (first := re.match(r"\| `([^`]+)`", line)):
            spans[0] = f"{lead} {first[1]}" if not first[1].startswith(COMMANDS) else first[1]
        for span in spans:
            words = html.unescape(span.replace("\\|", "|")).removeprefix("valleydrift ").split()
            if len(words) < 2 or words[0] not in COMMANDS or "..." in span or NOT_TRIED & set(words):
                continue
            if any(word.isupper() and word.isalpha() for word in words):
                continue
            extra = [] if STOPS & set(words) else TRIED_WITH[words[0]]
            with fresh_folder() as folder:
                code, text = run(program, shlex.join(["valleydrift", *words, *extra]), folder)
            if code != 0:
                fail(page, number, f"`{span}` is refused: {text.strip()}")


def slug(heading):
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page):
    return {slug(line.lstrip("#")) for _, line in read_page(page)[1] if re.match(r"#+ ", line)}


def check_links(page, prose):
    for number, line in prose:
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if re.match(r"https?:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                fail(page, number, f"link to {target}: no such file")
            elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                fail(page, number, f"link to {target}: no such heading")


# --- docs/output.md: keys and columns -------------------------------------------------------------------------------

SMALL = "--paths 256 --steps 40 --no-plots --quiet"
JOBS = {  # what writes each kind of result; together they must write all of it
    "compare": [f"compare {SMALL} --ladder full --shared-noise --noise isotropic --start 2,0.6 --phase1 noisy",
                f"compare {SMALL} --variables u,v --residual u*v-a*b --constant b=1 --parameter 'a=1 in 0.5:2' "
                "--start 2,0.5"],
    "scan": ["scan --paths 256 --prefactor-paths 256 --prefactor-C 0.2:0.4:5 --eta 0.002:0.01:4 "
             "--gamma 0.5,0.6,0.7,0.8 --no-plots --quiet"],
    "inspect": ["inspect --gamma 0.5 --beta 0.9 --search 2 --json", "inspect --noise isotropic --json",
                "inspect --manifold quadratic-pair --batch 1 --eta 0.001 --json"],
    "advise": ["advise --eta 0.001 --search 2 --json",
               "advise --manifold quadratic-pair --batch 1 --eta 0.0001 --json"],
    "manifolds": ["manifolds --json"],
    "verify": ["verify --only D4,S1 --manifold uv --quiet --json verify.json"],
    "aa": ["verify --aa 2 --only S1 --manifold uv --quiet --json verify.json"],
}
PATH = "compare --path 3 --steps 20 --output path"


def paths_of_keys(value, prefix=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield prefix + key, set(value)
            yield from paths_of_keys(inner, prefix + key + ".")
    elif isinstance(value, list):
        for inner in value:
            yield from paths_of_keys(inner, prefix[:-1] + "[].")


def listed(page):
    """{(kind, name): {entry: line}} of the tables that follow a comment."""
    tables = {}
    current = None
    for number, line in read_page(page)[1]:
        if note := re.fullmatch(r"<!-- (keys|columns) (\S+) ?(\S*) -->", line):
            current, prefix = tables.setdefault((note[1], note[2]), {}), note[3]
        elif current is not None and not line.startswith("|"):
            current = None
        elif current is not None and (first := re.match(r"\|((?: *`[^`]+`,?)+) *\|", line)):
            for entry in re.findall(r"`([^`]+)`", first[1]):
                current[prefix + entry] = number
    return tables


def check_against(page, what, named, written):
    free = [entry[:-len(".NAME")] for entry in named if entry.endswith(".NAME")]
    written = {next((f + ".NAME" for f in free if entry.startswith(f + ".")), entry) for entry in written}
    for entry in sorted(written - set(named)):
        fail(page, 1, f"{what}: `{entry}` is written and not named here")
    for entry in sorted(set(named) - written):
        fail(page, named[entry], f"{what}: `{entry}` is named and not written")


def check_output_page(program):
    page = SOURCE / "docs" / "output.md"
    tables = listed(page)
    columns = {}
    for name, jobs in JOBS.items():
        written, facts = set(), set()
        for job in jobs:
            with fresh_folder() as folder:
                code, text = run(program, "valleydrift " + job, folder)
                if code not in (0, 1):
                    fail(page, 1, f"{job}: exit code {code}: {text}")
                    continue
                results = pathlib.Path(folder)
                file = next(iter([*results.glob("valleydrift-out/*/summary.json"), *results.glob("verify.json")]), None)
                for key, beside in paths_of_keys(json.loads(file.read_text() if file else text)):
                    if not (key.endswith("_reason") and key.split(".")[-1][:-len("_reason")] in beside):
                        written.add(key)
                for file in results.glob("valleydrift-out/*/run.json"):
                    facts |= {key for key, _ in paths_of_keys(json.loads(file.read_text()))}
                for file in results.glob("valleydrift-out/*/*.csv"):
                    with open(file, newline="") as opened:
                        columns[file.name] = next(csv.reader(opened))
        check_against(page, name, tables.get(("keys", name), {}), written)
        if facts:
            columns.setdefault("run.json", set()).update(facts)
    check_against(page, "run.json", tables.get(("keys", "run.json"), {}), columns.pop("run.json"))
    with fresh_folder() as folder:
        run(program, "valleydrift " + PATH, folder)
        run(program, f"valleydrift compare {SMALL} --save-paths --output all", folder)
        for file in [*pathlib.Path(folder).glob("path/path-3.csv"), *pathlib.Path(folder).glob("all/paths.csv")]:
            with open(file, newline="") as opened:
                columns[file.name.replace("path-3", "path-N")] = [
                    re.sub(r"(^|_)[uv]$", r"\1VARIABLE", c) for c in next(csv.reader(opened))]
    for kind, name in tables:
        if name not in (columns if kind == "columns" else [*JOBS, "run.json"]):
            fail(page, min(tables[kind, name].values(), default=1), f"<!-- {kind} {name} -->: nothing writes this")
    for name in sorted(columns):
        check_against(page, name, tables.get(("columns", name), {}), set(columns[name]))


def check_readme(program):
    page = SOURCE / "README.md"
    text = page.read_text()
    if (lines := len(text.splitlines())) > README_LINES:
        fail(page, lines, f"{lines} lines, at most {README_LINES}")
    with fresh_folder() as folder:
        valleys = [m["name"] for m in json.loads(run(program, "valleydrift manifolds --json", folder)[1])["manifolds"]]
    for name in [*valleys, *COMMANDS]:
        if f"`{name}`" not in text:
            fail(page, 1, f"`{name}` is not named")


def check_architecture_page():
    """docs/architecture.md has a row for every room, and there what the room links, no more and no less."""
    page = SOURCE / "docs" / "architecture.md"
    rows = {m[1]: (number, m[2]) for number, line in read_page(page)[1]
            if (m := re.match(r"\| \d \| `([\w/]+)/` \|.*\| ([^|]*) \|$", line))}
    rooms = {}
    for file in sorted(SOURCE.rglob("CMakeLists.txt")):
        if file.relative_to(SOURCE).parts[0] not in ("build", "tests"):
            for room in re.findall(r"^valleydrift_room\((.*?)\)", file.read_text(), re.M | re.S):
                rooms[room.split()[0]] = set(re.findall(r"valleydrift::(\w+)", room))
    for room in sorted(set(rooms) | set(rows)):
        number, seen = rows.get(room, (1, ""))
        if room not in rows or room not in rooms:
            fail(page, number, f"`{room}/` is {'no room' if room in rows else 'a room without a row'}")
        elif rooms[room] != set(re.findall(r"\w+", seen)) - {"nothing"}:
            fail(page, number, f"`{room}/` sees {', '.join(sorted(rooms[room])) or 'nothing'}")


def main():
    parser = argparse.ArgumentParser(description="Whether README.md and docs/ say what the program does.")
    parser.add_argument("program", help="the program valleydrift")
    parser.add_argument("--slow", action="store_true", help="the blocks marked slow, and nothing else")
    parser.add_argument("--page", help="this page alone, as docs/compare.md")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    if not os.access(program, os.X_OK):
        print(f"{program} does not run", file=sys.stderr)
        return 2
    pages = [SOURCE / arguments.page] if arguments.page else PAGES
    count = 0
    for page in pages:
        blocks, prose = read_page(page)
        for block in blocks:
            count += 1
            try_block(program, block, arguments.slow)
        if not arguments.slow:
            check_links(page, prose)
            try_sentences(program, page, prose)
    if not arguments.slow and not arguments.page:
        check_output_page(program)
        check_readme(program)
        check_architecture_page()
    for failure in failures:
        print(failure)
    print(f"{len(pages)} pages, {count} blocks, {len(failures)} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
