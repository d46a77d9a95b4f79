#!/usr/bin/env bash
# Installs what is missing, builds, and runs; from any directory.
#   ./quickstart.sh             the main job: valleydrift compare --manifold uv
#   ./quickstart.sh ARGS...     valleydrift ARGS...
#   ./quickstart.sh test        all tests; further arguments go to ctest, for example -LE slow for the fast ones only
# Environment:
#   VALLEYDRIFT_PORTABLE=1      build for any x86-64 processor, in build/portable
#   VALLEYDRIFT_PRESET=NAME     any other preset of CMakePresets.json, in build/NAME
#   VALLEYDRIFT_WERROR=ON       warnings are errors
# Exit: the program's; tests: 0 or 1; 2 packages are missing and cannot be installed; 5 the build failed.
set -euo pipefail

packages=(cmake ninja-build g++ libboost-dev libboost-program-options-dev libboost-test-dev libeigen3-dev
          librandom123-dev libsleef-dev nlohmann-json3-dev libfmt-dev libbenchmark-dev gnuplot-nox fonts-dejavu-core
          libxml2-utils python3)

root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
[[ ${VALLEYDRIFT_PORTABLE:-0} == 0 ]] && preset=release || preset=portable
preset=${VALLEYDRIFT_PRESET:-$preset}
build=$root/build/$preset
log=$build/quickstart.log
mkdir -p "$build"
: > "$log"

say() { echo "quickstart: $*" >&2; }  # standard output belongs to the program

# Runs a command in the source folder; its output is shown only if it fails.
quietly() {
  (cd "$root" && "$@") > "$log" 2>&1 < /dev/null || { cat "$log" >&2; say "failed: $*"; return 1; }
}

install_missing_packages() {
  command -v dpkg-query > /dev/null || return 0  # not a Debian: CMake names what is missing
  local missing=() package as_root=()
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) == installed* ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local install=(apt-get install -y --no-install-recommends "${missing[@]}")
  if ((EUID != 0)); then
    as_root=(sudo)
    if ! command -v sudo > /dev/null || ! { [[ -t 0 ]] || sudo -n true 2> /dev/null; }; then
      say "packages are missing; ask for: apt-get update && ${install[*]}"
      exit 2
    fi
  fi
  say "installing ${missing[*]}"
  quietly "${as_root[@]}" apt-get update || say "goes on with the package lists at hand"
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" || exit 2
}

build() {  # build [TARGET]
  [[ -x $build/valleydrift ]] || say "building in $build (some minutes the first time)"
  quietly cmake --preset "$preset" -DVALLEYDRIFT_WERROR="${VALLEYDRIFT_WERROR:-OFF}" || exit 5
  quietly cmake --build "$build" --parallel "$(nproc)" ${1:+--target "$1"} || exit 5
}

run_tests() {  # run_tests [CTEST ARGUMENTS]
  local passed failed programs=0 status=0 failed_programs=$build/Testing/Temporary/LastTestsFailed.log
  export VALLEYDRIFT_TALLY=$build/tally.txt  # tests/main.cpp writes it
  : > "$VALLEYDRIFT_TALLY"
  rm -f "$failed_programs"
  (cd "$root" && ctest --preset "$preset" --parallel "$(nproc)" "$@") < /dev/null || status=$?
  passed=$(grep -c '^passed ' "$VALLEYDRIFT_TALLY") || true
  failed=$(($(grep -c '^started ' "$VALLEYDRIFT_TALLY") - passed)) || true
  # A program can fail with all its cases passed (a leak found at its end) or none begun (it is missing).
  [[ ! -e $failed_programs ]] || programs=$(wc -l < "$failed_programs")
  ((failed >= programs)) || failed=$programs
  ((failed > 0 || status == 0)) || failed=1
  echo "valleydrift: $passed tests passed, $failed failed"
  ((failed == 0))
}

install_missing_packages
if [[ ${1-} == test ]]; then
  build
  run_tests "${@:2}"
else
  build valleydrift
  (($#)) || set -- compare --manifold uv
  exec "$build/valleydrift" "$@"
fi
