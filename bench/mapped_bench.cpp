/// sextant_mapped_bench: a collection searched within less memory than its vectors take.
///   sextant_mapped_bench --build DIR                    writes it, and the exact answers beside it in DIR.truth
///   sextant_mapped_bench --search DIR [--resident]      opens it, searches, and prints speed, recall and memory
/// The second is to be run under a limit on memory (systemd-run -p MemoryMax=…, a memory cgroup); docs/durability.md has
/// the commands. `held` is what the process keeps to itself; pages of mapped files are the system's to drop.
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/dataset.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Points = sx::Collection<sx::SquaredL2, sx::MappedStorage, sx::ScalarQuantizer>;

constexpr std::size_t k = 10;

struct Bench {
    std::string directory;
    WorkloadPaths paths;
    std::size_t ef = 80;
    bool resident = false;
    bool exact = false;
};

sx::Error cannot(const std::string& what) { return {sx::ErrorCode::io_error, what}; }

sx::Result<void> build(const Bench& bench) {
    SEXTANT_TRY_ASSIGN(const WorkloadData data, read_workload(bench.paths));
    Points::Options options;
    options.dimension = data.base.columns;
    options.durability = sx::Durability::Os;
    sx::OpenOptions open;
    open.mode = sx::OpenMode::create;
    SEXTANT_TRY_ASSIGN(Points points, Points::open(bench.directory, options, open));
    for (std::size_t row = 0; row < data.base.rows; ++row) {
        SEXTANT_TRY(points.upsert(sx::PointId{row}, data.base.view(row)));
    }
    SEXTANT_TRY(points.optimize());
    std::ofstream truth(bench.directory + ".truth");
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
        SEXTANT_TRY_ASSIGN(const auto hits, points.search({.vector = data.queries.view(q), .k = k, .exact = true}));
        for (const auto& hit : hits) truth << hit.id.to_string() << '\n';
    }
    if (!truth.flush()) return cannot(bench.directory + ".truth: cannot be written");
    return points.close();
}

/// "VmRSS" and the like, in MB.
double memory_figure(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1)) / 1000;
    }
    return 0;
}

std::uint64_t major_faults() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_majflt);
}

sx::Result<void> search(const Bench& bench) {
    SEXTANT_TRY_ASSIGN(const Matrix queries, read_vectors(bench.paths.queries, bench.paths.query_limit));
    std::ifstream truth_file(bench.directory + ".truth");
    std::vector<std::set<std::string>> truth(queries.rows);
    for (auto& ids : truth) {
        std::string id;
        while (ids.size() < k && std::getline(truth_file, id)) ids.insert(id);
        if (ids.size() < k) return cannot(bench.directory + ".truth: too short; build with as many queries");
    }
    sx::OpenOptions open;
    open.mode = sx::OpenMode::read_only;
    open.residency = bench.resident ? sx::Residency::resident : sx::Residency::mapped;
    const Stopwatch opening;
    SEXTANT_TRY_ASSIGN(Points points, Points::open(bench.directory, {}, open));
    std::printf("opened in %.3f s\n", opening.seconds());
    for (int round = 1; round <= 3; ++round) {
        std::size_t right = 0;
        const std::uint64_t faults = major_faults();
        sx::SearchRequest request{.k = k, .ef = bench.ef, .exact = bench.exact, .select = {.payload = false}};
        sx::SearchResult result;
        double seconds = 0;
        for (std::size_t q = 0; q < queries.rows; ++q) {
            request.vector = queries.view(q);
            const Stopwatch watch;
            SEXTANT_TRY(points.search_into(request, result));
            seconds += watch.seconds();
            for (const auto& hit : result) right += truth[q].count(hit.id.to_string());
        }
        std::printf("round %d: %8.0f searches/s  recall@10 %.4f  held %.0f MB  of files %.0f MB  major faults %llu\n",
                    round, static_cast<double>(queries.rows) / seconds,
                    static_cast<double>(right) / static_cast<double>(queries.rows * k), memory_figure("RssAnon"),
                    memory_figure("RssFile"), static_cast<unsigned long long>(major_faults() - faults));
    }
    return points.close();
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A collection larger than memory");
    Bench bench;
    std::string to_build;
    add_workload_options(app, bench.paths);
    auto* const build_option = app.add_option("--build", to_build, "directory to make");
    auto* const search_option = app.add_option("--search", bench.directory, "directory that was built");
    app.add_option("--ef", bench.ef, "candidates of a search")->capture_default_str();
    app.add_flag("--resident", bench.resident, "with vectors in memory");
    app.add_flag("--exact", bench.exact, "by scans of raw vectors");
    build_option->excludes(search_option);
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    if (to_build.empty() == bench.directory.empty()) {
        std::fprintf(stderr, "either --build DIR or --search DIR\n");
        return 2;
    }
    const bool building = !to_build.empty();
    if (building) bench.directory = to_build;
    const auto result = building ? build(bench) : search(bench);
    if (result) return 0;
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    return 1;
}
