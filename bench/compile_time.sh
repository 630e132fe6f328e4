#!/usr/bin/env bash
# bench/compile_time.sh [compiler…]: processor seconds to compile the README's program, and one that only makes a payload
# of it with nlohmann_json: the smallest of five, for -O0 and -O2. Compilers: g++-12 and clang++-14 unless named.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '/^```/ { if (inside) exit; inside = ($0 == "```cpp"); next } inside' README.md > "$work/readme.cpp"
cat > "$work/json.cpp" <<'CPP'
#include <nlohmann/json.hpp>
int main() {
    const nlohmann::json payload = {{"year", 2024}, {"tags", {"beach"}}};
    return payload.size() == 2 ? 0 : 1;
}
CPP
TIMEFORMAT='%U %S'
[ $# -gt 0 ] || set -- g++-12 clang++-14
printf '%-12s %-4s %8s %8s\n' compiler opt readme json
for compiler in "$@"; do
    for level in -O0 -O2; do
        printf '%-12s %-4s' "$compiler" "$level"
        for program in readme json; do
            for _ in 1 2 3 4 5; do
                { time "$compiler" -std=c++20 "$level" -I include -c "$work/$program.cpp" -o "$work/out.o"; } 2>&1
            done | awk '{ t = $1 + $2; if (NR == 1 || t < best) best = t } END { printf " %6.2f s", best }'
        done
        echo
    done
done
