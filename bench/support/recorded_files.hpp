/// RecordedFiles: the machine's file system, which keeps a list of what is read in batches, to be read once more without
/// anything around it.
/// Threads: confined, files too: one thread searches. Lifetime: outlives its files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sextant/io/file_system.hpp"

namespace sextant_bench {

/// Reads that were asked for at once, of one file.
struct RecordedBatch {
    const sextant::File* file = nullptr;
    std::vector<std::pair<std::uint64_t, std::size_t>> reads = {};  ///< offset, size
};

class RecordedFile final : public sextant::File {
public:
    RecordedFile(std::unique_ptr<sextant::File> inner, std::vector<RecordedBatch>* record)
        : inner_(std::move(inner)), record_(record) {}
    [[nodiscard]] sextant::Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        return inner_->read_at(offset, into);
    }
    [[nodiscard]] sextant::Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        return inner_->write_at(offset, bytes);
    }
    [[nodiscard]] sextant::Result<std::uint64_t> size() const override { return inner_->size(); }
    [[nodiscard]] sextant::Result<void> truncate(std::uint64_t size) override { return inner_->truncate(size); }
    [[nodiscard]] sextant::Result<void> allocate(std::uint64_t size) override { return inner_->allocate(size); }
    [[nodiscard]] sextant::Result<void> sync() override { return inner_->sync(); }
    [[nodiscard]] sextant::Result<std::unique_ptr<sextant::MappedFile>> map() const override { return inner_->map(); }
    [[nodiscard]] const std::string& path() const noexcept override { return inner_->path(); }
    void expect_random_reads() const noexcept override { inner_->expect_random_reads(); }
    [[nodiscard]] sextant::Result<void> read_batch(std::span<const sextant::ReadRequest> requests) const override {
        RecordedBatch& batch = record_->emplace_back(RecordedBatch{inner_.get(), {}});
        for (const sextant::ReadRequest& request : requests) {
            batch.reads.emplace_back(request.offset, request.into.size());
        }
        return inner_->read_batch(requests);
    }

private:
    std::unique_ptr<sextant::File> inner_;
    std::vector<RecordedBatch>* record_;
};

class RecordedFiles final : public sextant::FileSystem {
public:
    explicit RecordedFiles(sextant::BatchReads reads) : inner_(sextant::posix_file_system(reads)) {}

    [[nodiscard]] sextant::Result<std::unique_ptr<sextant::File>> open(const std::string& path,
                                                                       sextant::FileMode mode) override {
        SEXTANT_TRY_ASSIGN(auto file, inner_->open(path, mode));
        return std::unique_ptr<sextant::File>(std::make_unique<RecordedFile>(std::move(file), &record));
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
        return inner_->remove_file(path);
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

    std::vector<RecordedBatch> record;

private:
    std::unique_ptr<sextant::FileSystem> inner_;
};

}  // namespace sextant_bench
