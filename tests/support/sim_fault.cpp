#include "support/sim_fault.hpp"

namespace test_support {

bool applies(FaultKind fault, CallKind call, bool opens) noexcept {
    switch (fault) {
        case FaultKind::io_error: return true;
        case FaultKind::no_space:
            return call == CallKind::write || call == CallKind::allocate || call == CallKind::create;
        case FaultKind::short_write: return call == CallKind::write;
        case FaultKind::sync_fails: return call == CallKind::sync || call == CallKind::sync_directory;
        case FaultKind::rename_fails: return call == CallKind::rename;
        case FaultKind::no_handles: return opens || call == CallKind::list || call == CallKind::sync_directory;
        case FaultKind::read_fails: return call == CallKind::read;
    }
    return false;
}

std::optional<FaultKind> FaultPlan::next(CallKind call, bool opens) noexcept {
    const std::uint64_t number = calls_++;
    for (Pending& pending : faults_) {
        if (pending.done || number < pending.fault.at_call || !applies(pending.fault.kind, call, opens)) continue;
        pending.done = !pending.fault.lasting;
        ++struck_;
        return pending.fault.kind;
    }
    return std::nullopt;
}

}  // namespace test_support
