/// IdColumn, IdView: the point ids of a segment's rows.
/// Invariants: a narrow column holds integers only, 8 bytes a row; a wide one any id, 16 bytes and a kind byte. A column
/// is narrow or wide for life: the first UUID opens a new growing segment instead of widening one under its readers.
/// Threads: const-safe; rows a reader knows of do not change. Lifetime: a view lives as long as its column.
/// Layout: docs/format/sections.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sextant/core/arena.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/point_id.hpp"
#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

struct IdView {
    const std::uint64_t* integers = nullptr;  ///< narrow
    const PointId::Bytes* bytes = nullptr;    ///< wide, with kinds
    const std::uint8_t* kinds = nullptr;      ///< 0 integer, 1 UUID

    [[nodiscard]] bool wide() const noexcept { return bytes != nullptr; }
    [[nodiscard]] PointId operator[](std::uint32_t row) const noexcept {
        if (integers != nullptr) return PointId(integers[row]);
        const PointId as_uuid = PointId::from_uuid(bytes[row]);
        return kinds[row] != 0 ? as_uuid : PointId(as_uuid.integer());
    }
    [[nodiscard]] bool equals(std::uint32_t row, const PointId& id) const noexcept {
        if (integers != nullptr) return id.is_integer() && integers[row] == id.integer();
        return (*this)[row] == id;
    }
};

class IdColumn {
public:
    IdColumn() = default;
    [[nodiscard]] static Result<IdColumn> reserve(std::uint32_t max_rows, bool wide, MemoryAccount& account);
    [[nodiscard]] static Result<IdColumn> exact(std::uint32_t row_count, bool wide, MemoryAccount& account);

    [[nodiscard]] Result<void> ensure(std::uint32_t row_count);
    /// REQUIRES: ensure(row + 1) succeeded; an integer where the column is narrow.
    void set(std::uint32_t row, const PointId& id) noexcept;
    [[nodiscard]] IdView view() const noexcept;
    [[nodiscard]] bool wide() const noexcept { return wide_; }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;
    /// The ids, and the kinds of wide ones (empty otherwise), as they lie in a file: to be written out, or read into.
    [[nodiscard]] std::array<std::span<std::byte>, 2> sections(std::uint32_t row_count) const noexcept;
    /// Of a column that was read from a file. corruption names the row.
    [[nodiscard]] Result<void> check(std::uint32_t row_count) const;

private:
    bool wide_ = false;
    Column<std::uint64_t> integers_;
    Column<PointId::Bytes> bytes_;
    Column<std::uint8_t> kinds_;
};

}  // namespace sextant::inline v1
