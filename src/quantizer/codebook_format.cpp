#include "sextant/quantizer/codebook_format.hpp"

#include <bit>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "core/format_text.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/core/limits.hpp"

namespace sextant::inline v1::codebook_format {
namespace {

/// Little-endian on every machine.
template <class T>
void store_le(std::byte* out, T value) noexcept {
    for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<std::byte>(value >> (8 * i));
}
void store_le(std::byte* out, float value) noexcept { store_le(out, std::bit_cast<std::uint32_t>(value)); }

template <class T>
T load_le(std::span<const std::byte> bytes, std::size_t offset) noexcept {
    if constexpr (std::is_same_v<T, float>) {
        return std::bit_cast<float>(load_le<std::uint32_t>(bytes, offset));
    } else {
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            value = static_cast<T>(value | static_cast<T>(static_cast<T>(bytes[offset + i]) << (8 * i)));
        }
        return value;
    }
}

template <class Got, class Expected>
Error bad_field(std::size_t offset, std::string_view field, Got got, Expected expected) {
    return Error{ErrorCode::corruption,
                 format_text("codebook: offset {}: {} is {}, expected {}", offset, field, got, expected)};
}

Result<void> check_hash(std::span<const std::byte> covered, std::span<const std::byte> bytes, std::size_t offset,
                        std::string_view field) {
    const std::uint64_t stored = load_le<std::uint64_t>(bytes, offset);
    const std::uint64_t computed = hash64(covered);
    if (stored != computed) {
        return bad_field(offset, field, format_text("{:016x}", stored), format_text("{:016x}", computed));
    }
    return {};
}

Result<Header> read_header(std::span<const std::byte> bytes, QuantizerId expected) {
    if (std::memcmp(bytes.data(), magic, sizeof(magic)) != 0) {
        return bad_field(0, "magic", "something else", "SXTCODEB");
    }
    SEXTANT_TRY(check_hash(bytes.first(header_hash_offset), bytes, header_hash_offset, "header hash"));
    const auto found_version = load_le<std::uint16_t>(bytes, version_offset);
    if (found_version != version) {
        return Error{ErrorCode::unsupported, format_text("codebook: offset {}: version is {}, this library reads {}",
                                                         version_offset, found_version, version)};
    }
    Header header;
    header.quantizer = QuantizerId{load_le<std::uint16_t>(bytes, quantizer_offset)};
    if (header.quantizer != expected) {
        return bad_field(quantizer_offset, "quantizer", static_cast<unsigned>(header.quantizer),
                         static_cast<unsigned>(expected));
    }
    header.dimension = load_le<std::uint32_t>(bytes, dimension_offset);
    if (header.dimension == 0 || header.dimension > limits::max_dimension) {
        return bad_field(dimension_offset, "dimension", header.dimension,
                         format_text("1 .. {}", limits::max_dimension));
    }
    header.step = load_le<float>(bytes, step_offset);
    header.row_error = load_le<float>(bytes, row_error_offset);
    header.error_slope = load_le<float>(bytes, error_slope_offset);
    for (std::size_t i = 0; i < parameter_count; ++i) {
        header.parameters[i] = load_le<std::uint32_t>(bytes, parameter_offset(i));
    }
    return header;
}

}  // namespace

Error corrupt(std::size_t offset, std::string_view field, double got, std::string_view expected) {
    return bad_field(offset, field, got, expected);
}

Result<void> expect_floats(const Codebook& book, std::uint64_t count) {
    if (book.payload.size() == count) return {};
    return bad_field(payload_size_offset, "payload size", book.payload.size() * sizeof(float), count * sizeof(float));
}

Result<void> expect_unused(const Header& header, std::size_t first) {
    for (std::size_t i = first; i < parameter_count; ++i) {
        if (header.parameters[i] != 0) return bad_field(parameter_offset(i), "unused field", header.parameters[i], 0);
    }
    return {};
}

std::vector<std::byte> write(const Header& header, std::span<const float> payload) {
    const std::size_t payload_size = payload.size() * sizeof(float);
    std::vector<std::byte> bytes(header_size + payload_size + hash_size);
    std::byte* out = bytes.data();
    std::memcpy(out, magic, sizeof(magic));
    store_le(out + quantizer_offset, static_cast<std::uint16_t>(header.quantizer));
    store_le(out + version_offset, version);
    store_le(out + dimension_offset, header.dimension);
    store_le(out + payload_size_offset, std::uint64_t{payload_size});
    store_le(out + step_offset, header.step);
    store_le(out + row_error_offset, header.row_error);
    store_le(out + error_slope_offset, header.error_slope);
    for (std::size_t i = 0; i < parameter_count; ++i) store_le(out + parameter_offset(i), header.parameters[i]);
    store_le(out + header_hash_offset, hash64(std::span(bytes).first(header_hash_offset)));
    for (std::size_t i = 0; i < payload.size(); ++i) store_le(out + header_size + i * sizeof(float), payload[i]);
    store_le(out + header_size + payload_size, hash64(std::span(bytes).subspan(header_size, payload_size)));
    return bytes;
}

Result<Codebook> read(std::span<const std::byte> bytes, QuantizerId expected) {
    if (bytes.size() < header_size + hash_size) {
        return bad_field(bytes.size(), "size", bytes.size(), format_text("at least {}", header_size + hash_size));
    }
    SEXTANT_TRY_ASSIGN(const Header header, read_header(bytes, expected));
    const auto payload_size = load_le<std::uint64_t>(bytes, payload_size_offset);
    if (payload_size % sizeof(float) != 0 || payload_size > largest_payload) {
        return bad_field(payload_size_offset, "payload size", payload_size,
                         format_text("a multiple of 4 up to {}", largest_payload));
    }
    // Bounded now, so the sum cannot wrap; and what is allocated below is as large as the bytes that are there.
    if (bytes.size() != header_size + payload_size + hash_size) {
        return bad_field(bytes.size(), "size", bytes.size(), header_size + payload_size + hash_size);
    }
    const auto payload = bytes.subspan(header_size, static_cast<std::size_t>(payload_size));
    SEXTANT_TRY(check_hash(payload, bytes, header_size + payload.size(), "payload hash"));
    Codebook book{header, std::vector<float>(payload.size() / sizeof(float))};
    for (std::size_t i = 0; i < book.payload.size(); ++i) book.payload[i] = load_le<float>(payload, i * sizeof(float));
    return book;
}

}  // namespace sextant::inline v1::codebook_format
