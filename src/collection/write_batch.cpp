#include "sextant/collection/write_batch.hpp"

namespace sextant::inline v1 {

void WriteBatch::add_encoded(const detail::WriteOp& op, std::span<const float> vector,
                             std::span<const std::byte> payload, std::string_view error) {
    Stored stored{.op = op,
                  .vector_begin = floats_.size(),
                  .vector_size = vector.size(),
                  .payload_begin = bytes_.size(),
                  .payload_size = payload.size()};
    stored.error = error;
    floats_.insert(floats_.end(), vector.begin(), vector.end());
    bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    ops_.push_back(std::move(stored));
}

void WriteBatch::delete_payload_keys(PointId id, std::span<const std::string> paths) {
    add_encoded({.kind = detail::WriteKind::delete_payload_keys, .id = id}, {}, {}, {});
    ops_.back().paths = detail::parse_paths(paths, ops_.back().error);
}

void WriteBatch::reserve(std::size_t operations, std::size_t floats) {
    ops_.reserve(operations);
    floats_.reserve(floats);
}

void WriteBatch::clear() noexcept {
    ops_.clear();
    floats_.clear();
    bytes_.clear();
}

std::vector<detail::WriteOp> WriteBatch::ops() const {
    std::vector<detail::WriteOp> out;
    out.reserve(ops_.size());
    for (const Stored& stored : ops_) {
        out.push_back(stored.op);
        out.back().vector = std::span(floats_).subspan(stored.vector_begin, stored.vector_size);
        out.back().payload = std::span(bytes_).subspan(stored.payload_begin, stored.payload_size);
        out.back().paths = stored.paths;
        out.back().error = stored.error;
    }
    return out;
}

}  // namespace sextant::inline v1
