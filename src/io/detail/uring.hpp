/// Uring: reads that the kernel works on at once, through the two rings of io_uring(7), by system calls alone.
/// Invariants: between two calls of read() nothing is under way, so no memory of a caller is written to later.
/// Threads: confined; may go from one thread to another between calls.
/// Cost: one system call for up to `depth` reads, where none is answered from memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sextant/core/function_ref.hpp"
#include "sextant/io/file.hpp"

namespace sextant::inline v1::detail {

class Uring {
public:
    /// Reads under way at most.
    static constexpr std::uint32_t depth = 128;

    /// Why there is none: `lasting` where asking again is in vain (the kernel has no such thing, or forbids it).
    struct Refusal {
        int number = 0;  ///< of errno
        bool lasting = false;
    };
    /// Null: `refusal` says why.
    [[nodiscard]] static std::unique_ptr<Uring> open(Refusal& refusal);
    Uring(const Uring&) = delete;
    Uring& operator=(const Uring&) = delete;
    ~Uring();

    /// False in a child of fork(), which must leave the ring to its parent.
    [[nodiscard]] bool is_own() const noexcept;
    /// Reads all requests and calls `unfinished` for each that was not filled whole, whatever the reason, in any order.
    /// False: the ring cannot be used any more. REQUIRES: is_own().
    [[nodiscard]] bool read(int descriptor, std::span<const ReadRequest> requests,
                            FunctionRef<void(const ReadRequest&)> unfinished) noexcept;

private:
    struct Ring;
    explicit Uring(std::unique_ptr<Ring> ring) noexcept;
    [[nodiscard]] std::uint32_t reap(std::span<const ReadRequest> requests,
                                     FunctionRef<void(const ReadRequest&)> unfinished) noexcept;

    std::unique_ptr<Ring> ring_;
};

}  // namespace sextant::inline v1::detail
