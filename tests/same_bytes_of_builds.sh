#!/usr/bin/env bash
# The same bytes from programs built for different instruction sets (another number of lanes each), optimised or not,
# with OpenMP or without: runs both processes on every manifold with each and compares all result files.
#   tests/same_bytes_of_builds.sh PROGRAM PROGRAM...
# Exit: 0 all the same, 1 a difference (named), 2 usage.
set -euo pipefail
(($# >= 2)) || { echo "usage: $0 PROGRAM PROGRAM..." >&2; exit 2; }
source=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

jobs=("--manifold uv --C 0.27 --gamma 0.6 --scheme nesterov --form paper --slow-variable iterated"
      "--manifold quadratic-pair --noise constant --sigma $source/data/full_rank_sigma.csv"
      "--manifold sphere --param D=17 --noise isotropic --shared-noise"
      "--manifold channel --param profile=exp --noise isotropic --noise-law rademacher")
jobs=("${jobs[@]/%/ --ladder full}")
for manifold in $("$1" manifolds --json | sed -n 's/^ \{6\}"name": "\([a-z-]*\)",*$/\1/p' | sort -u); do
  size=  # isotropic noise costs a model of many weights and residuals most
  case $manifold in
    linear-network) size="--param features=6 --param samples=5 --param sparsity=2" ;;
    teacher-student) size="--param inputs=2 --param width=3 --param samples=3" ;;
  esac
  jobs+=("--manifold $manifold" "--manifold $manifold --noise isotropic $size")
done

bytes_of() {  # bytes_of PROGRAM JOB FOLDER: a checksum of every result; run.json is outside the promise
  local out=$work/$3
  rm -rf "$out"
  # Exit 1 is a verdict. shellcheck: the job is meant to be split into words.
  # shellcheck disable=SC2086
  "$1" compare $2 --paths 300 --steps 60 --seed 11 --save-paths --no-plots --quiet --output "$out" \
    > "$out.log" 2>&1 || [[ $? == 1 ]] || { cat "$out.log" >&2; return 1; }
  (cd "$out" && sha256sum config.ini summary.json series.csv paths.csv)
}

differing=0
for job in "${jobs[@]}"; do
  for ((i = 1; i <= $#; ++i)); do  # side by side: they are of very different speed
    bytes_of "${!i}" "$job" "$i" > "$work/sums$i" &
    running[i]=$!
  done
  for ((i = 1; i <= $#; ++i)); do wait "${running[i]}"; done
  for ((i = 2; i <= $#; ++i)); do
    if ! cmp -s "$work/sums1" "$work/sums$i"; then
      echo "differ: ${!i} from $1 in: compare $job"
      differing=1
    fi
  done
done
echo "${#jobs[@]} runs with $# programs: $( ((differing)) && echo 'differences' || echo 'the same bytes')"
exit "$differing"
