// An audit of a collection whose parts were damaged one by one behind its back: each is found and named.
#include <algorithm>
#include <limits>

#include "collection/collection_support.hpp"
#include "collection/core_state.hpp"
#include "sextant/segment/field_sealed.hpp"
#include "sextant/segment/typed_field.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;
using detail::CoreState;
using detail::Version;
using detail::WriteKind;
using detail::WriteOp;

namespace {

std::vector<std::unique_ptr<VectorField>> one_field() {
    std::vector<std::unique_ptr<VectorField>> fields;
    fields.push_back(std::make_unique<TypedField<Cosine, ScalarQuantizer>>(8));
    return fields;
}

/// 3,000 points, some dead, some with a payload; sealed, with ten more in a growing segment.
class Audited {
public:
    Audited() {
        write(0, 3000);
        std::vector<WriteOp> ops;
        for (std::uint64_t i = 100; i < 200; ++i) ops.push_back({.kind = WriteKind::erase, .id = PointId{i}});
        state->write(ops).value();
        state->background.start_optimize().wait().value();
        write(5000, 5010);
        version = state->cell.share();
        REQUIRE(version->segments.size() == 2);
    }

    /// What the audit says; empty where it finds nothing.
    std::string complaint(Depth depth = Depth::full) {
        const auto sound = state->verify(depth);
        if (sound) return "";
        CHECK(sound.error().code == ErrorCode::corruption);
        return sound.error().message;
    }
    SegmentState& segment(std::size_t index) { return const_cast<SegmentState&>(*version->segments[index]); }

    template <class T>
    static T& writable(const T& value) {
        return const_cast<T&>(value);
    }

private:
    void write(std::uint64_t first, std::uint64_t last) {
        std::vector<std::byte> blob;
        encode_payload({{"text", "words"}}, blob).value();
        std::vector<WriteOp> ops;
        for (std::uint64_t i = first; i < last; ++i) {
            ops.push_back({.kind = WriteKind::upsert, .id = PointId{i}, .vector = vectors[i % 3000], .payload = blob});
        }
        state->write(ops).value();
    }

    const Vectors vectors = normal_vectors(3000, 8, 1);
    const OpenOptions open = inline_work();
    detail::ExecutorSource executors{open.executor};

public:
    std::shared_ptr<CoreState> state =
        std::make_shared<CoreState>(detail::CoreOptions{.dimension = 8}, open, one_field(), executors);
    SharedVersion<Version> version;
};

bool says(const std::string& text, const std::string& start, const std::string& part = "") {
    CAPTURE(text);
    return text.rfind(start, 0) == 0 && text.find(part) != std::string::npos;
}

const detail::SealedRows& sealed_rows(Audited& audited) {
    return dynamic_cast<const detail::SealedRows&>(audited.segment(0).segment->field(0));
}

}  // namespace

TEST_CASE("an audit of what is sound finds nothing", "[verify]") {
    Audited audited;
    CHECK(audited.complaint(Depth::structure).empty());
    CHECK(audited.complaint().empty());
}

TEST_CASE("an audit finds ids that lead elsewhere, and those that are alive twice", "[verify]") {
    Audited audited;
    std::uint64_t& id = Audited::writable(audited.segment(0).ids.integers[7]);
    id = 1'000'000;
    CHECK(audited.complaint(Depth::structure) == "segment 0, row 7: its id leads elsewhere");
    id = 8;
    CHECK(audited.complaint(Depth::structure) == "segment 0, row 7: its id leads elsewhere");
    id = 7;
    CHECK(audited.complaint(Depth::structure).empty());
    // The growing segment's first row becomes point 9, which the sealed one has.
    Audited::writable(audited.segment(1).ids.integers[0]) = 9;
    CHECK(audited.complaint(Depth::structure) == "segment 1, row 0: its id 9 is alive in segment 0 as well");
}

TEST_CASE("an audit finds counts and versions that cannot be", "[verify]") {
    Audited audited;
    audited.segment(0).live_count -= 1;
    CHECK(audited.complaint(Depth::structure) == "segment 0: 2900 live rows, its state says 2899");
    audited.segment(0).live_count += 1;
    Audited::writable(*audited.version).live_count += 1;
    CHECK(audited.complaint(Depth::structure) == "2910 live rows in segments, the version says 2911");
    Audited::writable(*audited.version).live_count -= 1;
    Audited::writable(audited.segment(0).versions[3]) += 1'000'000;
    CHECK(audited.complaint(Depth::structure) == "segment 0, row 3: its version is in the future");
}

TEST_CASE("an audit finds payloads that end before they begin, and those that are none", "[verify]") {
    Audited audited;
    const PayloadSpans payloads = audited.segment(0).payloads;
    std::uint64_t& end = Audited::writable(payloads.ends[5]);
    const std::uint64_t right = end;
    end = payloads.ends[4] - 1;
    CHECK(audited.complaint(Depth::structure) == "segment 0, row 5: its payload ends before it begins");
    end = right;
    Audited::writable(payloads[5][0]) = std::byte{0x77};
    CHECK(audited.complaint(Depth::structure).empty());  // contents are for the full audit
    CHECK(says(audited.complaint(), "segment 0, row 5: "));
}

TEST_CASE("a full audit finds vectors, norms and codes that do not fit", "[verify]") {
    Audited audited;
    const detail::FieldView view = sealed_rows(audited).view();
    auto& component = *reinterpret_cast<float*>(const_cast<std::byte*>(view.raw.row(RowId{11})));
    const float right = component;
    component = std::numeric_limits<float>::quiet_NaN();
    CHECK(audited.complaint() == "segment 0: vectors: row 11: a component is not finite");
    component = right + 1.0F;
    CHECK(says(audited.complaint(), "segment 0: vectors: row 11: 1/norm is"));
    component = right;
    CHECK(audited.complaint().empty());
    auto* const code = const_cast<std::byte*>(view.codes.row(RowId{12}));
    for (std::size_t i = 0; i < 8; ++i) code[i] ^= std::byte{0x7f};
    CHECK(says(audited.complaint(), "segment 0: ", "row 12"));
}

TEST_CASE("a full audit finds links that lead nowhere and rows that no walk meets", "[verify]") {
    Audited audited;
    const HnswSections sections = sealed_rows(audited).graph().sections();
    auto* const links = reinterpret_cast<std::uint32_t*>(const_cast<std::byte*>(sections.level0.data()));
    const std::size_t degree = 2 * sealed_rows(audited).graph().params().m;
    const std::uint32_t right = links[20 * degree];
    links[20 * degree] = 123'456'789;
    CHECK(audited.complaint() == "segment 0: graph: the list of row 20 holds a number out of range: 123456789");
    links[20 * degree] = right;
    CHECK(audited.complaint().empty());
    // Nobody links to row 21 any more.
    for (std::size_t row = 0; row < 2900; ++row) {
        std::uint32_t* const list = links + row * degree;
        std::uint32_t* const end = std::find(list, list + degree, to_index(no_row));
        std::fill(std::remove(list, end, 21U), end, to_index(no_row));
    }
    CHECK(says(audited.complaint(), "segment 0: graph: ", "row 21"));
}
