// A collection four times as large as the memory its process may have, under a real limit: a memory cgroup, which only
// root can make. Builds it, searches it, and compares with the same without a limit; held in memory it must be killed.
// 77: no cgroup can be made here. Writes to the working directory, which must be on a disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sextant/sextant.hpp"

namespace {

namespace sx = sextant;
using Points = sx::Collection<sx::SquaredL2, sx::MappedStorage, sx::ScalarQuantizer>;

constexpr std::size_t dimension = 768;
constexpr std::uint64_t rows = 50'000;
/// Each reads thousands of pages from the disk, so a slow disk is asked fewer of them.
constexpr std::size_t queries = 100;
constexpr std::size_t least_queries = 10;
constexpr auto time_for_queries = std::chrono::seconds(30);
constexpr std::size_t k = 10;
/// Raw vectors, codes and graph take about 4,000 bytes a row, 200 MB in all.
constexpr std::uint64_t limit = std::uint64_t{48} << 20U;
constexpr int skipped = 77;
constexpr int cannot_join = 2;

/// Vectors around 200 centres.
class Rows {
public:
    explicit Rows(std::uint64_t seed) : random_(seed) {}
    const std::vector<float>& next() {
        std::mt19937 centre(static_cast<std::uint32_t>(random_() % 200));
        for (float& x : vector_) x = unit_(centre) + 0.3F * unit_(random_);
        return vector_;
    }

private:
    std::mt19937_64 random_;
    std::normal_distribution<float> unit_;
    std::vector<float> vector_ = std::vector<float>(dimension);
};

/// A group of processes that share a limit.
class MemoryGroup {
public:
    MemoryGroup() = default;
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;
    ~MemoryGroup() {
        if (!path_.empty()) ::rmdir(path_.c_str());
    }

    bool make() {
        const std::string name = "/sextant-" + std::to_string(::getpid());
        for (const auto& [parent, file] : {std::pair{"/sys/fs/cgroup/memory", "/memory.limit_in_bytes"},
                                           std::pair{"/sys/fs/cgroup", "/memory.max"}}) {
            const std::string path = parent + name;
            if (::mkdir(path.c_str(), 0755) != 0) continue;
            path_ = path;
            if (put(file, limit)) return true;
            ::rmdir(path.c_str());
            path_.clear();
        }
        return false;
    }
    bool join() const { return put("/cgroup.procs", static_cast<std::uint64_t>(::getpid())); }

private:
    bool put(const std::string& file, std::uint64_t value) const {
        std::ofstream out(path_ + file);
        out << value;
        return static_cast<bool>(out.flush());
    }

    std::string path_;
};

sx::Result<void> build(const std::string& path, const sx::OpenOptions& open) {
    SEXTANT_TRY_ASSIGN(Points points, Points::open(path, {.dimension = dimension}, open));
    Rows source(1);
    sx::WriteBatch batch;
    for (std::uint64_t id = 1; id <= rows; ++id) {
        batch.upsert(sx::PointId{id}, source.next());
        if (id % 100 != 0) continue;
        SEXTANT_TRY(points.write(std::move(batch), sx::Durability::Os));
    }
    SEXTANT_TRY(points.wait_until_indexed());
    return points.close();
}

struct Recall {
    double share = 0.0;  ///< of the true neighbours that searches find
    std::size_t queries = 0;
};

sx::Result<Recall> recall(const std::string& path, sx::OpenOptions open) {
    open.mode = sx::OpenMode::read_only;
    SEXTANT_TRY_ASSIGN(Points points, Points::open(path, {}, open));
    Rows source(2);
    std::vector<std::vector<float>> vectors;
    std::vector<sx::SearchRequest> exact;
    for (std::size_t q = 0; q < queries; ++q) vectors.push_back(source.next());
    for (const auto& vector : vectors) exact.push_back({.vector = vector, .k = k, .exact = true});
    SEXTANT_TRY_ASSIGN(const auto truth, points.search_batch(exact));
    std::size_t right = 0;
    const auto end = std::chrono::steady_clock::now() + time_for_queries;
    std::size_t asked = 0;
    for (; asked < queries && (asked < least_queries || std::chrono::steady_clock::now() < end); ++asked) {
        const std::size_t q = asked;
        SEXTANT_TRY_ASSIGN(const auto hits, points.search({.vector = vectors[q], .k = k, .ef = 80}));
        for (const auto& hit : hits) {
            for (const auto& wanted : truth[q]) right += hit.id == wanted.id ? 1U : 0U;
        }
    }
    return Recall{static_cast<double>(right) / static_cast<double>(asked * k), asked};
}

/// In a process of its own; what wait() says of it. `group` null: no limit.
int run(const std::string& path, sx::Residency residency, const MemoryGroup* group) {
    std::filesystem::remove_all(path);
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        if (group != nullptr && !group->join()) std::_Exit(cannot_join);
        // The rest of the limit is for what is no part of the collection, and for pages of its files.
        sx::MemoryAccount account("collection", limit * 3 / 4);
        sx::OpenOptions open;
        open.residency = residency;
        if (group != nullptr && residency == sx::Residency::mapped) open.memory = &account;
        auto done = build(path, open);
        auto found = done ? recall(path, open) : sx::Result<Recall>(done.error());
        if (!found) {
            std::printf("%s\n", found.error().message.c_str());
            std::fflush(stdout);
            std::_Exit(1);
        }
        std::printf("recall@%zu %.4f of %zu searches, limit %s\n", k, found->share, found->queries,
                    group == nullptr ? "none" : "48 MiB");
        std::fflush(stdout);
        std::_Exit(found->share >= 0.95 ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

}  // namespace

int main() {
    MemoryGroup group;
    if (!group.make()) {
        std::printf("SKIPPED: no memory cgroup can be made here (root and /sys/fs/cgroup are needed)\n");
        return skipped;
    }
    const std::string path = "memory_limit.sxt";
    const int free_run = run(path, sx::Residency::mapped, nullptr);
    const int limited = run(path, sx::Residency::mapped, &group);
    if (WIFEXITED(limited) && WEXITSTATUS(limited) == cannot_join) {
        std::printf("SKIPPED: no process can be put into the memory cgroup that was made\n");
        return skipped;
    }
    const int resident = run(path, sx::Residency::resident, &group);
    std::filesystem::remove_all(path);
    const bool killed = WIFSIGNALED(resident) && WTERMSIG(resident) == SIGKILL;
    std::printf("mapped, no limit: %s; mapped, limit: %s; in memory, limit: %s\n", free_run == 0 ? "done" : "FAILED",
                limited == 0 ? "done" : "FAILED", killed ? "killed, as it must be" : "NOT KILLED: the limit is none");
    return free_run == 0 && limited == 0 && killed ? 0 : 1;
}
