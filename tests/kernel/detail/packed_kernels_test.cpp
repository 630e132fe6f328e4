#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "kernel/detail/packed_support.hpp"
#include "kernel/guarded.hpp"
#include "support/catch.hpp"

namespace {

using namespace sextant;
using sextant::test::Guarded;
using sextant::test::GuardedBytes;
using sextant::test::packed_code;
using sextant::test::packed_tables;
using sextant::test::rounded_product;

/// A query of `bits` against rows that are random bytes, or all ones with the largest values.
struct Scene {
    std::size_t dimension;
    std::size_t bits;
    std::size_t stride;
    std::size_t count;
    std::vector<PackedGroup> groups = std::vector<PackedGroup>(packed_groups);
    std::vector<std::byte> values;  ///< room, to be aligned in
    GuardedBytes rows;
    PackedQuery query;

    Scene(std::size_t d, std::size_t b, std::size_t row_count, std::size_t gap, bool largest, std::mt19937& random)
        : dimension(d),
          bits(b),
          stride(packed_row_size(d, b) + gap),
          count(row_count),
          values(2 * 64 + std::max(d, std::size_t{4} * 8 * ((d / 64 + 7) / 8 * 8))),
          rows(row_count == 0 ? 0 : row_count * stride - gap) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            rows.data()[i] = static_cast<std::byte>(largest ? 255U : random() & 255U);
        }
        for (std::size_t r = 0; r < count; ++r) set_trailer(r, random);
        for (PackedGroup& group : groups) group = {test::any_value(random), test::any_value(random)};
        query.groups = groups.data();
        query.dimension = dimension;
        query.bias = static_cast<std::int32_t>(random() % 100U);
        query.scale = 0.37F;
        query.shift = -1.25F;
        query.floor = largest ? -1e30F : -20.0F;
        std::byte* const room = values.data() + (64 - reinterpret_cast<std::uintptr_t>(values.data()) % 64) % 64;
        query.plane_words = (d / 64 + 7) / 8 * 8;
        if (bits == 1) {
            std::memset(room, 0, sign_planes * query.plane_words * 8);
            for (std::size_t p = 0; p < sign_planes; ++p) {
                for (std::size_t i = 0; i < d / 8; ++i) {
                    room[p * query.plane_words * 8 + i] = static_cast<std::byte>(largest ? 0U : random() & 255U);
                }
            }
            query.planes = reinterpret_cast<const std::uint64_t*>(room);
        } else {
            for (std::size_t i = 0; i < d; ++i) {
                room[i] = static_cast<std::byte>(largest ? 127U : (random() % 255U + 129U) & 255U);  // -127 .. 127
            }
            query.values = reinterpret_cast<const std::int8_t*>(room);
        }
    }

    void set_trailer(std::size_t r, std::mt19937& random) {
        const auto bits_of_error = static_cast<std::uint32_t>(0x3F800000U | (random() & 255U));
        const PackedTrailer trailer{test::any_value(random), test::any_value(random),
                                    __builtin_bit_cast(float, bits_of_error)};
        std::memcpy(rows.data() + r * stride + packed_trailer_offset(dimension, bits), &trailer, sizeof trailer);
    }

    /// Of every row.
    [[nodiscard]] std::vector<float> wanted() {
        std::vector<float> all;
        for (std::size_t r = 0; r < count; ++r) all.push_back(want(r));
        return all;
    }

    [[nodiscard]] float want(std::size_t r) {
        const std::byte* const row = rows.data() + r * stride;
        std::int32_t sum = 0;
        for (std::size_t j = 0; j < dimension; ++j) {
            const auto code = static_cast<std::int32_t>(packed_code(row, j, bits));
            if (bits > 1) {
                sum += code * query.values[j];
                continue;
            }
            for (std::size_t p = 0; p < sign_planes; ++p) {
                const auto plane = (query.planes[p * query.plane_words + j / 64] >> (j % 64)) & 1U;
                sum += static_cast<std::int32_t>((plane ^ static_cast<std::uint64_t>(code)) << p);
            }
        }
        PackedTrailer trailer;
        std::memcpy(&trailer, row + packed_trailer_offset(dimension, bits), sizeof trailer);
        const float product = rounded_product(query.scale, static_cast<float>(sum - query.bias)) + query.shift;
        const PackedGroup group = groups[trailer.group()];
        const float known = group.offset + rounded_product(group.add_scale, trailer.add);
        return std::max(known + rounded_product(trailer.ratio, product), query.floor);
    }
};

bool scores_agree(const PackedKernelTable& table, Scene& scene, const std::vector<float>& wanted,
                  std::mt19937& random) {
    Guarded<float> out(scene.count);
    table.range[scene.bits - 1](scene.query, scene.rows.data(), scene.stride, scene.count, out.data());
    std::vector<RowId> listed;
    for (std::size_t i = 0; i < scene.count; ++i) listed.push_back(RowId{static_cast<std::uint32_t>(i)});
    std::shuffle(listed.begin(), listed.end(), random);
    Guarded<float> by_list(scene.count);
    table.rows[scene.bits - 1](scene.query, scene.rows.data(), scene.stride, listed.data(), scene.count,
                               by_list.data());
    for (std::size_t r = 0; r < scene.count; ++r) {
        if (out[r] != wanted[r]) return false;
        if (by_list[r] != wanted[to_index(listed[r])]) return false;
    }
    return true;
}

/// By every table.
void check_scores(Scene scene, std::mt19937& random) {
    const std::vector<float> wanted = scene.wanted();
    for (const PackedKernelTable* table : packed_tables()) {
        INFO(table->name << ", " << scene.bits << " bits, dimension " << scene.dimension);
        CHECK(scores_agree(*table, scene, wanted, random));
    }
}

}  // namespace

TEST_CASE("packed codes of every width are scored as a plain loop scores them, within their bytes", "[kernel]") {
    std::mt19937 random(51);
    for (std::size_t bits = 1; bits <= 8; ++bits) {
        for (std::size_t dimension = 64; dimension <= 1088; dimension += 64) {
            check_scores(Scene(dimension, bits, 1 + dimension / 64 % 7, dimension % 3, false, random), random);
        }
        check_scores(Scene(128, bits, 77, 0, false, random), random);
        check_scores(Scene(128, bits, 0, 0, false, random), random);
    }
}

TEST_CASE("the largest sums of packed codes do not overflow", "[kernel]") {
    std::mt19937 random(52);
    for (std::size_t bits = 1; bits <= 8; ++bits) check_scores(Scene(65536, bits, 2, 0, true, random), random);
}
