#include "sextant/segment/section_map.hpp"

#include <algorithm>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/format/file_header.hpp"

namespace sextant::inline v1 {

SectionMap::SectionMap(std::unique_ptr<MappedFile> rows, std::unique_ptr<MappedFile> scans, std::string path,
                       const format::FileIdentity& identity, format::FileEntry entry, std::vector<Section> sections)
    : rows_(std::move(rows)),
      scans_(std::move(scans)),
      path_(std::move(path)),
      identity_(identity),
      entry_(std::move(entry)),
      sections_(std::move(sections)),
      checked_(std::make_unique<std::atomic<bool>[]>(entry_.blocks.size())) {}

Result<void> SectionMap::check_block(std::uint64_t index, const MappedFile& file) const {
    std::atomic<bool>& checked = checked_[static_cast<std::size_t>(index)];
    if (checked.load(std::memory_order_relaxed)) return {};
    const std::uint64_t at = index * format::block_size;
    const auto block =
        file.bytes().subspan(static_cast<std::size_t>(at),
                             static_cast<std::size_t>(std::min<std::uint64_t>(format::block_size, entry_.size - at)));
    file.will_need(static_cast<std::size_t>(at), block.size());
    const std::uint64_t computed = format::block_checksum(identity_, index, block);
    const std::uint64_t stored = entry_.blocks[static_cast<std::size_t>(index)];
    if (computed != stored) {
        return format::damaged(
            path_, at, format_text("checksum of block {} is {:016x}, computed {:016x}", index, stored, computed));
    }
    checked.store(true, std::memory_order_relaxed);
    return {};
}

Result<void> SectionMap::check(std::size_t section, std::uint64_t first, std::uint64_t size) const {
    if (size == 0 || all_checked_.load(std::memory_order_relaxed)) return {};
    const std::uint64_t begin = sections_[section].offset + first;
    const std::uint64_t last = (begin + size - 1) / format::block_size;
    for (std::uint64_t index = begin / format::block_size; index <= last; ++index) {
        SEXTANT_TRY(check_block(index, *rows_));
    }
    return {};
}

Result<void> SectionMap::check_all(const std::stop_token& stop) const {
    if (all_checked_.load(std::memory_order_relaxed)) return {};
    for (std::uint64_t index = 0; index < entry_.blocks.size(); ++index) {
        if (stop.stop_requested())
            return Error{ErrorCode::cancelled, format_text("{}: checking it was cancelled", path_)};
        SEXTANT_TRY(check_block(index, *scans_));
    }
    all_checked_.store(true, std::memory_order_relaxed);
    return {};
}

}  // namespace sextant::inline v1
