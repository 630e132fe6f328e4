// Bytes as the two sections of a graph: they are refused, or can be searched, audited and copied.
// Input: a byte of flags (bit 0: the rest is edits of a sound graph, each u16 offset, u8 value; else it is the sections;
// bit 1: a seal of 40 rows drops every third), then the rest.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "index/support/test_rows.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"

namespace {

using namespace sextant;
using test::TestRows;

constexpr std::uint32_t rows = 40;
constexpr HnswParams params{.m = 4, .ef_construction = 8, .seed = 7};

void require(bool condition) {
    if (!condition) std::abort();
}

/// A graph of these rows that is sound, as its sections lie one behind the other.
struct Sound {
    TestRows points = TestRows::uniform(rows, 2, 5);
    std::vector<std::byte> bytes;
    std::size_t level0 = 0;

    Sound() {
        test::TestGraph graph(points, params);
        graph.link(rows).value();
        graph.finish().value();
        const HnswSections sections = graph.index.sections();
        level0 = sections.level0.size();
        bytes.assign(sections.level0.begin(), sections.level0.end());
        bytes.insert(bytes.end(), sections.upper.begin(), sections.upper.end());
    }
};

/// In memory that ends where the section ends, so that the sanitizer sees whoever reads past it.
std::shared_ptr<std::byte> copy_of(std::span<const std::byte> section) {
    static constexpr std::align_val_t line{64};
    auto* const memory = static_cast<std::byte*>(::operator new(section.size() + 1, line));
    std::copy(section.begin(), section.end(), memory);
    return {memory, [](std::byte* at) { ::operator delete(at, line); }};
}

std::vector<std::byte> graph_of(const Sound& sound, bool edits, std::span<const std::byte> content) {
    std::vector<std::byte> bytes = sound.bytes;
    if (!edits) {
        // Longer or shorter, too, as the header says how many upper lists there are.
        if (content.size() > sound.level0 + 64) bytes.resize(content.size());
        std::copy_n(content.begin(), std::min(content.size(), bytes.size()), bytes.begin());
        return bytes;
    }
    for (std::size_t i = 0; i + 3 <= content.size(); i += 3) {
        const std::size_t offset =
            std::to_integer<std::size_t>(content[i]) + 256 * std::to_integer<std::size_t>(content[i + 1]);
        bytes[offset % bytes.size()] = content[i + 2];
    }
    return bytes;
}

void use(const Sound& sound, const HnswIndex& graph, bool copy) {
    HnswScratch scratch;
    const std::array<float, 2> query{0.4F, 0.6F};
    const TestRows::State state{&sound.points, query.data()};
    for (const std::size_t ef : {std::size_t{5}, std::size_t{rows}}) {
        std::array<Neighbor, 5> found;
        SearchCounters counters;
        const std::size_t count = graph.search(TestRows::scorer(state), {}, {ef, nullptr}, scratch, found, counters);
        require(count <= found.size());
        for (std::size_t i = 0; i < count; ++i) {
            require(to_index(found[i].row) < rows);
            require(i == 0 || found[i - 1] < found[i]);
        }
    }
    const auto audit = graph.audit({});
    require(audit.has_value() ? audit->live_rows == rows : audit.error().code == ErrorCode::corruption);
    if (!copy) return;
    std::array<std::uint32_t, rows> new_rows{};
    std::uint32_t kept = 0;
    TestRows points(2);
    for (std::uint32_t row = 0; row < rows; ++row) {
        new_rows[row] = row % 3 == 0 ? to_index(no_row) : kept++;
        if (row % 3 != 0) points.push_back({sound.points.row(row)[0], sound.points.row(row)[1]});
    }
    MemoryAccount account{"fuzz"};
    InlineExecutor executor;
    const auto factory = points.pair_factory();
    const auto key = [](RowId row) { return std::uint64_t{to_index(row)} * 77; };
    const HnswBuild build{factory, key, {}, &executor, {}};
    auto copied = HnswIndex::from_rows(graph, new_rows, kept, kept, account, build);
    require(copied.has_value() && copied->finish(build).has_value());
    const auto sane = copied->audit({});
    require(sane.has_value() && sane->reachable_live_rows == kept);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static const Sound sound;
    static MemoryAccount account{"fuzz"};
    const auto content = std::span(reinterpret_cast<const std::byte*>(data), size).subspan(1);
    const std::vector<std::byte> bytes = graph_of(sound, (data[0] & 1U) != 0, content);
    const auto level0 = std::span(bytes).first(sound.level0);
    const auto upper = std::span(bytes).subspan(sound.level0);
    const auto lists = copy_of(level0);
    const auto graph = HnswIndex::map(params, rows, {lists.get(), level0.size()}, upper, lists, account);
    if (!graph) {
        const ErrorCode code = graph.error().code;
        require(code == ErrorCode::corruption || code == ErrorCode::unsupported);
        require(!graph.error().message.empty());
        return 0;
    }
    use(sound, *graph, (data[0] & 2U) != 0);
    return 0;
}
