#!/bin/sh
# usage: run.sh CMAKE BUILD SOURCE GENERATOR COMPILER PYTHON   installs BUILD, then builds and runs this folder and the
# tutorial's project against it
set -e
cmake=$1 build=$2 source=$3 generator=$4 compiler=$5 python=$6
rm -rf "$build/package"
"$cmake" --install "$build" --prefix "$build/package/prefix"
for project in tests/package docs/tutorial; do
  "$cmake" -G "$generator" -S "$source/$project" -B "$build/package/$project" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE=-O1 -DCMAKE_PREFIX_PATH="$build/package/prefix" -DCMAKE_CXX_COMPILER="$compiler"
  "$cmake" --build "$build/package/$project"
done
"$build/package/tests/package/consumer"
"$python" -B "$source/tests/package/own_valley.py" "$build/package/tests/package/own-valley"
"$build/package/docs/tutorial/my-valleydrift" verify --manifold tilted-ellipse --only 'D*'
