/// vector_access: raw vectors of a field as a test wants them, and readers that copy or fail, as those of files may.
#pragma once

#include <cstring>
#include <vector>

#include "sextant/segment/vector_field.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

namespace test_support {

/// A copy: it outlives the scratch.
inline std::vector<float> vector_of(const sextant::FieldRows& rows, sextant::RowId row, std::size_t dimension) {
    sextant::QueryScratch scratch;
    const auto read = rows.vectors().read({&row, 1}, scratch);
    REQUIRE(read);
    std::vector<float> room(dimension);
    const sextant::VectorView vector = read->vector(0, dimension, room.data());
    return {vector.begin(), vector.end()};
}

/// Hands out copies under other row numbers, as a reader of a file does, and fails once `readable` rows were read.
class CopyingReader final : public sextant::VectorReader {
public:
    explicit CopyingReader(const Vectors& vectors, std::size_t readable = ~std::size_t{0})
        : vectors_(vectors), left_(readable) {}

    [[nodiscard]] sextant::Result<sextant::VectorRows> read(std::span<const sextant::RowId> rows,
                                                            sextant::QueryScratch& scratch) const override {
        if (rows.size() > left_) return sextant::Error{sextant::ErrorCode::io_error, "vectors: offset 77: unreadable"};
        left_ -= rows.size();
        const auto room = scratch.take<float>(rows.size() * vectors_.dimension);
        const auto numbers = scratch.take<sextant::RowId>(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto vector = vectors_[sextant::to_index(rows[i])];
            std::memcpy(room.data() + i * vectors_.dimension, vector.data(), vector.size_bytes());
            numbers[i] = sextant::RowId{static_cast<std::uint32_t>(i)};
        }
        return sextant::VectorRows{
            {reinterpret_cast<const std::byte*>(room.data()), vectors_.dimension * sizeof(float), nullptr}, numbers};
    }

private:
    const Vectors& vectors_;
    mutable std::size_t left_;
};

}  // namespace test_support
