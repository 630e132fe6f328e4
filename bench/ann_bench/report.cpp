#include "ann_bench/report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

namespace sextant_bench {
namespace {

constexpr std::array<double, 4> recall_targets = {0.90, 0.95, 0.99, 0.999};
constexpr std::string_view reference_name = "hnswlib";

std::string fixed(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

/// Columns as wide as their widest cell; the first to the left, the others to the right.
class TextTable {
public:
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    void print(std::ostream& out) const {
        std::vector<std::size_t> widths;
        for (const auto& row : rows_) {
            widths.resize(std::max(widths.size(), row.size()));
            for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], shown(row[i]));
        }
        for (std::size_t r = 0; r < rows_.size(); ++r) {
            for (std::size_t i = 0; i < rows_[r].size(); ++i) {
                const std::string padding(widths[i] - shown(rows_[r][i]), ' ');
                out << (i == 0 ? "" : "  ") << (i == 0 ? rows_[r][i] + padding : padding + rows_[r][i]);
            }
            out << '\n';
            if (r == 0) {
                for (std::size_t i = 0; i < widths.size(); ++i)
                    out << (i == 0 ? "" : "  ") << std::string(widths[i], '-');
                out << '\n';
            }
        }
    }

private:
    /// Characters, not bytes: "≥" is three bytes of UTF-8.
    static std::size_t shown(const std::string& text) {
        return static_cast<std::size_t>(std::count_if(
            text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
    }
    std::vector<std::vector<std::string>> rows_;
};

std::vector<Measurement> points_of(const Report& report, std::size_t engine, double selectivity) {
    std::vector<Measurement> points;
    for (const Measurement& point : report.points) {
        if (point.engine == engine && point.selectivity == selectivity) points.push_back(point);
    }
    return points;
}

std::string speed_text(const SpeedAtRecall& speed) {
    switch (speed.kind) {
        case SpeedAtRecall::Kind::never: return "–";
        case SpeedAtRecall::Kind::at_least: return "≥ " + fixed(speed.qps, 0);
        case SpeedAtRecall::Kind::interpolated: break;
    }
    return fixed(speed.qps, 0);
}

/// "≥": the engine could be faster at this recall than its least point; "≤": the reference could; "~": both.
std::string ratio_text(const SpeedAtRecall& speed, const SpeedAtRecall& reference) {
    using Kind = SpeedAtRecall::Kind;
    if (speed.kind == Kind::never || reference.kind == Kind::never) return "–";
    const bool up = speed.kind == Kind::at_least;
    const bool down = reference.kind == Kind::at_least;
    return std::string(up && down ? "~ " : up ? "≥ " : down ? "≤ " : "") + fixed(speed.qps / reference.qps, 2) + "×";
}

std::optional<std::size_t> reference_engine(const Report& report) {
    for (std::size_t i = 0; i < report.engines.size(); ++i) {
        if (report.engines[i].name == reference_name) return i;
    }
    return std::nullopt;
}

std::set<double, std::greater<>> selectivities(const Report& report) {
    std::set<double, std::greater<>> all;
    for (const Measurement& point : report.points) all.insert(point.selectivity);
    return all;
}

void print_ratios_at(std::ostream& out, const Report& report, double selectivity) {
    const auto reference = reference_engine(report);
    const auto frontier_of = [&](std::size_t engine) {
        return pareto_frontier(points_of(report, engine, selectivity));
    };
    const std::vector<Measurement> reference_frontier =
        reference ? frontier_of(*reference) : std::vector<Measurement>{};
    TextTable table;
    std::vector<std::string> head = {"engine"};
    for (const double target : recall_targets) {
        head.push_back("QPS@" + fixed(target, target == 0.999 ? 3 : 2));
        if (reference) head.emplace_back("÷ hnswlib");
    }
    head.insert(head.end(), {"build s", "÷ hnswlib", "bytes/vector"});
    if (!reference) head.erase(head.end() - 2);
    table.add(std::move(head));
    for (std::size_t i = 0; i < report.engines.size(); ++i) {
        const EngineFacts& facts = report.engines[i];
        const auto frontier = frontier_of(i);
        std::vector<std::string> row = {facts.name};
        for (const double target : recall_targets) {
            const SpeedAtRecall speed = speed_at(frontier, target);
            row.push_back(speed_text(speed));
            if (reference) row.push_back(ratio_text(speed, speed_at(reference_frontier, target)));
        }
        row.push_back(fixed(facts.build_seconds, 2));
        if (reference) {
            row.push_back(fixed(facts.build_seconds / report.engines[*reference].build_seconds, 2) + "×");
        }
        row.push_back(fixed(facts.bytes_per_vector, 0));
        table.add(std::move(row));
    }
    table.print(out);
}

}  // namespace

std::vector<Measurement> pareto_frontier(std::vector<Measurement> points) {
    std::sort(points.begin(), points.end(), [](const Measurement& a, const Measurement& b) {
        return a.recall != b.recall ? a.recall > b.recall : a.qps > b.qps;
    });
    std::vector<Measurement> frontier;
    for (const Measurement& point : points) {
        if (frontier.empty() || point.qps > frontier.back().qps) frontier.push_back(point);
    }
    std::reverse(frontier.begin(), frontier.end());
    return frontier;
}

SpeedAtRecall speed_at(const std::vector<Measurement>& frontier, double recall) {
    using Kind = SpeedAtRecall::Kind;
    if (frontier.empty() || frontier.back().recall < recall) return {Kind::never, 0.0};
    const auto above = std::find_if(frontier.begin(), frontier.end(),
                                    [&](const Measurement& point) { return point.recall >= recall; });
    if (above->recall == recall) return {Kind::interpolated, above->qps};
    if (above == frontier.begin()) return {Kind::at_least, above->qps};
    const auto below = above - 1;
    const double share = (recall - below->recall) / (above->recall - below->recall);
    return {Kind::interpolated, std::exp(std::lerp(std::log(below->qps), std::log(above->qps), share))};
}

void write_json_line(std::ostream& out, const Report& report, const Measurement& point) {
    const EngineFacts& facts = report.engines[point.engine];
    nlohmann::ordered_json line;
    line["engine"] = facts.name;
    line["dataset"] = report.dataset;
    line["metric"] = metric_name(report.options.metric);
    line["k"] = report.options.k;
    line["ef"] = point.ef;
    line["selectivity"] = point.selectivity;
    line["recall"] = point.recall;
    line["qps"] = point.qps;
    line["p50_us"] = point.p50_us;
    line["p99_us"] = point.p99_us;
    line["build_s"] = facts.build_seconds;
    line["bytes_per_vector"] = facts.bytes_per_vector;
    line["threads"] = report.options.threads;
    line["kernel"] = facts.kernel;
    line["build_threads"] = report.options.build_threads;
    line["clock"] = report.options.clock == ClockKind::wall ? "wall" : "cpu";
    line["m"] = report.options.m;
    if (facts.ef_construction) line["ef_construction"] = *facts.ef_construction;
    line["rows"] = report.rows;
    line["dimension"] = report.dimension;
    line["queries"] = report.query_count;
    if (facts.peak_bytes_per_vector) line["peak_bytes_per_vector"] = *facts.peak_bytes_per_vector;
    if (!facts.note.empty()) line["note"] = facts.note;
    out << line.dump() << '\n';
}

void print_points(std::ostream& out, const Report& report) {
    const bool filtered = !report.options.filter_selectivity.empty();
    TextTable table;
    std::vector<std::string> head = {"engine", "ef", "recall", "QPS", "p50 µs", "p99 µs"};
    if (filtered) head.emplace_back("selectivity");
    table.add(std::move(head));
    for (const double selectivity : selectivities(report)) {
        for (std::size_t i = 0; i < report.engines.size(); ++i) {
            for (const Measurement& point : points_of(report, i, selectivity)) {
                std::vector<std::string> row = {
                    report.engines[i].name, point.ef == 0 ? "exact" : std::to_string(point.ef),
                    fixed(point.recall, 5), fixed(point.qps, 0),
                    fixed(point.p50_us, 1), fixed(point.p99_us, 1)};
                if (filtered) row.push_back(fixed(selectivity, 4));
                table.add(std::move(row));
            }
        }
    }
    table.print(out);
}

void print_ratios(std::ostream& out, const Report& report) {
    out << report.dataset << ", " << report.rows << " × " << report.dimension << ", "
        << metric_name(report.options.metric) << ", k = " << report.options.k << ", " << report.query_count
        << " queries, " << report.options.threads << " search and " << report.options.build_threads
        << " build thread(s), m = " << report.options.m
        << (report.options.clock == ClockKind::cpu ? ", timed in processor seconds" : "") << '\n';
    for (const double selectivity : selectivities(report)) {
        if (selectivity != 1.0) out << "filter admits " << fixed(selectivity * 100, 2) << " % of the rows\n";
        print_ratios_at(out, report, selectivity);
    }
    for (const EngineFacts& facts : report.engines) {
        out << "  " << facts.name << ": kernel " << facts.kernel;
        if (facts.ef_construction) out << "; ef_construction " << *facts.ef_construction;
        if (!facts.note.empty()) out << "; " << facts.note;
        if (facts.peak_bytes_per_vector) out << "; peak " << fixed(*facts.peak_bytes_per_vector, 0) << " bytes/vector";
        out << '\n';
    }
    out << "  – not reached; ≥ the smallest ef is above this recall already; ≤ hnswlib's is; ~ both are\n";
}

}  // namespace sextant_bench
