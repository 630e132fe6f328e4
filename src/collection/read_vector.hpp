/// read_vector: the vector of one point, wherever it lies.
/// Threads: the scratch is confined.
#pragma once

#include "sextant/core/query_scratch.hpp"
#include "sextant/core/result.hpp"
#include "sextant/segment/segment.hpp"
#include "sextant/segment/vector_field.hpp"

namespace sextant::inline v1::detail {

/// Lives until the scratch is used again; it is reset first.
[[nodiscard]] inline Result<VectorView> read_vector(const SegmentState& state, RowId row, std::size_t dimension,
                                                    QueryScratch& scratch) {
    scratch.reset();
    const RowId* const listed = scratch.make(row);
    SEXTANT_TRY_ASSIGN(const VectorRows read, state.segment->field(0).vectors().read({listed, 1}, scratch));
    const bool floats = read.source.precision == RawPrecision::F32;
    return read.vector(0, dimension, floats ? nullptr : scratch.take<float>(dimension).data());
}

}  // namespace sextant::inline v1::detail
