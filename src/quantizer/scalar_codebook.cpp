// The part of ScalarQuantizer that knows of 4 bits before there are codes: options, training by them, codebooks. Apart from
// the rest because it refers to the kernels for 4 bits.
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "core/format_text.hpp"
#include "quantizer/scalar_codes.hpp"
#include "quantizer/scalar_training.hpp"
#include "sextant/quantizer/codebook_format.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"

namespace sextant::inline v1 {
namespace {

/// Half of the largest float each for an offset and for 128 steps: what is decoded is then finite.
constexpr float largest_offset = std::numeric_limits<float>::max() / 2.0F;
constexpr float largest_step = std::numeric_limits<float>::max() / 256.0F;

bool is_within(float value, float low, float high) noexcept { return value >= low && value <= high; }

const Scalar4KernelTable* kernels_for(const ScalarModel& model) noexcept {
    return model.bits == 4 ? &scalar4_kernels() : nullptr;
}

/// Options that say how many bits: the quantile, 0 where it was left out, and the bits.
constexpr std::size_t full_options_size = sizeof(double) + sizeof(std::uint32_t);

Error corrupt_options(const std::string& what) { return {ErrorCode::corruption, "quantizer options: " + what}; }

}  // namespace

Result<void> ScalarQuantizer::Options::validate() const {
    if (quantile && !(*quantile > 0.5 && *quantile <= 1.0)) {
        return invalid_argument(format_text("quantizer.quantile is {}; it must be above 0.5 and at most 1", *quantile));
    }
    if (bits && *bits != 4 && *bits != 8) {
        return invalid_argument(format_text("quantizer.bits is {}; it must be 4 or 8", *bits));
    }
    return {};
}

std::vector<std::byte> ScalarQuantizer::Options::save() const {
    if (!quantile && !bits) return {};
    std::vector<std::byte> saved(bits ? full_options_size : sizeof(double));
    const double written = quantile.value_or(0.0);
    std::memcpy(saved.data(), &written, sizeof(written));
    if (bits) std::memcpy(saved.data() + sizeof(written), &*bits, sizeof(*bits));
    return saved;
}

Result<ScalarQuantizer::Options> ScalarQuantizer::Options::load(std::span<const std::byte> saved) {
    Options options;
    if (saved.empty()) return options;
    if (saved.size() != sizeof(double) && saved.size() != full_options_size) {
        return corrupt_options(
            format_text("{} bytes, expected 0, {} or {}", saved.size(), sizeof(double), full_options_size));
    }
    double quantile = 0.0;
    std::memcpy(&quantile, saved.data(), sizeof(quantile));
    if (saved.size() == full_options_size) {
        options.bits.emplace();
        std::memcpy(&*options.bits, saved.data() + sizeof(quantile), sizeof(*options.bits));
    }
    if (!options.bits || quantile != 0.0 || std::signbit(quantile)) options.quantile = quantile;
    if (auto valid = options.validate(); !valid) return corrupt_options(valid.error().message);
    return options;
}

Result<ScalarQuantizer> ScalarQuantizer::train(MatrixView sample, const Options& options, const TrainContext& context) {
    SEXTANT_TRY(options.validate());
    SEXTANT_TRY_ASSIGN(ScalarModel model,
                       detail::train_scalar(sample, options.quantile, options.bits.value_or(8), context));
    const Scalar4KernelTable* const kernels = kernels_for(model);
    return ScalarQuantizer(std::move(model), kernels);
}

Result<ScalarQuantizer> ScalarQuantizer::load(std::span<const std::byte> saved) {
    namespace format = codebook_format;
    SEXTANT_TRY_ASSIGN(format::Codebook book, format::read(saved, id));
    const format::Header& header = book.header;
    const std::uint32_t bits = header.parameters[0];
    if (bits != 0 && bits != 4) {
        return format::corrupt(format::parameter_offset(0), "bits", static_cast<double>(bits), "0 (which is 8) or 4");
    }
    SEXTANT_TRY(format::expect_unused(header, 1));
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
    ScalarModel model{.offset = std::move(book.payload),
                      .step = header.step,
                      .row_error = header.row_error,
                      .error_slope = header.error_slope,
                      .bits = bits == 4 ? 4U : 8U};
    const Scalar4KernelTable* const kernels = kernels_for(model);
    return ScalarQuantizer(std::move(model), kernels);
}

}  // namespace sextant::inline v1
