#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "segment/section_file.hpp"
#include "sextant/segment/section_map.hpp"
#include "support/catch.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr const char* path = "/vectors";

/// A file with two sections: three blocks and a bit, then one that ends inside the last block.
class MappedSections {
public:
    MappedSections() {
        identity_.kind = format::FileKind::vectors;
        identity_.number = 7;
        for (std::size_t i = 0; i < first_.size(); ++i) first_[i] = static_cast<std::byte>(i * 31 + i / 251);
        for (std::size_t i = 0; i < second_.size(); ++i) second_[i] = static_cast<std::byte>(i * 17 + 3);
        const std::span<const std::byte> sections[] = {first_, second_};
        entry_ = detail::write_section_file(disk_.files(), path, identity_, sections, {}, [](std::size_t) {}).value();
    }
    [[nodiscard]] Result<std::shared_ptr<const SectionMap>> map() {
        const std::uint64_t sizes[] = {first_.size(), second_.size()};
        return detail::map_section_file(disk_.files(), path, identity_, entry_, sizes);
    }
    void flip(std::uint64_t at) { flip_byte(disk_, path, at); }
    void break_reads() { disk_.inject({.at_call = disk_.op_count(), .kind = FaultKind::read_fails, .lasting = true}); }
    void mend() { disk_.clear_faults(); }
    void resize(std::uint64_t size) { disk_.files().open(path, FileMode::read_write).value()->truncate(size).value(); }
    [[nodiscard]] const std::vector<std::byte>& first() const { return first_; }
    [[nodiscard]] const std::vector<std::byte>& second() const { return second_; }
    [[nodiscard]] format::FileIdentity& identity() { return identity_; }
    [[nodiscard]] const format::FileEntry& entry() const { return entry_; }

private:
    SimDisk disk_;
    format::FileIdentity identity_;
    std::vector<std::byte> first_ = std::vector<std::byte>(3 * format::block_size + 100);
    std::vector<std::byte> second_ = std::vector<std::byte>(1000);
    format::FileEntry entry_;
};

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

TEST_CASE("a mapped file has the sections that were written", "[section_map]") {
    MappedSections file;
    const auto map = file.map().value();
    std::stop_source stop;
    stop.request_stop();
    CHECK(map->check_all(stop.get_token()).error().code == ErrorCode::cancelled);
    CHECK(map->check_all({}).has_value());
    CHECK(same(map->bytes(0), file.first()));
    CHECK(same(map->bytes(1), file.second()));
    CHECK(same(map->bytes_to_scan(0), file.first()));
    CHECK(same(map->bytes_to_scan(1), file.second()));
    CHECK(reinterpret_cast<std::uintptr_t>(map->bytes(0).data()) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(map->bytes(1).data()) % 64 == 0);
}

TEST_CASE("damage is found where it is asked for, and nowhere else", "[section_map]") {
    MappedSections file;
    const std::uint64_t block = 2;
    file.flip(block * format::block_size + 5);
    const auto map = file.map().value();
    // The section begins behind the header, so its bytes are that much ahead of the file's.
    const std::uint64_t begin = block * format::block_size - format::file_header_size;
    CHECK(map->check(0, 0, begin).has_value());
    CHECK(map->check(0, begin + format::block_size, 1).has_value());
    CHECK(map->check(0, begin, 0).has_value());
    CHECK(map->check(1, 0, file.second().size()).has_value());
    for (const auto& result : {map->check(0, begin, 1), map->check(0, begin - 1, 2), map->check(0, begin + 100, 8),
                               map->check(0, begin + format::block_size - 1, 1), map->check_all({})}) {
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().code == ErrorCode::corruption);
        CHECK(result.error().message.starts_with("/vectors: offset 131072: checksum of block 2 is "));
    }
}

TEST_CASE("damage stays damage however often it is asked for", "[section_map]") {
    MappedSections file;
    file.flip(format::file_header_size + 1);
    const auto map = file.map().value();
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(map->check(0, 0, 4).has_value());
        CHECK_FALSE(map->check_all({}).has_value());
    }
}

TEST_CASE("copies are of the bytes they were asked for, before and after blocks were checked", "[section_map]") {
    MappedSections file;
    const auto map = file.map().value();
    const std::size_t size = file.first().size();
    // Within a block, across a border of blocks, over more than two, all of it, the same twice, and nothing.
    const std::pair<std::size_t, std::size_t> ranges[] = {
        {5, 100},     {format::block_size - 100, 300}, {10, 2 * format::block_size}, {0, size}, {5, 100}, {7, 0},
        {size - 1, 1}};
    QueryScratch scratch;
    std::vector<std::byte> room(4 * size);
    for (int round = 0; round < 3; ++round) {
        std::vector<SectionMap::Part> parts;
        std::size_t at = 0;
        for (const auto& [first, count] : ranges) {
            // The first round has one part alone: the others then meet blocks of both kinds.
            if (round == 0 && !parts.empty()) break;
            parts.push_back({first, std::span(room).subspan(at, count)});
            at += count;
        }
        std::fill(room.begin(), room.end(), std::byte{0});
        scratch.reset();
        REQUIRE(map->copy(0, parts, scratch).has_value());
        for (const SectionMap::Part& part : parts) {
            CHECK(same(part.into, std::span(file.first()).subspan(part.first, part.into.size())));
        }
    }
    const SectionMap::Part other[] = {{3, std::span(room).first(900)}};
    REQUIRE(map->copy(1, other, scratch).has_value());
    CHECK(same(other[0].into, std::span(file.second()).subspan(3, 900)));
    REQUIRE(map->copy(1, {}, scratch).has_value());
}

TEST_CASE("copies of damaged blocks, and of what cannot be read, are errors with a place", "[section_map]") {
    MappedSections file;
    file.flip(2 * format::block_size + 5);
    const auto map = file.map().value();
    QueryScratch scratch;
    std::vector<std::byte> room(2000);
    const SectionMap::Part whole[] = {{100, std::span(room).first(500)}};
    const SectionMap::Part damaged[] = {{100, std::span(room).first(500)},
                                        {2 * format::block_size - 300, std::span(room).subspan(500, 600)}};
    for (int round = 0; round < 2; ++round) {
        CHECK(map->copy(0, whole, scratch).has_value());
        const auto copied = map->copy(0, damaged, scratch);
        REQUIRE_FALSE(copied.has_value());
        CHECK(copied.error().code == ErrorCode::corruption);
        CHECK(copied.error().message.starts_with("/vectors: offset 131072: checksum of block 2 is "));
        file.break_reads();
        CHECK(map->copy(0, whole, scratch).error().code == ErrorCode::io_error);
        file.mend();
    }
    CHECK_FALSE(map->at_hand(0, 100, 500));  // this disk does not say what is in memory
    const std::uint64_t size = file.entry().size;
    file.resize(200);
    const auto cut = map->copy(0, whole, scratch);
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().code == ErrorCode::corruption);
    CHECK(cut.error().message.find("500 bytes wanted at offset") != std::string::npos);
    file.resize(size);
}

TEST_CASE("while all is in memory it is asked for seldom, and always once something was not", "[section_map]") {
    MappedSections file;
    const auto map = file.map().value();
    const auto asked_of = [&](int count) {
        int asked = 0;
        for (int i = 0; i < count; ++i) {
            asked += map->should_ask() ? 1 : 0;
            map->note(true);
        }
        return asked;
    };
    CHECK(asked_of(64) == 64);
    CHECK(asked_of(640) == 40);
    map->note(false);
    CHECK(asked_of(64) == 64);
    CHECK(map->checked(0, 0, 0));
    CHECK_FALSE(map->checked(0, 0, 1));
    REQUIRE(map->check(0, 0, 1).has_value());
    CHECK(map->checked(0, 0, 100));
}

TEST_CASE("a file that cannot be the one is not mapped", "[section_map]") {
    MappedSections file;
    const std::uint64_t size = file.entry().size;
    for (const std::uint64_t wrong : {std::uint64_t{0}, std::uint64_t{10}, size - 1, size + 1}) {
        file.resize(wrong);
        const auto map = file.map();
        REQUIRE_FALSE(map.has_value());
        CHECK(map.error().code == ErrorCode::corruption);
        CHECK(map.error().message.find(std::to_string(wrong) + " bytes, expected " + std::to_string(size)) !=
              std::string::npos);
        file.resize(size);
    }
    MappedSections other;
    other.identity().number = 8;
    const auto map = other.map();
    REQUIRE_FALSE(map.has_value());
    CHECK(map.error().code == ErrorCode::corruption);
    CHECK(map.error().message.starts_with("/vectors: "));
}
