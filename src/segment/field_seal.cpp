// The part of FieldBase that makes sealed rows out of older ones.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "segment/field_calibrate.hpp"
#include "sextant/quantizer/float_scorer.hpp"
#include "sextant/quantizer/half_vectors.hpp"
#include "sextant/quantizer/vector_math.hpp"
#include "sextant/segment/field_base.hpp"
#include "sextant/segment/field_build.hpp"
#include "sextant/segment/field_growing.hpp"
#include "sextant/segment/field_layout.hpp"
#include "sextant/segment/field_sample.hpp"
#include "sextant/segment/field_sealed.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Rows linked between two reports of progress: about a tenth of a second of work.
constexpr std::uint32_t rows_per_report = 2048;
/// Shares of the time of a seal after which all rows are linked, and refined: what is left is making it one section.
constexpr double linked_share = 0.6;
constexpr double done_share = 0.99;
/// An older graph is the start when it holds at least this share of the new rows, and at most that share of its own
/// rows is dropped: healing around more costs more than linking anew.
constexpr double worthwhile_share = 0.5;
constexpr double dropped_share = 0.3;

Error cancelled() { return Error{ErrorCode::cancelled, "sealing of a vector field was cancelled"}; }

bool is_dropped(const SealSource& source, std::uint32_t row) noexcept {
    return source.dropped.words != nullptr && source.dropped.test(row);
}

/// Where memory is short a sample to train on takes a quarter of what is left at most, but is not useless.
constexpr std::size_t least_sample_rows = 1024;

/// Rows read at a time.
constexpr std::size_t rows_per_read = 256;

/// Hands on what is kept, in order, rounded to what the field stores.
class RowCopier {
public:
    RowCopier(const SealRequest& request, const FieldShape& shape,
              FunctionRef<Result<void>(RowId row, VectorView vector)> take)
        : request_(request), precision_(shape.raw), take_(take), room_(shape.dimension) {}

    Result<void> copy() {
        for (const SealSource& source : request_.sources) {
            for (std::uint32_t row = 0; row < source.row_count; ++row) {
                if (is_dropped(source, row)) continue;
                listed_.push_back(RowId{row});
                if (listed_.size() == rows_per_read) SEXTANT_TRY(copy_listed(source));
            }
            SEXTANT_TRY(copy_listed(source));
        }
        if (next_ == request_.kept_rows) return {};
        return invalid_argument(format_text("seal: kept_rows is {}, the sources keep {}", request_.kept_rows, next_));
    }

private:
    Result<void> copy_listed(const SealSource& source) {
        if (request_.kept_rows - next_ < listed_.size()) {
            return invalid_argument(format_text("seal: kept_rows is {}, the sources keep more", request_.kept_rows));
        }
        if (request_.stop.stop_requested()) return cancelled();
        scratch_.reset();
        SEXTANT_TRY_ASSIGN(const VectorRows read, source.rows->vectors().read(listed_, scratch_));
        for (std::size_t i = 0; i < listed_.size(); ++i) {
            VectorView vector = read.vector(i, room_.size(), room_.data());
            if (precision_ != read.source.precision) {
                // Who appended it has rounded it: only a mistake of theirs is seen here.
                if (!round_to_halves(vector, room_.data())) {
                    return invalid_argument(format_text("seal: row {} has a component that no half is near to", next_));
                }
                vector = room_;
            }
            SEXTANT_TRY(take_(RowId{next_++}, vector));
        }
        listed_.clear();
        return {};
    }

    const SealRequest& request_;
    RawPrecision precision_;
    FunctionRef<Result<void>(RowId row, VectorView vector)> take_;
    std::vector<float> room_;
    QueryScratch scratch_;
    std::vector<RowId> listed_;
    std::uint32_t next_ = 0;
};

Result<RawRows> copy_rows(const FieldShape& shape, const SealRequest& request) {
    SEXTANT_TRY_ASSIGN(RawRows raw,
                       RawRows::exact(shape.metric, shape.dimension, shape.raw, request.kept_rows, *request.account));
    const auto take = [&](RowId row, VectorView vector) -> Result<void> {
        raw.set(row, vector);
        return {};
    };
    SEXTANT_TRY(RowCopier(request, shape, take).copy());
    return raw;
}

/// The same, into the file where they stay.
Result<RawRows> write_rows(const FieldShape& shape, const SealRequest& request) {
    const bool unit_length = shape.metric.unit_length;
    SEXTANT_TRY_ASSIGN(const auto norms,
                       Column<float>::exact(unit_length ? request.kept_rows : 0, *request.account, "norms of vectors"));
    std::vector<std::byte> padded(raw_stride(shape.dimension, shape.raw));
    SEXTANT_TRY_ASSIGN(auto map, request.draft->write(FieldPart::vectors, [&](PartSink& sink) -> Result<void> {
        SEXTANT_TRY(sink.begin_section());
        const auto take = [&](RowId row, VectorView vector) {
            store_raw(vector, shape.raw, padded.data());
            if (unit_length) norms[to_index(row)] = inverse_norm(vector);
            return sink.add(padded);
        };
        SEXTANT_TRY(RowCopier(request, shape, take).copy());
        if (!unit_length) return {};
        SEXTANT_TRY(sink.begin_section());
        return sink.add(norms.bytes(request.kept_rows));
    }));
    return RawRows::mapped(shape.metric, shape.dimension, shape.raw, request.kept_rows, std::move(map),
                           *request.account);
}

/// Rows against rows: by codes where there are any.
PairScorer pair_rows(const FieldShape& shape, const RawRows& raw, const CodeRows* codes, QueryScratch& scratch) {
    if (codes != nullptr) return codes->codec().between(codes->source(), scratch);
    return pair_floats(shape.metric, shape.dimension, raw.source(), scratch);
}

const HnswIndex* graph_of(const FieldRows* rows) noexcept {
    if (const auto* growing = dynamic_cast<const GrowingRows*>(rows)) return &growing->graph();
    if (const auto* sealed = dynamic_cast<const SealedRows*>(rows)) return &sealed->graph();
    return nullptr;
}

/// The graph of the first source, renumbered, where that saves work; an empty one elsewhere.
Result<HnswIndex> start_graph(const FieldShape& shape, const SealRequest& request, const HnswBuild& build) {
    const SealSource* first = request.sources.empty() ? nullptr : &request.sources[0];
    const HnswIndex* old = first == nullptr ? nullptr : graph_of(first->rows);
    const bool alike = old != nullptr && old->params().m == shape.graph.m &&
                       old->params().ef_construction == shape.graph.ef_construction &&
                       old->params().seed == shape.graph.seed;
    if (alike) {
        const std::uint32_t linked = old->linked();
        std::vector<std::uint32_t> new_row_of_old(linked, to_index(no_row));
        std::uint32_t kept = 0;
        for (std::uint32_t row = 0; row < std::min(linked, first->row_count); ++row) {
            if (!is_dropped(*first, row)) new_row_of_old[row] = kept++;
        }
        const bool worthwhile = worthwhile_share * request.kept_rows <= kept && linked - kept <= dropped_share * linked;
        if (worthwhile && kept > 0) {
            auto carried = HnswIndex::from_rows(*old, new_row_of_old, kept, request.kept_rows, *request.account, build);
            // invalid_argument: the older graph has changed meanwhile. Linking anew is always possible.
            if (carried || carried.error().code != ErrorCode::invalid_argument) return carried;
        }
    }
    return HnswIndex::create(shape.graph, request.kept_rows, *request.account);
}

}  // namespace

Result<std::unique_ptr<CodeRows>> FieldBase::make_codes(const RawRows& raw, const FieldBuild& build) const {
    std::unique_ptr<FieldCodec> codec;
    {
        const std::uint64_t fitting = build.account->left() / 4 / (shape_.dimension * sizeof(float));
        const auto most = static_cast<std::size_t>(
            std::min<std::uint64_t>(sample_rows(), std::max<std::uint64_t>(least_sample_rows, fitting)));
        SEXTANT_TRY_ASSIGN(const VectorSample sample, VectorSample::take(raw, build.row_count, most, shape_.graph.seed,
                                                                         *build.account, build.stop));
        SEXTANT_TRY_ASSIGN(codec, train(sample.view(), {.seed = shape_.graph.seed, .stop = build.stop}));
    }
    if (build.draft != nullptr) {
        return CodeRows::written(std::move(codec), raw, build.row_count, *build.executor, build.stop, *build.account,
                                 *build.draft);
    }
    SEXTANT_TRY_ASSIGN(auto codes,
                       CodeRows::exact(std::move(codec), shape_.dimension, build.row_count, *build.account));
    SEXTANT_TRY(codes->encode_all(raw, build.row_count, *build.executor, build.stop));
    return codes;
}

Result<std::unique_ptr<CodeRows>> FieldBase::make_link_codes(const RawRows& raw, const FieldBuild& build) const {
    if (head_ == nullptr) return std::unique_ptr<CodeRows>();
    const auto make = [&]() -> Result<std::unique_ptr<CodeRows>> {
        std::unique_ptr<FieldCodec> codec;
        {
            SEXTANT_TRY_ASSIGN(const VectorSample sample,
                               VectorSample::take(raw, build.row_count, link_sample_rows, shape_.graph.seed,
                                                  *build.account, build.stop));
            SEXTANT_TRY_ASSIGN(codec, head_(sample.view(), {.seed = shape_.graph.seed, .stop = build.stop}));
        }
        SEXTANT_TRY_ASSIGN(auto codes,
                           CodeRows::exact(std::move(codec), shape_.dimension, build.row_count, *build.account));
        SEXTANT_TRY(codes->encode_all(raw, build.row_count, *build.executor, build.stop));
        return codes;
    };
    auto made = make();
    if (!made && made.error().code == ErrorCode::resource_exhausted) return std::unique_ptr<CodeRows>();
    return made;
}

Result<void> FieldBase::build_graph(HnswIndex& graph, const RawRows& raw, const CodeRows* codes,
                                    const FieldBuild& field_build, FunctionRef<void(double)> progress) const {
    const auto scorers = [&](QueryScratch& scratch) { return pair_rows(shape_, raw, codes, scratch); };
    const std::uint32_t rows = field_build.row_count;
    const auto report = [&](double from, double to, std::uint32_t done) {
        progress(from + (to - from) * static_cast<double>(done) / static_cast<double>(rows));
    };
    const auto refined = [&](std::uint32_t done) { report(linked_share, done_share, done); };
    const FunctionRef<void(std::uint32_t)> on_refined = refined;
    const HnswBuild build{scorers, field_build.row_key, {}, field_build.executor, field_build.stop, &on_refined};
    while (graph.linked() < rows) {
        const std::uint32_t done = graph.linked();
        const std::uint32_t next = done + std::min(rows_per_report, rows - done);
        SEXTANT_TRY(graph.link(next, next == rows, build));
        report(0, linked_share, graph.linked());
    }
    return graph.finish(build);
}

Result<std::unique_ptr<SealedField>> FieldBase::seal(const SealRequest& request) const {
    SEXTANT_TRY_ASSIGN(RawRows raw,
                       request.draft == nullptr ? copy_rows(shape_, request) : write_rows(shape_, request));
    const FieldBuild build{.row_count = request.kept_rows,
                           .row_key = request.row_key,
                           .account = request.account,
                           .executor = request.executor,
                           .stop = request.stop,
                           .draft = request.draft};
    std::unique_ptr<CodeRows> codes;
    if (has_codes()) {
        SEXTANT_TRY_ASSIGN(codes, make_codes(raw, build));
    }
    std::unique_ptr<CodeRows> link_codes;
    const bool own = codes != nullptr && links_by_codes();
    if (codes != nullptr && !own) {
        SEXTANT_TRY_ASSIGN(link_codes, make_link_codes(raw, build));
    }
    const CodeRows* const linked_by = own ? codes.get() : link_codes.get();
    request.progress(0);
    const auto scorers = [&](QueryScratch& scratch) { return pair_rows(shape_, raw, linked_by, scratch); };
    const HnswBuild start{scorers, request.row_key, {}, request.executor, request.stop, nullptr};
    SEXTANT_TRY_ASSIGN(HnswIndex graph, start_graph(shape_, request, start));
    SEXTANT_TRY(build_graph(graph, raw, linked_by, build, request.progress));
    link_codes.reset();
    const std::uint64_t codebook_bytes = codes == nullptr ? 0 : codes->codec().save().size();
    auto sealed = std::make_unique<SealedRows>(shape_, std::move(raw), std::move(codes), std::move(graph),
                                               request.kept_rows, codebook_bytes);
    SEXTANT_TRY_ASSIGN(
        const Calibration calibration,
        calibrate_field(sealed->view(), shape_.dimension, request.kept_rows, *request.account, request.stop));
    sealed->adopt(calibration);
    request.progress(1);
    return std::unique_ptr<SealedField>(std::move(sealed));
}

}  // namespace sextant::inline v1::detail
