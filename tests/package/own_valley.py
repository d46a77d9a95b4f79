#!/usr/bin/env python3
"""usage: own_valley.py PROGRAM: a valley that is not the program's own gets the whole battery and every command from one
line in a main; and one wrong factor in it is named by check, manifold and point."""
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
# All that do not ask for a manifold by name or for coordinates of its own.
FAMILIES = {"D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "D14", "D15", "S1", "S2"}


def verified(only, fault=""):
    """The rows of `verify`, and its text; it must exit 0 if nothing is wrong and 1 otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "v.json")
        ran = subprocess.run([PROGRAM, "verify", "--manifold", "hyperbola", "--only", only, "--json", file],
                             capture_output=True, text=True, env={**os.environ, "HYPERBOLA_FAULT": fault})
        expect(ran.returncode == (1 if fault else 0), f"{fault or 'no'} fault: exit {ran.returncode}\n{ran.stdout}{ran.stderr}")
        with open(file) as written:
            return json.load(written)["checks"], ran.stdout


def expect(holds, message):
    if not holds:
        sys.exit(message)


def failing(rows):
    return {row["id"] for row in rows if row["verdict"] != "pass"}


def main():
    rows, _ = verified("D*,S1,S2-law-label")
    expect(not failing(rows), f"the valley as it is fails {failing(rows)}")
    ids = {row["id"] for row in rows}
    expect({i.split("-")[0] for i in ids} == FAMILIES, f"families {sorted({i.split('-')[0] for i in ids})}")
    for id in ("D11-trace", "D11-label-flow", "D11-limit-map"):
        expect(id in ids, f"{id} is not made")

    # A wrong closed form is named, and nothing else.
    for fault, id in (("trace", "D11-trace"), ("flow", "D11-label-flow"), ("limit-map", "D11-limit-map")):
        rows, text = verified("D*", fault)
        expect(failing(rows) == {id}, f"{fault}: {failing(rows)}")
        expect(f"{id} on hyperbola: fail\n" in text and "point 0 (4, 0.5)" in text, text)
    # A wrong pullback is named first among what rests on it.
    rows, text = verified("D1,D2,D3-flow", "pullback")
    expect("D1-pullback" in failing(rows), f"pullback: {failing(rows)}")
    expect("what to look at: The model's pullback is not the derivative of its residuals" in text, text)

    for command in (["manifolds", "hyperbola"], ["inspect", "--manifold", "hyperbola"],
                    ["compare", "--manifold", "hyperbola", "--dry-run"], ["advise", "--manifold", "hyperbola"],
                    ["scan", "--manifold", "hyperbola", "--dry-run"]):
        ran = subprocess.run([PROGRAM, *command], capture_output=True, text=True)
        expect(ran.returncode == 0, f"{command}: {ran.stderr}")
    print("a valley of its own: every command, every check")


if __name__ == "__main__":
    main()
