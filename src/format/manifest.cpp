#include "sextant/format/manifest.hpp"

#include <charconv>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/sealed_body.hpp"

namespace sextant::inline v1::format {
namespace {

/// Tags of options. Persisted; never renumbered.
enum class Tag : std::uint16_t {
    dimension = 1,
    metric = 2,
    quantizer = 3,
    quantizer_options = 4,
    m = 5,
    ef_construction = 6,
    seed = 7,
    durability = 8,
    deterministic = 9,
    raw = 10,
};
/// An option that a reader which does not know it may pass over.
constexpr std::uint16_t ignorable = 1;
constexpr std::size_t segment_size = 40;

class OptionWriter {
public:
    explicit OptionWriter(ByteWriter& out) noexcept : out_(out) {}
    template <std::unsigned_integral T>
    void number(Tag tag, T value) {
        head(tag, sizeof(T));
        out_.number(value);
    }
    void bytes(Tag tag, std::span<const std::byte> value) {
        head(tag, value.size());
        out_.raw(value);
    }

private:
    void head(Tag tag, std::size_t size) {
        out_.number(static_cast<std::uint16_t>(tag));
        out_.number(std::uint16_t{0});
        out_.number(static_cast<std::uint32_t>(size));
    }
    ByteWriter& out_;
};

/// Options that every manifest has. Those that came later are left out where they are what they were before: who does not
/// know them can then read it.
constexpr std::uint32_t option_count = 9;

void write_options(ByteWriter& out, const StoredOptions& options) {
    const bool halves = options.raw == RawPrecision::F16;
    out.number(option_count + (halves ? 1U : 0U));
    out.number(std::uint32_t{0});
    OptionWriter writer(out);
    writer.number(Tag::dimension, options.dimension);
    writer.number(Tag::metric, static_cast<std::uint16_t>(options.metric));
    writer.number(Tag::quantizer, static_cast<std::uint16_t>(options.quantizer));
    writer.bytes(Tag::quantizer_options, options.quantizer_options);
    writer.number(Tag::m, options.m);
    writer.number(Tag::ef_construction, options.ef_construction);
    writer.number(Tag::seed, options.seed);
    writer.number(Tag::durability, options.durability);
    writer.number(Tag::deterministic, static_cast<std::uint8_t>(options.deterministic ? 1 : 0));
    if (halves) writer.number(Tag::raw, static_cast<std::uint8_t>(options.raw));
}

/// A number of exactly this type; false when the size is another.
template <std::unsigned_integral T>
bool take(std::span<const std::byte> value, T& into) noexcept {
    if (value.size() != sizeof(T)) return false;
    into = load_le<T>(value.data());
    return true;
}

bool take_option(Tag tag, std::span<const std::byte> value, StoredOptions& options) {
    std::uint16_t id = 0;
    std::uint8_t flag = 0;
    switch (tag) {
        case Tag::dimension:
            return take(value, options.dimension) && options.dimension != 0 &&
                   options.dimension <= limits::max_dimension;
        case Tag::metric:
            if (!take(value, id)) return false;
            options.metric = MetricId{id};
            return true;
        case Tag::quantizer:
            if (!take(value, id)) return false;
            options.quantizer = QuantizerId{id};
            return true;
        case Tag::quantizer_options:
            if (value.size() > max_quantizer_options) return false;
            options.quantizer_options.assign(value.begin(), value.end());
            return true;
        case Tag::m: return take(value, options.m);
        case Tag::ef_construction: return take(value, options.ef_construction);
        case Tag::seed: return take(value, options.seed);
        case Tag::durability: return take(value, options.durability) && options.durability <= 2;
        case Tag::deterministic:
            if (!take(value, flag) || flag > 1) return false;
            options.deterministic = flag != 0;
            return true;
        case Tag::raw:
            if (!take(value, flag) || flag != static_cast<std::uint8_t>(RawPrecision::F16)) return false;
            options.raw = RawPrecision::F16;
            return true;
    }
    return false;
}

Result<StoredOptions> read_options(ByteReader& in, std::string_view path) {
    StoredOptions options;
    const auto count = in.number<std::uint32_t>();
    in.zeros(4);
    std::uint16_t before = 0;
    std::uint32_t known = 0;
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const std::size_t offset = body_offset + in.at();
        const auto tag = in.number<std::uint16_t>();
        const auto flags = in.number<std::uint16_t>();
        const auto value = in.raw(in.number<std::uint32_t>());
        if (in.failed()) break;
        if (tag <= before) return damaged(path, offset, format_text("option {} follows option {}", tag, before));
        before = tag;
        if (tag > static_cast<std::uint16_t>(Tag::raw)) {
            if ((flags & ignorable) != 0) continue;
            return Error{
                ErrorCode::unsupported,
                format_text("{}: offset {}: option {} is of a later version of this library", path, offset, tag)};
        }
        if (flags != 0 || !take_option(Tag{tag}, value, options)) {
            return damaged(path, offset, format_text("option {} has no value that it can have", tag));
        }
        known += tag < static_cast<std::uint16_t>(Tag::raw) ? 1U : 0U;
    }
    if (in.failed() || known != option_count) return damaged(path, body_offset, "options are missing");
    return options;
}

Result<std::vector<ManifestSegment>> read_segments(ByteReader& in, const Manifest& manifest, std::string_view path) {
    const std::size_t offset = body_offset + in.at();
    const auto count = in.number<std::uint32_t>();
    in.zeros(4);
    if (count > max_manifest_segments || in.left() < std::size_t{count} * segment_size) {
        return damaged(path, offset, format_text("{} segments do not fit", count));
    }
    std::vector<ManifestSegment> segments(count);
    for (ManifestSegment& segment : segments) {
        const std::size_t at = body_offset + in.at();
        segment.number = in.number<std::uint64_t>();
        segment.footer_checksum = in.number<std::uint64_t>();
        segment.tombstones_file = in.number<std::uint64_t>();
        segment.overlay_file = in.number<std::uint64_t>();
        segment.row_count = in.number<std::uint32_t>();
        in.zeros(4);
        const bool numbers = segment.number != 0 && segment.number < manifest.next_number &&
                             segment.tombstones_file < manifest.next_number &&
                             segment.overlay_file < manifest.next_number;
        if (!numbers) return damaged(path, at, "a segment has a number that was never given");
        if (segment.row_count == 0 || segment.row_count > limits::max_rows_per_segment) {
            return damaged(path, at, format_text("a segment has {} rows", segment.row_count));
        }
    }
    return segments;
}

Result<Manifest> read_body(std::span<const std::byte> body, std::string_view path) {
    ByteReader in(body);
    Manifest manifest;
    manifest.last = in.number<std::uint64_t>();
    manifest.replay_from = in.number<std::uint64_t>();
    manifest.next_number = in.number<std::uint64_t>();
    manifest.first_log = in.number<std::uint64_t>();
    if (manifest.replay_from > manifest.last)
        return damaged(path, body_offset + 8, "replay begins after the last write");
    SEXTANT_TRY_ASSIGN(manifest.options, read_options(in, path));
    SEXTANT_TRY_ASSIGN(manifest.segments, read_segments(in, manifest, path));
    if (in.failed() || in.left() != 0) return damaged(path, body_offset + in.at(), "the body has another size");
    return manifest;
}

}  // namespace

std::vector<std::byte> encode_manifest(const FileIdentity& identity, const Manifest& manifest) {
    std::vector<std::byte> body;
    ByteWriter out(body);
    out.number(manifest.last);
    out.number(manifest.replay_from);
    out.number(manifest.next_number);
    out.number(manifest.first_log);
    write_options(out, manifest.options);
    out.number(static_cast<std::uint32_t>(manifest.segments.size()));
    out.zeros(4);
    for (const ManifestSegment& segment : manifest.segments) {
        out.number(segment.number);
        out.number(segment.footer_checksum);
        out.number(segment.tombstones_file);
        out.number(segment.overlay_file);
        out.number(segment.row_count);
        out.zeros(4);
    }
    return seal_body(FileHeader{.identity = identity, .sequence = manifest.last}, body);
}

Result<DecodedManifest> decode_manifest(std::span<const std::byte> bytes, std::uint64_t number, std::string_view path) {
    // Which collection it is of is what the manifest is read to learn.
    SEXTANT_TRY_ASSIGN(FileHeader header, decode_file_header(bytes, path));
    header.identity.kind = FileKind::manifest;
    header.identity.number = number;
    SEXTANT_TRY_ASSIGN(const SealedBody sealed, open_body(bytes, header.identity, path));
    SEXTANT_TRY_ASSIGN(Manifest manifest, read_body(sealed.body, path));
    if (header.sequence != manifest.last) return damaged(path, 40, "header and body name different last writes");
    return DecodedManifest{header.identity, std::move(manifest)};
}

std::string manifest_name(std::uint64_t number) { return format_text("MANIFEST-{:06}", number); }

std::string encode_current(std::uint64_t manifest_number, std::uint64_t manifest_checksum) {
    return format_text("{} {:016x}\n", manifest_name(manifest_number), manifest_checksum);
}

Result<Current> decode_current(std::string_view text, std::string_view path) {
    Current current;
    const std::size_t dash = text.find('-');
    const std::size_t space = text.find(' ');
    if (dash != std::string_view::npos && space != std::string_view::npos && dash < space) {
        const std::string_view digits = text.substr(dash + 1, space - dash - 1);
        const std::string_view hash = text.substr(space + 1, 16);
        std::from_chars(digits.data(), digits.data() + digits.size(), current.manifest_number);
        std::from_chars(hash.data(), hash.data() + hash.size(), current.manifest_checksum, 16);
    }
    // Only one text says it: whatever else is there is damage.
    if (text == encode_current(current.manifest_number, current.manifest_checksum)) return current;
    return Error{ErrorCode::corruption, format_text("{}: it does not name a manifest", path)};
}

}  // namespace sextant::inline v1::format
