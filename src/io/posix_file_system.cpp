#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "core/format_text.hpp"
#include "io/detail/batch_reader.hpp"
#include "io/detail/posix_error.hpp"
#include "io/detail/posix_file.hpp"
#include "sextant/io/file_system.hpp"

namespace sextant::inline v1 {
namespace {

using detail::check_path;
using detail::Descriptor;
using detail::open_descriptor;
using detail::posix_error;
using detail::retry_interrupted;

int open_flags(FileMode mode) noexcept {
    switch (mode) {
        case FileMode::read: return O_RDONLY;
        case FileMode::read_write: return O_RDWR;
        case FileMode::create: return O_RDWR | O_CREAT;
        case FileMode::create_new: return O_RDWR | O_CREAT | O_EXCL;
    }
    return O_RDONLY;
}

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// flock and not fcntl locks: those belong to the process, so that closing any descriptor of the file would free them,
/// and a second lock in the same process would be granted.
class PosixLock final : public FileLock {
public:
    explicit PosixLock(Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}

private:
    const Descriptor descriptor_;  // closing it lets go
};

/// Of a name that nobody can make a file of.
class NoLock final : public FileLock {};

/// Where nothing can be written a file can still be locked. Nothing: there is no file and none can be made, so nobody else
/// can write either.
Result<std::optional<Descriptor>> open_lock(const std::string& path) {
    auto writable = open_descriptor(path, O_RDWR | O_CREAT);
    if (writable) return std::optional<Descriptor>(std::move(writable).value());
    auto readable = open_descriptor(path, O_RDONLY);
    if (readable) {
        struct stat status = {};
        if (::fstat(readable->number(), &status) != 0) return posix_error(path, "open", errno);
        if (S_ISDIR(status.st_mode)) return std::move(writable).error();
        return std::optional<Descriptor>(std::move(readable).value());
    }
    const bool fixed = writable.error().code == ErrorCode::read_only;
    if (fixed && readable.error().code == ErrorCode::not_found) return std::optional<Descriptor>();
    return std::move(writable).error();
}

/// The number the holder wrote, for the message only: it may be missing or that of an earlier holder.
std::string holder_of(int descriptor) {
    std::array<char, 16> text{};
    const ssize_t size = retry_interrupted([&] { return ::pread(descriptor, text.data(), text.size() - 1, 0); });
    const std::string_view digits(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::size_t length = std::min(digits.find_first_not_of("0123456789"), digits.size());
    if (length == 0) return "another process";
    return format_text("process {}", digits.substr(0, length));
}

/// Writes who holds the lock. Best effort: without it the lock still holds, and only a message says less.
void write_holder(int descriptor) noexcept {
    const std::string text = format_text("{}\n", ::getpid());
    if (::ftruncate(descriptor, 0) != 0) return;
    if (::pwrite(descriptor, text.data(), text.size(), 0) < 0) return;
}

class PosixFileSystem final : public FileSystem {
public:
    explicit PosixFileSystem(BatchReads reads) : batches_(std::make_shared<detail::BatchReader>(reads)) {}

    [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, FileMode mode) override {
        SEXTANT_TRY_ASSIGN(Descriptor descriptor, open_descriptor(path, open_flags(mode)));
        struct stat status = {};
        if (::fstat(descriptor.number(), &status) != 0) return posix_error(path, "open", errno);
        // Linux opens a directory for reading and fails at the first read; say it here.
        if (S_ISDIR(status.st_mode)) return posix_error(path, "open", EISDIR);
        return std::unique_ptr<File>(std::make_unique<detail::PosixFile>(std::move(descriptor), path, batches_));
    }

    [[nodiscard]] Result<bool> exists(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        struct stat status = {};
        if (::stat(path.c_str(), &status) == 0) return true;
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return posix_error(path, "look up", errno);
    }

    [[nodiscard]] Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        const Directory directory(::opendir(path.c_str()));
        if (directory == nullptr) return posix_error(path, "list", errno);
        std::vector<DirectoryEntry> entries;
        while (true) {
            errno = 0;  // the only way to tell the end from an error
            const dirent* entry = ::readdir(directory.get());
            if (entry == nullptr) break;
            const std::string_view name(entry->d_name);
            if (name == "." || name == "..") continue;
            bool is_directory = entry->d_type == DT_DIR;
            if (entry->d_type == DT_UNKNOWN) {  // some file systems do not say
                struct stat status = {};
                if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
                    const int number = errno;
                    if (number == ENOENT) continue;  // removed meanwhile
                    return posix_error(path, format_text("look up '{}'", name), number);
                }
                is_directory = S_ISDIR(status.st_mode);
            }
            entries.push_back({std::string(name), is_directory});
        }
        if (errno != 0) return posix_error(path, "list", errno);
        std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
        return entries;
    }

    [[nodiscard]] Result<void> create_directory(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        constexpr mode_t everyone = 0777;  // less the process's umask
        if (::mkdir(path.c_str(), everyone) != 0) return posix_error(path, "create directory", errno);
        return {};
    }

    [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override {
        SEXTANT_TRY(check_path(from));
        SEXTANT_TRY(check_path(to));
        if (std::rename(from.c_str(), to.c_str()) != 0) {
            const int number = errno;
            return posix_error(from, format_text("rename to '{}'", to), number);
        }
        return {};
    }

    [[nodiscard]] Result<void> remove_file(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        if (::unlink(path.c_str()) != 0) return posix_error(path, "remove", errno);
        return {};
    }

    [[nodiscard]] Result<void> remove_directory(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        if (::rmdir(path.c_str()) != 0) return posix_error(path, "remove directory", errno);
        return {};
    }

    [[nodiscard]] Result<void> sync_directory(const std::string& path) override {
        SEXTANT_TRY_ASSIGN(const Descriptor descriptor, open_descriptor(path, O_RDONLY | O_DIRECTORY));
        if (retry_interrupted([&] { return ::fsync(descriptor.number()); }) != 0) {
            Error error = posix_error(path, "sync directory", errno);
            error.code = ErrorCode::io_error;  // whatever it was for want of: it was tried
            return error;
        }
        return {};
    }

    [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
        SEXTANT_TRY_ASSIGN(std::optional<Descriptor> opened, open_lock(path));
        if (!opened) return std::unique_ptr<FileLock>(std::make_unique<NoLock>());
        Descriptor descriptor = std::move(*opened);
        if (retry_interrupted([&] { return ::flock(descriptor.number(), LOCK_EX | LOCK_NB); }) != 0) {
            if (errno != EWOULDBLOCK) return posix_error(path, "lock", errno);
            return Error{ErrorCode::busy, format_text("{}: locked by {}", path, holder_of(descriptor.number()))};
        }
        write_holder(descriptor.number());
        return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(descriptor)));
    }

private:
    const std::shared_ptr<detail::BatchReader> batches_;  ///< shared: files outlive the file system
};

}  // namespace

std::unique_ptr<FileSystem> posix_file_system(BatchReads reads) { return std::make_unique<PosixFileSystem>(reads); }

}  // namespace sextant::inline v1
