/// sextant_mapped_bench: a collection searched within less memory than its vectors take.
///   sextant_mapped_bench --truth FILE                   writes the exact answers
///   sextant_mapped_bench --truth FILE --build DIR       makes the collection, row by row as they are read
///   sextant_mapped_bench --truth FILE --search DIR      opens it, searches, and prints speed, recall and memory
/// The second and third are to be run under a limit on memory (systemd-run -p MemoryMax=…, a memory cgroup), of which
/// --memory tells the collection; docs/durability.md has the commands. `held` is what the process keeps to itself; pages
/// of mapped files are the system's to drop.
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
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
    std::string truth;
    WorkloadPaths paths;
    std::size_t ef = 80;
    sx::Residency residency = sx::Residency::mapped;
    std::uint64_t memory_mb = 0;  ///< 0: the collection knows of no limit
    bool exact = false;
    bool optimize = false;
};

sx::Error cannot(const std::string& what) { return {sx::ErrorCode::io_error, what}; }

Points::Options options_for(std::size_t dimension) {
    Points::Options options;
    options.dimension = dimension;
    options.durability = sx::Durability::Os;
    return options;
}

/// The exact answers, one id a line, k lines a query.
sx::Result<void> write_truth(const Bench& bench) {
    SEXTANT_TRY_ASSIGN(const WorkloadData data, read_workload(bench.paths));
    using Exact = sx::Collection<sx::SquaredL2>;
    SEXTANT_TRY_ASSIGN(Exact points, Exact::open({.dimension = data.base.columns}));
    for (std::size_t row = 0; row < data.base.rows; ++row) {
        SEXTANT_TRY(points.upsert(sx::PointId{row}, data.base.view(row)));
    }
    std::ofstream truth(bench.truth);
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
        SEXTANT_TRY_ASSIGN(const auto hits, points.search({.vector = data.queries.view(q), .k = k, .exact = true}));
        for (const auto& hit : hits) truth << hit.id.to_string() << '\n';
    }
    if (!truth.flush()) return cannot(bench.truth + ": cannot be written");
    return {};
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

void print_memory() {
    std::printf("held %.0f MB, most %.0f MB, of files %.0f MB, major faults %llu\n", memory_figure("RssAnon"),
                memory_figure("VmHWM"), memory_figure("RssFile"), static_cast<unsigned long long>(major_faults()));
}

/// Row by row as they are read, in batches. Where memory is short a batch waits for background work.
sx::Result<void> build(const Bench& bench) {
    sx::MemoryAccount account("bench", bench.memory_mb == 0 ? sx::MemoryAccount::unlimited : bench.memory_mb << 20U);
    sx::OpenOptions open;
    open.mode = sx::OpenMode::create;
    open.residency = bench.residency;
    open.memory = &account;
    const Stopwatch watch;
    std::optional<Points> points;
    constexpr std::size_t rows_per_batch = 256;
    sx::WriteBatch batch;
    std::size_t refused = 0;
    const auto write = [&]() -> sx::Result<void> {
        auto written = points->write(std::move(batch));
        while (!written && written.error().code == sx::ErrorCode::resource_exhausted) {
            ++refused;
            SEXTANT_TRY(points->wait_until_indexed());
            written = points->write(std::move(batch));  // it keeps what was refused
        }
        return written ? sx::Result<void>() : std::move(written).error();
    };
    SEXTANT_TRY(for_each_vector(
        bench.paths.base, bench.paths.limit, [&](std::size_t row, sx::VectorView vector) -> sx::Result<void> {
            if (!points.has_value()) {
                SEXTANT_TRY_ASSIGN(points, Points::open(bench.directory, options_for(vector.size()), open));
            }
            batch.upsert(sx::PointId{row}, vector);
            return batch.size() < rows_per_batch ? sx::Result<void>() : write();
        }));
    SEXTANT_TRY(write());
    std::printf("written in %.1f s, %zu writes refused for memory\n", watch.seconds(), refused);
    print_memory();
    SEXTANT_TRY(points->wait_until_indexed());
    SEXTANT_TRY_ASSIGN(sx::Stats stats, points->stats());
    while (stats.rebuilding) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        SEXTANT_TRY_ASSIGN(stats, points->stats());
    }
    std::printf("%zu segments after %.1f s; charged %.0f MB, most %.0f MB\n", stats.segments.size(), watch.seconds(),
                static_cast<double>(stats.memory_used) / 1e6, static_cast<double>(stats.memory_peak) / 1e6);
    print_memory();
    if (bench.optimize) {
        SEXTANT_TRY(points->optimize());
        std::printf("one segment after %.1f s\n", watch.seconds());
        print_memory();
    }
    return points->close();
}

sx::Result<void> search(const Bench& bench) {
    SEXTANT_TRY_ASSIGN(const Matrix queries, read_vectors(bench.paths.queries, bench.paths.query_limit));
    std::ifstream truth_file(bench.truth);
    std::vector<std::set<std::string>> truth(queries.rows);
    for (auto& ids : truth) {
        std::string id;
        while (ids.size() < k && std::getline(truth_file, id)) ids.insert(id);
        if (ids.size() < k) return cannot(bench.truth + ": too short; write it with as many queries");
    }
    sx::OpenOptions open;
    open.mode = sx::OpenMode::read_only;
    open.residency = bench.residency;
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
    const std::map<std::string, sx::Residency> residencies{{"resident", sx::Residency::resident},
                                                           {"mapped", sx::Residency::mapped},
                                                           {"mapped_vectors", sx::Residency::mapped_vectors}};
    add_workload_options(app, bench.paths);
    app.add_option("--truth", bench.truth, "file of exact answers")->required();
    auto* const build_option = app.add_option("--build", to_build, "directory to make");
    auto* const search_option = app.add_option("--search", bench.directory, "directory that was built");
    app.add_option("--residency", bench.residency, "resident, mapped or mapped_vectors")
        ->transform(CLI::CheckedTransformer(residencies));
    app.add_option("--memory", bench.memory_mb, "MiB the collection may take; 0: it knows of no limit");
    app.add_option("--ef", bench.ef, "candidates of a search")->capture_default_str();
    app.add_flag("--optimize", bench.optimize, "into one segment");
    app.add_flag("--exact", bench.exact, "by scans of raw vectors");
    build_option->excludes(search_option);
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    sx::Result<void> result;
    if (!to_build.empty()) {
        bench.directory = to_build;
        result = build(bench);
    } else {
        result = bench.directory.empty() ? write_truth(bench) : search(bench);
    }
    if (result) return 0;
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    return 1;
}
