#!/usr/bin/env python3
"""How often the intervals of `scan` hold what they should, over seeds.

usage: scan_intervals.py VALLEYDRIFT [--part best-C|exponents] [--seeds N] [--paths N] [--prefactor-paths N] > TABLE.md

For each quantity: in how many of the seeds its interval holds its own estimate (always), the mean of the other seeds'
estimates, and the prediction; the mean half-width, and the standard deviation of the estimates over seeds.
A seed's estimate and the others' mean differ by more than the seed's own error: an interval of exactly 95 % holds that
mean in 94 % at 16 seeds. The prediction has an error of its own, which the interval does not contain.
"""
import argparse
import json
import math
import statistics
import subprocess
import tempfile

HEAVY_BALL = ["--eta", "0.02", "--gamma", "0.7"]
NESTEROV = HEAVY_BALL + ["--scheme", "nesterov", "--epsilon", "0.005", "--C", "0.03", "--prefactor-eta", "0.02"]
HEAD = ("| | mean estimate | predicted | holds its own | the others' mean | the prediction | half-width "
        "| deviation over seeds |\n|---|---|---|---|---|---|---|---|")
READINGS = {"mean": "fastest decay of the mean", "rms": "fastest decay of the RMS",
            "time_mean": "shortest T_mean", "time_rms": "shortest T_rms"}


def summary(program, arguments, seed):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([program, "scan", *arguments, "--seed", str(seed), "--output", folder + "/run", "--json",
                              "--quiet", "--no-plots"], capture_output=True, text=True, check=False)
        if run.returncode not in (0, 1):
            raise SystemExit(run.stderr)
        return json.loads(run.stdout)


def row(name, found, relative):
    """found: (estimate, low, high, prediction) of each seed."""
    log = math.log if relative else float
    estimates = [log(f[0]) for f in found]
    own = others = predicted = 0
    for i, (estimate, low, high, prediction) in enumerate(found):
        own += low <= estimate <= high
        rest = statistics.mean(estimates[:i] + estimates[i + 1:])
        others += log(low) <= rest <= log(high)
        predicted += prediction is not None and low <= prediction <= high
    half = statistics.mean(0.5 * (log(f[2]) - log(f[1])) for f in found)
    deviation = statistics.stdev(estimates)
    value = math.exp(statistics.mean(estimates)) if relative else statistics.mean(estimates)
    prediction = found[0][3]
    size = (lambda x: f"{100 * x:.2f} %") if relative else (lambda x: f"{x:.5f}")
    print(f"| {name} | {value:.4g} | {prediction:.4g} | {own} | {others} | {predicted} of {len(found)} | {size(half)} "
          f"| {size(deviation)} |", flush=True)
    return own, others, len(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--part", choices=("best-C", "exponents"), default="best-C")
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--paths", type=int, default=1024)
    parser.add_argument("--prefactor-paths", type=int, default=8192)
    options = parser.parse_args()
    print(f"# Coverage of the intervals of scan, {options.seeds} seeds\n\nMade by `tests/coverage/scan_intervals.py "
          f"VALLEYDRIFT --part {options.part} --seeds {options.seeds} --paths {options.paths} --prefactor-paths "
          f"{options.prefactor_paths}`, which says what the columns are.\n\n{HEAD}")
    (best_prefactors if options.part == "best-C" else exponents)(options)


def best_prefactors(options):
    for scheme, arguments in (("heavy ball", HEAVY_BALL), ("nesterov", NESTEROV)):
        arguments = [*arguments, "--paths", "256", "--prefactor-paths", str(options.prefactor_paths)]
        runs = [summary(options.program, arguments, seed)["prefactor"] for seed in range(1, options.seeds + 1)]
        for key, name in READINGS.items():
            found = [(r[key]["measured"], *r[key]["interval"], r[key]["predicted"]) for r in runs
                     if r[key]["measured"] and r[key]["interval"]]
            row(f"{scheme}, {name}", found, True)


def exponents(options):
    arguments = ["--no-prefactor", "--paths", str(options.paths)]
    runs = [summary(options.program, arguments, seed) for seed in range(1, options.seeds + 1)]
    total = [0, 0, 0]
    for index, first in enumerate(runs[0]["exponents"]):
        for key in ("mean", "rms", "transverse"):
            laws = [r["exponents"][index][key] for r in runs if r["exponents"][index][key]]
            found = [(law["alpha"], *law["interval"], law["predicted_alpha"]) for law in laws]
            counts = row(f"gamma {first['gamma']:.3f}, {key}", found, False)
            total = [a + b for a, b in zip(total, counts)]
    found = [(r["optimal_gamma"]["value"], *r["optimal_gamma"]["interval"], 2 / 3) for r in runs if r["optimal_gamma"]]
    row("optimal gamma, its wider range", found, False)
    print(f"\nOf {total[2]} intervals of exponents {total[0]} hold their own estimate, {total[1]} the others' mean "
          f"({100 * total[1] / total[2]:.1f} %).")


if __name__ == "__main__":
    main()
