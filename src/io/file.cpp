#include "sextant/io/file.hpp"

#include "core/format_text.hpp"

namespace sextant::inline v1 {

Result<void> read_exactly(const File& file, std::uint64_t offset, std::span<std::byte> into) {
    SEXTANT_TRY_ASSIGN(const std::size_t count, file.read_at(offset, into));
    if (count == into.size()) return {};
    return Error{ErrorCode::corruption, format_text("{}: {} bytes wanted at offset {}, the file ends after {}",
                                                    file.path(), into.size(), offset, count)};
}

Result<void> File::read_batch(std::span<const ReadRequest> requests) const {
    for (const ReadRequest& request : requests) SEXTANT_TRY(read_exactly(*this, request.offset, request.into));
    return {};
}

}  // namespace sextant::inline v1
