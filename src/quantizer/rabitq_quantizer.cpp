#include "sextant/quantizer/rabitq_quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/format_text.hpp"
#include "quantizer/rabitq_codes.hpp"
#include "quantizer/rabitq_training.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/kernel/product_kernel_table.hpp"
#include "sextant/quantizer/codebook_format.hpp"

namespace sextant::inline v1 {
namespace {

namespace format = codebook_format;

constexpr std::uint32_t most_bits = 8;
constexpr std::size_t bits_parameter = 0;
constexpr std::size_t groups_parameter = 1;
constexpr std::size_t parameters_used = 2;
/// Of the centres in a file. Training gives smaller ones, as rows are cut at 2^16 and rotated.
constexpr float largest_centre = 0x1.0p24F;
/// Squares below this are what rounding left of a row that is its group's centre.
constexpr double least_square = 1e-30;
/// A row that was cut is off by any number.
constexpr double unknown_error = 0x1.0p60;

bool is_within(double value, double low, double high) noexcept { return value >= low && value <= high; }

/// Room for one vector and a centre: on the stack where they are short.
class Room {
public:
    explicit Room(std::size_t size) : size_(size), long_(size > short_size ? size : 0) {}
    [[nodiscard]] std::span<float> span() noexcept { return {size_ > short_size ? long_.data() : short_, size_}; }

private:
    static constexpr std::size_t short_size = 8192;
    alignas(64) float short_[short_size];  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
    std::size_t size_;
    std::vector<float> long_;
};

Result<void> check_header(const format::Header& header) {
    SEXTANT_TRY(format::expect_unused(header, parameters_used));
    const std::uint32_t bits = header.parameters[bits_parameter];
    if (bits < 1 || bits > most_bits) {
        return format::corrupt(format::parameter_offset(bits_parameter), "bits", static_cast<double>(bits), "1 .. 8");
    }
    const std::uint32_t groups = header.parameters[groups_parameter];
    if (groups < 1 || groups > detail::zero_group) {
        return format::corrupt(format::parameter_offset(groups_parameter), "groups", static_cast<double>(groups),
                               "1 .. 255");
    }
    int exponent = 0;
    const bool power = std::isfinite(header.step) && std::frexp(header.step, &exponent) == 0.5F;
    if (!power || !is_within(double{header.step}, 0x1.0p-120, 0x1.0p126)) {
        return format::corrupt(format::step_offset, "unit", double{header.step}, "a power of two, 2^-120 to 2^126");
    }
    const std::pair<std::size_t, float> unused[] = {{format::row_error_offset, header.row_error},
                                                    {format::error_slope_offset, header.error_slope}};
    for (const auto& [offset, value] : unused) {
        if (value != 0.0F || std::signbit(value)) {
            return format::corrupt(offset, "error statistic", double{value}, "0");
        }
    }
    return {};
}

/// The next `count` floats of the payload, each of which `allowed` admits.
template <class Allowed>
Result<std::vector<float>> take_floats(std::span<const float> payload, std::size_t& next, std::size_t count,
                                       const char* field, const char* expected, Allowed allowed) {
    const std::span<const float> values = payload.subspan(next, count);
    for (std::size_t i = 0; i < count; ++i) {
        if (!allowed(values[i])) {
            return format::corrupt(format::header_size + (next + i) * sizeof(float), field, double{values[i]},
                                   expected);
        }
    }
    next += count;
    return std::vector<float>(values.begin(), values.end());
}

}  // namespace

Result<void> RabitqQuantizer::Options::validate() const {
    if (!bits || (*bits >= 1 && *bits <= most_bits)) return {};
    return invalid_argument(format_text("quantizer.bits is {}; it must be 1 to {}", *bits, most_bits));
}

std::vector<std::byte> RabitqQuantizer::Options::save() const {
    std::vector<std::byte> saved;
    if (bits) saved.push_back(static_cast<std::byte>(*bits));
    return saved;
}

Result<RabitqQuantizer::Options> RabitqQuantizer::Options::load(std::span<const std::byte> saved) {
    Options options;
    if (saved.empty()) return options;
    if (saved.size() != 1) {
        return Error{ErrorCode::corruption, format_text("quantizer options: {} bytes, expected 0 or 1", saved.size())};
    }
    options.bits = std::to_integer<std::uint32_t>(saved[0]);
    if (auto valid = options.validate(); !valid) {
        return Error{ErrorCode::corruption, "quantizer options: " + valid.error().message};
    }
    return options;
}

RabitqQuantizer::RabitqQuantizer(RabitqModel model)
    : model_(std::move(model)), padded_(model_.padded()), turned_mean_(padded_) {
    const std::size_t columns = detail::column_count(model_.group_count());
    centre_columns_.resize(padded_ * columns);
    detail::turn(model_, model_.mean.data(), nullptr, turned_mean_);
    for (std::size_t g = 0; g < columns; ++g) {
        // Columns without a group repeat the first one, which wins where they are as close.
        const float* const centre = model_.centre(g < model_.group_count() ? g : 0);
        for (std::size_t j = 0; j < padded_; ++j) centre_columns_[j * columns + g] = centre[j];
    }
    for (std::size_t g = 0; g < model_.group_count(); ++g) {
        double square = 0.0;
        for (std::size_t j = 0; j < padded_; ++j) {
            const double value = double{turned_mean_[j]} + double{model_.centre(g)[j]};
            square += value * value;
        }
        centre_squares_.push_back(square);
    }
}

Result<RabitqQuantizer> RabitqQuantizer::train(MatrixView sample, const Options& options, const TrainContext& context) {
    SEXTANT_TRY(options.validate());
    if (sample.dimension == 0 || sample.dimension > limits::max_dimension) {
        return invalid_argument(
            format_text("dimension is {}; it must be 1 to {}", sample.dimension, limits::max_dimension));
    }
    SEXTANT_TRY_ASSIGN(RabitqModel model, detail::train_rabitq(sample, options.bits.value_or(default_bits), context));
    return RabitqQuantizer(std::move(model));
}

std::vector<std::byte> RabitqQuantizer::save() const {
    std::vector<float> payload = model_.mean;
    payload.insert(payload.end(), model_.centres.begin(), model_.centres.end());
    payload.insert(payload.end(), model_.signs.begin(), model_.signs.end());
    format::Header header{.quantizer = id, .dimension = static_cast<std::uint32_t>(dimension()), .step = model_.unit};
    header.parameters[bits_parameter] = model_.bits;
    header.parameters[groups_parameter] = static_cast<std::uint32_t>(model_.group_count());
    return format::write(header, payload);
}

Result<RabitqQuantizer> RabitqQuantizer::load(std::span<const std::byte> saved) {
    SEXTANT_TRY_ASSIGN(const format::Codebook book, format::read(saved, id));
    const format::Header& header = book.header;
    SEXTANT_TRY(check_header(header));
    const std::size_t padded = rotated_dimension(header.dimension);
    const std::size_t centres = header.parameters[groups_parameter] * padded;
    SEXTANT_TRY(format::expect_floats(book, header.dimension + centres + rotation_rounds * padded));
    RabitqModel model;
    model.bits = header.parameters[bits_parameter];
    model.unit = header.step;
    std::size_t next = 0;
    SEXTANT_TRY_ASSIGN(model.mean, take_floats(book.payload, next, header.dimension, "mean", "a finite number",
                                               [](float value) { return std::isfinite(value); }));
    SEXTANT_TRY_ASSIGN(model.centres,
                       take_floats(book.payload, next, centres, "centre", "-2^24 to 2^24", [](float value) {
                           return is_within(double{value}, -double{largest_centre}, double{largest_centre});
                       }));
    SEXTANT_TRY_ASSIGN(model.signs, take_floats(book.payload, next, rotation_rounds * padded, "sign", "1 or -1",
                                                [](float value) { return value == 1.0F || value == -1.0F; }));
    return RabitqQuantizer(std::move(model));
}

void RabitqQuantizer::encode_metric(Geometry geometry, VectorView vector, std::span<std::byte> out,
                                    std::span<float> room) const noexcept {
    const PackedKernelTable& kernels = packed_kernels();
    float* const turned = room.data();
    detail::turn(model_, vector.data(), model_.mean.data(), room.first(padded_));
    std::uint8_t group = 0;
    float apart = 0.0F;
    const std::size_t columns = detail::column_count(model_.group_count());
    if (model_.group_count() > 1) {
        product_kernels().nearest_columns_f32(turned, padded_, 1, centre_columns_.data(),
                                              std::min(padded_, detail::group_dimensions), columns, &group, &apart);
    }
    // What the row's product with `from` will be worth: the centre as a query sees it.
    const float* const centre = model_.centre(group);
    const float* from = centre;
    const bool product = geometry == Geometry::inner_product;
    if (product) {
        for (std::size_t j = 0; j < padded_; ++j) room[padded_ + j] = centre[j] + turned_mean_[j];
        from = room.data() + padded_;
    }
    const PackedResidual rest = kernels.residual(turned, centre, from, padded_);
    const double length = std::sqrt(rest.square);
    const float inverse = rest.square > least_square ? detail::inverse_cell(model_.bits, padded_, length) : 0.0F;
    const PackedFit fit = kernels.encode(turned, from, inverse, padded_, model_.bits, out.data());
    double ratio = 0.0;
    double error = 0.0;
    if (rest.square > least_square && fit.product > 0.0) {
        ratio = rest.square / fit.product;
        // 1 / cos² - 1 of the angle between a vector and its code.
        const double lost = std::max(fit.code_square * rest.square / (fit.product * fit.product) - 1.0, 0.0);
        error = length * std::sqrt(lost / static_cast<double>(padded_ - 1));
    }
    if (length >= double{detail::longest_component}) error = unknown_error;
    const double add =
        product ? rest.with_centre - ratio * fit.with_centre : rest.square + 2.0 * ratio * fit.with_centre;
    const PackedTrailer trailer{static_cast<float>(add), static_cast<float>(ratio), detail::mark_of(error, group)};
    std::memcpy(out.data() + packed_trailer_offset(padded_, model_.bits), &trailer, sizeof(trailer));
}

void RabitqQuantizer::encode_zero_vector(std::span<std::byte> out) const noexcept {
    std::fill_n(out.data(), packed_trailer_offset(padded_, model_.bits), std::byte{0});
    const PackedTrailer trailer{0.0F, 0.0F, detail::mark_of(0.0, detail::zero_group)};
    std::memcpy(out.data() + packed_trailer_offset(padded_, model_.bits), &trailer, sizeof(trailer));
}

void RabitqQuantizer::decode(CodeView code, std::span<float> out, std::span<float> room) const noexcept {
    const std::span<float> turned = room.first(padded_);
    const PackedTrailer trailer = detail::load_packed_trailer(code.data(), padded_, model_.bits);
    if (trailer.group() == detail::zero_group) {
        std::fill(out.begin(), out.end(), 0.0F);
        return;
    }
    packed_kernels().decode(code.data(), padded_, model_.bits, turned.data());
    double square = 0.0;
    for (const float value : turned) square += double{value} * double{value};
    // |r|² = ratio²·|c|² - (d - 1)·error², and the multiple of c that lies closest to r is r·c / |c|² = |r|² / ratio / |c|².
    const double ratio = double{trailer.ratio};
    const double error = double{trailer.mark};
    const double length_square = ratio * ratio * square - error * error * static_cast<double>(padded_ - 1);
    const double share = length_square / ratio / square;
    const float scale = share > 0.0 && share < double{largest_centre} ? static_cast<float>(share) : 0.0F;
    const float* const centre = model_.centre(std::min<std::size_t>(trailer.group(), model_.group_count() - 1));
    for (std::size_t j = 0; j < padded_; ++j) turned[j] = centre[j] + scale * turned[j];
    rotation_kernels().rotate_back(model_.signs.data(), padded_, turned.data());
    constexpr double most = std::numeric_limits<float>::max();
    for (std::size_t i = 0; i < dimension(); ++i) {
        const double value = double{model_.mean[i]} + double{model_.unit} * double{turned[i]};
        out[i] = static_cast<float>(std::clamp(value, -most, most));
    }
}

void RabitqQuantizer::encode(VectorView vector, std::span<std::byte> out) const noexcept {
    Room room(room_floats());
    encode_metric(Geometry::squared_l2, vector, out, room.span());
}

void RabitqQuantizer::decode(CodeView code, std::span<float> out) const noexcept {
    Room room(room_floats());
    decode(code, out, room.span());
}

}  // namespace sextant::inline v1
