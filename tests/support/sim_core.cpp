#include "support/sim_core.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace test_support {

std::string to_string(const SimOp& op) {
    const std::string node = "node " + std::to_string(op.node);
    const std::string name = "'" + op.name + "' in " + std::to_string(op.directory);
    const std::string number = std::to_string(op.offset);
    const std::string failed = op.failed ? " (failed)" : "";
    switch (op.kind) {
        case OpKind::create_file: return "create " + node + ": file " + name;
        case OpKind::create_directory: return "create " + node + ": directory " + name;
        case OpKind::write: return "write " + node + ": " + std::to_string(op.bytes->size()) + " bytes at " + number;
        case OpKind::truncate: return "truncate " + node + " to " + number;
        case OpKind::allocate: return "allocate " + node + " to " + number;
        case OpKind::sync: return "sync " + node + failed;
        case OpKind::rename:
            return "rename " + node + ": " + name + " to '" + op.new_name + "' in " + std::to_string(op.new_directory);
        case OpKind::remove_file: return "remove " + node + ": file " + name;
        case OpKind::remove_directory: return "remove " + node + ": directory " + name;
        case OpKind::sync_directory: return "sync directory " + node + failed;
        case OpKind::mark: return "mark " + number;
    }
    return "?";
}

namespace sim {
namespace {

constexpr std::size_t longest_name = 255;

}  // namespace

DiskCore::DiskCore(DiskState state) {
    std::map<NodeId, LiveNodePtr> nodes;
    for (const auto& [id, node] : state.nodes) {
        auto live = std::make_shared<LiveNode>(id, node.is_directory);
        live->content = SimContent(node.content);
        used += live->content.size();
        next_node = std::max(next_node, id + 1);
        nodes.emplace(id, std::move(live));
    }
    for (const auto& [id, node] : state.nodes) {
        for (const auto& [name, child] : node.entries) nodes.at(id)->entries.emplace(name, nodes.at(child));
    }
    root = nodes.at(root_node);
    recording.start = std::move(state);
}

Lookup DiskCore::look_up(const std::string& path) const {
    Lookup found;
    found.node = root;
    std::string_view rest(path);
    while (true) {
        rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
        if (rest.empty()) break;
        const std::string_view part = rest.substr(0, rest.find('/'));
        rest.remove_prefix(part.size());
        // More follows, a slash at least: what came before must be a directory.
        if (found.node == nullptr) found.error = ENOENT;
        if (found.node != nullptr && !found.node->is_directory) found.error = ENOTDIR;
        if (part.size() > longest_name) found.error = ENAMETOOLONG;
        if (part == "..") found.error = EINVAL;  // nobody needs it
        if (found.error != 0) return found;
        if (part == ".") continue;
        const auto child = found.node->entries.find(std::string(part));
        const bool missing = child == found.node->entries.end();
        found.parents.push_back(found.node);
        found.name = part;
        found.node = missing ? nullptr : child->second;
    }
    found.ends_in_slash = path.back() == '/';
    return found;
}

LiveNodePtr DiskCore::make(const Lookup& place, bool is_directory) {
    auto node = std::make_shared<LiveNode>(next_node++, is_directory);
    place.directory().entries.emplace(place.name, node);
    SimOp& op = log(is_directory ? OpKind::create_directory : OpKind::create_file, node->id);
    op.directory = place.directory().id;
    op.name = place.name;
    return node;
}

void DiskCore::unlink(const Lookup& place) {
    SimOp& op = log(place.node->is_directory ? OpKind::remove_directory : OpKind::remove_file, place.node->id);
    op.directory = place.directory().id;
    op.name = place.name;
    place.directory().entries.erase(place.name);
    place.node->named = false;
    forget_if_unused(*place.node);
}

void DiskCore::forget_if_unused(LiveNode& node) {
    if (node.named || node.open_count != 0) return;
    used -= node.content.size();
    node.content = SimContent();
}

int DiskCore::struck(CallKind call, bool opens) {
    const auto fault = faults.next(call, opens);
    return fault.has_value() ? errno_of(*fault) : 0;
}

SimOp& DiskCore::log(OpKind kind, NodeId node) {
    SimOp& op = recording.ops.emplace_back();
    op.kind = kind;
    op.node = node;
    return op;
}

int errno_of(FaultKind fault) noexcept {
    switch (fault) {
        case FaultKind::no_space:
        case FaultKind::short_write: return ENOSPC;
        case FaultKind::no_handles: return EMFILE;
        default: return EIO;
    }
}

}  // namespace sim
}  // namespace test_support
