// The files of a log as its writer makes, changes and gives them up. The order of the steps is docs/format/wal.md's.
#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/core/page_allocator.hpp"
#include "sextant/wal/wal_writer.hpp"

namespace sextant::inline v1 {
namespace {

constexpr std::uint64_t page = 4096;
/// A new file is this part of what the log holds by then. Half of the last file is empty on average, so a larger one
/// would waste disk; smaller ones make many files.
constexpr std::uint64_t held_per_file = 6;

std::uint64_t round_up(std::uint64_t size) { return (size + (page - 1)) / page * page; }

Result<std::uint64_t> size_of(FileSystem& files, const std::string& path) {
    SEXTANT_TRY_ASSIGN(const auto file, files.open(path, FileMode::read));
    return file->size();
}

Result<void> write_zeros(File& file, std::uint64_t size) {
    constexpr std::uint64_t piece = std::uint64_t{256} << 10U;
    const PagedVector<std::byte> zeros(static_cast<std::size_t>(std::min(piece, size)));
    for (std::uint64_t at = 0; at < size; at += piece) {
        const auto count = static_cast<std::size_t>(std::min(piece, size - at));
        SEXTANT_TRY(file.write_at(at, std::span(zeros).first(count)));
    }
    return {};
}

}  // namespace

WalWriter::WalWriter(const WalPlace& place, const WalOptions& options, std::uint64_t next)
    : place_(place),
      options_(options),
      appended_(next - 1),
      // What lies before `next` is in segments, or was synced when the log was read back.
      synced_(next - 1) {}

Result<std::unique_ptr<WalWriter>> WalWriter::create(const WalPlace& place, const WalOptions& options,
                                                     std::uint64_t number, std::uint64_t next) {
    SEXTANT_TRY(options.validate());
    if (next == 0) return invalid_argument("next: got 0, expected at least 1");
    SEXTANT_TRY_ASSIGN(const WalListing listing, list_wal_files(place));
    if (number < listing.next_number()) {
        return Error{ErrorCode::already_exists, format_text("{}: there are log files up to number {}",
                                                            place.path(wal_name(number)), listing.next_number() - 1)};
    }
    std::unique_ptr<WalWriter> writer(new WalWriter(place, options, next));
    SEXTANT_TRY(writer->adopt(listing, next));
    if (auto opened = writer->open_next(number, 0, options.min_file_size); !opened) {
        // Nothing refers to it yet, and without it the same number can be tried again.
        writer->remove_quietly(place.path(wal_name(number)));
        return std::move(opened).error();
    }
    return writer;
}

Result<void> WalWriter::adopt(const WalListing& listing, std::uint64_t next) {
    const MutexLock lock(files_mutex_);
    FileSystem& files = *place_.files;
    for (const std::string& name : listing.temporary) SEXTANT_TRY(files.remove_file(place_.path(name)));
    for (const WalFileName& entry : listing.logs) {
        SEXTANT_TRY_ASSIGN(const std::uint64_t size, size_of(files, place_.path(entry.name)));
        old_files_.push_back({.number = entry.number, .name = entry.name, .size = size, .end = next});
    }
    // A file ends where the least of the later ones begins, as for the reader.
    std::uint64_t end = next;
    for (auto old = old_files_.rbegin(); old != old_files_.rend(); ++old) {
        old->end = end;
        SEXTANT_TRY_ASSIGN(const auto file, files.open(place_.path(old->name), FileMode::read));
        SEXTANT_TRY_ASSIGN(const WalHeader header, read_wal_header(*file, place_, old->number));
        if (header.sequence) end = std::min(end, *header.sequence);
    }
    // Their names must last before their headers change: else a crash could bring back an old name with a new header.
    if (!listing.recycled.empty()) SEXTANT_TRY(files.sync_directory(place_.directory));
    for (const WalFileName& entry : listing.recycled) {
        const std::string path = place_.path(entry.name);
        SEXTANT_TRY_ASSIGN(const std::uint64_t size, size_of(files, path));
        if (recycled_.size() < options_.keep_recycled && size <= options_.max_file_size) {
            recycled_.push_back({.name = entry.name, .size = size});
        } else {
            SEXTANT_TRY(files.remove_file(path));
        }
    }
    return {};
}

Result<void> WalWriter::change_files(std::uint64_t frame_size) {
    // First of all: the next file's header says that everything before it is on disk.
    SEXTANT_TRY(sync_file(false));
    return open_next(file_number() + 1, round_up(format::file_header_size + frame_size), usual_size());
}

Result<void> WalWriter::leave_file(std::uint64_t flushed, std::uint64_t spare) {
    if (file_size_ <= spare || position_ == format::file_header_size || appended() > flushed) return {};
    SEXTANT_TRY(sync_file(false));
    return open_next(file_number() + 1, 0, options_.min_file_size);
}

Result<void> WalWriter::open_next(std::uint64_t number, std::uint64_t least_size, std::uint64_t usual) {
    const MutexLock lock(files_mutex_);
    old_files_.reserve(old_files_.size() + 1);
    const std::uint64_t least = std::max(least_size, page);
    std::uint64_t size = std::max(least, usual);
    auto made = prepare(number, size);
    // On a disk that is nearly full a small file is better than none.
    while (!made && made.error().code == ErrorCode::resource_exhausted && size > least) {
        size = std::max(least, round_up(size / 2));
        made = prepare(number, size);
    }
    SEXTANT_TRY_ASSIGN(PreparedFile prepared, std::move(made));
    const bool first = file_size_ == 0;
    OldFile old{.number = file_number(), .name = wal_name(file_number()), .size = file_size_, .end = appended() + 1};
    SEXTANT_TRY(publish(prepared, number));
    // Opened by its own name, for messages.
    SEXTANT_TRY_ASSIGN(prepared.file, place_.files->open(place_.path(wal_name(number)), FileMode::read_write));
    if (!first) old_files_.push_back(std::move(old));
    {
        const MutexLock state(state_mutex_);
        file_ = std::move(prepared.file);
        file_number_.store(number, std::memory_order_relaxed);
    }
    file_size_ = prepared.size;
    position_ = format::file_header_size;
    must_change_files_ = false;
    count_disk_bytes();
    return {};
}

std::uint64_t WalWriter::usual_size() {
    const MutexLock lock(files_mutex_);
    std::uint64_t held = file_size_;
    for (const OldFile& file : old_files_) held += file.size;
    return std::clamp(round_up(held / held_per_file), options_.min_file_size, options_.max_file_size);
}

Result<void> WalWriter::publish(const PreparedFile& prepared, std::uint64_t number) {
    // From here on the next file may be there, and its header says where the current one ends.
    must_change_files_ = true;
    if (auto renamed = place_.files->rename(prepared.path, place_.path(wal_name(number))); !renamed) {
        remove_quietly(prepared.path);
        return renamed;
    }
    auto synced = place_.files->sync_directory(place_.directory);
    // No handle to do it with: nothing was tried, and the next append makes a file of the same number and tries again.
    if (synced || synced.error().code == ErrorCode::resource_exhausted) return synced;
    // Whether the name lasts is unknown after an error, and would stay so after a second, successful try.
    return fail(std::move(synced).error());
}

Result<WalWriter::PreparedFile> WalWriter::prepare(std::uint64_t number, std::uint64_t least_size) {
    const auto by_size = [](const RecycledFile& a, const RecycledFile& b) { return a.size < b.size; };
    std::sort(recycled_.begin(), recycled_.end(), by_size);
    const auto fits =
        std::find_if(recycled_.begin(), recycled_.end(), [&](const auto& file) { return file.size >= least_size; });
    if (fits != recycled_.end()) {
        const RecycledFile chosen = std::move(*fits);
        recycled_.erase(fits);
        auto prepared = prepare_recycled(chosen, number);
        if (prepared) return prepared;
        // It was only worth the zeros it saves.
        remove_quietly(place_.path(chosen.name));
        count_disk_bytes();
    }
    return prepare_new(number, least_size);
}

Result<WalWriter::PreparedFile> WalWriter::prepare_recycled(const RecycledFile& recycled, std::uint64_t number) {
    PreparedFile prepared{.file = nullptr, .path = place_.path(recycled.name), .size = recycled.size};
    SEXTANT_TRY_ASSIGN(prepared.file, place_.files->open(prepared.path, FileMode::read_write));
    SEXTANT_TRY(write_header(*prepared.file, number));
    SEXTANT_TRY(prepared.file->sync());
    return prepared;
}

Result<WalWriter::PreparedFile> WalWriter::prepare_new(std::uint64_t number, std::uint64_t size) {
    PreparedFile prepared{.file = nullptr, .path = place_.path(temporary_wal_name(number)), .size = size};
    SEXTANT_TRY_ASSIGN(prepared.file, place_.files->open(prepared.path, FileMode::create));
    const auto fill = [&]() -> Result<void> {
        SEXTANT_TRY(prepared.file->truncate(0));
        SEXTANT_TRY(prepared.file->allocate(size));  // refuses at once where space is short
        SEXTANT_TRY(write_zeros(*prepared.file, size));
        SEXTANT_TRY(write_header(*prepared.file, number));
        return prepared.file->sync();
    };
    if (auto filled = fill(); !filled) {
        remove_quietly(prepared.path);
        return std::move(filled).error();
    }
    return prepared;
}

Result<void> WalWriter::write_header(File& file, std::uint64_t number) const {
    return file.write_at(0, format::encode({.identity = place_.identity(number), .sequence = appended() + 1}));
}

Result<void> WalWriter::release(std::uint64_t flushed, std::uint64_t spare) {
    SEXTANT_TRY(check_usable());
    const MutexLock lock(files_mutex_);
    drop_recycled(spare);
    const auto goes = [&](const OldFile& file) { return file.end - 1 <= flushed; };
    const auto first_going = std::stable_partition(old_files_.begin(), old_files_.end(), std::not_fn(goes));
    if (first_going == old_files_.end()) return {};
    std::vector<OldFile> going(std::make_move_iterator(first_going), std::make_move_iterator(old_files_.end()));
    old_files_.erase(first_going, old_files_.end());
    auto done = put_aside(std::move(going), spare);
    count_disk_bytes();
    return done;
}

std::uint64_t WalWriter::recycled_bytes() const {
    std::uint64_t sum = 0;
    for (const RecycledFile& file : recycled_) sum += file.size;
    return sum;
}

/// The largest go first, until no more than `spare` bytes are left.
void WalWriter::drop_recycled(std::uint64_t spare) {
    while (recycled_bytes() > spare) {
        const auto largest = std::max_element(recycled_.begin(), recycled_.end(),
                                              [](const auto& a, const auto& b) { return a.size < b.size; });
        remove_quietly(place_.path(largest->name));
        recycled_.erase(largest);
    }
    count_disk_bytes();
}

Result<void> WalWriter::put_aside(std::vector<OldFile> going, std::uint64_t spare) {
    FileSystem& files = *place_.files;
    // Largest first: the small ones of a log's beginning would never be used again.
    std::sort(going.begin(), going.end(), [](const auto& a, const auto& b) { return a.size > b.size; });
    std::vector<RecycledFile> renamed;
    std::uint64_t held = recycled_bytes();
    std::optional<Error> failure;
    old_files_.reserve(old_files_.size() + going.size());
    for (OldFile& file : going) {
        const std::string path = place_.path(file.name);
        const auto smaller =
            std::find_if(recycled_.begin(), recycled_.end(), [&](const auto& other) { return other.size < file.size; });
        const bool full = recycled_.size() + renamed.size() >= options_.keep_recycled;
        const std::uint64_t replaced = full && smaller != recycled_.end() ? smaller->size : 0;
        const bool keep = file.size <= options_.max_file_size && (!full || smaller != recycled_.end()) &&
                          held - replaced + file.size <= spare;
        if (keep && full) {
            remove_quietly(place_.path(smaller->name));
            recycled_.erase(smaller);
        }
        if (keep) held += file.size - replaced;
        RecycledFile aside{.name = recycled_wal_name(file.number), .size = file.size};
        auto done = keep ? files.rename(path, place_.path(aside.name)) : files.remove_file(path);
        if (done && keep) renamed.push_back(std::move(aside));
        if (done || done.error().code == ErrorCode::not_found) continue;
        if (!failure) failure = std::move(done).error();
        old_files_.push_back(std::move(file));  // to be tried again
    }
    std::sort(old_files_.begin(), old_files_.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    // Before any of them is used again, or a crash could bring back an old name with a new header.
    if (auto synced = files.sync_directory(place_.directory); !synced) {
        for (const RecycledFile& file : renamed) remove_quietly(place_.path(file.name));
        return synced;
    }
    recycled_.insert(recycled_.end(), std::make_move_iterator(renamed.begin()), std::make_move_iterator(renamed.end()));
    if (failure) return std::move(*failure);
    return {};
}

void WalWriter::give_back_rest() {
    const std::shared_ptr<File> file = [&] {
        const MutexLock lock(state_mutex_);
        return file_;
    }();
    if (!file->truncate(position_)) return;  // it is only space
    const MutexLock lock(files_mutex_);
    file_size_ = position_;
    count_disk_bytes();
}

void WalWriter::count_disk_bytes() {
    std::uint64_t sum = file_size_ + recycled_bytes();
    for (const OldFile& file : old_files_) sum += file.size;
    disk_bytes_.store(sum, std::memory_order_relaxed);
    file_count_.store(old_files_.size() + 1, std::memory_order_relaxed);
}

void WalWriter::remove_quietly(const std::string& path) const {
    place_.files->remove_file(path).ignore("it takes space and does nothing else; opening the log removes it");
}

}  // namespace sextant::inline v1
