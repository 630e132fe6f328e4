/// sextant_durable_bench: what keeping data on the disk costs.
/// Prints: the latency of an acknowledged write against a bare append and fdatasync of the same bytes, interleaved;
/// sixteen writers against one; a bulk load against a collection in memory; opening after a clean close against reading
/// the files once; searches of the reopened collection against the same in memory, interleaved.
/// The figures are those of the disk that --directory lies on.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sextant/io/file_system.hpp"
#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Memory = sx::Collection<sx::SquaredL2, sx::MemoryStorage, sx::ScalarQuantizer>;
using Durable = sx::Collection<sx::SquaredL2, sx::MappedStorage, sx::ScalarQuantizer>;

struct Bench {
    std::string directory;
    Matrix base;
    Matrix queries;
    std::size_t writes = 2000;
};

void print(const char* what, double value, const char* unit) { std::printf("%-60s %10.3f %s\n", what, value, unit); }

/// One upsert and one bare append in turn; the median of each.
sx::Result<void> measure_one_writer(const Bench& bench) {
    SEXTANT_TRY_ASSIGN(Durable collection,
                       Durable::open(bench.directory + "/one.sxt", {.dimension = bench.base.columns}));
    const auto files = sx::posix_file_system();
    SEXTANT_TRY_ASSIGN(const auto bare, files->open(bench.directory + "/bare", sx::FileMode::create));
    // What a frame of one upsert takes: its head, the effect's, and the vector.
    const std::vector<std::byte> frame(48 + 24 + 8 + bench.base.columns * sizeof(float));
    // Written once before, as the log's files are: a sync then has no new blocks to note.
    const std::vector<std::byte> zeros(std::size_t{1} << 20U);
    for (std::uint64_t at = 0; at < frame.size() * bench.writes + zeros.size(); at += zeros.size()) {
        SEXTANT_TRY(bare->write_at(at, zeros));
    }
    SEXTANT_TRY(bare->sync());
    std::vector<double> ours;
    std::vector<double> theirs;
    for (std::size_t i = 0; i < bench.writes; ++i) {
        const Stopwatch watch;
        SEXTANT_TRY(collection.upsert(sx::PointId{i}, bench.base.view(i % bench.base.rows)));
        ours.push_back(watch.seconds() * 1e6);
        const Stopwatch bare_watch;
        SEXTANT_TRY(bare->write_at(i * frame.size(), frame));
        SEXTANT_TRY(bare->sync());
        theirs.push_back(bare_watch.seconds() * 1e6);
    }
    print("one writer, one row a call, Sync: median", median(ours), "us");
    print("a bare append and fdatasync of as many bytes: median", median(theirs), "us");
    print("  ratio", median(ours) / median(theirs), "(bar: at most 1.3)");
    return {};
}

sx::Result<double> rows_per_second(const Bench& bench, std::size_t writers, std::size_t rows, int round) {
    const std::string path = bench.directory + "/many" + std::to_string(writers) + "_" + std::to_string(round);
    SEXTANT_TRY_ASSIGN(Durable collection, Durable::open(path, {.dimension = bench.base.columns}));
    std::atomic<bool> failed{false};
    const Stopwatch watch;
    std::vector<std::thread> threads;
    for (std::size_t writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&, writer] {
            for (std::size_t i = writer; i < rows; i += writers) {
                if (!collection.upsert(sx::PointId{i}, bench.base.view(i % bench.base.rows))) failed = true;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    const double seconds = watch.seconds();
    if (failed) return sx::Error{sx::ErrorCode::io_error, "a writer failed"};
    return static_cast<double>(rows) / seconds;
}

sx::Result<void> measure_many_writers(const Bench& bench) {
    std::vector<double> ratios;
    double one = 0;
    double sixteen = 0;
    for (int round = 0; round < 3; ++round) {
        SEXTANT_TRY_ASSIGN(one, rows_per_second(bench, 1, bench.writes, round));
        SEXTANT_TRY_ASSIGN(sixteen, rows_per_second(bench, 16, bench.writes * 4, round));
        ratios.push_back(sixteen / one);
    }
    print("one writer, Sync", one, "rows/s");
    print("sixteen writers, Sync", sixteen, "rows/s");
    print("  ratio, median of 3 rounds", median(ratios), "(bar: at least 6)");
    return {};
}

template <class C>
sx::Result<double> load(C& collection, const Matrix& base) {
    constexpr std::size_t batch_rows = 100;
    const Stopwatch watch;
    for (std::size_t first = 0; first < base.rows; first += batch_rows) {
        sx::WriteBatch batch;
        for (std::size_t row = first; row < std::min(first + batch_rows, base.rows); ++row) {
            batch.upsert(sx::PointId{row}, base.view(row));
        }
        SEXTANT_TRY(collection.write(std::move(batch)));
    }
    SEXTANT_TRY(collection.wait_until_indexed());
    return watch.seconds();
}

template <class C>
sx::Result<double> search_all(const C& collection, const Matrix& queries) {
    sx::SearchRequest request{.k = 10, .ef = 80, .select = {.payload = false}};
    sx::SearchResult result;
    const Stopwatch watch;
    for (std::size_t i = 0; i < queries.rows; ++i) {
        request.vector = queries.view(i);
        SEXTANT_TRY(collection.search_into(request, result));
    }
    return static_cast<double>(queries.rows) / watch.seconds();
}

std::uint64_t bytes_below(const std::string& path) {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
}

/// Reads what an opening keeps in memory: the files of segments, raw vectors left out where they are mapped.
double read_kept(const std::string& path, sx::Residency residency) {
    std::vector<char> buffer(std::size_t{1} << 20U);
    const Stopwatch watch;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path + "/seg")) {
        if (!entry.is_regular_file() || (residency == sx::Residency::mapped && entry.path().filename() == "vectors"))
            continue;
        const int file = ::open(entry.path().c_str(), O_RDONLY);
        while (::read(file, buffer.data(), buffer.size()) > 0) {}
        ::close(file);
    }
    return watch.seconds();
}

sx::Result<void> measure_opening(const std::string& path, sx::Residency residency) {
    const bool mapped = residency == sx::Residency::mapped;
    std::vector<double> ratios;
    double open_seconds = 0;
    double read_seconds = 0;
    for (int round = 0; round < 5; ++round) {
        read_seconds = read_kept(path, residency);
        sx::OpenOptions options;
        options.residency = residency;
        const Stopwatch watch;
        SEXTANT_TRY_ASSIGN(Durable durable, Durable::open(path, {}, options));
        open_seconds = watch.seconds();
        ratios.push_back(open_seconds / read_seconds);
        SEXTANT_TRY(durable.close());
    }
    print(mapped ? "open after a clean close, mapped" : "open after a clean close, resident", open_seconds, "s");
    print("reading what it keeps in memory once, into one buffer", read_seconds, "s");
    print("  ratio, median of 5", median(ratios), "(bar: at most 2)");
    return {};
}

sx::Result<void> measure_load_and_search(const Bench& bench) {
    const std::string path = bench.directory + "/load.sxt";
    Memory::Options memory_options;
    memory_options.dimension = bench.base.columns;
    SEXTANT_TRY_ASSIGN(Memory memory, Memory::open(memory_options));
    double durable_seconds = 0;
    {
        Durable::Options options;
        options.dimension = bench.base.columns;
        options.durability = sx::Durability::Os;
        SEXTANT_TRY_ASSIGN(Durable durable, Durable::open(path, options));
        SEXTANT_TRY_ASSIGN(durable_seconds, load(durable, bench.base));
        SEXTANT_TRY_ASSIGN(const double memory_seconds, load(memory, bench.base));
        print("bulk load until indexed, Os", durable_seconds, "s");
        print("the same in memory", memory_seconds, "s");
        print("  speed, Os / memory", memory_seconds / durable_seconds, "(bar: at least 0.8)");
        SEXTANT_TRY(durable.optimize());
        SEXTANT_TRY(memory.optimize());
        SEXTANT_TRY(durable.close());
    }
    print("files", static_cast<double>(bytes_below(path)) / 1e6, "MB");
    SEXTANT_TRY(measure_opening(path, sx::Residency::resident));
    SEXTANT_TRY(measure_opening(path, sx::Residency::mapped));
    SEXTANT_TRY_ASSIGN(Durable durable, Durable::open(path));
    std::vector<double> ratios;
    for (int round = 0; round < 7; ++round) {
        SEXTANT_TRY_ASSIGN(const double in_memory, search_all(memory, bench.queries));
        SEXTANT_TRY_ASSIGN(const double reopened, search_all(durable, bench.queries));
        if (round > 0) ratios.push_back(reopened / in_memory);
    }
    print("searches/s, reopened / in memory, median of 6", median(ratios), "(bar: at least 0.95)");
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("What durability costs");
    WorkloadPaths paths;
    std::string directory = std::filesystem::temp_directory_path().string();
    Bench bench;
    add_workload_options(app, paths);
    app.add_option("--directory", directory, "where the files go")->capture_default_str();
    app.add_option("--writes", bench.writes, "synced writes of one writer")->capture_default_str();
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    auto workload = read_workload(paths);
    if (!workload) {
        std::fprintf(stderr, "%s\n", workload.error().message.c_str());
        return 1;
    }
    bench.base = std::move(workload->base);
    bench.queries = std::move(workload->queries);
    bench.directory = directory + "/sextant_durable_bench." + std::to_string(::getpid());
    std::filesystem::create_directory(bench.directory);
    sx::Result<void> result;
    for (const auto measure : {measure_one_writer, measure_many_writers, measure_load_and_search}) {
        if (result) result = measure(bench);
    }
    std::filesystem::remove_all(bench.directory);
    if (result) return 0;
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    return 1;
}
