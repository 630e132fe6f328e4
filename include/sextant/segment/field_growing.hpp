/// GrowingRows: the rows of a growing segment. Raw vectors from the first row on; 8-bit head codes once 1,024 rows are
/// there to train on; a graph over codes (over raw vectors before) that background batches extend.
///
///     append     row r: raw vector, norm; then its code, if the lock is free
///     link       trains where that is due, catches up on codes, links whole batches
///     search     graph over [0, linked), scan of codes over [linked, coded), scan of floats over [coded, row_count)
///
/// Invariants: (1) linked ≤ coded of the active codes, once there are any; (2) code sections are never freed or changed
/// while the field lives: a search that began under older ones ends under them.
/// Threads: search, raw, bytes beside one appender and one linker.
///   active_   release by the linker when a section covers all linked rows; acquire in search(), after linked()
///             is read, so the section a search gets covers the linked rows it saw.
///   lock      appender and linker: who encodes, and which sections grow with reserve_rows(). Never taken by a search.
/// Why trained again: the first rows may not be like the rest. When one row in ten is coded badly, and twice as many
/// rows are there as were trained on, the linker trains on all and swaps a new section in. Doubling bounds the sections
/// kept to twice the codes of the last. Where the new codes do not suit one row in ten either (two populations of which
/// one is a hundred times wider than the other), no step suits both, and the field goes on without codes.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "sextant/core/mutex.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/segment/field_base.hpp"
#include "sextant/segment/field_codes.hpp"
#include "sextant/segment/field_rows.hpp"
#include "sextant/segment/field_search.hpp"

namespace sextant::inline v1::detail {

class GrowingRows final : public GrowingField {
public:
    /// Rows from which on codes are trained.
    static constexpr std::uint32_t rows_to_train = 1024;

    [[nodiscard]] static Result<std::unique_ptr<GrowingField>> create(const FieldShape& shape, CodecTrainer head,
                                                                      std::uint32_t max_rows, MemoryAccount& account);

    [[nodiscard]] FieldAnswer search(const FieldQuery& query, std::uint32_t row_count, FieldScratch& scratch,
                                     std::span<Neighbor> out) const noexcept override;
    [[nodiscard]] bool search_exact_batch(std::span<const FieldQuery> queries, std::uint32_t row_count,
                                          FieldScratch& scratch, std::span<Neighbor> out,
                                          std::span<std::size_t> found) const noexcept override;
    [[nodiscard]] const VectorReader& vectors() const noexcept override { return raw_; }
    [[nodiscard]] std::uint32_t indexed_rows() const noexcept override { return graph_.linked(); }
    [[nodiscard]] FieldBytes bytes() const noexcept override;
    [[nodiscard]] Result<void> verify(std::uint32_t row_count, BitmapView deleted) const override;

    [[nodiscard]] Result<void> reserve_rows(std::uint32_t row_count) override;
    void append(RowId row, VectorView vector) noexcept override;
    [[nodiscard]] Result<void> link(std::uint32_t row_count, bool flush, const FieldLinkContext& context) override;
    [[nodiscard]] Result<void> repair(std::span<const RowId> erased, const FieldLinkContext& context) override;

    /// For a seal that starts from it. REQUIRES: nobody links.
    [[nodiscard]] const HnswIndex& graph() const noexcept { return graph_; }
    /// How often codes were trained; for tests and stats.
    [[nodiscard]] std::size_t trained_count() const noexcept { return trained_count_.load(std::memory_order_relaxed); }

private:
    GrowingRows(const FieldShape& shape, CodecTrainer head, std::uint32_t max_rows, MemoryAccount& account, RawRows raw,
                HnswIndex graph) noexcept;
    [[nodiscard]] FieldView view() const noexcept;
    [[nodiscard]] bool training_due(std::uint32_t row_count);
    [[nodiscard]] Result<void> train_codes(std::uint32_t row_count, const FieldLinkContext& context);
    void note_bytes() noexcept SEXTANT_REQUIRES(lock_);

    FieldShape shape_;
    CodecTrainer head_;
    std::uint32_t max_rows_;
    MemoryAccount* account_;
    RawRows raw_;
    HnswIndex graph_;
    std::atomic<CodeRows*> active_{nullptr};

    Mutex lock_{LockRank::link_stripe};
    std::vector<std::unique_ptr<CodeRows>> sections_ SEXTANT_GUARDED_BY(lock_);
    /// Gets memory for every row reserved: the section that is active_, or the one the linker is filling.
    CodeRows* kept_up_ SEXTANT_GUARDED_BY(lock_) = nullptr;
    std::uint32_t reserved_rows_ SEXTANT_GUARDED_BY(lock_) = 0;

    std::uint32_t next_training_ = rows_to_train;  ///< linker only: fewer rows than this are not trained on
    std::atomic<std::size_t> trained_count_{0};
    // Sizes for bytes(), which runs beside the appender: stale by one step is harmless.
    std::atomic<std::uint64_t> vector_bytes_{0};
    std::atomic<std::uint64_t> norm_bytes_{0};
    std::atomic<std::uint64_t> code_bytes_{0};
};

}  // namespace sextant::inline v1::detail
