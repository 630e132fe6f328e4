/// sextant_churn_bench: does recall last when points are replaced? Each round gives a tenth of the points new vectors
/// (upsert under the same id; hnswlib: addPoint under the same label, its own way of updating), then compares recall, speed
/// and memory with before.
/// Method: both libraries in turn within each round, on the same points; truth is computed anew from the live vectors.
/// The vectors given away go back into the pool, so the distribution never changes.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "peers/hnswlib_index.hpp"
#include "sextant/core/random.hpp"
#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Collection = sx::Collection<sx::SquaredL2, sx::MemoryStorage, sx::ScalarQuantizer>;

constexpr std::size_t k = 10;
constexpr std::size_t batch_rows = 500;

/// Which row of the file each id has now; the rows nobody has wait in the pool.
class Assignment {
public:
    Assignment(std::size_t rows, std::size_t ids) : row_of_(ids), pool_(rows - ids), live_(rows, 0) {
        std::iota(row_of_.begin(), row_of_.end(), std::uint32_t{0});
        std::iota(pool_.begin(), pool_.end(), static_cast<std::uint32_t>(ids));
        std::fill(live_.begin(), live_.begin() + static_cast<std::ptrdiff_t>(ids), std::uint8_t{1});
    }
    [[nodiscard]] std::size_t size() const noexcept { return row_of_.size(); }
    [[nodiscard]] std::uint32_t row_of(std::size_t id) const noexcept { return row_of_[id]; }
    [[nodiscard]] const std::vector<std::uint8_t>& live() const noexcept { return live_; }

    /// Swaps the id's row for one from the pool.
    void replace(std::size_t id, sx::Random& random) {
        std::uint32_t& fresh = pool_[random.below(pool_.size())];
        live_[row_of_[id]] = 0;
        live_[fresh] = 1;
        std::swap(row_of_[id], fresh);
    }

private:
    std::vector<std::uint32_t> row_of_;
    std::vector<std::uint32_t> pool_;
    std::vector<std::uint8_t> live_;
};

/// Different ids, a tenth of all.
std::vector<std::size_t> draw_ids(std::size_t size, std::size_t count, sx::Random& random) {
    std::vector<std::size_t> ids(size);
    std::iota(ids.begin(), ids.end(), std::size_t{0});
    for (std::size_t i = 0; i < count; ++i) std::swap(ids[i], ids[i + random.below(size - i)]);
    ids.resize(count);
    return ids;
}

struct Quality {
    double recall = 0.0;
    double microseconds = 0.0;  ///< median of a search
};

template <class Search>
Quality assess(const WorkloadData& data, const Assignment& assignment, const Truth& truth, Search search) {
    std::size_t right = 0;
    std::vector<double> latencies;
    std::vector<std::uint32_t> ids(k);
    for (std::size_t query = 0; query < data.queries.rows; ++query) {
        const Stopwatch watch;
        const std::size_t found = search(data.queries.view(query), ids.data());
        latencies.push_back(watch.seconds() * 1e6);
        std::vector<std::uint32_t> rows;
        for (std::size_t i = 0; i < found; ++i) rows.push_back(assignment.row_of(ids[i]));
        right += count_right(truth, data.base, data.queries, Metric::l2, query, rows, assignment.live());
    }
    return {static_cast<double>(right) / static_cast<double>(k * data.queries.rows), median(latencies)};
}

struct Contest {
    const WorkloadData& data;
    Collection& collection;
    HnswlibIndex& hnswlib;
    std::size_t ef;

    sx::Result<void> upsert(const Assignment& assignment, const std::vector<std::size_t>& ids) const {
        for (std::size_t first = 0; first < ids.size(); first += batch_rows) {
            sx::WriteBatch batch;
            for (std::size_t i = first; i < std::min(first + batch_rows, ids.size()); ++i) {
                batch.upsert(sx::PointId{ids[i]}, data.base.view(assignment.row_of(ids[i])));
            }
            SEXTANT_TRY(collection.write(std::move(batch)));
        }
        return collection.wait_until_indexed();
    }

    /// One row of the table.
    sx::Result<void> report(std::size_t round, const Assignment& assignment, double our_seconds,
                            double their_seconds) const {
        const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
        const Truth truth = compute_truth(data.base, data.queries, Metric::l2, k, threads, assignment.live());
        sx::SearchRequest request;
        request.k = k;
        request.ef = ef;
        request.select = {.payload = false};
        sx::SearchResult result;
        sx::Result<void> failure;
        const Quality ours = assess(data, assignment, truth, [&](sx::VectorView query, std::uint32_t* ids) {
            request.vector = query;
            if (auto done = collection.search_into(request, result); !done) failure = done.error();
            for (std::size_t i = 0; i < result.size(); ++i) ids[i] = static_cast<std::uint32_t>(result[i].id.integer());
            return result.size();
        });
        SEXTANT_TRY(failure);
        const Quality theirs = assess(data, assignment, truth, [&](sx::VectorView query, std::uint32_t* ids) {
            return hnswlib.search(query.data(), k, ids);
        });
        SEXTANT_TRY_ASSIGN(const sx::Stats stats, collection.stats());
        std::printf("%5zu  %8.5f %8.1f %8.2f %9.0f %6zu  %8.5f %8.1f %8.2f  %8.2f\n", round, ours.recall,
                    ours.microseconds, our_seconds,
                    static_cast<double>(stats.memory_used) / static_cast<double>(assignment.size()),
                    static_cast<std::size_t>(stats.dead_rows), theirs.recall, theirs.microseconds, their_seconds,
                    theirs.microseconds / ours.microseconds);
        return {};
    }
};

sx::Result<void> run(const WorkloadPaths& paths, std::size_t rounds, std::size_t ef) {
    SEXTANT_TRY_ASSIGN(const WorkloadData data, read_workload(paths));
    const std::size_t size = data.base.rows - data.base.rows / 6;  // the pool: a sixth of the file
    Assignment assignment(data.base.rows, size);
    sx::Random random(7);
    Collection::Options options;
    options.dimension = data.base.columns;
    SEXTANT_TRY_ASSIGN(Collection collection,
                       Collection::open(options, {.executor = std::make_shared<sx::InlineExecutor>()}));
    HnswlibIndex hnswlib(Metric::l2, data.base.columns, size, 16, 200);
    hnswlib.set_ef(ef);
    const Contest contest{data, collection, hnswlib, ef};

    std::printf("%s, %zu points × %zu, squared L2, ScalarQuantizer, ef = %zu, one thread\n",
                dataset_name(paths.base).c_str(), size, data.base.columns, ef);
    std::printf("%5s  %8s %8s %8s %9s %6s  %8s %8s %8s  %8s\n", "round", "recall", "p50 µs ", "write s", "B/point",
                "dead", "hnswlib", "p50 µs ", "write s", "speed ÷");
    std::vector<std::size_t> ids(size);
    std::iota(ids.begin(), ids.end(), std::size_t{0});
    for (std::size_t round = 0; round <= rounds; ++round) {
        if (round > 0) {
            ids = draw_ids(size, size / 10, random);
            for (const std::size_t id : ids) assignment.replace(id, random);
        }
        const CpuStopwatch our_watch(CpuStopwatch::Of::process);
        SEXTANT_TRY(contest.upsert(assignment, ids));
        const double our_seconds = our_watch.seconds();
        const CpuStopwatch their_watch(CpuStopwatch::Of::process);
        for (const std::size_t id : ids) hnswlib.add(data.base.row(assignment.row_of(id)), id);
        SEXTANT_TRY(contest.report(round, assignment, our_seconds, their_watch.seconds()));
    }
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    WorkloadPaths paths;
    std::size_t rounds = 10;
    std::size_t ef = 100;
    CLI::App app{"Recall, speed and memory while a tenth of the points is replaced again and again"};
    add_workload_options(app, paths);
    app.add_option("--rounds", rounds, "how often a tenth is replaced")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--ef", ef, "candidates while searching")->capture_default_str()->check(CLI::Range(10, 65536));
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    if (const auto done = run(paths, rounds, ef); !done) {
        std::fprintf(stderr, "sextant_churn_bench: %s\n", done.error().message.c_str());
        return 1;
    }
    return 0;
}
