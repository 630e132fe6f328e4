/// sextant_rabitq_bench: RaBitQ codes of each width: recall with and without rescoring, how often their bounds hold and
/// how many vectors they save reading, and what coding takes beside reading the vectors from memory.
/// Method: coding and reading take turns in one thread; a figure is the median of the rounds, in processor seconds.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/ground_truth.hpp"
#include "support/memory_bandwidth.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Quantizer = sx::RabitqQuantizer;

constexpr std::size_t k = 10;
constexpr std::size_t depth = 100;

struct Settings {
    WorkloadPaths paths;
    Metric metric = Metric::l2;
    std::size_t rounds = 5;
    std::vector<std::uint32_t> bits = {1, 2, 4, 8};
};

double seconds_of(const std::function<void()>& work) {
    const CpuStopwatch watch(CpuStopwatch::Of::thread);
    work();
    return watch.seconds();
}

/// Rows spread evenly over the base.
Matrix sample_of(const Matrix& base) {
    const std::size_t rows = std::min<std::size_t>(base.rows, Quantizer::sample_rows);
    Matrix sample{rows, base.columns, std::vector<float>(rows * base.columns)};
    for (std::size_t i = 0; i < rows; ++i) {
        std::copy_n(base.row(i * base.rows / rows), base.columns, sample.row(i));
    }
    return sample;
}

struct Counts {
    std::size_t right = 0;       ///< of the k that codes find nearest
    std::size_t right_deep = 0;  ///< of the `depth` that codes find nearest
    std::size_t broken = 0;      ///< bounds of those above the true distance
    std::size_t read = 0;        ///< of those, what a search with bounds reads
    std::size_t candidates = 0;
};

/// Reads candidates in order of code distance while they may still be among the best; returns how many.
template <class M>
std::size_t read_in_order(const Quantizer& quantizer, const sx::RowScorer& bound, const std::vector<float>& coded,
                          const std::vector<double>& truth, const std::vector<std::uint32_t>& order) {
    std::vector<double> best;
    std::size_t read = 0;
    for (const std::uint32_t row : order) {
        const auto lower = double{quantizer.template lower_bound<M>(bound, sx::RowId{row}, coded[row])};
        if (best.size() == k && lower > best.front()) continue;
        ++read;
        best.push_back(truth[row]);
        std::push_heap(best.begin(), best.end());
        if (best.size() > k) {
            std::pop_heap(best.begin(), best.end());
            best.pop_back();
        }
    }
    return read;
}

template <class M>
Counts search_all(const Settings& settings, const Quantizer& quantizer, const std::vector<std::byte>& codes,
                  const WorkloadData& data, const Truth& truth) {
    Counts counts;
    sx::QueryScratch scratch;
    std::vector<float> coded(data.base.rows);
    std::vector<double> exact(data.base.rows);
    std::vector<std::uint32_t> order(data.base.rows);
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
        scratch.reset();
        const auto bound =
            quantizer.bind<M>(data.queries.view(q), {codes.data(), quantizer.code_size(), nullptr}, scratch);
        bound.score_range(sx::RowId{0}, coded);
        std::iota(order.begin(), order.end(), 0U);
        const std::size_t deep = std::min(depth, order.size());
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(deep), order.end(),
                          [&](std::uint32_t a, std::uint32_t b) { return coded[a] < coded[b]; });
        const std::vector<std::uint32_t> best(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(deep));
        for (const std::uint32_t row : best) {
            exact[row] = exact_distance(settings.metric, data.queries.row(q), data.base.row(row), data.base.columns);
            const float lower = quantizer.lower_bound<M>(bound, sx::RowId{row}, coded[row]);
            counts.broken += exact[row] < double{lower} ? 1U : 0U;
        }
        counts.candidates += deep;
        counts.read += read_in_order<M>(quantizer, bound, coded, exact, best);
        counts.right +=
            count_right(truth, data.base, data.queries, settings.metric, q, std::span(best).first(std::min(k, deep)));
        // The truth has k right answers, so no more of the deep list can be right.
        counts.right_deep += count_right(truth, data.base, data.queries, settings.metric, q, best);
    }
    return counts;
}

template <class M>
void encode_all(const Quantizer& quantizer, const Matrix& base, std::vector<std::byte>& codes,
                std::vector<float>& room) {
    const std::size_t size = quantizer.code_size();
    for (std::size_t r = 0; r < base.rows; ++r) {
        quantizer.encode_for<M>(base.view(r), std::span(codes).subspan(r * size, size), room);
    }
}

template <class M>
sx::Result<void> measure(const Settings& settings, const WorkloadData& data, const Truth& truth, std::uint32_t bits) {
    const Matrix sample = sample_of(data.base);
    const Stopwatch watch;
    SEXTANT_TRY_ASSIGN(
        const Quantizer quantizer,
        Quantizer::train({sample.row(0), sample.rows, sample.columns, sample.columns}, {.bits = bits}, {}));
    const double training = watch.seconds();
    std::vector<std::byte> codes(quantizer.code_size() * data.base.rows);
    std::vector<float> room(quantizer.room_floats());
    const BandwidthProbe probe(
        std::max<std::size_t>(data.base.rows * data.base.columns * sizeof(float), std::size_t{128} << 20U));
    const auto raw = static_cast<double>(data.base.rows * data.base.columns * sizeof(float));
    std::vector<double> shares;
    std::vector<double> each;
    for (std::size_t round = 0; round < settings.rounds; ++round) {
        const double reading = seconds_of([&] { probe.read_once(); }) * raw / static_cast<double>(probe.bytes());
        const double coding = seconds_of([&] { encode_all<M>(quantizer, data.base, codes, room); });
        shares.push_back(reading / coding);
        each.push_back(coding / static_cast<double>(data.base.rows) * 1e6);
    }
    const Counts counts = search_all<M>(settings, quantizer, codes, data, truth);
    const auto answers = static_cast<double>(k * data.queries.rows);
    std::printf("\n%u bits, %zu bytes a row (%.1fx), trained in %.2f s\n", bits, quantizer.code_size(),
                static_cast<double>(data.base.columns * sizeof(float)) / static_cast<double>(quantizer.code_size()),
                training);
    std::printf("  %-56s %8.2f µs\n", "coding a row", median(each));
    std::printf("  %-56s %8.3f\n", "coding rate ÷ reading the vectors, one thread each", median(shares));
    std::printf("  %-56s %8.4f\n", "recall@10, no rescoring", static_cast<double>(counts.right) / answers);
    std::printf("  %-56s %8.4f\n", "the true 10 inside the estimated 100 (rescored recall)",
                static_cast<double>(counts.right_deep) / answers);
    std::printf("  %-56s %8.4f\n", "of these 100, share that bounds let a search read",
                static_cast<double>(counts.read) / static_cast<double>(counts.candidates));
    std::printf("  %-56s %8.5f\n", "of these 100, share nearer than their bound",
                static_cast<double>(counts.broken) / static_cast<double>(counts.candidates));
    return {};
}

void to_unit(float* vector, std::size_t dimension) {
    double square = 0.0;
    for (std::size_t i = 0; i < dimension; ++i) square += static_cast<double>(vector[i]) * vector[i];
    const double scale = square > 0.0 ? 1.0 / std::sqrt(square) : 0.0;
    for (std::size_t i = 0; i < dimension; ++i) vector[i] = static_cast<float>(vector[i] * scale);
}

template <class M>
sx::Result<void> measure_all(const Settings& settings, WorkloadData data) {
    if (M::unit_length) {
        for (std::size_t r = 0; r < data.base.rows; ++r) to_unit(data.base.row(r), data.base.columns);
    }
    const Truth truth = compute_truth(data.base, data.queries, settings.metric, k, 2);
    for (const std::uint32_t bits : settings.bits) SEXTANT_TRY(measure<M>(settings, data, truth, bits));
    return {};
}

sx::Result<void> run(const Settings& settings) {
    SEXTANT_TRY_ASSIGN(WorkloadData data, read_workload(settings.paths));
    std::printf("%s, %zu × %zu, %s, %zu queries, kernels %s\n", dataset_name(settings.paths.base).c_str(),
                data.base.rows, data.base.columns, metric_name(settings.metric), data.queries.rows,
                sx::packed_kernels().name);
    switch (settings.metric) {
        case Metric::l2: return measure_all<sx::SquaredL2>(settings, std::move(data));
        case Metric::ip: return measure_all<sx::InnerProduct>(settings, std::move(data));
        case Metric::cosine: return measure_all<sx::Cosine>(settings, std::move(data));
    }
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    settings.paths.query_limit = 500;
    CLI::App app{"RaBitQ codes: recall, bounds, and coding against reading from memory"};
    add_workload_options(app, settings.paths);
    const std::map<std::string, Metric> metrics = {{"l2", Metric::l2}, {"ip", Metric::ip}, {"cosine", Metric::cosine}};
    app.add_option("--metric", settings.metric, "l2, ip or cosine")
        ->transform(CLI::CheckedTransformer(metrics, CLI::ignore_case));
    app.add_option("--bits", settings.bits, "widths to measure")->capture_default_str()->check(CLI::Range(1, 8));
    app.add_option("--rounds", settings.rounds, "measurements of which the median counts")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each figure when it is there, also into a file
    if (const auto done = run(settings); !done) {
        std::fprintf(stderr, "sextant_rabitq_bench: %s\n", done.error().message.c_str());
        return 1;
    }
    return 0;
}
