/// dataset: vectors, integers and labels from the files benchmarks use: .fvecs, .bvecs, .ivecs and IDX, each plain or
/// gzip-compressed (.gz).
/// Invariants: a matrix that was read has at least one row, at least one column and only finite values.
/// Formats: .fvecs/.bvecs/.ivecs (corpus-texmex.irisa.fr): per row a little-endian int32 dimension, then that many
/// float32, uint8 or int32. IDX (yann.lecun.com/exdb/mnist): big-endian magic 0 0 type rank, rank sizes, the values.
/// Cost: row by row, so a header that lies about its size costs no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"

namespace sextant_bench {

inline constexpr std::size_t all_rows = std::numeric_limits<std::size_t>::max();

template <class T>
struct Table {
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::vector<T> values = {};

    [[nodiscard]] const T* row(std::size_t index) const noexcept { return values.data() + index * columns; }
    [[nodiscard]] T* row(std::size_t index) noexcept { return values.data() + index * columns; }
};

/// Vectors, one a row.
struct Matrix : Table<float> {
    [[nodiscard]] sextant::VectorView view(std::size_t index) const noexcept { return {row(index), columns}; }
};

using VectorVisitor = sextant::FunctionRef<sextant::Result<void>(std::size_t row, sextant::VectorView vector)>;

/// The rows one after the other, as read_vectors() reads them, for who has no room for all. An error of `visit` ends it.
[[nodiscard]] sextant::Result<void> for_each_vector(const std::string& path, std::size_t limit, VectorVisitor visit);

/// The first `limit` rows of a .fvecs, .bvecs or .ivecs file, or of an IDX file of bytes or floats whose sizes after
/// the first are multiplied (28 × 28 images are rows of 784). invalid_argument and corruption name file and row.
[[nodiscard]] sextant::Result<Matrix> read_vectors(const std::string& path, std::size_t limit = all_rows);

/// The first `limit` rows of an .ivecs file: ground truth.
[[nodiscard]] sextant::Result<Table<std::int32_t>> read_integers(const std::string& path, std::size_t limit = all_rows);

/// An IDX file of one dimension of bytes: class labels.
[[nodiscard]] sextant::Result<std::vector<std::uint8_t>> read_labels(const std::string& path,
                                                                     std::size_t limit = all_rows);

/// The file's name without folders and endings: "/x/train-images-idx3-ubyte.gz" is "train-images-idx3-ubyte".
[[nodiscard]] std::string dataset_name(const std::string& path);

}  // namespace sextant_bench
