/// command_line: the options that the insert, churn and scan benchmarks share.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "support/workload.hpp"

namespace sextant_bench {

inline void add_workload_options(CLI::App& app, WorkloadPaths& paths) {
    app.add_option("--base", paths.base, "vectors: .fvecs .bvecs .ivecs or IDX, each also .gz")->capture_default_str();
    app.add_option("--queries", paths.queries, "queries, same formats")->capture_default_str();
    app.add_option("--limit", paths.limit, "use the first N base rows only")->check(CLI::PositiveNumber);
    app.add_option("--query-limit", paths.query_limit, "use the first N queries only")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
}

/// The exit code if the program is done: 0 after --help, 2 after a wrong command line.
[[nodiscard]] inline std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return std::nullopt;
}

}  // namespace sextant_bench
