/// plot: recall against queries per second as one SVG file without any script or outside reference.
#pragma once

#include <string>

#include "ann_bench/report.hpp"

namespace sextant_bench {

/// The whole document. Recall runs over a scale of -log10(1 - recall), where the differences that matter lie; QPS is
/// logarithmic.
[[nodiscard]] std::string render_plot(const Report& report);

}  // namespace sextant_bench
