/// sim_content: the bytes of a file on a simulated disk, in pages that files and images share until one writes.
/// Invariants: (1) bytes past the size are zero; (2) a page of a frozen content is never written again and, unless it
/// is absent, holds a byte that is not zero, so that equal bytes have equal digests.
/// Threads: const-safe; frozen contents are immutable.
/// Cost: the first write to a copy copies one pointer a page; a page of zeros costs nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace test_support {

/// 128 bits: two images of a night's run that differ are not taken for one.
struct Digest {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    friend bool operator==(const Digest&, const Digest&) = default;
};

/// Sums up parts; the order counts.
class DigestSum {
public:
    void add(std::uint64_t number) noexcept;
    void add(const Digest& digest) noexcept {
        add(digest.low);
        add(digest.high);
    }
    void add(std::span<const std::byte> bytes) noexcept;
    [[nodiscard]] const Digest& digest() const noexcept { return digest_; }

private:
    Digest digest_;
};

class SimContent;
using FrozenContent = std::shared_ptr<const SimContent>;

class SimContent {
public:
    static constexpr std::size_t page_size = 4096;
    /// The largest size a file may have: past it the disk says "file too large", as real ones do past theirs.
    static constexpr std::uint64_t most_size = std::uint64_t{1} << 32U;

    SimContent() = default;
    /// The bytes of `frozen`, to be written to; null stands for none. Costs nothing until then.
    explicit SimContent(FrozenContent frozen);
    SimContent(const SimContent&) = delete;
    SimContent& operator=(const SimContent&) = delete;
    SimContent(SimContent&&) noexcept = default;
    SimContent& operator=(SimContent&&) noexcept = default;
    ~SimContent() = default;

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> into) const noexcept;
    /// Grows the content if need be. REQUIRES: the end is at most `most_size`.
    void write(std::uint64_t offset, std::span<const std::byte> bytes);
    /// The same, but takes whole pages over from `same`, which holds these bytes at this offset. REQUIRES: frozen.
    void write(std::uint64_t offset, std::span<const std::byte> bytes, const SimContent& same);
    /// REQUIRES: `size` is at most `most_size`.
    void resize(std::uint64_t size);

    /// Ends writing; the digest is known from here on. What was not written to is what it was made from.
    [[nodiscard]] static FrozenContent freeze(SimContent&& content);
    /// REQUIRES: frozen.
    [[nodiscard]] const Digest& digest() const noexcept { return digest_; }

private:
    struct Page {
        std::array<std::byte, page_size> bytes{};
        Digest digest = {};
    };
    void begin_writing();
    void write_from(std::uint64_t offset, std::span<const std::byte> bytes, const SimContent* same);
    [[nodiscard]] Page& own_page(std::size_t index);

    FrozenContent base_;                        ///< whose pages these are, until the first write
    std::vector<std::shared_ptr<Page>> pages_;  ///< null: zeros
    std::vector<bool> owned_;                   ///< of this content alone, thus to be written in place
    std::uint64_t size_ = 0;
    Digest digest_;
};

}  // namespace test_support
