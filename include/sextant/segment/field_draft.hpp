/// FieldDraft: puts parts of a field that is being sealed into its files as they are made, so that memory need not hold
/// them, and gives them back mapped.
/// Threads: one caller at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/result.hpp"
#include "sextant/segment/section_map.hpp"

namespace sextant::inline v1 {

/// Parts of a sealed field, each a file of its own.
enum class FieldPart : std::uint8_t { vectors, codebook, codes, graph };

/// Takes the sections of a part, front to back.
class PartSink {
public:
    virtual ~PartSink() = default;
    virtual Result<void> begin_section() = 0;
    /// REQUIRES: a section was begun.
    virtual Result<void> add(std::span<const std::byte> bytes) = 0;
};

class FieldDraft {
public:
    virtual ~FieldDraft() = default;
    /// What `fill` gives to the sink, written, synced, read back and checked. Errors are those of `fill` and of the disk;
    /// corruption where the disk gives back something else. REQUIRES: the part was not written yet.
    [[nodiscard]] virtual Result<std::shared_ptr<const SectionMap>> write(
        FieldPart part, FunctionRef<Result<void>(PartSink&)> fill) = 0;
};

}  // namespace sextant::inline v1
