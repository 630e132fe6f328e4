/// rabitq_support: what tests of RabitqQuantizer share: training in one line, coded rows, distances of all of them.
#pragma once

#include <algorithm>
#include <vector>

#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/rabitq_quantizer.hpp"
#include "sextant/quantizer/vector_math.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

namespace test_support {

inline sextant::RabitqQuantizer trained_rabitq(const Vectors& vectors, std::uint32_t bits,
                                               const sextant::TrainContext& context = {}) {
    return sextant::RabitqQuantizer::train(vectors.matrix(), {.bits = bits}, context).value();
}

template <class M = sextant::SquaredL2>
std::vector<std::byte> rabitq_code(const sextant::RabitqQuantizer& quantizer, sextant::VectorView vector) {
    std::vector<std::byte> code(quantizer.code_size(), std::byte{0xAA});
    std::vector<float> room(quantizer.room_floats());
    quantizer.template encode_for<M>(vector, code, room);
    return code;
}

inline std::vector<float> rabitq_decoded(const sextant::RabitqQuantizer& quantizer, sextant::CodeView code) {
    std::vector<float> vector(quantizer.dimension(), -77.0F);
    quantizer.decode(code, vector);
    return vector;
}

/// Codes of `vectors`, `stride` apart, of length 1 for a metric that asks for it.
template <class M>
struct RabitqCodes {
    RabitqCodes(const sextant::RabitqQuantizer& quantizer, const Vectors& vectors)
        : stride(quantizer.code_size() + 3), bytes(stride * vectors.size()) {
        std::vector<float> room(quantizer.room_floats());
        std::vector<float> unit(vectors.dimension);
        for (std::size_t r = 0; r < vectors.size(); ++r) {
            const std::span out(bytes.data() + r * stride, quantizer.code_size());
            if constexpr (M::unit_length) {
                if (sextant::detail::to_unit(vectors[r], unit.data())) {
                    quantizer.template encode_for<M>(unit, out, room);
                } else {
                    quantizer.template encode_zero<M>(out);
                }
            } else {
                quantizer.template encode_for<M>(vectors[r], out, room);
            }
        }
        rows = {bytes.data(), stride, nullptr};
    }
    [[nodiscard]] sextant::CodeView code(std::size_t row) const { return {bytes.data() + row * stride, stride - 3}; }

    std::size_t stride;
    std::vector<std::byte> bytes;
    sextant::RowSource rows;
};

/// Every distance of `bound`, by range; REQUIREs that a list gives the same.
inline std::vector<float> rabitq_distances(const sextant::RowScorer& bound, std::size_t count) {
    std::vector<float> ranged(count);
    bound.score_range(sextant::RowId{0}, ranged);
    std::vector<sextant::RowId> listed;
    for (std::size_t r = 0; r < count; ++r) {
        listed.push_back(sextant::RowId{static_cast<std::uint32_t>(count - 1 - r)});
    }
    std::vector<float> out(count);
    bound.score(listed, out);
    for (std::size_t r = 0; r < count; ++r) REQUIRE(out[count - 1 - r] == ranged[r]);
    return ranged;
}

/// Share of the 10 rows truly nearest to each query among the `depth` that codes find nearest.
inline double rabitq_recall(const sextant::RabitqQuantizer& quantizer, const Vectors& rows, const Vectors& queries,
                            std::size_t depth) {
    const RabitqCodes<sextant::SquaredL2> codes(quantizer, rows);
    sextant::QueryScratch scratch;
    std::size_t found = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        scratch.reset();
        const auto out =
            rabitq_distances(quantizer.bind<sextant::SquaredL2>(queries[q], codes.rows, scratch), rows.size());
        std::vector<std::pair<double, std::size_t>> exact;
        std::vector<std::pair<double, std::size_t>> coded;
        for (std::size_t r = 0; r < rows.size(); ++r) {
            exact.emplace_back(l2(queries[q], rows[r]), r);
            coded.emplace_back(double{out[r]}, r);
        }
        std::sort(exact.begin(), exact.end());
        std::sort(coded.begin(), coded.end());
        for (std::size_t i = 0; i < 10; ++i) {
            const auto end = coded.begin() + static_cast<std::ptrdiff_t>(depth);
            found += std::any_of(coded.begin(), end, [&](const auto& row) { return row.second == exact[i].second; })
                         ? 1U
                         : 0U;
        }
    }
    return static_cast<double>(found) / static_cast<double>(10 * queries.size());
}

}  // namespace test_support
