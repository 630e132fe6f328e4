/// CodeRows: the codes of a field's rows under one trained quantizer.
/// Invariants: (1) rows [0, coded()) have codes; (2) rows and the codec never move or change; (3) while lossless(),
/// every one of them decodes to its vector bit for bit.
/// Threads: one writer beside readers; coded() is stored with release after the rows it covers and loaded with acquire.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sextant/core/arena.hpp"
#include "sextant/core/executor.hpp"
#include "sextant/segment/field_codec.hpp"
#include "sextant/segment/field_draft.hpp"
#include "sextant/segment/field_rows.hpp"

namespace sextant::inline v1::detail {

class CodeRows {
public:
    /// Addresses for max_rows; memory is taken by ensure().
    [[nodiscard]] static Result<std::unique_ptr<CodeRows>> reserve(std::unique_ptr<FieldCodec> codec,
                                                                   std::size_t dimension, std::uint32_t max_rows,
                                                                   MemoryAccount& account);
    [[nodiscard]] static Result<std::unique_ptr<CodeRows>> exact(std::unique_ptr<FieldCodec> codec,
                                                                 std::size_t dimension, std::uint32_t row_count,
                                                                 MemoryAccount& account);

    /// Codes that lie in `map`, its one section, and were checked. REQUIRES: it has the size for so many rows.
    [[nodiscard]] static std::unique_ptr<CodeRows> mapped(std::unique_ptr<FieldCodec> codec, std::size_t dimension,
                                                          std::uint32_t row_count, bool lossless,
                                                          std::shared_ptr<const SectionMap> map);
    /// Encodes all rows into a file, on all workers of the executor, and leaves the codes there. REQUIRES: all of `raw` was
    /// checked.
    [[nodiscard]] static Result<std::unique_ptr<CodeRows>> written(std::unique_ptr<FieldCodec> codec,
                                                                   const RawRows& raw, std::uint32_t row_count,
                                                                   Executor& executor, const std::stop_token& stop,
                                                                   MemoryAccount& account, FieldDraft& draft);

    [[nodiscard]] Result<void> ensure(std::uint32_t row_count) { return codes_.ensure(row_count * stride_); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return codes_.arena().committed(); }
    /// Gives back what lies past `bytes`.
    void shrink_to(std::uint64_t bytes) noexcept { codes_.shrink(bytes); }

    /// Encodes rows [coded(), row_count). REQUIRES: ensure(row_count) succeeded; one caller at a time.
    void encode_up_to(const RawRows& raw, std::uint32_t row_count) noexcept;
    /// The same on all workers of the executor. cancelled: coded() did not change.
    [[nodiscard]] Result<void> encode_all(const RawRows& raw, std::uint32_t row_count, Executor& executor,
                                          const std::stop_token& stop);

    [[nodiscard]] std::uint32_t coded() const noexcept { return coded_.load(std::memory_order_acquire); }
    /// Read after coded(): what it says then holds for those rows.
    [[nodiscard]] bool lossless() const noexcept { return !lossy_.load(std::memory_order_relaxed); }
    /// As they lie in a file: to be written out.
    [[nodiscard]] std::span<const std::byte> section(std::uint32_t row_count) const noexcept {
        return {base(), row_count * stride_};
    }
    /// The same, to be read into. REQUIRES: not mapped.
    [[nodiscard]] std::span<std::byte> room(std::uint32_t row_count) noexcept {
        return codes_.bytes(row_count * stride_);
    }
    [[nodiscard]] std::size_t stride() const noexcept { return stride_; }
    /// The section was read from a file: rows [0, row_count) have codes.
    void adopt(std::uint32_t row_count, bool lossless) noexcept {
        lossy_.store(!lossless, std::memory_order_relaxed);
        coded_.store(row_count, std::memory_order_release);
    }
    [[nodiscard]] const FieldCodec& codec() const noexcept { return *codec_; }
    [[nodiscard]] RowSource source() const noexcept { return {base(), stride_, nullptr}; }
    /// Of the rows that encode_up_to() encoded.
    struct Drift {
        std::uint64_t rows = 0;
        std::uint64_t misfits = 0;  ///< rows that the codebook does not suit
    };
    [[nodiscard]] const Drift& drift() const noexcept { return drift_; }

    /// Re-encodes each row and compares. corruption names the row.
    [[nodiscard]] Result<void> verify(const RawRows& raw, std::uint32_t row_count) const;

private:
    CodeRows(std::unique_ptr<FieldCodec> codec, std::size_t dimension, Column<std::byte> codes);
    struct Room {
        Room(std::size_t dimension, const FieldCodec& codec)
            : unit(dimension), decoded(dimension), previous(dimension), work(codec.room_floats()) {}
        std::vector<float> unit;
        std::vector<float> decoded;
        std::vector<float> previous;  ///< the row before, as it was encoded
        std::vector<float> work;      ///< the codec's
    };
    void watch_drift(float lost) noexcept;
    /// Returns the square of what the code lost, where that is looked at; room.unit then holds what was encoded.
    float encode_row(const RawRows& raw, RowId row, Room& room, std::byte* code) noexcept;
    [[nodiscard]] const std::byte* base() const noexcept {
        return map_ == nullptr ? codes_.data() : map_->bytes(0).data();
    }
    [[nodiscard]] std::byte* place_of(std::uint32_t row) noexcept { return codes_.data() + row * stride_; }

    std::unique_ptr<FieldCodec> codec_;
    std::size_t code_size_;
    std::size_t stride_;
    Column<std::byte> codes_;
    std::shared_ptr<const SectionMap> map_;  ///< null: codes are in memory
    Room room_;                              ///< of encode_up_to
    std::atomic<std::uint32_t> coded_{0};
    std::atomic<bool> lossy_{false};
    Drift drift_;
};

}  // namespace sextant::inline v1::detail
