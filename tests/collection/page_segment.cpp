#include "collection/page_segment.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <vector>

namespace test_support {
namespace {

using namespace sextant;

constexpr std::uint32_t none = 0xFFFFFFFFU;

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

std::string numbered(const std::string& prefix, std::uint64_t number) {
    const std::string digits = std::to_string(number);
    return prefix + std::string(6 - std::min<std::size_t>(digits.size(), 6), '0') + digits;
}

/// What `meta` says of its one vector field.
struct PageMeta {
    std::uint64_t at = 0;
    std::uint32_t rows = 0;
    bool wide_ids = false;
    std::uint64_t id_slots = 0;
    std::uint64_t payload_size = 0;
    std::uint32_t dimension = 0;
    bool has_codes = false;
    std::uint32_t vector_stride = 0;
    std::uint32_t code_stride = 0;
    std::uint64_t codebook_size = 0;
    std::uint64_t upper_size = 0;
};

class SegmentPages {
public:
    SegmentPages(const PageFiles& files, const PageOptions& options, const PageSegment& segment)
        : files_(files), options_(options), segment_(segment) {}

    void read(Contents& contents, PageSummary& summary) {
        read_footer();
        read_meta();
        CHECK(listed_.size() == (meta_.payload_size == 0 ? 0U : 1U) + (meta_.has_codes ? 6U : 4U));
        read_ids();
        read_payloads();
        read_vectors();
        if (meta_.has_codes) read_codes();
        read_graph();
        read_tombstones();
        read_overlay(summary);
        summary.rows += meta_.rows;
        for (std::uint32_t row = 0; row < meta_.rows; ++row) {
            summary.dead += dead_.count(row);
            if (dead_.count(row) != 0) continue;
            CHECK(contents.emplace(ids_[row], points_[row]).second);
        }
    }

private:
    [[nodiscard]] std::string path(const std::string& name) const { return segment_.path + "/" + name; }

    /// segment.md: the footer, and each block of each file it lists.
    void read_footer() {
        std::uint64_t sequence = 0;
        const PageBytes footer = files_.sealed(path("footer"), 4, segment_.number, sequence);
        CHECK(sequence == 0);
        CHECK(hash64(footer.all()) == segment_.footer_checksum);
        const std::map<std::uint16_t, std::string> names{{3, "meta"},        {5, "ids"},      {6, "payload"},
                                                         {7, "v0/graph"},    {8, "v0/codes"}, {9, "v0/vectors"},
                                                         {10, "v0/codebook"}};
        CHECK(footer.u32(84) == 0);
        std::uint64_t at = 88;
        for (std::uint32_t i = 0; i < footer.u32(80); ++i) {
            const std::uint16_t kind = footer.u16(at);
            REQUIRE(names.count(kind) == 1);
            CHECK(footer.u16(at + 2) == 0);
            CHECK(footer.u32(at + 4) == 0);
            const PageBytes file = files_.bytes(path(names.at(kind)));
            CHECK(footer.u64(at + 8) == file.size());
            CHECK(listed_.insert(names.at(kind)).second);
            at += 16;
            constexpr std::uint64_t block = 65'536;
            for (std::uint64_t index = 0; index * block < file.size(); ++index, at += 8) {
                const auto bytes = file.part(index * block, std::min(block, file.size() - index * block));
                CHECK(footer.u64(at) == hash64(bytes.all(), files_.seed(kind, segment_.number, index)));
            }
        }
        CHECK(at == footer.size());
    }

    void read_meta() {
        std::uint64_t sequence = 0;
        const PageBytes meta = files_.sealed(path("meta"), 3, segment_.number, sequence);
        // What the segment measured follows its field.
        const std::uint32_t measured = meta.u32(128 + 56);
        REQUIRE(meta.size() == 80 + 48 + 64 + measured);
        if (measured != 0) read_calibration(meta.from(192), measured);
        meta_.at = meta.u64(80);
        CHECK(sequence == meta_.at);
        meta_.rows = meta.u32(88);
        REQUIRE(meta_.rows == segment_.rows);
        REQUIRE(meta.u32(92) == 1);
        meta_.wide_ids = meta.u8(96) != 0;
        CHECK(meta.u8(96) <= 1);
        CHECK(meta.zero(97, 7));
        meta_.id_slots = meta.u64(104);
        meta_.payload_size = meta.u64(112);
        CHECK(meta.u64(120) == 0);
        const PageBytes field = meta.from(128);
        CHECK(field.u16(0) == options_.metric);
        CHECK(field.u16(2) == options_.quantizer);
        meta_.dimension = field.u32(4);
        REQUIRE(meta_.dimension == options_.dimension);
        meta_.has_codes = field.u8(8) != 0;
        CHECK(field.u8(8) == (options_.quantizer == 1 ? 0 : 1));
        CHECK(field.u8(9) <= 1);
        CHECK(field.u8(10) == (options_.halves ? 1 : 0));
        CHECK(field.zero(11, 5));
        meta_.vector_stride = field.u32(16);
        meta_.code_stride = field.u32(20);
        meta_.codebook_size = field.u64(24);
        meta_.upper_size = field.u64(32);
        CHECK(field.u32(40) == options_.m);
        CHECK(field.u32(44) == options_.ef_construction);
        CHECK(field.u64(48) == options_.seed);
        CHECK(field.zero(60, 4));
        if (!meta_.has_codes) CHECK(field.zero(20, 12));
    }

    static void read_calibration(const PageBytes& bytes, std::uint32_t size) {
        CHECK(bytes.u32(0) >= 1);
        const std::uint32_t points = bytes.u32(4);
        CHECK(points <= 16);
        CHECK(size == 16 + 8 * points);
        std::uint32_t ef = 0;
        for (std::uint32_t i = 0; i < points; ++i) {
            CHECK(bytes.u32(16 + 8 * i) > ef);
            ef = bytes.u32(16 + 8 * i);
        }
    }

    /// Sections of these sizes, each at the next multiple of 64, with zeros between and nothing behind.
    std::vector<PageBytes> sections(const std::string& name, std::uint16_t kind,
                                    const std::vector<std::uint64_t>& sizes) const {
        INFO(path(name));
        CHECK(listed_.count(name) == 1);
        std::uint64_t sequence = 0;
        const PageBytes file = files_.file(path(name), kind, segment_.number, sequence);
        CHECK(sequence == 0);
        std::vector<PageBytes> found;
        std::uint64_t end = 64;
        for (const std::uint64_t size : sizes) {
            const std::uint64_t begin = round_up(end, 64);
            CHECK(file.zero(end, begin - end));
            found.push_back(file.part(begin, size));
            end = begin + size;
        }
        CHECK(file.size() == end);
        return found;
    }

    /// sections.md: ids, versions and the id map.
    void read_ids() {
        const std::uint64_t n = meta_.rows;
        std::vector<std::uint64_t> sizes{8 * n, 8 * n, 4 * meta_.id_slots};
        if (meta_.wide_ids) sizes = {16 * n, n, 8 * n, 4 * meta_.id_slots};
        const auto parts = sections("ids", 5, sizes);
        const PageBytes& versions = parts[parts.size() - 2];
        points_.resize(n);
        bool uuid = false;
        for (std::uint64_t row = 0; row < n; ++row) {
            ids_.push_back(meta_.wide_ids ? page_id(parts[0].part(16 * row, 16), parts[1].u8(row))
                                          : PointId{parts[0].u64(8 * row)});
            uuid = uuid || ids_.back().is_uuid();
            points_[row].version = Lsn{versions.u64(8 * row)};
            CHECK(versions.u64(8 * row) <= meta_.at);
        }
        CHECK(uuid == meta_.wide_ids);
        check_id_map(parts.back());
    }

    void check_id_map(const PageBytes& map) const {
        const std::uint64_t n = meta_.rows;
        const std::uint64_t slots = meta_.id_slots;
        CHECK(slots == n + n / 3 + 1);
        const auto row_bits = static_cast<std::uint32_t>(std::bit_width(n));
        std::uint64_t used = 0;
        for (std::uint64_t slot = 0; slot < slots; ++slot) used += map.u32(4 * slot) == none ? 0U : 1U;
        CHECK(used == n);
        for (std::uint64_t row = 0; row < n; ++row) {
            const PointId::Bytes bytes = ids_[row].bytes();
            const std::uint64_t hash = hash64(std::as_bytes(std::span(bytes)));
            // ⌊hash · slots / 2^64⌋
            std::uint64_t slot = ((hash >> 32U) * slots + ((hash & 0xFFFFFFFFU) * slots >> 32U)) >> 32U;
            const auto expected = static_cast<std::uint32_t>(hash << row_bits | row);
            for (std::uint64_t step = 0; step < slots && map.u32(4 * slot) != expected; ++step) {
                REQUIRE(map.u32(4 * slot) != none);
                slot = (slot + 1) % slots;
            }
            CHECK(map.u32(4 * slot) == expected);
        }
    }

    void read_payloads() {
        if (meta_.payload_size == 0) {
            CHECK_FALSE(files_.has(path("payload")));
            for (StoredPoint& point : points_) point.payload = Payload::object();
            return;
        }
        const auto parts = sections("payload", 6, {8 * std::uint64_t{meta_.rows}, meta_.payload_size});
        std::uint64_t begin = 0;
        for (std::uint64_t row = 0; row < meta_.rows; ++row) {
            const std::uint64_t end = parts[0].u64(8 * row);
            REQUIRE(end >= begin);
            points_[row].payload = page_payload(parts[1].part(begin, end - begin));
            begin = end;
        }
        CHECK(begin == meta_.payload_size);
    }

    [[nodiscard]] bool unit_length() const { return options_.metric == 3; }

    void read_vectors() {
        const std::uint64_t size = (options_.halves ? 2 : 4) * std::uint64_t{meta_.dimension};
        const std::uint64_t lines = round_up(size, 64);
        CHECK(meta_.vector_stride == ((lines - size) * 8 <= size ? lines : size));
        std::vector<std::uint64_t> sizes{std::uint64_t{meta_.vector_stride} * meta_.rows};
        if (unit_length()) sizes.push_back(4 * std::uint64_t{meta_.rows});
        const auto parts = sections("v0/vectors", 9, sizes);
        for (std::uint64_t row = 0; row < meta_.rows; ++row) {
            std::vector<float>& vector = points_[row].vector;
            vector = options_.halves ? parts[0].halves(row * meta_.vector_stride, meta_.dimension)
                                     : parts[0].floats(row * meta_.vector_stride, meta_.dimension);
            CHECK(parts[0].zero(row * meta_.vector_stride + size, meta_.vector_stride - size));
            double square = 0.0;
            for (const float value : vector) square += static_cast<double>(value) * static_cast<double>(value);
            inverse_norms_.push_back(1.0);
            if (!unit_length()) continue;
            inverse_norms_.back() = square == 0.0 ? 0.0 : 1.0 / std::sqrt(square);
            CHECK(static_cast<double>(parts[1].f32(4 * row)) == Approx(inverse_norms_.back()).epsilon(1e-6));
        }
    }

    /// codebook.md: a scalar codebook, and the codes of each row.
    void read_codes() {
        const std::uint64_t d = meta_.dimension;
        CHECK(meta_.codebook_size == 72 + 4 * d);
        const PageBytes book = sections("v0/codebook", 10, {meta_.codebook_size})[0];
        CHECK(book.part(0, 8).text() == "SXTCODEB");
        CHECK(book.u16(8) == options_.quantizer);
        CHECK(book.u16(10) == 1);
        CHECK(book.u32(12) == d);
        CHECK(book.u64(16) == 4 * d);
        const float step = book.f32(24);
        CHECK(step >= 0x1p-120F);
        CHECK(book.f32(28) >= 0.0F);
        CHECK(book.f32(32) >= 0.0F);
        CHECK(book.zero(36, 20));
        CHECK(book.u64(56) == hash64(book.part(0, 56).all()));
        CHECK(book.u64(64 + 4 * d) == hash64(book.part(64, 4 * d).all()));
        const std::vector<float> offsets = book.floats(64, d);
        const std::uint64_t size = round_up(d, 4) + 8;
        const std::uint64_t lines = round_up(size, 64);
        CHECK(meta_.code_stride == (size <= 256 && (lines - size) * 5 <= size ? lines : round_up(size, 16)));
        const PageBytes codes = sections("v0/codes", 8, {std::uint64_t{meta_.code_stride} * meta_.rows})[0];
        for (std::uint64_t row = 0; row < meta_.rows; ++row) {
            const PageBytes code = codes.part(row * meta_.code_stride, meta_.code_stride);
            check_code(code, row, offsets, step);
            CHECK(code.zero(size, meta_.code_stride - size));
        }
    }

    void check_code(const PageBytes& code, std::uint64_t row, const std::vector<float>& offsets, float step) const {
        const std::uint64_t d = meta_.dimension;
        std::int64_t sum = 0;
        std::uint64_t squares = 0;
        bool zero = true;
        for (std::uint64_t i = 0; i < d; ++i) {
            const int value = static_cast<std::int8_t>(code.u8(i));
            sum += value;
            squares += static_cast<std::uint64_t>(value * value);
            const double x = static_cast<double>(points_[row].vector[i]) * inverse_norms_[row];
            zero = zero && x == 0.0;
            const double scaled = (x - static_cast<double>(offsets[i])) / static_cast<double>(step);
            CHECK(std::abs(value - std::clamp(scaled, -128.0, 127.0)) <= 0.5 + 1e-3);
        }
        const std::uint64_t tail = round_up(d, 4);
        CHECK(code.zero(d, tail - d));
        CHECK(static_cast<std::int32_t>(code.u32(tail)) == sum);
        if (zero && unit_length()) {
            const double inverse = 1.0 / static_cast<double>(step);
            const std::uint64_t most = (std::uint64_t{1} << 32U) - 65'025 * d;
            squares = std::min(squares + static_cast<std::uint64_t>(inverse * inverse), most);
        }
        CHECK(std::abs(static_cast<double>(code.u32(tail + 4)) - static_cast<double>(squares)) <=
              (zero ? 1e-6 * static_cast<double>(squares) + 1.0 : 0.0));
    }

    /// graph.md
    void read_graph() const {
        const std::uint64_t n = meta_.rows;
        const std::uint64_t m = options_.m;
        const auto parts = sections("v0/graph", 7, {8 * m * n, meta_.upper_size});
        for (std::uint64_t row = 0; row < n; ++row) check_links(parts[0].part(8 * m * row, 8 * m), row, n);
        const PageBytes& upper = parts[1];
        CHECK(upper.u32(0) == 1);
        CHECK(upper.u32(4) == m);
        CHECK(upper.u32(8) == options_.ef_construction);
        const std::uint32_t entry_level = upper.u32(12) - 1;
        CHECK(entry_level < 16);
        CHECK(upper.u64(16) == options_.seed);
        CHECK(upper.u32(24) == n);
        const std::uint64_t slots = upper.u32(28);
        const std::uint64_t links = round_up(64 + 4 * slots, 64);
        REQUIRE(upper.size() == links + 4 * m * slots);
        CHECK(upper.zero(40, 24));
        CHECK(upper.zero(64 + 4 * slots, links - 64 - 4 * slots));
        std::vector<std::uint32_t> levels(slots);
        for (std::uint64_t slot = 0; slot < slots; ++slot) {
            const bool higher = slot > 0 && upper.u32(64 + 4 * slot) == upper.u32(60 + 4 * slot);
            levels[slot] = higher ? levels[slot - 1] + 1 : 1;
            CHECK(upper.u32(64 + 4 * slot) < n);
            CHECK(levels[slot] <= entry_level);
        }
        for (std::uint64_t slot = 0; slot < slots; ++slot) {
            const PageBytes list = upper.part(links + 4 * m * slot, 4 * m);
            for (const std::uint32_t other : check_links(list, slot, slots)) CHECK(levels[other] == levels[slot]);
        }
        CHECK(upper.u32(32) < n);
        if (entry_level == 0) {
            CHECK(upper.u32(36) == none);
        } else {
            REQUIRE(upper.u32(36) < slots);
            CHECK(upper.u32(64 + 4 * std::uint64_t{upper.u32(36)}) == upper.u32(32));
            CHECK(levels[upper.u32(36)] == entry_level);
        }
    }

    /// Numbers below `count`, each once, not its own; behind the last one the list is empty.
    static std::set<std::uint32_t> check_links(const PageBytes& list, std::uint64_t self, std::uint64_t count) {
        std::set<std::uint32_t> links;
        bool ended = false;
        for (std::uint64_t at = 0; at < list.size(); at += 4) {
            const std::uint32_t link = list.u32(at);
            ended = ended || link == none;
            if (ended) {
                CHECK(link == none);
                continue;
            }
            REQUIRE(link < count);
            CHECK(link != self);
            CHECK(links.insert(link).second);
        }
        return links;
    }

    /// row_changes.md
    void read_tombstones() {
        if (segment_.tombstones_file == 0) return;
        std::uint64_t sequence = 0;
        const PageBytes file =
            files_.sealed(path(numbered("del-", segment_.tombstones_file)), 11, segment_.tombstones_file, sequence);
        CHECK(sequence == segment_.number);
        CHECK(file.u32(80) == meta_.rows);
        CHECK(file.u32(84) == 0);
        REQUIRE(file.size() == 88 + 8 * ((std::uint64_t{meta_.rows} + 63) / 64));
        for (std::uint32_t bit = 0; bit < 8 * (file.size() - 88); ++bit) {
            if ((file.u64(88 + bit / 64 * 8) >> (bit % 64) & 1U) == 0) continue;
            CHECK(bit < meta_.rows);
            dead_.insert(bit);
        }
    }

    void read_overlay(PageSummary& summary) {
        if (segment_.overlay_file == 0) return;
        std::uint64_t sequence = 0;
        const PageBytes file =
            files_.sealed(path(numbered("payload-", segment_.overlay_file)), 12, segment_.overlay_file, sequence);
        CHECK(sequence == segment_.number);
        CHECK(file.u32(80) == meta_.rows);
        std::uint64_t at = 88;
        std::int64_t before = -1;
        for (std::uint32_t i = 0; i < file.u32(84); ++i) {
            const std::uint32_t row = file.u32(at);
            const std::uint32_t size = file.u32(at + 4);
            REQUIRE(row < meta_.rows);
            CHECK(std::int64_t{row} > before);
            before = row;
            CHECK(dead_.count(row) == 0);  // the payloads of dead rows are left out
            points_[row].version = Lsn{file.u64(at + 8)};
            points_[row].payload = page_payload(file.part(at + 16, size));
            CHECK(file.zero(at + 16 + size, round_up(size, 8) - size));
            at += 16 + round_up(size, 8);
            ++summary.changed;
        }
        CHECK(at == file.size());
    }

    const PageFiles& files_;
    const PageOptions& options_;
    const PageSegment& segment_;
    PageMeta meta_;
    std::set<std::string> listed_;
    std::vector<PointId> ids_;
    std::vector<StoredPoint> points_;
    std::vector<double> inverse_norms_;
    std::set<std::uint32_t> dead_;
};

}  // namespace

void read_segment_pages(const PageFiles& files, const PageOptions& options, const PageSegment& segment,
                        Contents& contents, PageSummary& summary) {
    SegmentPages(files, options, segment).read(contents, summary);
}

}  // namespace test_support
