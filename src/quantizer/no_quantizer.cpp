#include "sextant/quantizer/no_quantizer.hpp"

#include <bit>
#include <cstring>
#include <utility>

#include "sextant/quantizer/codebook_format.hpp"

namespace sextant::inline v1 {

Result<NoQuantizer> NoQuantizer::train(MatrixView sample, const Options& /*options*/, const TrainContext& /*context*/) {
    return NoQuantizer(sample.dimension);
}

std::vector<std::byte> NoQuantizer::save() const {
    return codebook_format::write({.quantizer = id, .dimension = static_cast<std::uint32_t>(dimension_)}, {});
}

Result<NoQuantizer> NoQuantizer::load(std::span<const std::byte> saved) {
    namespace format = codebook_format;
    SEXTANT_TRY_ASSIGN(const format::Codebook book, format::read(saved, id));
    const format::Header& header = book.header;
    SEXTANT_TRY(format::expect_unused(header, 0));
    SEXTANT_TRY(format::expect_floats(book, 0));
    const std::pair<std::size_t, float> unused[] = {{format::step_offset, header.step},
                                                    {format::row_error_offset, header.row_error},
                                                    {format::error_slope_offset, header.error_slope}};
    for (const auto& [offset, value] : unused) {
        // By its bits: -0 and nan are not what save() writes either.
        if (std::bit_cast<std::uint32_t>(value) != 0) {
            return format::corrupt(offset, "field without a meaning", double{value}, "0");
        }
    }
    return NoQuantizer(book.header.dimension);
}

void NoQuantizer::encode(VectorView vector, std::span<std::byte> out) const noexcept {
    if (!vector.empty()) std::memcpy(out.data(), vector.data(), vector.size_bytes());
}

void NoQuantizer::decode(CodeView code, std::span<float> out) const noexcept {
    if (dimension_ != 0) std::memcpy(out.data(), code.data(), code_size());
}

}  // namespace sextant::inline v1
