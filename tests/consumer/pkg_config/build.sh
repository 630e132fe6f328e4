#!/bin/sh
# build.sh <main.cpp> <program>: builds with what pkg-config says of sextant and nothing else. CXX names the compiler.
set -eu
version=$(pkg-config --modversion sextant)
# shellcheck disable=SC2046 # options are words
"${CXX:-c++}" -std=c++20 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
    "-DEXPECTED_VERSION=\"$version\"" $(pkg-config --cflags sextant) "$1" -o "$2" $(pkg-config --libs sextant)
