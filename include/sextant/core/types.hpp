/// types: views and small values that every floor shares.
/// Threads: values and views; a view lives as long as what it looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sextant/core/row_id.hpp"

namespace sextant::inline v1 {

/// One vector, `dimension` floats.
using VectorView = std::span<const float>;
/// The bytes of one row of a code section.
using CodeView = std::span<const std::byte>;

/// `row_count` vectors of `dimension` floats each, `stride` floats from one to the next.
struct MatrixView {
    const float* data = nullptr;
    std::size_t row_count = 0;
    std::size_t dimension = 0;
    std::size_t stride = 0;

    [[nodiscard]] VectorView row(std::size_t index) const noexcept { return {data + index * stride, dimension}; }
};

/// What each component of a raw vector is stored as. Persisted; never renumbered.
enum class RawPrecision : std::uint8_t {
    F32 = 1,  ///< a float, as given
    F16 = 2,  ///< a half float (core/half.hpp), in half the bytes
};

/// Rows in memory: row r lies at base + r * stride and never moves. Reading never fails.
struct RowSource {
    const std::byte* base = nullptr;
    std::size_t stride = 0;
    /// Side column of 1/|x| per row, for metrics over unit vectors whose rows are kept as given; null where not needed.
    const float* inverse_norm = nullptr;
    RawPrecision precision = RawPrecision::F32;  ///< of raw vectors; what a code is, its quantizer knows

    [[nodiscard]] const std::byte* row(RowId id) const noexcept {
        return base + static_cast<std::size_t>(to_index(id)) * stride;
    }
};

/// A bit per row, word-aligned; a null `words` admits every row. Writers set bits with relaxed atomics; a reader that
/// misses a bit set just now sees the collection as it was an instant ago.
struct BitmapView {
    const std::uint64_t* words = nullptr;
    std::size_t bit_count = 0;

    [[nodiscard]] bool admits_all() const noexcept { return words == nullptr; }
    [[nodiscard]] bool test(std::uint32_t index) const noexcept {
        return words == nullptr ||
               ((__atomic_load_n(words + (index >> 6U), __ATOMIC_RELAXED) >> (index & 63U)) & 1U) != 0;
    }
};

/// Which rows a search may return: alive (not in `deleted`) and, where a filter is given, in `admitted`.
struct RowFilter {
    BitmapView admitted = {};  ///< null words: every row
    BitmapView deleted = {};   ///< null words: no row is deleted

    [[nodiscard]] bool admits_all() const noexcept { return admitted.words == nullptr && deleted.words == nullptr; }
    [[nodiscard]] bool operator()(RowId row) const noexcept {
        return admitted.test(to_index(row)) && (deleted.words == nullptr || !deleted.test(to_index(row)));
    }
};

/// Log sequence number: grows by one with every effect; a row's version is the Lsn of the write that made it.
enum class Lsn : std::uint64_t {};

/// Persisted; never renumbered. User-written metrics start at 0x8000.
enum class MetricId : std::uint16_t { squared_l2 = 1, inner_product = 2, cosine = 3, user = 0x8000 };
/// Persisted; never renumbered. User-written quantizers start at 0x8000.
enum class QuantizerId : std::uint16_t { none = 1, scalar8 = 2, product = 3, rabitq = 4, user = 0x8000 };

}  // namespace sextant::inline v1
