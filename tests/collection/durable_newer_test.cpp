// Files of a later version: such a collection is refused as a whole, before a byte of it is written.
#include <algorithm>
#include <string>

#include "collection/golden_collection.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/manifest.hpp"
#include "sextant/format/sealed_body.hpp"
#include "sextant/format/segment_footer.hpp"
#include "sextant/format/wal_frame.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr const char* path = "points.sxt";
constexpr std::uint16_t later = format::format_version + 1;

/// Changes files of a collection, and makes right again every checksum that covers what was changed.
class Forger {
public:
    explicit Forger(std::map<std::string, FileBytes> all) : files(std::move(all)) {
        const std::string current(reinterpret_cast<const char*>(files.at("CURRENT").data()),
                                  files.at("CURRENT").size());
        number_ = format::decode_current(current, "CURRENT").value().manifest_number;
        collection_ = decoded().identity.collection;
    }

    std::map<std::string, FileBytes> files;

    [[nodiscard]] std::string manifest() const { return format::manifest_name(number_); }

    /// The one in the header of the file.
    void set_version(const std::string& file) {
        FileBytes& bytes = files.at(file);
        format::store_le(bytes.data() + 10, later);
        format::store_le(bytes.data() + 56, hash64(std::span(bytes).first(56)));
        cover(file);
    }
    /// Of what a file of sections holds, at `offset` in the file.
    template <class T>
    void set(const std::string& file, std::size_t offset, T value) {
        format::store_le(files.at(file).data() + offset, value);
        cover(file);
    }
    /// The encoding of a payload: of the first frame that changes one alone, in that log file.
    void set_logged_payload_version(const std::string& file) {
        FileBytes& bytes = files.at(file);
        std::size_t at = format::file_header_size;
        const auto size = [&] {
            return static_cast<std::size_t>(format::frame_size(format::load_le<std::uint32_t>(bytes.data() + at + 8)));
        };
        constexpr std::size_t effect = format::wal_frame_header_size;
        while (bytes.at(at + effect) != std::byte{3}) at += size();
        bytes.at(at + effect + 24) = std::byte{2};
        const format::FileIdentity identity{collection_, format::FileKind::wal, std::stoull(file.substr(4))};
        format::store_le(bytes.data() + at,
                         hash64(std::span(bytes).subspan(at + 8, size() - 8), format::checksum_seed(identity, at)));
    }
    /// The same of the first payload in a file of changed ones.
    void set_changed_payload_version(const std::string& file) {
        FileBytes& bytes = files.at(file);
        bytes.at(format::body_offset + 24) = std::byte{2};
        const format::FileIdentity identity{collection_, format::FileKind::payload_overlay,
                                            format::load_le<std::uint64_t>(bytes.data() + 16)};
        format::store_le(bytes.data() + format::body_checksum_offset,
                         hash64(std::span(bytes).subspan(format::body_offset),
                                format::checksum_seed(identity, format::body_offset)));
    }
    /// A byte in the middle of the file, which no checksum knows of.
    void damage(const std::string& file) {
        FileBytes& bytes = files.at(file);
        bytes[bytes.size() / 2] ^= std::byte{1};
    }
    void cover(const std::string& file) {
        if (file == manifest()) {
            const std::string current = format::encode_current(number_, hash64(files.at(file)));
            const auto text = std::as_bytes(std::span(current.data(), current.size()));
            files.at("CURRENT") = {text.begin(), text.end()};
            return;
        }
        if (!file.starts_with("seg/") || file.find("/del-") != std::string::npos) return;
        if (file.find("/payload-") != std::string::npos) return;
        const std::string segment = file.substr(0, file.find('/', 4));
        const std::uint64_t number = std::stoull(segment.substr(4));
        if (!file.ends_with("/footer")) {
            const format::FileIdentity footer{collection_, format::FileKind::segment_footer, number};
            auto listed = format::decode_segment_footer(files.at(segment + "/footer"), footer, "footer").value();
            for (format::FileEntry& entry : listed.files) {
                if (entry.kind == kind_in(file)) list(entry, files.at(file), number);
            }
            files.at(segment + "/footer") = format::encode_segment_footer(footer, listed);
        }
        format::Manifest manifest = decoded().manifest;
        for (format::ManifestSegment& entry : manifest.segments) {
            if (entry.number == number) entry.footer_checksum = hash64(files.at(segment + "/footer"));
        }
        put_manifest(manifest);
    }

private:
    [[nodiscard]] format::DecodedManifest decoded() const {
        return format::decode_manifest(files.at(manifest()), number_, manifest()).value();
    }
    void put_manifest(const format::Manifest& manifest) {
        files.at(this->manifest()) =
            format::encode_manifest({collection_, format::FileKind::manifest, number_}, manifest);
        cover(this->manifest());
    }
    [[nodiscard]] format::FileKind kind_in(const std::string& file) const {
        return format::FileKind{format::load_le<std::uint16_t>(files.at(file).data() + 8)};
    }
    void list(format::FileEntry& entry, const FileBytes& bytes, std::uint64_t number) const {
        entry.size = bytes.size();
        entry.blocks.clear();
        for (std::size_t at = 0; at < bytes.size(); at += format::block_size) {
            const auto block = std::span(bytes).subspan(at, std::min(format::block_size, bytes.size() - at));
            entry.blocks.push_back(
                format::block_checksum({collection_, entry.kind, number}, entry.blocks.size(), block));
        }
    }

    std::uint64_t number_ = 0;
    std::array<std::byte, 16> collection_ = {};
};

/// What was done to the disk since, other than to sync.
std::string changes_since(const SimDisk& disk, std::size_t begin) {
    std::string changes;
    const auto recording = disk.recording();
    for (std::size_t i = begin; i < recording.ops.size(); ++i) {
        const OpKind kind = recording.ops[i].kind;
        if (kind != OpKind::sync && kind != OpKind::sync_directory) changes += to_string(recording.ops[i]) + "\n";
    }
    return changes;
}

/// In every way a collection is opened.
template <class C>
void check_refused(const Forger& forged, const std::string& newer) {
    INFO(newer);
    for (const Residency residency : {Residency::resident, Residency::mapped_vectors, Residency::mapped}) {
        for (const OpenMode mode : {OpenMode::open_or_create, OpenMode::open, OpenMode::read_only}) {
            for (const OnCorruption damaged : {OnCorruption::fail, OnCorruption::read_only_salvage}) {
                INFO("residency " << static_cast<int>(residency) << ", mode " << static_cast<int>(mode) << ", salvage "
                                  << static_cast<int>(damaged));
                SimDisk disk;
                put_collection(disk, path, forged.files);
                const std::size_t begin = disk.recording().ops.size();
                OpenOptions options = inline_on(disk.files());
                options.residency = residency;
                options.mode = mode;
                options.on_corruption = damaged;
                const auto opened = C::open(path, {}, options);
                REQUIRE_FALSE(opened.has_value());
                INFO(opened.error().message);
                CHECK(opened.error().code == ErrorCode::unsupported);
                CHECK(mentions(opened.error(), newer));
                CHECK(changes_since(disk, begin).empty());
            }
        }
    }
}

/// Each file with a header but those that nothing is read from.
std::vector<std::string> files_with_version(const Forger& whole) {
    std::vector<std::string> found;
    for (const auto& [file, bytes] : whole.files) {
        const std::string kind = kind_of_file("/" + file);
        if (kind == "LOCK" || kind == "CURRENT" || kind == "reserve" || kind == "log, put aside") continue;
        found.push_back(file);
    }
    return found;
}

std::string last_log(const Forger& forger) {
    std::string last;
    for (const auto& [file, bytes] : forger.files) {
        if (file.ends_with(".wal")) last = file;
    }
    return last;
}

template <class C>
void check_each_file(const char* golden) {
    const Forger whole(GoldenCollection::read(golden).files);
    for (const std::string& file : files_with_version(whole)) {
        Forger forged = whole;
        forged.set_version(file);
        check_refused<C>(forged, file);
    }
}

template <class C>
Result<C> open_forged(SimDisk& disk, const Forger& forged) {
    put_collection(disk, path, forged.files);
    return C::open(path, {}, inline_on(disk.files()));
}

}  // namespace

TEST_CASE("a collection with a file of a later version is refused, and nothing is written", "[durable][golden]") {
    check_each_file<CodedCollection>(golden_coded);
    check_each_file<PlainCollection>(golden_plain);
    check_each_file<CodedCollection>(golden_half);
}

TEST_CASE("a later version is no damage that is healed, whatever the size of the file", "[durable][golden]") {
    const GoldenCollection golden = GoldenCollection::read(golden_coded);
    const std::string first = golden.segments().at(0);
    for (const char* const part : {"/v0/graph", "/v0/codes", "/v0/codebook", "/v0/vectors", "/ids", "/payload"}) {
        Forger forged(golden.files);
        const std::string file = first + part;
        forged.files.at(file).resize(forged.files.at(file).size() + 64);
        forged.set_version(file);
        check_refused<CodedCollection>(forged, file);
    }
}

TEST_CASE("a later version of what a file holds is refused, too", "[durable][golden]") {
    const GoldenCollection golden = GoldenCollection::read(golden_coded);
    const std::string first = golden.segments().at(0);
    constexpr std::size_t first_section = 64;
    {
        Forger forged(golden.files);
        const std::string file = first + "/v0/codebook";
        FileBytes& bytes = forged.files.at(file);
        format::store_le(bytes.data() + first_section + 10, later);
        const auto hash = hash64(std::span(bytes).subspan(first_section, 56));
        forged.set(file, first_section + 56, hash);
        check_refused<CodedCollection>(forged, first + "/v0: codebook");
    }
    {
        Forger forged(golden.files);
        const std::string file = first + "/v0/graph";
        const std::size_t level0 = std::size_t{40} * 8 * 4;
        forged.set(file, first_section + level0, std::uint32_t{later});
        check_refused<CodedCollection>(forged, first + "/v0: graph");
    }
}

TEST_CASE("nothing is healed in a collection with a file of a later version", "[durable][golden]") {
    const GoldenCollection golden = GoldenCollection::read(golden_coded);
    const std::string first = golden.segments().at(0);
    const std::string graph = first + "/v0/graph";
    {
        Forger forged(golden.files);
        forged.damage(graph);
        SimDisk disk;
        const auto healed = open_forged<CodedCollection>(disk, forged).value();
        CHECK(healed.stats().value().recovery.rebuilt.size() == 1);
        check_same(contents(healed), golden.points);
    }
    const Forger whole(golden.files);
    for (const std::string& file : files_with_version(whole)) {
        const std::string kind = kind_of_file("/" + file);
        if (kind != "log" && kind != "tombstones" && kind != "changed payloads") continue;
        Forger forged = whole;
        forged.set_version(file);
        forged.damage(graph);
        check_refused<CodedCollection>(forged, file);
    }
    for (const std::string& file : files_with_version(whole)) {
        const std::string kind = kind_of_file("/" + file);
        if (kind != "changed payloads" && file != last_log(whole)) continue;
        for (const bool damaged : {false, true}) {
            Forger forged = whole;
            if (kind == "changed payloads") forged.set_changed_payload_version(file);
            if (kind == "log") forged.set_logged_payload_version(file);
            if (damaged) forged.damage(graph);
            check_refused<CodedCollection>(forged, file);
        }
    }
    // Where the damage is met first: in the file of the codes' codebook, …
    const std::pair<const char*, const char*> both[] = {{"/v0/codebook", "/v0/codes"},
                                                        {"/v0/codebook", "/v0/graph"},
                                                        {"/v0/codes", "/v0/graph"},
                                                        {"/v0/graph", "/v0/codes"}};
    for (const auto& [damaged, newer] : both) {
        Forger forged = whole;
        forged.set_version(first + newer);
        forged.damage(first + damaged);
        check_refused<CodedCollection>(forged, first + newer);
    }
    // … or in another segment.
    const std::string other = golden.segments().at(1);
    for (const char* const part : {"/footer", "/meta", "/ids", "/v0/vectors", "/v0/codes", "/v0/graph"}) {
        Forger forged = whole;
        forged.set_version(other + part);
        forged.damage(graph);
        check_refused<CodedCollection>(forged, other + part);
    }
}

TEST_CASE("damage of two segments is healed at one opening", "[durable][golden]") {
    const GoldenCollection golden = GoldenCollection::read(golden_coded);
    const std::string first = golden.segments().at(0);
    const std::string other = golden.segments().at(1);
    Forger forged(golden.files);
    forged.damage(first + "/v0/graph");
    forged.damage(other + "/v0/codes");
    SimDisk disk;
    {
        const auto healed = open_forged<CodedCollection>(disk, forged).value();
        CHECK(healed.stats().value().recovery.rebuilt.size() == 2);
        CHECK(healed.stats().value().segments.size() == 3);
    }
    const auto whole = CodedCollection::open(path, {}, inline_on(disk.files())).value();
    CHECK(whole.stats().value().recovery.rebuilt.empty());
    CHECK(whole.stats().value().segments.size() == 3);
}

TEST_CASE("nothing of a log longer than memory is sealed where a later version is met further on", "[durable]") {
    constexpr std::size_t wide = 256;
    constexpr std::uint64_t count = 4'000;
    SimDisk written;
    {
        auto collection = PlainCollection::open(path, {.dimension = wide}, inline_on(written.files())).value();
        for (std::uint64_t id = 0; id < count; id += 500) {
            WriteBatch batch;
            for (std::uint64_t i = id; i < id + 500; ++i) batch.upsert(PointId{i}, seeded_vector(i, wide));
            collection.write(std::move(batch)).value();
        }
        collection.set_payload(PointId{3}, {{"n", 1}}).value();
        REQUIRE(collection.stats().value().seals == 0);
    }
    MemoryAccount account("test", 3U << 20U);  // the vectors alone are 4 MB
    const auto open = [&](SimDisk& disk) {
        OpenOptions options = inline_on(disk.files());
        options.memory = &account;
        options.residency = Residency::mapped;
        return PlainCollection::open(path, {}, options);
    };
    std::map<std::string, FileBytes> files;
    for (const auto& [file, bytes] : all_files(written, path)) files[file.substr(std::string(path).size() + 1)] = bytes;
    Forger forged(std::move(files));
    {
        SimDisk disk;
        put_collection(disk, path, forged.files);
        CHECK(open(disk).value().stats().value().seals > 0);
    }
    forged.set_logged_payload_version(last_log(forged));
    SimDisk disk;
    put_collection(disk, path, forged.files);
    const std::size_t begin = disk.recording().ops.size();
    const auto opened = open(disk);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == ErrorCode::unsupported);
    CHECK(changes_since(disk, begin).empty());
}
