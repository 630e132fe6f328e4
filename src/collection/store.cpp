#include "store.hpp"

#include <algorithm>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "sextant/core/hash.hpp"
#include "store_options.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr const char* current_name = "CURRENT";
constexpr const char* current_draft = "CURRENT.tmp";
constexpr const char* lock_name = "LOCK";
constexpr const char* wal_name = "wal";
constexpr const char* segments_name = "seg";
constexpr const char* reserve_name = "reserve";
/// A manifest of the most segments there can be is smaller.
constexpr std::uint64_t max_manifest_size = std::uint64_t{8} << 20U;

std::string parent_of(const std::string& path) {
    const std::size_t end = path.find_last_not_of('/');
    if (end == std::string::npos) return "/";
    const std::size_t slash = path.rfind('/', end);
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// Not from core/random: two collections must never draw the same, whatever they were seeded with.
std::array<std::byte, 16> draw_identity() {
    std::random_device device;
    std::array<std::byte, 16> identity;
    for (std::byte& byte : identity) byte = static_cast<std::byte>(device() & 0xFFU);
    return identity;
}

/// Durable as a file; its name is once the directory is synced.
Result<void> write_whole(FileSystem& files, const std::string& path, std::span<const std::byte> bytes) {
    SEXTANT_TRY_ASSIGN(const auto file, files.open(path, FileMode::create));
    SEXTANT_TRY(file->truncate(0));  // a draft that a crash left
    SEXTANT_TRY(file->write_at(0, bytes));
    return file->sync();
}

/// "prefix-000123" → 123; nothing for another name.
std::optional<std::uint64_t> number_in(std::string_view name, std::string_view prefix) {
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    if (name.empty() || name.size() > 19) return std::nullopt;
    std::uint64_t number = 0;
    for (const char digit : name) {
        if (digit < '0' || digit > '9') return std::nullopt;
        number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return number;
}

/// Of `size`, or what there is already of about as much.
Result<void> make_reserve(FileSystem& files, const std::string& path, std::uint64_t size) {
    SEXTANT_TRY_ASSIGN(const auto file, files.open(path, FileMode::create));
    SEXTANT_TRY_ASSIGN(const std::uint64_t held, file->size());
    if (held >= size / 2 && held <= size * 2) return {};
    if (held > size) return file->truncate(size);
    auto grown = file->allocate(size);
    // A small one is better than none, and what it holds now would be gone before more is to be had.
    if (!grown && held > 0) return file->truncate(held);
    return grown;
}

}  // namespace

WalPlace Store::wal() const { return {files_, path_ + "/" + wal_name, collection_}; }

SegmentPlace Store::segment(std::uint64_t number) const {
    return {files_, path_ + "/" + segments_name, collection_, number};
}

Result<std::unique_ptr<Store>> Store::open(const std::string& path, const WantedOptions& wanted,
                                           const OpenOptions& open) {
    if (path.empty()) return invalid_argument("path: it is empty");
    std::unique_ptr<Store> store(new Store(path));
    if (open.files == nullptr) store->own_files_ = posix_file_system();
    store->files_ = open.files == nullptr ? store->own_files_.get() : open.files;
    store->read_only_ = open.mode == OpenMode::read_only || open.on_corruption != OnCorruption::fail;
    store->salvage_ = open.on_corruption != OnCorruption::fail;
    store->residency_ = open.residency.value_or(wanted.residency);
    FileSystem& files = *store->files_;
    const bool may_create = open.mode == OpenMode::open_or_create || open.mode == OpenMode::create;
    SEXTANT_TRY_ASSIGN(const bool there, files.exists(path));
    if (!there) {
        if (!may_create || store->read_only_) {
            return Error{ErrorCode::not_found, format_text("{}: there is no collection", path)};
        }
        SEXTANT_TRY(new_options(wanted));  // before anything is made
        SEXTANT_TRY(files.create_directory(path));
    }
    SEXTANT_TRY_ASSIGN(store->lock_, files.lock(path + "/" + lock_name));
    SEXTANT_TRY_ASSIGN(const bool complete, files.exists(path + "/" + current_name));
    if (complete) {
        if (open.mode == OpenMode::create) {
            return Error{ErrorCode::already_exists, format_text("{}: there is a collection already", path)};
        }
        // A process may have ended between naming a manifest and making that last: what it replaced must not go first.
        if (!store->read_only_) SEXTANT_TRY(files.sync_directory(path));
        SEXTANT_TRY(store->load());
        SEXTANT_TRY(check_options(wanted, store->manifest_.options));
        return store;
    }
    if (auto nothing = store->check_no_data(); !nothing) {
        if (nothing.error().code != ErrorCode::corruption || !store->salvage_) return std::move(nothing).error();
        SEXTANT_TRY(store->load());
        SEXTANT_TRY(check_options(wanted, store->manifest_.options));
        return store;
    }
    if (!may_create || store->read_only_) {
        return Error{ErrorCode::not_found, format_text("{}: there is no collection", path)};
    }
    // Also of a directory that was there: a process may have ended right after it made it.
    SEXTANT_TRY(files.sync_directory(parent_of(path)));
    SEXTANT_TRY(store->create(wanted));
    return store;
}

Result<bool> Store::there(const std::string& path, const OpenOptions& open) {
    const auto own = open.files == nullptr ? posix_file_system() : nullptr;
    FileSystem& files = own == nullptr ? *open.files : *own;
    return files.exists(path + "/" + current_name);
}

/// A directory without CURRENT is what a crash in create() left, or it never was a collection, or it lost the file.
Result<void> Store::check_no_data() const {
    const auto lost = [&](const std::string& what) {
        return Error{ErrorCode::corruption,
                     format_text("{}/{}: it is missing, and there is {}", path_, current_name, what)};
    };
    SEXTANT_TRY_ASSIGN(const auto entries, files_->list(path_));
    for (const DirectoryEntry& entry : entries) {
        const std::string inner = path_ + "/" + entry.name;
        if (entry.name == lock_name || entry.name == current_draft) continue;
        if (entry.name == format::manifest_name(1) && !entry.is_directory) continue;
        if ((entry.name == wal_name || entry.name == segments_name) && entry.is_directory) {
            SEXTANT_TRY_ASSIGN(const auto held, files_->list(inner));
            if (!held.empty()) return lost(inner + "/" + held.front().name);
            continue;
        }
        if (number_in(entry.name, "MANIFEST-").has_value()) return lost(inner);
        return Error{ErrorCode::already_exists, format_text("{}: it is no collection, and not empty", path_)};
    }
    return {};
}

/// CURRENT comes last, and no log is begun before it is durable: a directory without CURRENT holds no data.
Result<void> Store::create(const WantedOptions& wanted) {
    SEXTANT_TRY_ASSIGN(manifest_.options, new_options(wanted));
    collection_ = draw_identity();
    for (const char* name : {wal_name, segments_name}) {
        const std::string inner = path_ + "/" + name;
        SEXTANT_TRY_ASSIGN(const bool there, files_->exists(inner));
        if (!there) SEXTANT_TRY(files_->create_directory(inner));
    }
    return put_manifest(manifest_);
}

Result<void> Store::make_segment_directory() {
    const std::string segments = path_ + "/" + segments_name;
    SEXTANT_TRY_ASSIGN(const bool there, files_->exists(segments));
    if (there) return {};
    SEXTANT_TRY(files_->create_directory(segments));
    return files_->sync_directory(path_);
}

Result<format::DecodedManifest> Store::read_manifest() const {
    const std::string current_path = path_ + "/" + current_name;
    const auto text = read_file(*files_, current_path, 256);
    if (!text && text.error().code == ErrorCode::not_found) {
        return Error{ErrorCode::corruption, format_text("{}: it is missing", current_path)};
    }
    if (!text) return text.error();
    SEXTANT_TRY_ASSIGN(
        const format::Current current,
        format::decode_current({reinterpret_cast<const char*>(text->data()), text->size()}, current_path));
    const std::string manifest_path = path_ + "/" + format::manifest_name(current.manifest_number);
    auto bytes = read_file(*files_, manifest_path, max_manifest_size);
    if (!bytes) {
        if (bytes.error().code != ErrorCode::not_found) return std::move(bytes).error();
        return Error{ErrorCode::corruption,
                     format_text("{}: it is missing, and {} names it", manifest_path, current_name)};
    }
    const std::uint64_t checksum = hash64(*bytes);
    if (checksum != current.manifest_checksum) {
        return Error{ErrorCode::corruption, format_text("{}: checksum is {:016x}, {} says {:016x}", manifest_path,
                                                        checksum, current_name, current.manifest_checksum)};
    }
    return format::decode_manifest(*bytes, current.manifest_number, manifest_path);
}

/// Of those that CURRENT may have named: each was whole, with all that it names, before CURRENT could name it.
Result<format::DecodedManifest> Store::newest_whole_manifest() const {
    SEXTANT_TRY_ASSIGN(const auto entries, files_->list(path_));
    std::optional<format::DecodedManifest> newest;
    for (const DirectoryEntry& entry : entries) {
        const auto number = number_in(entry.name, "MANIFEST-");
        if (!number.has_value() || (newest.has_value() && newest->identity.number > *number)) continue;
        const std::string manifest_path = path_ + "/" + entry.name;
        const auto bytes = read_file(*files_, manifest_path, max_manifest_size);
        if (!bytes) continue;
        auto decoded = format::decode_manifest(*bytes, *number, manifest_path);
        if (!decoded && decoded.error().code == ErrorCode::unsupported) return std::move(decoded).error();
        if (decoded) newest = std::move(decoded).value();
    }
    if (newest.has_value()) return std::move(*newest);
    return Error{ErrorCode::corruption, format_text("{}: there is no whole manifest", path_)};
}

Result<void> Store::load() {
    auto named = read_manifest();
    if (!named && named.error().code == ErrorCode::corruption && salvage_) {
        guessed_ = named.error().message;
        named = newest_whole_manifest();
        if (!named && named.error().code == ErrorCode::unsupported) return std::move(named).error();
        if (!named) return Error{ErrorCode::corruption, guessed_};
        guessed_ += format_text("; {} is taken instead", format::manifest_name(named->identity.number));
    }
    if (!named) return std::move(named).error();
    auto decoded = std::move(named).value();
    collection_ = decoded.identity.collection;
    manifest_number_ = decoded.identity.number;
    newest_number_ = decoded.identity.number;
    manifest_ = std::move(decoded.manifest);
    next_number_.store(manifest_.next_number, std::memory_order_relaxed);
    return {};
}

Result<void> Store::verify_manifest() const {
    SEXTANT_TRY_ASSIGN(const auto decoded, read_manifest());
    // While it is unknown which one is in force, the one that is named may be the next one.
    const bool same = decoded.identity.number == manifest_number_ && decoded.identity.collection == collection_ &&
                      decoded.manifest == manifest_;
    if (same || manifest_unknown_) return {};
    return Error{ErrorCode::corruption,
                 format_text("{}/{}: it names {}, and {} was written last", path_, current_name,
                             format::manifest_name(decoded.identity.number), format::manifest_name(manifest_number_))};
}

/// Each attempt has a manifest of its own: that of one that failed may be what CURRENT names on the disk, and of a name
/// whose sync failed nobody knows whether it is there, whatever a later sync says.
Result<void> Store::put_manifest(const format::Manifest& next) {
    const std::uint64_t number = ++newest_number_;
    const auto bytes = format::encode_manifest({collection_, format::FileKind::manifest, number}, next);
    SEXTANT_TRY(write_whole(*files_, path_ + "/" + format::manifest_name(number), bytes));
    SEXTANT_TRY(files_->sync_directory(path_));
    const std::string text = format::encode_current(number, hash64(bytes));
    const std::string draft = path_ + "/" + current_draft;
    SEXTANT_TRY(write_whole(*files_, draft, std::as_bytes(std::span(text.data(), text.size()))));
    // From the rename to the end of the sync nobody knows which of the two a loss of power would leave.
    manifest_unknown_ = true;
    SEXTANT_TRY(files_->rename(draft, path_ + "/" + current_name));
    SEXTANT_TRY(files_->sync_directory(path_));
    manifest_unknown_ = false;
    manifest_number_ = number;
    return {};
}

Result<void> Store::write_manifest(format::Manifest next, const NewCodes* codes) {
    next.options = manifest_.options;
    if (codes != nullptr) {
        next.options.quantizer = codes->fields[0]->quantizer();
        next.options.quantizer_options = codes->options;
    }
    next.next_number = next_number_.load(std::memory_order_relaxed);
    SEXTANT_TRY(put_manifest(next));
    manifest_ = std::move(next);
    return {};
}

void Store::keep_reserve(std::uint64_t bytes) noexcept {
    constexpr std::uint64_t share = 64;
    constexpr std::uint64_t least = std::uint64_t{256} << 10U;
    constexpr std::uint64_t most = std::uint64_t{64} << 20U;
    const std::uint64_t size = std::clamp(bytes / share, least, most);
    try {
        const std::string file_path = path_ + "/" + reserve_name;
        const auto made = make_reserve(*files_, file_path, size);
        if (!made) files_->remove_file(file_path).ignore("the disk is full, or it never was there");
    } catch (...) {
        return;  // for want of memory: it stays as it is until the next checkpoint
    }
}

bool Store::release_reserve() noexcept {
    try {
        return files_->remove_file(path_ + "/" + reserve_name).has_value();
    } catch (...) {
        return false;
    }
}

Result<void> Store::remove_unneeded_in_segment(const format::ManifestSegment& segment, const std::stop_token& stop) {
    const std::string directory = format_text("{}/{}/{:06}", path_, segments_name, segment.number);
    SEXTANT_TRY_ASSIGN(const auto entries, files_->list(directory));
    for (const DirectoryEntry& entry : entries) {
        const auto tombstones = number_in(entry.name, "del-");
        const auto overlay = number_in(entry.name, "payload-");
        const bool draft = entry.name.ends_with(".tmp");
        const bool stale = (tombstones.has_value() && *tombstones != segment.tombstones_file) ||
                           (overlay.has_value() && *overlay != segment.overlay_file);
        if (draft || stale) SEXTANT_TRY(remove_tree(*files_, directory + "/" + entry.name, stop));
    }
    return {};
}

Result<void> Store::remove_unneeded(const std::stop_token& stop) {
    if (manifest_unknown_) return {};
    SEXTANT_TRY_ASSIGN(const auto entries, files_->list(path_));
    for (const DirectoryEntry& entry : entries) {
        const auto number = number_in(entry.name, "MANIFEST-");
        const bool stale = number.has_value() && *number != manifest_number_;
        if (stale || entry.name == current_draft) SEXTANT_TRY(files_->remove_file(path_ + "/" + entry.name));
    }
    const std::string segments = path_ + "/" + segments_name;
    SEXTANT_TRY_ASSIGN(const auto directories, files_->list(segments));
    for (const DirectoryEntry& entry : directories) {
        const auto number = number_in(entry.name, "");
        const auto known = std::find_if(manifest_.segments.begin(), manifest_.segments.end(),
                                        [&](const auto& segment) { return segment.number == number; });
        if (number.has_value() && known != manifest_.segments.end()) {
            SEXTANT_TRY(remove_unneeded_in_segment(*known, stop));
            continue;
        }
        SEXTANT_TRY(remove_tree(*files_, segments + "/" + entry.name, stop));
    }
    return {};
}

}  // namespace sextant::inline v1::detail
