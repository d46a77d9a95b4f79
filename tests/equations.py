#!/usr/bin/env python3
"""usage: equations.py [--check]: which code names which equation of sde/DERIVATION.md, as docs/equations.md.

With --check writes nothing: fails if docs/equations.md is not what would be written, or if a comment or a check's list of
equations names one that DERIVATION.md does not have. Names count in every comment, and in every string that is a list
of numbers. Tests are read for wrong names alone.
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
PAGE = SOURCE / "docs" / "equations.md"
ROOMS = ["manifolds", "sde", "discrete", "validation", "cli"]
NUMBER = r"\((\d+[a-f]?)\)"
KEYWORDS = {"if", "for", "while", "switch", "return", "catch", "else", "sizeof", "decltype", "static_assert", "noexcept"}


def equations():
    """Number -> where it stands: the section's heading, and the words in bold that its paragraph begins with."""
    found, sections, section, lead = {}, set(), "", ""
    for line in (SOURCE / "sde" / "DERIVATION.md").read_text().splitlines():
        if m := re.match(r"## (\d+) (.*)", line):
            sections.add(m[1])
            section, lead = f"{m[1]} {m[2]}", ""
        for words in re.findall(r"(?:^|(?<=\. ))\*\*([^*]+)\*\*", line):
            lead = words.rstrip(".:")
        for number in re.findall(r"\\tag\{(\d+[a-f]?)\}", line):
            found[number] = section + (f": {lead}" if lead else "")
    return found, sections


def order(number):
    return int(re.match(r"\d+", number)[0]), number


def declared(line):
    """The name that a line of code declares; empty if it is a statement, or part of one."""
    code = re.sub(r"//.*", "", line).strip()
    if m := re.match(r"BOOST_\w+\((\w+)", code):
        return m[1]
    if m := re.match(r"(?:class|struct|enum class|enum) (\w+)", code):
        return m[1]
    before = re.split(r"[={;]", code)[0]
    for name in re.findall(r"(~?\w+|operator\(\)|operator[^\s\w(]+)\s*\(", before):
        if name in KEYWORDS or before.startswith(("return", "}", "&&", "||", "?", ":")):
            return ""
        return name
    m = re.match(r"[\w:<>,&*\s]+[\s&*>](\w+)(?:, \w+)*$", before.strip())
    return m[1] if m and not m[0].startswith(("return", "namespace", "using", "public", "private", "template")) else ""


def place(lines, at):
    """The function, type or value that the comment in line `at` is about."""
    def indent(i):
        return len(lines[i]) - len(lines[i].lstrip())

    def is_code(i):
        text = lines[i].strip()
        return text and not text.startswith(("//", "#", "template", "requires", "public:", "private:"))

    own = at
    while own < len(lines) and not is_code(own):
        own += 1
    chain, level = [], indent(at)
    for i in range(at - 1, -1, -1):
        if is_code(i) and indent(i) < level and not lines[i].lstrip().startswith(("}", "namespace", ")")):
            if name := declared(lines[i]):
                chain.insert(0, (name, bool(re.match(r"\s*(class|struct|enum)", lines[i]))))
            level = indent(i)
        elif lines[i].startswith("}"):
            break
        if level == 0:
            break
    names = [name for name, _ in chain]
    if all(is_type for _, is_type in chain) and own < len(lines) and indent(own) == indent(at):
        return "::".join(names + [declared(lines[own])]).strip(":")
    while len(chain) > 1 and not chain[-2][1]:  # a local of a function
        chain.pop()
    return "::".join(name for name, _ in chain)


def references(path):
    """(line, number) of every equation, (line, "section N") of every section that the file names."""
    lines = path.read_text().splitlines()
    named = []
    for i, line in enumerate(lines):
        comment = re.search(r"(?://)(.*)", line)
        text = comment[1] if comment else ""
        for s in re.findall(r'"((?:(?:\(\d+[a-f]?\)|\{\})(?:, )?)+)"', line):
            text += " " + s
        for a, b in re.findall(rf"{NUMBER} to {NUMBER}", text):
            if a.isdigit() and b.isdigit():
                named += [(i, str(n)) for n in range(int(a) + 1, int(b))]
        named += [(i, n) for n in re.findall(r"(?<![\w)\]])" + NUMBER, text)]
        named += [(i, "section " + n) for n in re.findall(r"DERIVATION(?:\.md)?,? section (\d+)", text)]
    return lines, named


def main(check):
    known, sections = equations()
    uses, wrong = {n: {} for n in known}, []
    files = [f for room in [*ROOMS, "tests"] for f in sorted((SOURCE / room).rglob("*.[ch]pp"))]
    for path in files:
        name = path.relative_to(SOURCE).as_posix()
        lines, named = references(path)
        for i, number in named:
            if number.startswith("section "):
                if number.split()[1] not in sections:
                    wrong.append(f"{name}:{i + 1}: DERIVATION.md has no {number}")
            elif number not in known:
                wrong.append(f"{name}:{i + 1}: DERIVATION.md has no equation ({number})")
            elif not name.startswith("tests/"):
                uses[number].setdefault(name, []).append(place(lines, i))
    out = ["# From the equations to the code", "",
           "Written by `python3 tests/equations.py` from [sde/DERIVATION.md](../sde/DERIVATION.md) and the comments of the",
           "sources; a test holds that it is up to date. A file without a name names the equation at its top.", "",
           "| equation | section: paragraph | file: what names it |", "|---|---|---|"]
    for number in sorted(known, key=order):
        where = []
        for name, places in uses[number].items():
            functions = ", ".join(f"`{p}`" for p in dict.fromkeys(places) if p)
            where.append(f"{name}: {functions}" if functions else name)
        out.append(f"| ({number}) | {known[number]} | {'<br>'.join(where)} |")
    text = "\n".join(out) + "\n"
    if not check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        wrong.append("docs/equations.md is not up to date: run python3 tests/equations.py")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] == ["--check"]))
