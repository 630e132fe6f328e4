#include "sextant/core/types.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "support/catch.hpp"

using sextant::BitmapView;
using sextant::Neighbor;
using sextant::RowFilter;
using sextant::RowId;

TEST_CASE("A bitmap view tests bits across words, and a null one admits every row", "[core][types]") {
    const std::array<std::uint64_t, 2> words{std::uint64_t{1} | (std::uint64_t{1} << 63U), 2};
    const BitmapView view{words.data(), 128};
    CHECK(view.test(0));
    CHECK_FALSE(view.test(1));
    CHECK(view.test(63));
    CHECK_FALSE(view.test(64));
    CHECK(view.test(65));
    CHECK_FALSE(view.admits_all());
    CHECK(BitmapView{}.admits_all());
    CHECK(BitmapView{}.test(123'456));
}

TEST_CASE("A row filter admits rows that are admitted and not deleted", "[core][types]") {
    const std::uint64_t admitted = 0b0110;
    const std::uint64_t deleted = 0b0100;
    const RowFilter both{{&admitted, 4}, {&deleted, 4}};
    CHECK_FALSE(both(RowId{0}));
    CHECK(both(RowId{1}));
    CHECK_FALSE(both(RowId{2}));
    const RowFilter only_deleted{{}, {&deleted, 4}};
    CHECK(only_deleted(RowId{0}));
    CHECK_FALSE(only_deleted(RowId{2}));
    CHECK_FALSE(only_deleted.admits_all());
    CHECK(RowFilter{}.admits_all());
    CHECK(RowFilter{}(RowId{77}));
}

TEST_CASE("Neighbors order by distance, then by row", "[core][types]") {
    std::vector<Neighbor> neighbors{{2.0F, RowId{1}}, {1.0F, RowId{9}}, {1.0F, RowId{3}}, {-0.5F, RowId{7}}};
    std::sort(neighbors.begin(), neighbors.end());
    CHECK(neighbors == std::vector<Neighbor>{{-0.5F, RowId{7}}, {1.0F, RowId{3}}, {1.0F, RowId{9}}, {2.0F, RowId{1}}});
}

TEST_CASE("Matrix and row views find row r at its stride", "[core][types]") {
    const std::array<float, 6> values{1, 2, -1, 3, 4, -1};
    const sextant::MatrixView matrix{values.data(), 2, 2, 3};
    CHECK(matrix.row(1).size() == 2);
    CHECK(matrix.row(1)[0] == 3.0F);
    const sextant::RowSource rows{reinterpret_cast<const std::byte*>(values.data()), 12};
    CHECK(rows.row(RowId{1}) == reinterpret_cast<const std::byte*>(values.data() + 3));
}

TEST_CASE("Persisted numbers of metrics and quantizers stay what they are", "[core][types]") {
    CHECK(static_cast<int>(sextant::MetricId::squared_l2) == 1);
    CHECK(static_cast<int>(sextant::MetricId::inner_product) == 2);
    CHECK(static_cast<int>(sextant::MetricId::cosine) == 3);
    CHECK(static_cast<int>(sextant::MetricId::user) == 0x8000);
    CHECK(static_cast<int>(sextant::QuantizerId::none) == 1);
    CHECK(static_cast<int>(sextant::QuantizerId::scalar8) == 2);
    CHECK(static_cast<int>(sextant::QuantizerId::product) == 3);
    CHECK(static_cast<int>(sextant::QuantizerId::rabitq) == 4);
    CHECK(static_cast<int>(sextant::QuantizerId::user) == 0x8000);
}
