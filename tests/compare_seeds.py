#!/usr/bin/env python3
"""Runs of `compare` with fresh seeds on five valleys, and their verdicts: a false alarm would be a `disagree`.

  tests/compare_seeds.py PROGRAM [--seeds 80] [--first 1000] [--paths 4096] [--valleys uv,torus] [--threads 2]

Prints a line for every seed with the verdict on every valley, and the sums. Each run's own probability of a false
alarm is 1e-6. Exit: 0 no run disagrees, 1 one does (its seed and reason are printed), 2 a run failed.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SIGMA = Path(__file__).resolve().parent / "data" / "full_rank_sigma.csv"
VALLEYS = {
    "uv": ["--manifold", "uv"],
    "sphere": ["--manifold", "sphere", "--param", "D=3", "--noise", "isotropic"],
    "torus": ["--manifold", "torus"],
    "quadratic-pair": ["--manifold", "quadratic-pair", "--noise", "constant", "--sigma", str(SIGMA)],
    "rotations": ["--variables", "a,b,c,d,e,f,g,h,i", "--start", "1,0,0,0,1,0,0,0,1", "--noise", "isotropic",
                  "--eta", "0.01",
                  "--residual", "a^2+d^2+g^2-1", "--residual", "b^2+e^2+h^2-1", "--residual", "c^2+f^2+i^2-1",
                  "--residual", "a*b+d*e+g*h", "--residual", "a*c+d*f+g*i", "--residual", "b*c+e*f+h*i"],
}


def verdict_of(arguments, valley, seed, folder):
    command = [arguments.program, "compare", *VALLEYS[valley], "--seed", str(seed), "--paths", str(arguments.paths),
               "--threads", str(arguments.threads), "--no-plots", "--json", "--quiet", "--force", "--output", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        print(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}", file=sys.stderr)
        sys.exit(2)
    summary = json.loads(done.stdout)
    return summary["verdict"], summary["reason"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=80)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--paths", type=int, default=4096)
    parser.add_argument("--valleys", default=",".join(VALLEYS))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    valleys = arguments.valleys.split(",")
    counts = {valley: {"agree": 0, "inconclusive": 0, "disagree": 0} for valley in valleys}
    alarms = []
    print("seed      " + "".join(f"{valley:<16}" for valley in valleys))
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            line = f"{seed:<10}"
            for valley in valleys:
                verdict, reason = verdict_of(arguments, valley, seed, folder)
                counts[valley][verdict] += 1
                line += f"{verdict:<16}"
                if verdict == "disagree":
                    alarms.append(f"{valley}, seed {seed}: {reason}")
            print(line, flush=True)
    for verdict in ("agree", "inconclusive", "disagree"):
        print(f"{verdict:<14}" + "".join(f"{counts[valley][verdict]:<16}" for valley in valleys))
    print("\n".join(alarms) if alarms else f"{arguments.seeds * len(valleys)} runs, 0 disagree")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
