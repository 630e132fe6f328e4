/// sim_log: what a simulated disk held at first, and all that was done to it since, one entry a call.
/// Threads: values. Lifetime: contents and bytes are shared and immutable, so copies are cheap and outlive the disk.
/// Why nodes and not paths in the log: a name may have been given to another file when the operation reaches the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/sim_content.hpp"

namespace test_support {

/// A file or directory, for ever; names come and go.
using NodeId = std::uint64_t;
inline constexpr NodeId root_node = 0;

struct DiskNode {
    bool is_directory = false;
    std::map<std::string, NodeId> entries = {};  ///< of a directory
    FrozenContent content = {};                  ///< of a file; null: empty
};

/// All files and directories; each node but the root is an entry of exactly one directory.
struct DiskState {
    std::map<NodeId, DiskNode> nodes = {{root_node, {true, {}, {}}}};
};

enum class OpKind : std::uint8_t {
    create_file,       ///< `node` under `name` in `directory`
    create_directory,  ///< likewise
    write,             ///< `bytes` at `offset` of `node`
    truncate,          ///< `node` to the size `offset`
    allocate,          ///< `node` to at least the size `offset`
    sync,              ///< `node`; `failed`: its unsynced data may be lost whatever comes after
    rename,            ///< `node` from `name` in `directory` to `new_name` in `new_directory`
    remove_file,       ///< `node`, which was `name` in `directory`
    remove_directory,  ///< likewise
    sync_directory,    ///< `node`; `failed` as with sync
    mark,              ///< nothing happened to the disk; `offset` is the label
};

struct SimOp {
    OpKind kind = OpKind::mark;
    bool failed = false;
    NodeId node = root_node;
    NodeId directory = root_node;
    NodeId new_directory = root_node;
    std::uint64_t offset = 0;
    std::uint64_t old_size = 0;  ///< of the file before a write
    std::string name = {};
    std::string new_name = {};
    std::shared_ptr<const std::vector<std::byte>> bytes = {};
};

struct Recording {
    DiskState start = {};  ///< durable
    std::vector<SimOp> ops = {};
};

/// "write node 7: 512 bytes at 4096", for messages.
[[nodiscard]] std::string to_string(const SimOp& op);

}  // namespace test_support
