/// Hit, Record, Select: what comes back from searching and reading.
/// Threads: values.
#pragma once

#include <vector>

#include "sextant/core/point_id.hpp"
#include "sextant/core/types.hpp"
#include "sextant/payload/payload_json.hpp"

namespace sextant::inline v1 {

/// Which parts of a point are wanted; the others stay empty and cost nothing.
struct Select {
    bool payload = true;
    bool vector = false;
};

struct Hit {
    PointId id = {};
    /// The metric's natural score: cosine or inner product (larger is closer), Euclidean distance (smaller is closer).
    float score = 0.0F;
    Payload payload = {};
    std::vector<float> vector = {};  ///< bit for bit as it was given, or rounded: see CollectionOptions::raw
};

struct Record {
    PointId id = {};
    Payload payload = {};
    std::vector<float> vector = {};  ///< bit for bit as it was given, or rounded: see CollectionOptions::raw
    Lsn version = {};                ///< of the last write to this point; for upsert_if
};

}  // namespace sextant::inline v1
