/// sextant_product_bench: product codes against Faiss's of equal size: recall without rescoring, what training takes, what
/// a rotation gains, and 4-bit fast scans, also as a share of what the shuffle unit can do.
/// Method: the parts of a ratio take turns; a figure is the median of the rounds, in processor seconds of the one thread that
/// works. Training sees the same rows and iterations on both sides.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/ground_truth.hpp"
#include "support/nearest.hpp"
#include "support/shuffle_peak.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"
#ifdef SEXTANT_BENCH_HAS_PEERS
#include <faiss/IndexPQ.h>
#include <faiss/IndexPQFastScan.h>
#include <omp.h>
#endif

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Quantizer = sx::ProductQuantizer;

constexpr std::size_t k = 10;

struct Settings {
    WorkloadPaths paths;
    std::size_t sample = 16'384;
    std::size_t rounds = 3;
    bool rotate = true;
    std::vector<std::size_t> ratios = {16, 32, 64};
    std::vector<std::size_t> scan_ratios = {32, 64};
};

double seconds_of(const std::function<void()>& work) {
    const CpuStopwatch watch(CpuStopwatch::Of::process);
    work();
    return watch.seconds();
}

/// The most sub-vectors that divide the dimension and take no more than floats / ratio at `bits`: Faiss pads nothing.
std::size_t subvectors_for(std::size_t dimension, std::size_t ratio, std::size_t bits) {
    std::size_t most = std::max<std::size_t>(dimension * 32 / ratio / bits, 1);
    while (dimension % most != 0) --most;
    return most;
}

/// Codes of all rows under one quantizer.
struct Coded {
    explicit Coded(const Quantizer& quantizer, const Matrix& base) : bytes(quantizer.code_size() * base.rows) {
        for (std::size_t r = 0; r < base.rows; ++r) {
            quantizer.encode(base.view(r), std::span(bytes).subspan(r * quantizer.code_size(), quantizer.code_size()));
        }
        rows = {bytes.data(), quantizer.code_size(), nullptr};
    }
    std::vector<std::byte> bytes;
    sx::RowSource rows;
};

template <class Search>
double recall_of(const WorkloadData& data, const Truth& truth, Search search) {
    std::size_t right = 0;
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
        const std::vector<std::uint32_t> ids = search(q);
        right += count_right(truth, data.base, data.queries, Metric::l2, q, ids);
    }
    return static_cast<double>(right) / static_cast<double>(data.queries.rows * k);
}

double recall_of(const Quantizer& quantizer, const WorkloadData& data, const Truth& truth) {
    const Coded codes(quantizer, data.base);
    std::vector<float> distances(data.base.rows);
    sx::QueryScratch scratch;
    return recall_of(data, truth, [&](std::size_t q) {
        scratch.reset();
        quantizer.bind<sx::SquaredL2>(data.queries.view(q), codes.rows, scratch).score_range(sx::RowId{0}, distances);
        Nearest nearest(k);
        nearest.add(0, distances.data(), distances.size());
        return nearest.take();
    });
}

sx::MatrixView sample_of(const Matrix& base, std::size_t rows) {
    return {base.row(0), std::min(rows, base.rows), base.columns, base.columns};
}

#ifdef SEXTANT_BENCH_HAS_PEERS
/// Mean squared error over every 7th row.
double error_of(const Quantizer& quantizer, const Matrix& base) {
    std::vector<std::byte> code(quantizer.code_size());
    std::vector<float> back(base.columns);
    double error = 0.0;
    for (std::size_t r = 0; r < base.rows; r += 7) {
        quantizer.encode(base.view(r), code);
        quantizer.decode(code, back);
        error += exact_distance(Metric::l2, base.row(r), back.data(), base.columns);
    }
    return error;
}

double error_of(const faiss::IndexPQ& peer, const Matrix& base) {
    std::vector<std::uint8_t> code(peer.pq.code_size);
    std::vector<float> back(base.columns);
    double error = 0.0;
    for (std::size_t r = 0; r < base.rows; r += 7) {
        peer.pq.compute_code(base.row(r), code.data());
        peer.pq.decode(code.data(), back.data());
        error += exact_distance(Metric::l2, base.row(r), back.data(), base.columns);
    }
    return error;
}

using Label = decltype(faiss::Index::ntotal);

std::vector<std::uint32_t> search_faiss(const faiss::Index& index, const float* query) {
    float distances[k];
    Label labels[k];
    index.search(1, query, static_cast<Label>(k), distances, labels);
    std::vector<std::uint32_t> ids;
    for (const Label label : labels) {
        if (label >= 0) ids.push_back(static_cast<std::uint32_t>(label));
    }
    return ids;
}
#endif

sx::Result<void> measure_recall(const Settings& settings, const WorkloadData& data, const Truth& truth,
                                std::size_t ratio) {
    if (ratio == 0) return {};
    const std::size_t dimension = data.base.columns;
    const std::size_t m = subvectors_for(dimension, ratio, 8);
    const sx::MatrixView sample = sample_of(data.base, settings.sample);
    const Quantizer::Options options{.subvectors = static_cast<std::uint32_t>(m)};
    std::printf("\n%zu bytes a row (%.0fx), %zu rows to train on\n", m,
                static_cast<double>(dimension * 4) / static_cast<double>(m), sample.row_count);
    SEXTANT_TRY_ASSIGN(Quantizer quantizer, Quantizer::train(sample, options, {}));
    std::vector<double> ours;
    std::vector<double> ratios;
#ifdef SEXTANT_BENCH_HAS_PEERS
    faiss::IndexPQ peer(static_cast<int>(dimension), m, 8);
#endif
    for (std::size_t round = 0; round < settings.rounds; ++round) {
        ours.push_back(seconds_of([&] { static_cast<void>(Quantizer::train(sample, options, {}).has_value()); }));
#ifdef SEXTANT_BENCH_HAS_PEERS
        const double theirs = seconds_of([&] { peer.train(static_cast<Label>(sample.row_count), sample.data); });
        ratios.push_back(ours.back() / theirs);
#endif
    }
    std::printf("  %-56s %8.2f s\n", "training, 25 iterations", median(ours));
    const double recall = recall_of(quantizer, data, truth);
    std::printf("  %-56s %8.4f\n", "recall@10, exhaustive, no rescoring", recall);
#ifdef SEXTANT_BENCH_HAS_PEERS
    peer.add(static_cast<Label>(data.base.rows), data.base.row(0));
    const double other = recall_of(data, truth, [&](std::size_t q) { return search_faiss(peer, data.queries.row(q)); });
    std::printf("  %-56s %8.3f\n", "training time ÷ Faiss IndexPQ", median(ratios));
    std::printf("  %-56s %8.4f\n", "recall@10, Faiss IndexPQ", other);
    std::printf("  %-56s %+8.4f\n", "recall@10, ours - Faiss", recall - other);
    std::printf("  %-56s %8.4f\n", "error of the base's rows, ours ÷ Faiss",
                error_of(quantizer, data.base) / error_of(peer, data.base));
#endif
    if (!settings.rotate) return {};
    const Stopwatch watch;
    SEXTANT_TRY_ASSIGN(
        const Quantizer rotated,
        Quantizer::train(sample, {.subvectors = options.subvectors, .rotation = sx::ProductRotation::opq}, {}));
    std::printf("  %-56s %8.2f s\n", "training with a rotation", watch.seconds());
    std::printf("  %-56s %8.4f\n", "recall@10, with a rotation", recall_of(rotated, data, truth));
    std::printf("  %-56s %8.3f\n", "error with a rotation ÷ without",
                rotated.reconstruction_error() / quantizer.reconstruction_error());
    return {};
}

/// Share of the shuffle unit's peak that a scan of blocks in the first level cache reaches.
void measure_peak(const sx::FastScanTables& tables, const sx::FastScanBlocks& blocks, std::size_t m,
                  std::size_t rounds) {
    const std::size_t width = shuffle_width(sx::active_kernels().name);
    if (width == 0) {
        std::printf("  the kernel %s has no byte shuffle\n", sx::active_kernels().name);
        return;
    }
    const std::size_t count = std::min(std::max<std::size_t>(24'000 / (16 * m), 1), blocks.block_count());
    std::vector<float> out(count * sx::fast_scan_rows);
    const std::size_t repeats = 4'000'000 / (count * m) + 1;
    const auto lookups = static_cast<double>(repeats * count * m * sx::fast_scan_rows);
    const auto shuffles = static_cast<std::size_t>(lookups / static_cast<double>(width)) / 8 * 8;
    std::vector<double> share;
    std::vector<double> rate;
    for (std::size_t round = 0; round < 10 * rounds; ++round) {
        const double peak = seconds_of([&] { keep(shuffle_registers(width, shuffles)); });
        const double scan = seconds_of([&] {
            for (std::size_t i = 0; i < repeats; ++i) {
                blocks.scan(tables, 0, count, out);
                keep(out[0]);
            }
        });
        share.push_back(peak / scan);
        rate.push_back(lookups / scan * 1e-9);
    }
    std::printf("  %-56s %8.1f G look-ups/s\n", "fast scan in the first level cache", median(rate));
    std::printf("  %-56s %7.1f %%\n", "  share of the shuffle unit's peak", 100.0 * median(share));
}

sx::Result<void> measure_fast_scan(const Settings& settings, const WorkloadData& data, const Truth& truth,
                                   std::size_t ratio) {
    if (ratio == 0) return {};
    const std::size_t dimension = data.base.columns;
    const std::size_t m = subvectors_for(dimension, ratio, 4);
    const sx::MatrixView sample = sample_of(data.base, settings.sample);
    SEXTANT_TRY_ASSIGN(const Quantizer quantizer,
                       Quantizer::train(sample, {.subvectors = static_cast<std::uint32_t>(m), .bits = 4}, {}));
    const Coded codes(quantizer, data.base);
    const sx::FastScanBlocks blocks(codes.rows, data.base.rows, m);
    std::printf("\nfast scan, %zu sub-vectors of 4 bits (%.0fx), kernel %s\n", m,
                static_cast<double>(dimension * 8) / static_cast<double>(m), sx::active_kernels().name);
    std::vector<float> out(blocks.block_count() * sx::fast_scan_rows);
    sx::QueryScratch scratch;
    const auto search = [&](std::size_t q) {
        scratch.reset();
        blocks.scan(quantizer.fast_scan_tables<sx::SquaredL2>(data.queries.view(q), scratch), 0, blocks.block_count(),
                    out);
        Nearest nearest(k);
        nearest.add(0, out.data(), data.base.rows);
        return nearest.take();
    };
    std::vector<double> rate;
    const std::size_t queries = std::min<std::size_t>(data.queries.rows, 50);
    const auto scanned = static_cast<double>(queries * data.base.rows);
    const auto run_ours = [&] {
        return seconds_of([&] {
            for (std::size_t q = 0; q < queries; ++q) keep(search(q));
        });
    };
#ifdef SEXTANT_BENCH_HAS_PEERS
    faiss::IndexPQFastScan peer(static_cast<int>(dimension), m, 4);
    peer.train(static_cast<Label>(sample.row_count), sample.data);
    peer.add(static_cast<Label>(data.base.rows), data.base.row(0));
    std::vector<double> gain;
#endif
    for (std::size_t round = 0; round < settings.rounds; ++round) {
        const double ours = run_ours();
        rate.push_back(scanned / ours * 1e-6);
#ifdef SEXTANT_BENCH_HAS_PEERS
        const double theirs = seconds_of([&] {
            for (std::size_t q = 0; q < queries; ++q) keep(search_faiss(peer, data.queries.row(q)));
        });
        gain.push_back(theirs / ours);
#endif
    }
    std::printf("  %-56s %8.1f M/s\n", "codes a second, tables and selection included", median(rate));
    std::printf("  %-56s %8.4f\n", "recall@10", recall_of(data, truth, search));
    std::vector<float> row_distances(data.base.rows);
    const double by_rows = seconds_of([&] {
        for (std::size_t q = 0; q < queries; ++q) {
            scratch.reset();
            quantizer.bind<sx::SquaredL2>(data.queries.view(q), codes.rows, scratch)
                .score_range(sx::RowId{0}, row_distances);
        }
    });
    std::printf("  %-56s %8.1f M/s\n", "  the same by float tables, row by row", scanned / by_rows * 1e-6);
    std::printf("  %-56s %8.4f\n", "  recall@10 by float tables", recall_of(quantizer, data, truth));
#ifdef SEXTANT_BENCH_HAS_PEERS
    std::printf("  %-56s %8.2f ×\n", "codes a second ÷ Faiss IndexPQFastScan", median(gain));
    std::printf("  %-56s %8.4f\n", "recall@10, Faiss IndexPQFastScan",
                recall_of(data, truth, [&](std::size_t q) { return search_faiss(peer, data.queries.row(q)); }));
#endif
    scratch.reset();
    measure_peak(quantizer.fast_scan_tables<sx::SquaredL2>(data.queries.view(0), scratch), blocks, m, settings.rounds);
    return {};
}

sx::Result<void> run(const Settings& settings) {
    SEXTANT_TRY_ASSIGN(const WorkloadData data, read_workload(settings.paths));
    std::printf("%s, %zu × %zu, squared L2, one thread\n", dataset_name(settings.paths.base).c_str(), data.base.rows,
                data.base.columns);
#ifdef SEXTANT_BENCH_HAS_PEERS
    omp_set_num_threads(1);
    const char* const core = std::getenv("OPENBLAS_CORETYPE");
    std::printf("Faiss 1.7.3 of Debian has no AVX of its own; OPENBLAS_CORETYPE is %s\n",
                core == nullptr ? "not set: OpenBLAS may not know this CPU (SkylakeX has AVX-512)" : core);
#endif
    const Truth truth = compute_truth(data.base, data.queries, Metric::l2, k, 2);
    for (const std::size_t ratio : settings.ratios) SEXTANT_TRY(measure_recall(settings, data, truth, ratio));
    for (const std::size_t ratio : settings.scan_ratios) SEXTANT_TRY(measure_fast_scan(settings, data, truth, ratio));
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    settings.paths.query_limit = 500;
    CLI::App app{"Product codes against Faiss's: recall, training, rotation, fast scans"};
    add_workload_options(app, settings.paths);
    app.add_option("--sample", settings.sample, "rows to train on")->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--rounds", settings.rounds, "measurements of which the median counts")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--ratio", settings.ratios, "sizes to compare, floats ÷ codes; 0: none")->capture_default_str();
    app.add_option("--scan-ratio", settings.scan_ratios, "the same for fast scans")->capture_default_str();
    app.add_flag("!--no-rotation", settings.rotate, "leave out what trains a rotation");
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each figure when it is there, also into a file
    if (const auto done = run(settings); !done) {
        std::fprintf(stderr, "sextant_product_bench: %s\n", done.error().message.c_str());
        return 1;
    }
    return 0;
}
