#include "wal/log_window.hpp"

#include <algorithm>

namespace sextant::inline v1::detail {
namespace {

constexpr std::uint64_t piece = std::uint64_t{1} << 20U;

}  // namespace

Result<LogWindow> LogWindow::over(const File& file) {
    SEXTANT_TRY_ASSIGN(const std::uint64_t size, file.size());
    return LogWindow(file, size);
}

Result<std::span<const std::byte>> LogWindow::at(std::uint64_t position, std::uint64_t size) {
    if (position >= file_size_) return std::span<const std::byte>{};
    const std::uint64_t wanted = std::min(size, file_size_ - position);
    if (position < begin_ || position - begin_ > held_ || held_ - (position - begin_) < wanted) {
        const auto reading = static_cast<std::size_t>(std::min(std::max(wanted, piece), file_size_ - position));
        held_ = 0;
        if (reading > capacity_) {
            bytes_.reset();  // before the next one, so that both are never there at once
            capacity_ = 0;
            // Not zeroed first, as make_unique would.
            bytes_ = std::unique_ptr<std::byte[]>(new std::byte[reading]);
            capacity_ = reading;
        }
        SEXTANT_TRY_ASSIGN(held_, file_->read_at(position, {bytes_.get(), reading}));
        begin_ = position;
    }
    const auto skipped = static_cast<std::size_t>(position - begin_);
    return std::span<const std::byte>(bytes_.get() + skipped, held_ - skipped);
}

}  // namespace sextant::inline v1::detail
