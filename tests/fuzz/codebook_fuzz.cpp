// Bytes as a codebook: what loads is what would be saved, and codes, decodes and scores without a trap.
// Input: a byte that says which quantizer and whether the hashes are made right first, then the codebook.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <type_traits>
#include <vector>

#include "sextant/core/hash.hpp"
#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/codebook_format.hpp"
#include "sextant/quantizer/no_quantizer.hpp"
#include "sextant/quantizer/product_quantizer.hpp"
#include "sextant/quantizer/rabitq_quantizer.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"

namespace {

namespace format = sextant::codebook_format;

void require(bool condition) {
    if (!condition) std::abort();
}

void store_hash(std::vector<std::byte>& bytes, std::size_t at, std::size_t first, std::size_t count) {
    const std::uint64_t hash = sextant::hash64(std::span(bytes).subspan(first, count));
    for (std::size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<std::byte>(hash >> (8 * i));
}

template <class M, class Q>
void score(const Q& quantizer, const std::vector<float>& query, const std::vector<std::byte>& code) {
    const sextant::RowSource rows{code.data(), code.size(), nullptr};
    sextant::QueryScratch scratch;
    const sextant::RowScorer bound = quantizer.template bind<M>(query, rows, scratch);
    const sextant::RowId row{0};
    float distance = 0.0F;
    bound.score({&row, 1}, {&distance, 1});
    require(!std::isnan(distance));
}

template <class Q>
void use(const std::vector<std::byte>& bytes) {
    const auto loaded = Q::load(bytes);
    if (!loaded) {
        require(!loaded.error().message.empty());
        return;
    }
    const Q& quantizer = *loaded;
    require(quantizer.save() == bytes);
    if (quantizer.dimension() > 4096) return;  // as right as a smaller one, only slower
    std::vector<float> vector(quantizer.dimension());
    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = static_cast<float>(i % 7) - 3.0F;
    std::vector<std::byte> code(quantizer.code_size());
    quantizer.encode(vector, code);
    std::vector<float> decoded(vector.size());
    quantizer.decode(code, decoded);
    require(std::all_of(decoded.begin(), decoded.end(), [](float value) { return std::isfinite(value); }));
    score<sextant::SquaredL2>(quantizer, vector, code);
    score<sextant::InnerProduct>(quantizer, vector, code);
    // Codes are bytes from a file too: any of them.
    for (std::byte& byte : code) byte ^= std::byte{0xFF};
    if constexpr (!std::is_same_v<Q, sextant::NoQuantizer>) {
        quantizer.decode(code, decoded);
        require(std::all_of(decoded.begin(), decoded.end(), [](float value) { return std::isfinite(value); }));
        score<sextant::SquaredL2>(quantizer, vector, code);
        score<sextant::Cosine>(quantizer, vector, code);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto* const first = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> bytes(first + 1, first + size);
    // Without this no changed byte would ever get past the hashes.
    if ((data[0] & 2U) != 0 && bytes.size() >= format::header_size + format::hash_size) {
        store_hash(bytes, format::header_hash_offset, 0, format::header_hash_offset);
        store_hash(bytes, bytes.size() - format::hash_size, format::header_size,
                   bytes.size() - format::header_size - format::hash_size);
    }
    if ((data[0] & 8U) != 0) {
        use<sextant::RabitqQuantizer>(bytes);
    } else if ((data[0] & 4U) != 0) {
        use<sextant::ProductQuantizer>(bytes);
    } else if ((data[0] & 1U) != 0) {
        use<sextant::ScalarQuantizer>(bytes);
    } else {
        use<sextant::NoQuantizer>(bytes);
    }
    return 0;
}
