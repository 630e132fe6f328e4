/// sim_promise: what was promised at each point of a simulated disk's log. Label 2 n is marked when write n begins, and
/// 2 n + 1 when it was acknowledged.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "support/sim_log.hpp"

namespace test_support {

struct Promise {
    std::uint64_t acknowledged = 0;
    std::uint64_t begun = 0;
};

/// One for each operation of the log, its own mark included.
inline std::vector<Promise> promises_of(const Recording& recording) {
    std::vector<Promise> promises;
    Promise promise;
    for (const SimOp& op : recording.ops) {
        if (op.kind == OpKind::mark) (op.offset % 2 == 0 ? promise.begun : promise.acknowledged) = op.offset / 2;
        promises.push_back(promise);
    }
    return promises;
}

}  // namespace test_support
