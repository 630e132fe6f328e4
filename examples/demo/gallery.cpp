#include "gallery.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "png.hpp"

namespace demo {
namespace {

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #1c2128; --soft: #667080; --line: #e1e5ea;
  --same: #1a7f4b; --other: #c4432b; --accent: #2f5fd0; }
@media (prefers-color-scheme: dark) { :root { --page: #12151a; --card: #1b2027; --ink: #e8ebef; --soft: #97a1b0;
  --line: #2c333d; --same: #4cc38a; --other: #f2816b; --accent: #86a8ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.02em; }
h2 { font-size: 20px; margin: 44px 0 4px; letter-spacing: -0.01em; }
p { margin: 0; color: var(--soft); max-width: 72ch; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 26px 0 0; }
.fact, .row, .sweep { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.fact { padding: 14px 16px; }
.fact b { display: block; font-size: 24px; line-height: 1.2; letter-spacing: -0.02em;
  font-variant-numeric: tabular-nums; }
.fact span { color: var(--soft); font-size: 13px; }
.sweep { margin-top: 12px; padding: 14px 18px; overflow-x: auto; }
.sweep table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.sweep th { text-align: left; color: var(--soft); font-weight: 500; font-size: 13px; padding: 2px 16px 6px 0; }
.sweep td { padding: 3px 16px 3px 0; white-space: nowrap; }
.sweep td:last-child { width: 55%; padding-right: 0; }
.bar { display: block; height: 10px; border-radius: 5px; background: var(--accent); min-width: 3px; }
.row { display: flex; gap: 18px; padding: 14px 16px; margin-top: 12px; align-items: flex-start; }
.query { flex: 0 0 108px; }
.query img { width: 108px; height: 108px; outline: 2px solid var(--accent); outline-offset: 2px; }
.query b { display: block; margin-top: 8px; line-height: 1.25; }
.query small { color: var(--soft); display: block; line-height: 1.3; }
.found { flex: 1; display: grid; grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); gap: 10px; min-width: 0; }
figure { margin: 0; }
img { display: block; border-radius: 8px; background: #000; image-rendering: pixelated; }
.found img { width: 100%; aspect-ratio: 1; }
figcaption { font-size: 12px; line-height: 1.3; margin-top: 4px; }
figcaption span { color: var(--soft); font-variant-numeric: tabular-nums; display: block; }
.same b { color: var(--same); font-weight: 600; }
.other b { color: var(--other); font-weight: 600; }
.none { color: var(--soft); align-self: center; }
footer { margin-top: 48px; color: var(--soft); font-size: 13px; border-top: 1px solid var(--line); padding-top: 16px; }
@media (min-width: 1100px) { .found { grid-template-columns: repeat(10, 1fr); } }
@media (max-width: 560px) { .row { flex-direction: column; } .query { display: grid; grid-template-columns: 84px 1fr;
  column-gap: 14px; flex: none; } .query img { width: 84px; height: 84px; grid-row: span 2; } .query b { align-self: end; }
  .found { width: 100%; grid-template-columns: repeat(5, 1fr); gap: 8px; } figcaption { font-size: 11px; } }
)css";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string number(double value, const char* format) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return text.data();
}

}  // namespace

std::string grouped(double value) {
    const std::string digits = number(value, "%.0f");
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i != 0 && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

namespace {

std::string image(const Images& images, std::size_t row) {
    return "<img alt=\"" + escaped(class_names[images.labels[row]]) + "\" src=\"" +
           png_data_uri(images.pixels.row(row), image_side, image_side) + "\">";
}

std::string figure(const DemoData& data, const Neighbour& neighbour, std::uint8_t query_label) {
    const std::uint8_t label = data.base.labels[neighbour.row];
    return "<figure class=\"" + std::string(label == query_label ? "same" : "other") + "\">" +
           image(data.base, neighbour.row) + "<figcaption><b>" + escaped(class_names[label]) + "</b><span>" +
           number(static_cast<double>(neighbour.distance), "%.0f") + " · #" + std::to_string(neighbour.row) +
           "</span></figcaption></figure>\n";
}

std::string gallery_row(const DemoData& data, const GalleryRow& row) {
    const std::uint8_t label = data.queries.labels[row.query];
    std::string html = "<div class=\"row\"><div class=\"query\">" + image(data.queries, row.query) + "<b>" +
                       escaped(class_names[label]) + "</b><small>" + escaped(row.caption) +
                       "</small></div>\n<div class=\"found\">\n";
    for (const Neighbour& neighbour : row.neighbours) html += figure(data, neighbour, label);
    if (row.neighbours.empty()) html += "<p class=\"none\">No image passes this filter.</p>";
    return html + "</div></div>\n";
}

std::string sweep_table(const std::vector<SweepPoint>& sweep) {
    double fastest = 1.0;
    for (const SweepPoint& point : sweep) fastest = std::max(fastest, point.queries_per_second);
    std::string html =
        "<div class=\"sweep\"><table><tr><th>ef</th><th>recall@10</th><th>queries/s</th><th>one thread</th></tr>\n";
    for (const SweepPoint& point : sweep) {
        html += "<tr><td>" + std::to_string(point.ef) + "</td><td>" + number(point.recall, "%.4f") + "</td><td>" +
                grouped(point.queries_per_second) + "</td><td><span class=\"bar\" style=\"width:" +
                number(100.0 * point.queries_per_second / fastest, "%.1f") + "%\"></span></td></tr>\n";
    }
    return html + "</table></div>\n";
}

}  // namespace

std::string render_gallery(const Gallery& gallery, const DemoData& data) {
    std::string html =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>Sextant: Fashion-MNIST neighbours</title>\n<style>" +
        std::string(style) + "</style></head>\n<body><main>\n<h1>Ten nearest images</h1>\n<p>" +
        escaped(gallery.subtitle) + "</p>\n<div class=\"facts\">\n";
    for (const Fact& fact : gallery.facts) {
        html +=
            "<div class=\"fact\"><b>" + escaped(fact.value) + "</b><span>" + escaped(fact.label) + "</span></div>\n";
    }
    html += "</div>\n" + sweep_table(gallery.sweep);
    for (const GallerySection& section : gallery.sections) {
        html += "<h2>" + escaped(section.title) + "</h2>\n<p>" + escaped(section.text) + "</p>\n";
        for (const GalleryRow& row : section.rows) html += gallery_row(data, row);
    }
    return html + "<footer>" + escaped(gallery.footer) + "</footer>\n</main></body></html>\n";
}

}  // namespace demo
