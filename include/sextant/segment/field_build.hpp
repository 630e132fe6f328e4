/// field_build: what codes and a graph are made with, when rows are sealed and when damaged parts are made anew.
/// Threads: values. Lifetime: borrows everything.
#pragma once

#include <cstdint>
#include <stop_token>

#include "sextant/core/executor.hpp"
#include "sextant/core/function_ref.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/row_id.hpp"
#include "sextant/segment/field_draft.hpp"

namespace sextant::inline v1::detail {

/// Rows that codes to link by are trained on: what ScalarQuantizer says is enough.
inline constexpr std::uint32_t link_sample_rows = 8192;

struct FieldBuild {
    std::uint32_t row_count = 0;
    FunctionRef<std::uint64_t(RowId)> row_key;
    MemoryAccount* account = nullptr;
    Executor* executor = nullptr;
    std::stop_token stop = {};
    FieldDraft* draft = nullptr;  ///< as in SealRequest
};

}  // namespace sextant::inline v1::detail
