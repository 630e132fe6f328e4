#include "sextant/quantizer/scalar_quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "quantizer/scalar_codes.hpp"
#include "quantizer/scalar_training.hpp"
#include "sextant/quantizer/codebook_format.hpp"

namespace sextant::inline v1 {
namespace {

/// The value of component `i` of a zero vector. 0 where a damaged file's vectors are no numbers either: std::clamp
/// would let it through.
std::int8_t zero_value(const ScalarModel& model, float inverse_step, std::size_t i) noexcept {
    const float scaled = std::nearbyint(-model.offset[i] * inverse_step);
    return std::isnan(scaled) ? std::int8_t{0} : static_cast<std::int8_t>(std::clamp(scaled, -128.0F, 127.0F));
}

void zero_bytes(const ScalarModel& model, float inverse_step, std::byte* out) noexcept {
    const std::size_t dimension = model.offset.size();
    std::fill_n(out, i8_row_size(dimension), std::byte{0});
    const auto values = reinterpret_cast<std::int8_t*>(out);
    for (std::size_t i = 0; i < dimension; ++i) values[i] = zero_value(model, inverse_step, i);
    const I8Trailer trailer = detail::trailer_of(values, dimension);
    std::memcpy(out + i8_trailer_offset(dimension), &trailer, sizeof(trailer));
}

}  // namespace

ScalarQuantizer::ScalarQuantizer(ScalarModel model, const Scalar4KernelTable* nibbles) noexcept
    : model_(std::move(model)), inverse_step_(1.0F / model_.step), nibbles_(nibbles) {}

Result<ScalarQuantizer> ScalarQuantizer::train8(MatrixView sample, const TrainContext& context) {
    SEXTANT_TRY_ASSIGN(ScalarModel model, detail::train_scalar(sample, {}, 8, context));
    return ScalarQuantizer(std::move(model));
}

std::vector<std::byte> ScalarQuantizer::save() const {
    return codebook_format::write({.quantizer = id,
                                   .dimension = static_cast<std::uint32_t>(dimension()),
                                   .step = model_.step,
                                   .row_error = model_.row_error,
                                   .error_slope = model_.error_slope,
                                   .parameters = {model_.bits == 4 ? 4U : 0U}},
                                  model_.offset);
}

void ScalarQuantizer::encode(VectorView vector, std::span<std::byte> out) const noexcept {
    if (model_.bits == 4) return detail::encode_halves(model_.offset, inverse_step_, vector.data(), out.data());
    detail::encode_row(model_.offset, inverse_step_, vector.data(), out.data());
}

void ScalarQuantizer::decode(CodeView code, std::span<float> out) const noexcept {
    detail::decode_code(model_, code.data(), out.data());
}

void ScalarQuantizer::encode_zero_vector(std::span<std::byte> out) const noexcept {
    // With a = the unit query and x = 0: |a - x|² is |a|² + Σv² · step² + …, which is 1 and should be 2. Adding 1/step²
    // to Σv², which no kernel recomputes, adds just that. Bounded so that the largest distance still fits 32 bits.
    if (model_.bits == 4) {
        detail::encode_halves(model_.offset, inverse_step_, nullptr, out.data());
    } else {
        zero_bytes(model_, inverse_step_, out.data());
    }
    std::byte* const trailer_bytes = out.data() + code_size() - sizeof(I8Trailer);
    I8Trailer trailer;
    std::memcpy(&trailer, trailer_bytes, sizeof(trailer));
    const double most = 4294967295.0 - 65025.0 * static_cast<double>(dimension());
    const double step = double{model_.query_step()};
    trailer.square_sum += static_cast<std::uint32_t>(std::min(1.0 / (step * step), most));
    std::memcpy(trailer_bytes, &trailer, sizeof(trailer));
}

bool ScalarQuantizer::misfit(float lost) const noexcept {
    // A sample of whole numbers lost nothing; what rounding loses is then the measure.
    const double rounding = double{model_.step} * double{model_.step} * static_cast<double>(dimension()) / 12.0;
    const double usual = std::max(double{model_.row_error} * double{model_.row_error}, rounding);
    return double{lost} > 4.0 * usual;
}

float ScalarQuantizer::lower_bound_of(Geometry geometry, float code_distance) const noexcept {
    if (geometry != Geometry::squared_l2 && geometry != Geometry::cosine) return std::numeric_limits<float>::lowest();
    // In double: products of large distances and errors would overflow a float, and inf - inf is not a bound.
    const double to_l2 = geometry == Geometry::cosine ? 2.0 : 1.0;
    const double l2 = double{code_distance} * to_l2;
    const double noise = 2.0 * double{model_.row_error} * double{model_.row_error};
    const double bound = (l2 - double{model_.error_slope} * std::sqrt(std::max(l2, noise))) / to_l2;
    constexpr double lowest = std::numeric_limits<float>::lowest();
    // One step down: rounding to float must not lift it above itself.
    return std::nextafter(static_cast<float>(std::max(bound, lowest)), std::numeric_limits<float>::lowest());
}

}  // namespace sextant::inline v1
