#include "sextant/core/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

#include "core/format_text.hpp"

namespace sextant::inline v1 {
namespace {

constexpr std::size_t smallest_step = std::size_t{64} << 10U;
constexpr std::size_t huge_page = std::size_t{2} << 20U;

std::size_t page_size() noexcept {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

/// REQUIRES: unit is a power of two; value + unit does not overflow.
constexpr std::size_t round_up(std::size_t value, std::size_t unit) noexcept {
    return (value + unit - 1) & ~(unit - 1);
}

Error exhausted(const char* what, std::size_t bytes, const char* doing) {
    return Error{ErrorCode::resource_exhausted, format_text("{}: the system refused to {} {} bytes: {}", what, doing,
                                                            bytes, std::generic_category().message(errno))};
}

/// Address space without memory behind it, aligned to `alignment`; null and errno when there is none.
std::byte* reserve_addresses(std::size_t size, std::size_t alignment) noexcept {
    const std::size_t slack = alignment > page_size() ? alignment : 0;
    void* mapped = ::mmap(nullptr, size + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    auto* start = static_cast<std::byte*>(mapped);
    if (slack == 0) return start;
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    const std::size_t before = round_up(address, alignment) - address;
    if (before != 0) ::munmap(start, before);
    if (before != slack) ::munmap(start + before + size, slack - before);
    return start + before;
}

}  // namespace

Result<Arena> Arena::reserve(std::size_t reserve_bytes, MemoryAccount& account, const char* what) {
    Arena arena;
    arena.account_ = &account;
    arena.what_ = what;
    if (reserve_bytes == 0) return arena;
    if (reserve_bytes > std::numeric_limits<std::size_t>::max() - 2 * huge_page) {
        return Error{ErrorCode::resource_exhausted,
                     format_text("{}: {} bytes are more than there are addresses", what, reserve_bytes)};
    }
    const bool huge = reserve_bytes >= huge_page;
    const std::size_t size = round_up(reserve_bytes, page_size());
    arena.base_ = reserve_addresses(size, huge ? huge_page : page_size());
    if (arena.base_ == nullptr) return exhausted(what, reserve_bytes, "reserve addresses for");
    arena.reserved_ = size;
#ifdef MADV_HUGEPAGE
    // Said once for the whole range, so that committed parts merge into one mapping. It acts only where a whole 2 MiB
    // page is committed before it is touched; a kernel without huge pages says EINVAL and small pages do.
    if (huge) ::madvise(arena.base_, size, MADV_HUGEPAGE);
#endif
    return arena;
}

Result<Arena> Arena::exact(std::size_t size, MemoryAccount& account, const char* what) {
    SEXTANT_TRY_ASSIGN(Arena arena, reserve(size, account, what));
    SEXTANT_TRY(arena.commit_to(arena.reserved_));
    return arena;
}

Arena::Arena(Arena&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      committed_(other.committed_.exchange(0, std::memory_order_relaxed)),
      reserved_(std::exchange(other.reserved_, 0)),
      account_(std::exchange(other.account_, nullptr)),
      what_(std::exchange(other.what_, "")) {}

Arena& Arena::operator=(Arena&& other) noexcept {
    if (this != &other) {
        reset();
        base_ = std::exchange(other.base_, nullptr);
        committed_.store(other.committed_.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
        reserved_ = std::exchange(other.reserved_, 0);
        account_ = std::exchange(other.account_, nullptr);
        what_ = std::exchange(other.what_, "");
    }
    return *this;
}

Arena::~Arena() { reset(); }

void Arena::reset() noexcept {
    if (base_ == nullptr) return;
    ::munmap(base_, reserved_);
    account_->release(committed_.exchange(0, std::memory_order_relaxed));
    base_ = nullptr;
    reserved_ = 0;
}

Result<void> Arena::ensure(std::size_t size) {
    if (size <= committed()) return {};
    if (size > reserved_) {
        return Error{ErrorCode::resource_exhausted,
                     format_text("{}: {} bytes asked for, {} reserved", what_, size, reserved_)};
    }
    const std::size_t step = std::clamp(committed(), smallest_step, huge_page);
    return commit_to(std::min(round_up(size, step), reserved_));
}

Result<void> Arena::commit_to(std::size_t target) {
    const std::size_t before = committed();
    if (target == before) return {};
    const std::size_t added = target - before;
    if (auto charged = account_->charge(added); !charged) {
        Error error = std::move(charged).error();
        error.message = format_text("{}: {}", what_, error.message);
        return error;
    }
    if (::mprotect(base_ + before, added, PROT_READ | PROT_WRITE) != 0) {
        Error error = exhausted(what_, added, "commit");
        account_->release(added);
        return error;
    }
    committed_.store(target, std::memory_order_relaxed);
    return {};
}

void Arena::shrink(std::size_t size) noexcept {
    const std::size_t before = committed();
    if (size >= before) return;
    const std::size_t kept = round_up(size, page_size());
    if (kept >= before) return;
    const std::size_t dropped = before - kept;
    // DONTNEED returns the pages and makes them read as zero the next time; then they are closed to access. Both act on
    // an anonymous mapping of ours. Where the system refuses, the bytes stay committed and charged: still true.
    if (::madvise(base_ + kept, dropped, MADV_DONTNEED) != 0) return;
    if (::mprotect(base_ + kept, dropped, PROT_NONE) != 0) return;
    committed_.store(kept, std::memory_order_relaxed);
    account_->release(dropped);
}

}  // namespace sextant::inline v1
