/// ground_truth: the exact answers to compare with, and recall that is fair to ties.
/// Invariants: every distance that decides is a double computed by exact_distance(), for the truth and for what an
/// engine returned alike; so equal vectors have equal distances, whichever of them an engine names.
/// Threads: compute_truth uses `thread_count` threads of its own; the rest is const-safe.
/// Cost: compute_truth reads each row once per 32 queries, which stay in the second-level cache; 60,000 × 784 against 10,000 queries is 4.7e11
/// multiply-adds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sextant/core/result.hpp"
#include "support/dataset.hpp"

namespace sextant_bench {

enum class Metric : std::uint8_t { l2, ip, cosine };

[[nodiscard]] const char* metric_name(Metric metric) noexcept;

/// Smaller is closer: squared L2; minus the inner product; 1 - cosine (1 where a vector is zero).
[[nodiscard]] double exact_distance(Metric metric, const float* a, const float* b, std::size_t dimension) noexcept;

struct Truth {
    std::size_t k = 0;                    ///< neighbours per query; fewer where fewer rows are admitted
    std::vector<double> kth_distance;     ///< per query: an id at most this far is a right answer
    std::vector<std::uint32_t> expected;  ///< per query: how many right answers there are, min(k, admitted rows)
};

/// `admitted` holds one byte a row (0: the row does not exist for these queries), or nothing for all rows.
[[nodiscard]] Truth compute_truth(const Matrix& base, const Matrix& queries, Metric metric, std::size_t k,
                                  std::size_t thread_count, std::span<const std::uint8_t> admitted = {});

/// Truth from ids that somebody else computed: distances are computed anew. Checks that the ids exist.
[[nodiscard]] sextant::Result<Truth> truth_from_ids(const Matrix& base, const Matrix& queries, Metric metric,
                                                    std::size_t k, const Table<std::int32_t>& ids,
                                                    const std::string& path);

/// How many of `ids` are right answers to query `query`; an id that comes twice counts once, an id that is no admitted
/// row not at all.
[[nodiscard]] std::size_t count_right(const Truth& truth, const Matrix& base, const Matrix& queries, Metric metric,
                                      std::size_t query, std::span<const std::uint32_t> ids,
                                      std::span<const std::uint8_t> admitted = {});

}  // namespace sextant_bench
