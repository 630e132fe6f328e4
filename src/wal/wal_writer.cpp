#include "sextant/wal/wal_writer.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "core/format_text.hpp"

namespace sextant::inline v1 {
namespace {

using format::WalFrame;
using format::WalFrameKind;

Result<void> check_frame(WalFrameKind kind, std::uint64_t first, std::uint32_t count,
                         std::span<const std::byte> payload, std::uint64_t appended) {
    if (first != appended + 1) {
        return invalid_argument(format_text("first: got {}, expected {}, the next effect", first, appended + 1));
    }
    if (kind == WalFrameKind::clean_close) {
        if (count == 0 && payload.empty()) return {};
        return invalid_argument(
            format_text("clean close: got {} effects in {} bytes, expected none", count, payload.size()));
    }
    if (count == 0) return invalid_argument("count: got 0, expected at least 1");
    if (count > std::numeric_limits<std::uint64_t>::max() - first) {
        return invalid_argument(format_text("count: got {}, no numbers are left for so many effects", count));
    }
    if (payload.size() > limits::max_wal_payload) {
        return invalid_argument(
            format_text("payload: got {} bytes, expected at most {}", payload.size(), limits::max_wal_payload));
    }
    return {};
}

}  // namespace

Result<void> WalWriter::append(WalFrameKind kind, std::uint64_t first, std::uint32_t count,
                               std::span<const std::byte> payload) {
    SEXTANT_TRY(check_usable());
    if (closed_.load(std::memory_order_relaxed)) return Error{ErrorCode::closed, "the log was closed"};
    SEXTANT_TRY(check_frame(kind, first, count, payload, appended()));
    const std::uint64_t size = format::frame_size(payload.size());
    if (must_change_files_ || size > file_size_ - position_) SEXTANT_TRY(change_files(size));
    return write_frame({.kind = kind, .first = first, .count = count, .synced = synced(), .payload = payload});
}

Result<void> WalWriter::write_frame(const WalFrame& frame) {
    const std::shared_ptr<File> file = [&] {
        const MutexLock lock(state_mutex_);
        return file_;
    }();
    buffer_.clear();
    format::append_frame(buffer_, place_.identity(file_number()), position_, frame);
    if (auto written = file->write_at(position_, buffer_); !written) {
        if (written.error().code != ErrorCode::resource_exhausted) return fail(std::move(written).error());
        // Any part of it may be there, even all: a log that is read back must not find what its writer was refused.
        constexpr std::array<std::byte, format::wal_frame_header_size> zeros{};
        file->write_at(position_, zeros).ignore("the next frame is written over it in any case");
        return written;
    }
    position_ += buffer_.size();
    constexpr std::size_t most_kept = std::size_t{4} << 20U;
    if (buffer_.capacity() > most_kept) buffer_ = {};
    if (frame.kind == WalFrameKind::clean_close) closed_.store(true, std::memory_order_relaxed);
    // Under the lock: who syncs must not take this Lsn together with the file before this one.
    const MutexLock lock(state_mutex_);
    appended_.store(frame.first + frame.count - 1, std::memory_order_release);
    return {};
}

Result<void> WalWriter::sync() { return sync_file(false); }

Result<void> WalWriter::sync_file(bool always) {
    const MutexLock syncing(sync_mutex_);
    SEXTANT_TRY(check_usable());
    std::shared_ptr<File> file;
    std::uint64_t target = 0;
    {
        const MutexLock lock(state_mutex_);
        file = file_;
        target = appended();
    }
    if (synced() >= target && !always) return {};
    // Frames up to the target that are not in this file are in earlier ones, which were synced before this one was made.
    if (auto done = file->sync(); !done) return fail(std::move(done).error());
    synced_.store(std::max(synced(), target), std::memory_order_release);
    return {};
}

Result<void> WalWriter::close() {
    SEXTANT_TRY(check_usable());
    if (closed_.load(std::memory_order_relaxed)) return {};
    SEXTANT_TRY(sync_file(false));  // so that the frame can say that everything before it is on disk
    SEXTANT_TRY(append(WalFrameKind::clean_close, appended() + 1, 0, {}));
    give_back_rest();
    return sync_file(true);
}

Result<void> WalWriter::check_usable() const {
    if (!broken()) return {};
    const MutexLock lock(state_mutex_);
    return Error{ErrorCode::read_only, format_text("the log failed before: {}; reopen the collection", failure_)};
}

Error WalWriter::fail(Error error) {
    // Never a refusal, whatever it was for want of: what is on the disk is unknown.
    if (error.code == ErrorCode::resource_exhausted) error.code = ErrorCode::io_error;
    const MutexLock lock(state_mutex_);
    if (failure_.empty()) failure_ = error.message;
    broken_.store(true, std::memory_order_release);
    return error;
}

}  // namespace sextant::inline v1
