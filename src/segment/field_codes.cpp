#include "sextant/segment/field_codes.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/segment/field_layout.hpp"

namespace sextant::inline v1::detail {
namespace {

Error cancelled() { return Error{ErrorCode::cancelled, "encoding of vectors was cancelled"}; }

}  // namespace

CodeRows::CodeRows(std::unique_ptr<FieldCodec> codec, std::size_t dimension, Column<std::byte> codes)
    : codec_(std::move(codec)),
      code_size_(codec_->code_size()),
      stride_(code_stride(code_size_)),
      codes_(std::move(codes)),
      room_(dimension, *codec_) {}

Result<std::unique_ptr<CodeRows>> CodeRows::reserve(std::unique_ptr<FieldCodec> codec, std::size_t dimension,
                                                    std::uint32_t max_rows, MemoryAccount& account) {
    const std::size_t stride = code_stride(codec->code_size());
    SEXTANT_TRY_ASSIGN(auto codes, Column<std::byte>::reserve(max_rows * stride, account, "vector codes"));
    return std::unique_ptr<CodeRows>(new CodeRows(std::move(codec), dimension, std::move(codes)));
}

Result<std::unique_ptr<CodeRows>> CodeRows::exact(std::unique_ptr<FieldCodec> codec, std::size_t dimension,
                                                  std::uint32_t row_count, MemoryAccount& account) {
    const std::size_t stride = code_stride(codec->code_size());
    SEXTANT_TRY_ASSIGN(auto codes, Column<std::byte>::exact(row_count * stride, account, "vector codes"));
    return std::unique_ptr<CodeRows>(new CodeRows(std::move(codec), dimension, std::move(codes)));
}

std::unique_ptr<CodeRows> CodeRows::mapped(std::unique_ptr<FieldCodec> codec, std::size_t dimension,
                                           std::uint32_t row_count, bool lossless,
                                           std::shared_ptr<const SectionMap> map) {
    std::unique_ptr<CodeRows> rows(new CodeRows(std::move(codec), dimension, {}));
    rows->map_ = std::move(map);
    rows->adopt(row_count, lossless);
    return rows;
}

Result<std::unique_ptr<CodeRows>> CodeRows::written(std::unique_ptr<FieldCodec> codec, const RawRows& raw,
                                                    std::uint32_t row_count, Executor& executor,
                                                    const std::stop_token& stop, MemoryAccount& account,
                                                    FieldDraft& draft) {
    std::unique_ptr<CodeRows> rows(new CodeRows(std::move(codec), raw.dimension(), {}));
    const std::size_t stride = rows->stride_;
    constexpr std::uint32_t rows_at_once = 1024;
    SEXTANT_TRY_ASSIGN(const auto room, Column<std::byte>::exact(rows_at_once * stride, account, "vector codes"));
    std::vector<Room> rooms(std::max<std::size_t>(executor.parallelism(), 1), Room(raw.dimension(), *rows->codec_));
    SEXTANT_TRY_ASSIGN(rows->map_, draft.write(FieldPart::codes, [&](PartSink& sink) -> Result<void> {
        SEXTANT_TRY(sink.begin_section());
        for (std::uint32_t first = 0; first < row_count; first += rows_at_once) {
            if (stop.stop_requested()) return cancelled();
            const std::uint32_t count = std::min(rows_at_once, row_count - first);
            parallel_for(executor, count, 64, [&](std::size_t worker, std::size_t begin, std::size_t end) {
                for (std::size_t i = begin; i < end; ++i) {
                    const RowId row{first + static_cast<std::uint32_t>(i)};
                    rows->encode_row(raw, row, rooms[worker], room.data() + i * stride);
                }
            });
            SEXTANT_TRY(sink.add(room.bytes(count * stride)));
        }
        return {};
    }));
    rows->adopt(row_count, rows->lossless());
    return rows;
}

float CodeRows::encode_row(const RawRows& raw, RowId row, Room& room, std::byte* code) noexcept {
    bool zero = false;
    const VectorView vector = raw.unit(row, room.unit, zero);
    if (codec_->always_lossy()) {
        codec_->encode(vector, zero, {code, code_size_}, room.work);
        if (!lossy_.load(std::memory_order_relaxed)) lossy_.store(true, std::memory_order_relaxed);
        return 0.0F;
    }
    if (vector.data() != room.unit.data()) std::copy(vector.begin(), vector.end(), room.unit.begin());
    codec_->encode(vector, zero, {code, code_size_}, room.work);
    codec_->decode({code, code_size_}, room.decoded);
    if (std::equal(vector.begin(), vector.end(), room.decoded.begin())) return 0.0F;
    // Relaxed: stored before coded_ is, with release.
    if (!lossy_.load(std::memory_order_relaxed)) lossy_.store(true, std::memory_order_relaxed);
    return active_kernels().l2_f32(vector.data(), room.decoded.data(), vector.size());
}

void CodeRows::encode_up_to(const RawRows& raw, std::uint32_t row_count) noexcept {
    for (std::uint32_t row = coded_.load(std::memory_order_relaxed); row < row_count; ++row) {
        const float lost = encode_row(raw, RowId{row}, room_, place_of(row));
        watch_drift(lost);
        coded_.store(row + 1, std::memory_order_release);
    }
}

/// A codebook does not suit a row when it codes it worse than its sample, or when what it loses is not small beside the
/// distance to the row before: 1/8 of the length, where 1/100 is usual.
void CodeRows::watch_drift(float lost) noexcept {
    const float apart = active_kernels().l2_f32(room_.unit.data(), room_.previous.data(), room_.unit.size());
    const bool coarse = drift_.rows != 0 && apart > 0.0F && 64.0F * lost > apart;
    ++drift_.rows;
    drift_.misfits += coarse || codec_->misfit(lost) ? 1U : 0U;
    room_.unit.swap(room_.previous);
}

Result<void> CodeRows::encode_all(const RawRows& raw, std::uint32_t row_count, Executor& executor,
                                  const std::stop_token& stop) {
    std::vector<Room> rooms(std::max<std::size_t>(executor.parallelism(), 1), Room(raw.dimension(), *codec_));
    constexpr std::uint32_t between_stops = 16'384;
    for (std::uint32_t first = coded(); first < row_count; first += std::min(between_stops, row_count - first)) {
        if (stop.stop_requested()) return cancelled();
        const std::uint32_t count = std::min(between_stops, row_count - first);
        parallel_for(executor, count, 256, [&](std::size_t worker, std::size_t begin, std::size_t end) {
            if (stop.stop_requested()) return;
            for (std::size_t i = begin; i < end; ++i) {
                const std::uint32_t row = first + static_cast<std::uint32_t>(i);
                encode_row(raw, RowId{row}, rooms[worker], place_of(row));
            }
        });
    }
    if (stop.stop_requested()) return Error{ErrorCode::cancelled, "encoding of vectors was cancelled"};
    coded_.store(row_count, std::memory_order_release);
    return {};
}

Result<void> CodeRows::verify(const RawRows& raw, std::uint32_t row_count) const {
    Room room(raw.dimension(), *codec_);
    std::vector<std::byte> expected(code_size_);
    for (std::uint32_t row = 0; row < std::min(row_count, coded()); ++row) {
        bool zero = false;
        const VectorView vector = raw.unit(RowId{row}, room.unit, zero);
        codec_->encode(vector, zero, expected, room.work);
        const std::byte* code = base() + row * stride_;
        const auto different = std::mismatch(expected.begin(), expected.end(), code);
        if (different.first == expected.end()) continue;
        return Error{ErrorCode::corruption,
                     format_text("codes: row {}: byte {} is {:#04x}, its vector encodes to {:#04x}", row,
                                 different.first - expected.begin(), std::to_integer<unsigned>(*different.second),
                                 std::to_integer<unsigned>(*different.first))};
    }
    return {};
}

}  // namespace sextant::inline v1::detail
