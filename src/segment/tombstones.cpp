#include "sextant/segment/tombstones.hpp"

#include <cstring>
#include <utility>

#include "sextant/core/assert.hpp"

namespace sextant::inline v1 {
namespace {

void set_bit(std::uint64_t* words, std::uint32_t row) noexcept {
    // Relaxed: no one reads these bits before the set is published, which releases them.
    std::uint64_t* word = words + (row >> 6U);
    __atomic_store_n(word, *word | (std::uint64_t{1} << (row & 63U)), __ATOMIC_RELAXED);
}

}  // namespace

Result<detail::TombstoneBits*> Tombstones::free_bits() {
    for (const auto& bits : bits_) {
        if (!bits->in_use.load(std::memory_order_acquire)) return bits.get();
    }
    auto fresh = std::make_unique<detail::TombstoneBits>();
    SEXTANT_TRY_ASSIGN(fresh->words, Column<std::uint64_t>::exact(word_count(), *account_, "tombstones"));
    fresh->stale = current_ != nullptr;  // all clear is right only while nothing is dead
    fresh->applied = log_begin_;
    bits_.push_back(std::move(fresh));
    return bits_.back().get();
}

void Tombstones::catch_up(detail::TombstoneBits& bits) noexcept {
    std::uint64_t* words = bits.words.data();
    if (bits.stale || bits.applied < log_begin_) {
        if (current_ == nullptr) {
            std::memset(words, 0, word_count() * sizeof(std::uint64_t));
            bits.applied = log_begin_;
        } else {
            std::memcpy(words, current_->view().words, word_count() * sizeof(std::uint64_t));
            bits.applied = current_->bits_->applied;
        }
        bits.stale = false;
    }
    for (std::uint64_t at = bits.applied; at < log_begin_ + log_.size(); ++at) {
        set_bit(words, log_[static_cast<std::size_t>(at - log_begin_)]);
    }
    bits.applied = log_begin_ + log_.size();
}

Result<std::shared_ptr<const TombstoneSet>> Tombstones::prepare(std::span<const std::uint32_t> rows) {
    SEXTANT_ASSERT(prepared_count_ == 0);
    SEXTANT_TRY_ASSIGN(detail::TombstoneBits* const bits, free_bits());
    const auto count = static_cast<std::uint32_t>(this->count() + rows.size());
    log_.reserve(log_.size() + rows.size());
    auto set = std::make_shared<const TombstoneSet>(*bits, word_count() * 64, count);
    bits->in_use.store(true, std::memory_order_relaxed);
    // From here on nothing fails.
    log_.insert(log_.end(), rows.begin(), rows.end());
    prepared_count_ = rows.size();
    catch_up(*bits);
    return set;
}

void Tombstones::commit(const std::shared_ptr<const TombstoneSet>& prepared) noexcept {
    prepared_count_ = 0;
    current_ = prepared;
    // Replaying a row costs about 16 times what copying a word does: past that a copy is cheaper, and the log is cut.
    if (log_.size() > word_count() / 16 + 1024) {
        log_begin_ += log_.size();
        log_.clear();
    }
    if (bits_.size() > 3) trim();
}

/// Keeps two bitmaps that no version holds. A reader that stayed long while rows died left one for each write behind.
void Tombstones::trim() noexcept {
    std::size_t idle = 0;
    std::erase_if(bits_, [&idle](const std::unique_ptr<detail::TombstoneBits>& bits) {
        return !bits->in_use.load(std::memory_order_acquire) && ++idle > 2;
    });
}

void Tombstones::abandon(const std::shared_ptr<const TombstoneSet>& prepared) noexcept {
    prepared->bits_->stale = true;
    log_.resize(log_.size() - prepared_count_);
    prepared_count_ = 0;
}

std::uint64_t Tombstones::memory_bytes() const noexcept {
    std::uint64_t total = 0;
    for (const auto& bits : bits_) total += bits->words.arena().committed();
    return total;
}

}  // namespace sextant::inline v1
