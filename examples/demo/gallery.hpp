/// gallery: the page that shows query images beside the neighbours found. One file: the images are inside it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "demo_data.hpp"

namespace demo {

struct Neighbour {
    std::uint64_t row = 0;  ///< in the base images
    float distance = 0.0F;
};

struct GalleryRow {
    std::size_t query = 0;  ///< in the query images
    std::string caption;    ///< beneath the query's class
    std::vector<Neighbour> neighbours;
};

struct GallerySection {
    std::string title;
    std::string text;
    std::vector<GalleryRow> rows;
};

struct Fact {
    std::string value;
    std::string label;
};

struct SweepPoint {
    std::size_t ef = 0;
    double recall = 0.0;
    double queries_per_second = 0.0;
};

struct Gallery {
    std::string subtitle;
    std::vector<Fact> facts;
    std::vector<SweepPoint> sweep;
    std::vector<GallerySection> sections;
    std::string footer;
};

/// 60000 → "60,000".
[[nodiscard]] std::string grouped(double value);

[[nodiscard]] std::string render_gallery(const Gallery& gallery, const DemoData& data);

}  // namespace demo
