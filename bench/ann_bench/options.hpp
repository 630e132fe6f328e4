/// options: the command line of sextant_ann_bench.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "support/dataset.hpp"
#include "support/ground_truth.hpp"
#include "support/timing.hpp"

namespace sextant_bench {

struct Options {
    std::string base;
    std::string queries;
    std::string truth;  ///< empty: computed
    Metric metric = Metric::l2;
    std::size_t limit = all_rows;
    std::size_t query_limit = all_rows;
    std::vector<std::string> engines;
    std::size_t m = 16;
    std::optional<std::size_t> ef_construction = {};  ///< left out: each engine's own
    std::vector<std::size_t> ef;
    std::size_t k = 10;
    std::size_t threads = 1;
    std::size_t build_threads = 1;
    std::size_t rounds = 5;
    ClockKind clock = ClockKind::wall;
    std::string storage = "memory";
    std::vector<double> filter_selectivity;  ///< empty: no filter
    std::string json;
    std::string plot;
};

/// Nothing: the program is done (help was printed, or the command line is wrong) and exits with `exit_code`.
[[nodiscard]] std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace sextant_bench
