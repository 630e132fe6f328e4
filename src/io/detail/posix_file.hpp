/// PosixFile: a File over a descriptor.
#pragma once

#include <memory>
#include <string>

#include "io/detail/batch_reader.hpp"
#include "sextant/io/file.hpp"

namespace sextant::inline v1::detail {

/// A descriptor that is closed at the end.
class Descriptor {
public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor();
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

/// open(2) with close-on-exec.
[[nodiscard]] Result<Descriptor> open_descriptor(const std::string& path, int flags);

class PosixFile final : public File {
public:
    PosixFile(Descriptor descriptor, std::string path, std::shared_ptr<BatchReader> batches) noexcept;
    [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override;
    [[nodiscard]] Result<void> read_batch(std::span<const ReadRequest> requests) const override;
    void expect_random_reads() const noexcept override;
    [[nodiscard]] Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override;
    [[nodiscard]] Result<std::uint64_t> size() const override;
    [[nodiscard]] Result<void> truncate(std::uint64_t size) override;
    [[nodiscard]] Result<void> allocate(std::uint64_t size) override;
    [[nodiscard]] Result<void> sync() override;
    [[nodiscard]] Result<std::unique_ptr<MappedFile>> map() const override;
    [[nodiscard]] const std::string& path() const noexcept override { return path_; }

private:
    [[nodiscard]] Result<void> check_range(std::uint64_t offset, std::uint64_t size) const;

    const Descriptor descriptor_;
    const std::string path_;
    const std::shared_ptr<BatchReader> batches_;
};

}  // namespace sextant::inline v1::detail
