/// File: one open file; MappedFile: its bytes as memory.
/// Threads: thread-safe; writes to overlapping bytes at once leave either's bytes there.
/// Lifetime: a File outlives the FileSystem it came from; a MappedFile outlives its File. Destructors close and never
/// throw; what must be on disk is synced before.
/// Why positions in each call: no hidden cursor that two threads could move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

/// The bytes of a file at the moment of mapping, read-only.
/// Touching bytes that were since truncated away ends the process with SIGBUS: map only files that no longer change.
class MappedFile {
public:
    virtual ~MappedFile() = default;
    /// Page aligned when not empty.
    [[nodiscard]] virtual std::span<const std::byte> bytes() const noexcept = 0;
    /// A hint: what is read next lies anywhere, so a page that is touched is read alone.
    virtual void expect_random_reads() const noexcept {}
    /// A hint: all of these bytes are about to be read.
    virtual void will_need(std::size_t /*offset*/, std::size_t /*size*/) const noexcept {}
    /// Whether these bytes were in memory just now, so that touching them does not wait for the disk. False where the
    /// system does not say. REQUIRES: size > 0, and they lie within bytes().
    [[nodiscard]] virtual bool in_memory(std::size_t /*offset*/, std::size_t /*size*/) const noexcept { return false; }
};

/// Bytes of a file from `offset` on, and where they go.
struct ReadRequest {
    std::uint64_t offset = 0;
    std::span<std::byte> into = {};
};

class File {
public:
    virtual ~File() = default;

    /// Fills `into` from `offset` on; fewer bytes than asked for mean the end of the file was reached, and only that.
    [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
    /// Writes all of `bytes` at `offset`; past the end the file grows, and a gap reads as zeros. After an error any part
    /// of the range may have been written.
    [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
    [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
    /// Sets the size; what is added reads as zeros.
    [[nodiscard]] virtual Result<void> truncate(std::uint64_t size) = 0;
    /// Backs bytes [0, size) with disk space, so that writing there cannot fail for lack of it; grows the file to `size`
    /// if it is shorter. resource_exhausted when the disk is full.
    [[nodiscard]] virtual Result<void> allocate(std::uint64_t size) = 0;
    /// Returns once all that was written, and the size, would survive a loss of power. After an error what reached the
    /// disk is unknown and stays so: a second sync() may succeed without having written what the first one lost
    /// (Rebello et al., USENIX ATC 2020), so give the file up.
    [[nodiscard]] virtual Result<void> sync() = 0;
    [[nodiscard]] virtual Result<std::unique_ptr<MappedFile>> map() const = 0;
    /// As it was given to open(); for messages.
    [[nodiscard]] virtual const std::string& path() const noexcept = 0;

    /// Fills all of every request, at once where the system can do that, so that a disk works on many. Errors as
    /// read_exactly(); then any of them may have been filled. REQUIRES: no two share a byte of memory.
    [[nodiscard]] virtual Result<void> read_batch(std::span<const ReadRequest> requests) const;
    /// A hint: what is read next lies anywhere, so reading ahead is in vain.
    virtual void expect_random_reads() const noexcept {}
};

/// Fills all of `into`, or says corruption with path, offset and both sizes when the file is too short for it.
[[nodiscard]] Result<void> read_exactly(const File& file, std::uint64_t offset, std::span<std::byte> into);

}  // namespace sextant::inline v1
