/// PayloadWriter: builds an encoded payload, value by value, whatever the source of the values.
/// Invariants: (1) the first error stays: later calls do nothing and return false; (2) what finish() accepts,
/// PayloadView::validate() accepts, and equal payloads give equal bytes.
/// Threads: confined. Lifetime: the output vector outlives the writer.
/// Cost: one pass; a container under 256 bytes is moved three bytes down when it ends, a longer one never.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/payload/payload_format.hpp"
#include "sextant/payload/payload_limits.hpp"
#include "sextant/payload/payload_view.hpp"

namespace sextant::inline v1 {

class PayloadWriter {
public:
    /// Replaces what is in `out` and opens the payload's own object.
    explicit PayloadWriter(std::vector<std::byte>& out);

    /// Every call returns whether all is well so far: a caller that walks a deep structure stops at false.
    /// In an object a key stands before each value, in ascending order of bytes, none twice.
    bool key(std::string_view key);
    bool null();
    bool boolean(bool value);
    bool integer(std::int64_t value);
    bool unsigned_integer(std::uint64_t value);
    bool floating(double value);
    bool string(std::string_view value);
    bool begin_array();
    bool begin_object();
    /// Ends the innermost array or object.
    bool end();
    /// A value of a valid payload, with all that is in it.
    bool copy(const PayloadValue& value);
    /// Refuses the value that comes next, for a reason of the caller's: "payload: <path>: <problem>".
    bool fail(std::string_view problem);

    /// Closes the payload; the error, if there was one, and then `out` is empty.
    [[nodiscard]] Result<void> finish();

private:
    struct Frame {
        std::size_t body = 0;  ///< offset of the first element or member
        std::size_t key_offset = 0;
        std::size_t key_size = 0;
        std::size_t element_count = 0;
        bool is_object = true;
        bool key_pending = false;
        bool has_members = false;
    };

    bool has_room(std::size_t size);
    bool before_value(std::size_t size);
    bool begin_container(PayloadTag wide_tag);
    void put(std::span<const std::byte> bytes);
    void put_tag(PayloadTag tag);
    template <class T>
    void put_number(PayloadTag tag, T value);
    void put_sized(PayloadTag narrow_tag, PayloadTag wide_tag, std::span<const std::byte> bytes);
    [[nodiscard]] std::string place() const;
    bool refuse(Error error);

    std::vector<std::byte>& out_;
    std::array<Frame, limits::max_payload_depth> frames_ = {};
    std::size_t depth_ = 1;
    bool failed_ = false;
    Error error_ = {};
};

}  // namespace sextant::inline v1
