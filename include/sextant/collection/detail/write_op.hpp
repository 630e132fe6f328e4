/// WriteOp: one operation as CollectionCore takes it: encoded, nothing owned, not yet checked against the collection.
/// Threads: confined: views of what its caller holds.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/core/point_id.hpp"
#include "sextant/core/types.hpp"
#include "sextant/payload/payload_path.hpp"

namespace sextant::inline v1::detail {

enum class WriteKind : std::uint8_t {
    upsert,
    erase,
    set_payload,
    overwrite_payload,
    delete_payload_keys,
    clear_payload,
};

struct WriteOp {
    WriteKind kind = WriteKind::upsert;
    bool conditional = false;  ///< only if the point has version `expected`; Lsn{0}: only if there is none
    Lsn expected = {};
    PointId id = {};
    VectorView vector = {};
    std::span<const std::byte> payload = {};  ///< encoded
    std::span<const PayloadPath> paths = {};
    std::string_view error = {};  ///< not empty: what was wrong with the payload or a path
};

/// Paths as text to paths; a malformed one leaves its message in `error`.
[[nodiscard]] std::vector<PayloadPath> parse_paths(std::span<const std::string> texts, std::string& error);

}  // namespace sextant::inline v1::detail
