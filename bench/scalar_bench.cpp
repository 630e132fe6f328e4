/// sextant_scalar_bench: scalar codes of 4 bits beside 8: recall of exhaustive scans without rescoring, codes scanned a
/// second.
/// Method: both sizes take turns within each round; a ratio is the median of the rounds' ratios, in processor seconds of the
/// one thread that works.
#include <cstdio>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "sextant/core/random.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "sextant/quantizer/vector_math.hpp"
#include "support/command_line.hpp"
#include "support/ground_truth.hpp"
#include "support/nearest.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Quantizer = sx::ScalarQuantizer;

constexpr std::size_t k = 10;

struct Settings {
    WorkloadPaths paths;
    Metric metric = Metric::l2;
    std::size_t rounds = 5;
};

double seconds_of(const std::function<void()>& work) {
    const CpuStopwatch watch(CpuStopwatch::Of::process);
    work();
    return watch.seconds();
}

/// Codes of all rows under a quantizer trained on the first of them.
struct Coded {
    static sx::Result<Coded> make(const Matrix& base, std::uint32_t bits) {
        const std::size_t sample = std::min(Quantizer::sample_rows, base.rows);
        SEXTANT_TRY_ASSIGN(Quantizer trained,
                           Quantizer::train({base.row(0), sample, base.columns, base.columns}, {.bits = bits}, {}));
        Coded coded{std::move(trained), {}, {}};
        const std::size_t size = coded.quantizer.code_size();
        coded.bytes.resize(size * base.rows);
        for (std::size_t r = 0; r < base.rows; ++r) {
            coded.quantizer.encode(base.view(r), std::span(coded.bytes).subspan(r * size, size));
        }
        coded.rows = {coded.bytes.data(), size, nullptr};
        return coded;
    }

    [[nodiscard]] sx::RowScorer bind(Metric metric, sx::VectorView query, sx::QueryScratch& scratch) const {
        scratch.reset();
        switch (metric) {
            case Metric::l2: return quantizer.bind<sx::SquaredL2>(query, rows, scratch);
            case Metric::ip: return quantizer.bind<sx::InnerProduct>(query, rows, scratch);
            case Metric::cosine: break;
        }
        return quantizer.bind<sx::Cosine>(query, rows, scratch);
    }

    Quantizer quantizer;
    std::vector<std::byte> bytes;
    sx::RowSource rows;
};

double recall_of(const Coded& coded, const WorkloadData& data, const Truth& truth, Metric metric) {
    std::vector<float> distances(data.base.rows);
    sx::QueryScratch scratch;
    std::size_t right = 0;
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
        coded.bind(metric, data.queries.view(q), scratch).score_range(sx::RowId{0}, distances);
        Nearest nearest(k);
        nearest.add(0, distances.data(), distances.size());
        right += count_right(truth, data.base, data.queries, metric, q, nearest.take());
    }
    return static_cast<double>(right) / static_cast<double>(data.queries.rows * k);
}

double scan_seconds(const Coded& coded, const WorkloadData& data, Metric metric, std::vector<float>& distances) {
    sx::QueryScratch scratch;
    return seconds_of([&] {
        for (std::size_t q = 0; q < std::min<std::size_t>(data.queries.rows, 20); ++q) {
            coded.bind(metric, data.queries.view(q), scratch).score_range(sx::RowId{0}, distances);
        }
    });
}

/// 64 rows at a time from all over the base, as a graph asks for them.
double list_seconds(const Coded& coded, const WorkloadData& data, Metric metric, std::vector<float>& distances) {
    sx::QueryScratch scratch;
    std::vector<sx::RowId> rows(data.base.rows);
    sx::Random random(7);
    for (sx::RowId& row : rows) row = sx::RowId{static_cast<std::uint32_t>(random.below(data.base.rows))};
    return seconds_of([&] {
        for (std::size_t q = 0; q < std::min<std::size_t>(data.queries.rows, 20); ++q) {
            const sx::RowScorer scorer = coded.bind(metric, data.queries.view(q), scratch);
            for (std::size_t first = 0; first + 64 <= rows.size(); first += 64) {
                scorer.score(std::span(rows).subspan(first, 64), std::span(distances).subspan(first, 64));
            }
        }
    });
}

sx::Result<void> run(const Settings& settings) {
    SEXTANT_TRY_ASSIGN(WorkloadData data, read_workload(settings.paths));
    if (settings.metric == Metric::cosine) {
        for (std::size_t r = 0; r < data.base.rows; ++r) sx::detail::to_unit(data.base.view(r), data.base.row(r));
    }
    std::printf("%s, %zu × %zu, %s, one thread, kernel %s\n", dataset_name(settings.paths.base).c_str(), data.base.rows,
                data.base.columns, metric_name(settings.metric), sx::active_kernels().name);
    const Truth truth = compute_truth(data.base, data.queries, settings.metric, k, 2);
    SEXTANT_TRY_ASSIGN(const Coded eight, Coded::make(data.base, 8));
    SEXTANT_TRY_ASSIGN(const Coded four, Coded::make(data.base, 4));
    for (const Coded* coded : {&eight, &four}) {
        std::printf("%u bits: %zu bytes a row, recall@10, exhaustive, no rescoring %21.4f\n",
                    coded->quantizer.model().bits, coded->quantizer.code_size(),
                    recall_of(*coded, data, truth, settings.metric));
    }
    std::vector<float> distances(data.base.rows);
    std::vector<double> scans;
    std::vector<double> lists;
    for (std::size_t round = 0; round < settings.rounds; ++round) {
        const double scan = scan_seconds(four, data, settings.metric, distances);
        scans.push_back(scan_seconds(eight, data, settings.metric, distances) / scan);
        const double list = list_seconds(four, data, settings.metric, distances);
        lists.push_back(list_seconds(eight, data, settings.metric, distances) / list);
    }
    std::printf("%-58s %8.2f ×\n", "rows scanned a second, 4 ÷ 8 bits", median(scans));
    std::printf("%-58s %8.2f ×\n", "rows of lists of 64 a second, 4 ÷ 8 bits", median(lists));
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app{"Scalar codes of 4 bits beside 8: recall without rescoring, scans"};
    add_workload_options(app, settings.paths);
    const std::map<std::string, Metric> metrics = {{"l2", Metric::l2}, {"ip", Metric::ip}, {"cosine", Metric::cosine}};
    app.add_option("--metric", settings.metric, "l2, ip or cosine; l2 when left out")
        ->transform(CLI::CheckedTransformer(metrics, CLI::ignore_case));
    app.add_option("--rounds", settings.rounds, "measurements of which the median counts")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    if (const auto done = run(settings); !done) {
        std::fprintf(stderr, "sextant_scalar_bench: %s\n", done.error().message.c_str());
        return 1;
    }
    return 0;
}
