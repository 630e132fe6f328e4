#include "sextant/format/segment_meta.hpp"

#include <bit>
#include <cmath>

#include "core/format_text.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/sealed_body.hpp"

namespace sextant::inline v1::format {
namespace {

constexpr std::size_t segment_part = 48;
constexpr std::size_t field_part = 64;

constexpr std::size_t calibration_head = 16;

/// 0: nothing was measured.
std::size_t calibration_size(const Calibration& calibration) noexcept {
    return calibration.queries == 0 ? 0 : calibration_head + std::size_t{8} * calibration.point_count;
}

void write_field(ByteWriter& out, const FieldMeta& field) {
    out.number(static_cast<std::uint16_t>(field.metric));
    out.number(static_cast<std::uint16_t>(field.quantizer));
    out.number(field.dimension);
    out.number(static_cast<std::uint8_t>(field.has_codes ? 1 : 0));
    out.number(static_cast<std::uint8_t>(field.lossless ? 1 : 0));
    out.number(static_cast<std::uint8_t>(field.raw == RawPrecision::F16 ? 1 : 0));
    out.zeros(5);
    out.number(field.vector_stride);
    out.number(field.code_stride);
    out.number(field.codebook_size);
    out.number(field.upper_size);
    out.number(field.m);
    out.number(field.ef_construction);
    out.number(field.seed);
    out.number(static_cast<std::uint32_t>(calibration_size(field.calibration)));
    out.zeros(4);
}

void write_calibration(ByteWriter& out, const Calibration& calibration) {
    if (calibration.queries == 0) return;
    out.number(calibration.queries);
    out.number(calibration.point_count);
    out.number(std::bit_cast<std::uint32_t>(calibration.code_recall));
    out.number(std::bit_cast<std::uint32_t>(calibration.oversampling));
    for (const CalibrationPoint& point : calibration.measured()) {
        out.number(point.ef);
        out.number(std::bit_cast<std::uint32_t>(point.recall));
    }
}

bool is_share(float value) noexcept { return value >= 0.0F && value <= 1.0F && !std::signbit(value); }

/// What follows the fields, `size` bytes of it. Empty: nothing is wrong.
std::string_view read_calibration(ByteReader& in, std::uint32_t size, Calibration& calibration) {
    if (size == 0) return {};
    calibration.queries = in.number<std::uint32_t>();
    calibration.point_count = in.number<std::uint32_t>();
    calibration.code_recall = std::bit_cast<float>(in.number<std::uint32_t>());
    calibration.oversampling = std::bit_cast<float>(in.number<std::uint32_t>());
    if (calibration.queries == 0 || calibration.point_count > Calibration::most_points) {
        return "its calibration has no queries, or too many points";
    }
    if (calibration_size(calibration) != size) return "its calibration has another size";
    const float depth = calibration.oversampling;
    const bool deep = depth >= 1.0F && depth <= Calibration::most_oversampling;
    if (!is_share(calibration.code_recall) || !(deep || std::bit_cast<std::uint32_t>(depth) == 0)) {
        return "the recall of its codes is out of range";
    }
    for (std::uint32_t i = 0; i < calibration.point_count; ++i) {
        CalibrationPoint& point = calibration.points[i];
        point = {in.number<std::uint32_t>(), std::bit_cast<float>(in.number<std::uint32_t>())};
        const CalibrationPoint before = i == 0 ? CalibrationPoint{} : calibration.points[i - 1];
        if (point.ef <= before.ef || point.ef > limits::max_ef || !is_share(point.recall) ||
            point.recall < before.recall) {
            return "the points of its calibration do not rise";
        }
    }
    return {};
}

/// Empty: nothing is wrong.
std::string_view problem_of(const FieldMeta& field, std::uint8_t codes, std::uint8_t lossless, std::uint8_t halves) {
    if (codes > 1 || lossless > 1 || halves > 1) return "a flag is neither 0 nor 1";
    if (field.dimension == 0 || field.dimension > limits::max_dimension) return "the dimension is out of range";
    const std::uint64_t floats = std::uint64_t{field.dimension} * sizeof(float);
    const std::uint64_t component = field.raw == RawPrecision::F16 ? 2 : sizeof(float);
    const std::uint64_t vector = field.dimension * component;
    if (field.vector_stride < vector || field.vector_stride > 2 * vector + 64 || field.vector_stride % component != 0) {
        return "the stride of vectors is out of range";
    }
    if (field.has_codes != (field.code_stride != 0) || field.has_codes != (field.codebook_size != 0)) {
        return "codes without a codebook, or a codebook without codes";
    }
    if (field.code_stride > 2 * floats + 4096 || field.codebook_size > max_codebook_size) {
        return "codes or codebook are too large";
    }
    if (field.m < 4 || field.m > 64 || field.ef_construction < field.m || field.ef_construction > 4096) {
        return "parameters of the graph are out of range";
    }
    if (field.upper_size < 64 || field.upper_size > (std::uint64_t{1} << 40U))
        return "the graph's size is out of range";
    return {};
}

}  // namespace

std::vector<std::byte> encode_segment_meta(const FileIdentity& identity, const SegmentMeta& meta) {
    std::vector<std::byte> body;
    ByteWriter out(body);
    out.number(meta.at);
    out.number(meta.row_count);
    out.number(static_cast<std::uint32_t>(meta.fields.size()));
    out.number(static_cast<std::uint8_t>(meta.wide_ids ? 1 : 0));
    out.zeros(7);
    out.number(meta.id_slots);
    out.number(meta.payload_size);
    out.zeros(8);  // row order: 0, as they came
    for (const FieldMeta& field : meta.fields) write_field(out, field);
    for (const FieldMeta& field : meta.fields) write_calibration(out, field.calibration);
    return seal_body(FileHeader{.identity = identity, .sequence = meta.at}, body);
}

Result<SegmentMeta> decode_segment_meta(std::span<const std::byte> bytes, const FileIdentity& identity,
                                        std::string_view path) {
    SEXTANT_TRY_ASSIGN(const SealedBody sealed, open_body(bytes, identity, path));
    ByteReader in(sealed.body);
    SegmentMeta meta;
    meta.at = in.number<std::uint64_t>();
    meta.row_count = in.number<std::uint32_t>();
    const auto field_count = in.number<std::uint32_t>();
    const auto wide = in.number<std::uint8_t>();
    in.zeros(7);
    meta.id_slots = in.number<std::uint64_t>();
    meta.payload_size = in.number<std::uint64_t>();
    in.zeros(8);
    if (in.failed() || wide > 1 || meta.at != sealed.header.sequence)
        return damaged(path, body_offset, "what it says of rows");
    meta.wide_ids = wide != 0;
    if (meta.row_count == 0 || meta.row_count > limits::max_rows_per_segment) {
        return damaged(path, body_offset + 8, format_text("{} rows", meta.row_count));
    }
    const std::uint64_t most_slots = 2 * std::uint64_t{meta.row_count} + 64;
    if (meta.id_slots <= meta.row_count || meta.id_slots > most_slots) {
        return damaged(path, body_offset + 24, format_text("an id map of {} slots", meta.id_slots));
    }
    if (meta.payload_size > (std::uint64_t{1} << 48U)) return damaged(path, body_offset + 32, "payloads are too large");
    if (field_count == 0 || field_count > max_fields ||
        sealed.body.size() < segment_part + std::size_t{field_count} * field_part) {
        return damaged(path, body_offset + 12, format_text("{} fields do not fit", field_count));
    }
    std::vector<std::uint32_t> calibration_sizes;
    for (std::uint32_t i = 0; i < field_count; ++i) {
        const std::size_t offset = body_offset + in.at();
        FieldMeta field;
        field.metric = MetricId{in.number<std::uint16_t>()};
        field.quantizer = QuantizerId{in.number<std::uint16_t>()};
        field.dimension = in.number<std::uint32_t>();
        const auto codes = in.number<std::uint8_t>();
        const auto lossless = in.number<std::uint8_t>();
        const auto halves = in.number<std::uint8_t>();
        in.zeros(5);
        field.has_codes = codes != 0;
        field.lossless = lossless != 0;
        field.raw = halves == 0 ? RawPrecision::F32 : RawPrecision::F16;
        field.vector_stride = in.number<std::uint32_t>();
        field.code_stride = in.number<std::uint32_t>();
        field.codebook_size = in.number<std::uint64_t>();
        field.upper_size = in.number<std::uint64_t>();
        field.m = in.number<std::uint32_t>();
        field.ef_construction = in.number<std::uint32_t>();
        field.seed = in.number<std::uint64_t>();
        calibration_sizes.push_back(in.number<std::uint32_t>());
        in.zeros(4);
        if (in.failed()) return damaged(path, offset, format_text("field {}: a reserved byte is not zero", i));
        if (const auto problem = problem_of(field, codes, lossless, halves); !problem.empty()) {
            return damaged(path, offset, format_text("field {}: {}", i, problem));
        }
        meta.fields.push_back(field);
    }
    for (std::uint32_t i = 0; i < field_count; ++i) {
        const std::size_t offset = body_offset + in.at();
        const auto problem = read_calibration(in, calibration_sizes[i], meta.fields[i].calibration);
        if (in.failed()) return damaged(path, offset, format_text("field {}: its calibration is cut short", i));
        if (!problem.empty()) return damaged(path, offset, format_text("field {}: {}", i, problem));
    }
    if (in.left() != 0) return damaged(path, body_offset + in.at(), "bytes behind the last field");
    return meta;
}

}  // namespace sextant::inline v1::format
