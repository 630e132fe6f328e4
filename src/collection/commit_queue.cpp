#include "commit_queue.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "core_state.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::int64_t longest_gathering_ns = 2'000'000;
constexpr std::uint32_t most_penalty = 63;  // rounds

}  // namespace

void CommitQueue::reserve() {
    const MutexLock lock(queue_mutex_);
    waiting_.reserve(waiting_.size() + 1);
}

CommitQueue::Ticket CommitQueue::push(VersionCell<Version>::Prepared prepared, const Version& version,
                                      Durability durability) noexcept {
    const bool sync = core_.log != nullptr && durability == Durability::Sync;
    const MutexLock lock(queue_mutex_);
    if (!sync && waiting_.empty()) {
        core_.cell.publish(std::move(prepared));
        return 0;
    }
    waiting_.push_back({std::move(prepared), sync ? static_cast<std::uint64_t>(version.last) : 0});
    return pushed_.fetch_add(1, std::memory_order_release) + 1;
}

void CommitQueue::replace_all(VersionCell<Version>::Prepared prepared) noexcept {
    const MutexLock lock(queue_mutex_);
    core_.cell.publish(std::move(prepared));
    if (waiting_.empty()) return;
    // The log failed, and they are never shown. Their writers may be about to ask.
    last_shown_ = pushed_.load(std::memory_order_relaxed) - waiting_.size();
    waiting_.clear();
}

CommitQueue::Shown CommitQueue::publish_ready() noexcept {
    const std::uint64_t synced = core_.log->synced();
    const MutexLock lock(queue_mutex_);
    if (last_shown_.has_value()) return {*last_shown_, true};
    std::size_t ready = 0;
    while (ready < waiting_.size() && waiting_[ready].needs <= synced) ++ready;
    if (ready > 0) {
        // Those before it are freed unseen: a later version shows all that they would have shown.
        core_.cell.publish(std::move(waiting_[ready - 1].prepared));
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(ready));
    }
    return {pushed_.load(std::memory_order_relaxed) - waiting_.size(), false};
}

Result<void> CommitQueue::wait(Ticket ticket) {
    bool follows = false;  // on a sync that was for others
    while (ticket != 0) {
        {
            const MutexLock lock(mutex_);
            if (wanted_ != 0 && pushed_.load(std::memory_order_relaxed) >= wanted_) gathered_.notify_one();
            while (syncing_ && visible_ < ticket && !failure_.has_value()) {
                follows = true;
                rounds_[ticket <= covered_ ? round_ : 1 - round_].wait(mutex_);
            }
            if (visible_ >= ticket) return {};
            if (failure_.has_value()) return *failure_;
            syncing_ = true;
            gather(follows);
            // Acquire: what was pushed before is in the log.
            covered_ = pushed_.load(std::memory_order_acquire);
        }
        const auto begin = std::chrono::steady_clock::now();
        auto synced = core_.log->sync();
        const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begin;
        // Also after an error: the log may have been closed meanwhile, with all of it on the disk.
        const Shown shown = publish_ready();
        if (synced && shown.forgotten) {
            synced = Error{ErrorCode::closed, "the collection was closed before the write was known to be on the disk"};
        }
        end_round(shown.last, synced ? std::nullopt : std::optional<Error>(std::move(synced).error()), took.count());
    }
    return {};
}

void CommitQueue::gather(bool follows) {
    // Who was served last, without the caller if it was one of them.
    const Ticket others = last_served_ - (follows || last_served_ == 0 ? 0 : 1);
    if (others == 0) return;
    if (pass_over_ > 0) {
        --pass_over_;
        return;
    }
    const Ticket here = pushed_.load(std::memory_order_relaxed);
    wanted_ = here + others;
    covered_ = std::numeric_limits<Ticket>::max();  // who comes now is served by the sync that follows
    const auto end = last_end_ + std::chrono::nanoseconds(std::min(sync_ns_ / 2, longest_gathering_ns));
    auto left = end - std::chrono::steady_clock::now();
    while (left.count() > 0 && pushed_.load(std::memory_order_relaxed) < wanted_) {
        gathered_.wait_for(mutex_, left);
        left = end - std::chrono::steady_clock::now();
    }
    // Where writers take their time between two writes, waiting for them costs more than it saves.
    const bool some = pushed_.load(std::memory_order_relaxed) >= here + (others + 1) / 2;
    penalty_ = some ? 0 : std::min(2 * penalty_ + 1, most_penalty);
    pass_over_ = penalty_;
    wanted_ = 0;
}

void CommitQueue::end_round(Ticket visible, std::optional<Error> failure, std::int64_t sync_ns) noexcept {
    const MutexLock lock(mutex_);
    syncing_ = false;
    last_served_ = visible > visible_ ? visible - visible_ : 0;
    last_end_ = std::chrono::steady_clock::now();
    sync_ns_ = sync_ns_ == 0 ? sync_ns : (7 * sync_ns_ + sync_ns) / 8;
    visible_ = std::max(visible_, visible);
    if (failure.has_value()) failure_ = std::move(failure);
    rounds_[round_].notify_all();
    round_ = 1 - round_;
    // Some who came after the sync began may be served by it all the same.
    if (visible_ > covered_ || failure_.has_value()) {
        rounds_[round_].notify_all();
    } else {
        rounds_[round_].notify_one();
    }
}

void CommitQueue::settle() noexcept {
    const Ticket visible = publish_ready().last;
    const MutexLock lock(mutex_);
    visible_ = std::max(visible_, visible);
    for (CondVar& round : rounds_) round.notify_all();
}

Result<void> CommitQueue::flush() {
    if (core_.log == nullptr) return {};
    SEXTANT_TRY(core_.log->sync());
    settle();
    return {};
}

}  // namespace sextant::inline v1::detail
