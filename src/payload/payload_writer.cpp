#include "sextant/payload/payload_writer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/format_text.hpp"
#include "payload/detail/payload_decode.hpp"
#include "payload/detail/text.hpp"

namespace sextant::inline v1 {
namespace {

constexpr std::size_t wide_size_bytes = 4;
/// Open containers hold three bytes each that may still go; a payload within the limit is never refused for them.
constexpr std::size_t open_slack = 3 * limits::max_payload_depth;

template <class T>
std::array<std::byte, sizeof(T)> little_endian(T value) noexcept {
    std::uint64_t bits = 0;
    if constexpr (std::is_same_v<T, double>) {
        bits = std::bit_cast<std::uint64_t>(value);
    } else {
        bits = static_cast<std::make_unsigned_t<T>>(value);
    }
    std::array<std::byte, sizeof(T)> out{};
    for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<std::byte>(bits >> (8 * i));
    return out;
}

std::span<const std::byte> as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span(text.data(), text.size()));
}

/// Levels of containers in `value`, itself included; 0 for a scalar. Bounded for bytes that are no payload.
std::size_t height(const PayloadValue& value, std::size_t limit) {
    if (!value.is_array() && !value.is_object()) return 0;
    if (limit == 0) return 1;
    std::size_t below = 0;
    for (auto e = value.elements(); e.next();) below = std::max(below, height(e.value(), limit - 1));
    for (auto m = value.members(); m.next();) below = std::max(below, height(m.value(), limit - 1));
    return below + 1;
}

}  // namespace

PayloadWriter::PayloadWriter(std::vector<std::byte>& out) : out_(out) {
    out_.clear();
    out_.push_back(std::byte{payload_version});
    frames_[0].body = out_.size();
}

bool PayloadWriter::key(std::string_view key) {
    if (failed_) return false;
    Frame& frame = frames_[depth_ - 1];
    if (!frame.is_object) return fail("a key inside an array");
    if (frame.key_pending) return fail("a key where its value belongs");
    if (const std::size_t valid = detail::valid_utf8_size(key); valid != key.size()) {
        return fail(format_text("the key {} is not UTF-8 at byte {}", detail::shown(key), valid));
    }
    const auto previous = detail::as_text({out_.data() + frame.key_offset, frame.key_size});
    if (frame.has_members && previous.compare(key) >= 0) {
        return fail(format_text("the key {} does not come after {}", detail::shown(key), detail::shown(previous)));
    }
    if (!has_room(1 + wide_size_bytes + key.size())) return false;
    if (key.size() < payload_wide_key) {
        const std::byte size{static_cast<std::uint8_t>(key.size())};
        put({&size, 1});
    } else {
        const std::byte mark{payload_wide_key};
        put({&mark, 1});
        put(little_endian(static_cast<std::uint32_t>(key.size())));
    }
    frame.key_offset = out_.size();
    frame.key_size = key.size();
    frame.key_pending = true;
    put(as_bytes(key));
    return true;
}

bool PayloadWriter::null() {
    if (!before_value(0)) return false;
    put_tag(PayloadTag::null);
    return true;
}

bool PayloadWriter::boolean(bool value) {
    if (!before_value(0)) return false;
    put_tag(value ? PayloadTag::boolean_true : PayloadTag::boolean_false);
    return true;
}

bool PayloadWriter::integer(std::int64_t value) {
    if (!before_value(sizeof(value))) return false;
    const auto fits = [value](auto narrow) {
        using Narrow = decltype(narrow);
        return value >= std::numeric_limits<Narrow>::min() && value <= std::numeric_limits<Narrow>::max();
    };
    if (fits(std::int8_t{})) {
        put_number(PayloadTag::integer8, static_cast<std::int8_t>(value));
    } else if (fits(std::int16_t{})) {
        put_number(PayloadTag::integer16, static_cast<std::int16_t>(value));
    } else if (fits(std::int32_t{})) {
        put_number(PayloadTag::integer32, static_cast<std::int32_t>(value));
    } else {
        put_number(PayloadTag::integer64, value);
    }
    return true;
}

bool PayloadWriter::unsigned_integer(std::uint64_t value) {
    if (value <= static_cast<std::uint64_t>(INT64_MAX)) return integer(static_cast<std::int64_t>(value));
    if (!before_value(sizeof(value))) return false;
    put_number(PayloadTag::unsigned64, value);
    return true;
}

bool PayloadWriter::floating(double value) {
    if (failed_) return false;
    if (!std::isfinite(value)) return fail(format_text("expected a finite number, got {}", value));
    if (!before_value(sizeof(value))) return false;
    put_number(PayloadTag::floating64, value);
    return true;
}

bool PayloadWriter::string(std::string_view value) {
    if (failed_) return false;
    if (const std::size_t valid = detail::valid_utf8_size(value); valid != value.size()) {
        return fail(format_text("the string {} is not UTF-8 at byte {}", detail::shown(value), valid));
    }
    if (!before_value(wide_size_bytes + value.size())) return false;
    put_sized(PayloadTag::string8, PayloadTag::string32, as_bytes(value));
    return true;
}

bool PayloadWriter::begin_array() { return begin_container(PayloadTag::array32); }
bool PayloadWriter::begin_object() { return begin_container(PayloadTag::object32); }

bool PayloadWriter::begin_container(PayloadTag wide_tag) {
    if (failed_) return false;
    if (depth_ == limits::max_payload_depth) {
        return fail(format_text("expected at most {} levels of objects and arrays, got more", depth_));
    }
    if (!before_value(wide_size_bytes)) return false;
    put_number(wide_tag, std::uint32_t{0});
    frames_[depth_] = Frame{};
    frames_[depth_].body = out_.size();
    frames_[depth_].is_object = wide_tag == PayloadTag::object32;
    ++depth_;
    return true;
}

bool PayloadWriter::end() {
    if (failed_) return false;
    const Frame& frame = frames_[depth_ - 1];
    if (frame.key_pending) return fail("a key without a value");
    if (depth_ == 1) return fail("the end of a container that was not begun");
    const std::size_t size = out_.size() - frame.body;
    std::byte* const body = out_.data() + frame.body;
    std::byte* const header = body - wide_size_bytes - 1;
    if (size >= payload_wide_size) {
        const auto bytes = little_endian(static_cast<std::uint32_t>(size));
        std::copy(bytes.begin(), bytes.end(), header + 1);
    } else {
        header[0] = static_cast<std::byte>(frame.is_object ? PayloadTag::object8 : PayloadTag::array8);
        header[1] = static_cast<std::byte>(size);
        std::copy(body, body + size, header + 2);
        out_.resize(out_.size() - (wide_size_bytes - 1));
    }
    --depth_;
    return true;
}

bool PayloadWriter::copy(const PayloadValue& value) {
    if (failed_) return false;
    const std::size_t levels = limits::max_payload_depth - depth_;
    if (height(value, levels) > levels) {
        return fail(
            format_text("expected at most {} levels of objects and arrays, got more", limits::max_payload_depth));
    }
    if (!before_value(wide_size_bytes + value.body().size())) return false;
    const PayloadTag tag = detail::PayloadAccess::tag(value);
    switch (value.kind()) {
        case PayloadKind::string: put_sized(PayloadTag::string8, PayloadTag::string32, value.body()); break;
        case PayloadKind::array: put_sized(PayloadTag::array8, PayloadTag::array32, value.body()); break;
        case PayloadKind::object: put_sized(PayloadTag::object8, PayloadTag::object32, value.body()); break;
        default: put_tag(tag); put(value.body());
    }
    return true;
}

Result<void> PayloadWriter::finish() {
    if (!failed_ && depth_ != 1) fail("an object or array that does not end");
    if (!failed_ && frames_[0].key_pending) fail("a key without a value");
    if (!failed_ && out_.size() > limits::max_payload_size) {
        refuse(invalid_argument(
            format_text("payload: expected at most {} encoded bytes, got {}", limits::max_payload_size, out_.size())));
    }
    if (failed_) {
        out_.clear();
        return error_;
    }
    if (out_.size() == 1) out_.clear();
    return {};
}

/// Whether `size` more bytes fit; says where they would have stood when not.
bool PayloadWriter::has_room(std::size_t size) {
    const std::size_t most = limits::max_payload_size + open_slack;
    if (size <= most && out_.size() <= most - size) return true;
    return fail(format_text("the encoded payload is larger than the limit of {} bytes", limits::max_payload_size));
}

/// Takes note of a value of a tag and at most `size` bytes that is about to be written.
bool PayloadWriter::before_value(std::size_t size) {
    if (failed_) return false;
    Frame& frame = frames_[depth_ - 1];
    if (frame.is_object && !frame.key_pending) return fail("a value without a key");
    if (!has_room(1 + size)) return false;
    frame.key_pending = false;
    frame.has_members = true;
    ++frame.element_count;
    return true;
}

void PayloadWriter::put(std::span<const std::byte> bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

void PayloadWriter::put_tag(PayloadTag tag) { out_.push_back(static_cast<std::byte>(tag)); }

template <class T>
void PayloadWriter::put_number(PayloadTag tag, T value) {
    put_tag(tag);
    put(little_endian(value));
}

void PayloadWriter::put_sized(PayloadTag narrow_tag, PayloadTag wide_tag, std::span<const std::byte> bytes) {
    if (bytes.size() < payload_wide_size) {
        put_number(narrow_tag, static_cast<std::uint8_t>(bytes.size()));
    } else {
        put_number(wide_tag, static_cast<std::uint32_t>(bytes.size()));
    }
    put(bytes);
}

/// Where the writer stands, as a path.
std::string PayloadWriter::place() const {
    std::string path;
    for (std::size_t i = 0; i < depth_; ++i) {
        const Frame& frame = frames_[i];
        const bool inside = i + 1 < depth_;
        if (!frame.is_object) {
            // Inside a child the count already includes it.
            path += format_text("[{}]", frame.element_count - (inside ? 1 : 0));
        } else if (inside || frame.key_pending) {
            if (!path.empty()) path += '.';
            path += detail::shown_key(detail::as_text({out_.data() + frame.key_offset, frame.key_size}));
        }
    }
    return path.empty() ? "top level" : path;
}

bool PayloadWriter::fail(std::string_view problem) {
    return failed_ ? false : refuse(invalid_argument(format_text("payload: {}: {}", place(), problem)));
}

bool PayloadWriter::refuse(Error error) {
    failed_ = true;
    error_ = std::move(error);
    return false;
}

}  // namespace sextant::inline v1
