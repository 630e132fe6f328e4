/// segment_files_support: sealed segments of every kind on a disk in memory, ways to damage their files, and everything
/// that is asked of a segment that was read.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sextant/format/segment_footer.hpp"
#include "sextant/format/segment_meta.hpp"
#include "sextant/metric/cosine.hpp"
#include "sextant/metric/inner_product.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "sextant/segment/field_scratch.hpp"
#include "sextant/segment/growing_segment.hpp"
#include "sextant/segment/segment_files.hpp"
#include "sextant/segment/typed_field.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"
#include "support/sim_disk.hpp"

namespace test_support {

using Fields = std::vector<std::unique_ptr<sextant::VectorField>>;

/// "squared_l2", "cosine" or "inner_product"; with 8-bit codes or without.
inline Fields fields_of(std::string_view metric, bool codes, std::size_t dimension,
                        sextant::RawPrecision raw = sextant::RawPrecision::F32) {
    using namespace sextant;
    const HnswParams params{.m = 4, .ef_construction = 32, .seed = 7};
    Fields fields;
    const auto add = [&]<class M>(M) {
        if (codes) {
            const ScalarQuantizer::Options options;
            fields.push_back(std::make_unique<TypedField<M, ScalarQuantizer>>(dimension, params, options, raw));
        } else {
            const NoQuantizer::Options options;
            fields.push_back(std::make_unique<TypedField<M, NoQuantizer>>(dimension, params, options, raw));
        }
    };
    if (metric == "cosine") {
        add(Cosine{});
    } else if (metric == "inner_product") {
        add(InnerProduct{});
    } else {
        add(SquaredL2{});
    }
    return fields;
}

/// {"a": number}, encoded.
inline std::string blob_of(std::uint64_t number) { return {'\1', '\1', 'a', '\4', static_cast<char>(number % 100)}; }
inline std::string text_of(std::span<const std::byte> blob) {
    return {reinterpret_cast<const char*>(blob.data()), blob.size()};
}

struct SegmentKindOfTest {
    std::string metric = "squared_l2";
    bool codes = false;
    bool uuids = false;
    bool payloads = true;
    std::uint32_t rows = 600;
    std::size_t dimension = 32;
    std::uint64_t seed = 1;
    sextant::RawPrecision raw = sextant::RawPrecision::F32;
};

/// A sealed segment and the disk it was written to.
class StoredSegment {
public:
    explicit StoredSegment(const SegmentKindOfTest& kind)
        : fields(fields_of(kind.metric, kind.codes, kind.dimension, kind.raw)),
          vectors(normal_vectors(kind.rows, kind.dimension, kind.seed)) {
        using namespace sextant;
        const auto growing = GrowingSegment::create(fields, kind.rows + 1, kind.uuids, account).value();
        for (std::uint32_t row = 0; row < kind.rows; ++row) {
            const std::string payload = kind.payloads && row % 3 != 0 ? blob_of(row) : std::string();
            growing->reserve({.rows = 1, .payload_bytes = payload.size(), .any_payload = !payload.empty()}).value();
            const PointId id = kind.uuids && row % 2 == 1 ? PointId::from_name(std::to_string(row))
                                                          : PointId{row + std::uint64_t{1000} * kind.seed};
            const VectorView view = vectors[row];
            growing->append(id, Lsn{row + 1}, {&view, 1}, std::as_bytes(std::span(payload.data(), payload.size())));
            growing->enroll(row, id, id.hash());
        }
        const std::vector<SegmentState> sources{growing->state(growing)};
        const SegmentSealer sealer(sources, Lsn{kind.rows});
        built = sealer.build({fields, &account, &executor, {}}, [](double) {}).value();
        disk.files().create_directory("/seg").value();
        place.files = &disk.files();
        place.directory = "/seg";
        place.number = 7;
        for (std::size_t i = 0; i < place.collection.size(); ++i) place.collection[i] = static_cast<std::byte>(i);
    }
    StoredSegment(const StoredSegment&) = delete;
    StoredSegment& operator=(const StoredSegment&) = delete;

    sextant::WrittenSegment write() { return write_to(place); }
    sextant::WrittenSegment write_to(const sextant::SegmentPlace& where) {
        return sextant::write_segment(where, *built, fields, {}, [](std::size_t) {}).value();
    }
    [[nodiscard]] sextant::Result<sextant::ReadSegment> read(bool rebuild = false, std::uint64_t footer = 0) {
        return sextant::read_segment(
            place, fields,
            {.account = &account, .executor = &executor, .expected_footer = footer, .rebuild_derived = rebuild});
    }
    [[nodiscard]] sextant::SegmentState state() const { return built->state(built); }

    /// Paths below the segment's directory, directories left out.
    [[nodiscard]] std::vector<std::string> names() {
        std::vector<std::string> found;
        for (const auto& entry : disk.files().list(place.path()).value()) {
            if (!entry.is_directory) {
                found.push_back(entry.name);
                continue;
            }
            for (const auto& inner : disk.files().list(place.path() + "/" + entry.name).value()) {
                found.push_back(entry.name + "/" + inner.name);
            }
        }
        return found;
    }
    [[nodiscard]] std::vector<std::byte> bytes_of(const std::string& name) {
        const auto file = disk.files().open(place.path() + "/" + name, sextant::FileMode::read).value();
        std::vector<std::byte> bytes(file->size().value());
        sextant::read_exactly(*file, 0, bytes).value();
        return bytes;
    }
    void put(const std::string& name, std::span<const std::byte> bytes) {
        const auto file = disk.files().open(place.path() + "/" + name, sextant::FileMode::create).value();
        file->truncate(bytes.size()).value();
        file->write_at(0, bytes).value();
    }
    void flip(const std::string& name, std::uint64_t bit) {
        const auto file = disk.files().open(place.path() + "/" + name, sextant::FileMode::read_write).value();
        std::byte byte{};
        sextant::read_exactly(*file, bit / 8, {&byte, 1}).value();
        byte ^= std::byte{1} << (bit % 8);
        file->write_at(bit / 8, {&byte, 1}).value();
    }
    [[nodiscard]] sextant::format::FileIdentity identity(sextant::format::FileKind kind) const {
        return sextant::format::segment_file_identity({place.collection, kind, place.number}, kind, 0);
    }
    /// Puts bytes in place of a file, and makes the footer say that they are right.
    void forge(sextant::format::FileKind kind, const std::string& name, std::span<const std::byte> bytes) {
        using namespace sextant;
        put(name, bytes);
        const auto self = identity(format::FileKind::segment_footer);
        auto footer = format::decode_segment_footer(bytes_of("footer"), self, "footer").value();
        for (format::FileEntry& entry : footer.files) {
            if (entry.kind != kind) continue;
            entry.size = bytes.size();
            entry.blocks.clear();
            for (std::size_t at = 0; at < bytes.size(); at += format::block_size) {
                const auto block = bytes.subspan(at, std::min(format::block_size, bytes.size() - at));
                entry.blocks.push_back(format::block_checksum(identity(kind), entry.blocks.size(), block));
            }
        }
        put("footer", format::encode_segment_footer(self, footer));
    }
    /// Meta after `change`, with right checksums.
    template <class Change>
    void forge_meta(const Change& change) {
        using namespace sextant;
        const auto self = identity(format::FileKind::segment_meta);
        auto meta = format::decode_segment_meta(bytes_of("meta"), self, "meta").value();
        change(meta);
        forge(format::FileKind::segment_meta, "meta", format::encode_segment_meta(self, meta));
    }

    sextant::MemoryAccount account{"test"};
    sextant::InlineExecutor executor;
    Fields fields;
    Vectors vectors;
    SimDisk disk;
    sextant::SegmentPlace place;
    std::shared_ptr<sextant::SealedSegment> built;
};

inline std::vector<sextant::Neighbor> nearest(const sextant::SegmentState& state, sextant::VectorView query, bool exact,
                                              sextant::RowFilter filter = {}) {
    sextant::FieldScratch scratch;
    std::vector<sextant::Neighbor> found(10);
    sextant::FieldQuery asked{.vector = query, .count = 10, .ef = 50, .exact = exact, .filter = filter};
    asked.admitted_count = state.row_count;
    found.resize(state.segment->field(0).search(asked, state.row_count, scratch, found).found);
    return found;
}

/// Everything a segment may be asked; nothing of it may fail but by an error.
inline void use(const std::shared_ptr<sextant::SealedSegment>& segment, const StoredSegment& stored) {
    using namespace sextant;
    const SegmentState state = segment->state(segment);
    std::size_t sum = 0;
    for (std::uint32_t row = 0; row < state.row_count; ++row) {
        const PointId id = state.ids[row];
        sum += to_index(state.find(id, id.hash())) + state.payload(row, Lsn{~std::uint64_t{0}}).size();
    }
    sum += to_index(state.find(PointId{~std::uint64_t{0}}, PointId{~std::uint64_t{0}}.hash()));
    for (std::size_t i = 0; i < 5; ++i) {
        const VectorView query = stored.vectors[i * 7];
        sum += nearest(state, query, false).size() + nearest(state, query, true).size();
    }
    CHECK(sum != 0);
    const auto verified = segment->field(0).verify(state.row_count, {});
    if (!verified) CHECK(verified.error().code == ErrorCode::corruption);
    // Merging copies the graph, less a tenth of its rows.
    std::vector<std::uint32_t> dead;
    for (std::uint32_t row = 5; row < state.row_count; row += 10) dead.push_back(row);
    segment->tombstones().commit(segment->tombstones().prepare(dead).value());
    MemoryAccount account{"merge"};
    InlineExecutor executor;
    const std::vector<SegmentState> sources{segment->state(segment)};
    const SegmentSealer sealer(sources, Lsn{~std::uint64_t{0}});
    const auto merged = sealer.build({stored.fields, &account, &executor, {}}, [](double) {});
    CHECK(merged.has_value());
}

}  // namespace test_support
