#include "ann_bench/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>
#include <vector>

namespace sextant_bench {
namespace {

constexpr double width = 1000;
constexpr double height = 540;
constexpr double left = 84;
constexpr double right = 210;  // room for the names
constexpr double top = 64;
constexpr double bottom = 62;
constexpr double worst_miss = 1e-5;  // recall 1 is drawn here

constexpr std::array<const char*, 9> colours = {"#1f6feb", "#d1242f", "#1a7f37", "#bf8700", "#8250df",
                                                "#0f766e", "#bf3989", "#57606a", "#953800"};

std::string number(double value, const char* format = "%.1f") {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return text.data();
}

double recall_scale(double recall) { return -std::log10(std::max(1.0 - recall, worst_miss)); }

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out += c;
    }
    return out;
}

struct Axes {
    double x_min = std::numeric_limits<double>::max();
    double x_max = std::numeric_limits<double>::lowest();
    double y_min = std::numeric_limits<double>::max();
    double y_max = std::numeric_limits<double>::lowest();

    explicit Axes(const Report& report) {
        for (const Measurement& point : report.points) {
            x_min = std::min(x_min, recall_scale(point.recall));
            x_max = std::max(x_max, recall_scale(point.recall));
            y_min = std::min(y_min, std::log10(point.qps));
            y_max = std::max(y_max, std::log10(point.qps));
        }
        const double x_margin = std::max(0.03 * (x_max - x_min), 0.05);
        const double y_margin = std::max(0.05 * (y_max - y_min), 0.05);
        x_min -= x_margin;
        x_max += x_margin;
        y_min -= y_margin;
        y_max += y_margin;
    }
    [[nodiscard]] double x(double recall) const { return at(recall_scale(recall)); }
    [[nodiscard]] double at(double scaled) const {
        return left + (scaled - x_min) / (x_max - x_min) * (width - left - right);
    }
    [[nodiscard]] double y(double qps) const {
        return height - bottom - (std::log10(qps) - y_min) / (y_max - y_min) * (height - top - bottom);
    }
};

std::string text(double x, double y, const std::string& content, const std::string& attributes = {}) {
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + attributes + ">" + escaped(content) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const char* css) {
    return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
           "\" class=\"" + css + "\"/>\n";
}

std::string grid(const Axes& axes, std::size_t k) {
    std::string svg;
    constexpr std::array<double, 12> recalls = {0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1.0};
    for (const double recall : recalls) {
        const double scaled = recall_scale(recall);
        if (scaled < axes.x_min || scaled > axes.x_max) continue;
        svg += line(axes.at(scaled), top, axes.at(scaled), height - bottom, "grid");
        svg += text(axes.at(scaled), height - bottom + 20, number(recall, "%g"), "text-anchor=\"middle\"");
    }
    for (int decade = static_cast<int>(std::floor(axes.y_min)); decade <= static_cast<int>(axes.y_max); ++decade) {
        for (const double digit : {1.0, 2.0, 5.0}) {
            const double qps = digit * std::pow(10.0, decade);
            if (std::log10(qps) < axes.y_min || std::log10(qps) > axes.y_max) continue;
            svg += line(left, axes.y(qps), width - right, axes.y(qps), "grid");
            svg += text(left - 8, axes.y(qps) + 4, number(qps, "%g"), "text-anchor=\"end\"");
        }
    }
    svg += line(left, height - bottom, width - right, height - bottom, "axis");
    svg += line(left, top, left, height - bottom, "axis");
    svg += text((left + width - right) / 2, height - 16, "recall@" + std::to_string(k),
                "text-anchor=\"middle\" class=\"label\"");
    return svg;
}

std::string curve(const Axes& axes, const std::vector<Measurement>& points, const char* colour, bool dashed) {
    std::string path;
    std::string dots;
    for (const Measurement& point : points) {
        const std::string x = number(axes.x(point.recall));
        const std::string y = number(axes.y(point.qps));
        path += (path.empty() ? "M" : " L") + x + " " + y;
        dots += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"3.5\" fill=\"" + colour + "\"><title>ef " +
                std::to_string(point.ef) + ", recall " + number(point.recall, "%.4f") + ", " +
                number(point.qps, "%.0f") + " QPS</title></circle>\n";
    }
    return "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"2\"" +
           (dashed ? " stroke-dasharray=\"5 4\"" : "") + "/>\n" + dots;
}

}  // namespace

std::string render_plot(const Report& report) {
    const Axes axes(report);
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(width, "%.0f") + " " +
                      number(height, "%.0f") +
                      "\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#24292f\">\n" +
                      "<style>.grid{stroke:#e3e6ea}.axis{stroke:#57606a}.label{font-size:13px}.title{font-size:16px;"
                      "font-weight:600}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
    svg += text(left, 28, report.dataset + ", " + metric_name(report.options.metric), "class=\"title\"");
    svg += text(left, 48,
                std::to_string(report.rows) + " × " + std::to_string(report.dimension) +
                    ", k = " + std::to_string(report.options.k) + ", " + std::to_string(report.options.threads) +
                    " search thread(s); up and to the right is better");
    svg += grid(axes, report.options.k);
    svg += text(
        0, 0, "queries per second",
        "text-anchor=\"middle\" class=\"label\" transform=\"translate(20 " + number(height / 2) + ") rotate(-90)\"");
    std::set<double, std::greater<>> selectivities;
    for (const Measurement& point : report.points) selectivities.insert(point.selectivity);
    double legend_y = top + 10;
    for (std::size_t i = 0; i < report.engines.size(); ++i) {
        const char* colour = colours[i % colours.size()];
        bool dashed = false;
        for (const double selectivity : selectivities) {
            std::vector<Measurement> points;
            for (const Measurement& point : report.points) {
                if (point.engine == i && point.selectivity == selectivity) points.push_back(point);
            }
            if (points.empty()) continue;
            std::string name = report.engines[i].name;
            if (selectivity != 1.0) name += ", filter " + number(selectivity, "%g");
            svg += curve(axes, points, colour, dashed);
            svg += "<rect x=\"" + number(width - right + 18) + "\" y=\"" + number(legend_y - 9) +
                   "\" width=\"14\" height=\"10\" fill=\"" + colour + "\"/>\n";
            svg += text(width - right + 38, legend_y, name);
            legend_y += 18;
            dashed = true;
        }
    }
    return svg + "</svg>\n";
}

}  // namespace sextant_bench
