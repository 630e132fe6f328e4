// Bytes as a payload, and text as a path into it: validation, walking, decoding, filters and edits.
// Input: a size byte n, n bytes of path text, the blob.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/payload/filter_program.hpp"
#include "sextant/payload/payload_edit.hpp"
#include "sextant/payload/payload_json.hpp"

namespace {

using Bytes = std::vector<std::byte>;

void require(bool condition) {
    if (!condition) std::abort();
}

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// Values below `value`, read one by one.
std::size_t walk(const sextant::PayloadValue& value, int depth) {
    std::size_t count = 1 + value.string().size() + static_cast<std::size_t>(value.boolean());
    count += static_cast<std::size_t>(value.integer() & 1) + static_cast<std::size_t>(value.unsigned_integer() & 1);
    count += value.floating() > 0 ? 1 : 0;
    if (depth == 0) return count;
    for (auto e = value.elements(); e.next();) count += walk(e.value(), depth - 1);
    for (auto m = value.members(); m.next();) count += m.key().size() + m.bytes().size() + walk(m.value(), depth - 1);
    return count;
}

void filter(const sextant::PayloadPath& path, std::span<const std::byte> blob) {
    const auto field = sextant::field(path.text());
    const std::size_t yielded = [&] {
        std::size_t count = 0;
        sextant::PayloadView(blob).visit(path, [&count](const sextant::PayloadValue&) { return ++count, false; });
        return count;
    }();
    const auto ask = [&blob](const sextant::Filter& filter) {
        return sextant::FilterProgram::compile(filter).value().matches(sextant::PointId{1}, blob);
    };
    const auto list = field.any_of({1, 2.5, "a", true, UINT64_MAX});
    require(ask(list) != ask(!list));
    require(ask(field.exists()) == (yielded != 0));
    require(yielded != 0 || ask(field.is_empty()));
    require(!(ask(list) || ask(field >= -1e300) || ask(field.starts_with("")) || ask(field.is_null())) || yielded != 0);
    require(!ask(field.between(-5, 5)) || (ask(field >= -5) && ask(field <= 5)));
    (void)ask(field.except({0, "b", false}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t path_size = data[0] < size - 1 ? data[0] : size - 1;
    const std::string_view path_text(reinterpret_cast<const char*>(data) + 1, path_size);
    const Bytes blob(reinterpret_cast<const std::byte*>(data) + 1 + path_size,
                     reinterpret_cast<const std::byte*>(data) + size);

    const auto valid = sextant::PayloadView(blob).validate();
    (void)walk(sextant::PayloadView(blob).root(), 70);

    // One encoding per payload: what is valid is exactly what encoding gives.
    Bytes again;
    const auto payload = sextant::decode_payload(blob);
    const bool round_trip = sextant::encode_payload(payload, again).has_value() && equal(again, blob);
    require(valid.has_value() == round_trip);

    Bytes edited;
    const auto path = sextant::PayloadPath::parse(path_text);
    if (path.has_value()) {
        filter(*path, blob);
        const auto deleted = sextant::delete_payload_keys(blob, {&*path, 1}, edited);
        if (valid.has_value()) {
            require(deleted.has_value() && sextant::PayloadView(edited).validate().has_value());
            require(edited.size() <= blob.size());
        }
    }
    // The path's bytes, read as a payload, are the patch.
    const auto patch = std::as_bytes(std::span(path_text.data(), path_text.size()));
    const auto set = sextant::set_payload_keys(blob, patch, edited);
    if (valid.has_value() && sextant::PayloadView(patch).validate().has_value()) {
        require(set.has_value() && sextant::PayloadView(edited).validate().has_value());
    }
    return 0;
}
