#include "sextant/segment/id_map.hpp"

#include <atomic>
#include <thread>
#include <unordered_map>
#include <vector>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"

using namespace sextant;

namespace {

/// Ids with their map, grown as a segment does.
struct Ids {
    explicit Ids(std::uint32_t max_rows, bool wide = false)
        : column(IdColumn::reserve(max_rows, wide, account).value()), map(IdMap::create(max_rows, account).value()) {}

    RowId add(const PointId& id) {
        column.ensure(rows + 1).value();
        map.reserve(1, column.view()).value();
        column.set(rows, id);
        return map.insert(column.view(), rows++, id, id.hash());
    }
    [[nodiscard]] RowId find(const PointId& id) const { return map.table()->find(column.view(), id, id.hash()); }

    MemoryAccount account{"test"};
    IdColumn column;
    IdMap map;
    std::uint32_t rows = 0;
};

}  // namespace

TEST_CASE("an id map finds every row by its id and nothing else", "[id_map]") {
    const bool wide = GENERATE(false, true);
    Ids ids(100'000, wide);
    const auto id_of = [&](std::uint64_t i) {
        return wide && i % 3 == 0 ? PointId::from_name(std::to_string(i)) : PointId{mix64(i)};
    };
    for (std::uint64_t i = 0; i < 50'000; ++i) REQUIRE(ids.add(id_of(i)) == no_row);
    for (std::uint32_t i = 0; i < 50'000; ++i) REQUIRE(ids.find(id_of(i)) == RowId{i});
    for (std::uint64_t i = 50'000; i < 60'000; ++i) REQUIRE(ids.find(id_of(i)) == no_row);
}

TEST_CASE("an id that comes again leads to its newest row and takes no second slot", "[id_map]") {
    Ids ids(300'000);
    for (std::uint32_t i = 0; i < 200'000; ++i) {
        const RowId before = ids.add(PointId{5});
        REQUIRE(before == (i == 0 ? no_row : RowId{i - 1}));
    }
    CHECK(ids.map.id_count() == 1);
    CHECK(ids.find(PointId{5}) == RowId{199'999});
    CHECK(ids.map.table()->slot_count() == 1024);
}

TEST_CASE("an id map takes 5 to 7 bytes a row at every size", "[id_map]") {
    Ids ids(400'000);
    for (std::uint64_t i = 0; i < 400'000; ++i) {
        ids.add(PointId{i});
        if (i < 5'000 || i % 1'000 != 0) continue;
        const double per_row = static_cast<double>(ids.map.table()->slot_count() * 4) / static_cast<double>(i + 1);
        REQUIRE(per_row >= 4.99);
        REQUIRE(per_row <= 6.8);
    }
    CHECK(static_cast<double>(sealed_slot_count(1'000'000) * 4) / 1e6 < 5.4);
}

TEST_CASE("a table that was left behind by growth still answers for the rows it had", "[id_map]") {
    Ids ids(100'000);
    for (std::uint64_t i = 0; i < 500; ++i) ids.add(PointId{i});
    const auto old = ids.map.table();
    for (std::uint64_t i = 500; i < 50'000; ++i) ids.add(PointId{i});
    REQUIRE(old != ids.map.table());
    for (std::uint32_t i = 0; i < 500; ++i)
        REQUIRE(old->find(ids.column.view(), PointId{i}, PointId{i}.hash()) == RowId{i});
}

TEST_CASE("an id map that is refused memory is as it was", "[id_map]") {
    Ids ids(100'000);
    for (std::uint64_t i = 0; i < 500; ++i) ids.add(PointId{i});
    const auto table = ids.map.table();
    ids.account.refuse_after(0);
    const auto refused = ids.map.reserve(10'000, ids.column.view());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(ids.map.table() == table);
    CHECK(ids.find(PointId{499}) == RowId{499});
}

TEST_CASE("readers find published rows while the map grows under them", "[id_map][threads]") {
    Ids ids(200'000);
    std::atomic<std::uint32_t> published{0};
    std::atomic<const IdTable*> table{ids.map.table().get()};
    std::vector<std::shared_ptr<IdTable>> kept{ids.map.table()};  // a version would hold them
    std::vector<std::thread> readers;
    std::atomic<bool> wrong{false};
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        readers.emplace_back([&, seed] {
            Random random(seed);
            for (std::uint32_t rows = 0; rows < 60'000;) {
                rows = published.load(std::memory_order_acquire);
                if (rows == 0) continue;
                const auto row = static_cast<std::uint32_t>(random.below(rows));
                const PointId id{row * 7ULL};
                if (table.load(std::memory_order_acquire)->find(ids.column.view(), id, id.hash()) != RowId{row})
                    wrong = true;
            }
        });
    }
    for (std::uint32_t i = 0; i < 60'000; ++i) {
        ids.add(PointId{i * 7ULL});
        if (kept.back() != ids.map.table()) kept.push_back(ids.map.table());
        table.store(ids.map.table().get(), std::memory_order_release);
        published.store(i + 1, std::memory_order_release);
    }
    for (auto& reader : readers) reader.join();
    CHECK_FALSE(wrong);
    CHECK(kept.size() > 3);
}

TEST_CASE("a table that was read is checked before anything is looked up", "[id_map]") {
    MemoryAccount account("test");
    constexpr std::uint32_t rows = 100;
    auto ids = IdColumn::exact(rows, false, account).value();
    const auto table = IdTable::create(sealed_slot_count(rows), rows, account).value();
    for (std::uint32_t row = 0; row < rows; ++row) {
        ids.set(row, PointId{row});
        table->insert(ids.view(), row, PointId{row}, PointId{row}.hash());
    }
    CHECK(table->check(ids.view(), rows).has_value());
    const auto section = table->writable_section();
    CHECK(section.data() == table->section().data());
    const std::vector<std::byte> whole(section.begin(), section.end());
    for (std::size_t bit = 0; bit < 8 * section.size(); ++bit) {
        section[bit / 8] ^= std::byte{1} << (bit % 8);
        INFO("bit " << bit);
        const auto checked = table->check(ids.view(), rows);
        REQUIRE_FALSE(checked.has_value());
        CHECK(checked.error().code == ErrorCode::corruption);
        section[bit / 8] = whole[bit / 8];
    }
    ids.set(7, PointId{8});  // an id twice
    CHECK_FALSE(table->check(ids.view(), rows).has_value());
    const auto empty = IdTable::create(sealed_slot_count(rows), rows, account).value();
    CHECK_FALSE(empty->check(ids.view(), rows).has_value());
}
