#!/usr/bin/python3
"""What `compare --dry-run` says a run takes, beside the processor time that it then takes.

    tests/benchmarks/estimates.py [path of valleydrift]

Prints a table in Markdown, a row per run; some minutes on two cores. Exit: 0 all estimates are within a factor of 1.5,
1 one is not, 2 the program does not run.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ALLOWED = 1.5
SIGMA = f"--sigma {SOURCE}/tests/data/full_rank_sigma.csv"
RUNS = [
    "--manifold uv", "--manifold vector-uv", "--manifold channel", "--manifold ellipse",
    "--manifold sphere --noise isotropic", "--manifold torus --noise isotropic --paths 4096",
    "--manifold torus", "--manifold quadratic-pair --noise isotropic --paths 4096",
    f"--manifold quadratic-pair --noise constant {SIGMA} --paths 4096 --ladder full --time 0.5",
    "--manifold quadratic-pair --batch 1 --eta 0.02 --paths 8192", "--manifold linear-network --paths 4096",
    "--manifold linear-network --param features=64 --noise isotropic --eta 0.02 --paths 256 --time 0.02",
    "--manifold linear-network --param features=300 --param samples=60 --paths 256 --time 1",
    "--manifold matrix-sensing --paths 4096", "--manifold teacher-student --paths 4096", "--manifold cosh-pair",
    "--manifold uv --form paper", "--manifold uv --slow-variable iterated --paths 4096",
    "--manifold uv --start random --seed 3 --phase1 noisy", "--variables u,v --residual u*v-1 --start 2,0.5",
]


def run(*arguments):
    """Standard output and seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(arguments, capture_output=True, text=True,
                          env=dict(os.environ, OMP_WAIT_POLICY="passive"))  # threads that wait do no work
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 1:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(SOURCE / "build/release/valleydrift")
    if not os.access(program, os.X_OK):
        print(f"{program} is not there", file=sys.stderr)
        return 2
    far_off = 0
    print("| `valleydrift compare` | expected | taken | ratio |\n|---|---|---|---|")
    for line in RUNS:
        arguments = [program, "compare", *line.split()]
        cost = json.loads(run(*arguments, "--dry-run", "--json")[0])["cost"]
        expected = cost["seconds"] * cost["threads"]
        with tempfile.TemporaryDirectory() as folder:
            taken = run(*arguments, "--no-plots", "--quiet", "--output", folder + "/run")[1]
        ratio = expected / taken
        far_off += not 1 / ALLOWED < ratio < ALLOWED
        print(f"| `{line.replace(str(SOURCE) + '/', '')}` | {expected:.2f} s | {taken:.2f} s | {ratio:.2f} |", flush=True)
    return 1 if far_off else 0


if __name__ == "__main__":
    sys.exit(main())
