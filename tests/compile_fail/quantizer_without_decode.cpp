#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/concepts/quantizer.hpp"

// A codec that cannot decode is no Quantizer: rows could be found but never checked against their vectors.
// expect-error: (constraints not satisfied|static assertion failed|static_assert failed)
// expect-error: q.decode
namespace {

struct Sign {
    struct Options {
        [[nodiscard]] sextant::Result<void> validate() const { return {}; }
    };
    static constexpr sextant::QuantizerId id{0x8001};
    static constexpr std::string_view name = "sign";
    static sextant::Result<Sign> train(sextant::MatrixView sample, const Options& /*options*/,
                                       const sextant::TrainContext& /*context*/) {
        return Sign{sample.dimension};
    }
    [[nodiscard]] std::vector<std::byte> save() const { return {}; }
    static sextant::Result<Sign> load(std::span<const std::byte> saved) { return Sign{saved.size()}; }
    [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
    [[nodiscard]] std::size_t code_size() const noexcept { return dimension_; }
    void encode(sextant::VectorView vector, std::span<std::byte> code) const noexcept {
        for (std::size_t i = 0; i < dimension_; ++i) code[i] = std::byte{vector[i] < 0.0F};
    }
#ifndef SEXTANT_EXPECT_FAILURE
    void decode(sextant::CodeView code, std::span<float> vector) const noexcept {
        for (std::size_t i = 0; i < dimension_; ++i) vector[i] = code[i] == std::byte{0} ? 1.0F : -1.0F;
    }
#endif

    std::size_t dimension_ = 0;
};

static_assert(sextant::Quantizer<Sign>);

}  // namespace
