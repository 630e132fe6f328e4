/// sextant_durable_bench: what keeping data on the disk costs.
/// Prints: the latency of an acknowledged write against a bare append and fdatasync of the same bytes, interleaved;
/// sixteen writers against one, on this disk and on one that syncs more slowly; a bulk load against a collection in memory;
/// opening after a clean close against reading its files once; searches of the reopened collection against the same in
/// memory, interleaved.
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

#include "sextant/core/arena.hpp"
#include "sextant/io/file_system.hpp"
#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"
#include "tests/support/hooked_files.hpp"

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

void print(const std::string& what, double value, const char* unit) {
    std::printf("%-60s %10.3f %s\n", what.c_str(), value, unit);
}

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

/// `files` null: those of the system.
sx::Result<double> rows_per_second(const Bench& bench, std::size_t writers, std::size_t rows, sx::FileSystem* files) {
    const std::string path = bench.directory + "/many" + std::to_string(writers);
    std::filesystem::remove_all(path);
    sx::OpenOptions options;
    options.files = files;
    SEXTANT_TRY_ASSIGN(Durable collection, Durable::open(path, {.dimension = bench.base.columns}, options));
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

sx::Result<void> compare_writers(const Bench& bench, const std::string& disk, std::size_t writes,
                                 sx::FileSystem* files) {
    std::vector<double> ratios;
    double one = 0;
    double sixteen = 0;
    for (int round = 0; round < 3; ++round) {
        SEXTANT_TRY_ASSIGN(one, rows_per_second(bench, 1, writes, files));
        SEXTANT_TRY_ASSIGN(sixteen, rows_per_second(bench, 16, writes * 4, files));
        ratios.push_back(sixteen / one);
    }
    print("one writer, Sync, " + disk, one, "rows/s");
    print("sixteen writers, Sync, " + disk, sixteen, "rows/s");
    print("  ratio, median of 3 rounds", median(ratios), "(bar: at least 6)");
    return {};
}

/// Where a sync takes no longer than what a row costs the processor there is nothing for writers to share: so also with one
/// that takes a millisecond, as those of common disks do.
sx::Result<void> measure_many_writers(const Bench& bench) {
    SEXTANT_TRY(compare_writers(bench, "this disk", bench.writes, nullptr));
    const auto system = sx::posix_file_system();
    test_support::HookedFiles slow(*system);
    slow.hooks.after_sync = [](const std::string&) -> std::optional<sx::Error> {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return std::nullopt;
    };
    return compare_writers(bench, "a sync 1 ms slower", bench.writes / 4, &slow);
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

/// Reads the files of segments, raw vectors left out where they are mapped: into one buffer again and again, or each byte
/// into memory of its own, as an opening must that keeps them.
double read_segments(const std::string& path, sx::Residency residency, bool keep) {
    std::vector<char> buffer(keep ? 0 : std::size_t{1} << 20U);
    std::vector<sx::Arena> kept;
    sx::MemoryAccount account("bench");
    const Stopwatch watch;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path + "/seg")) {
        if (!entry.is_regular_file()) continue;
        if (residency != sx::Residency::resident && entry.path().filename() == "vectors") continue;
        const int file = ::open(entry.path().c_str(), O_RDONLY);
        if (keep) {
            kept.push_back(sx::Arena::exact(entry.file_size(), account, "bench").value());
            std::size_t at = 0;
            while (true) {
                const ssize_t got = ::read(file, kept.back().base() + at, entry.file_size() - at);
                if (got <= 0) break;
                at += static_cast<std::size_t>(got);
            }
        } else {
            while (::read(file, buffer.data(), buffer.size()) > 0) {}
        }
        ::close(file);
    }
    return watch.seconds();
}

sx::Result<void> measure_opening(const std::string& path, const std::string& name, sx::Residency residency) {
    std::vector<double> to_keeping;
    std::vector<double> to_reading;
    double open_seconds = 0;
    for (int round = 0; round < 7; ++round) {
        const double reading = read_segments(path, residency, false);
        const double keeping = read_segments(path, residency, true);
        sx::OpenOptions options;
        options.residency = residency;
        const Stopwatch watch;
        SEXTANT_TRY_ASSIGN(Durable durable, Durable::open(path, {}, options));
        open_seconds = watch.seconds();
        to_keeping.push_back(open_seconds / keeping);
        to_reading.push_back(open_seconds / reading);
        SEXTANT_TRY(durable.close());
    }
    print("open after a clean close, " + name, open_seconds, "s");
    print("  / reading its files into memory, median of 7", median(to_keeping), "(bar: at most 2)");
    print("  / reading them into one buffer, median of 7", median(to_reading), "");
    return {};
}

/// recall@10 of some queries, by exact searches of the same collection.
template <class C>
sx::Result<double> recall_of(const C& collection, const Matrix& queries) {
    constexpr std::size_t most = 500;
    const std::size_t count = std::min(queries.rows, most);
    std::size_t found = 0;
    std::size_t all = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sx::SearchRequest request;
        request.vector = queries.view(i);
        request.k = 10;
        request.ef = 80;
        request.select = {.payload = false};
        SEXTANT_TRY_ASSIGN(const sx::SearchResult got, collection.search(request));
        request.exact = true;
        SEXTANT_TRY_ASSIGN(const sx::SearchResult truth, collection.search(request));
        for (const sx::Hit& hit : truth) {
            found +=
                std::any_of(got.begin(), got.end(), [&](const sx::Hit& other) { return other.id == hit.id; }) ? 1U : 0U;
        }
        all += truth.size();
    }
    return static_cast<double>(found) / static_cast<double>(std::max<std::size_t>(all, 1));
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
    SEXTANT_TRY(measure_opening(path, "resident", sx::Residency::resident));
    SEXTANT_TRY(measure_opening(path, "mapped_vectors", sx::Residency::mapped_vectors));
    SEXTANT_TRY(measure_opening(path, "mapped", sx::Residency::mapped));
    SEXTANT_TRY_ASSIGN(Durable durable, Durable::open(path));
    std::vector<double> ratios;
    for (int round = 0; round < 7; ++round) {
        SEXTANT_TRY_ASSIGN(const double in_memory, search_all(memory, bench.queries));
        SEXTANT_TRY_ASSIGN(const double reopened, search_all(durable, bench.queries));
        if (round > 0) ratios.push_back(reopened / in_memory);
    }
    print("searches/s, reopened / in memory, median of 6", median(ratios), "(bar: at least 0.95)");
    SEXTANT_TRY_ASSIGN(const double recall, recall_of(durable, bench.queries));
    SEXTANT_TRY_ASSIGN(const double memory_recall, recall_of(memory, bench.queries));
    print("  recall@10, reopened", recall, "");
    print("  recall@10, in memory", memory_recall, "");
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
