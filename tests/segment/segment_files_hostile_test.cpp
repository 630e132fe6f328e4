// Contents that no writer makes, under checksums that are right: refused, or harmless whatever is asked (run under the
// address sanitizer).
#include <functional>

#include "segment/segment_files_support.hpp"
#include "sextant/core/random.hpp"
#include "sextant/format/bytes.hpp"

using namespace sextant;
using namespace test_support;
using format::FileKind;

namespace {

constexpr std::size_t first_section = 64;
constexpr std::uint32_t none = 0xFFFFFFFFU;

struct Hostile : StoredSegment {
    explicit Hostile(const SegmentKindOfTest& kind) : StoredSegment(kind) { write(); }

    /// The file after `change`, with right checksums.
    template <class Change>
    void edit(FileKind kind, const std::string& name, const Change& change) {
        before.emplace_back(name, bytes_of(name));
        before.emplace_back("footer", bytes_of("footer"));
        auto bytes = bytes_of(name);
        change(bytes);
        forge(kind, name, bytes);
    }
    void restore() {
        while (!before.empty()) {
            put(before.back().first, before.back().second);
            before.pop_back();
        }
    }
    void refused() {
        const auto damaged = read();
        REQUIRE_FALSE(damaged.has_value());
        CHECK(damaged.error().code == ErrorCode::corruption);
        restore();
    }
    void refused_or_harmless() {
        const auto found = read();
        if (found.has_value()) {
            use(found->segment, *this);
        } else {
            const ErrorCode code = found.error().code;
            CHECK((code == ErrorCode::corruption || code == ErrorCode::unsupported));  // the bytes may name a version
        }
        restore();
    }

    std::vector<std::pair<std::string, std::vector<std::byte>>> before;
};

std::size_t aligned(std::size_t size) { return (size + 63) / 64 * 64; }

auto set32(std::size_t offset, std::uint32_t value) {
    return [=](std::vector<std::byte>& bytes) { format::store_le(bytes.data() + offset, value); };
}
auto set64(std::size_t offset, std::uint64_t value) {
    return [=](std::vector<std::byte>& bytes) { format::store_le(bytes.data() + offset, value); };
}

}  // namespace

TEST_CASE("ids that cannot be are refused though checksums are right", "[segment_files]") {
    constexpr std::size_t rows = 100;
    Hostile narrow({.rows = rows, .dimension = 4});
    // Ids 1000 … 1099; an id twice, or one that its slot in the map does not lead to.
    narrow.edit(FileKind::ids, "ids", set64(first_section + 8, 1000));
    narrow.refused();
    narrow.edit(FileKind::ids, "ids", set64(first_section + 8, 5));
    narrow.refused();
    Hostile wide({.uuids = true, .rows = rows, .dimension = 4});
    const std::size_t kinds = first_section + aligned(16 * rows);
    wide.edit(FileKind::ids, "ids", [&](auto& bytes) { bytes[kinds] = std::byte{2}; });
    wide.refused();
    wide.edit(FileKind::ids, "ids", [&](auto& bytes) { bytes[kinds + 1] = std::byte{0}; });  // a UUID as an integer
    wide.refused();
    wide.edit(FileKind::ids, "ids",
              [&](auto& bytes) { bytes[first_section] = std::byte{1}; });  // an integer of 16 bytes
    wide.refused();
    wide.edit(FileKind::ids, "ids", [&](auto& bytes) { bytes[kinds + rows] = std::byte{1}; });  // padding
    wide.refused();
}

TEST_CASE("id maps that cannot be are refused though checksums are right", "[segment_files]") {
    constexpr std::size_t rows = 100;
    constexpr std::size_t slots = rows + rows / 3 + 1;
    Hostile stored({.rows = rows, .dimension = 4});
    const std::size_t map = first_section + 2 * aligned(8 * rows);
    REQUIRE(stored.bytes_of("ids").size() == map + 4 * slots);
    const auto whole = stored.bytes_of("ids");
    std::size_t taken = 0;
    while (format::load_le<std::uint32_t>(whole.data() + map + 4 * taken) == none) ++taken;
    std::size_t free = 0;
    while (format::load_le<std::uint32_t>(whole.data() + map + 4 * free) != none) ++free;
    const auto at = [&](std::size_t slot) { return map + 4 * slot; };
    const auto entry = format::load_le<std::uint32_t>(whole.data() + at(taken));
    for (const auto& [slot, value] : std::vector<std::pair<std::size_t, std::uint32_t>>{
             {taken, none},                   // a row is missing
             {free, entry},                   // one is there twice
             {taken, (entry & ~127U) | 100},  // a row that does not exist
             {taken, (entry & ~127U) | 127},
             {taken, entry ^ 0x80000000U},  // another tag
             {taken, entry ^ 1U}}) {        // another row's
        stored.edit(FileKind::ids, "ids", set32(at(slot), value));
        stored.refused();
    }
    stored.edit(FileKind::ids, "ids", [&](auto& bytes) {  // no slot is empty: a search would not end
        for (std::size_t slot = 0; slot < slots; ++slot) format::store_le(bytes.data() + at(slot), entry);
    });
    stored.refused();
    stored.edit(FileKind::ids, "ids", [&](auto& bytes) {  // each row once, anywhere
        for (std::uint32_t row = 0; row < slots; ++row) {
            format::store_le(bytes.data() + at(row), row < rows ? entry - (entry & 127U) + row : none);
        }
    });
    stored.refused();
}

TEST_CASE("payloads that cannot be are refused or harmless though checksums are right", "[segment_files]") {
    constexpr std::size_t rows = 100;
    Hostile stored({.rows = rows, .dimension = 4});
    const std::size_t ends = first_section;
    for (const auto& [row, end] :
         std::vector<std::pair<std::size_t, std::uint64_t>>{{50, 0},                  // they fall
                                                            {50, ~std::uint64_t{0}},  // past the end
                                                            {0, 1'000'000},           //
                                                            {99, 0},                  // the last one
                                                            {99, 329},                // a byte too few
                                                            {99, 331}}) {
        stored.edit(FileKind::payload, "payload", set64(ends + 8 * row, end));
        stored.refused();
    }
    Random random(9);
    for (int round = 0; round < 20; ++round) {
        stored.edit(FileKind::payload, "payload", [&](auto& bytes) {
            for (std::size_t at = first_section + aligned(8 * rows); at < bytes.size(); ++at) {
                if (random.below(4) == 0) bytes[at] = static_cast<std::byte>(random.below(256));
            }
        });
        stored.refused_or_harmless();
    }
}

TEST_CASE("graphs that cannot be are refused though checksums are right", "[segment_files]") {
    constexpr std::uint32_t rows = 300;
    Hostile stored({.rows = rows, .dimension = 4});
    const auto whole = stored.bytes_of("v0/graph");
    const std::size_t upper = first_section + aligned(std::size_t{rows} * 8 * 4);
    const auto slots = format::load_le<std::uint32_t>(whole.data() + upper + 28);
    REQUIRE(slots > 20);
    const auto entry_slot = format::load_le<std::uint32_t>(whole.data() + upper + 36);
    const std::size_t links = upper + 64 + aligned(4 * slots);
    const auto refuse = [&](std::size_t offset, std::uint32_t value) {
        INFO("offset " << offset << " value " << value);
        stored.edit(FileKind::graph, "v0/graph", set32(offset, value));
        stored.refused();
    };
    refuse(first_section, rows);  // a link out of range
    refuse(first_section + 4 * (rows * 8 - 1), none - 1);
    refuse(upper, 0);        // version
    refuse(upper + 4, 5);    // m
    refuse(upper + 12, 0);   // an empty graph
    refuse(upper + 12, 1);   // an entry on level 0 with a slot
    refuse(upper + 12, 17);  // a level too high
    refuse(upper + 12, none);
    refuse(upper + 24, rows - 1);   // rows
    refuse(upper + 28, slots + 1);  // slots
    refuse(upper + 28, none);
    refuse(upper + 32, rows);   // the entry's row
    refuse(upper + 36, slots);  // its slot
    refuse(upper + 36, none);
    refuse(upper + 36, entry_slot == 0 ? 1 : entry_slot - 1);
    refuse(upper + 40, 1);                                                                            // reserved
    refuse(upper + 64, rows);                                                                         // a slot's row
    refuse(upper + 64 + 4 * (slots - 1), format::load_le<std::uint32_t>(whole.data() + upper + 64));  // in two places
    refuse(links, slots);  // an upper link out of range
    refuse(links, 0);      // to itself
    refuse(links + 4 * (4 * entry_slot), entry_slot == 0 ? 1 : 0);
}

TEST_CASE("graphs, vectors and codes of random bytes are refused or harmless", "[segment_files]") {
    constexpr std::uint32_t rows = 300;
    const std::string metric = GENERATE("squared_l2", "cosine", "inner_product");
    Hostile stored({.metric = metric, .codes = true, .rows = rows, .dimension = 8});
    Random random(11);
    const std::size_t upper = first_section + aligned(std::size_t{rows} * 8 * 4);
    const auto random_words = [&](std::size_t from, std::size_t share, std::uint32_t below) {
        return [&random, from, share, below](std::vector<std::byte>& bytes) {
            for (std::size_t at = from; at + 4 <= bytes.size(); at += 4) {
                if (random.below(share) == 0) {
                    format::store_le(bytes.data() + at, static_cast<std::uint32_t>(random.below(below)));
                }
            }
        };
    };
    for (int round = 0; round < 6; ++round) {
        stored.edit(FileKind::graph, "v0/graph", [&](auto& bytes) {  // any links that are in range, twice, to oneself
            for (std::size_t at = first_section; at < upper - 64; at += 4) {
                const auto row = static_cast<std::uint32_t>(random.below(rows + 50));
                format::store_le(bytes.data() + at, row < rows ? row : none);
            }
        });
        stored.refused_or_harmless();
        stored.edit(FileKind::graph, "v0/graph", random_words(upper, 20, 60));
        stored.refused_or_harmless();
        stored.edit(FileKind::vectors, "v0/vectors", random_words(first_section, 3, none));  // NaN among them
        stored.refused_or_harmless();
        stored.edit(FileKind::codes, "v0/codes", random_words(first_section, 3, none));
        stored.refused_or_harmless();
        stored.edit(FileKind::codebook, "v0/codebook", random_words(first_section, 10, none));
        stored.refused_or_harmless();
    }
}

TEST_CASE("a codebook for vectors of another dimension is refused", "[segment_files]") {
    Hostile large({.codes = true, .rows = 100, .dimension = 64});
    Hostile stored({.codes = true, .rows = 100, .dimension = 4});
    stored.forge(FileKind::codebook, "v0/codebook", large.bytes_of("v0/codebook"));
    stored.forge(FileKind::codes, "v0/codes", large.bytes_of("v0/codes"));
    const auto sizes =
        format::decode_segment_meta(large.bytes_of("meta"), large.identity(FileKind::segment_meta), "meta");
    stored.forge_meta([&](format::SegmentMeta& meta) {
        meta.fields[0].codebook_size = sizes->fields[0].codebook_size;
        meta.fields[0].code_stride = sizes->fields[0].code_stride;
    });
    const auto read = stored.read();
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::corruption);
    CHECK(read.error().message == "/seg/000007/v0: codebook: dimension is 64, expected 4");
    const auto healed = stored.read(true);
    REQUIRE(healed.has_value());
    CHECK(healed->rebuilt.size() == 1);
}

TEST_CASE("sizes in meta that files do not have are refused before memory is taken", "[segment_files]") {
    constexpr std::uint32_t rows = 100;
    const std::vector<std::function<void(format::SegmentMeta&)>> changes{
        [](auto& meta) { meta.row_count = rows + 1; },
        [](auto& meta) { meta.row_count = 1U << 30U, meta.id_slots = (1U << 30U) + 1; },
        [](auto& meta) { meta.row_count = rows - 1; },
        [](auto& meta) { meta.id_slots += 1; },
        [](auto& meta) { meta.wide_ids = true; },
        [](auto& meta) { meta.payload_size += 1; },
        [](auto& meta) { meta.payload_size = std::uint64_t{1} << 48U; },
        [](auto& meta) { meta.payload_size = 0; },
        [](auto& meta) { meta.fields[0].codebook_size += 1; },
        [](auto& meta) { meta.fields[0].codebook_size = format::max_codebook_size; },
        [](auto& meta) { meta.fields[0].upper_size += 64; },
        [](auto& meta) { meta.fields[0].upper_size = std::uint64_t{1} << 40U; },
        [](auto& meta) {
            meta.fields[0].has_codes = false, meta.fields[0].codebook_size = 0, meta.fields[0].code_stride = 0;
        },
        [](auto& meta) { meta.fields.push_back(meta.fields[0]); },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO("change " << i);
        Hostile stored({.codes = true, .rows = rows, .dimension = 4});
        stored.forge_meta(changes[i]);
        const std::uint64_t peak = stored.account.used();
        const auto read = stored.read();
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == ErrorCode::corruption);
        CHECK(stored.account.used() == peak);
    }
}

TEST_CASE("a footer that lists too few files or too many is refused", "[segment_files]") {
    StoredSegment stored({.rows = 20});
    stored.write();
    const auto self = stored.identity(FileKind::segment_footer);
    const auto whole = format::decode_segment_footer(stored.bytes_of("footer"), self, "footer").value();
    const auto refused = [&](const format::SegmentFooter& footer) {
        stored.put("footer", format::encode_segment_footer(self, footer));
        CHECK_FALSE(stored.read().has_value());
        CHECK_FALSE(verify_segment_files(stored.place, 0).has_value());
    };
    for (std::size_t i = 0; i < whole.files.size(); ++i) {
        auto fewer = whole;
        fewer.files.erase(fewer.files.begin() + static_cast<std::ptrdiff_t>(i));
        refused(fewer);
    }
    auto more = whole;
    more.files.push_back(more.files.back());
    more.files.back().kind = FileKind::codes;
    refused(more);
}
