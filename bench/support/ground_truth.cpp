#include "support/ground_truth.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

namespace sextant_bench {
namespace {

constexpr std::size_t query_tile = 32;  // queries that share one reading of a block of rows
constexpr std::size_t slack = 32;       // float candidates kept beyond k, re-ranked in double

/// One query against one row in float; the loops below are what the compiler vectorises (-fopenmp-simd).
float fast_l2(const float* a, const float* b, std::size_t dimension) noexcept {
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::size_t i = 0; i < dimension; ++i) {
        const float difference = a[i] - b[i];
        sum += difference * difference;
    }
    return sum;
}

/// Four queries at a time, so that each row value is loaded once for four of them.
void fast_l2_x4(const float* const* a, const float* b, std::size_t dimension, float* out) noexcept {
    const float* a0 = a[0];
    const float* a1 = a[1];
    const float* a2 = a[2];
    const float* a3 = a[3];
    float s0 = 0.0F;
    float s1 = 0.0F;
    float s2 = 0.0F;
    float s3 = 0.0F;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (std::size_t i = 0; i < dimension; ++i) {
        const float value = b[i];
        s0 += (a0[i] - value) * (a0[i] - value);
        s1 += (a1[i] - value) * (a1[i] - value);
        s2 += (a2[i] - value) * (a2[i] - value);
        s3 += (a3[i] - value) * (a3[i] - value);
    }
    out[0] = s0;
    out[1] = s1;
    out[2] = s2;
    out[3] = s3;
}

float fast_dot(const float* a, const float* b, std::size_t dimension) noexcept {
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::size_t i = 0; i < dimension; ++i) sum += a[i] * b[i];
    return sum;
}

void fast_dot_x4(const float* const* a, const float* b, std::size_t dimension, float* out) noexcept {
    const float* a0 = a[0];
    const float* a1 = a[1];
    const float* a2 = a[2];
    const float* a3 = a[3];
    float s0 = 0.0F;
    float s1 = 0.0F;
    float s2 = 0.0F;
    float s3 = 0.0F;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (std::size_t i = 0; i < dimension; ++i) {
        const float value = b[i];
        s0 += a0[i] * value;
        s1 += a1[i] * value;
        s2 += a2[i] * value;
        s3 += a3[i] * value;
    }
    out[0] = s0;
    out[1] = s1;
    out[2] = s2;
    out[3] = s3;
}

/// The `capacity` smallest (distance, row) pairs seen, as a heap with the worst on top.
class Best {
public:
    explicit Best(std::size_t capacity) : capacity_(capacity) { heap_.reserve(capacity); }
    void offer(float distance, std::uint32_t row) {
        if (heap_.size() == capacity_) {
            if (distance >= heap_.front().first) return;
            std::pop_heap(heap_.begin(), heap_.end());
            heap_.back() = {distance, row};
        } else {
            heap_.emplace_back(distance, row);
        }
        std::push_heap(heap_.begin(), heap_.end());
    }
    [[nodiscard]] const std::vector<std::pair<float, std::uint32_t>>& rows() const noexcept { return heap_; }

private:
    std::size_t capacity_;
    std::vector<std::pair<float, std::uint32_t>> heap_;
};

std::vector<float> inverse_norms(const Matrix& matrix) {
    std::vector<float> out(matrix.rows);
    for (std::size_t i = 0; i < matrix.rows; ++i) {
        const float* row = matrix.row(i);
        double sum = 0.0;
        for (std::size_t j = 0; j < matrix.columns; ++j) sum += static_cast<double>(row[j]) * row[j];
        out[i] = sum > 0.0 ? static_cast<float>(1.0 / std::sqrt(sum)) : 0.0F;
    }
    return out;
}

struct Scan {
    const Matrix& base;
    const Matrix& queries;
    Metric metric;
    std::span<const std::uint8_t> admitted;
    std::vector<float> base_scale;  // cosine: 1/|row|; a query's own length does not change the order

    void offer_row(std::size_t first, std::size_t count, std::size_t row, std::vector<Best>& best) const {
        const float* value = base.row(row);
        const std::size_t dimension = base.columns;
        const auto id = static_cast<std::uint32_t>(row);
        const float scale = metric == Metric::cosine ? -base_scale[row] : -1.0F;
        std::size_t q = 0;
        for (; q + 4 <= count; q += 4) {
            const float* group[4];
            for (std::size_t i = 0; i < 4; ++i) group[i] = queries.row(first + q + i);
            float out[4];
            if (metric == Metric::l2) {
                fast_l2_x4(group, value, dimension, out);
                for (std::size_t i = 0; i < 4; ++i) best[q + i].offer(out[i], id);
            } else {
                fast_dot_x4(group, value, dimension, out);
                for (std::size_t i = 0; i < 4; ++i) best[q + i].offer(out[i] * scale, id);
            }
        }
        for (; q < count; ++q) {
            const float* query = queries.row(first + q);
            best[q].offer(
                metric == Metric::l2 ? fast_l2(query, value, dimension) : fast_dot(query, value, dimension) * scale,
                id);
        }
    }

    void tile(std::size_t first, std::size_t count, std::vector<Best>& best) const {
        for (std::size_t row = 0; row < base.rows; ++row) {
            if (admitted.empty() || admitted[row] != 0) offer_row(first, count, row, best);
        }
    }

    void finish(std::size_t query, const Best& best, Truth& truth) const {
        std::vector<double> distances;
        distances.reserve(best.rows().size());
        for (const auto& candidate : best.rows()) {
            distances.push_back(exact_distance(metric, queries.row(query), base.row(candidate.second), base.columns));
        }
        std::sort(distances.begin(), distances.end());
        const std::size_t expected = std::min(truth.k, distances.size());
        truth.expected[query] = static_cast<std::uint32_t>(expected);
        truth.kth_distance[query] = expected == 0 ? -std::numeric_limits<double>::infinity() : distances[expected - 1];
    }
};

}  // namespace

const char* metric_name(Metric metric) noexcept {
    switch (metric) {
        case Metric::l2: return "l2";
        case Metric::ip: return "ip";
        case Metric::cosine: return "cosine";
    }
    return "unknown";
}

double exact_distance(Metric metric, const float* a, const float* b, std::size_t dimension) noexcept {
    double sum = 0.0;
    if (metric == Metric::l2) {
        for (std::size_t i = 0; i < dimension; ++i) {
            const double difference = static_cast<double>(a[i]) - b[i];
            sum += difference * difference;
        }
        return sum;
    }
    double a_square = 0.0;
    double b_square = 0.0;
    for (std::size_t i = 0; i < dimension; ++i) {
        sum += static_cast<double>(a[i]) * b[i];
        a_square += static_cast<double>(a[i]) * a[i];
        b_square += static_cast<double>(b[i]) * b[i];
    }
    if (metric == Metric::ip) return -sum;
    return a_square > 0.0 && b_square > 0.0 ? 1.0 - sum / std::sqrt(a_square * b_square) : 1.0;
}

Truth compute_truth(const Matrix& base, const Matrix& queries, Metric metric, std::size_t k, std::size_t thread_count,
                    std::span<const std::uint8_t> admitted) {
    Truth truth;
    truth.k = k;
    truth.kth_distance.resize(queries.rows);
    truth.expected.resize(queries.rows);
    Scan scan{base, queries, metric, admitted, {}};
    if (metric == Metric::cosine) scan.base_scale = inverse_norms(base);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (;;) {
            const std::size_t first = next.fetch_add(query_tile);
            if (first >= queries.rows) return;
            const std::size_t count = std::min(query_tile, queries.rows - first);
            std::vector<Best> best(count, Best(k + slack));
            scan.tile(first, count, best);
            for (std::size_t q = 0; q < count; ++q) scan.finish(first + q, best[q], truth);
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < thread_count; ++i) threads.emplace_back(work);
    work();
    for (auto& thread : threads) thread.join();
    return truth;
}

sextant::Result<Truth> truth_from_ids(const Matrix& base, const Matrix& queries, Metric metric, std::size_t k,
                                      const Table<std::int32_t>& ids, const std::string& path) {
    if (ids.rows < queries.rows) {
        return sextant::invalid_argument(path + ": truth for " + std::to_string(ids.rows) + " queries, expected " +
                                         std::to_string(queries.rows));
    }
    if (ids.columns < k && ids.columns < base.rows) {
        return sextant::invalid_argument(path + ": " + std::to_string(ids.columns) +
                                         " neighbours a query, expected at least k = " + std::to_string(k));
    }
    Truth truth;
    truth.k = k;
    const std::size_t expected = std::min(k, ids.columns);
    truth.expected.assign(queries.rows, static_cast<std::uint32_t>(expected));
    truth.kth_distance.resize(queries.rows);
    for (std::size_t q = 0; q < queries.rows; ++q) {
        double worst = -std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < expected; ++i) {
            const std::int32_t id = ids.row(q)[i];
            if (id < 0 || static_cast<std::size_t>(id) >= base.rows) {
                return sextant::invalid_argument(path + ": query " + std::to_string(q) + " names row " +
                                                 std::to_string(id) + ", but the base has " +
                                                 std::to_string(base.rows) + " rows (was it made for all of them?)");
            }
            worst = std::max(
                worst, exact_distance(metric, queries.row(q), base.row(static_cast<std::size_t>(id)), base.columns));
        }
        truth.kth_distance[q] = worst;
    }
    return truth;
}

std::size_t count_right(const Truth& truth, const Matrix& base, const Matrix& queries, Metric metric, std::size_t query,
                        std::span<const std::uint32_t> ids, std::span<const std::uint8_t> admitted) {
    std::size_t right = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::uint32_t id = ids[i];
        if (id >= base.rows || (!admitted.empty() && admitted[id] == 0)) continue;
        if (std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i), id) !=
            ids.begin() + static_cast<std::ptrdiff_t>(i)) {
            continue;
        }
        right += exact_distance(metric, queries.row(query), base.row(id), base.columns) <= truth.kth_distance[query];
    }
    return std::min<std::size_t>(right, truth.expected[query]);
}

}  // namespace sextant_bench
