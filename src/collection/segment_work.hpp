/// SegmentWork: a sealed segment that is being made for the disk: where its files go, and how fast they may be written.
/// Threads: confined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

#include "rate_limit.hpp"
#include "sextant/segment/segment_draft.hpp"
#include "store.hpp"

namespace sextant::inline v1::detail {

class SegmentWork {
public:
    /// Makes the temporary directory. `bytes_per_second`: 0 for no limit.
    [[nodiscard]] static Result<std::unique_ptr<SegmentWork>> begin(Store& store, std::uint64_t bytes_per_second,
                                                                    const std::stop_token& stop) {
        const SegmentPlace place = store.segment(store.take_number());
        std::unique_ptr<SegmentWork> work(
            new SegmentWork(place, store.residency() != Residency::resident, bytes_per_second, stop));
        SEXTANT_TRY_ASSIGN(work->draft_, SegmentDraft::create(place, stop, *work));
        return work;
    }
    /// Told of each piece that was written.
    void operator()(std::size_t bytes) {
        limit_.spend(bytes, stop_);
        if (watch_) watch_(bytes);
    }
    /// Told of each piece from now on, too. Empty: nobody.
    void watch(std::function<void(std::size_t)> watch) { watch_ = std::move(watch); }

    [[nodiscard]] const SegmentPlace& place() const noexcept { return place_; }
    [[nodiscard]] const std::stop_token& stop() const noexcept { return stop_; }
    [[nodiscard]] SegmentDraft& draft() noexcept { return *draft_; }
    /// For who builds the segment: null where it fits into memory.
    [[nodiscard]] SegmentDraft* draft_to_build_in() noexcept { return builds_on_disk_ ? draft_.get() : nullptr; }

private:
    SegmentWork(SegmentPlace place, bool builds_on_disk, std::uint64_t bytes_per_second, std::stop_token stop)
        : place_(std::move(place)), builds_on_disk_(builds_on_disk), limit_(bytes_per_second), stop_(std::move(stop)) {}

    SegmentPlace place_;
    bool builds_on_disk_;
    RateLimit limit_;
    std::stop_token stop_;
    std::function<void(std::size_t)> watch_;
    std::unique_ptr<SegmentDraft> draft_;
};

}  // namespace sextant::inline v1::detail
