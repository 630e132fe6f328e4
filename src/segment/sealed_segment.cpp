#include "sextant/segment/sealed_segment.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/core/assert.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/segment/segment_draft.hpp"

namespace sextant::inline v1 {
namespace {

std::uint64_t load_word(BitmapView bits, std::size_t word) noexcept {
    return __atomic_load_n(bits.words + word, __ATOMIC_RELAXED);
}

/// The bits of word `word` that stand for rows below row_count.
std::uint64_t rows_mask(std::size_t word, std::uint32_t row_count) noexcept {
    const std::uint64_t first = std::uint64_t{word} * 64;
    return row_count - first >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (row_count - first)) - 1;
}

std::size_t words_for(std::uint32_t row_count) noexcept { return (std::size_t{row_count} + 63) / 64; }

/// Calls body(row) for each live row, in order, until it returns false.
template <class Body>
bool for_each_kept(const SegmentState& source, Body&& body) {
    const BitmapView dropped = source.deleted_view();
    for (std::uint32_t row = 0; row < source.row_count; ++row) {
        if (dropped.words != nullptr && dropped.test(row)) continue;
        if (!body(row)) return false;
    }
    return true;
}

Error cancelled() { return Error{ErrorCode::cancelled, "the build of a segment was cancelled"}; }

}  // namespace

SegmentState SealedSegment::state(std::shared_ptr<Segment> self) const {
    SegmentState state;
    state.segment = std::move(self);
    state.row_count = row_count();
    state.live_count = row_count() - tombstones().count();
    state.ids = ids_.view();
    state.versions = versions_.data();
    state.payloads = payloads_.view();
    state.id_table = id_table_;
    state.overlay = overlay().table();
    state.deleted = tombstones().current();
    return state;
}

SegmentBytes SealedSegment::bytes() const noexcept {
    SegmentBytes bytes = shared_bytes();
    bytes.ids = ids_.memory_bytes();
    bytes.versions = versions_.arena().committed();
    bytes.payloads = payloads_.memory_bytes();
    bytes.id_map += id_table_->memory_bytes();
    return bytes;
}

KeptRows::KeptRows(const SegmentState& source, std::uint32_t first_new_row)
    : dropped_(source.deleted_view()), first_new_row_(first_new_row), kept_count_(source.row_count) {
    if (dropped_.words == nullptr) return;
    const std::size_t words = words_for(source.row_count);
    dropped_before_.reserve(words);
    std::uint32_t dropped = 0;
    for (std::size_t word = 0; word < words; ++word) {
        dropped_before_.push_back(dropped);
        dropped +=
            static_cast<std::uint32_t>(std::popcount(load_word(dropped_, word) & rows_mask(word, source.row_count)));
    }
    kept_count_ -= dropped;
}

std::uint32_t KeptRows::new_row(std::uint32_t row) const noexcept {
    if (dropped_before_.empty()) return first_new_row_ + row;
    const std::size_t word = row >> 6U;
    const std::uint64_t below = load_word(dropped_, word) & ((std::uint64_t{1} << (row & 63U)) - 1);
    return first_new_row_ + row - dropped_before_[word] - static_cast<std::uint32_t>(std::popcount(below));
}

SegmentSealer::SegmentSealer(std::span<const SegmentState> sources, Lsn at) : sources_(sources), at_(at) {
    for (const SegmentState& source : sources) {
        kept_.emplace_back(source, static_cast<std::uint32_t>(kept_rows_));
        kept_rows_ += kept_.back().kept_count();
    }
}

Result<void> SegmentSealer::copy_rows(SealedSegment& segment, MemoryAccount& account,
                                      const std::stop_token& stop) const {
    const auto rows = static_cast<std::uint32_t>(kept_rows_);
    bool wide = false;
    std::uint64_t payload_bytes = 0;
    for (const SegmentState& source : sources_) {
        const bool any_payload = source.payloads.ends != nullptr || source.overlay != nullptr;
        if (!source.ids.wide() && !any_payload) continue;
        const bool all = for_each_kept(source, [&](std::uint32_t row) {
            wide = wide || source.ids[row].is_uuid();
            if (any_payload) payload_bytes += source.payload(row, at_).size();
            return (row & 0xFFFU) != 0 || !stop.stop_requested();
        });
        if (!all) return cancelled();
    }
    SEXTANT_TRY_ASSIGN(segment.ids_, IdColumn::exact(rows, wide, account));
    SEXTANT_TRY_ASSIGN(segment.versions_, Column<std::uint64_t>::exact(rows, account, "versions"));
    SEXTANT_TRY_ASSIGN(segment.payloads_, PayloadColumn::exact(rows, payload_bytes, account));
    SEXTANT_TRY_ASSIGN(segment.id_table_, IdTable::create(sealed_slot_count(rows), rows, account));
    const IdView ids = segment.ids_.view();
    std::uint32_t next = 0;
    for (const SegmentState& source : sources_) {
        const bool all = for_each_kept(source, [&](std::uint32_t row) {
            const PointId id = source.ids[row];
            segment.ids_.set(next, id);
            segment.versions_[next] = static_cast<std::uint64_t>(source.version(row, at_));
            if (segment.payloads_.present()) segment.payloads_.append(next, source.payload(row, at_));
            segment.id_table_->insert(ids, next, id, id.hash());
            ++next;
            return (next & 0xFFFU) != 0 || !stop.stop_requested();
        });
        if (!all) return cancelled();
    }
    SEXTANT_CHECK(next == rows);
    return {};
}

Result<std::shared_ptr<SealedSegment>> SegmentSealer::build(const Environment& environment,
                                                            FunctionRef<void(double)> progress) const {
    SEXTANT_ASSERT(kept_rows_ > 0);
    if (kept_rows_ > limits::max_rows_per_segment) {
        return Error{ErrorCode::resource_exhausted, format_text("segment: {} rows, a segment holds at most {}",
                                                                kept_rows_, limits::max_rows_per_segment)};
    }
    const auto rows = static_cast<std::uint32_t>(kept_rows_);
    std::shared_ptr<SealedSegment> segment(new SealedSegment(rows, *environment.account));
    segment->at_ = at_;
    SEXTANT_TRY(copy_rows(*segment, *environment.account, environment.stop));
    if (!environment.recode && share_fields(*segment)) return segment;
    const IdView ids = segment->ids_.view();
    const auto row_key = [&](RowId row) { return ids[to_index(row)].hash(); };
    const double share = 1.0 / static_cast<double>(environment.fields.size());
    for (std::size_t index = 0; index < environment.fields.size(); ++index) {
        std::vector<SealSource> field_sources;
        for (const SegmentState& source : sources_) {
            field_sources.push_back({&source.segment->field(index), source.row_count, source.deleted_view()});
        }
        const auto field_progress = [&](double done) { progress(share * (static_cast<double>(index) + done)); };
        const SealRequest request{.sources = field_sources,
                                  .kept_rows = rows,
                                  .row_key = row_key,
                                  .account = environment.account,
                                  .executor = environment.executor,
                                  .stop = environment.stop,
                                  .progress = field_progress,
                                  .draft = environment.draft == nullptr
                                               ? nullptr
                                               : &environment.draft->field(static_cast<std::uint16_t>(index))};
        SEXTANT_TRY_ASSIGN(auto field, environment.fields[index]->seal(request));
        segment->fields_.push_back(std::move(field));
    }
    return segment;
}

void SegmentSealer::collect_late_changes(std::size_t index, const SegmentState& now, Lsn now_at,
                                         LateChanges& out) const {
    const SegmentState& then = sources_[index];
    const KeptRows& kept = kept_[index];
    if (now.deleted != nullptr && now.deleted != then.deleted) {
        const BitmapView before = then.deleted_view();
        const BitmapView after = now.deleted_view();
        for (std::size_t word = 0; word < words_for(then.row_count); ++word) {
            std::uint64_t died = load_word(after, word) & rows_mask(word, then.row_count);
            if (before.words != nullptr) died &= ~load_word(before, word);
            for (; died != 0; died &= died - 1) {
                out.dead.push_back(kept.new_row(static_cast<std::uint32_t>(word * 64) +
                                                static_cast<std::uint32_t>(std::countr_zero(died))));
            }
        }
    }
    if (now.overlay == nullptr) return;
    for (std::size_t slot = 0; slot < now.overlay->slot_count(); ++slot) {
        const RowId row = now.overlay->row_at(slot);
        if (row == no_row || !now.alive(to_index(row))) continue;
        const PayloadChange* const change = now.overlay->find(to_index(row), now_at);
        if (change != nullptr && change->lsn() > at_) out.payloads.push_back({kept.new_row(to_index(row)), change});
    }
}

}  // namespace sextant::inline v1
