#include "support/workload.hpp"

#include <utility>

namespace sextant_bench {

sextant::Result<WorkloadData> read_workload(const WorkloadPaths& paths) {
    WorkloadData data;
    auto base = read_vectors(paths.base, paths.limit);
    if (!base) {
        sextant::Error error = base.error();
        if (paths.base == WorkloadPaths{}.base)
            error.message += " (Debian package dataset-fashion-mnist; or give --base)";
        return error;
    }
    data.base = std::move(*base);
    SEXTANT_TRY_ASSIGN(data.queries, read_vectors(paths.queries, paths.query_limit));
    if (data.base.columns != data.queries.columns) {
        return sextant::invalid_argument(paths.queries + ": dimension " + std::to_string(data.queries.columns) +
                                         ", expected " + std::to_string(data.base.columns) + " as in " + paths.base);
    }
    return data;
}

}  // namespace sextant_bench
