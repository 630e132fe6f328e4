#include "sextant/segment/id_column.hpp"

#include <algorithm>
#include <utility>

#include "core/format_text.hpp"

namespace sextant::inline v1 {

Result<IdColumn> IdColumn::reserve(std::uint32_t max_rows, bool wide, MemoryAccount& account) {
    IdColumn column;
    column.wide_ = wide;
    if (!wide) {
        SEXTANT_TRY_ASSIGN(column.integers_, Column<std::uint64_t>::reserve(max_rows, account, "ids"));
        return column;
    }
    SEXTANT_TRY_ASSIGN(column.bytes_, Column<PointId::Bytes>::reserve(max_rows, account, "ids"));
    SEXTANT_TRY_ASSIGN(column.kinds_, Column<std::uint8_t>::reserve(max_rows, account, "id kinds"));
    return column;
}

Result<IdColumn> IdColumn::exact(std::uint32_t row_count, bool wide, MemoryAccount& account) {
    IdColumn column;
    column.wide_ = wide;
    if (!wide) {
        SEXTANT_TRY_ASSIGN(column.integers_, Column<std::uint64_t>::exact(row_count, account, "ids"));
        return column;
    }
    SEXTANT_TRY_ASSIGN(column.bytes_, Column<PointId::Bytes>::exact(row_count, account, "ids"));
    SEXTANT_TRY_ASSIGN(column.kinds_, Column<std::uint8_t>::exact(row_count, account, "id kinds"));
    return column;
}

Result<void> IdColumn::ensure(std::uint32_t row_count) {
    if (!wide_) return integers_.ensure(row_count);
    SEXTANT_TRY(bytes_.ensure(row_count));
    return kinds_.ensure(row_count);
}

void IdColumn::set(std::uint32_t row, const PointId& id) noexcept {
    if (!wide_) {
        integers_[row] = id.integer();
        return;
    }
    bytes_[row] = id.bytes();
    kinds_[row] = id.is_uuid() ? 1 : 0;
}

IdView IdColumn::view() const noexcept {
    if (!wide_) return {.integers = integers_.data()};
    return {.bytes = bytes_.data(), .kinds = kinds_.data()};
}

std::uint64_t IdColumn::memory_bytes() const noexcept {
    return integers_.arena().committed() + bytes_.arena().committed() + kinds_.arena().committed();
}

std::array<std::span<std::byte>, 2> IdColumn::sections(std::uint32_t row_count) const noexcept {
    if (!wide_) return {integers_.bytes(row_count), {}};
    return {bytes_.bytes(row_count), kinds_.bytes(row_count)};
}

Result<void> IdColumn::check(std::uint32_t row_count) const {
    if (!wide_) return {};
    for (std::uint32_t row = 0; row < row_count; ++row) {
        const PointId::Bytes& bytes = bytes_[row];
        const bool integer = kinds_[row] == 0;
        const bool zeros =
            std::all_of(bytes.begin(), bytes.begin() + 8, [](auto byte) { return byte == decltype(byte){}; });
        if (kinds_[row] > 1 || (integer && !zeros)) {
            return Error{ErrorCode::corruption, format_text("ids: row {}: kind {} does not suit its bytes", row,
                                                            static_cast<unsigned>(kinds_[row]))};
        }
    }
    return {};
}

}  // namespace sextant::inline v1
