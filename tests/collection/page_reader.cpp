#include "collection/page_reader.hpp"

#include <algorithm>
#include <iomanip>
#include <optional>
#include <sstream>

#include "collection/page_files.hpp"
#include "collection/page_segment.hpp"

namespace test_support {
namespace {

using namespace sextant;

std::string with_digits(std::uint64_t number) {
    std::ostringstream out;
    out << std::setw(6) << std::setfill('0') << number;
    return out.str();
}

/// manifest.md, the part about CURRENT: the number of the manifest it names.
std::uint64_t read_current(const PageFiles& files) {
    const std::string line = files.bytes("CURRENT").text();
    const std::size_t space = line.find(' ');
    REQUIRE(line.starts_with("MANIFEST-"));
    REQUIRE(space != std::string::npos);
    const std::uint64_t number = std::stoull(line.substr(9, space - 9));
    const std::string name = "MANIFEST-" + with_digits(number);
    std::ostringstream expected;
    expected << name << ' ' << std::hex << std::setw(16) << std::setfill('0') << hash64(files.bytes(name).all())
             << '\n';
    CHECK(line == expected.str());
    return number;
}

struct PageManifest {
    std::uint64_t last = 0;
    std::uint64_t replay_from = 0;
    std::uint64_t first_log = 0;
    PageOptions options = {};
    std::vector<PageSegment> segments = {};
};

/// The options, each of the size that it has; where they end.
std::uint64_t read_options(const PageBytes& bytes, PageOptions& options) {
    CHECK((bytes.u32(112) == 9 || bytes.u32(112) == 10));
    CHECK(bytes.u32(116) == 0);
    std::map<std::uint16_t, PageBytes> found;
    std::uint64_t at = 120;
    std::uint16_t before = 0;
    for (std::uint32_t i = 0; i < bytes.u32(112); ++i) {
        const std::uint16_t tag = bytes.u16(at);
        CHECK(tag > before);
        CHECK(bytes.u16(at + 2) == 0);
        const std::uint32_t size = bytes.u32(at + 4);
        found[tag] = bytes.part(at + 8, size);
        before = tag;
        at += 8 + size;
    }
    REQUIRE(found.size() == bytes.u32(112));
    options.halves = found.count(10) == 1;
    if (options.halves) CHECK((found.at(10).size() == 1 && found.at(10).u8(0) == 2));
    const std::map<std::uint16_t, std::size_t> sizes{{1, 8}, {2, 2}, {3, 2}, {5, 4}, {6, 4}, {7, 8}, {8, 1}, {9, 1}};
    for (const auto& [tag, size] : sizes) CHECK(found.at(tag).size() == size);
    options.dimension = found.at(1).u64(0);
    options.metric = found.at(2).u16(0);
    options.quantizer = found.at(3).u16(0);
    CHECK((found.at(4).size() == 0 || (options.quantizer == 2 && found.at(4).size() == 8)));
    options.m = found.at(5).u32(0);
    options.ef_construction = found.at(6).u32(0);
    options.seed = found.at(7).u64(0);
    CHECK(found.at(8).u8(0) <= 2);
    CHECK(found.at(9).u8(0) <= 1);
    return at;
}

/// manifest.md
PageManifest read_manifest(PageFiles& files) {
    const std::uint64_t number = read_current(files);
    const std::string path = "MANIFEST-" + with_digits(number);
    // Whose collection it is, it says itself.
    const auto identity = files.bytes(path).part(24, 16);
    std::copy_n(identity.all().begin(), files.collection.size(), files.collection.begin());
    std::uint64_t sequence = 0;
    const PageBytes bytes = files.sealed(path, 2, number, sequence);
    PageManifest manifest;
    manifest.last = bytes.u64(80);
    CHECK(sequence == manifest.last);
    manifest.replay_from = bytes.u64(88);
    CHECK(manifest.replay_from <= manifest.last);
    const std::uint64_t next_number = bytes.u64(96);
    manifest.first_log = bytes.u64(104);
    std::uint64_t at = read_options(bytes, manifest.options);
    const std::uint32_t segments = bytes.u32(at);
    CHECK(bytes.u32(at + 4) == 0);
    at += 8;
    for (std::uint32_t i = 0; i < segments; ++i, at += 40) {
        const PageSegment segment{.path = "seg/" + with_digits(bytes.u64(at)),
                                  .number = bytes.u64(at),
                                  .footer_checksum = bytes.u64(at + 8),
                                  .tombstones_file = bytes.u64(at + 16),
                                  .overlay_file = bytes.u64(at + 24),
                                  .rows = bytes.u32(at + 32)};
        CHECK(bytes.u32(at + 36) == 0);
        for (const std::uint64_t given : {segment.number, segment.tombstones_file, segment.overlay_file}) {
            CHECK(given < next_number);
        }
        manifest.segments.push_back(segment);
    }
    CHECK(at == bytes.size());
    return manifest;
}

/// wal_effects.md: one effect at a time.
class PageEffects {
public:
    PageEffects(const PageManifest& manifest, Contents& contents) : manifest_(manifest), contents_(contents) {}

    void apply(const PageBytes& payload, std::uint32_t count, std::uint64_t first) {
        std::uint64_t at = 0;
        for (std::uint64_t lsn = first; lsn < first + count; ++lsn) at = apply_one(payload, at, lsn);
        CHECK(at == payload.size());
    }

private:
    /// Where the next one begins.
    std::uint64_t apply_one(const PageBytes& bytes, std::uint64_t at, std::uint64_t lsn) {
        const std::uint8_t kind = bytes.u8(at);
        REQUIRE((kind >= 1 && kind <= 3));
        const std::uint16_t vectors = bytes.u16(at + 2);
        CHECK(vectors == (kind == 1 ? 1 : 0));
        const std::uint32_t payload_size = bytes.u32(at + 4);
        if (kind == 2) CHECK(payload_size == 0);
        const PointId id = page_id(bytes.part(at + 8, 16), bytes.u8(at + 1));
        at += 24;
        std::vector<float> vector;
        if (vectors == 1) {
            CHECK(bytes.u32(at) == 0);  // field and reserved
            REQUIRE(bytes.u32(at + 4) == manifest_.options.dimension);
            vector = bytes.floats(at + 8, bytes.u32(at + 4));
            const std::uint64_t size = 8 + 4 * std::uint64_t{bytes.u32(at + 4)};
            CHECK(bytes.zero(at + size, size % 8));
            at += size + size % 8;
        }
        const Payload payload = page_payload(bytes.part(at, payload_size));
        at += payload_size;
        const std::uint64_t padding = (8 - at % 8) % 8;
        CHECK(bytes.zero(at, padding));
        if (lsn > manifest_.replay_from) change(kind, id, std::move(vector), payload, Lsn{lsn});
        return at + padding;
    }

    /// An effect on a point that was written since does nothing.
    void change(std::uint8_t kind, const PointId& id, std::vector<float> vector, const Payload& payload, Lsn lsn) {
        const auto known = contents_.find(id);
        if (known != contents_.end() && known->second.version >= lsn) return;
        if (kind == 1) {
            contents_[id] = {std::move(vector), payload, lsn};
        } else if (known != contents_.end() && kind == 2) {
            contents_.erase(known);
        } else if (known != contents_.end()) {
            known->second.payload = payload;
            known->second.version = lsn;
        }
    }

    const PageManifest& manifest_;
    Contents& contents_;
};

/// wal.md, of a log without damage.
class PageLog {
public:
    PageLog(const PageFiles& files, const PageManifest& manifest, Contents& contents, PageSummary& summary)
        : files_(files), manifest_(manifest), effects_(manifest, contents), summary_(summary) {}

    void replay() {
        std::vector<LogFile> logs;
        for (const auto& [path, bytes] : files_.all()) {
            if (!path.starts_with("wal/") || !path.ends_with(".wal")) continue;
            LogFile log{.path = path, .number = std::stoull(path.substr(4))};
            CHECK(path == "wal/" + with_digits(log.number) + ".wal");
            log.bytes = files_.file(path, 1, log.number, log.sequence);
            logs.push_back(log);
        }
        std::sort(logs.begin(), logs.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
        REQUIRE_FALSE(logs.empty());
        CHECK(logs.back().number >= manifest_.first_log);
        for (std::size_t i = 0; i < logs.size(); ++i) {
            std::optional<std::uint64_t> end;
            for (std::size_t later = i + 1; later < logs.size(); ++later) {
                end = std::min(end.value_or(logs[later].sequence), logs[later].sequence);
            }
            if (end && (logs[i].sequence >= *end || *end - 1 <= manifest_.replay_from)) continue;
            if (expected_ == 0) CHECK(logs[i].sequence <= manifest_.replay_from + 1);
            if (expected_ != 0) CHECK(logs[i].sequence == expected_);
            expected_ = logs[i].sequence;
            replay_file(logs[i], end);
        }
        CHECK(expected_ - 1 >= manifest_.last);
    }

private:
    struct LogFile {
        std::string path = {};
        std::uint64_t number = 0;
        std::uint64_t sequence = 0;
        PageBytes bytes = {};
    };

    void replay_file(const LogFile& log, std::optional<std::uint64_t> end) {
        INFO(log.path);
        std::uint64_t at = 64;
        while (!end || expected_ < *end) {
            if (log.bytes.size() - at < 48) break;
            const std::uint32_t size = log.bytes.u32(at + 8);
            const std::uint64_t padding = (8 - size % 8) % 8;
            if (log.bytes.size() - at < 48 + size + padding) break;
            const PageBytes frame = log.bytes.part(at, 48 + size + padding);
            if (frame.u64(0) != hash64(frame.from(8).all(), files_.seed(1, log.number, at))) break;
            CHECK(frame.u16(14) == 0);
            CHECK(frame.u32(28) == 0);
            CHECK(frame.u64(40) == 0);
            CHECK(frame.u64(32) < frame.u64(16));
            CHECK(frame.zero(48 + size, padding));
            REQUIRE(frame.u64(16) == expected_);
            at += frame.size();
            if (frame.u16(12) == 2) {
                CHECK(size == 0);
                CHECK(frame.u32(24) == 0);
                CHECK_FALSE(end.has_value());
                CHECK(at == log.bytes.size());
                summary_.closed = true;
                return;
            }
            REQUIRE(frame.u16(12) == 1);
            expected_ += frame.u32(24);
            if (expected_ - 1 > manifest_.replay_from) {
                ++summary_.frames;
                summary_.effects += frame.u32(24);
            }
            effects_.apply(frame.part(48, size), frame.u32(24), frame.u64(16));
        }
        if (end) CHECK(expected_ == *end);
    }

    const PageFiles& files_;
    const PageManifest& manifest_;
    PageEffects effects_;
    PageSummary& summary_;
    std::uint64_t expected_ = 0;
};

}  // namespace

PointId page_id(const PageBytes& bytes, std::uint8_t kind) {
    REQUIRE(kind <= 1);
    PointId::Bytes id{};
    std::memcpy(id.data(), bytes.part(0, 16).all().data(), id.size());
    if (kind == 1) return PointId::from_uuid(id);
    CHECK(bytes.u64(0) == 0);
    std::uint64_t integer = 0;
    for (std::size_t i = 8; i < 16; ++i) integer = integer << 8U | id[i];
    return PointId{integer};
}

Payload page_payload(const PageBytes& blob) {
    // The encoding of payloads has a golden file of its own.
    const Payload payload = decode_payload(blob.all());
    return payload.is_null() ? Payload::object() : payload;
}

Contents read_by_pages(const std::map<std::string, std::vector<std::byte>>& files, PageSummary& summary) {
    PageFiles pages(files);
    const PageManifest manifest = read_manifest(pages);
    Contents contents;
    for (const PageSegment& segment : manifest.segments) {
        read_segment_pages(pages, manifest.options, segment, contents, summary);
    }
    PageLog(pages, manifest, contents, summary).replay();
    return contents;
}

}  // namespace test_support
