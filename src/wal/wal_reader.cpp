#include "sextant/wal/wal_reader.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "wal/frame_scan.hpp"
#include "wal/log_window.hpp"

namespace sextant::inline v1 {
namespace {

using detail::FrameScan;
using detail::LogWindow;
using format::FrameState;
using format::ParsedFrame;
using format::WalFrame;
using format::WalFrameKind;

using Sink = FunctionRef<Result<void>(const WalFrame&, const std::string& path, std::uint64_t position)>;

constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

struct LogFile {
    std::uint64_t number = 0;
    std::string path = {};
    WalHeader header = {};
    std::uint64_t end = no_end;  ///< the Lsn at which a later file goes on
};

class Replay {
public:
    Replay(const WalPlace& place, std::uint64_t flushed, OnWalDamage on_damage, Sink sink)
        : place_(place), flushed_(flushed), on_damage_(on_damage), sink_(sink) {}

    Result<WalEnd> run(bool sync_tail) {
        SEXTANT_TRY(find_files());
        SEXTANT_TRY(replay_files());
        if (!end_.damage) SEXTANT_TRY(check_unreadable_tail());
        if (end_.damage) count_later_files();
        if (sync_tail && last_readable_ != nullptr) {
            SEXTANT_TRY_ASSIGN(const auto file, place_.files->open(last_readable_->path, FileMode::read_write));
            SEXTANT_TRY(file->sync());
        }
        end_.last = std::max(flushed_, expected_ - 1);
        return std::move(end_);
    }

private:
    /// Lists the files and finds where each one ends: the least Lsn at which a later one begins. Later ones may begin
    /// earlier: after a damaged log was opened up to the damage, the next file takes the place of what lies behind.
    Result<void> find_files() {
        SEXTANT_TRY_ASSIGN(const WalListing listing, list_wal_files(place_));
        end_.next_file_number = listing.next_number();
        for (const WalFileName& entry : listing.logs) {
            LogFile file{.number = entry.number, .path = place_.path(entry.name)};
            auto header = read_header(file);
            if (!header && !may_pass_over(header.error())) return std::move(header).error();
            if (!header) end_.passed_over.push_back(header.error().message);
            file.header = header ? std::move(header).value() : WalHeader{.problem = header.error().message};
            files_.push_back(std::move(file));
        }
        std::uint64_t end = no_end;
        for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
            file->end = end;
            if (!file->header.sequence) continue;
            if (last_readable_ == nullptr) last_readable_ = &*file;
            end = std::min(end, *file->header.sequence);
        }
        return {};
    }

    [[nodiscard]] bool may_pass_over(const Error& error) const noexcept {
        return on_damage_ == OnWalDamage::stop &&
               (error.code == ErrorCode::corruption || error.code == ErrorCode::io_error);
    }

    Result<WalHeader> read_header(const LogFile& file) const {
        SEXTANT_TRY_ASSIGN(const auto opened, place_.files->open(file.path, FileMode::read));
        return read_wal_header(*opened, place_, file.number);
    }

    Result<void> replay_files() {
        const LogFile* unreadable = nullptr;
        for (const LogFile& file : files_) {
            if (&file == last_readable_ || file.end != no_end) {
                if (!file.header.sequence) {
                    unreadable = &file;
                    continue;
                }
                // Nothing that counts: taken over by a later file, or in segments already.
                if (*file.header.sequence >= file.end || (file.end != no_end && file.end - 1 <= flushed_)) continue;
                if (!begins_well(file, unreadable)) return {};
                SEXTANT_TRY(replay_file(file));
                if (end_.damage) return {};
            }
        }
        return {};
    }

    /// Whether `file` goes on where the last one ended, or within what is flushed; else that is damage.
    bool begins_well(const LogFile& file, const LogFile* unreadable) {
        const std::uint64_t first = *file.header.sequence;
        if (first <= expected_ || first - 1 <= flushed_) {
            expected_ = first;
            return true;
        }
        expected_ = std::max(expected_, flushed_ + 1);
        uncounted_from_ = file.number;
        if (unreadable != nullptr && unreadable->number < file.number) {
            set_damage(
                format_text("{} (effects {} to {} were in it)", unreadable->header.problem, expected_, first - 1));
        } else {
            set_damage(format_text("{}: it begins with effect {}, and no file has effects {} to {}", file.path, first,
                                   expected_, first - 1));
        }
        return false;
    }

    Result<void> replay_file(const LogFile& file) {
        SEXTANT_TRY_ASSIGN(const auto opened, place_.files->open(file.path, FileMode::read));
        SEXTANT_TRY_ASSIGN(LogWindow window, LogWindow::over(*opened));
        const auto identity = place_.identity(file.number);
        std::uint64_t position = format::file_header_size;
        while (expected_ < file.end) {
            SEXTANT_TRY_ASSIGN(const ParsedFrame parsed, detail::read_frame(window, identity, position));
            const WalFrame& frame = parsed.frame;
            const bool follows =
                parsed.state == FrameState::valid && frame.first == expected_ && frame.count <= file.end - expected_;
            if (!follows) {
                SEXTANT_TRY_ASSIGN(const std::uint64_t next, after_gap(file, window, position, parsed));
                if (next == 0) return {};
                position = next;
                continue;
            }
            if (frame.kind == WalFrameKind::clean_close) {
                if (file.end == no_end) {
                    end_.clean = true;
                    return {};
                }
                // A closed file has nothing more, but the next one says that there was.
                SEXTANT_TRY(missing_before_next(file, window, position));
                return {};
            }
            expected_ += frame.count;
            if (expected_ - 1 > flushed_) SEXTANT_TRY(sink_(frame, file.path, position));
            position += parsed.size;
        }
        return {};
    }

    /// At a place where the next frame should be and is not: the place to go on at, or 0 when the log ends here, by
    /// right or with damage.
    Result<std::uint64_t> after_gap(const LogFile& file, LogWindow& window, std::uint64_t position,
                                    const ParsedFrame& found) {
        const auto identity = place_.identity(file.number);
        // A valid frame that does not follow is looked at again, as one that lies behind.
        const std::uint64_t from = found.state == FrameState::valid ? position : position + format::wal_frame_alignment;
        SEXTANT_TRY_ASSIGN(const FrameScan scan, detail::scan_frames(window, identity, from, expected_));
        // What is missing may be in segments already. A frame that reaches into the next file is none to go on with.
        const bool elsewhere = scan.next_position && (*scan.next_position != position || scan.next_first != expected_);
        if (elsewhere && scan.next_first - 1 <= flushed_) {
            expected_ = scan.next_first;
            return *scan.next_position;
        }
        if (file.end != no_end) {
            SEXTANT_TRY(missing_before_next(file, window, position));
            return std::uint64_t{0};
        }
        const std::uint64_t missing = std::max(expected_, flushed_ + 1);
        if (scan.synced >= missing || scan.gave_up) {
            set_damage(describe(file, position, found, scan), scan);
            return std::uint64_t{0};
        }
        SEXTANT_TRY_ASSIGN(end_.torn_bytes, torn_bytes(window, position, scan));
        return std::uint64_t{0};
    }

    Result<void> missing_before_next(const LogFile& file, LogWindow& window, std::uint64_t position) {
        SEXTANT_TRY_ASSIGN(const FrameScan scan,
                           detail::scan_frames(window, place_.identity(file.number), position, expected_ + 1));
        std::string what = format_text(
            "{}: offset {}: no valid frame with effect {}, but a later file begins with {}; {} valid frames ({} bytes) "
            "follow in this file",
            file.path, position, expected_, file.end, scan.frames, scan.bytes);
        for (const LogFile& other : files_) {
            if (other.number <= file.number || other.header.sequence || other.end != file.end) continue;
            what += format_text("; {}", other.header.problem);
        }
        set_damage(std::move(what), scan);
        uncounted_from_ = file.number + 1;
        return {};
    }

    /// What lies behind the damage in files that were not looked into. One that cannot be read has nothing that counts.
    void count_later_files() {
        for (const LogFile& file : files_) {
            if (file.number < uncounted_from_ || !file.header.sequence) continue;
            const auto scan = scan_file(file, format::file_header_size, expected_);
            if (!scan) continue;
            end_.damage->lost_frames += scan->frames;
            end_.damage->lost_bytes += scan->bytes;
            end_.damage->lost_last = std::max(end_.damage->lost_last, scan->last);
        }
    }

    Result<FrameScan> scan_file(const LogFile& file, std::uint64_t position, std::uint64_t expected) const {
        SEXTANT_TRY_ASSIGN(const auto opened, place_.files->open(file.path, FileMode::read));
        SEXTANT_TRY_ASSIGN(LogWindow window, LogWindow::over(*opened));
        return detail::scan_frames(window, place_.identity(file.number), position, expected);
    }

    std::string describe(const LogFile& file, std::uint64_t position, const ParsedFrame& found,
                         const FrameScan& scan) const {
        if (scan.gave_up) {
            return format_text(
                "{}: offset {}: no valid frame with effect {}, and too much behind it looks like frames to "
                "tell whether more had been written",
                file.path, position, expected_);
        }
        const char* const what = found.state == FrameState::end       ? "zeros"
                                 : found.state == FrameState::invalid ? "no valid frame"
                                                                      : "a frame that does not follow";
        return format_text(
            "{}: offset {}: {} where effect {} was on disk; {} valid frames ({} bytes) follow, written when effects up "
            "to {} were on disk",
            file.path, position, what, expected_, scan.frames, scan.bytes, scan.synced);
    }

    /// Of a frame that was begun at `position`, and of whole ones behind it.
    Result<std::uint64_t> torn_bytes(LogWindow& window, std::uint64_t position, const FrameScan& scan) const {
        std::uint64_t end = scan.frames == 0 ? position : scan.end;
        SEXTANT_TRY_ASSIGN(const auto bytes, window.at(position, format::wal_frame_header_size));
        if (bytes.size() >= format::wal_frame_header_size && format::first_of_header(bytes) == expected_) {
            if (const auto size = format::plausible_frame_size(bytes)) {
                end = std::max(end, position + std::min(*size, window.file_size() - position));
            }
        }
        return end - position;
    }

    /// Files behind the last one with a header: their creation was cut off, unless something valid is in them.
    Result<void> check_unreadable_tail() {
        for (const LogFile& file : files_) {
            if (file.header.sequence || file.end != no_end) continue;
            end_.clean = false;  // it may have held something once
            const auto scan = scan_file(file, 0, 0);
            if (!scan && !may_pass_over(scan.error())) return scan.error();
            if (!scan) {
                set_damage(format_text("{}; what it holds cannot be read", file.header.problem));
                return {};
            }
            if (scan->frames == 0 && !scan->gave_up) continue;
            set_damage(format_text("{}; {} valid frames ({} bytes) are in the file", file.header.problem, scan->frames,
                                   scan->bytes),
                       *scan);
            return {};
        }
        return {};
    }

    void set_damage(std::string what, const FrameScan& scan = {}) {
        end_.clean = false;
        end_.damage = WalDamage{
            .what = std::move(what), .lost_frames = scan.frames, .lost_bytes = scan.bytes, .lost_last = scan.last};
    }

    const WalPlace& place_;
    const std::uint64_t flushed_;
    const OnWalDamage on_damage_;
    const Sink sink_;
    std::vector<LogFile> files_;
    const LogFile* last_readable_ = nullptr;
    std::uint64_t expected_ = 1;             ///< Lsn of the next effect
    std::uint64_t uncounted_from_ = no_end;  ///< number of the first file behind the damage
    WalEnd end_;
};

}  // namespace

Result<WalEnd> replay_wal(const WalPlace& place, std::uint64_t flushed, OnWalDamage on_damage, bool sync_tail,
                          Sink sink) {
    SEXTANT_TRY_ASSIGN(WalEnd end, Replay(place, flushed, on_damage, sink).run(sync_tail));
    if (end.damage && on_damage == OnWalDamage::fail) {
        return Error{ErrorCode::corruption, std::move(end.damage->what)};
    }
    return end;
}

}  // namespace sextant::inline v1
