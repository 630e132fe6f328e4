/// wal_support: file systems that a test can look into or make fail, and a log in either.
/// ImageFiles: files in memory, as bytes that a test may change. Everything written is there at once: no crashes.
/// FailingFiles: passes calls on, and makes the n-th of them fail.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sextant/io/file_system.hpp"
#include "sextant/wal/wal_files.hpp"

namespace wal_test {

using sextant::Error;
using sextant::ErrorCode;
using sextant::FileMode;
using sextant::Result;
using Bytes = std::vector<std::byte>;

class ImageFile final : public sextant::File {
public:
    ImageFile(std::shared_ptr<Bytes> bytes, std::string path) : bytes_(std::move(bytes)), path_(std::move(path)) {}
    [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        if (offset >= bytes_->size()) return std::size_t{0};
        const std::size_t count = std::min(into.size(), bytes_->size() - static_cast<std::size_t>(offset));
        std::copy_n(bytes_->begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
        return count;
    }
    [[nodiscard]] Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        const auto end = static_cast<std::size_t>(offset) + bytes.size();
        if (bytes_->size() < end) bytes_->resize(end);
        std::copy(bytes.begin(), bytes.end(), bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
        return {};
    }
    [[nodiscard]] Result<std::uint64_t> size() const override { return std::uint64_t{bytes_->size()}; }
    [[nodiscard]] Result<void> truncate(std::uint64_t size) override {
        bytes_->resize(static_cast<std::size_t>(size));
        return {};
    }
    [[nodiscard]] Result<void> allocate(std::uint64_t size) override {
        if (bytes_->size() < size) bytes_->resize(static_cast<std::size_t>(size));
        return {};
    }
    [[nodiscard]] Result<void> sync() override { return {}; }
    [[nodiscard]] Result<std::unique_ptr<sextant::MappedFile>> map() const override {
        return Error{ErrorCode::unsupported, path_ + ": map"};
    }
    [[nodiscard]] const std::string& path() const noexcept override { return path_; }

private:
    std::shared_ptr<Bytes> bytes_;
    std::string path_;
};

class ImageFiles final : public sextant::FileSystem {
public:
    [[nodiscard]] Result<std::unique_ptr<sextant::File>> open(const std::string& path, FileMode mode) override {
        const auto found = files.find(path);
        const bool creates = mode == FileMode::create || mode == FileMode::create_new;
        if (found == files.end() && !creates) return Error{ErrorCode::not_found, path};
        if (found != files.end() && mode == FileMode::create_new) return Error{ErrorCode::already_exists, path};
        auto& bytes = files[path];
        if (!bytes) bytes = std::make_shared<Bytes>();
        return std::unique_ptr<sextant::File>(std::make_unique<ImageFile>(bytes, path));
    }
    [[nodiscard]] Result<bool> exists(const std::string& path) override { return files.count(path) != 0; }
    [[nodiscard]] Result<std::vector<sextant::DirectoryEntry>> list(const std::string& path) override {
        std::vector<sextant::DirectoryEntry> entries;
        for (const auto& [name, bytes] : files) {
            if (name.rfind(path + "/", 0) == 0) entries.push_back({name.substr(path.size() + 1), false});
        }
        return entries;
    }
    [[nodiscard]] Result<void> create_directory(const std::string&) override { return {}; }
    [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override {
        const auto found = files.find(from);
        if (found == files.end()) return Error{ErrorCode::not_found, from};
        files[to] = found->second;
        files.erase(from);
        return {};
    }
    [[nodiscard]] Result<void> remove_file(const std::string& path) override {
        if (files.erase(path) == 0) return Error{ErrorCode::not_found, path};
        return {};
    }
    [[nodiscard]] Result<void> remove_directory(const std::string&) override { return {}; }
    [[nodiscard]] Result<void> sync_directory(const std::string&) override { return {}; }
    [[nodiscard]] Result<std::unique_ptr<sextant::FileLock>> lock(const std::string& path) override {
        return Error{ErrorCode::unsupported, path};
    }

    Bytes& bytes(const std::string& name) { return *files.at("wal/" + name); }
    /// A copy that shares no bytes.
    [[nodiscard]] ImageFiles copy() const {
        ImageFiles other;
        for (const auto& [name, bytes] : files) other.files[name] = std::make_shared<Bytes>(*bytes);
        return other;
    }

    std::map<std::string, std::shared_ptr<Bytes>> files;
};

/// Which call fails, and how.
struct Fault {
    std::uint64_t at = 0;  ///< the how-manieth call, from 1; 0 for none
    ErrorCode code = ErrorCode::io_error;
    bool done_all_the_same = false;  ///< the call does its work (of a write: the first half) and still says it failed
    std::string only = {};           ///< counts calls of this name alone

    std::uint64_t calls = 0;
    std::string failed = {};  ///< the call that failed

    [[nodiscard]] bool hits(const std::string& call) {
        if (!only.empty() && call != only) return false;
        if (++calls != at) return false;
        failed = call;
        return true;
    }
    [[nodiscard]] Error error(const std::string& path) const { return Error{code, path + ": planted failure"}; }
};

class FailingFile final : public sextant::File {
public:
    FailingFile(std::unique_ptr<sextant::File> inner, Fault& fault) : inner_(std::move(inner)), fault_(&fault) {}
    [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        if (fault_->hits("read_at")) return fault_->error(path());
        return inner_->read_at(offset, into);
    }
    [[nodiscard]] Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        if (!fault_->hits("write_at")) return inner_->write_at(offset, bytes);
        if (fault_->done_all_the_same) inner_->write_at(offset, bytes.first(bytes.size() / 2)).value();
        return fault_->error(path());
    }
    [[nodiscard]] Result<std::uint64_t> size() const override {
        if (fault_->hits("size")) return fault_->error(path());
        return inner_->size();
    }
    [[nodiscard]] Result<void> truncate(std::uint64_t size) override {
        if (fault_->hits("truncate")) return fault_->error(path());
        return inner_->truncate(size);
    }
    [[nodiscard]] Result<void> allocate(std::uint64_t size) override {
        if (fault_->hits("allocate")) return fault_->error(path());
        return inner_->allocate(size);
    }
    [[nodiscard]] Result<void> sync() override {
        if (fault_->hits("sync")) return fault_->error(path());
        return inner_->sync();
    }
    [[nodiscard]] Result<std::unique_ptr<sextant::MappedFile>> map() const override { return inner_->map(); }
    [[nodiscard]] const std::string& path() const noexcept override { return inner_->path(); }

private:
    std::unique_ptr<sextant::File> inner_;
    Fault* fault_;
};

class FailingFiles final : public sextant::FileSystem {
public:
    explicit FailingFiles(sextant::FileSystem& inner) : inner_(&inner) {}

    [[nodiscard]] Result<std::unique_ptr<sextant::File>> open(const std::string& path, FileMode mode) override {
        if (fault.hits("open")) return fault.error(path);
        SEXTANT_TRY_ASSIGN(auto file, inner_->open(path, mode));
        return std::unique_ptr<sextant::File>(std::make_unique<FailingFile>(std::move(file), fault));
    }
    [[nodiscard]] Result<bool> exists(const std::string& path) override { return inner_->exists(path); }
    [[nodiscard]] Result<std::vector<sextant::DirectoryEntry>> list(const std::string& path) override {
        if (fault.hits("list")) return fault.error(path);
        return inner_->list(path);
    }
    [[nodiscard]] Result<void> create_directory(const std::string& path) override {
        return inner_->create_directory(path);
    }
    [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override {
        if (!fault.hits("rename")) return inner_->rename(from, to);
        if (fault.done_all_the_same) inner_->rename(from, to).value();
        return fault.error(from);
    }
    [[nodiscard]] Result<void> remove_file(const std::string& path) override {
        if (!fault.hits("remove_file")) return inner_->remove_file(path);
        if (fault.done_all_the_same) inner_->remove_file(path).value();
        return fault.error(path);
    }
    [[nodiscard]] Result<void> remove_directory(const std::string& path) override {
        return inner_->remove_directory(path);
    }
    [[nodiscard]] Result<void> sync_directory(const std::string& path) override {
        if (fault.hits("sync_directory")) return fault.error(path);
        return inner_->sync_directory(path);
    }
    [[nodiscard]] Result<std::unique_ptr<sextant::FileLock>> lock(const std::string& path) override {
        return inner_->lock(path);
    }

    Fault fault;

private:
    sextant::FileSystem* inner_;
};

inline std::array<std::byte, 16> some_collection() {
    std::array<std::byte, 16> id{};
    for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(0xA0 + i);
    return id;
}

inline sextant::WalPlace place_in(sextant::FileSystem& files, std::string directory = "wal") {
    return {.files = &files, .directory = std::move(directory), .collection = some_collection()};
}

/// What the effects from `first` on say: bytes that differ from frame to frame.
inline Bytes payload_of(std::uint64_t first, std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(first * 31 + i * 7 + 1);
    return bytes;
}

}  // namespace wal_test
