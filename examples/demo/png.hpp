/// png: grey images as PNG data URIs, so that a page needs no other file.
#pragma once

#include <cstddef>
#include <string>

namespace demo {

/// `pixels`: width × height values 0 .. 255, row by row; others are clamped. "data:image/png;base64,…".
[[nodiscard]] std::string png_data_uri(const float* pixels, std::size_t width, std::size_t height);

}  // namespace demo
