/// sim_core: the live tree of a SimDisk, which its file system, files and locks share.
/// Threads: all members of DiskCore and LiveNode are guarded by the core's mutex, which whoever calls a function here
/// holds; ids and kinds of nodes never change.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/sim_disk.hpp"

namespace test_support::sim {

struct LiveNode {
    LiveNode(NodeId number, bool directory) : id(number), is_directory(directory) {}
    const NodeId id;
    const bool is_directory;
    std::map<std::string, std::shared_ptr<LiveNode>> entries = {};
    SimContent content = {};
    bool named = true;
    bool locked = false;
    std::uint64_t open_count = 0;
};
using LiveNodePtr = std::shared_ptr<LiveNode>;

/// Where a path leads.
struct Lookup {
    int error = 0;                          ///< errno; 0 also when only the last name is missing
    std::vector<LiveNodePtr> parents = {};  ///< from the root down; empty for the root itself
    std::string name = {};                  ///< the last one
    bool ends_in_slash = false;             ///< thus asks for a directory
    LiveNodePtr node = {};                  ///< null: there is nothing of that name

    [[nodiscard]] LiveNode& directory() const { return *parents.back(); }
};

struct DiskCore {
    explicit DiskCore(DiskState state);

    [[nodiscard]] Lookup look_up(const std::string& path) const;
    /// Puts a new node where `place` found nothing, and into the log.
    LiveNodePtr make(const Lookup& place, bool is_directory);
    void unlink(const Lookup& place);
    void forget_if_unused(LiveNode& node);  ///< gives back the space of a file without a name that nobody has open
    /// Bytes by which a file may still grow.
    [[nodiscard]] std::uint64_t room() const noexcept { return capacity > used ? capacity - used : 0; }
    /// The errno of the fault that strikes this call, or 0; for calls that a fault leaves without effect.
    [[nodiscard]] int struck(CallKind call, bool opens = false);
    SimOp& log(OpKind kind, NodeId node);

    std::mutex mutex;
    LiveNodePtr root;
    NodeId next_node = 1;
    Recording recording;
    FaultPlan faults;
    std::uint64_t capacity = SimDisk::unlimited;
    std::uint64_t used = 0;
};
using DiskCorePtr = std::shared_ptr<DiskCore>;

[[nodiscard]] int errno_of(FaultKind fault) noexcept;

/// REQUIRES: the node is a file; the mutex is held.
[[nodiscard]] std::unique_ptr<sextant::File> open_sim_file(DiskCorePtr core, LiveNodePtr node, const std::string& path,
                                                           bool writable);

}  // namespace test_support::sim
