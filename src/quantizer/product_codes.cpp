#include "quantizer/product_codes.hpp"

#include <algorithm>
#include <limits>

#include "quantizer/k_means.hpp"
#include "sextant/kernel/product_kernel_table.hpp"

namespace sextant::inline v1::detail {
namespace {

float cut_off(float value) noexcept { return std::clamp(value, -largest_component, largest_component); }

std::size_t up_to_16(std::size_t count) noexcept { return (count + 15) / 16 * 16; }

void rotate_slice(const ProductModel& model, const float* vector, float factor, std::size_t first, std::size_t width,
                  float* out) noexcept {
    constexpr std::size_t rows = 512;
    float part[rows];
    float product[slice_room];
    const std::size_t stride = model.rotation_stride();
    const std::size_t columns = up_to_16(width);
    std::fill_n(out, columns, 0.0F);
    for (std::size_t row = 0; row < model.dimension; row += rows) {
        const std::size_t count = std::min(rows, model.dimension - row);
        for (std::size_t i = 0; i < count; ++i) part[i] = cut_off(vector[row + i] * factor);
        product_kernels().multiply_f32(part, 0, 1, model.rotation.data() + row * stride + first, stride, count, columns,
                                       product, 0);
        for (std::size_t i = 0; i < width; ++i) out[i] += product[i];
    }
    for (std::size_t i = 0; i < width; ++i) out[i] = cut_off(out[i]);
}

/// The nearest centroid of a sub-vector longer than a slice: distances are added up slice by slice.
std::uint8_t nearest_in_slices(const ProductModel& model, const float* vector, float factor,
                               std::size_t subvector) noexcept {
    const std::size_t columns = model.centroid_count();
    float slice[slice_room];
    float part[256];
    float distances[256] = {};
    for (std::size_t at = 0; at < model.sub_dimension(); at += slice_size) {
        const std::size_t width = std::min(slice_size, model.sub_dimension() - at);
        prepare_slice(model, vector, factor, subvector * model.sub_dimension() + at, width, slice);
        product_kernels().l2_columns_f32(slice, model.centroids_of(subvector) + at * columns, width, columns, part);
        for (std::size_t c = 0; c < columns; ++c) distances[c] += part[c];
    }
    return static_cast<std::uint8_t>(std::min_element(distances, distances + columns) - distances);
}

}  // namespace

void prepare_slice(const ProductModel& model, const float* vector, float factor, std::size_t first, std::size_t width,
                   float* out) noexcept {
    if (!model.rotation.empty()) return rotate_slice(model, vector, factor, first, width, out);
    const std::size_t there = first < model.dimension ? std::min(width, model.dimension - first) : 0;
    for (std::size_t i = 0; i < there; ++i) out[i] = cut_off(vector[first + i] * factor);
    std::fill(out + there, out + width, 0.0F);
}

void prepare(const ProductModel& model, const float* vector, float factor, float* out) noexcept {
    const std::size_t padded = model.padded_dimension();
    for (std::size_t first = 0; first < padded; first += slice_size) {
        prepare_slice(model, vector, factor, first, std::min(slice_size, padded - first), out + first);
    }
}

void encode_product(const ProductModel& model, const float* vector, std::byte* code) noexcept {
    const std::size_t width = model.sub_dimension();
    const std::size_t columns = model.centroid_count();
    const float factor = 1.0F / model.unit;
    std::fill_n(code, model.code_size(), std::byte{0});
    if (width > slice_size) {
        for (std::size_t s = 0; s < model.subvectors; ++s) {
            set_code(model, code, s, nearest_in_slices(model, vector, factor, s));
        }
        return;
    }
    float slice[slice_room];
    const std::size_t group = slice_size / width;
    for (std::size_t first = 0; first < model.subvectors; first += group) {
        const std::size_t count = std::min(group, model.subvectors - first);
        prepare_slice(model, vector, factor, first * width, count * width, slice);
        for (std::size_t i = 0; i < count; ++i) {
            std::uint8_t nearest = 0;
            float distance = 0.0F;
            product_kernels().nearest_columns_f32(slice + i * width, width, 1, model.centroids_of(first + i), width,
                                                  columns, &nearest, &distance);
            set_code(model, code, first + i, nearest);
        }
    }
}

void decode_prepared(const ProductModel& model, const std::byte* code, std::size_t first, std::size_t width,
                     float* out) noexcept {
    const std::size_t sub_dimension = model.sub_dimension();
    const std::size_t columns = model.centroid_count();
    const std::size_t end = first + width;
    for (std::size_t at = first; at < end;) {
        const std::size_t subvector = at / sub_dimension;
        const std::size_t until = std::min(end, (subvector + 1) * sub_dimension);
        const std::uint8_t value = code_at(model, code, subvector);
        const bool kept = subvector == 0 && value == kept_centroid(model);
        const float* component = model.centroids.data() + at * columns + value;
        for (; at < until; ++at, component += columns) *out++ = kept ? 0.0F : *component;
    }
}

void decode_product(const ProductModel& model, const std::byte* code, float* vector) noexcept {
    constexpr float most = std::numeric_limits<float>::max();
    const std::size_t dimension = model.dimension;
    if (model.rotation.empty()) {
        decode_prepared(model, code, 0, dimension, vector);
    } else {
        // The transpose turns back. What pads a slice to 16 is zero, so it may meet any part of the matrix.
        const std::size_t padded = model.padded_dimension();
        const std::size_t stride = model.rotation_stride();
        constexpr std::size_t rows = 64;
        float slice[slice_room];
        float part[rows];
        std::fill_n(vector, dimension, 0.0F);
        for (std::size_t first = 0; first < padded; first += slice_size) {
            const std::size_t width = std::min(slice_size, padded - first);
            const std::size_t whole = up_to_16(width);
            decode_prepared(model, code, first, width, slice);
            std::fill(slice + width, slice + whole, 0.0F);
            for (std::size_t row = 0; row < dimension; row += rows) {
                const std::size_t count = std::min(rows, dimension - row);
                product_kernels().dot16_f32(slice, model.rotation.data() + row * stride + first, stride, count, whole,
                                            part);
                for (std::size_t i = 0; i < count; ++i) vector[row + i] += part[i];
            }
        }
    }
    for (std::size_t i = 0; i < dimension; ++i) vector[i] = std::clamp(vector[i] * model.unit, -most, most);
}

void find_nearest_zero(ProductModel& model) {
    const std::size_t columns = model.centroid_count();
    model.nearest_zero.assign(model.subvectors, 0);
    for (std::size_t s = 0; s < model.subvectors; ++s) {
        const float* const centroids = model.centroids_of(s);
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t c = 0; c < columns; ++c) {
            double length = 0.0;
            for (std::size_t j = 0; j < model.sub_dimension(); ++j) {
                const double component = double{centroids[j * columns + c]};
                length += component * component;
            }
            if (length < least) {
                least = length;
                model.nearest_zero[s] = static_cast<std::uint8_t>(c);
            }
        }
    }
    model.nearest_zero[0] = kept_centroid(model);
}

}  // namespace sextant::inline v1::detail
