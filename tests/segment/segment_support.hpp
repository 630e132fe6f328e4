/// segment_support: a growing segment with vectors of four floats, filled the way a collection does.
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "sextant/segment/growing_segment.hpp"
#include "sextant/segment/sealed_segment.hpp"
#include "sextant/segment/typed_field.hpp"

namespace test_support {

struct SegmentBench {
    explicit SegmentBench(bool wide = false) {
        fields.push_back(std::make_unique<sextant::TypedField<sextant::SquaredL2, sextant::NoQuantizer>>(4));
        segment = sextant::GrowingSegment::create(fields, 10'000, wide, account).value();
    }

    static std::array<float, 4> vector_of(std::uint64_t i) {
        const auto x = static_cast<float>(i);
        return {x, 1.0F, -x, 0.5F};
    }
    void add(const sextant::PointId& id, std::string_view payload = {}) {
        segment->reserve({.rows = 1, .payload_bytes = payload.size(), .any_payload = !payload.empty()}).value();
        const auto vector = vector_of(segment->row_count());
        const sextant::VectorView view(vector);
        segment->append(id, sextant::Lsn{++lsn}, {&view, 1}, std::as_bytes(std::span(payload.data(), payload.size())));
        segment->enroll(segment->row_count() - 1, id, id.hash());
    }
    void kill(sextant::Segment& where, const std::vector<std::uint32_t>& rows) {
        auto set = where.tombstones().prepare(rows).value();
        where.tombstones().commit(set);
        ++lsn;
    }
    void change(sextant::Segment& where, std::uint32_t row, std::string_view payload) {
        where.overlay().reserve(1).value();
        garbage.reserve(garbage.size() + 1);
        where.overlay().put(row,
                            sextant::PayloadChange::create(
                                sextant::Lsn{++lsn}, std::as_bytes(std::span(payload.data(), payload.size())), account)
                                .value(),
                            garbage);
    }
    [[nodiscard]] sextant::SegmentState state() const { return segment->state(segment); }
    [[nodiscard]] sextant::Lsn at() const { return sextant::Lsn{lsn}; }

    sextant::MemoryAccount account{"test"};
    std::vector<std::unique_ptr<sextant::VectorField>> fields;
    std::vector<sextant::PayloadChange::Owner> garbage;
    std::shared_ptr<sextant::GrowingSegment> segment;
    std::uint64_t lsn = 0;
};

inline std::string text(std::span<const std::byte> blob) {
    return {reinterpret_cast<const char*>(blob.data()), blob.size()};
}

inline sextant::RowId find(const sextant::SegmentState& state, const sextant::PointId& id) {
    return state.find(id, id.hash());
}

}  // namespace test_support
