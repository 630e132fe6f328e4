#include "support/sim_crash.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "sextant/core/random.hpp"
#include "support/sim_choices.hpp"
#include "support/sim_replay.hpp"

namespace test_support {

using namespace sim;

bool SeenImages::insert(const Digest& digest, std::uint64_t epoch) {
    const std::lock_guard lock(mutex_);
    images_.insert(digest);
    const std::uint64_t salt = sextant::mix64(epoch);
    return shown_.insert({digest.low ^ salt, digest.high + salt}).second;
}

std::size_t SeenImages::unique_count() const {
    const std::lock_guard lock(mutex_);
    return images_.size();
}

namespace {

/// A tree, and what is found in it from the root on.
struct Names {
    bool possible = false;
    Tree tree = {};
    std::vector<NodeId> directories = {};
    std::vector<NodeId> files = {};
    DigestSum digest = {};
};

void walk(NodeId directory, Names& names) {
    names.directories.push_back(directory);
    const auto& entries = names.tree.directories.at(directory);
    names.digest.add(entries.size());
    for (const auto& [name, child] : entries) {
        const bool is_directory = names.tree.directories.count(child) != 0;
        names.digest.add(std::as_bytes(std::span(name.data(), name.size())));
        names.digest.add(is_directory ? 1 : 0);
        if (is_directory) {
            walk(child, names);
        } else {
            names.files.push_back(child);
        }
    }
}

}  // namespace

struct CrashEnumerator::Impl {
    Impl(Recording recording, std::uint64_t seed) : replay(std::move(recording), seed) {}

    void seek(std::size_t op_index) {
        replay.seek(op_index);
        things = replay.open_things();
        trees.clear();
        entry_count = 0;
        while (entry_count < things.size() && !things[entry_count].file.has_value()) ++entry_count;
        spans.clear();
        for (std::size_t i = entry_count; i < things.size(); ++i) {
            spans.try_emplace(*things[i].file, i, std::size_t{0}).first->second.second = i + 1;
        }
    }

    const Names& names_for(std::span<const Choice> choices) {
        const auto [found, fresh] = trees.try_emplace(Choices(choices.begin(), choices.end()));
        Names& names = found->second;
        if (!fresh) return names;
        auto tree = replay.make_tree(choices);
        if (!tree.has_value()) return names;
        names.possible = true;
        names.tree = *std::move(tree);
        walk(root_node, names);
        return names;
    }

    FrozenContent content_of(NodeId file, std::span<const Choice> choices) {
        const auto found = spans.find(file);
        if (found == spans.end()) return replay.make_content(file, {});
        const auto [first, last] = found->second;
        return replay.make_content(file, choices.subspan(first, last - first));
    }

    /// The contents of names.files, into `contents`.
    Digest digest_of(const Names& names, std::span<const Choice> choices) {
        DigestSum sum = names.digest;
        contents.clear();
        for (const NodeId file : names.files) {
            contents.push_back(content_of(file, choices));
            sum.add(contents.back()->digest());
        }
        return sum.digest();
    }

    [[nodiscard]] DiskState state_of(const Names& names) const {
        DiskState state;
        for (const NodeId id : names.directories) state.nodes[id] = {true, names.tree.directories.at(id), {}};
        for (std::size_t i = 0; i < names.files.size(); ++i) state.nodes[names.files[i]] = {false, {}, contents[i]};
        return state;
    }

    Replay replay;
    std::vector<OpenThing> things;
    std::size_t entry_count = 0;                                  ///< things that are operations on directories
    std::map<NodeId, std::pair<std::size_t, std::size_t>> spans;  ///< which things are data of a file
    std::map<Choices, Names> trees;
    std::vector<FrozenContent> contents;
};

CrashEnumerator::CrashEnumerator(Recording recording, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(recording), seed)) {}
CrashEnumerator::~CrashEnumerator() = default;

std::size_t CrashEnumerator::log_size() const noexcept { return impl_->replay.recording().ops.size(); }

CrashCounts CrashEnumerator::at(std::size_t op_index, const CrashOptions& options, SeenImages& seen,
                                const OnImage& on_image) {
    Impl& impl = *impl_;
    impl.seek(op_index);
    const std::uint64_t epoch = options.epoch.value_or(impl.replay.mark_count());
    CrashCounts counts;
    const ChoicePlan plan{options.exhaustive_pending, options.random_subsets,
                          sextant::mix64(options.seed) ^ sextant::mix64(op_index)};
    each_choice(impl.things, plan, [&](const Choices& choices) {
        const std::span<const Choice> all(choices);
        const Names& names = impl.names_for(all.first(impl.entry_count));
        if (!names.possible) return;
        ++counts.generated;
        const Digest digest = impl.digest_of(names, all);
        if (!seen.insert(digest, epoch)) return;
        ++counts.shown;
        CrashImage about{op_index, digest, {}};
        for (const Choice choice : choices)
            about.what += static_cast<char>(choice < 10 ? '0' + choice : 'a' + choice - 10);
        on_image(SimDisk(impl.state_of(names)), about);
    });
    return counts;
}

SimDisk CrashEnumerator::kill_image(std::size_t op_index) {
    impl_->seek(op_index);
    const Choices everything(impl_->things.size(), Choice{1});
    const std::span<const Choice> all(everything);
    const Names& names = impl_->names_for(all.first(impl_->entry_count));
    impl_->digest_of(names, all);
    return SimDisk(impl_->state_of(names));
}

std::string CrashEnumerator::pending() const {
    std::string text;
    for (const OpenThing& thing : impl_->things) {
        text += std::to_string(thing.op) + ": " + to_string(impl_->replay.recording().ops[thing.op]) + "\n";
    }
    return text;
}

CrashCounts enumerate_crashes(const SimDisk& recorded, std::size_t op_index, const CrashOptions& options,
                              SeenImages& seen, const OnImage& on_image) {
    CrashEnumerator enumerator(recorded.recording(), options.seed);
    return enumerator.at(op_index, options, seen, on_image);
}

}  // namespace test_support
