#include "sextant/format/wal_effects.hpp"

#include <algorithm>
#include <bit>

#include "core/format_text.hpp"
#include "sextant/core/assert.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/format/bytes.hpp"

namespace sextant::inline v1::format {
namespace {

constexpr std::size_t unit = 8;
constexpr std::size_t effect_header_size = 24;
constexpr std::size_t vector_header_size = 8;
// Offsets in an effect.
constexpr std::size_t id_kind_offset = 1;
constexpr std::size_t vector_count_offset = 2;
constexpr std::size_t payload_size_offset = 4;
constexpr std::size_t id_offset = 8;

constexpr std::size_t padding(std::size_t size) noexcept { return (unit - size % unit) % unit; }

/// One effect after another, with the place of each field at hand for messages.
class EffectsReader {
public:
    EffectsReader(std::span<const std::byte> bytes, std::size_t dimension, std::string_view path, std::uint64_t offset)
        : bytes_(bytes), reader_(bytes), dimension_(dimension), path_(path), offset_(offset) {}

    Result<LoggedEffect> next() {
        const std::size_t begin = reader_.at();
        const auto kind = reader_.number<std::uint8_t>();
        const auto id_kind = reader_.number<std::uint8_t>();
        const auto vector_count = reader_.number<std::uint16_t>();
        const auto payload_size = reader_.number<std::uint32_t>();
        const auto id_bytes = reader_.raw(sizeof(PointId::Bytes));
        if (reader_.failed())
            return wrong(begin, format_text("{} bytes are left for an effect", bytes_.size() - begin));
        LoggedEffect effect;
        if (kind < static_cast<unsigned>(LoggedKind::upsert) || kind > static_cast<unsigned>(LoggedKind::payload)) {
            return wrong(begin, format_text("kind of effect is {}, expected 1 .. 3", kind));
        }
        effect.kind = LoggedKind{kind};
        SEXTANT_TRY_ASSIGN(effect.id, read_id(begin, id_kind, id_bytes));
        const unsigned expected_vectors = effect.kind == LoggedKind::upsert ? 1 : 0;
        if (vector_count != expected_vectors) {
            return wrong(begin + vector_count_offset,
                         format_text("number of vectors is {}, expected {}", vector_count, expected_vectors));
        }
        const std::size_t most_payload = effect.kind == LoggedKind::erase ? 0 : limits::max_payload_size;
        if (payload_size > most_payload) {
            return wrong(begin + payload_size_offset,
                         format_text("payload size is {}, expected at most {}", payload_size, most_payload));
        }
        if (vector_count != 0) {
            SEXTANT_TRY_ASSIGN(const LoggedVector vector, read_vector());
            effect.vector = vector.values;
        }
        SEXTANT_TRY_ASSIGN(effect.payload, read_padded(payload_size, "payload"));
        return effect;
    }

    Result<void> finish() const {
        if (reader_.left() == 0) return {};
        return wrong(reader_.at(), format_text("{} bytes are left behind the last effect", reader_.left()));
    }

private:
    Error wrong(std::size_t at, std::string_view what) const {
        return Error{ErrorCode::corruption, format_text("{}: offset {}: {}", path_, offset_ + at, what)};
    }

    Result<PointId> read_id(std::size_t begin, std::uint8_t id_kind, std::span<const std::byte> id_bytes) const {
        if (id_kind > 1)
            return wrong(begin + id_kind_offset, format_text("kind of id is {}, expected 0 or 1", id_kind));
        PointId::Bytes bytes{};
        std::transform(id_bytes.begin(), id_bytes.end(), bytes.begin(),
                       [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
        const PointId id = PointId::from_uuid(bytes);
        if (id_kind == 1) return id;
        if (std::any_of(bytes.begin(), bytes.begin() + 8, [](std::uint8_t byte) { return byte != 0; })) {
            return wrong(begin + id_offset, "an integer id has bytes above the lowest eight");
        }
        return PointId(id.integer());
    }

    Result<LoggedVector> read_vector() {
        const std::size_t begin = reader_.at();
        LoggedVector vector;
        vector.field = reader_.number<std::uint16_t>();
        const auto reserved = reader_.number<std::uint16_t>();
        const auto count = reader_.number<std::uint32_t>();
        if (reader_.failed()) return wrong(begin, "the bytes end in a vector's header");
        if (vector.field != 0) return wrong(begin, format_text("field is {}, expected 0", vector.field));
        if (reserved != 0) return wrong(begin + 2, format_text("reserved bytes are {}, expected 0", reserved));
        if (count != dimension_) {
            return wrong(begin + 4, format_text("vector has {} floats, expected {}", count, dimension_));
        }
        const std::size_t floats_at = reader_.at();
        SEXTANT_TRY_ASSIGN(const auto bytes, read_padded(std::uint64_t{count} * sizeof(float), "vector"));
        // In place: every part of an effect begins at a multiple of 8, and so do the bytes as a whole.
        vector.values = {reinterpret_cast<const float*>(bytes.data()), count};
        for (std::size_t i = 0; i < count; ++i) {
            constexpr std::uint32_t exponent = 0x7F80'0000;  // all of it set: infinite or not a number
            if ((load_le<std::uint32_t>(bytes.data() + i * sizeof(float)) & exponent) == exponent) {
                return wrong(floats_at + i * sizeof(float), format_text("float {} of the vector is not finite", i));
            }
        }
        return vector;
    }

    Result<std::span<const std::byte>> read_padded(std::uint64_t size, std::string_view what) {
        const std::size_t begin = reader_.at();
        const auto bytes = reader_.raw(size);
        if (reader_.failed()) {
            return wrong(begin, format_text("the {} has {} bytes, {} are left", what, size, bytes_.size() - begin));
        }
        const std::size_t end = reader_.at();
        reader_.zeros(padding(end));
        if (reader_.failed()) return wrong(end, format_text("padding behind the {} is missing or not zero", what));
        return bytes;
    }

    std::span<const std::byte> bytes_;
    ByteReader reader_;
    std::size_t dimension_;
    std::string_view path_;
    std::uint64_t offset_;
};

}  // namespace

void EffectsWriter::pad() { ByteWriter(*out_).zeros(padding(size())); }

void EffectsWriter::add(const LoggedEffect& effect) {
    SEXTANT_ASSERT(effect.vector.empty() == (effect.kind != LoggedKind::upsert));
    SEXTANT_ASSERT(effect.vector.size() <= limits::max_dimension);
    SEXTANT_ASSERT(effect.payload.size() <= (effect.kind == LoggedKind::erase ? 0 : limits::max_payload_size));
    ByteWriter writer(*out_);
    writer.number(static_cast<std::uint8_t>(effect.kind));
    writer.number(static_cast<std::uint8_t>(effect.id.is_uuid() ? 1 : 0));
    writer.number(static_cast<std::uint16_t>(effect.vector.empty() ? 0 : 1));
    writer.number(static_cast<std::uint32_t>(effect.payload.size()));
    const PointId::Bytes id = effect.id.bytes();
    writer.raw(std::as_bytes(std::span(id)));
    if (!effect.vector.empty()) {
        writer.number(std::uint16_t{0});  // field
        writer.number(std::uint16_t{0});
        writer.number(static_cast<std::uint32_t>(effect.vector.size()));
        writer.raw(std::as_bytes(effect.vector));
        pad();
    }
    writer.raw(effect.payload);
    pad();
    ++count_;
}

std::size_t logged_size(std::size_t dimension, std::size_t payload_size) noexcept {
    const std::size_t floats = dimension * sizeof(float);
    const std::size_t vector = dimension == 0 ? 0 : vector_header_size + floats + padding(floats);
    return effect_header_size + vector + payload_size + padding(payload_size);
}

Result<void> read_effects(std::span<const std::byte> payload, std::uint32_t count, std::size_t dimension,
                          std::string_view path, std::uint64_t offset,
                          FunctionRef<Result<void>(const LoggedEffect&)> sink) {
    SEXTANT_CHECK(std::bit_cast<std::uintptr_t>(payload.data()) % unit == 0);
    EffectsReader reader(payload, dimension, path, offset);
    for (std::uint32_t i = 0; i < count; ++i) {
        SEXTANT_TRY_ASSIGN(const LoggedEffect effect, reader.next());
        SEXTANT_TRY(sink(effect));
    }
    return reader.finish();
}

}  // namespace sextant::inline v1::format
