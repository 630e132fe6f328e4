#include "sextant/quantizer/no_quantizer.hpp"

#include <cstring>

#include "sextant/quantizer/codebook_format.hpp"

namespace sextant::inline v1 {

Result<NoQuantizer> NoQuantizer::train(MatrixView sample, const Options& /*options*/, const TrainContext& /*context*/) {
    return NoQuantizer(sample.dimension);
}

std::vector<std::byte> NoQuantizer::save() const {
    return codebook_format::write({.quantizer = id, .dimension = static_cast<std::uint32_t>(dimension_)}, {});
}

Result<NoQuantizer> NoQuantizer::load(std::span<const std::byte> saved) {
    SEXTANT_TRY_ASSIGN(const codebook_format::Codebook book, codebook_format::read(saved, id));
    return NoQuantizer(book.header.dimension);
}

void NoQuantizer::encode(VectorView vector, std::span<std::byte> out) const noexcept {
    if (!vector.empty()) std::memcpy(out.data(), vector.data(), vector.size_bytes());
}

void NoQuantizer::decode(CodeView code, std::span<float> out) const noexcept {
    if (dimension_ != 0) std::memcpy(out.data(), code.data(), code_size());
}

}  // namespace sextant::inline v1
