#include "commit_queue.hpp"

#include <algorithm>
#include <utility>

#include "core_state.hpp"

namespace sextant::inline v1::detail {

CommitQueue::Ticket CommitQueue::push(VersionCell<Version>::Prepared prepared, const Version& version,
                                      Durability durability) noexcept {
    const bool sync = core_.log != nullptr && durability == Durability::Sync;
    core_.current = &version;
    if (!sync && waiting_.empty()) {
        core_.cell.publish(std::move(prepared));
        return 0;
    }
    waiting_.push_back({std::move(prepared), sync ? static_cast<std::uint64_t>(version.last) : 0});
    return ++pushed_;
}

CommitQueue::Ticket CommitQueue::publish_ready() noexcept {
    const MutexLock lock(core_.write_mutex);
    const std::uint64_t synced = core_.log->synced();
    std::size_t ready = 0;
    while (ready < waiting_.size() && waiting_[ready].needs <= synced) ++ready;
    if (ready > 0) {
        // Those before it are freed unseen: a later version shows all that they would have shown.
        core_.cell.publish(std::move(waiting_[ready - 1].prepared));
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(ready));
    }
    return pushed_ - waiting_.size();
}

Result<void> CommitQueue::wait(Ticket ticket) {
    while (ticket != 0) {
        {
            const MutexLock lock(mutex_);
            while (syncing_ && visible_ < ticket && !failure_.has_value()) changed_.wait(mutex_);
            if (visible_ >= ticket) return {};
            if (failure_.has_value()) return *failure_;
            syncing_ = true;
        }
        auto synced = core_.log->sync();
        // Also after an error: the log may have been closed meanwhile, with all of it on the disk.
        const Ticket visible = publish_ready();
        const MutexLock lock(mutex_);
        syncing_ = false;
        visible_ = std::max(visible_, visible);
        if (!synced) failure_ = std::move(synced).error();
        changed_.notify_all();
    }
    return {};
}

void CommitQueue::settle() noexcept {
    const Ticket visible = publish_ready();
    const MutexLock lock(mutex_);
    visible_ = std::max(visible_, visible);
    changed_.notify_all();
}

Result<void> CommitQueue::flush() {
    if (core_.log == nullptr) return {};
    SEXTANT_TRY(core_.log->sync());
    settle();
    return {};
}

}  // namespace sextant::inline v1::detail
