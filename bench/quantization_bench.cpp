/// sextant_quantization_bench: what each quantizer costs and keeps: the table of docs/quantization.md.
///   bytes      of a code, and how many times fewer than the floats have
///   recall@10  of all rows ranked by codes alone
///   depth      the fewest candidates, best code first, whose rescoring finds 0.95 (0.99) of the true ten; above 1,000: -
///   targets    a collection of the quantizer, one sealed segment: recall found and searches/s where 0.90, 0.95, 0.99 was
///              asked for (SearchRequest::recall_target), and bytes that must be in memory to search: codes, graph, ids
/// Method: one thread; searches/s are the best of the rounds, engines taking turns. Queries are not among the rows.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/ground_truth.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;

constexpr std::size_t k = 10;
constexpr std::size_t deepest = 1000;
constexpr float targets[] = {0.90F, 0.95F, 0.99F};

struct Settings {
    WorkloadPaths paths;
    std::string metric = "l2";
    std::size_t rounds = 3;
    bool collections = true;
};

struct Data {
    WorkloadData workload;
    Metric metric = Metric::l2;
    Truth truth;
};

/// One quantizer with its options, measured step by step.
class Engine {
public:
    virtual ~Engine() = default;
    virtual sx::Result<void> measure_codes(const Data& data) = 0;
    virtual sx::Result<void> build(const Data& data) = 0;
    virtual void search(const Data& data) = 0;
    virtual void print(const Data& data) const = 0;
};

template <sx::Metric M, class Q>
class EngineOf final : public Engine {
public:
    EngineOf(std::string name, typename Q::Options options) : name_(std::move(name)), options_(std::move(options)) {}

    sx::Result<void> measure_codes(const Data& data) override {
        const Matrix& base = data.workload.base;
        std::vector<float> sample = unit_rows(base, std::min(Q::sample_rows, base.rows));
        SEXTANT_TRY_ASSIGN(
            const Q quantizer,
            Q::train({sample.data(), sample.size() / base.columns, base.columns, base.columns}, options_, {}));
        code_size_ = quantizer.code_size();
        std::vector<std::byte> codes(code_size_ * base.rows);
        const sx::RowSource rows{codes.data(), code_size_, nullptr};
        std::vector<float> room;
        for (std::size_t r = 0; r < base.rows; ++r) {
            const std::vector<float> unit = unit_row(base, r);
            const std::span<std::byte> code = std::span(codes).subspan(r * code_size_, code_size_);
            if constexpr (requires { quantizer.template encode_for<M>(unit, code, std::span<float>()); }) {
                room.resize(quantizer.room_floats());
                quantizer.template encode_for<M>(unit, code, room);
            } else {
                quantizer.encode(unit, code);
            }
        }
        std::vector<std::size_t> places;
        std::vector<float> distances(base.rows);
        sx::QueryScratch scratch;
        for (std::size_t q = 0; q < data.workload.queries.rows; ++q) {
            scratch.reset();
            quantizer.template bind<M>(data.workload.queries.view(q), rows, scratch)
                .score_range(sx::RowId{0}, distances);
            note_places(data, q, distances, places);
        }
        std::sort(places.begin(), places.end());
        const auto depth = [&places](double share) {
            const auto needed = static_cast<std::size_t>(std::ceil(share * static_cast<double>(places.size())));
            return std::max(places[needed - 1] + 1, k);
        };
        code_recall_ = static_cast<double>(std::lower_bound(places.begin(), places.end(), k) - places.begin()) /
                       static_cast<double>(places.size());
        depth_95_ = depth(0.95);
        depth_99_ = depth(0.99);
        return {};
    }

    sx::Result<void> build(const Data& data) override {
        typename C::Options options;
        options.dimension = data.workload.base.columns;
        options.quantizer = options_;
        SEXTANT_TRY_ASSIGN(C opened, C::open(options));
        collection_ = std::make_unique<C>(std::move(opened));
        const Matrix& base = data.workload.base;
        for (std::size_t row = 0; row < base.rows;) {
            sx::WriteBatch batch;
            for (const std::size_t end = std::min(row + 1000, base.rows); row < end; ++row) {
                batch.upsert(sx::PointId{row}, base.view(row));
            }
            SEXTANT_TRY(collection_->write(std::move(batch)));
        }
        SEXTANT_TRY(collection_->optimize());
        SEXTANT_TRY_ASSIGN(stats_, collection_->stats());
        return {};
    }

    void search(const Data& data) override {
        for (std::size_t t = 0; t < std::size(targets); ++t) {
            std::vector<sx::SearchResult> results(data.workload.queries.rows);
            const CpuStopwatch watch(CpuStopwatch::Of::thread);
            for (std::size_t q = 0; q < results.size(); ++q) {
                results[q] = collection_
                                 ->search({.vector = data.workload.queries.view(q),
                                           .k = k,
                                           .recall_target = targets[t],
                                           .select = {.payload = false}})
                                 .value();
            }
            rate_[t] = std::max(rate_[t], static_cast<double>(results.size()) / watch.seconds());
            std::size_t right = 0;
            for (std::size_t q = 0; q < results.size(); ++q) {
                std::vector<std::uint32_t> ids;
                for (const sx::Hit& hit : results[q]) ids.push_back(static_cast<std::uint32_t>(hit.id.integer()));
                right += count_right(data.truth, data.workload.base, data.workload.queries, data.metric, q, ids);
            }
            found_[t] = static_cast<double>(right) / static_cast<double>(results.size() * k);
        }
    }

    void print(const Data& data) const override {
        const double floats = static_cast<double>(data.workload.base.columns * sizeof(float));
        const auto depth = [](std::size_t d) { return d > deepest ? std::string("-") : std::to_string(d); };
        std::printf("| %s | %zu | %.1f | %.4f | %s | %s |", name_.c_str(), code_size_,
                    floats / static_cast<double>(code_size_), code_recall_, depth(depth_95_).c_str(),
                    depth(depth_99_).c_str());
        if (collection_ != nullptr) {
            const auto rows = static_cast<double>(data.workload.base.rows);
            const auto resident =
                static_cast<double>(stats_.bytes.codes + stats_.bytes.graph + stats_.bytes.ids + stats_.bytes.id_map);
            std::printf(" %.0f (%.3f) |", resident / rows, resident / rows / floats);
            for (std::size_t t = 0; t < std::size(targets); ++t) std::printf(" %.4f, %.0f |", found_[t], rate_[t]);
            const auto& calibration = stats_.segments.at(0).calibration;
            if (calibration) {
                std::printf(" %.2f, %.1f:", static_cast<double>(calibration->code_recall),
                            static_cast<double>(calibration->oversampling));
                for (const float target : targets) std::printf(" %zu", calibration->ef_for(target, k));
                std::printf(" |");
            }
        }
        std::printf("\n");
        std::fflush(stdout);
    }

private:
    using C = sx::Collection<M, sx::MemoryStorage, Q>;

    static std::vector<float> unit_row(const Matrix& matrix, std::size_t row) {
        std::vector<float> unit(matrix.row(row), matrix.row(row) + matrix.columns);
        if constexpr (M::unit_length) {
            double squares = 0.0;
            for (const float value : unit) squares += double{value} * double{value};
            if (squares > 0.0) {
                for (float& value : unit) value = static_cast<float>(value / std::sqrt(squares));
            }
        }
        return unit;
    }

    /// Rows taken evenly, as training takes them.
    static std::vector<float> unit_rows(const Matrix& base, std::size_t count) {
        std::vector<float> rows;
        for (std::size_t i = 0; i < count; ++i) {
            const std::vector<float> unit = unit_row(base, i * base.rows / count);
            rows.insert(rows.end(), unit.begin(), unit.end());
        }
        return rows;
    }

    /// At which place, best code first, each of the true ten comes.
    static void note_places(const Data& data, std::size_t q, const std::vector<float>& distances,
                            std::vector<std::size_t>& places) {
        const std::size_t count = std::min(deepest, distances.size());
        std::vector<std::uint32_t> order(distances.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                          [&distances](std::uint32_t a, std::uint32_t b) {
                              return std::pair(distances[a], a) < std::pair(distances[b], b);
                          });
        const std::size_t end = places.size() + data.truth.expected[q];
        for (std::size_t place = 0; place < count && places.size() < end; ++place) {
            const std::uint32_t row = order[place];
            const double distance = exact_distance(data.metric, data.workload.queries.row(q),
                                                   data.workload.base.row(row), data.workload.base.columns);
            if (distance <= data.truth.kth_distance[q]) places.push_back(place);
        }
        places.resize(end, deepest);
    }

    std::string name_;
    typename Q::Options options_;
    std::size_t code_size_ = 0;
    double code_recall_ = 0.0;
    std::size_t depth_95_ = 0;
    std::size_t depth_99_ = 0;
    std::unique_ptr<C> collection_;
    sx::Stats stats_;
    double rate_[std::size(targets)] = {};
    double found_[std::size(targets)] = {};
};

/// Sub-vectors of 8 bits for codes `ratio` times smaller than the floats.
std::uint32_t subvectors_for(std::size_t dimension, std::size_t ratio) {
    return static_cast<std::uint32_t>(std::max<std::size_t>(dimension * 4 / ratio, 1));
}

template <sx::Metric M>
std::vector<std::unique_ptr<Engine>> engines_for(std::size_t dimension) {
    std::vector<std::unique_ptr<Engine>> engines;
    engines.push_back(
        std::make_unique<EngineOf<M, sx::ScalarQuantizer>>("scalar, 8 bits", sx::ScalarQuantizer::Options{}));
    engines.push_back(
        std::make_unique<EngineOf<M, sx::ScalarQuantizer>>("scalar, 4 bits", sx::ScalarQuantizer::Options{.bits = 4}));
    for (const std::uint32_t bits : {8U, 4U, 2U, 1U}) {
        engines.push_back(std::make_unique<EngineOf<M, sx::RabitqQuantizer>>(
            "rabitq, " + std::to_string(bits) + " bits", sx::RabitqQuantizer::Options{.bits = bits}));
    }
    for (const std::size_t ratio : {8U, 16U, 32U, 64U}) {
        engines.push_back(std::make_unique<EngineOf<M, sx::ProductQuantizer>>(
            "product, " + std::to_string(ratio) + "x",
            sx::ProductQuantizer::Options{.subvectors = subvectors_for(dimension, ratio)}));
    }
    return engines;
}

int run(const Settings& settings) {
    auto workload = read_workload(settings.paths);
    if (!workload) {
        std::fprintf(stderr, "%s\n", workload.error().message.c_str());
        return 1;
    }
    Data data;
    data.workload = std::move(*workload);
    data.metric = settings.metric == "cosine" ? Metric::cosine : Metric::l2;
    const std::size_t dimension = data.workload.base.columns;
    std::printf("%s: %zu rows of %zu, %zu queries, %s\n", dataset_name(settings.paths.base).c_str(),
                data.workload.base.rows, dimension, data.workload.queries.rows, metric_name(data.metric));
    data.truth = compute_truth(data.workload.base, data.workload.queries, data.metric, k, 2);
    auto engines =
        data.metric == Metric::cosine ? engines_for<sx::Cosine>(dimension) : engines_for<sx::SquaredL2>(dimension);
    for (const auto& engine : engines) {
        auto done = engine->measure_codes(data);
        if (done && settings.collections) done = engine->build(data);
        if (!done) {
            std::fprintf(stderr, "%s\n", done.error().message.c_str());
            return 1;
        }
    }
    for (std::size_t round = 0; settings.collections && round < settings.rounds; ++round) {
        for (const auto& engine : engines) engine->search(data);
    }
    std::printf("| quantizer | bytes | x | recall@10 by codes | depth for 0.95 | for 0.99 |");
    if (settings.collections) {
        std::printf(" resident bytes (of floats) | asked 0.90: found, searches/s | 0.95 | 0.99 | self-test |");
    }
    std::printf("\n");
    for (const auto& engine : engines) engine->print(data);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app("What each quantizer costs and keeps");
    add_workload_options(app, settings.paths);
    app.add_option("--metric", settings.metric, "l2 or cosine")->check(CLI::IsMember({"l2", "cosine"}));
    app.add_option("--rounds", settings.rounds, "of searches, engines taking turns")->check(CLI::PositiveNumber);
    app.add_flag("!--codes-only", settings.collections, "no collections: codes alone");
    if (const auto done = parse_command_line(app, argc, argv)) return *done;
    return run(settings);
}
