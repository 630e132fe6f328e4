/// field_fixture: a field, its growing rows and their memory, filled with vectors; and the oracle beside it.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <vector>

#include "sextant/core/random.hpp"
#include "sextant/segment/field_growing.hpp"
#include "sextant/segment/typed_field.hpp"
#include "support/sample_vectors.hpp"

namespace test_support {

inline std::uint64_t key_of_row(sextant::RowId row) { return sextant::mix64(sextant::to_index(row)); }

/// Growing rows as a collection keeps them.
class Growing {
public:
    Growing(const sextant::VectorField& field, std::uint32_t max_rows,
            std::uint64_t limit = sextant::MemoryAccount::unlimited)
        : account("test", limit), rows(field.make_growing(max_rows, account).value()) {}

    void append(const Vectors& vectors, std::size_t first, std::size_t last) {
        rows->reserve_rows(static_cast<std::uint32_t>(count + (last - first))).value();
        for (std::size_t r = first; r < last; ++r) rows->append(sextant::RowId{count++}, vectors[r]);
    }
    void append(const Vectors& vectors) { append(vectors, 0, vectors.size()); }

    sextant::FieldLinkContext context(sextant::BitmapView deleted = {}) { return {key_of_row, deleted, &executor, {}}; }
    void link(bool flush = true) { rows->link(count, flush, context()).value(); }

    [[nodiscard]] const sextant::detail::GrowingRows& inner() const {
        return dynamic_cast<const sextant::detail::GrowingRows&>(*rows);
    }

    sextant::MemoryAccount account;
    sextant::InlineExecutor executor;
    std::unique_ptr<sextant::GrowingField> rows;
    std::uint32_t count = 0;
};

struct SealOptions {
    sextant::Executor* executor = nullptr;
    sextant::BitmapView dropped = {};
    std::stop_token stop = {};
};

inline sextant::Result<std::unique_ptr<sextant::SealedField>> try_seal(const sextant::VectorField& field,
                                                                       const sextant::FieldRows& rows,
                                                                       std::uint32_t row_count,
                                                                       sextant::MemoryAccount& account,
                                                                       const SealOptions& options = {}) {
    sextant::InlineExecutor inline_executor;
    std::uint32_t kept = 0;
    for (std::uint32_t r = 0; r < row_count; ++r) {
        kept += options.dropped.words == nullptr || !options.dropped.test(r) ? 1U : 0U;
    }
    const sextant::SealSource source{&rows, row_count, options.dropped};
    sextant::Executor* executor = options.executor == nullptr ? &inline_executor : options.executor;
    return field.seal({{&source, 1}, kept, key_of_row, &account, executor, options.stop, [](double) {}});
}

/// Sealed rows of `vectors`.
class Sealed {
public:
    Sealed(const sextant::VectorField& field, const Vectors& vectors, const SealOptions& options = {})
        : account("test") {
        Growing growing(field, static_cast<std::uint32_t>(vectors.size() + 1));
        growing.append(vectors);
        rows = try_seal(field, *growing.rows, growing.count, account, options).value();
        count = growing.count;
    }

    sextant::MemoryAccount account;
    std::unique_ptr<sextant::SealedField> rows;
    std::uint32_t count = 0;
};

/// The `k` closest rows by the field's own distance, among those that pass.
inline std::vector<sextant::Neighbor> oracle(const sextant::VectorField& field, const Vectors& vectors,
                                             sextant::VectorView query, std::size_t k,
                                             const sextant::RowFilter& filter = {}) {
    std::vector<sextant::Neighbor> all;
    for (std::uint32_t r = 0; r < vectors.size(); ++r) {
        if (filter(sextant::RowId{r})) all.push_back({field.distance(query, vectors[r]), sextant::RowId{r}});
    }
    const std::size_t count = std::min(k, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end());
    all.resize(count);
    return all;
}

inline std::vector<sextant::Neighbor> found_by(const sextant::FieldRows& rows, std::uint32_t row_count,
                                               const sextant::FieldQuery& query, sextant::FieldScratch& scratch,
                                               sextant::FieldAnswer* answer = nullptr) {
    std::vector<sextant::Neighbor> out(query.count);
    const sextant::FieldAnswer got = rows.search(query, row_count, scratch, out);
    if (answer != nullptr) *answer = got;
    out.resize(got.found);
    return out;
}

/// The same distances, within rounding: kernels that score lists and ranges add in different orders, so ties may swap.
inline bool same_answer(const std::vector<sextant::Neighbor>& a, const std::vector<sextant::Neighbor>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return std::fabs(x.distance - y.distance) <= 1e-5F + 1e-5F * std::fabs(y.distance);
    });
}

inline double recall_of(const std::vector<sextant::Neighbor>& found, const std::vector<sextant::Neighbor>& expected) {
    std::set<std::uint32_t> rows;
    for (const auto& neighbor : found) rows.insert(sextant::to_index(neighbor.row));
    std::size_t hits = 0;
    for (const auto& neighbor : expected) hits += rows.count(sextant::to_index(neighbor.row));
    return expected.empty() ? 1.0 : static_cast<double>(hits) / static_cast<double>(expected.size());
}

/// A bitmap with the rows for which `set(row)` holds.
template <class Set>
std::vector<std::uint64_t> bits_of(std::size_t rows, Set set) {
    std::vector<std::uint64_t> words(rows / 64 + 1);
    for (std::size_t r = 0; r < rows; ++r) {
        if (set(r)) words[r / 64] |= std::uint64_t{1} << (r % 64);
    }
    return words;
}

}  // namespace test_support
