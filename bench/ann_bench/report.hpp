/// report: JSON lines, the table of all points and the closing table of ratios at equal recall.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "ann_bench/measure.hpp"
#include "ann_bench/options.hpp"

namespace sextant_bench {

/// What is known of an engine besides its points.
struct EngineFacts {
    std::string name;
    std::string note;
    std::string kernel;
    std::optional<std::size_t> ef_construction = {};  ///< none: exact
    double build_seconds = 0.0;
    double bytes_per_vector = 0.0;
    std::optional<double> peak_bytes_per_vector = {};
};

struct Report {
    Options options;
    std::string dataset;
    std::size_t rows = 0;
    std::size_t dimension = 0;
    std::size_t query_count = 0;
    std::vector<EngineFacts> engines;
    std::vector<Measurement> points;
};

/// A frontier's speed at a recall.
struct SpeedAtRecall {
    enum class Kind : std::uint8_t {
        interpolated,
        at_least,  ///< the frontier's least recall is higher already: it could go faster at this one
        never,     ///< the recall is not reached
    };
    Kind kind = Kind::never;
    double qps = 0.0;
};

/// The points no other point beats in both recall and speed, by rising recall.
[[nodiscard]] std::vector<Measurement> pareto_frontier(std::vector<Measurement> points);

/// Linear in log(QPS) over recall between the two neighbouring points of the frontier.
[[nodiscard]] SpeedAtRecall speed_at(const std::vector<Measurement>& frontier, double recall);

/// One object, one line.
void write_json_line(std::ostream& out, const Report& report, const Measurement& point);
void print_points(std::ostream& out, const Report& report);
void print_ratios(std::ostream& out, const Report& report);

}  // namespace sextant_bench
