/// product_support: what tests of ProductQuantizer share: training in one line, coded rows, comparing with decoded ones.
#pragma once

#include <algorithm>
#include <set>
#include <vector>

#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/product_quantizer.hpp"
#include "sextant/quantizer/vector_math.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

namespace test_support {

inline sextant::ProductQuantizer trained(const Vectors& vectors, const sextant::ProductQuantizer::Options& options = {},
                                         const sextant::TrainContext& context = {}) {
    return sextant::ProductQuantizer::train(vectors.matrix(), options, context).value();
}

inline std::vector<std::byte> code_of(const sextant::ProductQuantizer& quantizer, sextant::VectorView vector) {
    std::vector<std::byte> code(quantizer.code_size(), std::byte{0xAA});
    quantizer.encode(vector, code);
    return code;
}

inline std::vector<float> decoded(const sextant::ProductQuantizer& quantizer, sextant::CodeView code) {
    std::vector<float> vector(quantizer.dimension(), -77.0F);
    quantizer.decode(code, vector);
    return vector;
}

inline std::vector<float> round_trip(const sextant::ProductQuantizer& quantizer, sextant::VectorView vector) {
    return decoded(quantizer, code_of(quantizer, vector));
}

inline std::vector<float> unit_of(sextant::VectorView vector) {
    std::vector<float> unit(vector.size());
    sextant::detail::to_unit(vector, unit.data());
    return unit;
}

inline Vectors unit_vectors(Vectors vectors) {
    for (std::size_t r = 0; r < vectors.size(); ++r) sextant::detail::to_unit(vectors[r], vectors.row(r));
    return vectors;
}

/// Codes of `vectors`, `stride` apart, of length 1 for a metric that asks for it.
template <class M>
struct ProductCodes {
    ProductCodes(const sextant::ProductQuantizer& quantizer, const Vectors& vectors)
        : stride(quantizer.code_size() + 3), bytes(stride * vectors.size()) {
        for (std::size_t r = 0; r < vectors.size(); ++r) {
            const std::span out(bytes.data() + r * stride, quantizer.code_size());
            if constexpr (M::unit_length) {
                const auto unit = unit_of(vectors[r]);
                if (std::all_of(unit.begin(), unit.end(), [](float value) { return value == 0.0F; })) {
                    quantizer.template encode_zero<M>(out);
                } else {
                    quantizer.encode(unit, out);
                }
            } else {
                quantizer.encode(vectors[r], out);
            }
        }
        rows = {bytes.data(), stride, nullptr};
    }
    [[nodiscard]] sextant::CodeView code(std::size_t row) const { return {bytes.data() + row * stride, stride - 3}; }

    std::size_t stride;
    std::vector<std::byte> bytes;
    sextant::RowSource rows;
};

/// Share of the true `k` nearest rows, by squared distance, among the `k` that a scorer of codes finds nearest.
template <class Distances>
double recall(const Vectors& rows, const Vectors& queries, std::size_t k, Distances distances_of) {
    std::size_t found = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        std::vector<std::pair<double, std::size_t>> exact;
        std::vector<std::pair<double, std::size_t>> coded;
        const std::vector<float> distances = distances_of(queries[q]);
        for (std::size_t r = 0; r < rows.size(); ++r) {
            exact.emplace_back(l2(queries[q], rows[r]), r);
            coded.emplace_back(double{distances[r]}, r);
        }
        const auto middle = static_cast<std::ptrdiff_t>(k);
        std::partial_sort(exact.begin(), exact.begin() + middle, exact.end());
        std::partial_sort(coded.begin(), coded.begin() + middle, coded.end());
        std::set<std::size_t> truth;
        for (std::size_t i = 0; i < k; ++i) truth.insert(exact[i].second);
        for (std::size_t i = 0; i < k; ++i) found += truth.count(coded[i].second);
    }
    return static_cast<double>(found) / static_cast<double>(queries.size() * k);
}

/// Normal, with a standard deviation that falls from dimension to dimension, turned so that all dimensions are alike:
/// what a rotation can mend.
inline Vectors slanted_vectors(std::size_t rows, std::size_t dimension, std::uint64_t seed) {
    Vectors vectors = normal_vectors(rows, dimension, seed);
    const Vectors mirrors = normal_vectors(dimension, dimension, 4711);
    for (std::size_t r = 0; r < rows; ++r) {
        float* const row = vectors.row(r);
        float size = 1.0F;
        for (std::size_t d = 0; d < dimension; ++d, size *= 0.8F) row[d] *= size;
        for (std::size_t m = 0; m < 4; ++m) {  // reflections at planes, one after another, turn everything
            const auto factor = static_cast<float>(2.0 * dot(vectors[r], mirrors[m]) / dot(mirrors[m], mirrors[m]));
            for (std::size_t d = 0; d < dimension; ++d) row[d] -= factor * mirrors[m][d];
        }
    }
    return vectors;
}

}  // namespace test_support
