#include "sextant/segment/payload_column.hpp"

#include <cstring>

#include "core/format_text.hpp"
#include "sextant/core/limits.hpp"

namespace sextant::inline v1 {

Result<PayloadColumn> PayloadColumn::reserve(std::uint32_t max_rows, std::uint64_t max_bytes, MemoryAccount& account) {
    PayloadColumn column;
    SEXTANT_TRY_ASSIGN(column.ends_, Column<std::uint64_t>::reserve(max_rows, account, "payload ends"));
    SEXTANT_TRY_ASSIGN(column.bytes_, Column<std::byte>::reserve(max_bytes, account, "payloads"));
    return column;
}

Result<PayloadColumn> PayloadColumn::exact(std::uint32_t row_count, std::uint64_t byte_count, MemoryAccount& account) {
    PayloadColumn column;
    if (byte_count == 0) return column;
    SEXTANT_TRY_ASSIGN(column.ends_, Column<std::uint64_t>::exact(row_count, account, "payload ends"));
    SEXTANT_TRY_ASSIGN(column.bytes_, Column<std::byte>::exact(byte_count, account, "payloads"));
    column.present_ = true;
    return column;
}

Result<void> PayloadColumn::ensure(std::uint32_t row_count, std::uint64_t added, bool any) {
    if (!present_ && !any) return {};
    SEXTANT_TRY(ends_.ensure(row_count));
    return bytes_.ensure(used_ + added);
}

void PayloadColumn::append(std::uint32_t row, std::span<const std::byte> blob) noexcept {
    if (!present_) {
        if (blob.empty()) return;
        present_ = true;
    }
    if (!blob.empty()) std::memcpy(bytes_.data() + used_, blob.data(), blob.size());
    used_ += blob.size();
    ends_[row] = used_;
}

Result<void> PayloadColumn::adopt(std::uint32_t row_count, std::uint64_t byte_count) {
    std::uint64_t before = 0;
    for (std::uint32_t row = 0; present_ && row < row_count; ++row) {
        const std::uint64_t end = ends_[row];
        if (end < before || end > byte_count || end - before > limits::max_payload_size) {
            return Error{ErrorCode::corruption,
                         format_text("payload: row {}: it ends at {}, the one before at {}, all at {}", row, end,
                                     before, byte_count)};
        }
        before = end;
    }
    if (before != byte_count) {
        return Error{ErrorCode::corruption,
                     format_text("payload: the last row ends at {}, all at {}", before, byte_count)};
    }
    used_ = byte_count;
    return {};
}

PayloadSpans PayloadColumn::view() const noexcept {
    if (!present_) return {};
    return {ends_.data(), bytes_.data()};
}

}  // namespace sextant::inline v1
