#include "support/toy_store.hpp"

#include <array>
#include <span>
#include <utility>

#include "sextant/core/hash.hpp"
#include "sextant/core/random.hpp"
#include "sextant/format/bytes.hpp"

namespace test_support {
namespace {

using sextant::Error;
using sextant::ErrorCode;
using sextant::FileMode;
using sextant::Result;
using sextant::format::load_le;

constexpr std::uint64_t key_count = 4;
constexpr std::size_t value_size = 2'000;
constexpr std::size_t record_size = 8 + value_size + 8;  ///< number, value, checksum: in four or five sectors
const std::string directory = "db";

std::string path(const std::string& name) { return directory + "/" + name; }
std::string numbered(const char* kind, std::uint64_t generation) { return path(kind + std::to_string(generation)); }

/// The value that write `number` puts; no byte is zero.
std::vector<std::byte> value_of(std::uint64_t number) {
    sextant::Random random(number);
    std::vector<std::byte> value(value_size);
    for (std::byte& byte : value) byte = static_cast<std::byte>(1 + random.below(255));
    return value;
}

Result<std::vector<std::byte>> read_file(sextant::FileSystem& files, const std::string& name) {
    SEXTANT_TRY_ASSIGN(const auto file, files.open(name, FileMode::read));
    SEXTANT_TRY_ASSIGN(const auto size, file->size());
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    SEXTANT_TRY(sextant::read_exactly(*file, 0, bytes));
    return bytes;
}

}  // namespace

Result<ToyStore> ToyStore::open(sextant::FileSystem& files, ToyBug bug) {
    ToyStore store(files, bug);
    SEXTANT_TRY_ASSIGN(const bool exists, files.exists(directory));
    if (!exists) {
        SEXTANT_TRY(files.create_directory(directory));
        SEXTANT_TRY(files.sync_directory("/"));
    }
    SEXTANT_TRY_ASSIGN(const bool has_pointer, files.exists(path("CURRENT")));
    if (has_pointer) SEXTANT_TRY(store.load());
    SEXTANT_TRY(store.remove_leftovers());
    // What was read may be in the system's memory alone: a new generation has it on the disk.
    SEXTANT_TRY(store.rotate());
    return store;
}

Result<void> ToyStore::load() {
    SEXTANT_TRY_ASSIGN(const auto pointer, read_file(*files_, path("CURRENT")));
    if (pointer.size() != 8) return Error{ErrorCode::corruption, "CURRENT: not 8 bytes"};
    generation_ = load_le<std::uint64_t>(pointer.data());
    SEXTANT_TRY(load_snapshot());
    return load_log();
}

Result<void> ToyStore::load_snapshot() {
    SEXTANT_TRY_ASSIGN(const auto bytes, read_file(*files_, numbered("snap-", generation_)));
    const std::span<const std::byte> all(bytes);
    if (all.size() < 16) return Error{ErrorCode::corruption, "snapshot: too short"};
    const auto body = all.first(all.size() - 8);
    if (sextant::hash64(body) != load_le<std::uint64_t>(body.data() + body.size())) {
        return Error{ErrorCode::corruption, "snapshot: checksum"};
    }
    count_ = load_le<std::uint64_t>(body.data());
    for (std::size_t at = 8; at + 8 + value_size <= body.size(); at += 8 + value_size) {
        const auto value = body.subspan(at + 8, value_size);
        values_[load_le<std::uint64_t>(body.data() + at)].assign(value.begin(), value.end());
    }
    return {};
}

Result<void> ToyStore::load_log() {
    SEXTANT_TRY_ASSIGN(const auto bytes, read_file(*files_, numbered("log-", generation_)));
    const std::span<const std::byte> all(bytes);
    for (std::size_t at = 0; at + record_size <= all.size(); at += record_size) {
        const auto body = all.subspan(at, record_size - 8);
        const auto checksum = load_le<std::uint64_t>(body.data() + body.size());
        auto number = load_le<std::uint64_t>(body.data());
        const bool zeros = has(ToyBug::accepts_zeros) && checksum == 0;
        if (zeros) number = count_ + 1;
        const std::uint64_t seed = has(ToyBug::accepts_stale_records) ? 0 : generation_;
        const bool checked = zeros || has(ToyBug::no_record_checksum) || sextant::hash64(body, seed) == checksum;
        const bool next = number == count_ + 1 || has(ToyBug::accepts_stale_records);
        if (!checked || !next) break;
        count_ = number;
        values_[number % key_count].assign(body.begin() + 8, body.end());
    }
    return {};
}

Result<void> ToyStore::remove_leftovers() {
    SEXTANT_TRY_ASSIGN(const auto entries, files_->list(directory));
    for (const auto& entry : entries) {
        const std::string name = path(entry.name);
        const bool kept = entry.name == "CURRENT" || entry.name == "free" || name == numbered("snap-", generation_) ||
                          name == numbered("log-", generation_);
        if (!kept) SEXTANT_TRY(files_->remove_file(name));
    }
    return {};
}

Result<void> ToyStore::rotate() {
    if (dead_) return Error{ErrorCode::io_error, "dead"};
    dead_ = true;
    const std::uint64_t old = std::exchange(generation_, generation_ + 1);
    SEXTANT_TRY(write_snapshot(generation_));
    SEXTANT_TRY(open_log(generation_));
    if (has(ToyBug::removes_old_files_too_early)) SEXTANT_TRY(retire(old));
    SEXTANT_TRY(point_to(generation_));
    if (!has(ToyBug::removes_old_files_too_early)) SEXTANT_TRY(retire(old));
    dead_ = false;
    return {};
}

Result<void> ToyStore::write_snapshot(std::uint64_t generation) {
    std::vector<std::byte> bytes;
    sextant::format::ByteWriter writer(bytes);
    writer.number(count_);
    for (const auto& [key, value] : values_) {
        writer.number(key);
        writer.raw(value);
    }
    writer.number(sextant::hash64(bytes));
    SEXTANT_TRY_ASSIGN(const auto file, files_->open(numbered("snap-", generation), FileMode::create_new));
    SEXTANT_TRY(file->write_at(0, bytes));
    if (!has(ToyBug::no_snapshot_sync)) SEXTANT_TRY(file->sync());
    return {};
}

Result<void> ToyStore::open_log(std::uint64_t generation) {
    const std::string name = numbered("log-", generation);
    SEXTANT_TRY_ASSIGN(const bool recycles, files_->exists(path("free")));
    if (recycles) SEXTANT_TRY(files_->rename(path("free"), name));
    SEXTANT_TRY_ASSIGN(log_, files_->open(name, FileMode::create));
    log_end_ = 0;
    return {};
}

Result<void> ToyStore::point_to(std::uint64_t generation) {
    std::array<std::byte, 8> bytes{};
    sextant::format::store_le(bytes.data(), generation);
    {
        SEXTANT_TRY_ASSIGN(const auto file, files_->open(path("CURRENT.tmp"), FileMode::create_new));
        SEXTANT_TRY(file->write_at(0, bytes));
        if (!has(ToyBug::no_pointer_sync)) SEXTANT_TRY(file->sync());
    }
    if (!has(ToyBug::no_directory_sync_before_rename)) SEXTANT_TRY(files_->sync_directory(directory));
    SEXTANT_TRY(files_->rename(path("CURRENT.tmp"), path("CURRENT")));
    if (!has(ToyBug::no_directory_sync_after_rename)) SEXTANT_TRY(files_->sync_directory(directory));
    return {};
}

Result<void> ToyStore::retire(std::uint64_t generation) {
    SEXTANT_TRY_ASSIGN(const bool exists, files_->exists(numbered("log-", generation)));
    if (!exists) return {};
    SEXTANT_TRY(files_->rename(numbered("log-", generation), path("free")));
    return files_->remove_file(numbered("snap-", generation));
}

Result<void> ToyStore::put(std::size_t writes) {
    if (dead_) return Error{ErrorCode::io_error, "dead"};
    dead_ = true;
    for (std::size_t i = 1; i <= writes; ++i) SEXTANT_TRY(append(count_ + i));
    SEXTANT_TRY(sync_log());
    for (std::size_t i = 0; i < writes; ++i) {
        ++count_;
        values_[count_ % key_count] = value_of(count_);
    }
    dead_ = false;
    return {};
}

Result<void> ToyStore::append(std::uint64_t number) {
    std::vector<std::byte> bytes;
    sextant::format::ByteWriter writer(bytes);
    writer.number(number);
    writer.raw(value_of(number));
    writer.number(sextant::hash64(bytes, has(ToyBug::accepts_stale_records) ? 0 : generation_));
    SEXTANT_TRY(log_->write_at(log_end_, bytes));
    log_end_ += bytes.size();
    return {};
}

Result<void> ToyStore::sync_log() {
    if (has(ToyBug::acknowledges_before_sync)) return {};
    auto synced = log_->sync();
    if (!synced && has(ToyBug::trusts_second_sync)) synced = log_->sync();
    return synced;
}

bool ToyStore::is_sound() const {
    std::map<std::uint64_t, std::vector<std::byte>> expected;
    for (std::uint64_t number = count_ > key_count ? count_ - key_count + 1 : 1; number <= count_; ++number) {
        expected[number % key_count] = value_of(number);
    }
    return values_ == expected;
}

}  // namespace test_support
