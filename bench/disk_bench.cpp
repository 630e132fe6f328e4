/// sextant_disk_bench: vectors on a disk, short codes and the graph in memory.
///   sextant_disk_bench --dir DIR --truth FILE --build    makes the collection, in one segment, and writes the exact answers
///   sextant_disk_bench --dir DIR --truth FILE            searches it
/// The second is to be run under a limit on memory (a memory cgroup); bench/README.md has the commands. What a search reads
/// is recorded and read once more, the same batches in the same way with nothing around them: `bare` is that time.
/// Rounds alternate, so that both meet the same disk; the first of each fills the caches and is not counted.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/dataset.hpp"
#include "support/recorded_files.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Points = sx::Collection<sx::SquaredL2, sx::MappedStorage, sx::ProductQuantizer>;

constexpr std::size_t k = 10;
constexpr std::size_t page = 4096;

struct Bench {
    std::string directory;
    std::string truth;
    WorkloadPaths paths;
    std::uint32_t subvectors = 98;
    std::vector<std::size_t> efs = {60};
    std::vector<float> oversamplings = {0.0F};
    sx::Residency residency = sx::Residency::mapped_vectors;
    sx::BatchReads reads = sx::BatchReads::automatic;
    int rounds = 5;
};

sx::Error cannot(const std::string& what) { return {sx::ErrorCode::io_error, what}; }

sx::Result<void> build(const Bench& bench) {
    SEXTANT_TRY_ASSIGN(const WorkloadData data, read_workload(bench.paths));
    Points::Options options;
    options.dimension = data.base.columns;
    options.durability = sx::Durability::None;
    options.quantizer.subvectors = bench.subvectors;
    sx::OpenOptions open;
    open.mode = sx::OpenMode::create;
    SEXTANT_TRY_ASSIGN(Points points, Points::open(bench.directory, options, open));
    sx::WriteBatch batch;
    for (std::size_t row = 0; row < data.base.rows; ++row) {
        batch.upsert(sx::PointId{row}, data.base.view(row));
        if (batch.size() == 256 || row + 1 == data.base.rows) SEXTANT_TRY(points.write(std::move(batch)));
    }
    SEXTANT_TRY(points.optimize());
    std::ofstream truth(bench.truth);
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
        SEXTANT_TRY_ASSIGN(const auto hits, points.search({.vector = data.queries.view(q), .k = k, .exact = true}));
        for (const auto& hit : hits) truth << hit.id.to_string() << '\n';
    }
    if (!truth.flush()) return cannot(bench.truth + ": cannot be written");
    SEXTANT_TRY_ASSIGN(const sx::Stats stats, points.stats());
    const sx::PartBytes& parts = stats.bytes;
    const double raw = static_cast<double>(data.base.rows * data.base.columns * sizeof(float));
    std::printf(
        "%zu segments; raw vectors %.1f MB; codes %.1f, graph %.1f, ids and the like %.1f, other %.1f MB: %.1f %% "
        "of raw\n",
        stats.segments.size(), raw / 1e6, static_cast<double>(parts.codes) / 1e6,
        static_cast<double>(parts.graph) / 1e6, static_cast<double>(parts.ids + parts.id_map + parts.versions) / 1e6,
        static_cast<double>(parts.other) / 1e6, 100 * static_cast<double>(parts.total() - parts.vectors) / raw);
    return points.close();
}

class Searches {
public:
    Searches(const Bench& bench, Matrix queries, std::vector<std::set<std::string>> truth)
        : bench_(bench), queries_(std::move(queries)), truth_(std::move(truth)), files_(bench.reads) {}

    sx::Result<void> run() {
        sx::OpenOptions open;
        open.mode = sx::OpenMode::read_only;
        open.residency = bench_.residency;
        open.files = &files_;
        SEXTANT_TRY_ASSIGN(Points points, Points::open(bench_.directory, {}, open));
        for (const std::size_t ef : bench_.efs) {
            for (const float oversampling : bench_.oversamplings) SEXTANT_TRY(measure(points, ef, oversampling));
        }
        return points.close();
    }

private:
    sx::Result<void> measure(const Points& points, std::size_t ef, float oversampling) {
        sx::SearchRequest request{.k = k, .ef = ef, .select = {.payload = false}};
        if (oversampling > 0) request.oversampling = oversampling;
        std::vector<double> searching;
        std::vector<double> bare;
        for (int round = 0; round <= bench_.rounds; ++round) {
            SEXTANT_TRY(search(points, request));
            const double seconds = seconds_;
            SEXTANT_TRY(read_again());
            if (round == 0) continue;
            searching.push_back(seconds);
            bare.push_back(seconds_);
        }
        print(request, ef, median(searching), median(bare));
        return {};
    }

    sx::Result<void> search(const Points& points, sx::SearchRequest& request) {
        files_.record.clear();
        right_ = 0;
        const Stopwatch watch;
        for (std::size_t q = 0; q < queries_.rows; ++q) {
            request.vector = queries_.view(q);
            SEXTANT_TRY(points.search_into(request, result_));
            for (const auto& hit : result_) right_ += truth_[q].count(hit.id.to_string());
        }
        seconds_ = watch.seconds();
        return {};
    }

    sx::Result<void> read_again() {
        std::vector<sx::ReadRequest> requests;
        const Stopwatch watch;
        for (const RecordedBatch& batch : files_.record) {
            requests.clear();
            std::size_t at = 0;
            for (const auto& [offset, size] : batch.reads) at += size;
            if (room_.size() < at) room_.resize(at);
            at = 0;
            for (const auto& [offset, size] : batch.reads) {
                requests.push_back({offset, std::span(room_).subspan(at, size)});
                at += size;
            }
            SEXTANT_TRY(batch.file->read_batch(requests));
        }
        seconds_ = watch.seconds();
        return {};
    }

    void print(const sx::SearchRequest& request, std::size_t ef, double searching, double bare) const {
        std::size_t reads = 0;
        std::size_t pages = 0;
        for (const RecordedBatch& batch : files_.record) {
            reads += batch.reads.size();
            for (const auto& [offset, size] : batch.reads) pages += (offset + size - 1) / page - offset / page + 1;
        }
        const auto searches = static_cast<double>(queries_.rows);
        std::printf(
            "ef %zu, oversampling %.1f: recall@10 %.4f; a search has %.1f reads of %.1f pages in %.2f batches, and "
            "takes %.3f ms; bare reading takes %.3f ms: %.2f times as long; %.0f searches/s\n",
            ef, static_cast<double>(request.oversampling.value_or(0.0F)), static_cast<double>(right_) / (searches * k),
            static_cast<double>(reads) / searches, static_cast<double>(pages) / searches,
            static_cast<double>(files_.record.size()) / searches, 1e3 * searching / searches, 1e3 * bare / searches,
            bare > 0 ? searching / bare : 0.0, searches / searching);
        std::fflush(stdout);
    }

    const Bench& bench_;
    const Matrix queries_;
    const std::vector<std::set<std::string>> truth_;
    RecordedFiles files_;
    sx::SearchResult result_;
    std::vector<std::byte> room_;
    std::size_t right_ = 0;
    double seconds_ = 0;
};

sx::Result<void> search(const Bench& bench) {
    SEXTANT_TRY_ASSIGN(Matrix queries, read_vectors(bench.paths.queries, bench.paths.query_limit));
    std::ifstream truth_file(bench.truth);
    std::vector<std::set<std::string>> truth(queries.rows);
    for (auto& ids : truth) {
        std::string id;
        while (ids.size() < k && std::getline(truth_file, id)) ids.insert(id);
        if (ids.size() < k) return cannot(bench.truth + ": too short; write it with as many queries");
    }
    return Searches(bench, std::move(queries), std::move(truth)).run();
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Vectors on a disk, codes and the graph in memory");
    Bench bench;
    bool to_build = false;
    const std::map<std::string, sx::Residency> residencies{{"resident", sx::Residency::resident},
                                                           {"mapped", sx::Residency::mapped},
                                                           {"mapped_vectors", sx::Residency::mapped_vectors}};
    const std::map<std::string, sx::BatchReads> ways{{"automatic", sx::BatchReads::automatic},
                                                     {"threads", sx::BatchReads::threads},
                                                     {"one_by_one", sx::BatchReads::one_by_one}};
    add_workload_options(app, bench.paths);
    app.add_option("--dir", bench.directory, "of the collection")->required();
    app.add_option("--truth", bench.truth, "file of exact answers")->required();
    app.add_flag("--build", to_build, "makes both");
    app.add_option("--subvectors", bench.subvectors, "bytes of a code")->capture_default_str();
    app.add_option("--ef", bench.efs, "candidates of a search; several are tried in turn")->capture_default_str();
    app.add_option("--oversampling", bench.oversamplings, "of k; 0: what codes and ef ask for");
    app.add_option("--residency", bench.residency, "resident, mapped or mapped_vectors")
        ->transform(CLI::CheckedTransformer(residencies));
    app.add_option("--reads", bench.reads, "automatic, threads or one_by_one")
        ->transform(CLI::CheckedTransformer(ways));
    app.add_option("--rounds", bench.rounds, "counted ones")->capture_default_str()->check(CLI::PositiveNumber);
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    const auto result = to_build ? build(bench) : search(bench);
    if (result) return 0;
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    return 1;
}
