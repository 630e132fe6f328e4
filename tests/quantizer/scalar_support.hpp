/// scalar_support: what tests of ScalarQuantizer share: training in one line, coded rows, what coding loses.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "sextant/quantizer/vector_math.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

namespace scalar_test {

using namespace sextant;
using test_support::Vectors;

inline ScalarQuantizer trained(const Vectors& vectors, const ScalarQuantizer::Options& options = {}) {
    return ScalarQuantizer::train(vectors.matrix(), options, {}).value();
}

inline std::vector<float> round_trip(const ScalarQuantizer& quantizer, VectorView vector) {
    std::vector<std::byte> code(quantizer.code_size());
    std::vector<float> decoded(vector.size());
    quantizer.encode(vector, code);
    quantizer.decode(code, decoded);
    return decoded;
}

inline double largest_error(const ScalarQuantizer& quantizer, const Vectors& vectors, std::size_t first,
                            std::size_t last) {
    double worst = 0.0;
    for (std::size_t r = first; r < last; ++r) {
        const auto decoded = round_trip(quantizer, vectors[r]);
        for (std::size_t d = 0; d < decoded.size(); ++d) {
            worst = std::max(worst, std::fabs(double{decoded[d]} - double{vectors[r][d]}));
        }
    }
    return worst;
}

/// Codes of `vectors` one after another, scaled to length 1 for a metric that asks for it.
template <class M>
struct Coded {
    Coded(const ScalarQuantizer& quantizer, const Vectors& vectors) : stride((quantizer.code_size() + 15) / 16 * 16) {
        codes.resize(stride * vectors.size());
        std::vector<float> unit(vectors.dimension);
        for (std::size_t r = 0; r < vectors.size(); ++r) {
            const std::span out(codes.data() + r * stride, quantizer.code_size());
            if constexpr (M::unit_length) {
                if (detail::to_unit(vectors[r], unit.data())) {
                    quantizer.encode(unit, out);
                } else {
                    quantizer.encode_zero<M>(out);
                }
            } else {
                quantizer.encode(vectors[r], out);
            }
        }
        rows = {codes.data(), stride, nullptr};
    }
    std::size_t stride;
    std::vector<std::byte> codes;
    RowSource rows;
};

inline Vectors unit_vectors(Vectors vectors) {
    for (std::size_t r = 0; r < vectors.size(); ++r) detail::to_unit(vectors[r], vectors.row(r));
    return vectors;
}

}  // namespace scalar_test
