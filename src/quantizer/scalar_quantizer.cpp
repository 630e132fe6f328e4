#include "sextant/quantizer/scalar_quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "core/format_text.hpp"
#include "quantizer/scalar_codes.hpp"
#include "quantizer/scalar_training.hpp"
#include "sextant/quantizer/codebook_format.hpp"

namespace sextant::inline v1 {
namespace {

/// Half of the largest float each for an offset and for 128 steps: what is decoded is then finite.
constexpr float largest_offset = std::numeric_limits<float>::max() / 2.0F;
constexpr float largest_step = std::numeric_limits<float>::max() / 256.0F;

bool is_within(float value, float low, float high) noexcept { return value >= low && value <= high; }

}  // namespace

Result<void> ScalarQuantizer::Options::validate() const {
    if (quantile && !(*quantile > 0.5 && *quantile <= 1.0)) {
        return invalid_argument(format_text("quantizer.quantile is {}; it must be above 0.5 and at most 1", *quantile));
    }
    return {};
}

std::vector<std::byte> ScalarQuantizer::Options::save() const {
    if (!quantile.has_value()) return {};
    std::vector<std::byte> saved(sizeof(double));
    std::memcpy(saved.data(), &*quantile, saved.size());
    return saved;
}

Result<ScalarQuantizer::Options> ScalarQuantizer::Options::load(std::span<const std::byte> saved) {
    Options options;
    if (saved.empty()) return options;
    if (saved.size() != sizeof(double)) {
        return Error{ErrorCode::corruption,
                     format_text("quantizer options: {} bytes, expected 0 or {}", saved.size(), sizeof(double))};
    }
    options.quantile.emplace();
    std::memcpy(&*options.quantile, saved.data(), saved.size());
    if (auto valid = options.validate(); !valid) {
        return Error{ErrorCode::corruption, "quantizer options: " + valid.error().message};
    }
    return options;
}

ScalarQuantizer::ScalarQuantizer(ScalarModel model) noexcept
    : model_(std::move(model)), inverse_step_(1.0F / model_.step) {}

Result<ScalarQuantizer> ScalarQuantizer::train(MatrixView sample, const Options& options, const TrainContext& context) {
    SEXTANT_TRY(options.validate());
    SEXTANT_TRY_ASSIGN(ScalarModel model, detail::train_scalar(sample, options.quantile, context));
    return ScalarQuantizer(std::move(model));
}

std::vector<std::byte> ScalarQuantizer::save() const {
    return codebook_format::write({.quantizer = id,
                                   .dimension = static_cast<std::uint32_t>(dimension()),
                                   .step = model_.step,
                                   .row_error = model_.row_error,
                                   .error_slope = model_.error_slope},
                                  model_.offset);
}

Result<ScalarQuantizer> ScalarQuantizer::load(std::span<const std::byte> saved) {
    namespace format = codebook_format;
    SEXTANT_TRY_ASSIGN(format::Codebook book, format::read(saved, id));
    const format::Header& header = book.header;
    SEXTANT_TRY(format::expect_unused(header, 0));
    SEXTANT_TRY(format::expect_floats(book, header.dimension));
    if (!is_within(header.step, detail::smallest_step, largest_step)) {
        return format::corrupt(format::step_offset, "step", double{header.step}, "2^-120 to 2^120");
    }
    const std::pair<std::size_t, float> measured[] = {{format::row_error_offset, header.row_error},
                                                      {format::error_slope_offset, header.error_slope}};
    for (const auto& [offset, value] : measured) {
        if (!is_within(value, 0.0F, std::numeric_limits<float>::max()) || std::signbit(value)) {
            return format::corrupt(offset, "error statistic", double{value}, "a finite number of at least 0");
        }
    }
    for (std::size_t i = 0; i < book.payload.size(); ++i) {
        if (!is_within(book.payload[i], -largest_offset, largest_offset)) {
            return format::corrupt(format::header_size + i * sizeof(float), "offset", double{book.payload[i]},
                                   "-2^127 to 2^127");
        }
    }
    return ScalarQuantizer({.offset = std::move(book.payload),
                            .step = header.step,
                            .row_error = header.row_error,
                            .error_slope = header.error_slope});
}

void ScalarQuantizer::encode(VectorView vector, std::span<std::byte> out) const noexcept {
    detail::encode_row(model_.offset, inverse_step_, vector.data(), out.data());
}

void ScalarQuantizer::decode(CodeView code, std::span<float> out) const noexcept {
    detail::decode_row(model_.offset, model_.step, code.data(), out.data());
}

void ScalarQuantizer::encode_zero_vector(std::span<std::byte> out) const noexcept {
    // With a = the unit query and x = 0: |a - x|² is |a|² + Σv² · step² + …, which is 1 and should be 2. Adding 1/step²
    // to Σv², which no kernel recomputes, adds just that. Bounded so that the largest distance still fits 32 bits.
    std::byte* const trailer_bytes = out.data() + i8_trailer_offset(dimension());
    std::fill_n(out.data(), code_size(), std::byte{0});
    const auto values = reinterpret_cast<std::int8_t*>(out.data());
    for (std::size_t i = 0; i < dimension(); ++i) {
        // Not a number where a damaged file's vectors are none either: std::clamp would let it through.
        const float scaled = std::nearbyint(-model_.offset[i] * inverse_step_);
        values[i] = std::isnan(scaled) ? std::int8_t{0} : static_cast<std::int8_t>(std::clamp(scaled, -128.0F, 127.0F));
    }
    I8Trailer trailer = detail::trailer_of(values, dimension());
    const double most = 4294967295.0 - 65025.0 * static_cast<double>(dimension());
    const double added = std::min(1.0 / (double{model_.step} * double{model_.step}), most);
    trailer.square_sum += static_cast<std::uint32_t>(added);
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
