/// VectorReader: the way to raw vectors for who may wait for them and can be told that they cannot be had: rescoring,
/// reading points, sealing. The only way to vectors that may lie on disk. A RowSource is for who cannot fail: kernels over
/// rows that are in memory, as those of growing rows and all codes are.
/// Threads: const-safe; a scratch is confined.
/// Cost: one call per list of rows; for rows in memory it neither copies nor allocates. Rows that are not are copied from the
/// disk, all of a call at once.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>

#include "sextant/core/query_scratch.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"
#include "sextant/quantizer/half_vectors.hpp"

namespace sextant::inline v1 {

/// Where rows that were asked for can be read. Lifetime: until the scratch they were read with is reset.
struct VectorRows {
    RowSource source;
    std::span<const RowId> rows;  ///< where in the source each of them lies, in the order they were asked for

    /// As it was appended: where it lies, or, where rows are half floats, read into `room`, which has `dimension` floats
    /// and may be null where they are not. REQUIRES: dimension is the field's.
    [[nodiscard]] VectorView vector(std::size_t index, std::size_t dimension, float* room) const noexcept {
        return detail::raw_vector(source, rows[index], dimension, room);
    }
};

class VectorReader {
public:
    virtual ~VectorReader() = default;
    /// `rows` live as long as what is returned, whose source has inverse norms where the field's metric works on unit
    /// vectors. io_error or corruption name file and offset. Throws std::bad_alloc when
    /// the scratch must grow and cannot.
    [[nodiscard]] virtual Result<VectorRows> read(std::span<const RowId> rows, QueryScratch& scratch) const = 0;
    /// That all rows can be read in place from now on, for who scans them. Errors as read(). Cost: for rows that lie on
    /// disk the first call reads them all; nothing for others and later. cancelled when told to stop, within some blocks.
    [[nodiscard]] virtual Result<void> check_all(const std::stop_token& /*stop*/) const { return {}; }
    /// Whether rows may have to come from a disk: then many are better asked for at once, and none that is not needed.
    [[nodiscard]] virtual bool in_file() const noexcept { return false; }
};

}  // namespace sextant::inline v1
