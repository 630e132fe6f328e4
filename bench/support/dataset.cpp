#include "support/dataset.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace sextant_bench {
namespace {

using sextant::Error;
using sextant::ErrorCode;
using sextant::FunctionRef;
using sextant::Result;

/// No data set in use has more; a larger number means the file is of another kind.
constexpr std::uint32_t max_dimension = 1U << 20U;

Error broken(const std::string& path, const std::string& what) {
    return Error{ErrorCode::corruption, path + ": " + what};
}

/// A file that may be compressed: zlib reads plain files as they are.
class InputFile {
public:
    static Result<InputFile> open(const std::string& path) {
        InputFile file;
        file.path_ = path;
        file.handle_.reset(gzopen(path.c_str(), "rb"));
        if (!file.handle_) return Error{ErrorCode::not_found, path + ": cannot be opened"};
        gzbuffer(file.handle_.get(), 1U << 18U);
        return file;
    }

    /// Bytes read, fewer than `size` at the end of the file only.
    Result<std::size_t> read(void* out, std::size_t size) {
        std::size_t got = 0;
        while (got < size) {
            const std::size_t want = std::min(size - got, std::size_t{1} << 30U);
            const int read = gzread(handle_.get(), static_cast<char*>(out) + got, static_cast<unsigned>(want));
            if (read < 0) {
                int code = 0;
                return broken(path_, std::string("cannot be read: ") + gzerror(handle_.get(), &code));
            }
            if (read == 0) {
                // A compressed stream that ends early reads as a short file; only the closing checksum tells.
                int code = 0;
                const char* message = gzerror(handle_.get(), &code);
                if (code < 0) return broken(path_, std::string("compressed data ends early: ") + message);
                break;
            }
            got += static_cast<std::size_t>(read);
        }
        return got;
    }

    Result<void> read_exactly(void* out, std::size_t size, const std::string& what) {
        SEXTANT_TRY_ASSIGN(const std::size_t got, read(out, size));
        if (got != size) {
            return broken(path_, "ends inside " + what + ": got " + std::to_string(got) + " of " +
                                     std::to_string(size) + " bytes");
        }
        return {};
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    struct Close {
        void operator()(gzFile file) const noexcept { gzclose(file); }
    };
    std::string path_;
    std::unique_ptr<gzFile_s, Close> handle_;
};

std::uint32_t load_little(const std::uint8_t* bytes) noexcept {
    return std::uint32_t{bytes[0]} | (std::uint32_t{bytes[1]} << 8U) | (std::uint32_t{bytes[2]} << 16U) |
           (std::uint32_t{bytes[3]} << 24U);
}

std::uint32_t load_big(const std::uint8_t* bytes) noexcept {
    return std::uint32_t{bytes[3]} | (std::uint32_t{bytes[2]} << 8U) | (std::uint32_t{bytes[1]} << 16U) |
           (std::uint32_t{bytes[0]} << 24U);
}

bool ends_with(std::string_view text, std::string_view ending) noexcept { return text.ends_with(ending); }

std::string_view without_gz(std::string_view path) noexcept {
    return ends_with(path, ".gz") ? path.substr(0, path.size() - 3) : path;
}

Result<void> require_finite(const std::string& path, std::size_t row, const float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(values[i])) {
            return broken(
                path, "row " + std::to_string(row) + ", component " + std::to_string(i) + " is not a finite number");
        }
    }
    return {};
}

/// Rows so far, and how many values each has.
struct Shape {
    std::size_t rows = 0;
    std::size_t columns = 0;
};

/// The rows of a .?vecs file as raw bytes, one after the other, to `take`.
Result<Shape> read_vecs(const std::string& path, std::size_t limit, std::size_t element_size,
                        FunctionRef<Result<void>(std::span<const std::uint8_t> bytes, std::size_t row)> take) {
    SEXTANT_TRY_ASSIGN(InputFile file, InputFile::open(path));
    std::vector<std::uint8_t> bytes;
    Shape shape;
    while (shape.rows < limit) {
        std::array<std::uint8_t, 4> head{};
        SEXTANT_TRY_ASSIGN(const std::size_t got, file.read(head.data(), head.size()));
        if (got == 0) break;
        const std::string where = "row " + std::to_string(shape.rows);
        if (got != head.size()) return broken(path, "ends inside the dimension of " + where);
        const std::uint32_t dimension = load_little(head.data());
        if (dimension == 0 || dimension > max_dimension) {
            return broken(path, where + " has dimension " + std::to_string(static_cast<std::int32_t>(dimension)) +
                                    ", expected 1 to " + std::to_string(max_dimension));
        }
        if (shape.columns == 0) shape.columns = dimension;
        if (shape.columns != dimension) {
            return broken(path, where + " has dimension " + std::to_string(dimension) + ", expected " +
                                    std::to_string(shape.columns) + " as in row 0");
        }
        bytes.resize(dimension * element_size);
        SEXTANT_TRY(file.read_exactly(bytes.data(), bytes.size(), where));
        SEXTANT_TRY(take(bytes, shape.rows));
        ++shape.rows;
    }
    if (shape.rows == 0) return broken(path, "holds no row");
    return shape;
}

struct IdxHeader {
    std::uint8_t type = 0;
    std::size_t rows = 0;
    std::size_t columns = 1;
    std::size_t rank = 0;
};
constexpr std::uint8_t idx_bytes = 0x08;
constexpr std::uint8_t idx_floats = 0x0D;

Result<IdxHeader> read_idx_header(InputFile& file) {
    std::array<std::uint8_t, 4> magic{};
    SEXTANT_TRY_ASSIGN(const std::size_t got, file.read(magic.data(), magic.size()));
    if (got != magic.size() || magic[0] != 0 || magic[1] != 0 || magic[3] == 0) {
        return broken(file.path(), "is not .fvecs, .bvecs or .ivecs by name, nor IDX by its first four bytes");
    }
    IdxHeader header;
    header.type = magic[2];
    header.rank = magic[3];
    if (header.type != idx_bytes && header.type != idx_floats) {
        return Error{ErrorCode::unsupported, file.path() + ": IDX element type " + std::to_string(header.type) +
                                                 ", expected 8 (bytes) or 13 (floats)"};
    }
    for (std::size_t i = 0; i < header.rank; ++i) {
        std::array<std::uint8_t, 4> size{};
        SEXTANT_TRY(file.read_exactly(size.data(), size.size(), "the IDX sizes"));
        const std::size_t value = load_big(size.data());
        if (value == 0) return broken(file.path(), "IDX size " + std::to_string(i) + " is 0");
        if (i == 0) {
            header.rows = value;
        } else {
            header.columns *= value;
            if (value > max_dimension || header.columns > max_dimension) {
                return broken(file.path(), "IDX rows have more than " + std::to_string(max_dimension) + " values");
            }
        }
    }
    return header;
}

/// After the last row nothing may follow: a longer file has another shape than its header says.
Result<void> require_end(InputFile& file, std::size_t rows) {
    std::uint8_t byte = 0;
    SEXTANT_TRY_ASSIGN(const std::size_t got, file.read(&byte, 1));
    if (got != 0) return broken(file.path(), "has bytes after its " + std::to_string(rows) + " rows");
    return {};
}

/// What the bytes of one value are worth.
using ToFloat = float (*)(const std::uint8_t* bytes);

float from_byte(const std::uint8_t* bytes) { return static_cast<float>(*bytes); }
float from_little_float(const std::uint8_t* bytes) { return std::bit_cast<float>(load_little(bytes)); }
float from_little_integer(const std::uint8_t* bytes) {
    return static_cast<float>(static_cast<std::int32_t>(load_little(bytes)));
}
float from_big_float(const std::uint8_t* bytes) { return std::bit_cast<float>(load_big(bytes)); }

/// Hands on rows of bytes as rows of finite floats.
class RowDecoder {
public:
    RowDecoder(const std::string& path, std::size_t element_size, ToFloat to_float, VectorVisitor visit)
        : path_(path), element_size_(element_size), to_float_(to_float), visit_(visit) {}

    Result<void> operator()(std::span<const std::uint8_t> bytes, std::size_t row) {
        values_.resize(bytes.size() / element_size_);
        for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = to_float_(bytes.data() + i * element_size_);
        SEXTANT_TRY(require_finite(path_, row, values_.data(), values_.size()));
        return visit_(row, values_);
    }

private:
    const std::string& path_;
    std::size_t element_size_;
    ToFloat to_float_;
    VectorVisitor visit_;
    std::vector<float> values_;
};

Result<void> read_idx(const std::string& path, std::size_t limit, VectorVisitor visit) {
    SEXTANT_TRY_ASSIGN(InputFile file, InputFile::open(path));
    SEXTANT_TRY_ASSIGN(const IdxHeader header, read_idx_header(file));
    const bool as_bytes = header.type == idx_bytes;
    const std::size_t element_size = as_bytes ? 1 : 4;
    RowDecoder decoder(path, element_size, as_bytes ? from_byte : from_big_float, visit);
    std::vector<std::uint8_t> bytes(header.columns * element_size);
    const std::size_t rows = std::min(header.rows, limit);
    for (std::size_t row = 0; row < rows; ++row) {
        SEXTANT_TRY(file.read_exactly(bytes.data(), bytes.size(),
                                      "row " + std::to_string(row) + " of " + std::to_string(header.rows)));
        SEXTANT_TRY(decoder(bytes, row));
    }
    return rows == header.rows ? require_end(file, rows) : Result<void>();
}

}  // namespace

Result<void> for_each_vector(const std::string& path, std::size_t limit, VectorVisitor visit) {
    if (limit == 0) return sextant::invalid_argument(path + ": a limit of 0 rows was asked for, expected at least 1");
    struct Format {
        std::string_view ending;
        std::size_t element_size;
        ToFloat to_float;
    };
    constexpr Format formats[] = {
        {".fvecs", 4, from_little_float}, {".bvecs", 1, from_byte}, {".ivecs", 4, from_little_integer}};
    for (const Format& format : formats) {
        if (!ends_with(without_gz(path), format.ending)) continue;
        RowDecoder decoder(path, format.element_size, format.to_float, visit);
        SEXTANT_TRY(read_vecs(path, limit, format.element_size, decoder));
        return {};
    }
    return read_idx(path, limit, visit);
}

Result<Matrix> read_vectors(const std::string& path, std::size_t limit) {
    Matrix matrix;
    SEXTANT_TRY(for_each_vector(path, limit, [&](std::size_t row, sextant::VectorView vector) -> Result<void> {
        matrix.values.insert(matrix.values.end(), vector.begin(), vector.end());
        matrix.rows = row + 1;
        matrix.columns = vector.size();
        return {};
    }));
    return matrix;
}

Result<Table<std::int32_t>> read_integers(const std::string& path, std::size_t limit) {
    if (!ends_with(without_gz(path), ".ivecs")) {
        return sextant::invalid_argument(path + ": ground truth is read from .ivecs files only");
    }
    Table<std::int32_t> table;
    const auto take = [&](std::span<const std::uint8_t> bytes, std::size_t) -> Result<void> {
        for (std::size_t i = 0; i < bytes.size(); i += 4) {
            table.values.push_back(static_cast<std::int32_t>(load_little(bytes.data() + i)));
        }
        return {};
    };
    SEXTANT_TRY_ASSIGN(const Shape shape, read_vecs(path, limit, 4, take));
    table.rows = shape.rows;
    table.columns = shape.columns;
    return table;
}

Result<std::vector<std::uint8_t>> read_labels(const std::string& path, std::size_t limit) {
    SEXTANT_TRY_ASSIGN(InputFile file, InputFile::open(path));
    SEXTANT_TRY_ASSIGN(const IdxHeader header, read_idx_header(file));
    if (header.rank != 1 || header.type != idx_bytes) {
        return broken(path, "IDX rank " + std::to_string(header.rank) + " and element type " +
                                std::to_string(header.type) + ", expected rank 1 of bytes (8)");
    }
    constexpr std::size_t piece = 1U << 16U;
    std::vector<std::uint8_t> labels;
    const std::size_t rows = std::min(header.rows, limit);
    while (labels.size() < rows) {
        const std::size_t before = labels.size();
        const std::size_t count = std::min(piece, rows - before);
        labels.resize(before + count);
        SEXTANT_TRY(file.read_exactly(labels.data() + before, count, "the labels"));
    }
    if (rows == header.rows) SEXTANT_TRY(require_end(file, rows));
    return labels;
}

std::string dataset_name(const std::string& path) {
    std::string_view name = without_gz(path);
    if (const auto slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
    if (const auto dot = name.rfind('.'); dot != std::string_view::npos && dot != 0) name = name.substr(0, dot);
    return std::string(name);
}

}  // namespace sextant_bench
