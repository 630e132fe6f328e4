/// FilterProgram: a filter made ready to be asked once per row: paths parsed, lists sorted, the tree in one array.
/// Threads: immutable. Copies share the program.
/// Cost: matches() allocates nothing; per condition one walk along its path, then a comparison or a binary search.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "sextant/core/point_id.hpp"
#include "sextant/core/result.hpp"
#include "sextant/payload/filter.hpp"

namespace sextant::inline v1 {

class FilterProgram {
public:
    /// The error is that of filter.validate(). An empty filter compiles to one that admits every point.
    [[nodiscard]] static Result<FilterProgram> compile(const Filter& filter);

    /// Whether the point with this id and encoded payload is meant. Bytes that are no payload are read as an unspecified
    /// part of them; nothing outside them is read.
    [[nodiscard]] bool matches(const PointId& id, std::span<const std::byte> payload) const noexcept;

    /// Whether every point is admitted without a look at it.
    [[nodiscard]] bool admits_all() const noexcept;
    /// Whether the answer depends on the payload: a filter on ids alone can be asked with none.
    [[nodiscard]] bool reads_payload() const noexcept;

private:
    struct Code;
    explicit FilterProgram(std::shared_ptr<const Code> code) noexcept : code_(std::move(code)) {}

    std::shared_ptr<const Code> code_;
};

}  // namespace sextant::inline v1
