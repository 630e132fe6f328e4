/// VectorSample: vectors copied out of a field to train on, charged to its account for as long as it lives.
/// Threads: confined.
#pragma once

#include <cstdint>
#include <stop_token>

#include "sextant/core/arena.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/segment/field_rows.hpp"

namespace sextant::inline v1::detail {

class VectorSample {
public:
    /// At most `most` of rows [0, row_count), spread over all of them: one of each equal part, drawn by hash from the
    /// seed. Of unit length where the metric asks for it. cancelled when `stop` asks for it.
    [[nodiscard]] static Result<VectorSample> take(const RawRows& raw, std::uint32_t row_count, std::size_t most,
                                                   std::uint64_t seed, MemoryAccount& account,
                                                   const std::stop_token& stop);

    [[nodiscard]] MatrixView view() const noexcept { return {values_.data(), row_count_, dimension_, dimension_}; }

private:
    std::size_t row_count_ = 0;
    std::size_t dimension_ = 0;
    Column<float> values_;  ///< an arena, which goes back to the system whole
};

}  // namespace sextant::inline v1::detail
