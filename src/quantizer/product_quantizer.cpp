#include "sextant/quantizer/product_quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/format_text.hpp"
#include "quantizer/k_means.hpp"
#include "quantizer/product_codes.hpp"
#include "quantizer/product_training.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/quantizer/codebook_format.hpp"

namespace sextant::inline v1 {
namespace {

namespace format = codebook_format;

constexpr std::size_t saved_fields = 4;
constexpr std::size_t subvectors_parameter = 0;
constexpr std::size_t bits_parameter = 1;
constexpr std::size_t rotation_parameter = 2;
constexpr std::size_t parameters_used = 3;

bool is_within(double value, double low, double high) noexcept { return value >= low && value <= high; }

void put_u32(std::vector<std::byte>& out, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(value >> shift));
}
std::uint32_t get_u32(std::span<const std::byte> bytes, std::size_t field) noexcept {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(bytes[4 * field + i]) << (8 * i);
    return value;
}

Result<void> check_header(const format::Header& header) {
    SEXTANT_TRY(format::expect_unused(header, parameters_used));
    const std::pair<std::size_t, std::pair<const char*, std::uint32_t>> limits[] = {
        {subvectors_parameter, {"subvectors", header.dimension}}, {rotation_parameter, {"rotation", 1}}};
    for (const auto& [parameter, limit] : limits) {
        const std::uint32_t value = header.parameters[parameter];
        const std::uint32_t least = parameter == subvectors_parameter ? 1 : 0;
        if (value < least || value > limit.second) {
            return format::corrupt(format::parameter_offset(parameter), limit.first, static_cast<double>(value),
                                   format_text("{} .. {}", least, limit.second));
        }
    }
    if (header.parameters[bits_parameter] != 4 && header.parameters[bits_parameter] != 8) {
        return format::corrupt(format::parameter_offset(bits_parameter), "bits",
                               static_cast<double>(header.parameters[bits_parameter]), "4 or 8");
    }
    int exponent = 0;
    const bool power = std::isfinite(header.step) && std::frexp(header.step, &exponent) == 0.5F;
    if (!power || !is_within(double{header.step}, 0x1.0p-120, 0x1.0p126)) {
        return format::corrupt(format::step_offset, "unit", double{header.step}, "a power of two, 2^-120 to 2^126");
    }
    const std::pair<std::size_t, float> measured[] = {{format::row_error_offset, header.row_error},
                                                      {format::error_slope_offset, header.error_slope}};
    for (const auto& [offset, value] : measured) {
        if (!is_within(double{value}, 0.0, double{std::numeric_limits<float>::max()}) || std::signbit(value)) {
            return format::corrupt(offset, "error statistic", double{value}, "a finite number of at least 0");
        }
    }
    return {};
}

Result<void> check_floats(std::span<const float> values, std::size_t first, float largest, const char* field,
                          const char* expected) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!is_within(double{values[i]}, -double{largest}, double{largest})) {
            return format::corrupt(format::header_size + (first + i) * sizeof(float), field, double{values[i]},
                                   expected);
        }
    }
    return {};
}

/// In files the centroid that is kept for the zero vector is zero; here it is where no row is nearest to it.
Result<void> adopt_centroids(std::span<const float> saved, ProductModel& model) {
    SEXTANT_TRY(check_floats(saved, 0, detail::largest_component, "centroid", "-2^50 to 2^50"));
    model.centroids.assign(saved.begin(), saved.end());
    const std::size_t columns = model.centroid_count();
    for (std::size_t j = 0; j < model.sub_dimension(); ++j) {
        float& component = model.centroids[j * columns + columns - 1];
        if (component != 0.0F || std::signbit(component)) {
            return format::corrupt(format::header_size + (j * columns + columns - 1) * sizeof(float), "kept centroid",
                                   double{component}, "0");
        }
        component = detail::far_away;
    }
    return {};
}

Result<void> adopt_rotation(std::span<const float> saved, std::size_t first, ProductModel& model) {
    SEXTANT_TRY(check_floats(saved, first, 1.0F + 0x1.0p-10F, "rotation", "-1 to 1, and 2^-10"));
    const std::size_t padded = model.padded_dimension();
    model.rotation.assign(model.dimension * model.rotation_stride() + 16, 0.0F);
    for (std::size_t d = 0; d < model.dimension; ++d) {
        std::copy_n(saved.data() + d * padded, padded, model.rotation.data() + d * model.rotation_stride());
    }
    return {};
}

/// One for each 4 dimensions.
std::uint32_t usual_subvectors(std::size_t dimension) noexcept {
    return static_cast<std::uint32_t>((dimension + 3) / 4);
}

}  // namespace

Result<void> ProductQuantizer::Options::validate() const {
    if (subvectors && (*subvectors == 0 || *subvectors > limits::max_dimension)) {
        return invalid_argument(format_text("quantizer.subvectors is {}; it must be 1 to the dimension", *subvectors));
    }
    if (bits && *bits != 4 && *bits != 8) {
        return invalid_argument(format_text("quantizer.bits is {}; it must be 4 or 8", *bits));
    }
    if (rotation && *rotation != ProductRotation::none && *rotation != ProductRotation::opq) {
        return invalid_argument(
            format_text("quantizer.rotation is {}; it must be 0 (none) or 1 (opq)", static_cast<unsigned>(*rotation)));
    }
    if (iterations && (*iterations == 0 || *iterations > most_iterations)) {
        return invalid_argument(
            format_text("quantizer.iterations is {}; it must be 1 to {}", *iterations, most_iterations));
    }
    return {};
}

Result<void> ProductQuantizer::Options::validate_for(std::size_t dimension) const {
    SEXTANT_TRY(validate());
    const std::size_t count = subvectors.value_or(usual_subvectors(dimension));
    if (count > dimension) {
        return invalid_argument(
            format_text("quantizer.subvectors is {}; it must be at most the dimension, {}", count, dimension));
    }
    const std::size_t padded = (dimension + count - 1) / count * count;
    if (rotation == ProductRotation::opq && padded > most_rotated) {
        return invalid_argument(format_text(
            "quantizer.rotation is opq; the padded dimension is then at most {}, not {}", most_rotated, padded));
    }
    return {};
}

std::vector<std::byte> ProductQuantizer::Options::save() const {
    std::vector<std::byte> saved;
    if (*this == Options{}) return saved;
    put_u32(saved, subvectors.value_or(0));
    put_u32(saved, bits.value_or(0));
    put_u32(saved, rotation ? 1U + static_cast<std::uint32_t>(*rotation) : 0U);
    put_u32(saved, iterations.value_or(0));
    return saved;
}

Result<ProductQuantizer::Options> ProductQuantizer::Options::load(std::span<const std::byte> saved) {
    Options options;
    if (saved.empty()) return options;
    if (saved.size() != saved_fields * sizeof(std::uint32_t)) {
        return Error{ErrorCode::corruption, format_text("quantizer options: {} bytes, expected 0 or {}", saved.size(),
                                                        saved_fields * sizeof(std::uint32_t))};
    }
    const std::uint32_t rotation = get_u32(saved, 2);
    if (get_u32(saved, 0) != 0) options.subvectors = get_u32(saved, 0);
    if (get_u32(saved, 1) != 0) options.bits = get_u32(saved, 1);
    if (rotation != 0) options.rotation = ProductRotation{static_cast<std::uint8_t>(std::min(rotation - 1, 255U))};
    if (get_u32(saved, 3) != 0) options.iterations = get_u32(saved, 3);
    if (auto valid = options.validate(); !valid) {
        return Error{ErrorCode::corruption, "quantizer options: " + valid.error().message};
    }
    if (options == Options{}) return Error{ErrorCode::corruption, "quantizer options: all are left out"};
    return options;
}

ProductQuantizer::ProductQuantizer(ProductModel model) noexcept : model_(std::move(model)) {}

Result<ProductQuantizer> ProductQuantizer::train(MatrixView sample, const Options& options,
                                                 const TrainContext& context) {
    if (sample.dimension == 0 || sample.dimension > limits::max_dimension) {
        return invalid_argument(
            format_text("dimension is {}; it must be 1 to {}", sample.dimension, limits::max_dimension));
    }
    SEXTANT_TRY(options.validate_for(sample.dimension));
    detail::ProductShape shape;
    shape.subvectors = options.subvectors.value_or(usual_subvectors(sample.dimension));
    shape.bits = options.bits.value_or(8);
    shape.rotation = options.rotation.value_or(ProductRotation::none);
    shape.iterations = options.iterations.value_or(25);
    SEXTANT_TRY_ASSIGN(ProductModel model, detail::train_product(sample, shape, context));
    return ProductQuantizer(std::move(model));
}

std::vector<std::byte> ProductQuantizer::save() const {
    std::vector<float> payload = model_.centroids;
    const std::size_t columns = model_.centroid_count();
    for (std::size_t j = 0; j < model_.sub_dimension(); ++j) payload[j * columns + columns - 1] = 0.0F;
    if (!model_.rotation.empty()) {
        for (std::size_t d = 0; d < model_.dimension; ++d) {
            const auto row = model_.rotation.begin() + static_cast<std::ptrdiff_t>(d * model_.rotation_stride());
            payload.insert(payload.end(), row, row + static_cast<std::ptrdiff_t>(model_.padded_dimension()));
        }
    }
    format::Header header{.quantizer = id,
                          .dimension = static_cast<std::uint32_t>(dimension()),
                          .step = model_.unit,
                          .row_error = model_.row_error,
                          .error_slope = model_.error_slope};
    header.parameters[subvectors_parameter] = static_cast<std::uint32_t>(model_.subvectors);
    header.parameters[bits_parameter] = model_.bits;
    header.parameters[rotation_parameter] = model_.rotation.empty() ? 0 : 1;
    return format::write(header, payload);
}

Result<ProductQuantizer> ProductQuantizer::load(std::span<const std::byte> saved) {
    SEXTANT_TRY_ASSIGN(const format::Codebook book, format::read(saved, id));
    SEXTANT_TRY(check_header(book.header));
    ProductModel model;
    model.dimension = book.header.dimension;
    model.subvectors = book.header.parameters[subvectors_parameter];
    model.bits = book.header.parameters[bits_parameter];
    model.unit = book.header.step;
    model.row_error = book.header.row_error;
    model.error_slope = book.header.error_slope;
    const bool rotated = book.header.parameters[rotation_parameter] != 0;
    const std::size_t centroids = model.padded_dimension() * model.centroid_count();
    SEXTANT_TRY(format::expect_floats(book, centroids + (rotated ? model.dimension * model.padded_dimension() : 0)));
    const std::span<const float> payload(book.payload);
    SEXTANT_TRY(adopt_centroids(payload.first(centroids), model));
    if (rotated) SEXTANT_TRY(adopt_rotation(payload.subspan(centroids), centroids, model));
    detail::find_nearest_zero(model);
    return ProductQuantizer(std::move(model));
}

void ProductQuantizer::encode(VectorView vector, std::span<std::byte> out) const noexcept {
    detail::encode_product(model_, vector.data(), out.data());
}

void ProductQuantizer::decode(CodeView code, std::span<float> out) const noexcept {
    detail::decode_product(model_, code.data(), out.data());
}

void ProductQuantizer::encode_zero_vector(std::span<std::byte> out) const noexcept {
    std::fill_n(out.data(), code_size(), std::byte{0});
    for (std::size_t s = 0; s < model_.subvectors; ++s) {
        detail::set_code(model_, out.data(), s, model_.nearest_zero[s]);
    }
}

bool ProductQuantizer::misfit(float lost) const noexcept { return double{lost} > 4.0 * reconstruction_error(); }

float ProductQuantizer::lower_bound_of(Geometry geometry, float code_distance) const noexcept {
    constexpr float lowest = std::numeric_limits<float>::lowest();
    const bool bounds = geometry == Geometry::squared_l2 || geometry == Geometry::cosine;
    if (!bounds || model_.error_slope == std::numeric_limits<float>::max()) return lowest;
    // In double: products of large distances and errors would overflow a float, and inf - inf is not a bound.
    const double to_l2 = geometry == Geometry::cosine ? 2.0 : 1.0;
    const double l2 = double{code_distance} * to_l2;
    const double root = std::sqrt(std::max(l2, reconstruction_error()));
    const double bound = (l2 - double{model_.error_slope} * root) / to_l2;
    // One step down: rounding to float must not lift it above itself.
    return std::nextafter(static_cast<float>(std::max(bound, double{lowest})), lowest);
}

}  // namespace sextant::inline v1
