/// measure: engines in turn over the same blocks of queries, so that what disturbs the machine disturbs all alike.
/// Method: the queries are cut into blocks; each block is run by every engine before the next block, in an order that is
/// reversed from turn to turn; the whole is repeated until every engine had its turns. An engine's time for a block is
/// the median over the repetitions, its time for all queries the sum over the blocks.
/// Why not one engine after the other: on a shared machine the same code differs by 2x between minutes, and only
/// figures taken within milliseconds of each other can be compared.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ann_bench/engine.hpp"
#include "support/timing.hpp"

namespace sextant_bench {

/// One engine at one setting.
struct Measurement {
    std::size_t engine = 0;  ///< position in the list of engines
    std::size_t ef = 0;      ///< 0: exact
    double selectivity = 1.0;
    double recall = 0.0;
    double qps = 0.0;
    double p50_us = 0.0;
    double p99_us = 0.0;
};

struct Workload {
    const Matrix& base;
    const Matrix& queries;
    Metric metric;
    const Truth& truth;
    std::span<const std::uint8_t> admitted;  ///< empty: every row
    double selectivity = 1.0;
};

struct MeasureParams {
    std::size_t k = 10;
    std::size_t threads = 1;
    std::size_t rounds = 5;
    ClockKind clock = ClockKind::wall;  ///< of qps; latencies are always wall time
};

/// Every engine of `turn` once at `ef` (exact ones whatever it is). Results in the order of `turn`.
[[nodiscard]] std::vector<Measurement> measure_interleaved(const std::vector<std::unique_ptr<Engine>>& engines,
                                                           std::span<const std::size_t> turn, std::size_t ef,
                                                           const Workload& workload, const MeasureParams& params);

}  // namespace sextant_bench
