#include "ann_bench/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

namespace sextant_bench {

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
    Options options;
    // Twice as fine as doublings: interpolation between points a factor of two apart hides the bend before 0.999.
    options.ef = {10, 14, 20, 28, 40, 56, 80, 112, 160, 226, 320, 640};

    CLI::App app{"Recall against queries per second, engines measured interleaved in one run"};
    app.add_option("--base", options.base, "vectors to index: .fvecs .bvecs .ivecs or IDX, each also .gz")->required();
    app.add_option("--queries", options.queries, "vectors to search for, same formats")->required();
    app.add_option("--truth", options.truth, "true neighbours, .ivecs; computed when left out");
    const std::map<std::string, Metric> metrics = {{"l2", Metric::l2}, {"ip", Metric::ip}, {"cosine", Metric::cosine}};
    app.add_option("--metric", options.metric, "l2, ip or cosine")
        ->required()
        ->transform(CLI::CheckedTransformer(metrics, CLI::ignore_case));
    app.add_option("--limit", options.limit, "use the first N base rows only")->check(CLI::PositiveNumber);
    app.add_option("--query-limit", options.query_limit, "use the first N queries only")->check(CLI::PositiveNumber);
    app.add_option(
           "--engine", options.engines,
           "sextant:none, sextant:sq8, sextant:sq4, sextant:pq[:RATIO], sextant:opq[:RATIO], sextant:rabitq[:BITS], "
           "sextant:flat, each also with +f16 behind it: vectors of half floats; hnswlib, faiss-hnsw, faiss-hnsw-sq8, "
           "faiss-flat; repeatable")
        ->required()
        ->delimiter(',');
    app.add_option("--m", options.m, "links a row")->capture_default_str()->check(CLI::Range(4, 64));
    app.add_option("--ef-construction", options.ef_construction,
                   "candidates while linking; left out: the library's own default, 200 for peers")
        ->check(CLI::Range(4, 4096));
    app.add_option("--ef", options.ef, "candidates while searching, one measurement each")
        ->capture_default_str()
        ->delimiter(',')
        ->check(CLI::Range(1, 65536));
    app.add_option("--k", options.k, "neighbours wanted")->capture_default_str()->check(CLI::Range(1, 1024));
    app.add_option("--threads", options.threads, "threads that search at once")
        ->capture_default_str()
        ->check(CLI::Range(1, 256));
    app.add_option("--build-threads", options.build_threads, "threads that build")
        ->capture_default_str()
        ->check(CLI::Range(1, 256));
    app.add_option("--rounds", options.rounds, "turns each engine gets at least, per value of ef")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    const std::map<std::string, ClockKind> clocks = {{"wall", ClockKind::wall}, {"cpu", ClockKind::cpu}};
    app.add_option("--clock", options.clock, "what queries and builds are timed by: wall, or cpu on a shared machine")
        ->transform(CLI::CheckedTransformer(clocks, CLI::ignore_case));
    app.add_option("--storage", options.storage, "memory or mapped:DIR")->capture_default_str();
    app.add_option("--filter-selectivity", options.filter_selectivity, "shares of rows that pass a random filter")
        ->delimiter(',')
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--json", options.json, "write one JSON object a line to this file");
    app.add_option("--plot", options.plot, "write recall against queries per second as SVG to this file");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error) == 0 ? 0 : 2;
        return std::nullopt;
    }
    std::sort(options.ef.begin(), options.ef.end());
    options.ef.erase(std::unique(options.ef.begin(), options.ef.end()), options.ef.end());
    return options;
}

}  // namespace sextant_bench
