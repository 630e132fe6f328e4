#include "support/sim_replay.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "sextant/core/assert.hpp"
#include "sextant/core/random.hpp"

namespace test_support::sim {
namespace {

constexpr std::uint64_t sector_size = 512;
constexpr std::size_t few_sectors = 3;  ///< every subset of so many is tried
constexpr std::size_t random_tears = 2;
constexpr std::uint64_t most_kept = std::uint64_t{1} << 26U;  ///< bytes of contents of one file that are remembered

/// The bytes of a write whose sector has its bit set, joined where they touch.
TornWrite torn_of(const std::vector<std::size_t>& ends, const std::vector<bool>& kept) {
    TornWrite torn;
    for (std::size_t i = 0; i < kept.size(); ++i) {
        if (!kept[i]) continue;
        const std::size_t first = i == 0 ? 0 : ends[i - 1];
        if (!torn.ranges.empty() && torn.ranges.back().second == first) {
            torn.ranges.back().second = ends[i];
        } else {
            torn.ranges.emplace_back(first, ends[i]);
        }
    }
    return torn;
}

std::vector<bool> sectors(std::size_t count, std::size_t first, std::size_t last) {
    std::vector<bool> kept(count, false);
    for (std::size_t i = first; i < last; ++i) kept[i] = true;
    return kept;
}

/// Sets of sectors, neither none nor all: of few sectors all there are, of many a prefix, a suffix, one missing, some
/// at random.
std::set<std::vector<bool>> sector_sets(std::size_t count, sextant::Random& random) {
    std::set<std::vector<bool>> sets;
    if (count <= few_sectors) {
        for (std::size_t bits = 1; bits + 1 < (std::size_t{1} << count); ++bits) {
            std::vector<bool> kept(count);
            for (std::size_t i = 0; i < count; ++i) kept[i] = ((bits >> i) & 1U) != 0;
            sets.insert(kept);
        }
        return sets;
    }
    const auto drawn = [&] { return 1 + static_cast<std::size_t>(random.below(count - 1)); };
    for (const std::size_t at : {std::size_t{1}, drawn(), count - 1}) {
        sets.insert(sectors(count, 0, at));
        sets.insert(sectors(count, at, count));
    }
    auto one_missing = sectors(count, 0, count);
    one_missing[static_cast<std::size_t>(random.below(count))] = false;
    sets.insert(one_missing);
    for (std::size_t i = 0; i < random_tears; ++i) {
        std::vector<bool> kept(count);
        for (std::size_t s = 0; s < count; ++s) kept[s] = random.below(2) != 0;
        sets.insert(kept);
    }
    sets.erase(sectors(count, 0, 0));
    sets.erase(sectors(count, 0, count));
    return sets;
}

}  // namespace

Replay::Replay(Recording recording, std::uint64_t seed) : recording_(std::move(recording)), seed_(seed) { restart(); }

void Replay::restart() {
    next_ = 0;
    marks_ = 0;
    durable_ = {};
    entries_.clear();
    files_.clear();
    for (const auto& [id, node] : recording_.start.nodes) {
        if (node.is_directory) {
            durable_.directories[id] = node.entries;
        } else {
            files_[id].durable = node.content == nullptr ? SimContent::freeze({}) : node.content;
        }
    }
}

void Replay::seek(std::size_t op) {
    SEXTANT_CHECK(op < recording_.ops.size());
    if (op + 1 < next_) restart();
    while (next_ <= op) step(next_++);
}

void Replay::step(std::size_t index) {
    const SimOp& op = recording_.ops[index];
    switch (op.kind) {
        case OpKind::create_file: files_[op.node].durable = SimContent::freeze({}); break;
        case OpKind::create_directory: durable_.directories[op.node]; break;
        case OpKind::write:
        case OpKind::truncate:
        case OpKind::allocate: add_data(index); return;
        case OpKind::sync: sync(files_.at(op.node), op.failed); return;
        case OpKind::sync_directory: sync_directory(op.node, op.failed); return;
        case OpKind::mark: ++marks_; return;
        default: break;
    }
    PendingEntry entry{index, {op.directory}, false};
    if (op.kind == OpKind::rename && op.new_directory != op.directory) entry.waits_for.push_back(op.new_directory);
    entries_.push_back(std::move(entry));
}

void Replay::add_data(std::size_t index) {
    const SimOp& op = recording_.ops[index];
    ReplayFile& file = files_.at(op.node);
    file.made.clear();
    PendingData data;
    data.op = index;
    if (op.kind == OpKind::write) {
        data.torn = tear(index);
        SimContent bytes;
        bytes.write(op.offset, *op.bytes);
        data.bytes = SimContent::freeze(std::move(bytes));
        file.pending_bytes += op.bytes->size();
    }
    file.pending.push_back(std::move(data));
}

void Replay::sync(ReplayFile& file, bool failed) {
    file.made.clear();
    for (PendingData& data : file.pending) {
        if (failed) data.lost = data.lost || !data.settled;
        if (!failed) data.settled = data.settled || !data.lost;
    }
    const auto open = std::find_if(file.pending.begin(), file.pending.end(), [](const auto& d) { return !d.settled; });
    if (open == file.pending.begin()) return;
    SimContent content(file.durable);
    for (auto data = file.pending.begin(); data != open; ++data) {
        apply(*data, 1, content);
        const SimOp& op = recording_.ops[data->op];
        if (op.kind == OpKind::write) file.pending_bytes -= op.bytes->size();
    }
    file.durable = SimContent::freeze(std::move(content));
    file.pending.erase(file.pending.begin(), open);
}

void Replay::sync_directory(NodeId directory, bool failed) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        PendingEntry& entry = entries_[i];
        const auto found = std::find(entry.waits_for.begin(), entry.waits_for.end(), directory);
        if (found == entry.waits_for.end() || entry.lost) continue;
        if (failed) {
            entry.lost = true;
            continue;
        }
        entry.waits_for.erase(found);
        const SimOp& op = recording_.ops[entry.op];
        if (entry.settled() && op.kind == OpKind::remove_directory) forget_directory(op.node, i);
    }
    fold_entries();
}

/// What was done in a directory that is gone for good needs no sync of it any more.
void Replay::forget_directory(NodeId directory, std::size_t before) {
    for (std::size_t i = before; i-- > 0;) {
        auto& waits_for = entries_[i].waits_for;
        const auto found = std::find(waits_for.begin(), waits_for.end(), directory);
        if (found == waits_for.end()) continue;
        waits_for.erase(found);
        const SimOp& op = recording_.ops[entries_[i].op];
        if (waits_for.empty() && op.kind == OpKind::remove_directory) forget_directory(op.node, i);
    }
}

void Replay::fold_entries() {
    std::size_t count = 0;
    while (count < entries_.size() && entries_[count].settled()) {
        // What came before is all there, so this happens as it did.
        SEXTANT_CHECK(apply(entries_[count], durable_));
        ++count;
    }
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count));
}

std::vector<OpenThing> Replay::open_things() const {
    std::vector<OpenThing> things;
    std::set<NodeId> reachable;  // files that some image may hold, and perhaps more
    for (const auto& [id, entries] : durable_.directories) {
        for (const auto& [name, child] : entries) reachable.insert(child);
    }
    for (const PendingEntry& entry : entries_) {
        reachable.insert(recording_.ops[entry.op].node);
        if (!entry.settled()) things.push_back({entry.op, 2, {}});
    }
    for (const auto& [id, file] : files_) {
        if (reachable.count(id) == 0) continue;
        for (const PendingData& data : file.pending) {
            if (!data.settled) things.push_back({data.op, 2 + data.torn.size(), id});
        }
    }
    return things;
}

std::optional<Tree> Replay::make_tree(std::span<const Choice> choices) const {
    std::optional<Tree> tree(durable_);
    std::size_t next = 0;
    for (const PendingEntry& entry : entries_) {
        if (!entry.settled() && choices[next++] == 0) continue;
        if (!apply(entry, *tree) && entry.settled()) return std::nullopt;
    }
    return tree;
}

FrozenContent Replay::make_content(NodeId id, std::span<const Choice> choices) {
    ReplayFile& file = files_.at(id);
    if (file.pending.empty()) return file.durable;
    if (file.made.size() * (file.pending_bytes + SimContent::page_size) > most_kept) file.made.clear();
    FrozenContent& made = file.made[Choices(choices.begin(), choices.end())];
    if (made != nullptr) return made;
    SimContent content(file.durable);
    std::size_t next = 0;
    for (const PendingData& data : file.pending) apply(data, data.settled ? Choice{1} : choices[next++], content);
    made = SimContent::freeze(std::move(content));
    return made;
}

void Replay::apply(const PendingData& data, Choice choice, SimContent& content) const {
    if (choice == 0) return;
    const SimOp& op = recording_.ops[data.op];
    if (op.kind == OpKind::truncate) return content.resize(op.offset);
    if (op.kind == OpKind::allocate) return content.resize(std::max(content.size(), op.offset));
    const std::span<const std::byte> bytes(*op.bytes);
    if (choice == 1) return content.write(op.offset, bytes, *data.bytes);
    const TornWrite& torn = data.torn[choice - std::size_t{2}];
    for (const auto& [first, last] : torn.ranges) {
        content.write(op.offset + first, bytes.subspan(first, last - first), *data.bytes);
    }
    if (torn.extended) content.resize(std::max(content.size(), op.offset + bytes.size()));
}

bool Replay::apply(const PendingEntry& entry, Tree& tree) const {
    const SimOp& op = recording_.ops[entry.op];
    auto& from = tree.directories[op.directory];
    const auto found = from.find(op.name);
    if (op.kind == OpKind::create_file || op.kind == OpKind::create_directory) {
        return from.emplace(op.name, op.node).second;
    }
    if (found == from.end() || found->second != op.node) return false;
    if (op.kind == OpKind::remove_directory && !tree.directories[op.node].empty()) return false;
    if (op.kind == OpKind::rename) {
        auto& to = tree.directories[op.new_directory];
        const auto replaced = to.find(op.new_name);
        if (replaced != to.end()) {
            const auto directory = tree.directories.find(replaced->second);
            const bool moves_directory = tree.directories.count(op.node) != 0;
            if (moves_directory != (directory != tree.directories.end())) return false;
            if (moves_directory && !directory->second.empty()) return false;
        }
        from.erase(found);
        to[op.new_name] = op.node;
        return true;
    }
    from.erase(found);
    if (op.kind == OpKind::remove_directory) tree.directories.erase(op.node);
    return true;
}

std::vector<TornWrite> Replay::tear(std::size_t index) const {
    const SimOp& op = recording_.ops[index];
    sextant::Random random(sextant::mix64(seed_) ^ index);
    const std::uint64_t end = op.offset + op.bytes->size();
    std::vector<std::size_t> ends;  // of each sector's part
    for (std::uint64_t at = op.offset; at < end;) {
        at = std::min(end, (at / sector_size + 1) * sector_size);
        ends.push_back(static_cast<std::size_t>(at - op.offset));
    }
    const bool extends = end > op.old_size;
    std::vector<TornWrite> all;
    if (extends) all.push_back({{}, true});
    for (const auto& kept : sector_sets(ends.size(), random)) {
        all.push_back(torn_of(ends, kept));
        if (!extends || kept.back()) continue;
        all.push_back(all.back());
        all.back().extended = true;
    }
    return all;
}

}  // namespace test_support::sim
