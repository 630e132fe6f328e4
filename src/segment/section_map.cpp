#include "sextant/segment/section_map.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/format/file_header.hpp"

namespace sextant::inline v1 {

SectionMap::SectionMap(Source source, const format::FileIdentity& identity, format::FileEntry entry,
                       std::vector<Section> sections)
    : rows_(std::move(source.rows)),
      scans_(std::move(source.scans)),
      path_(std::move(source.path)),
      identity_(identity),
      entry_(std::move(entry)),
      sections_(std::move(sections)),
      checked_(std::make_unique<std::atomic<bool>[]>(entry_.blocks.size())),
      file_(std::move(source.file)) {}

/// REQUIRES: these are the bytes of the block.
Result<void> SectionMap::check_bytes(std::uint64_t index, std::span<const std::byte> block) const {
    const std::uint64_t computed = format::block_checksum(identity_, index, block);
    const std::uint64_t stored = entry_.blocks[static_cast<std::size_t>(index)];
    if (computed != stored) {
        return format::damaged(
            path_, index * format::block_size,
            format_text("checksum of block {} is {:016x}, computed {:016x}", index, stored, computed));
    }
    checked_[static_cast<std::size_t>(index)].store(true, std::memory_order_relaxed);
    return {};
}

Result<void> SectionMap::check_block(std::uint64_t index, const MappedFile& file) const {
    if (checked_[static_cast<std::size_t>(index)].load(std::memory_order_relaxed)) return {};
    const std::uint64_t at = index * format::block_size;
    const auto block =
        file.bytes().subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(block_end(index) - at));
    file.will_need(static_cast<std::size_t>(at), block.size());
    return check_bytes(index, block);
}

bool SectionMap::is_checked(std::uint64_t first, std::uint64_t size) const noexcept {
    if (size == 0 || all_checked_.load(std::memory_order_relaxed)) return true;
    const std::uint64_t last = (first + size - 1) / format::block_size;
    for (std::uint64_t index = first / format::block_size; index <= last; ++index) {
        if (!checked_[static_cast<std::size_t>(index)].load(std::memory_order_relaxed)) return false;
    }
    return true;
}

bool SectionMap::at_hand(std::size_t section, std::uint64_t first, std::uint64_t size) const noexcept {
    const std::uint64_t begin = sections_[section].offset + first;
    return is_checked(begin, size) &&
           (size == 0 || rows_->in_memory(static_cast<std::size_t>(begin), static_cast<std::size_t>(size)));
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

/// One call of copy(). Parts that touch a block which was not checked are cut out of whole blocks, some of which are read
/// and checked at a time; the others are read as they are, together with the first blocks.
class SectionMap::Copy {
public:
    Copy(const SectionMap& map, std::uint64_t offset, std::span<const Part> parts, QueryScratch& scratch)
        : map_(map),
          offset_(offset),
          parts_(parts),
          scratch_(scratch),
          requests_(scratch.take<ReadRequest>(parts.size() + blocks_at_once)),
          waiting_(scratch.take<std::uint32_t>(parts.size())) {}

    Result<void> run() {
        std::size_t block_count = 0;
        for (std::size_t i = 0; i < parts_.size(); ++i) block_count += take_part(static_cast<std::uint32_t>(i));
        if (waiting_count_ == 0) return read_requests();
        list_blocks(block_count);
        const auto room = scratch_.take<std::byte>(std::min(blocks_.size(), blocks_at_once) * format::block_size);
        while (!blocks_.empty()) {
            const auto some = blocks_.first(std::min(blocks_.size(), blocks_at_once));
            SEXTANT_TRY(read_blocks(some, room));
            blocks_ = blocks_.subspan(some.size());
        }
        return {};
    }

private:
    /// 256 KiB of scratch, which stays with the thread.
    static constexpr std::size_t blocks_at_once = 4;

    [[nodiscard]] std::uint64_t begin_of(const Part& part) const noexcept { return offset_ + part.first; }

    /// Returns how many blocks must be read for it.
    std::size_t take_part(std::uint32_t index) noexcept {
        const Part& part = parts_[index];
        const std::uint64_t begin = begin_of(part);
        if (!map_.is_checked(begin, part.into.size())) {
            waiting_[waiting_count_++] = index;
            const std::uint64_t last = (begin + part.into.size() - 1) / format::block_size;
            return static_cast<std::size_t>(last - begin / format::block_size + 1);
        }
        const auto at = static_cast<std::size_t>(begin);
        if (part.into.empty()) return 0;
        if (map_.file_ == nullptr || map_.rows_->in_memory(at, part.into.size())) {
            std::memcpy(part.into.data(), map_.rows_->bytes().data() + at, part.into.size());
        } else {
            ::new (&requests_[request_count_++]) ReadRequest{begin, part.into};
        }
        return 0;
    }

    void list_blocks(std::size_t count) {
        blocks_ = scratch_.take<std::uint64_t>(count);
        std::size_t next = 0;
        for (const std::uint32_t index : waiting_.first(waiting_count_)) {
            const Part& part = parts_[index];
            const std::uint64_t last = (begin_of(part) + part.into.size() - 1) / format::block_size;
            for (std::uint64_t b = begin_of(part) / format::block_size; b <= last; ++b) blocks_[next++] = b;
        }
        std::sort(blocks_.begin(), blocks_.end());
        const auto end = std::unique(blocks_.begin(), blocks_.end());
        blocks_ = blocks_.first(static_cast<std::size_t>(end - blocks_.begin()));
    }

    Result<void> read_requests() {
        const auto requests = requests_.first(std::exchange(request_count_, 0));
        if (requests.empty()) return {};
        return map_.file_->read_batch(requests);
    }

    Result<void> read_blocks(std::span<const std::uint64_t> blocks, std::span<std::byte> room) {
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const std::uint64_t at = blocks[i] * format::block_size;
            const auto into =
                room.subspan(i * format::block_size, static_cast<std::size_t>(map_.block_end(blocks[i]) - at));
            if (map_.file_ == nullptr) {
                std::memcpy(into.data(), map_.rows_->bytes().data() + at, into.size());
            } else {
                ::new (&requests_[request_count_++]) ReadRequest{at, into};
            }
        }
        SEXTANT_TRY(read_requests());
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const std::uint64_t at = blocks[i] * format::block_size;
            const auto block =
                room.subspan(i * format::block_size, static_cast<std::size_t>(map_.block_end(blocks[i]) - at));
            SEXTANT_TRY(map_.check_bytes(blocks[i], block));
            for (const std::uint32_t index : waiting_.first(waiting_count_)) cut_out(parts_[index], at, block);
        }
        return {};
    }

    void cut_out(const Part& part, std::uint64_t at, std::span<const std::byte> block) const noexcept {
        const std::uint64_t begin = std::max(begin_of(part), at);
        const std::uint64_t end = std::min(begin_of(part) + part.into.size(), at + block.size());
        if (begin >= end) return;
        std::memcpy(part.into.data() + (begin - begin_of(part)), block.data() + (begin - at),
                    static_cast<std::size_t>(end - begin));
    }

    const SectionMap& map_;
    std::uint64_t offset_;
    std::span<const Part> parts_;
    QueryScratch& scratch_;
    std::span<ReadRequest> requests_;
    std::span<std::uint32_t> waiting_;
    std::span<std::uint64_t> blocks_;
    std::size_t request_count_ = 0;
    std::size_t waiting_count_ = 0;
};

Result<void> SectionMap::copy(std::size_t section, std::span<const Part> parts, QueryScratch& scratch) const {
    return Copy(*this, sections_[section].offset, parts, scratch).run();
}

}  // namespace sextant::inline v1
