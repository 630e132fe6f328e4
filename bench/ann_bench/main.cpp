/// sextant_ann_bench: recall against queries per second, for this library and its peers, interleaved in one run.
/// Exit codes: 0 done; 1 a file could not be read or an engine failed; 2 the command line is wrong, or names an engine or
/// option that is not built.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ann_bench/engine.hpp"
#include "ann_bench/measure.hpp"
#include "ann_bench/options.hpp"
#include "ann_bench/plot.hpp"
#include "ann_bench/report.hpp"
#include "sextant/core/random.hpp"
#include "support/timing.hpp"

namespace {

using namespace sextant_bench;
using sextant::Result;

constexpr int exit_failed = 1;
constexpr int exit_unsupported = 2;

using Engines = std::vector<std::unique_ptr<Engine>>;

/// What the command line asks for that this program cannot do; checked before any file is read.
Result<Engines> make_engines(const Options& options) {
    const auto unsupported = [](std::string message) {
        return sextant::Error{sextant::ErrorCode::unsupported, std::move(message)};
    };
    if (options.storage != "memory") {
        return unsupported("--storage " + options.storage + ": not built yet; built is memory");
    }
    Engines engines;
    for (const std::string& name : options.engines) {
        SEXTANT_TRY_ASSIGN(auto engine, make_engine(name, options.metric));
        if (!options.filter_selectivity.empty() && !engine->filters()) {
            return unsupported("--filter-selectivity: engine " + name + " has no filtered search");
        }
        const bool twice = std::any_of(engines.begin(), engines.end(),
                                       [&](const auto& other) { return other->name() == engine->name(); });
        if (twice) return unsupported("--engine " + name + ": named twice");
        engines.push_back(std::move(engine));
    }
    for (const std::size_t ef : options.ef) {
        if (ef < options.k) {
            return unsupported("--ef " + std::to_string(ef) + ": below k = " + std::to_string(options.k) +
                               ", no engine would return k rows");
        }
    }
    return engines;
}

struct Data {
    Matrix base;
    Matrix queries;
    std::vector<float> filter_values;  // per base row in [0, 1); empty without filters
};

Result<Data> read_data(const Options& options) {
    Data data;
    SEXTANT_TRY_ASSIGN(data.base, read_vectors(options.base, options.limit));
    SEXTANT_TRY_ASSIGN(data.queries, read_vectors(options.queries, options.query_limit));
    if (data.base.columns != data.queries.columns) {
        return sextant::invalid_argument(options.queries + ": dimension " + std::to_string(data.queries.columns) +
                                         ", expected " + std::to_string(data.base.columns) + " as in " + options.base);
    }
    if (!options.filter_selectivity.empty()) {
        // The value is independent of the vector, so a filter's rows are spread evenly over the space.
        sextant::Random random(42);
        for (std::size_t row = 0; row < data.base.rows; ++row) {
            data.filter_values.push_back(static_cast<float>(random.below(1U << 20U)) / (1U << 20U));
        }
    }
    return data;
}

Result<Truth> find_truth(const Options& options, const Data& data, const std::vector<std::uint8_t>& admitted) {
    if (!options.truth.empty() && admitted.empty()) {
        SEXTANT_TRY_ASSIGN(const auto ids, read_integers(options.truth, data.queries.rows));
        return truth_from_ids(data.base, data.queries, options.metric, options.k, ids, options.truth);
    }
    const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
    std::cerr << "computing the exact neighbours of " << data.queries.rows << " queries …\n";
    return compute_truth(data.base, data.queries, options.metric, options.k, threads, admitted);
}

Result<void> build_all(const Engines& engines, const Options& options, const Data& data, Report& report) {
    BuildParams params;
    params.metric = options.metric;
    params.m = options.m;
    params.build_threads = options.build_threads;
    params.filter_values = data.filter_values;
    for (const auto& engine : engines) {
        std::cerr << "building " << engine->name() << " … " << std::flush;
        const Stopwatch watch;
        const CpuStopwatch cpu(CpuStopwatch::Of::process);
        params.ef_construction = options.ef_construction.value_or(engine->default_ef_construction());
        SEXTANT_TRY(engine->build(data.base, params));
        EngineFacts facts;
        if (!engine->exact()) facts.ef_construction = params.ef_construction;
        facts.build_seconds = options.clock == ClockKind::wall ? watch.seconds() : cpu.seconds();
        facts.name = engine->name();
        facts.note = engine->note();
        facts.kernel = engine->kernel();
        const auto rows = static_cast<double>(data.base.rows);
        facts.bytes_per_vector = engine->bytes() / rows;
        if (const auto peak = engine->peak_bytes()) facts.peak_bytes_per_vector = *peak / rows;
        std::cerr << facts.build_seconds << " s\n";
        report.engines.push_back(std::move(facts));
    }
    return {};
}

Result<void> measure_all(const Engines& engines, const Options& options, const Data& data, double selectivity,
                         std::ostream& json, Report& report) {
    std::vector<std::uint8_t> admitted;
    if (!data.filter_values.empty()) {
        for (const float value : data.filter_values) admitted.push_back(value < static_cast<float>(selectivity));
    }
    SEXTANT_TRY_ASSIGN(const Truth truth, find_truth(options, data, admitted));
    const Workload workload{data.base, data.queries, options.metric, truth, admitted, selectivity};
    const MeasureParams params{options.k, options.threads, options.rounds, options.clock};
    std::vector<std::size_t> exact;
    std::vector<std::size_t> graphs;
    for (std::size_t i = 0; i < engines.size(); ++i) (engines[i]->exact() ? exact : graphs).push_back(i);
    const auto add = [&](const std::vector<std::size_t>& turn, std::size_t ef) {
        for (const Measurement& point : measure_interleaved(engines, turn, ef, workload, params)) {
            report.points.push_back(point);
            write_json_line(json, report, point);
            json.flush();  // a run that is cut short keeps what it measured
            std::cerr << "  " << engines[point.engine]->name() << " ef " << point.ef << ": recall " << point.recall
                      << ", " << static_cast<std::size_t>(point.qps) << " QPS\n";
        }
    };
    if (!graphs.empty()) {
        for (const std::size_t ef : options.ef) add(graphs, ef);
    }
    if (!exact.empty()) add(exact, options.k);
    return {};
}

sextant::Error cannot_write(const std::string& path) {
    return {sextant::ErrorCode::io_error, path + ": cannot be written"};
}

Result<void> write_file(const std::string& path, const std::string& content) {
    std::ofstream out(path, std::ios::binary);
    out << content;
    out.close();
    if (!out) return cannot_write(path);
    return {};
}

Result<void> run(const Engines& engines, const Options& options) {
    SEXTANT_TRY_ASSIGN(const Data data, read_data(options));
    Report report;
    report.options = options;
    report.dataset = dataset_name(options.base);
    report.rows = data.base.rows;
    report.dimension = data.base.columns;
    report.query_count = data.queries.rows;
    std::ofstream json;
    if (!options.json.empty()) {
        json.open(options.json, std::ios::binary);
        if (!json) return cannot_write(options.json);
    }
    SEXTANT_TRY(build_all(engines, options, data, report));
    if (options.filter_selectivity.empty()) {
        SEXTANT_TRY(measure_all(engines, options, data, 1.0, json, report));
    }
    for (const double selectivity : options.filter_selectivity) {
        SEXTANT_TRY(measure_all(engines, options, data, selectivity, json, report));
    }
    print_points(std::cout, report);
    std::cout << '\n';
    print_ratios(std::cout, report);
    if (!options.json.empty() && !json) return cannot_write(options.json);
    if (!options.plot.empty()) SEXTANT_TRY(write_file(options.plot, render_plot(report)));
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    int exit_code = 0;
    const std::optional<Options> options = parse_options(argc, argv, exit_code);
    if (!options) return exit_code;
    const Result<Engines> engines = make_engines(*options);
    if (!engines) {
        std::cerr << "sextant_ann_bench: " << engines.error().message << '\n';
        return exit_unsupported;
    }
    const Result<void> done = run(*engines, *options);
    if (!done) {
        std::cerr << "sextant_ann_bench: " << done.error().message << '\n';
        return exit_failed;
    }
    return 0;
}
