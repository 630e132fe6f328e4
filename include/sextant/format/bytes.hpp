/// bytes: little-endian numbers to and from bytes, with every read checked against the end.
/// Invariants: a ByteReader never reads outside its span, whatever the bytes say.
/// Threads: confined. Cost: a copy of a few bytes each; compilers make one instruction of it.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace sextant::inline v1::format {

static_assert(std::endian::native == std::endian::little,
              "arrays in files are used in place: a big-endian machine would need conversions that do not exist yet");

/// REQUIRES: sizeof(T) bytes at `from`.
template <std::unsigned_integral T>
[[nodiscard]] inline T load_le(const std::byte* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
}
template <std::unsigned_integral T>
inline void store_le(std::byte* to, T value) noexcept {
    std::memcpy(to, &value, sizeof(T));
}

/// Appends to a vector. Throws std::bad_alloc.
class ByteWriter {
public:
    explicit ByteWriter(std::vector<std::byte>& out) noexcept : out_(&out) {}

    template <std::unsigned_integral T>
    void number(T value) {
        std::byte bytes[sizeof(T)];
        store_le(bytes, value);
        raw(bytes);
    }
    void raw(std::span<const std::byte> bytes) { out_->insert(out_->end(), bytes.begin(), bytes.end()); }
    void zeros(std::size_t count) { out_->resize(out_->size() + count); }
    /// Zero bytes up to a multiple of `unit` from the vector's beginning.
    void pad_to(std::size_t unit) { zeros((unit - out_->size() % unit) % unit); }
    [[nodiscard]] std::size_t size() const noexcept { return out_->size(); }

private:
    std::vector<std::byte>* out_;
};

/// Reads front to back. A read past the end gives zeros and sets failed(): look at it once, at the end.
class ByteReader {
public:
    explicit ByteReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    template <std::unsigned_integral T>
    [[nodiscard]] T number() noexcept {
        const auto bytes = raw(sizeof(T));
        return bytes.size() == sizeof(T) ? load_le<T>(bytes.data()) : T{0};
    }
    /// Empty when fewer are left.
    [[nodiscard]] std::span<const std::byte> raw(std::uint64_t count) noexcept {
        if (failed_ || count > bytes_.size() - at_) {
            failed_ = true;
            return {};
        }
        const auto found = bytes_.subspan(at_, static_cast<std::size_t>(count));
        at_ += found.size();
        return found;
    }
    /// Reads `count` bytes that must be zero.
    void zeros(std::uint64_t count) noexcept {
        for (const std::byte byte : raw(count)) failed_ = failed_ || byte != std::byte{0};
    }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

private:
    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

}  // namespace sextant::inline v1::format
