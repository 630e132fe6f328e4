/// PayloadColumn: the encoded payloads of a segment's rows: one array of bytes and where each row's end in it.
/// Invariants: row r is bytes [end(r-1), end(r)), and end(-1) is 0; while every payload is empty there are no arrays.
/// Threads: const-safe; rows a reader knows of do not change. Lifetime: a view lives as long as its column.
/// Layout: docs/format/sections.md. Why ends and not begins: the rows before the first payload need no entry written,
/// as fresh memory says that they end at 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sextant/core/arena.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

/// Null arrays: every payload is empty.
struct PayloadSpans {
    const std::uint64_t* ends = nullptr;
    const std::byte* bytes = nullptr;

    [[nodiscard]] std::span<const std::byte> operator[](std::uint32_t row) const noexcept {
        if (ends == nullptr) return {};
        const std::uint64_t begin = row == 0 ? 0 : ends[row - 1];
        return {bytes + begin, static_cast<std::size_t>(ends[row] - begin)};
    }
};

class PayloadColumn {
public:
    PayloadColumn() = default;
    [[nodiscard]] static Result<PayloadColumn> reserve(std::uint32_t max_rows, std::uint64_t max_bytes,
                                                       MemoryAccount& account);
    [[nodiscard]] static Result<PayloadColumn> exact(std::uint32_t row_count, std::uint64_t byte_count,
                                                     MemoryAccount& account);

    /// Room for rows [0, row_count) and `added` more bytes. `any`: one of them is not empty.
    [[nodiscard]] Result<void> ensure(std::uint32_t row_count, std::uint64_t added, bool any);
    /// REQUIRES: room; rows come in order.
    void append(std::uint32_t row, std::span<const std::byte> blob) noexcept;

    /// Ends and bytes as they lie in a file: to be written out, or read into. REQUIRES: present().
    [[nodiscard]] std::array<std::span<std::byte>, 2> sections(std::uint32_t row_count,
                                                               std::uint64_t byte_count) const noexcept {
        return {ends_.bytes(row_count), bytes_.bytes(byte_count)};
    }
    /// Of a column made by exact() that was read from a file. corruption names the row.
    [[nodiscard]] Result<void> adopt(std::uint32_t row_count, std::uint64_t byte_count);

    /// True once a payload was not empty: from then on view() has arrays.
    [[nodiscard]] bool present() const noexcept { return present_; }
    [[nodiscard]] std::uint64_t used_bytes() const noexcept { return used_; }
    [[nodiscard]] PayloadSpans view() const noexcept;
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept {
        return ends_.arena().committed() + bytes_.arena().committed();
    }

private:
    Column<std::uint64_t> ends_;
    Column<std::byte> bytes_;
    std::uint64_t used_ = 0;
    bool present_ = false;
};

}  // namespace sextant::inline v1
