#include "demo_data.hpp"

#include <utility>

namespace demo {
namespace {

sextant::Result<Images> read_images(const std::string& prefix, std::size_t rows) {
    Images images;
    const std::string path = prefix + "-images-idx3-ubyte.gz";
    SEXTANT_TRY_ASSIGN(images.pixels, sextant_bench::read_vectors(path, rows));
    SEXTANT_TRY_ASSIGN(images.labels, sextant_bench::read_labels(prefix + "-labels-idx1-ubyte.gz", rows));
    if (images.pixels.columns != image_side * image_side || images.labels.size() != images.pixels.rows) {
        return sextant::Error{sextant::ErrorCode::corruption,
                              path + ": " + std::to_string(images.pixels.rows) + " images of " +
                                  std::to_string(images.pixels.columns) + " pixels and " +
                                  std::to_string(images.labels.size()) + " labels, expected as many of both, of 784"};
    }
    for (std::size_t i = 0; i < images.labels.size(); ++i) {
        if (images.labels[i] >= class_count) {
            return sextant::Error{sextant::ErrorCode::corruption, prefix + ": label " + std::to_string(i) + " is " +
                                                                      std::to_string(images.labels[i]) +
                                                                      ", expected 0 to 9"};
        }
    }
    return images;
}

}  // namespace

sextant::Result<DemoData> read_demo_data(const std::string& folder, std::size_t base_rows, std::size_t query_rows) {
    DemoData data;
    SEXTANT_TRY_ASSIGN(data.base, read_images(folder + "/train", base_rows));
    SEXTANT_TRY_ASSIGN(data.queries, read_images(folder + "/t10k", query_rows));
    return data;
}

}  // namespace demo
