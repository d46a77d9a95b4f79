#!/usr/bin/env python3
"""Proof of power: does `valleydrift verify` notice a wrong formula?

Takes each mutant of tests/mutation/*.mutants, applies it to a copy of the sources, rebuilds what it touches and runs
verify in stages, until one does not let the mutant pass, or with --all all of it: the deterministic checks (D*) that
take two seconds in all, those that iterate or recompute, those of orders (O*), the sampled ones (S*). Needs python3 alone, and what a build needs.

  tests/mutation/run.py --table tests/mutation/TABLE.md    all mutants, and the table
  tests/mutation/run.py --only drift-no-curvature,clock-*  some, by ID with wildcards
  tests/mutation/run.py --check                            only: every mutant still fits its file, exactly once

What came out is kept in the work folder: a run that was interrupted, or that follows a longer list, tries only what it
has not tried on these very sources. --again tries all; --tried tries none, and reports what came out last, with the commits
at which that was.

Exit: 0 every mutant is killed, 1 one survives or the sources as they are do not pass, 2 the list does not fit the
sources or a mutant does not compile.

The list. An entry is
  = ID  FILE  what is wrong
  - original text, which must occur exactly once in FILE; any white space in it fits any other
  + what stands there instead
Further - and + lines continue the text. Lines that begin with # are comments.
"""
import argparse
import collections
import dataclasses
import fnmatch
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SOURCES = ["CMakeLists.txt", "cmake", "valleydriftConfig.cmake.in", "manifolds", "sde", "discrete", "validation",
           "cli", "tests/mutation"]
QUICK = ["D1", "D2", "D3-fixed", "D3-retraction", "D5-lyapunov", "D5-position", "D5-relaxation", "D6", "D7", "D8", "D9",
         "D10", "D11-label-flow", "D11-trace", "D11-limit-map", "D12", "D13", "D14", "D15-ladder", "D15-statistics"]
# Deterministic: quick ones, those that recompute ensembles or iterate somewhat, all others; orders of convergence; sampled.
STAGES = [QUICK, ["D3", "D5-drawn", "D11", "D15"], ["D*"], ["O*"], ["S*"]]
LONGEST_VERIFY = 300  # seconds of processor time; verify takes 20 to 40


@dataclasses.dataclass
class Mutant:
    id: str
    file: str
    wrong: str
    original: str
    replacement: str
    where: str  # of the entry, for messages

    def positions(self, text):
        pattern = r"\s+".join(re.escape(word) for word in self.original.split())
        return [match.span() for match in re.finditer(pattern, text)]

    def applied(self, text):
        (begin, end), = self.positions(text)
        return text[:begin] + self.replacement + text[end:]


@dataclasses.dataclass
class Outcome:
    stopped_by: str  # "checks", "exit 3", "signal 11", "timeout", "" (survives) or "does not compile"
    rows: list  # (check, site, how) of the rows that do not pass
    seconds: float
    message: str = ""

    def checks(self):
        return list(dict.fromkeys(check for check, _, _ in self.rows))

    def killed(self):
        return self.stopped_by not in ("", "does not compile")

    def deterministic(self):
        """Some check of the kind `deterministic` reports a wrong number; an exception, exit 3 or a timeout is none."""
        return any(check.startswith("D") and how == "fails" for check, _, how in self.rows)


class Known:
    """Outcomes of earlier runs on the same sources, by mutant; kept in a file from one mutant to the next."""

    def __init__(self, path, all_checks):
        self.path = path
        digest = hashlib.sha256(str(all_checks).encode())
        compiled = [p for folder in ("manifolds", "sde", "discrete", "validation")
                    for p in (ROOT / folder).rglob("*.[ch]pp*")]
        for source in sorted(compiled) + [HERE / "verify.cpp"]:
            digest.update(source.name.encode() + source.read_bytes())
        self.sources = digest.hexdigest()
        self.outcomes = json.loads(path.read_text()) if path.is_file() else {}

    def key(self, mutant):
        return hashlib.sha256("\0".join((self.sources, mutant.file, mutant.original, mutant.replacement)).encode()
                              ).hexdigest()

    @staticmethod
    def text(mutant):
        return [mutant.file, mutant.original, mutant.replacement]

    def find(self, mutant):
        known = self.outcomes.get(mutant.id)
        return Outcome(**known["outcome"]) if known and known["key"] == self.key(mutant) else None

    def last(self, mutant):
        """The last outcome of this very mutant, on whatever sources."""
        known = self.outcomes.get(mutant.id)
        return Outcome(**known["outcome"]) if known and known["text"] == self.text(mutant) else None

    def commit(self, mutant):
        return self.outcomes[mutant.id]["commit"]

    def keep(self, mutant, outcome):
        self.outcomes[mutant.id] = {"key": self.key(mutant), "text": self.text(mutant), "commit": commit(),
                                    "outcome": dataclasses.asdict(outcome)}
        unfinished = self.path.with_suffix(".new")
        unfinished.write_text(json.dumps(self.outcomes, indent=1))
        unfinished.replace(self.path)


def commit():
    """Of the sources, with a + if they have been changed since."""
    described = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty=+"], stdout=subprocess.PIPE, text=True)
    return described.stdout.strip() or "unknown"


def read_list():
    mutants, errors = [], []
    for path in sorted(HERE.glob("*.mutants")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f"{path.name}:{number}"
            if line.startswith("= "):
                fields = line[2:].split(None, 2)
                if len(fields) == 3:
                    mutants.append(Mutant(*fields, "", "", where))
                    continue
            elif mutants and line[:2] in ("- ", "+ ", "+"):
                field = "original" if line[0] == "-" else "replacement"
                old = getattr(mutants[-1], field)
                setattr(mutants[-1], field, old + ("\n" if old else "") + line[2:].strip())
                continue
            elif not line.strip() or line.startswith("#"):
                continue
            errors.append(f"{where}: neither '= ID FILE text', '- text' nor '+ text'")
    return mutants, errors


def misfits(mutants):
    """What keeps the list from being applied to the sources."""
    errors, ids = [], {}
    for m in mutants:
        if m.id in ids:
            errors.append(f"{m.where}: {m.id} is also at {ids[m.id]}")
        ids[m.id] = m.where
        source = ROOT / m.file
        if not source.is_file():
            errors.append(f"{m.where}: {m.id}: there is no {m.file}")
        elif not m.original or m.original.split() == m.replacement.split():
            errors.append(f"{m.where}: {m.id} changes nothing")
        elif (count := len(m.positions(source.read_text()))) != 1:
            errors.append(f"{m.where}: {m.id}: its original text occurs {count} times in {m.file}, not once")
    return errors


class Copy:
    """A copy of the sources with its build; holds at most one mutant."""

    def __init__(self, folder, threads):
        self.source, self.build = folder / "source", folder / "build"
        self.changed = None  # the file that differs from the sources
        self.threads = threads
        self.process = None
        for name in SOURCES:
            self.bring(ROOT / name)
        for path in [p for p in self.source.rglob("*") if p.is_file()]:
            if not (ROOT / path.relative_to(self.source)).is_file():
                path.unlink()

    def bring(self, path):
        """Copies what differs, and leaves the time of the rest, so that nothing is built without need."""
        if path.is_dir():
            for child in path.iterdir():
                if child.name != "__pycache__":
                    self.bring(child)
            return
        there = self.source / path.relative_to(ROOT)
        if not there.is_file() or there.read_bytes() != path.read_bytes():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)

    def run(self, command, longest=resource.RLIM_INFINITY):
        environment = dict(os.environ, OMP_NUM_THREADS=str(self.threads), OMP_WAIT_POLICY="passive")
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=environment,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (longest, longest)))

    def compile(self):
        """The compiler's complaint, or None. -O1, assertions off: what verify computes is formulas, not speed."""
        if not (self.build / "build.ninja").is_file():
            configured = self.run([
                "cmake", "-G", "Ninja", "-S", self.source, "-B", self.build, "-DCMAKE_BUILD_TYPE=None",
                "-DCMAKE_CXX_FLAGS=-O1 -DNDEBUG -w", "-DCMAKE_CXX_COMPILER_LAUNCHER=", "-DVALLEYDRIFT_TESTS=OFF",
                "-DVALLEYDRIFT_BENCHMARKS=OFF", "-DVALLEYDRIFT_MUTANT=ON"])
            if configured.returncode:
                return configured.stderr
        built = self.run(["cmake", "--build", self.build, "--target", "mutant", "--parallel", str(self.threads)])
        return built.stdout + built.stderr if built.returncode else None

    def apply(self, mutant):
        """Puts the last mutant's file back, and this one in: one build makes both changes."""
        if self.changed and (mutant is None or self.changed != mutant.file):
            shutil.copyfile(ROOT / self.changed, self.source / self.changed)
        self.changed = mutant and mutant.file
        if mutant:
            (self.source / mutant.file).write_text(mutant.applied((ROOT / mutant.file).read_text()))

    def verify(self, patterns):
        """What stopped it, the rows that do not pass, and what it said on stderr."""
        done = self.run([self.build / "tests/mutation/mutant", *patterns], LONGEST_VERIFY)
        rows = [tuple(line.split("\t")[:3]) for line in done.stdout.splitlines() if line.count("\t") == 3]
        if done.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
            return "timeout", rows, f"no end after {LONGEST_VERIFY} s of processor time"
        if done.returncode < 0:
            return f"signal {-done.returncode}", rows, done.stderr
        if done.returncode == 3:
            return "exit 3", rows, done.stderr
        return ("checks" if done.returncode else ""), rows, done.stderr

    def outcome(self, mutant, all_checks):
        began = time.monotonic()
        self.apply(mutant)
        complaint = self.compile()
        if complaint is not None:
            return Outcome("does not compile", [], time.monotonic() - began, complaint)
        if all_checks:
            stopped_by, rows, message = self.verify([])
        else:
            for stage in STAGES:
                stopped_by, rows, message = self.verify(stage)
                if stopped_by:
                    break
        return Outcome(stopped_by, rows, time.monotonic() - began, message)


def run_all(mutants, copies, all_checks, results, report):
    """Every copy takes one mutant after the other, of the same file as long as there are any; adds to `results`."""
    waiting, lock = [m for m in mutants if m.id not in results], threading.Lock()

    def take(last):
        with lock:
            if not waiting:
                return None
            same = [m for m in waiting if m.file == last]
            held = {c.changed for c in copies}
            files = [m.file for m in waiting]
            chosen = same[0] if same else max(waiting, key=lambda m: (m.file not in held, files.count(m.file)))
            waiting.remove(chosen)
            return chosen

    def work(copy):
        while (mutant := take(copy.changed)) is not None:
            outcome = copy.outcome(mutant, all_checks)
            with lock:
                results[mutant.id] = outcome
                report(mutant, outcome, len(results))

    threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for copy in copies:
        copy.apply(None)


def killers(outcome):
    """The checks that see it, with the number of rows of each; what else ended it."""
    parts = []
    for check in outcome.checks():
        rows = [how for name, _, how in outcome.rows if name == check]
        errors = sum(how == "error" for how in rows)
        count = f"{check} ({len(rows)})" if len(rows) > 1 else check
        parts.append(count + (f" [{errors} by exception]" if errors else ""))
    if outcome.stopped_by != "checks":
        parts.insert(0, outcome.stopped_by or "**survives**")
    return ", ".join(parts)


def summary(results):
    killed = [o for _, o in results if o.killed()]
    ends = [o.stopped_by for o in killed if o.stopped_by != "checks"]
    deterministic = sum(o.deterministic() for o in killed)
    orders = sum(not o.deterministic() and any(c.startswith("O1") for c in o.checks()) for o in killed)
    only_exceptions = sum(o.stopped_by == "checks" and all(how == "error" for _, _, how in o.rows) for o in killed)
    return (f"{len(killed)} of {len(results)} mutants are killed: {deterministic} by deterministic checks "
            f"({100.0 * deterministic / len(results):.0f} %), {orders} more by O1, the order checks that do not sample, "
            f"{len(killed) - deterministic - orders} otherwise; {len(ends)} end verify itself (exception, signal or "
            f"timeout), {only_exceptions} make every row they touch end with an exception.")


def table(results, minutes, jobs, all_checks, listed, commits):
    lines = [
        "# Proof of power", "",
        "Each line is one wrong formula, put into a copy of the sources, and the checks of `verify` that saw it, with "
        "the number of rows (manifolds with their parameters) if more than one. " +
        ("All checks ran on each." if all_checks else
         "They ran in stages, those that take the least time first, and the next only where those before saw nothing: "
         "deterministic checks (D) in three, orders (O), sampled ones (S)."), "",
        "Made by `tests/mutation/run.py --table tests/mutation/TABLE.md" + (" --all" if all_checks else "") +
        f"` in {minutes:.0f} minutes, {jobs} builds at a time; " +
        ", ".join(f"{count} on the sources of commit {name}" for name, count in commits.items()) + ".", "",
        summary(results) + (f" {listed} are listed; the others have not been tried." if len(results) < listed else ""),
        "",
        "| mutant | file | what is wrong | seen by |", "|---|---|---|---|"]
    for m, outcome in results:
        lines.append(f"| {m.id} | {m.file} | {m.wrong} | {killers(outcome)} |".replace("<=", "&lt;="))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    parser.add_argument("--only", metavar="IDS", help="comma-separated, with * and ?")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count()), metavar="N", help="builds at a time")
    parser.add_argument("--all", action="store_true", help="run every check on every mutant")
    parser.add_argument("--check", action="store_true", help="only check that the list fits the sources")
    parser.add_argument("--again", action="store_true", help="try also what was tried on these sources before")
    parser.add_argument("--tried", action="store_true", help="only report what was tried before, on these sources or older ones")
    parser.add_argument("--list", action="store_true", help="only show the list")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE", help="write the table here")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/mutation", metavar="FOLDER",
                        help="where the copies are kept for the next time; default build/mutation")
    options = parser.parse_args()

    mutants, errors = read_list()
    errors += misfits(mutants)
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        return 2
    listed = len(mutants)
    if options.only:
        patterns = options.only.split(",")
        unused = [p for p in patterns if not any(fnmatch.fnmatchcase(m.id, p) for m in mutants)]
        if unused:
            print(f"--only: no mutant is called {', '.join(unused)}", file=sys.stderr)
            return 2
        mutants = [m for m in mutants if any(fnmatch.fnmatchcase(m.id, p) for p in patterns)]
    if options.list:
        for m in mutants:
            print(f"{m.id:<34} {m.file:<34} {m.wrong}")
    if options.list or options.check:
        print(f"{len(mutants)} mutants fit the sources")
        return 0

    jobs = max(1, min(options.jobs, len(mutants)))
    known = Known(options.work / "outcomes.json", options.all)
    found = {} if options.again else {m.id: o for m in mutants if (o := known.find(m))}
    if options.tried:
        return conclude([(m, o) for m in mutants if (o := known.last(m))], jobs, listed, options, known)
    threads = max(1, os.cpu_count() // jobs)
    copies = [Copy(options.work / str(i), threads) for i in range(jobs)]
    unchanged = []
    builders = [threading.Thread(target=lambda c=c: unchanged.append(c.compile())) for c in copies]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    if any(unchanged):
        print(*filter(None, unchanged), file=sys.stderr)
        return 2
    stopped_by, rows, message = copies[0].verify([])
    if stopped_by:
        print(f"the sources as they are do not pass: {stopped_by} {message} {rows}", file=sys.stderr)
        return 1
    print(f"the sources as they are pass; {len(mutants)} mutants, {len(found)} of them tried before", flush=True)

    def report(mutant, outcome, count):
        known.keep(mutant, outcome)
        print(f"{count:>3}  {mutant.id:<34}{outcome.seconds:>6.0f} s  {killers(outcome)}", flush=True)
        if outcome.message and outcome.stopped_by != "checks":
            print("     " + outcome.message.strip()[-2000:].replace("\n", "\n     "), flush=True)

    run_all(mutants, copies, options.all, found, report)
    return conclude([(m, found[m.id]) for m in mutants], jobs, listed, options, known)


def conclude(results, jobs, listed, options, known):
    """Prints the summary, writes the table; the exit code."""
    minutes = sum(o.seconds for _, o in results) / 60.0 / jobs
    print(summary(results), f"{minutes:.1f} minutes")
    broken = [m.id for m, o in results if o.stopped_by == "does not compile"]
    if broken:
        print(f"does not compile: {', '.join(broken)}", file=sys.stderr)
        return 2
    if options.table:
        commits = collections.Counter(known.commit(m) for m, _ in results)
        options.table.write_text(table(results, minutes, jobs, options.all, listed, commits))
    return 0 if all(o.killed() for _, o in results) else 1


if __name__ == "__main__":
    sys.exit(main())
