/// MemoryAccount: who may use how many bytes, and who uses them now. Accounts form a chain
/// (collection → database → tenant); a charge goes to every account of the chain or to none.
/// Threads: thread-safe. Lifetime: a parent outlives its children; an account outlives its charges.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

class MemoryAccount {
public:
    static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

    explicit MemoryAccount(std::string name, std::uint64_t limit_bytes = unlimited, MemoryAccount* parent = nullptr);
    MemoryAccount(const MemoryAccount&) = delete;
    MemoryAccount& operator=(const MemoryAccount&) = delete;

    /// resource_exhausted naming the account, what was asked and what is left; then nothing was charged anywhere.
    [[nodiscard]] Result<void> charge(std::uint64_t bytes);
    /// REQUIRES: bytes were charged to this account before.
    void release(std::uint64_t bytes) noexcept;

    /// Grants `charges` more charges and refuses every later one, whatever their size; unlimited: grants all again.
    /// This is how a test makes memory run out at each place in turn.
    void refuse_after(std::uint64_t charges) noexcept { grants_left_.store(charges, std::memory_order_relaxed); }

    [[nodiscard]] std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
    /// What a charge to this account may come to now: the least of the chain. Others may take it meanwhile.
    [[nodiscard]] std::uint64_t left() const noexcept;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    [[nodiscard]] Result<void> charge_here(std::uint64_t bytes);
    void release_here(std::uint64_t bytes) noexcept;
    [[nodiscard]] bool grant() noexcept;

    const std::string name_;
    const std::uint64_t limit_;
    MemoryAccount* const parent_;
    std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> peak_{0};
    std::atomic<std::uint64_t> grants_left_{unlimited};
};

/// Bytes charged for as long as this lives.
class MemoryCharge {
public:
    MemoryCharge() = default;
    [[nodiscard]] static Result<MemoryCharge> take(MemoryAccount& account, std::uint64_t bytes);
    MemoryCharge(MemoryCharge&& other) noexcept
        : account_(std::exchange(other.account_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    MemoryCharge& operator=(MemoryCharge&& other) noexcept {
        if (this != &other) {
            reset();
            account_ = std::exchange(other.account_, nullptr);
            bytes_ = std::exchange(other.bytes_, 0);
        }
        return *this;
    }
    ~MemoryCharge() { reset(); }
    /// Charges or releases the difference. REQUIRES: the account is the one it was taken from, if it was. An error changes
    /// nothing.
    [[nodiscard]] Result<void> resize(MemoryAccount& account, std::uint64_t bytes);
    void reset() noexcept;
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    MemoryAccount* account_ = nullptr;
    std::uint64_t bytes_ = 0;
};

}  // namespace sextant::inline v1
