/// VectorField: one vector column of a collection, behind an interface the core calls once per segment and operation,
/// never per row. TypedField<M, Q> (typed_field.hpp) is the model that knows metric and quantizer.
/// Threads: VectorField and SealedField are immutable; GrowingField: search, vectors and stats are safe beside one appender
/// and one linker (which may run at once).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sextant/concepts/index.hpp"
#include "sextant/core/executor.hpp"
#include "sextant/core/function_ref.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"
#include "sextant/format/calibration.hpp"
#include "sextant/index/hnsw/hnsw_params.hpp"
#include "sextant/segment/field_draft.hpp"
#include "sextant/segment/vector_reader.hpp"

namespace sextant::inline v1 {

class FieldScratch;  // field_scratch.hpp: QueryScratch + HnswScratch + candidate buffers; confined

/// How one segment was searched.
enum class FieldPlan : std::uint8_t { scan_raw, scan_codes, graph, graph_and_tail };

struct FieldQuery {
    VectorView vector = {};  ///< as the caller gave it; already validated (dimension, finite)
    std::size_t count = 10;  ///< rows wanted
    std::size_t ef = 100;    ///< ≥ count
    bool usual_ef = false;   ///< nobody asked for this ef: more is taken where codes ask for more
    /// Recall wanted, 0 .. 1, instead of ef. 0: none. Where nothing was measured, ef decides.
    float recall_target = 0.0F;
    bool exact = false;         ///< raw vectors, every admitted row
    bool rescore = true;        ///< codes find, raw vectors rank
    float oversampling = 0.0F;  ///< rows rescored ÷ count; 0: the field decides
    RowFilter filter = {};
    std::uint64_t admitted_count = 0;  ///< rows that pass the filter, exactly; used to choose scan or graph
    /// Only distances ≤ bound are wanted (score_threshold). Applied after rescoring.
    float bound = std::numeric_limits<float>::infinity();
    const std::stop_token* stop = nullptr;
};

struct FieldAnswer {
    std::size_t found = 0;  ///< rows written, closest first, ties by row; distances are exact when rescored
    FieldPlan plan = FieldPlan::scan_raw;
    SearchCounters counters = {};
    bool more_within_bound = false;     ///< `count` cut off rows that also lay within `bound`
    std::optional<Error> failure = {};  ///< raw vectors could not be read: nothing was found
};

struct FieldBytes {
    std::uint64_t vectors = 0;  ///< raw ones, with the padding of their stride
    std::uint64_t codes = 0;
    std::uint64_t graph = 0;
    std::uint64_t other = 0;    ///< norms, codebook
    std::uint64_t linking = 0;  ///< estimate() only: codes that rows are linked by, till the graph is built
    std::uint64_t peak = 0;     ///< estimate() only: all of these and what building them takes beside
};

/// The rows of one field in one segment.
class FieldRows {
public:
    virtual ~FieldRows() = default;
    /// out.size() ≥ query.count. Allocates nothing once the scratch is warm. Sees rows [0, row_count).
    [[nodiscard]] virtual FieldAnswer search(const FieldQuery& query, std::uint32_t row_count, FieldScratch& scratch,
                                             std::span<Neighbor> out) const noexcept = 0;
    /// Exact answers to many queries that share filter and count, reading each raw row once per tile of queries.
    /// out holds queries.size() × count; found[i] says how many were written from out[i * count] on. False: memory gave
    /// out and answers are missing. A query whose own token says stop may be answered in part.
    [[nodiscard]] virtual bool search_exact_batch(std::span<const FieldQuery> queries, std::uint32_t row_count,
                                                  FieldScratch& scratch, std::span<Neighbor> out,
                                                  std::span<std::size_t> found) const noexcept = 0;
    /// The vectors as they were appended, bit for bit. Lives as long as the rows.
    [[nodiscard]] virtual const VectorReader& vectors() const noexcept = 0;
    [[nodiscard]] virtual std::uint32_t indexed_rows() const noexcept = 0;  ///< rows the graph holds
    [[nodiscard]] virtual FieldBytes bytes() const noexcept = 0;
    /// Null: nothing was measured.
    [[nodiscard]] virtual const Calibration* calibration() const noexcept { return nullptr; }
    /// Structure and reachability of the graph; that codes decode near their vectors. corruption names the row.
    [[nodiscard]] virtual Result<void> verify(std::uint32_t row_count, BitmapView deleted) const = 0;
};

/// What linking needs to know of the segment around the field.
struct FieldLinkContext {
    FunctionRef<std::uint64_t(RowId)> row_key;  ///< hash of the point's id: levels are drawn from it
    BitmapView deleted;
    Executor* executor = nullptr;
    std::stop_token stop = {};
};

/// Append-only rows: f32 at first, 8-bit head codes from 1,024 rows on (trained on those).
class GrowingField : public FieldRows {
public:
    /// Makes room for rows [0, row_count): all memory is taken here, so that append cannot fail.
    [[nodiscard]] virtual Result<void> reserve_rows(std::uint32_t row_count) = 0;
    /// REQUIRES: reserve_rows(row + 1) succeeded; rows come in order; the caller publishes the row count afterwards.
    virtual void append(RowId row, VectorView vector) noexcept = 0;
    /// Links rows up to row_count; whole batches only unless flush. One linker at a time.
    [[nodiscard]] virtual Result<void> link(std::uint32_t row_count, bool flush, const FieldLinkContext& context) = 0;
    /// Heals the graph around erased rows. Same caller as link().
    [[nodiscard]] virtual Result<void> repair(std::span<const RowId> erased, const FieldLinkContext& context) = 0;
};

/// A sealed field as it is to be stored.
struct FieldSections {
    std::vector<std::span<const std::byte>> vectors;
    std::vector<std::byte> codebook;                ///< empty without codes
    std::vector<std::span<const std::byte>> codes;  ///< empty without codes
    std::vector<std::span<const std::byte>> graph;
    std::uint32_t dimension = 0;
    RawPrecision raw = RawPrecision::F32;
    HnswParams params;
    bool lossless = false;
    std::size_t vector_stride = 0;
    std::size_t code_stride = 0;  ///< 0 without codes
    std::uint64_t upper_size = 0;
    Calibration calibration = {};
};

class SealedField : public FieldRows {
public:
    /// Lives as long as the field.
    [[nodiscard]] virtual FieldSections sections() const = 0;
};

/// A row of an older segment that goes into a new sealed one.
struct SealSource {
    const FieldRows* rows = nullptr;
    std::uint32_t row_count = 0;  ///< rows [0, row_count) of it take part …
    BitmapView dropped = {};      ///< … but those set here (a snapshot of the tombstones; not changing)
};

struct SealRequest {
    std::span<const SealSource> sources;  ///< new row numbers: sources in order, kept rows in order
    std::uint32_t kept_rows = 0;
    FunctionRef<std::uint64_t(RowId)> row_key;  ///< by new row number
    MemoryAccount* account = nullptr;
    Executor* executor = nullptr;
    std::stop_token stop = {};
    /// Called now and then with the share that is done, 0 .. 1, from one thread.
    FunctionRef<void(double)> progress;
    /// Not null: vectors and codes go to their files as they are made, and stay there.
    FieldDraft* draft = nullptr;
};

/// The file of a part, mapped, with sections of these sizes.
using MapPart = FunctionRef<Result<std::shared_ptr<const SectionMap>>(FieldPart part,
                                                                      std::span<const std::uint64_t> section_sizes)>;

/// A sealed field that was stored, as whoever makes it anew sees it.
struct FieldSource {
    std::uint32_t row_count = 0;
    bool lossless = false;  ///< of its codes
    std::uint64_t codebook_size = 0;
    std::uint64_t upper_size = 0;
    Calibration calibration = {};
    /// Fills the sections of a part, in order; each begins at a multiple of 64 in its file. corruption names file and
    /// offset.
    FunctionRef<Result<void>(FieldPart part, std::span<const std::span<std::byte>> sections)> read;
    /// Whether a part has sections of these sizes; asked before memory is taken for them. corruption where not.
    FunctionRef<Result<void>(FieldPart part, std::span<const std::uint64_t> section_sizes)> fits;
    /// Not null: vectors are left in their file, which this maps, with its sections; errors as `fits`.
    const MapPart* map = nullptr;
    bool map_index = false;  ///< codes and graph as well; they are checked whole before they are used
    FunctionRef<std::uint64_t(RowId)> row_key;  ///< as in SealRequest
    std::stop_token stop = {};
    MemoryAccount* account = nullptr;
    Executor* executor = nullptr;
    /// Null: what is damaged is an error. Otherwise codes and graph that are damaged are made anew, and named here.
    std::vector<std::string>* rebuilt = nullptr;
};

class VectorField {
public:
    virtual ~VectorField() = default;
    [[nodiscard]] virtual std::size_t dimension() const noexcept = 0;
    /// Of sealed rows. Vectors must have been rounded to it before they are appended.
    [[nodiscard]] virtual RawPrecision raw_precision() const noexcept = 0;
    [[nodiscard]] virtual MetricId metric() const noexcept = 0;
    [[nodiscard]] virtual QuantizerId quantizer() const noexcept = 0;
    [[nodiscard]] virtual float to_score(float distance) const noexcept = 0;
    [[nodiscard]] virtual float from_score(float score) const noexcept = 0;
    [[nodiscard]] virtual Result<std::unique_ptr<GrowingField>> make_growing(std::uint32_t max_rows,
                                                                             MemoryAccount& account) const = 0;
    /// Copies the kept rows, trains the quantizer on a sample of them, encodes, builds and finishes the graph. Where the
    /// sources hold a usable graph over the same rows it is the start. cancelled leaves nothing behind.
    [[nodiscard]] virtual Result<std::unique_ptr<SealedField>> seal(const SealRequest& request) const = 0;
    /// What seal() made, from where it was stored.
    [[nodiscard]] virtual Result<std::unique_ptr<SealedField>> load(const FieldSource& source) const = 0;
    /// Forecast for `rows` rows in one sealed segment: steady bytes per part, and the peak while it is built.
    [[nodiscard]] virtual FieldBytes estimate(std::uint64_t rows) const noexcept = 0;
    /// One distance over raw vectors, as a caller sees it: for oracles and thresholds.
    [[nodiscard]] virtual float distance(VectorView a, VectorView b) const noexcept = 0;
};

}  // namespace sextant::inline v1
