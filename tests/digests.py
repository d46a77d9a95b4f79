#!/usr/bin/env python3
"""Whether a change that should change no result changes none.

usage: digests.py record PROGRAM FILE    runs the list below and writes a digest of every result to FILE
       digests.py compare PROGRAM FILE   runs it again and names what differs; exit 1 if anything does

A result is a file that a run writes (run.json, which tells the machine and the time, and pictures apart) or what it
prints. PROGRAM is called as a user would, with one thread. Of a run that fails (an exit code that is no verdict) the
message is the result; such runs are named.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent
SMALL = "--paths 256 --steps 60 --seed 11 --no-plots --quiet --save-paths"
MANIFOLDS = ["uv", "vector-uv", "channel", "ellipse", "sphere", "torus", "quadratic-pair",
             "linear-network --param features=6 --param samples=5 --param sparsity=2", "matrix-sensing",
             "teacher-student --param inputs=2 --param width=3 --param samples=3", "cosh-pair"]
TYPED = "--variables x,y,z --residual x^2+y^2*exp(z)-1 --residual sin(z)-0.2*x --start 1,0,0.2"
WITH_DATA = "matrix-sensing --param samples=4"

COMPARE = [f"--manifold {m} {SMALL}" for m in MANIFOLDS]
COMPARE += [f"--manifold {m} --noise isotropic {SMALL}" for m in MANIFOLDS]
COMPARE += [
    f"{TYPED} {SMALL}",
    f"{TYPED} --noise isotropic --form paper {SMALL}",
    f"--manifold uv --C 0.27 --gamma 0.6 --scheme nesterov --ladder full --slow-variable iterated {SMALL}",
    f"--manifold uv --scheme sgd --noise-law rademacher {SMALL}",
    f"--manifold quadratic-pair --noise constant --sigma {SOURCE}/data/full_rank_sigma.csv --ladder full {SMALL}",
    f"--manifold sphere --param D=17 --noise isotropic --shared-noise --ladder full {SMALL}",
    f"--manifold quadratic-pair --beta 0.99 --gamma 0.4 --form asymptotic {SMALL}",
    f"--manifold {WITH_DATA} --batch 2 --eta 0.005 {SMALL}",
    f"--manifold {WITH_DATA} --batch 2 --draw with-replacement --scheme nesterov --eta 0.005 {SMALL}",
    f"--manifold linear-network --noise minibatch --batch 3 --eta 0.01 --start random --start-scale 0.5 --phase1 noisy {SMALL}",
    f"--manifold uv --start 2,1 --phase1 gd {SMALL}",
    f"--manifold matrix-sensing --start random --phase1 noisy {SMALL}",
    f"--manifold uv --path 3 --steps 60 --seed 11",
]
GRID = "--eta 1e-3:1e-2:3 --gamma 0.5,0.667,0.8 --paths 256 --seed 5 --no-plots --quiet --prefactor-paths 512"
SCAN = [f"--manifold uv {GRID}", f"--manifold uv --scheme nesterov {GRID}",
        f"--manifold {WITH_DATA} --batch 2 --no-prefactor --epsilon 0.02 --eta 1e-3:4e-3:3 --gamma 0.6,0.7 --C 0.5 "
        "--paths 256 --seed 5 --no-plots --quiet"]
PRINTED = [f"inspect --manifold {m} --json" for m in MANIFOLDS]
PRINTED += [f"inspect --manifold {m} --noise isotropic --scheme nesterov --C 0.3 --gamma 0.6" for m in MANIFOLDS]
PRINTED += [f"inspect {TYPED} --json", "inspect --manifold ellipse --search 5 --json",
            "advise --manifold uv --eta 1e-3 --json", "advise --manifold torus --eta 1e-3 --scheme nesterov",
            f"advise --manifold {WITH_DATA} --batch 2 --eta 1e-4 --json", "manifolds --json", "manifolds torus",
            "compare --print-config", "compare --manifold sphere --noise isotropic --print-config", "scan --print-config"]
SKIPPED = {"run.json"}


def jobs():
    """Name of a job, its arguments, and whether it has a folder of results."""
    for kind, list_of_jobs in (("compare", COMPARE), ("scan", SCAN)):
        for arguments in list_of_jobs:
            yield f"{kind} {arguments}", [kind, *arguments.split()], True
    for arguments in PRINTED:
        yield arguments, arguments.split(), False
    yield "verify --json", ["verify"], False


def digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def timeless(value):
    """Without what the clock says."""
    if isinstance(value, dict):
        return {key: timeless(v) for key, v in value.items() if key != "seconds"}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def results_of(program, arguments, has_folder):
    """Digests by name of a result."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        extra = ["--output", str(out)] if has_folder else []
        if arguments == ["verify"]:
            extra = ["--json", str(out)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        ran = subprocess.run([program, *arguments, *extra], capture_output=True, cwd=folder, env=environment)
        if ran.returncode not in (0, 1):
            return {"exit": str(ran.returncode), "refused": digest(ran.stderr.replace(str(SOURCE).encode(), b""))}
        results = {"exit": str(ran.returncode)}
        if not has_folder and arguments != ["verify"]:
            results["printed"] = digest(ran.stdout)
        elif out.is_file():
            results["json"] = digest(json.dumps(timeless(json.loads(out.read_text())), sort_keys=True).encode())
        else:
            for path in sorted(p for p in out.rglob("*") if p.is_file() and p.name not in SKIPPED):
                content = path.read_bytes().replace(str(SOURCE).encode(), b"")
                results[str(path.relative_to(out))] = digest(content)
        return results


def main(action, program, file):
    program = str(pathlib.Path(program).resolve())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {name.replace(f"{SOURCE}/", ""): pool.submit(results_of, program, arguments, folder) for name, arguments, folder in jobs()}
        now = {name: future.result() for name, future in futures.items()}
    results = sum(len(r) for r in now.values())
    for name in sorted(name for name, r in now.items() if "refused" in r):
        print(f"exit {now[name]['exit']}: {name}")
    if action == "record":
        pathlib.Path(file).write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
        print(f"{len(now)} runs, {results} results recorded")
        return 0
    before = json.loads(pathlib.Path(file).read_text())
    differing = 0
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, {}), now.get(name, {})
        parts = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        if parts:
            differing += 1
            print(f"differs: {name}: {', '.join(parts)}")
    print(f"{len(now)} runs, {results} results, {differing} runs differ")
    return 1 if differing else 0


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("record", "compare"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
