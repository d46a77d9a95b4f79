#!/bin/sh
# usage: run.sh CMAKE BUILD SOURCE GENERATOR COMPILER   installs BUILD, then builds and runs this folder against it
set -e
cmake=$1 build=$2 source=$3 generator=$4 compiler=$5
rm -rf "$build/package"
"$cmake" --install "$build" --prefix "$build/package/prefix"
"$cmake" -G "$generator" -S "$source/tests/package" -B "$build/package/build" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$build/package/prefix" -DCMAKE_CXX_COMPILER="$compiler"
"$cmake" --build "$build/package/build"
"$build/package/build/consumer"
