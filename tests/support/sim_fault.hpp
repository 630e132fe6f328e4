/// sim_fault: which calls to a simulated disk fail, and how.
/// Threads: values; a FaultPlan is confined (the disk guards its own).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace test_support {

enum class FaultKind : std::uint8_t {
    io_error,      ///< EIO from any call, which then did nothing; from a sync: as sync_fails
    no_space,      ///< ENOSPC from write_at, allocate, and calls that make a file or directory
    short_write,   ///< write_at writes the first half, then ENOSPC
    sync_fails,    ///< EIO from sync or sync_directory; what was unsynced stays so, even past a later sync
    rename_fails,  ///< EIO from rename
    no_handles,    ///< EMFILE from open, lock, list and sync_directory
    read_fails,    ///< EIO from read_at and map
};
inline constexpr FaultKind all_fault_kinds[] = {FaultKind::io_error,   FaultKind::no_space,     FaultKind::short_write,
                                                FaultKind::sync_fails, FaultKind::rename_fails, FaultKind::no_handles,
                                                FaultKind::read_fails};

/// What a call does, as far as faults care.
enum class CallKind : std::uint8_t {
    open,    ///< a file that exists
    create,  ///< a file or directory; also an open() or lock() that makes the file
    read,    ///< also map
    write,
    allocate,
    truncate,
    sync,
    rename,
    list,
    sync_directory,
    other,  ///< size, exists, remove
};

struct Fault {
    std::uint64_t at_call = 0;  ///< the first call that may fail; the first of all is 0
    FaultKind kind = FaultKind::io_error;
    bool lasting = false;  ///< each call it applies to from then on; otherwise the first of them alone
};

/// Whether a fault of this kind can happen to such a call. `opens`: the call takes a file handle.
[[nodiscard]] bool applies(FaultKind fault, CallKind call, bool opens) noexcept;

class FaultPlan {
public:
    void add(const Fault& fault) { faults_.push_back({fault, false}); }
    void clear() noexcept { faults_.clear(); }
    /// Counts a call and says which fault strikes it.
    [[nodiscard]] std::optional<FaultKind> next(CallKind call, bool opens = false) noexcept;
    [[nodiscard]] std::uint64_t call_count() const noexcept { return calls_; }
    /// Calls that were struck.
    [[nodiscard]] std::uint64_t struck_count() const noexcept { return struck_; }

private:
    struct Pending {
        Fault fault;
        bool done;
    };
    std::vector<Pending> faults_;
    std::uint64_t calls_ = 0;
    std::uint64_t struck_ = 0;
};

}  // namespace test_support
