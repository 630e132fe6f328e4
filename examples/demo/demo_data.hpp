/// demo_data: Fashion-MNIST: 60,000 pictures of clothes to search in, 10,000 others to search for, 28 × 28 grey pixels and
/// one of ten class labels each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"
#include "support/dataset.hpp"

namespace demo {

inline constexpr std::size_t image_side = 28;
inline constexpr std::size_t class_count = 10;
inline constexpr std::array<std::string_view, class_count> class_names = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};

/// Vectors of 784 floats 0 .. 255, and the class of each.
struct Images {
    sextant_bench::Matrix pixels;
    std::vector<std::uint8_t> labels;
};

struct DemoData {
    Images base;
    Images queries;
};

/// The first rows of both sets. not_found where the files are not in `folder`.
[[nodiscard]] sextant::Result<DemoData> read_demo_data(const std::string& folder, std::size_t base_rows,
                                                       std::size_t query_rows);

}  // namespace demo
