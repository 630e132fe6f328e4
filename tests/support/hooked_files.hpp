/// HookedFiles: passes all calls on, and calls a test back: after a file was written to or synced, before space is
/// allocated, when bytes are read.
/// Threads: as the file system behind it; hooks run in the thread of the call, and are not to be changed beside it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sextant/io/file_system.hpp"

namespace test_support {

struct FileHooks {
    /// The call did its work; an error that is returned here is what its caller is told all the same.
    std::function<std::optional<sextant::Error>(const std::string& path)> after_write = {};
    std::function<std::optional<sextant::Error>(const std::string& path)> after_sync = {};
    /// An error that is returned here is what the call does instead.
    std::function<std::optional<sextant::Error>(const std::string& path, std::uint64_t size)> before_allocate = {};
    std::function<void(const std::string& path)> on_read = {};
    std::function<void(const std::string& path)> after_removal = {};
};

class HookedFile final : public sextant::File {
public:
    HookedFile(std::unique_ptr<sextant::File> inner, const FileHooks& hooks)
        : inner_(std::move(inner)), hooks_(&hooks) {}
    [[nodiscard]] sextant::Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        if (hooks_->on_read) hooks_->on_read(path());
        return inner_->read_at(offset, into);
    }
    [[nodiscard]] sextant::Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        SEXTANT_TRY(inner_->write_at(offset, bytes));
        return call(hooks_->after_write);
    }
    [[nodiscard]] sextant::Result<std::uint64_t> size() const override { return inner_->size(); }
    [[nodiscard]] sextant::Result<void> truncate(std::uint64_t size) override { return inner_->truncate(size); }
    [[nodiscard]] sextant::Result<void> allocate(std::uint64_t size) override {
        if (hooks_->before_allocate) {
            if (auto error = hooks_->before_allocate(path(), size)) return std::move(*error);
        }
        return inner_->allocate(size);
    }
    [[nodiscard]] sextant::Result<void> sync() override {
        SEXTANT_TRY(inner_->sync());
        return call(hooks_->after_sync);
    }
    [[nodiscard]] sextant::Result<std::unique_ptr<sextant::MappedFile>> map() const override {
        if (hooks_->on_read) hooks_->on_read(path());
        return inner_->map();
    }
    [[nodiscard]] const std::string& path() const noexcept override { return inner_->path(); }

private:
    [[nodiscard]] sextant::Result<void> call(const decltype(FileHooks::after_write)& hook) const {
        if (!hook) return {};
        if (auto error = hook(path())) return std::move(*error);
        return {};
    }

    std::unique_ptr<sextant::File> inner_;
    const FileHooks* hooks_;
};

class HookedFiles final : public sextant::FileSystem {
public:
    explicit HookedFiles(sextant::FileSystem& inner) : inner_(&inner) {}

    [[nodiscard]] sextant::Result<std::unique_ptr<sextant::File>> open(const std::string& path,
                                                                       sextant::FileMode mode) override {
        SEXTANT_TRY_ASSIGN(auto file, inner_->open(path, mode));
        return std::unique_ptr<sextant::File>(std::make_unique<HookedFile>(std::move(file), hooks));
    }
    [[nodiscard]] sextant::Result<bool> exists(const std::string& path) override { return inner_->exists(path); }
    [[nodiscard]] sextant::Result<std::vector<sextant::DirectoryEntry>> list(const std::string& path) override {
        return inner_->list(path);
    }
    [[nodiscard]] sextant::Result<void> create_directory(const std::string& path) override {
        return inner_->create_directory(path);
    }
    [[nodiscard]] sextant::Result<void> rename(const std::string& from, const std::string& to) override {
        return inner_->rename(from, to);
    }
    [[nodiscard]] sextant::Result<void> remove_file(const std::string& path) override {
        SEXTANT_TRY(inner_->remove_file(path));
        if (hooks.after_removal) hooks.after_removal(path);
        return {};
    }
    [[nodiscard]] sextant::Result<void> remove_directory(const std::string& path) override {
        return inner_->remove_directory(path);
    }
    [[nodiscard]] sextant::Result<void> sync_directory(const std::string& path) override {
        return inner_->sync_directory(path);
    }
    [[nodiscard]] sextant::Result<std::unique_ptr<sextant::FileLock>> lock(const std::string& path) override {
        return inner_->lock(path);
    }

    FileHooks hooks;

private:
    sextant::FileSystem* inner_;
};

}  // namespace test_support
