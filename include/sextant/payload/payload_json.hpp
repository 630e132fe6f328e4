/// payload_json: payloads as the user writes and reads them, nlohmann::json objects, to and from their encoding.
/// The only header that knows that library: the encoding itself is written and read by plain functions in the library's
/// own sources, so a program and the library need not agree on a version of it.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/payload/payload_view.hpp"
#include "sextant/payload/payload_writer.hpp"

namespace sextant::inline v1 {

/// An object, or null for the empty object.
using Payload = nlohmann::json;

namespace detail {

/// Writes one value; stops at the first false. The writer refuses depth before this recurses.
inline bool write_json(PayloadWriter& writer, const Payload& value);

inline bool write_json_members(PayloadWriter& writer, const Payload::object_t& members) {
    for (const auto& member : members) {
        if (!writer.key(member.first) || !write_json(writer, member.second)) return false;
    }
    return true;
}

inline bool write_json(PayloadWriter& writer, const Payload& value) {
    switch (value.type()) {
        case Payload::value_t::null: return writer.null();
        case Payload::value_t::boolean: return writer.boolean(*value.get_ptr<const bool*>());
        case Payload::value_t::number_integer: return writer.integer(*value.get_ptr<const std::int64_t*>());
        case Payload::value_t::number_unsigned: return writer.unsigned_integer(*value.get_ptr<const std::uint64_t*>());
        case Payload::value_t::number_float: return writer.floating(*value.get_ptr<const double*>());
        case Payload::value_t::string: return writer.string(*value.get_ptr<const std::string*>());
        case Payload::value_t::array:
            if (!writer.begin_array()) return false;
            for (const Payload& element : *value.get_ptr<const Payload::array_t*>()) {
                if (!write_json(writer, element)) return false;
            }
            return writer.end();
        case Payload::value_t::object:
            return writer.begin_object() && write_json_members(writer, *value.get_ptr<const Payload::object_t*>()) &&
                   writer.end();
        case Payload::value_t::binary: return writer.fail("binary data has no place in JSON");
        case Payload::value_t::discarded: break;
    }
    return writer.fail("a value whose parsing failed");
}

/// `depth` is the level of `value` if it is a container; deeper than a payload goes, it comes back empty.
inline Payload read_json(const PayloadValue& value, std::size_t depth) {
    switch (value.kind()) {
        case PayloadKind::null: break;
        case PayloadKind::boolean: return Payload(value.boolean());
        case PayloadKind::integer:
            // As parsing does: numbers from zero on are unsigned. Both compare equal.
            if (value.integer() >= 0) return Payload(static_cast<std::uint64_t>(value.integer()));
            return Payload(value.integer());
        case PayloadKind::unsigned_integer: return Payload(value.unsigned_integer());
        case PayloadKind::floating: return Payload(value.floating());
        case PayloadKind::string: return Payload(std::string(value.string()));
        case PayloadKind::array: {
            Payload out(Payload::value_t::array);
            auto& elements = *out.get_ptr<Payload::array_t*>();
            if (depth > limits::max_payload_depth) return out;
            for (auto e = value.elements(); e.next();) elements.push_back(read_json(e.value(), depth + 1));
            return out;
        }
        case PayloadKind::object: {
            Payload out(Payload::value_t::object);
            auto& members = *out.get_ptr<Payload::object_t*>();
            if (depth > limits::max_payload_depth) return out;
            for (auto m = value.members(); m.next();) {
                members.emplace_hint(members.end(), std::string(m.key()), read_json(m.value(), depth + 1));
            }
            return out;
        }
    }
    return Payload();
}

}  // namespace detail

/// Replaces what is in `out` by the encoding of `payload`; nothing, for null and for the empty object. Anything but an
/// object, a value JSON cannot hold (NaN, infinities, binary data), text that is not UTF-8, and a payload over the
/// limits of size and depth are invalid_argument naming the path, and leave `out` empty.
[[nodiscard]] inline Result<void> encode_payload(const Payload& payload, std::vector<std::byte>& out) {
    out.clear();
    if (payload.is_null()) return {};
    const auto* members = payload.get_ptr<const Payload::object_t*>();
    if (members == nullptr) {
        return invalid_argument(std::string("payload: expected an object, got ") + payload.type_name());
    }
    PayloadWriter writer(out);
    (void)detail::write_json_members(writer, *members);
    return writer.finish();
}

/// The object that was encoded. REQUIRES: PayloadView(blob).validate(); of other bytes an unspecified part comes back.
[[nodiscard]] inline Payload decode_payload(std::span<const std::byte> blob) {
    return detail::read_json(PayloadView(blob).root(), 1);
}

}  // namespace sextant::inline v1
