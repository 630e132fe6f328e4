// The part of FieldBase that makes sealed rows out of what was stored.
#include <utility>
#include <vector>

#include "sextant/quantizer/float_scorer.hpp"
#include "sextant/segment/field_base.hpp"
#include "sextant/segment/field_build.hpp"
#include "sextant/segment/field_layout.hpp"
#include "sextant/segment/field_sealed.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Damage of what can be made anew from the vectors; anything else is an error.
bool repairable(const Error& error, const FieldSource& source) noexcept {
    return source.rebuilt != nullptr && (error.code == ErrorCode::corruption || error.code == ErrorCode::not_found);
}

Result<RawRows> load_vectors(const FieldShape& shape, const FieldSource& source) {
    const std::uint64_t rows = source.row_count;
    const std::uint64_t sizes[] = {rows * raw_stride(shape.dimension, shape.raw), rows * sizeof(float)};
    const auto section_sizes = std::span(sizes).first(shape.metric.unit_length ? 2 : 1);
    SEXTANT_TRY(source.fits(FieldPart::vectors, section_sizes));
    if (source.map != nullptr) {
        SEXTANT_TRY_ASSIGN(auto map, (*source.map)(FieldPart::vectors, section_sizes));
        return RawRows::mapped(shape.metric, shape.dimension, shape.raw, source.row_count, std::move(map),
                               *source.account);
    }
    SEXTANT_TRY_ASSIGN(RawRows raw,
                       RawRows::exact(shape.metric, shape.dimension, shape.raw, source.row_count, *source.account));
    const auto both = raw.writable_sections(source.row_count);
    const std::span<const std::span<std::byte>> sections(both);
    SEXTANT_TRY(source.read(FieldPart::vectors, both[1].empty() ? sections.first(1) : sections));
    return raw;
}

Result<HnswIndex> load_graph(const FieldShape& shape, const FieldSource& source) {
    const std::uint64_t sizes[] = {std::uint64_t{source.row_count} * shape.graph.m * 2 * sizeof(std::uint32_t),
                                   source.upper_size};
    SEXTANT_TRY(source.fits(FieldPart::graph, sizes));
    if (source.map_index) {
        SEXTANT_TRY_ASSIGN(const auto map, (*source.map)(FieldPart::graph, sizes));
        SEXTANT_TRY(map->check_all(source.stop));
        return HnswIndex::map(shape.graph, source.row_count, map->bytes(0), map->bytes(1), map, *source.account);
    }
    return HnswIndex::load(shape.graph, source.row_count, source.upper_size, *source.account,
                           [&](std::span<std::byte> level0, std::span<std::byte> upper) {
                               const std::span<std::byte> sections[] = {level0, upper};
                               return source.read(FieldPart::graph, sections);
                           });
}

}  // namespace

Result<std::unique_ptr<CodeRows>> FieldBase::load_codes(const FieldSource& source) const {
    SEXTANT_TRY(source.fits(FieldPart::codebook, {&source.codebook_size, 1}));
    std::vector<std::byte> saved(static_cast<std::size_t>(source.codebook_size));
    const std::span<std::byte> book[] = {saved};
    SEXTANT_TRY(source.read(FieldPart::codebook, book));
    SEXTANT_TRY_ASSIGN(auto codec, load_codec(saved));
    const std::uint64_t size = std::uint64_t{source.row_count} * code_stride(codec->code_size());
    SEXTANT_TRY(source.fits(FieldPart::codes, {&size, 1}));
    if (source.map_index) {
        SEXTANT_TRY_ASSIGN(auto map, (*source.map)(FieldPart::codes, {&size, 1}));
        SEXTANT_TRY(map->check_all(source.stop));
        return CodeRows::mapped(std::move(codec), shape_.dimension, source.row_count, source.lossless, std::move(map));
    }
    SEXTANT_TRY_ASSIGN(auto codes,
                       CodeRows::exact(std::move(codec), shape_.dimension, source.row_count, *source.account));
    const std::span<std::byte> section[] = {codes->room(source.row_count)};
    SEXTANT_TRY(source.read(FieldPart::codes, section));
    codes->adopt(source.row_count, source.lossless);
    return codes;
}

Result<std::unique_ptr<SealedField>> FieldBase::load(const FieldSource& source) const {
    SEXTANT_TRY_ASSIGN(RawRows raw, load_vectors(shape_, source));
    FieldBuild build{.row_count = source.row_count,
                     .row_key = source.row_key,
                     .account = source.account,
                     .executor = source.executor,
                     .stop = source.stop};
    std::unique_ptr<CodeRows> codes;
    if (has_codes()) {
        auto loaded = load_codes(source);
        if (!loaded) {
            if (!repairable(loaded.error(), source)) return std::move(loaded).error();
            SEXTANT_TRY(raw.check_all(source.stop));
            source.rebuilt->push_back("codes: " + loaded.error().message);
            loaded = make_codes(raw, build);
        }
        if (!loaded) return std::move(loaded).error();
        codes = std::move(loaded).value();
    }
    auto graph = load_graph(shape_, source);
    if (!graph) {
        if (!repairable(graph.error(), source)) return std::move(graph).error();
        SEXTANT_TRY(raw.check_all(source.stop));
        source.rebuilt->push_back("graph: " + graph.error().message);
        SEXTANT_TRY_ASSIGN(HnswIndex empty, HnswIndex::create(shape_.graph, source.row_count, *source.account));
        std::unique_ptr<CodeRows> link_codes;
        const bool own = codes != nullptr && links_by_codes();
        if (codes != nullptr && !own) {
            SEXTANT_TRY_ASSIGN(link_codes, make_link_codes(raw, build));
        }
        SEXTANT_TRY(build_graph(empty, raw, own ? codes.get() : link_codes.get(), build, [](double) {}));
        graph = std::move(empty);
    }
    // A stored graph goes with codes that were made anew as well: the vectors are the same.
    const std::uint64_t codebook_bytes = codes == nullptr ? 0 : codes->codec().save().size();
    return std::unique_ptr<SealedField>(std::make_unique<SealedRows>(shape_, std::move(raw), std::move(codes),
                                                                     std::move(graph).value(), source.row_count,
                                                                     codebook_bytes, source.calibration));
}

}  // namespace sextant::inline v1::detail
