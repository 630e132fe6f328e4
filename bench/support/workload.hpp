/// workload: what the insert, churn and scan benchmarks run on: Fashion-MNIST unless told otherwise.
#pragma once

#include <cstddef>
#include <string>

#include "sextant/core/result.hpp"
#include "support/dataset.hpp"
#include "support/ground_truth.hpp"

namespace sextant_bench {

struct WorkloadPaths {
    std::string base = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz";
    std::string queries = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
    std::size_t limit = all_rows;
    std::size_t query_limit = 1000;
};

struct WorkloadData {
    Matrix base;
    Matrix queries;
};

/// Both files, of one dimension. not_found says which Debian package holds the default.
[[nodiscard]] sextant::Result<WorkloadData> read_workload(const WorkloadPaths& paths);

}  // namespace sextant_bench
