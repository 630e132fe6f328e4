/// sim_replay: what of a recorded log is durable at a point of it, and what is pending: may or may not be on the disk.
/// Invariants: (1) only durable state is kept whole; images are made from it and the pending things, so their cost does
/// not grow with the log; (2) a thing is settled when it must be in every image, but cannot be folded into the durable
/// state yet, since an older one is still open.
/// Threads: confined.
/// Why directory operations act on nodes: a durable entry in a directory whose own entry was lost is lost with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "support/sim_log.hpp"

namespace test_support::sim {

/// How much of a write reached the disk: these bytes of it, [first, second), and, if `extended`, the size it gives.
struct TornWrite {
    std::vector<std::pair<std::size_t, std::size_t>> ranges = {};
    bool extended = false;
};

/// How much of one pending thing is in an image: 0 nothing, 1 all of it, 2 + i its torn[i].
using Choice = std::uint8_t;
using Choices = std::vector<Choice>;

/// A write or a change of size.
struct PendingData {
    std::size_t op = 0;
    bool settled = false;
    bool lost = false;  ///< by a failed sync: never settled, since later ones do not write it
    std::vector<TornWrite> torn = {};
    FrozenContent bytes = {};  ///< of a write, at their offset: pages that all images share
};

struct ReplayFile {
    FrozenContent durable = {};
    std::vector<PendingData> pending = {};
    std::uint64_t pending_bytes = 0;
    std::map<Choices, FrozenContent> made = {};  ///< contents by the choices for what is pending and open
};

/// An operation on one or two directories.
struct PendingEntry {
    std::size_t op = 0;
    std::vector<NodeId> waits_for = {};  ///< directories still to be synced
    bool lost = false;

    [[nodiscard]] bool settled() const noexcept { return waits_for.empty(); }
};

/// Names, without the contents of files.
struct Tree {
    std::map<NodeId, std::map<std::string, NodeId>> directories = {};
};

/// One of the open things, of which an image holds this or that much.
struct OpenThing {
    std::size_t op = 0;
    std::size_t choice_count = 2;
    std::optional<NodeId> file = {};  ///< of data; none: an operation on directories
};

class Replay {
public:
    /// Torn writes are drawn by `seed` and the number of the operation.
    Replay(Recording recording, std::uint64_t seed);

    [[nodiscard]] const Recording& recording() const noexcept { return recording_; }
    /// Goes to the state right after `op`, forth or back. REQUIRES: op < recording().ops.size().
    void seek(std::size_t op);
    /// Marks up to there.
    [[nodiscard]] std::uint64_t mark_count() const noexcept { return marks_; }

    /// First operations on directories, then the data of each file by number; each group in the order of the log.
    [[nodiscard]] std::vector<OpenThing> open_things() const;
    /// The tree with those of the open operations on directories; none if a settled one needs one that is missing.
    [[nodiscard]] std::optional<Tree> make_tree(std::span<const Choice> choices) const;
    /// Never null. `choices`: for the open data of that file.
    [[nodiscard]] FrozenContent make_content(NodeId file, std::span<const Choice> choices);

private:
    void restart();
    void step(std::size_t op);
    void add_data(std::size_t op);
    void sync(ReplayFile& file, bool failed);
    void sync_directory(NodeId directory, bool failed);
    void forget_directory(NodeId directory, std::size_t before);
    void fold_entries();
    void apply(const PendingData& data, Choice choice, SimContent& content) const;
    /// False if it cannot be, and then nothing happened.
    [[nodiscard]] bool apply(const PendingEntry& entry, Tree& tree) const;
    [[nodiscard]] std::vector<TornWrite> tear(std::size_t op) const;

    const Recording recording_;
    const std::uint64_t seed_;
    std::size_t next_ = 0;
    std::uint64_t marks_ = 0;
    Tree durable_;
    std::vector<PendingEntry> entries_;
    std::map<NodeId, ReplayFile> files_;
};

}  // namespace test_support::sim
