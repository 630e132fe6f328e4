/// test_rows: vectors made from a seed, scorers over them, and exact answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sextant/concepts/row_scorer.hpp"
#include "sextant/core/executor.hpp"
#include "sextant/core/random.hpp"
#include "sextant/core/types.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"

namespace sextant::test {

/// Squared L2 over rows that all exist from the start.
class TestRows {
public:
    explicit TestRows(std::size_t dimension) : dimension_(dimension) {}

    /// Uniform in the unit cube.
    static TestRows uniform(std::size_t count, std::size_t dimension, std::uint64_t seed) {
        TestRows rows(dimension);
        Random random(seed);
        for (std::size_t i = 0; i < count * dimension; ++i) rows.data_.push_back(static_cast<float>(random.uniform()));
        return rows;
    }
    /// `clusters` tight groups, in the order of their groups: rows that arrive together lie together.
    static TestRows clustered(std::size_t count, std::size_t dimension, std::size_t clusters, std::uint64_t seed) {
        const TestRows centres = uniform(clusters, dimension, seed);
        TestRows rows(dimension);
        Random random(seed + 1);
        for (std::size_t i = 0; i < count; ++i) {
            const float* centre = centres.row(static_cast<std::uint32_t>(i * clusters / count));
            for (std::size_t d = 0; d < dimension; ++d) {
                rows.data_.push_back(centre[d] + 0.1F * static_cast<float>(random.uniform() - random.uniform()));
            }
        }
        return rows;
    }
    static TestRows equal(std::size_t count, std::size_t dimension) {
        TestRows rows(dimension);
        rows.data_.assign(count * dimension, 1.0F);
        return rows;
    }
    void append(const TestRows& other) { data_.insert(data_.end(), other.data_.begin(), other.data_.end()); }
    void push_back(std::vector<float> values) { data_.insert(data_.end(), values.begin(), values.end()); }

    [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(data_.size() / dimension_); }
    [[nodiscard]] std::size_t dimension() const { return dimension_; }
    [[nodiscard]] const float* row(std::uint32_t index) const { return data_.data() + index * dimension_; }

    [[nodiscard]] float distance(const float* a, const float* b) const {
        float sum = 0;
        for (std::size_t d = 0; d < dimension_; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
        return sum;
    }

    struct State {
        const TestRows* rows;
        const float* query;
    };
    /// `state` outlives the scorer.
    static RowScorer scorer(const State& state) {
        return {&state, &score, &range, [](const void*, RowId) noexcept {}};
    }
    [[nodiscard]] auto pair_factory() const {
        return [this](QueryScratch& scratch) -> PairScorer {
            const auto bind = [](void* state, RowId from) noexcept {
                auto* bound = static_cast<State*>(state);
                bound->query = bound->rows->row(to_index(from));
            };
            return {scratch.make(State{this, nullptr}), bind, &score, [](const void*, RowId) noexcept {}};
        };
    }

    /// The closest k rows that pass the filter.
    [[nodiscard]] std::vector<Neighbor> exact(const float* query, std::size_t k, const RowFilter& filter = {}) const {
        std::vector<Neighbor> all;
        for (std::uint32_t r = 0; r < count(); ++r) {
            if (filter(RowId{r})) all.push_back({distance(query, row(r)), RowId{r}});
        }
        std::sort(all.begin(), all.end());
        all.resize(std::min(k, all.size()));
        return all;
    }

private:
    static void score(const void* state, const RowId* rows, std::size_t count, float* out) noexcept {
        const auto* bound = static_cast<const State*>(state);
        for (std::size_t i = 0; i < count; ++i) {
            out[i] = bound->rows->distance(bound->query, bound->rows->row(to_index(rows[i])));
        }
    }
    static void range(const void* state, RowId first, std::size_t count, float* out) noexcept {
        const auto* bound = static_cast<const State*>(state);
        for (std::size_t i = 0; i < count; ++i) {
            out[i] =
                bound->rows->distance(bound->query, bound->rows->row(to_index(first) + static_cast<std::uint32_t>(i)));
        }
    }

    std::size_t dimension_;
    std::vector<float> data_;
};

/// A bit per row, as filters and tombstones are given.
class Bits {
public:
    explicit Bits(std::uint32_t count) : count_(count), words_(count / 64 + 1, 0) {}
    void set(std::uint32_t index) { words_[index / 64] |= std::uint64_t{1} << (index % 64); }
    [[nodiscard]] bool test(std::uint32_t index) const { return view().test(index); }
    [[nodiscard]] BitmapView view() const { return {words_.data(), count_}; }

private:
    std::uint32_t count_;
    std::vector<std::uint64_t> words_;
};

/// A graph over TestRows, with what building it needs.
class TestGraph {
public:
    explicit TestGraph(const TestRows& rows, HnswParams params = {}, Executor* executor = nullptr,
                       std::uint64_t limit_bytes = MemoryAccount::unlimited)
        : rows_(rows),
          account_(std::make_unique<MemoryAccount>("test", limit_bytes)),
          executor_(executor != nullptr ? executor : &inline_executor_),
          index(HnswIndex::create(params, rows.count(), *account_).value()) {}

    /// Runs `body` with a HnswBuild whose parts live long enough.
    template <class Body>
    auto with_build(Body body) {
        const auto factory = rows_.pair_factory();
        const auto key = [](RowId row) { return std::uint64_t{to_index(row)} * 77; };
        return body(HnswBuild{factory, key, deleted, executor_, stop});
    }
    Result<void> link(std::uint32_t row_count, bool flush = true) {
        return with_build([&](const HnswBuild& build) { return index.link(row_count, flush, build); });
    }
    Result<void> repair(const std::vector<RowId>& erased) {
        return with_build([&](const HnswBuild& build) { return index.repair(erased, build); });
    }
    Result<void> finish() {
        return with_build([&](const HnswBuild& build) { return index.finish(build); });
    }
    std::vector<Neighbor> search(const float* query, std::size_t k, std::size_t ef, const RowFilter& filter = {}) {
        const TestRows::State state{&rows_, query};
        std::vector<Neighbor> out(k);
        counters = {};
        out.resize(index.search(TestRows::scorer(state), filter, {ef, nullptr}, scratch, out, counters));
        return out;
    }
    /// Mean share of the exact answer that is found.
    double recall(const TestRows& queries, std::size_t k, std::size_t ef, const RowFilter& filter = {}) {
        std::size_t hits = 0;
        std::size_t wanted = 0;
        for (std::uint32_t q = 0; q < queries.count(); ++q) {
            const auto exact = rows_.exact(queries.row(q), k, filter);
            const auto found = search(queries.row(q), k, ef, filter);
            wanted += exact.size();
            for (const Neighbor& near : found) {
                hits += std::find(exact.begin(), exact.end(), near) != exact.end() ? 1U : 0U;
            }
        }
        return static_cast<double>(hits) / static_cast<double>(wanted);
    }

private:
    const TestRows& rows_;
    std::unique_ptr<MemoryAccount> account_;
    InlineExecutor inline_executor_;
    Executor* executor_;

public:
    BitmapView deleted = {};
    std::stop_token stop = {};
    HnswScratch scratch;
    SearchCounters counters;
    HnswIndex index;

    [[nodiscard]] const MemoryAccount& account() const { return *account_; }
};

}  // namespace sextant::test
