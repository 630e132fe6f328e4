/// sextant_scan_bench: what a scan and a search cost at the limit of the machine: exact scan against the measured read
/// bandwidth, 32 queries at once against 32 single ones, heap allocations of a search after warm-up.
/// Method: the parts of a ratio take turns within each round; a figure is the median of the rounds' ratios, in processor
/// seconds of the one thread that works.
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include "sextant/sextant.hpp"
#include "support/allocation_counter.hpp"
#include "support/command_line.hpp"
#include "support/memory_bandwidth.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"
#ifdef SEXTANT_BENCH_HAS_PEERS
#include "peers/hnswlib_index.hpp"
#endif

namespace {

using namespace sextant_bench;
namespace sx = sextant;

constexpr std::size_t batch_queries = 32;

double seconds_of(const std::function<void()>& work) {
    const CpuStopwatch watch(CpuStopwatch::Of::process);
    work();
    return watch.seconds();
}

template <class Quantizer>
sx::Result<sx::Collection<sx::SquaredL2, sx::MemoryStorage, Quantizer>> make_collection(const Matrix& base) {
    using Collection = sx::Collection<sx::SquaredL2, sx::MemoryStorage, Quantizer>;
    sx::OpenOptions open;
    open.executor = std::make_shared<sx::InlineExecutor>();
    typename Collection::Options options;
    options.dimension = base.columns;
    // The graph plays no part in a scan: the smallest one saves the time to build it.
    options.index.m = 8;
    options.index.ef_construction = 40;
    SEXTANT_TRY_ASSIGN(auto collection, Collection::open(options, open));
    for (std::size_t first = 0; first < base.rows; first += 1000) {
        sx::WriteBatch batch;
        for (std::size_t row = first; row < std::min(first + 1000, base.rows); ++row) {
            batch.upsert(sx::PointId{row}, base.view(row));
        }
        SEXTANT_TRY(collection.write(std::move(batch)));
    }
    SEXTANT_TRY(collection.optimize());
    return collection;
}

template <class Collection>
sx::Result<void> measure_scan(const Collection& collection, const WorkloadData& data, std::size_t rounds) {
    const std::size_t bytes = data.base.rows * data.base.columns * sizeof(float);
    const BandwidthProbe probe(bytes);
    std::vector<sx::SearchRequest> requests(batch_queries);
    for (std::size_t i = 0; i < batch_queries; ++i) {
        requests[i].vector = data.queries.view(i % data.queries.rows);
        requests[i].exact = true;
        requests[i].select = {.payload = false};
    }
    std::vector<double> share;
    std::vector<double> batch_gain;
    std::vector<double> bandwidth;
    std::vector<double> scan;
    sx::SearchResult result;
    SEXTANT_TRY(collection.search_into(requests[0], result));
    for (std::size_t round = 0; round < rounds; ++round) {
        double read_seconds = 0.0;
        double single_seconds = 0.0;
        bool failed = false;
        for (std::size_t i = 0; i < batch_queries; ++i) {
            read_seconds += seconds_of([&] { probe.read_once(); });
            single_seconds += seconds_of([&] { failed |= !collection.search_into(requests[i], result); });
        }
        const double batch_seconds = seconds_of([&] { failed |= !collection.search_batch(requests).has_value(); });
        if (failed) return sx::Error{sx::ErrorCode::io_error, "an exact search failed"};
        share.push_back(read_seconds / single_seconds * static_cast<double>(bytes) /
                        static_cast<double>(probe.bytes()));
        batch_gain.push_back(single_seconds / batch_seconds);
        bandwidth.push_back(static_cast<double>(probe.bytes()) * batch_queries / read_seconds * 1e-9);
        scan.push_back(static_cast<double>(bytes) * batch_queries / single_seconds * 1e-9);
    }
    std::printf("%-58s %8.2f GB/s\n", "sequential read bandwidth, one core", median(bandwidth));
    std::printf("%-58s %8.2f GB/s\n", "exact scan", median(scan));
    std::printf("%-58s %7.1f %%\n", "exact scan, share of the read bandwidth", 100.0 * median(share));
    std::printf("%-58s %8.2f ×\n", "exact scan, batch of 32 ÷ 32 single scans, QPS", median(batch_gain));
    return {};
}

template <class Collection>
sx::Result<double> allocations_per_search(const Collection& collection, const Matrix& queries) {
    sx::SearchRequest request;
    request.select = {.payload = false};
    sx::SearchResult result;
    const auto pass = [&]() -> sx::Result<void> {
        for (std::size_t i = 0; i < queries.rows; ++i) {
            request.vector = queries.view(i);
            SEXTANT_TRY(collection.search_into(request, result));
        }
        return {};
    };
    SEXTANT_TRY(pass());
    const std::uint64_t before = allocations_of_this_thread();
    SEXTANT_TRY(pass());
    return static_cast<double>(allocations_of_this_thread() - before) / static_cast<double>(queries.rows);
}

sx::Result<void> run(const WorkloadPaths& paths, std::size_t rounds) {
    SEXTANT_TRY_ASSIGN(const WorkloadData data, read_workload(paths));
    std::printf("%s, %zu × %zu, squared L2, one thread\n", dataset_name(paths.base).c_str(), data.base.rows,
                data.base.columns);
    {
        SEXTANT_TRY_ASSIGN(const auto plain, make_collection<sx::NoQuantizer>(data.base));
        SEXTANT_TRY(measure_scan(plain, data, rounds));
        SEXTANT_TRY_ASSIGN(const double count, allocations_per_search(plain, data.queries));
        std::printf("%-58s %8.2f\n", "allocations a search after warm-up, NoQuantizer", count);
    }
    SEXTANT_TRY_ASSIGN(const auto compressed, make_collection<sx::ScalarQuantizer>(data.base));
    SEXTANT_TRY_ASSIGN(const double count, allocations_per_search(compressed, data.queries));
    std::printf("%-58s %8.2f\n", "allocations a search after warm-up, ScalarQuantizer", count);
#ifdef SEXTANT_BENCH_HAS_PEERS
    const std::size_t rows = std::min<std::size_t>(data.base.rows, 5000);
    HnswlibIndex hnswlib(Metric::l2, data.base.columns, rows, 16, 100);
    for (std::size_t row = 0; row < rows; ++row) hnswlib.add(data.base.row(row), row);
    hnswlib.set_ef(100);
    std::vector<std::uint32_t> labels(10);
    for (std::size_t i = 0; i < data.queries.rows; ++i) hnswlib.search(data.queries.row(i), 10, labels.data());
    const std::uint64_t before = allocations_of_this_thread();
    for (std::size_t i = 0; i < data.queries.rows; ++i) hnswlib.search(data.queries.row(i), 10, labels.data());
    std::printf("%-58s %8.2f\n", "  the same, hnswlib",
                static_cast<double>(allocations_of_this_thread() - before) / static_cast<double>(data.queries.rows));
#endif
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    WorkloadPaths paths;
    std::size_t rounds = 5;
    CLI::App app{"Exact scans against memory bandwidth, batches against single scans, allocations a search"};
    add_workload_options(app, paths);
    app.add_option("--rounds", rounds, "measurements of which the median counts")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    if (const auto done = run(paths, rounds); !done) {
        std::fprintf(stderr, "sextant_scan_bench: %s\n", done.error().message.c_str());
        return 1;
    }
    return 0;
}
