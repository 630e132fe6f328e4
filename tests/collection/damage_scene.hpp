/// damage_scene: a small durable collection on a simulated disk, with a file of every kind, and all that is true of it.
/// Threads: values.
#pragma once

#include <sextant/sextant.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collection/durable_support.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_disk.hpp"

namespace test_support {

/// With codes and norms, and without.
using CodedCollection = sextant::Collection<sextant::Cosine, sextant::MappedStorage, sextant::ScalarQuantizer>;
using PlainCollection = sextant::Collection<sextant::SquaredL2, sextant::MappedStorage>;
using FileBytes = std::vector<std::byte>;

/// "log", "vectors", …: what lies at a path.
[[nodiscard]] std::string kind_of_file(const std::string& path);

/// A frame that only the log has.
struct LiveFrame {
    std::string path = {};
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t last = 0;  ///< Lsn of its last effect; of a clean close: of the one before it
    bool closes = false;
};

struct DamageScene {
    static constexpr const char* path = "points.sxt";
    static constexpr std::size_t dimension = 4;

    /// A CodedCollection that was killed, with ids of both kinds; or a PlainCollection that was closed, with integers
    /// alone. `salt`: other points.
    [[nodiscard]] static DamageScene make(bool closed, std::uint64_t salt = 0);

    /// Whether anything is ever read from that byte of that file.
    [[nodiscard]] bool carries(const std::string& file, std::uint64_t at) const;
    [[nodiscard]] const Contents& truth() const { return moments.rbegin()->second; }

    bool closed = false;
    DiskState state = {};
    std::map<std::string, FileBytes> files = {};
    std::map<std::uint64_t, Contents> moments = {};  ///< by the Lsn of the last write
    std::uint64_t known = 0;                         ///< the last write that the manifest knows of
    std::vector<LiveFrame> frames = {};
    /// What lay at a path at earlier moments; also of files that are gone.
    std::map<std::string, std::vector<FileBytes>> older = {};
};

/// All that lies below `directory`, by path.
[[nodiscard]] std::map<std::string, FileBytes> all_files(SimDisk& disk, const std::string& directory);
/// Nothing where there is no such file.
[[nodiscard]] std::optional<FileBytes> read_whole(SimDisk& disk, const std::string& path);
/// Makes it what the file holds; makes the file and the directories it lies in.
void put_file(SimDisk& disk, const std::string& path, const FileBytes& bytes);

/// Logs of one page, so that all of it can be tried.
[[nodiscard]] FileHooks small_logs();

}  // namespace test_support
