#include "sextant/io/file_system.hpp"

#include "core/format_text.hpp"

namespace sextant::inline v1 {
namespace {

Result<void> check_going_on(const std::string& path, const std::stop_token& stop) {
    if (!stop.stop_requested()) return {};
    return Error{ErrorCode::cancelled, format_text("{}: removing it was cancelled", path)};
}

Result<void> remove_entries(FileSystem& files, const std::string& directory, const std::stop_token& stop) {
    SEXTANT_TRY_ASSIGN(const auto entries, files.list(directory));
    for (const DirectoryEntry& entry : entries) {
        const std::string path = directory + "/" + entry.name;
        if (entry.is_directory) {
            SEXTANT_TRY(remove_entries(files, path, stop));
        } else {
            SEXTANT_TRY(check_going_on(path, stop));
            SEXTANT_TRY(files.remove_file(path));
        }
    }
    return files.remove_directory(directory);
}

}  // namespace

Result<std::vector<std::byte>> read_file(FileSystem& files, const std::string& path, std::uint64_t most) {
    SEXTANT_TRY_ASSIGN(const auto file, files.open(path, FileMode::read));
    SEXTANT_TRY_ASSIGN(const std::uint64_t size, file->size());
    if (size > most) {
        return Error{ErrorCode::corruption, format_text("{}: {} bytes, at most {} make sense", path, size, most)};
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    SEXTANT_TRY(read_exactly(*file, 0, bytes));
    return bytes;
}

Result<void> remove_tree(FileSystem& files, const std::string& path, const std::stop_token& stop) {
    SEXTANT_TRY(check_going_on(path, stop));
    // Asked to remove it as a file first, as that alone tells a link to a directory from a directory.
    auto removed = files.remove_file(path);
    if (removed || removed.error().code == ErrorCode::not_found) return {};
    if (auto listed = files.list(path); !listed) return removed;
    return remove_entries(files, path, stop);
}

}  // namespace sextant::inline v1
