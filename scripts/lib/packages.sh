# packages.sh: every Debian 12 package the scripts may need, in one place. Sourced, not run.
# shellcheck shell=bash disable=SC2034 # used by those who source this

# The library itself.
SEXTANT_PACKAGES_BUILD="g++ cmake ninja-build ccache libxsimd-dev nlohmann-json3-dev libfmt-dev libxxhash-dev"

# Its tests: Catch2, the second compiler with its sanitizers, lints, packaging, kernels for another processor.
SEXTANT_PACKAGES_TEST="catch2 clang-14 libclang-rt-14-dev llvm-14 clang-format-14 clang-tidy-14 binutils pkg-config
    g++-aarch64-linux-gnu qemu-user zlib1g-dev libcli11-dev libbenchmark-dev dataset-fashion-mnist"

# The benchmark: what is measured beside sextant, and the data.
SEXTANT_PACKAGES_BENCH="zlib1g-dev libcli11-dev libbenchmark-dev libhnswlib-dev libfaiss-dev dataset-fashion-mnist"

# The demo.
SEXTANT_PACKAGES_DEMO="zlib1g-dev dataset-fashion-mnist"
