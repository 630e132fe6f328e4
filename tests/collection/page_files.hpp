/// page_files: what the pages of docs/format have in common: little-endian numbers, the header of a file, checksums,
/// sealed bodies. Written from the pages, not from the library.
/// Threads: confined. Lifetime: views of the bytes of the files.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/core/hash.hpp"
#include "support/catch.hpp"

namespace test_support {

class PageBytes {
public:
    PageBytes() = default;
    explicit PageBytes(std::span<const std::byte> bytes) : bytes_(bytes) {}

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] std::span<const std::byte> all() const { return bytes_; }
    [[nodiscard]] PageBytes part(std::uint64_t offset, std::uint64_t size) const {
        REQUIRE(offset <= bytes_.size());
        REQUIRE(size <= bytes_.size() - offset);
        return PageBytes(bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size)));
    }
    [[nodiscard]] PageBytes from(std::uint64_t offset) const { return part(offset, size() - offset); }
    [[nodiscard]] std::uint8_t u8(std::uint64_t offset) const { return static_cast<std::uint8_t>(number(offset, 1)); }
    [[nodiscard]] std::uint16_t u16(std::uint64_t offset) const {
        return static_cast<std::uint16_t>(number(offset, 2));
    }
    [[nodiscard]] std::uint32_t u32(std::uint64_t offset) const {
        return static_cast<std::uint32_t>(number(offset, 4));
    }
    [[nodiscard]] std::uint64_t u64(std::uint64_t offset) const { return number(offset, 8); }
    [[nodiscard]] float f32(std::uint64_t offset) const { return std::bit_cast<float>(u32(offset)); }
    [[nodiscard]] std::vector<float> floats(std::uint64_t offset, std::size_t count) const {
        std::vector<float> values(count);
        for (std::size_t i = 0; i < count; ++i) values[i] = f32(offset + 4 * i);
        return values;
    }
    /// IEEE 754: a sign, five bits of exponent, ten of fraction.
    [[nodiscard]] float f16(std::uint64_t offset) const {
        const std::uint16_t bits = u16(offset);
        const int exponent = (bits >> 10U) & 31;
        const int fraction = bits & 1023;
        CHECK(exponent != 31);
        const float size = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                         : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
        return (bits >> 15U) != 0 ? -size : size;
    }
    [[nodiscard]] std::vector<float> halves(std::uint64_t offset, std::size_t count) const {
        std::vector<float> values(count);
        for (std::size_t i = 0; i < count; ++i) values[i] = f16(offset + 2 * i);
        return values;
    }
    [[nodiscard]] bool zero(std::uint64_t offset, std::uint64_t size) const {
        for (const std::byte byte : part(offset, size).all()) {
            if (byte != std::byte{0}) return false;
        }
        return true;
    }
    [[nodiscard]] std::string text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

private:
    [[nodiscard]] std::uint64_t number(std::uint64_t offset, std::size_t size) const {
        std::uint64_t value = 0;
        const PageBytes bytes = part(offset, size);
        for (std::size_t i = size; i-- > 0;) value = value << 8U | std::to_integer<std::uint64_t>(bytes.bytes_[i]);
        return value;
    }

    std::span<const std::byte> bytes_;
};

/// docs/format/file_header.md and, for sealed bodies, docs/format/segment.md.
class PageFiles {
public:
    explicit PageFiles(const std::map<std::string, std::vector<std::byte>>& files) : files_(&files) {}

    std::array<std::byte, 16> collection = {};

    [[nodiscard]] const std::map<std::string, std::vector<std::byte>>& all() const { return *files_; }
    [[nodiscard]] bool has(const std::string& path) const { return files_->count(path) == 1; }
    [[nodiscard]] PageBytes bytes(const std::string& path) const {
        INFO(path);
        REQUIRE(has(path));
        return PageBytes(files_->at(path));
    }
    [[nodiscard]] std::uint64_t seed(std::uint16_t kind, std::uint64_t number, std::uint64_t position) const {
        std::vector<std::byte> input(collection.begin(), collection.end());
        const auto append = [&](std::uint64_t value, std::size_t size) {
            for (std::size_t i = 0; i < size; ++i) input.push_back(static_cast<std::byte>(value >> (8 * i)));
        };
        append(number, 8);
        append(position, 8);
        append(kind, 2);
        REQUIRE(input.size() == 34);
        return sextant::hash64(input);
    }
    /// The file, whose header is right; its sequence.
    PageBytes file(const std::string& path, std::uint16_t kind, std::uint64_t number, std::uint64_t& sequence) const {
        const PageBytes bytes = this->bytes(path);
        INFO(path);
        REQUIRE(bytes.size() >= 64);
        CHECK(bytes.part(0, 8).text() == "SEXTANT\n");
        CHECK(bytes.u16(8) == kind);
        CHECK(bytes.u16(10) == 1);
        CHECK(bytes.u32(12) == 0);
        CHECK(bytes.u64(16) == number);
        CHECK(std::memcmp(bytes.all().data() + 24, collection.data(), collection.size()) == 0);
        sequence = bytes.u64(40);
        CHECK(bytes.u64(48) == 0);
        CHECK(bytes.u64(56) == sextant::hash64(bytes.part(0, 56).all()));
        return bytes;
    }
    /// The whole file: its body begins at 80, as on the pages.
    PageBytes sealed(const std::string& path, std::uint16_t kind, std::uint64_t number, std::uint64_t& sequence) const {
        const PageBytes bytes = file(path, kind, number, sequence);
        INFO(path);
        CHECK(bytes.u64(64) == bytes.size() - 80);
        CHECK(bytes.u64(72) == sextant::hash64(bytes.from(80).all(), seed(kind, number, 80)));
        return bytes;
    }

private:
    const std::map<std::string, std::vector<std::byte>>* files_;
};

}  // namespace test_support
