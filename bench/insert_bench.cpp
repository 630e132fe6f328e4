/// sextant_insert_bench: inserting into a collection that can be searched all the while, against hnswlib's addPoint.
/// Prints: rows/s of a burst that fits into the tail (rows searched by scanning until they are linked); rows/s sustained
/// over all rows, the linking included; the median latency of a search beside the sustained insert against an idle one.
/// Method: the burst and the sustained insert in one thread take turns with hnswlib piece by piece; with background
/// threads, which cannot be stopped for hnswlib's turn, each side runs whole and both times are given.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "peers/hnswlib_index.hpp"
#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Collection = sx::Collection<sx::SquaredL2, sx::MemoryStorage, sx::ScalarQuantizer>;

constexpr std::size_t piece_rows = 500;

sx::Result<Collection> open_collection(std::size_t dimension, std::shared_ptr<sx::Executor> executor) {
    Collection::Options options;
    options.dimension = dimension;
    return Collection::open(options, {.executor = std::move(executor)});
}

sx::Result<void> upsert_rows(Collection& collection, const Matrix& base, std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
        SEXTANT_TRY(collection.upsert(sx::PointId{row}, base.view(row)));
    }
    return {};
}

std::unique_ptr<HnswlibIndex> make_hnswlib(const Matrix& base) {
    return std::make_unique<HnswlibIndex>(Metric::l2, base.columns, base.rows, 16, 200);
}

void add_rows(HnswlibIndex& index, const Matrix& base, std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) index.add(base.row(row), row);
}

double rate(std::size_t rows, double seconds) { return static_cast<double>(rows) / seconds; }

void print_rates(const char* what, double ours, double theirs) {
    std::printf("%-52s %12.0f %12.0f %8.2f ×\n", what, ours, theirs, ours / theirs);
}

/// A fresh collection takes as many rows as its tail holds, while hnswlib adds a piece of the same rows.
sx::Result<void> measure_burst(const Matrix& base, std::size_t rounds) {
    std::vector<double> ours;
    std::vector<double> theirs;
    std::vector<double> ratios;
    std::size_t burst = 0;
    auto hnswlib = make_hnswlib(base);
    std::size_t added = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        SEXTANT_TRY_ASSIGN(Collection collection,
                           open_collection(base.columns, std::make_shared<sx::ThreadPoolExecutor>(1)));
        SEXTANT_TRY_ASSIGN(const sx::Stats empty, collection.stats());
        burst = std::min(base.rows, static_cast<std::size_t>(empty.tail_cap));
        const Stopwatch our_watch;
        SEXTANT_TRY(upsert_rows(collection, base, 0, burst));
        ours.push_back(rate(burst, our_watch.seconds()));
        SEXTANT_TRY_ASSIGN(const sx::Stats full, collection.stats());
        if (full.slowed_seconds > 0) std::printf("note: writers were slowed for %.3f s\n", full.slowed_seconds);
        // hnswlib gets slower as it grows: over all rounds it adds the rows of the burst once.
        const std::size_t last = std::max(added + 1, burst * (round + 1) / rounds);
        const Stopwatch their_watch;
        add_rows(*hnswlib, base, added, last);
        theirs.push_back(rate(last - added, their_watch.seconds()));
        added = last;
        ratios.push_back(ours.back() / theirs.back());
    }
    std::printf("tail's cap: %zu rows\n", burst);
    print_rates("burst up to the tail's cap, upsert row by row", median(ours), median(theirs));
    std::printf("%-52s %12s %12s %8.2f ×\n", "  median of the rounds' ratios", "", "", median(ratios));
    return {};
}

/// Everything in one thread: linking happens inside the calls that cause it.
sx::Result<void> measure_sustained_inline(const Matrix& base) {
    SEXTANT_TRY_ASSIGN(Collection collection, open_collection(base.columns, std::make_shared<sx::InlineExecutor>()));
    auto hnswlib = make_hnswlib(base);
    double ours = 0.0;
    double theirs = 0.0;
    for (std::size_t first = 0; first < base.rows; first += piece_rows) {
        const std::size_t last = std::min(first + piece_rows, base.rows);
        const CpuStopwatch our_watch(CpuStopwatch::Of::thread);
        SEXTANT_TRY(upsert_rows(collection, base, first, last));
        ours += our_watch.seconds();
        const CpuStopwatch their_watch(CpuStopwatch::Of::thread);
        add_rows(*hnswlib, base, first, last);
        theirs += their_watch.seconds();
    }
    const CpuStopwatch watch(CpuStopwatch::Of::thread);
    SEXTANT_TRY(collection.wait_until_indexed());
    ours += watch.seconds();
    print_rates("sustained, one thread for all, per processor second", rate(base.rows, ours), rate(base.rows, theirs));
    return {};
}

/// One writer; linking in the background.
sx::Result<void> measure_sustained_background(const Matrix& base, std::size_t workers) {
    SEXTANT_TRY_ASSIGN(Collection collection,
                       open_collection(base.columns, std::make_shared<sx::ThreadPoolExecutor>(workers)));
    const Stopwatch our_watch;
    const CpuStopwatch our_cpu(CpuStopwatch::Of::process);
    SEXTANT_TRY(upsert_rows(collection, base, 0, base.rows));
    const double acknowledged = our_watch.seconds();
    SEXTANT_TRY_ASSIGN(const sx::Stats stats, collection.stats());
    SEXTANT_TRY(collection.wait_until_indexed());
    const double indexed = our_watch.seconds();
    const double our_cpu_seconds = our_cpu.seconds();
    auto hnswlib = make_hnswlib(base);
    const Stopwatch their_watch;
    const CpuStopwatch their_cpu(CpuStopwatch::Of::process);
    add_rows(*hnswlib, base, 0, base.rows);
    const double theirs = their_watch.seconds();
    const double their_cpu_seconds = their_cpu.seconds();
    print_rates("sustained, background threads, rows acknowledged", rate(base.rows, acknowledged),
                rate(base.rows, theirs));
    print_rates("  until all rows are linked", rate(base.rows, indexed), rate(base.rows, theirs));
    print_rates("  per processor second, all threads", rate(base.rows, our_cpu_seconds),
                rate(base.rows, their_cpu_seconds));
    std::printf("  writers were slowed for %.2f s\n", stats.slowed_seconds);
    return {};
}

/// Latencies in microseconds, until `stop` or for one pass over the queries.
sx::Result<std::vector<double>> search_latencies(const Collection& collection, const Matrix& queries,
                                                 const std::atomic<bool>* stop) {
    sx::SearchRequest request;
    request.select = {.payload = false};
    sx::SearchResult result;
    std::vector<double> latencies;
    for (std::size_t i = 0; stop != nullptr ? !stop->load() : i < queries.rows; ++i) {
        request.vector = queries.view(i % queries.rows);
        const Stopwatch watch;
        SEXTANT_TRY(collection.search_into(request, result));
        latencies.push_back(watch.seconds() * 1e6);
    }
    return latencies;
}

sx::Result<void> measure_search_beside_insert(const WorkloadData& data, std::size_t workers) {
    const Matrix& base = data.base;
    SEXTANT_TRY_ASSIGN(Collection collection,
                       open_collection(base.columns, std::make_shared<sx::ThreadPoolExecutor>(workers)));
    SEXTANT_TRY(upsert_rows(collection, base, 0, base.rows / 2));
    SEXTANT_TRY(collection.wait_until_indexed());
    SEXTANT_TRY_ASSIGN(const auto before, search_latencies(collection, data.queries, nullptr));

    std::atomic<bool> stop{false};
    sx::Result<std::vector<double>> during = std::vector<double>{};
    std::thread searcher([&] { during = search_latencies(collection, data.queries, &stop); });
    const auto written = upsert_rows(collection, base, base.rows / 2, base.rows);
    stop.store(true);
    searcher.join();
    SEXTANT_TRY(written);
    if (!during) return during.error();

    SEXTANT_TRY(collection.wait_until_indexed());
    SEXTANT_TRY_ASSIGN(const auto after, search_latencies(collection, data.queries, nullptr));
    const double idle = 0.5 * (median(before) + median(after));
    std::printf("%-52s %9.1f µs %9.1f µs %8.2f ×\n", "search p50 beside the sustained insert, and idle",
                median(*during), idle, median(*during) / idle);
    std::printf("%-52s %9.1f µs %9.1f µs %8.2f ×\n", "  p99", percentile(*during, 0.99), percentile(after, 0.99),
                percentile(*during, 0.99) / percentile(after, 0.99));
    return {};
}

sx::Result<void> run(const WorkloadPaths& paths, std::size_t rounds, std::size_t workers) {
    SEXTANT_TRY_ASSIGN(const WorkloadData data, read_workload(paths));
    std::printf("%s, %zu × %zu, squared L2, ScalarQuantizer, one writer, %zu background thread(s)\n",
                dataset_name(paths.base).c_str(), data.base.rows, data.base.columns, workers);
    std::printf("%-52s %12s %12s %10s\n", "rows/s", "sextant", "hnswlib", "ratio");
    SEXTANT_TRY(measure_burst(data.base, rounds));
    SEXTANT_TRY(measure_sustained_inline(data.base));
    SEXTANT_TRY(measure_sustained_background(data.base, workers));
    return measure_search_beside_insert(data, workers);
}

}  // namespace

int main(int argc, char** argv) {
    WorkloadPaths paths;
    std::size_t rounds = 5;
    std::size_t workers = 1;
    CLI::App app{"Inserting into a searchable collection against hnswlib's addPoint"};
    add_workload_options(app, paths);
    app.add_option("--rounds", rounds, "bursts of which the median counts")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--workers", workers, "background threads")->capture_default_str()->check(CLI::Range(1, 64));
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    if (const auto done = run(paths, rounds, workers); !done) {
        std::fprintf(stderr, "sextant_insert_bench: %s\n", done.error().message.c_str());
        return 1;
    }
    return 0;
}
