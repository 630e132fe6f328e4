/// NewCodes: the quantizer a collection changed to since it was opened: what segments are made with from then on, and what
/// the manifest says.
/// Threads: immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "sextant/core/types.hpp"
#include "sextant/segment/vector_field.hpp"

namespace sextant::inline v1::detail {

struct NewCodes {
    std::vector<std::unique_ptr<VectorField>> fields;
    std::vector<std::byte> options;  ///< encoded; of a durable collection
};

}  // namespace sextant::inline v1::detail
