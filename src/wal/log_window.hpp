/// LogWindow: a log file as bytes at positions, read piece by piece.
/// Invariants: holds no more than the larger of 1 MiB and what was asked for at once, whatever the file's size.
/// Lifetime: bytes given out live until the next call of at().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sextant/core/result.hpp"
#include "sextant/io/file.hpp"

namespace sextant::inline v1::detail {

class LogWindow {
public:
    [[nodiscard]] static Result<LogWindow> over(const File& file);

    [[nodiscard]] std::uint64_t file_size() const noexcept { return file_size_; }
    [[nodiscard]] const std::string& path() const noexcept { return file_->path(); }
    /// At least `size` bytes from `position` on, fewer only where the file ends. In memory they begin at a multiple of
    /// 8 if `position` is one.
    [[nodiscard]] Result<std::span<const std::byte>> at(std::uint64_t position, std::uint64_t size);

private:
    LogWindow(const File& file, std::uint64_t file_size) noexcept : file_(&file), file_size_(file_size) {}

    const File* file_;
    std::uint64_t file_size_;
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t capacity_ = 0;
    std::uint64_t begin_ = 0;  ///< position in the file of the first byte held
    std::size_t held_ = 0;
};

}  // namespace sextant::inline v1::detail
