#include "sextant/segment/field_sample.hpp"

#include <algorithm>

#include "sextant/core/random.hpp"

namespace sextant::inline v1::detail {

Result<VectorSample> VectorSample::take(const RawRows& raw, std::uint32_t row_count, std::size_t most,
                                        std::uint64_t seed, MemoryAccount& account, const std::stop_token& stop) {
    VectorSample sample;
    sample.dimension_ = raw.dimension();
    sample.row_count_ = std::min<std::size_t>(row_count, most);
    const std::size_t size = sample.row_count_ * sample.dimension_;
    SEXTANT_TRY_ASSIGN(sample.values_, Column<float>::exact(size, account, "sample of vectors"));
    Random random(seed);
    for (std::size_t i = 0; i < sample.row_count_; ++i) {
        constexpr std::size_t between_stops = 64;
        if (i % between_stops == 0 && stop.stop_requested()) {
            return Error{ErrorCode::cancelled, "sampling of vectors was cancelled"};
        }
        const std::size_t begin = i * row_count / sample.row_count_;
        const std::size_t end = (i + 1) * row_count / sample.row_count_;
        const RowId row{static_cast<std::uint32_t>(begin + random.below(end - begin))};
        const std::span<float> room(sample.values_.data() + i * sample.dimension_, sample.dimension_);
        bool zero = false;
        const VectorView vector = raw.unit(row, room, zero);
        if (vector.data() != room.data()) std::copy(vector.begin(), vector.end(), room.begin());
    }
    return sample;
}

}  // namespace sextant::inline v1::detail
