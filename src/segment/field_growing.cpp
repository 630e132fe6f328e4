#include "sextant/segment/field_growing.hpp"

#include <algorithm>
#include <utility>

#include "sextant/quantizer/float_scorer.hpp"
#include "sextant/segment/field_sample.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Vectors a head quantizer is trained on: what ScalarQuantizer says is enough.
constexpr std::size_t head_sample_rows = 8192;
/// Rows encoded under one hold of the lock, so that an appender waits for none of them: it skips its code instead.
constexpr std::uint32_t rows_per_hold = 256;
/// Rows an appender encodes at most beside its own, where the linker left some behind.
constexpr std::uint32_t rows_per_append = 8;

bool suits(const CodeRows& codes) noexcept { return codes.drift().misfits * 10 <= codes.drift().rows; }

}  // namespace

GrowingRows::GrowingRows(const FieldShape& shape, CodecTrainer head, std::uint32_t max_rows, MemoryAccount& account,
                         RawRows raw, HnswIndex graph) noexcept
    : shape_(shape),
      head_(head),
      max_rows_(max_rows),
      account_(&account),
      raw_(std::move(raw)),
      graph_(std::move(graph)) {}

Result<std::unique_ptr<GrowingField>> GrowingRows::create(const FieldShape& shape, CodecTrainer head,
                                                          std::uint32_t max_rows, MemoryAccount& account) {
    SEXTANT_TRY_ASSIGN(RawRows raw, RawRows::reserve(shape.metric, shape.dimension, max_rows, account));
    SEXTANT_TRY_ASSIGN(HnswIndex graph, HnswIndex::create(shape.graph, max_rows, account));
    return std::unique_ptr<GrowingField>(
        new GrowingRows(shape, head, max_rows, account, std::move(raw), std::move(graph)));
}

FieldView GrowingRows::view() const noexcept {
    FieldView view;
    view.metric = shape_.metric;
    view.raw = raw_.source();
    view.vectors = &raw_;
    view.graph = &graph_;
    view.linked = graph_.linked();  // before active_: see the head of the class
    view.max_rows = max_rows_;
    view.growing = true;
    if (const CodeRows* codes = active_.load(std::memory_order_acquire)) {
        view.codec = &codes->codec();
        view.codes = codes->source();
        view.coded = codes->coded();
        view.lossless = codes->lossless();
    }
    return view;
}

FieldAnswer GrowingRows::search(const FieldQuery& query, std::uint32_t row_count, FieldScratch& scratch,
                                std::span<Neighbor> out) const noexcept {
    return search_field(view(), query, row_count, scratch, out);
}

bool GrowingRows::search_exact_batch(std::span<const FieldQuery> queries, std::uint32_t row_count,
                                     FieldScratch& scratch, std::span<Neighbor> out,
                                     std::span<std::size_t> found) const noexcept {
    return search_field_batch(view(), queries, row_count, scratch, out, found);
}

// --- appender --------------------------------------------------------------------------------------------------------

Result<void> GrowingRows::reserve_rows(std::uint32_t row_count) {
    const MutexLock hold(lock_);
    if (row_count <= reserved_rows_) return {};
    SEXTANT_TRY(raw_.ensure(row_count));
    if (kept_up_ != nullptr) {  // older sections get no more rows
        if (auto codes = kept_up_->ensure(row_count); !codes) {
            raw_.shrink(reserved_rows_);
            return codes;
        }
    }
    reserved_rows_ = row_count;
    note_bytes();
    return {};
}

void GrowingRows::append(RowId row, VectorView vector) noexcept {
    raw_.set(row, vector);
    if (active_.load(std::memory_order_relaxed) == nullptr) return;
    // Busy means the linker is encoding: it, or the next append, will encode this row too. Till then searches scan it
    // raw.
    if (!lock_.try_lock()) return;
    // While new codes are made, the old ones get no memory for new rows; those are scanned raw too.
    CodeRows* const codes = active_.load(std::memory_order_relaxed);
    if (codes != nullptr && codes == kept_up_) {
        codes->encode_up_to(raw_, std::min(to_index(row) + 1, codes->coded() + rows_per_append));
    }
    lock_.unlock();
}

void GrowingRows::note_bytes() noexcept {
    std::uint64_t codes = 0;
    for (const auto& section : sections_) codes += section->bytes();
    vector_bytes_.store(raw_.vector_bytes(), std::memory_order_relaxed);
    norm_bytes_.store(raw_.norm_bytes(), std::memory_order_relaxed);
    code_bytes_.store(codes, std::memory_order_relaxed);
}

// --- linker ----------------------------------------------------------------------------------------------------------

bool GrowingRows::training_due(std::uint32_t row_count) {
    if (head_ == nullptr || row_count < next_training_) return false;
    const MutexLock hold(lock_);
    const CodeRows* codes = active_.load(std::memory_order_relaxed);
    return codes == nullptr || !suits(*codes);
}

Result<void> GrowingRows::train_codes(std::uint32_t row_count, const FieldLinkContext& context) {
    next_training_ = row_count > max_rows_ / 2 ? max_rows_ : row_count * 2;
    std::unique_ptr<FieldCodec> codec;
    {
        SEXTANT_TRY_ASSIGN(const VectorSample sample, VectorSample::take(raw_, row_count, head_sample_rows,
                                                                         shape_.graph.seed, *account_, context.stop));
        SEXTANT_TRY_ASSIGN(codec, head_(sample.view(), {.seed = shape_.graph.seed, .stop = context.stop}));
    }
    SEXTANT_TRY_ASSIGN(auto made, CodeRows::reserve(std::move(codec), shape_.dimension, max_rows_, *account_));
    CodeRows* const section = made.get();
    {
        const MutexLock hold(lock_);
        SEXTANT_TRY(section->ensure(reserved_rows_));
        sections_.push_back(std::move(made));
        kept_up_ = section;
        note_bytes();
    }
    section->encode_up_to(raw_, std::max(row_count, graph_.linked()));  // nobody else knows of it yet
    const MutexLock hold(lock_);
    trained_count_.fetch_add(1, std::memory_order_relaxed);
    if (suits(*section)) {
        active_.store(section, std::memory_order_release);
        return {};
    }
    active_.store(nullptr, std::memory_order_release);
    kept_up_ = nullptr;
    sections_.pop_back();  // no search knows of it
    note_bytes();
    return {};
}

Result<void> GrowingRows::link(std::uint32_t row_count, bool flush, const FieldLinkContext& context) {
    if (training_due(row_count)) {
        auto trained = train_codes(row_count, context);
        if (!trained && trained.error().code == ErrorCode::cancelled) return trained;
        // No memory for codes, or for better ones: what there is still gives right answers, only more slowly.
        trained.ignore("the rows stay as they are coded");
    }
    if (CodeRows* codes = active_.load(std::memory_order_relaxed)) {
        while (codes->coded() < row_count) {
            const MutexLock hold(lock_);
            codes->encode_up_to(raw_, std::min(row_count, codes->coded() + rows_per_hold));
        }
    }
    const CodeRows* codes = active_.load(std::memory_order_relaxed);
    const auto scorers = [this, codes](QueryScratch& scratch) {
        if (codes != nullptr) return codes->codec().between(codes->source(), scratch);
        return pair_floats(shape_.metric, shape_.dimension, raw_.source(), scratch);
    };
    return graph_.link(row_count, flush, {scorers, context.row_key, context.deleted, context.executor, context.stop});
}

Result<void> GrowingRows::repair(std::span<const RowId> erased, const FieldLinkContext& context) {
    const CodeRows* codes = active_.load(std::memory_order_relaxed);
    const auto scorers = [this, codes](QueryScratch& scratch) {
        if (codes != nullptr) return codes->codec().between(codes->source(), scratch);
        return pair_floats(shape_.metric, shape_.dimension, raw_.source(), scratch);
    };
    return graph_.repair(erased, {scorers, context.row_key, context.deleted, context.executor, context.stop});
}

// --- anyone ----------------------------------------------------------------------------------------------------------

FieldBytes GrowingRows::bytes() const noexcept {
    return {.vectors = vector_bytes_.load(std::memory_order_relaxed),
            .codes = code_bytes_.load(std::memory_order_relaxed),
            .graph = graph_.memory_bytes(),
            .other = norm_bytes_.load(std::memory_order_relaxed)};
}

Result<void> GrowingRows::verify(std::uint32_t row_count, BitmapView deleted) const {
    SEXTANT_TRY(verify_graph(graph_, deleted));
    SEXTANT_TRY(raw_.verify(row_count));
    if (const CodeRows* codes = active_.load(std::memory_order_acquire)) SEXTANT_TRY(codes->verify(raw_, row_count));
    return {};
}

}  // namespace sextant::inline v1::detail
