#include "sextant/payload/payload_edit.hpp"

#include "payload/detail/payload_decode.hpp"
#include "sextant/payload/payload_writer.hpp"

namespace sextant::inline v1 {
namespace {

using Step = PayloadPath::Step;
using StepKind = PayloadPath::StepKind;

bool write_without(const PayloadValue& value, std::span<const Step> steps, PayloadWriter& writer);

/// The members of `object` but for what the path yields inside them.
bool write_members_without(const PayloadValue& object, std::span<const Step> steps, PayloadWriter& writer) {
    for (auto member = object.members(); member.next();) {
        const bool meant = steps[0].kind == StepKind::key && member.key() == steps[0].key;
        if (meant && steps.size() == 1) continue;
        if (!writer.key(member.key())) return false;
        const bool good = meant ? write_without(member.value(), steps.subspan(1), writer) : writer.copy(member.value());
        if (!good) return false;
    }
    return true;
}

bool write_elements_without(const PayloadValue& array, std::span<const Step> steps, PayloadWriter& writer) {
    std::uint64_t index = 0;
    for (auto element = array.elements(); element.next(); ++index) {
        const bool meant =
            steps[0].kind == StepKind::each || (steps[0].kind == StepKind::index && index == steps[0].index);
        if (meant && steps.size() == 1) continue;
        const bool good =
            meant ? write_without(element.value(), steps.subspan(1), writer) : writer.copy(element.value());
        if (!good) return false;
    }
    return true;
}

bool write_without(const PayloadValue& value, std::span<const Step> steps, PayloadWriter& writer) {
    if (value.is_object()) {
        return writer.begin_object() && write_members_without(value, steps, writer) && writer.end();
    }
    if (value.is_array()) {
        return writer.begin_array() && write_elements_without(value, steps, writer) && writer.end();
    }
    return writer.copy(value);
}

}  // namespace

Result<void> set_payload_keys(std::span<const std::byte> base, std::span<const std::byte> patch,
                              std::vector<std::byte>& out) {
    PayloadWriter writer(out);
    auto old_members = detail::payload_root(base).members();
    auto new_members = detail::payload_root(patch).members();
    bool has_old = old_members.next();
    bool has_new = new_members.next();
    bool good = true;
    while (good && (has_old || has_new)) {
        const int order = !has_old ? 1 : !has_new ? -1 : old_members.key().compare(new_members.key());
        const auto& source = order < 0 ? old_members : new_members;
        good = writer.key(source.key()) && writer.copy(source.value());
        if (order <= 0) has_old = old_members.next();
        if (order >= 0) has_new = new_members.next();
    }
    return writer.finish();
}

Result<void> overwrite_payload(std::span<const std::byte> /*base*/, std::span<const std::byte> replacement,
                               std::vector<std::byte>& out) {
    out.assign(replacement.begin(), replacement.end());
    return {};
}

Result<void> delete_payload_keys(std::span<const std::byte> base, std::span<const PayloadPath> paths,
                                 std::vector<std::byte>& out) {
    std::vector<std::byte> current(base.begin(), base.end());
    for (const PayloadPath& path : paths) {
        PayloadWriter writer(out);
        (void)write_members_without(detail::payload_root(current), path.steps(), writer);
        SEXTANT_TRY(writer.finish());
        current.swap(out);
    }
    out.swap(current);
    return {};
}

void clear_payload(std::vector<std::byte>& out) noexcept { out.clear(); }

}  // namespace sextant::inline v1
