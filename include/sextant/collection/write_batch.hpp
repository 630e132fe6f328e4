/// WriteBatch: operations that become visible together or not at all.
/// Invariants: operations act in the order they were added: a later one on the same id sees the earlier one's effect.
/// Threads: confined. Lifetime: holds copies of everything.
/// Why adding cannot fail: a bad vector or payload is found by write(), which then names the operation and changes
/// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/collection/detail/write_op.hpp"
#include "sextant/core/point_id.hpp"
#include "sextant/core/types.hpp"
#include "sextant/payload/payload_json.hpp"

namespace sextant::inline v1 {

class WriteBatch {
public:
    WriteBatch() = default;

    void upsert(PointId id, std::span<const float> vector, const Payload& payload = {}) {
        add({.kind = detail::WriteKind::upsert, .id = id}, vector, &payload);
    }
    /// Only if the point has this version; Lsn{0}: only if there is none. Otherwise the whole batch is refused.
    void upsert_if(Lsn expected, PointId id, std::span<const float> vector, const Payload& payload = {}) {
        add({.kind = detail::WriteKind::upsert, .conditional = true, .expected = expected, .id = id}, vector, &payload);
    }
    void erase(PointId id) { add({.kind = detail::WriteKind::erase, .id = id}, {}, nullptr); }

    /// The following do nothing for an id that does not exist.
    /// Top-level keys of `payload` replace those of the point's or join them.
    void set_payload(PointId id, const Payload& payload) {
        add({.kind = detail::WriteKind::set_payload, .id = id}, {}, &payload);
    }
    void overwrite_payload(PointId id, const Payload& payload) {
        add({.kind = detail::WriteKind::overwrite_payload, .id = id}, {}, &payload);
    }
    /// `paths` as in filters.
    void delete_payload_keys(PointId id, std::span<const std::string> paths);
    void clear_payload(PointId id) { add({.kind = detail::WriteKind::clear_payload, .id = id}, {}, nullptr); }

    [[nodiscard]] std::size_t size() const noexcept { return ops_.size(); }
    [[nodiscard]] bool empty() const noexcept { return ops_.empty(); }
    void reserve(std::size_t operations, std::size_t floats);
    void clear() noexcept;

private:
    friend class CollectionHandle;

    /// An operation whose vector and payload lie in floats_ and bytes_.
    struct Stored {
        detail::WriteOp op;
        std::size_t vector_begin = 0;
        std::size_t vector_size = 0;
        std::size_t payload_begin = 0;
        std::size_t payload_size = 0;
        std::vector<PayloadPath> paths = {};
        std::string error = {};
    };

    void add(const detail::WriteOp& op, std::span<const float> vector, const Payload* payload) {
        std::vector<std::byte> blob;
        Result<void> encoded;
        if (payload != nullptr) encoded = encode_payload(*payload, blob);
        add_encoded(op, vector, blob, encoded ? std::string_view() : std::string_view(encoded.error().message));
    }
    /// `error` is what write() will say of this operation.
    void add_encoded(const detail::WriteOp& op, std::span<const float> vector, std::span<const std::byte> payload,
                     std::string_view error);

    /// The operations with their views; valid until the batch changes.
    [[nodiscard]] std::vector<detail::WriteOp> ops() const;

    std::vector<Stored> ops_;
    std::vector<float> floats_;
    std::vector<std::byte> bytes_;
};

}  // namespace sextant::inline v1
