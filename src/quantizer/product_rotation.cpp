#include "quantizer/product_rotation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quantizer/k_means.hpp"
#include "quantizer/product_codes.hpp"
#include "quantizer/square_matrix.hpp"
#include "sextant/core/random.hpp"
#include "sextant/kernel/product_kernel_table.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Turns between centroids and rotation. The error falls by less than 1 in 1,000 a turn from there on.
constexpr std::size_t turn_count = 20;
/// k-means from scratch in the first turn, from the last turn's centroids in the others.
constexpr std::uint32_t first_iterations = 10;
constexpr std::uint32_t next_iterations = 2;
/// A rotation of d dimensions is learned from 16·d rows, but not from more than these or fewer than those.
constexpr std::size_t most_rows = 16'384;
constexpr std::size_t least_rows = 4096;

/// Rows of floats, `stride` apart.
struct Rows {
    std::size_t count = 0;
    std::size_t stride = 0;
    PagedVector<float> values = {};

    Rows(std::size_t row_count, std::size_t row_stride)
        : count(row_count), stride(row_stride), values(row_count * row_stride) {}
    [[nodiscard]] float* row(std::size_t index) noexcept { return values.data() + index * stride; }
    [[nodiscard]] const float* row(std::size_t index) const noexcept { return values.data() + index * stride; }
};

void limit(float* values, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = std::clamp(values[i], -largest_component, largest_component);
    }
}

/// Learns in turns; each function is one half of a turn.
class Learner {
public:
    Learner(MatrixView sample, const std::vector<std::size_t>& rows, const TrainContext& context,
            const ProductModel& model)
        : context_(context),
          model_(model),
          width_(model.rotation_stride()),
          given_(std::min(rows.size(), std::clamp(16 * width_, least_rows, most_rows)), width_),
          turned_(given_.count, width_),
          given_transposed_(width_, (given_.count + 15) / 16 * 16),
          centroids_(model.padded_dimension() * model.centroid_count()),
          rotation_(SquareMatrix::identity(width_)) {
        for (std::size_t i = 0; i < given_.count && !context.stop.stop_requested(); ++i) {
            const float* const row = sample.row(rows[i * rows.size() / given_.count]).data();
            prepare(model, row, 1.0F / model.unit, turned_.row(0));
            std::copy_n(turned_.row(0), model.padded_dimension(), given_.row(i));
            for (std::size_t j = 0; j < width_; ++j) given_transposed_.row(j)[i] = given_.row(i)[j];
        }
        const KMeansShape means{model.sub_dimension(), model.centroid_count(), model.centroid_count(),
                                first_iterations};
        for (std::size_t w = 0; w < worker_count(context); ++w) rooms_.emplace_back(means, given_.count);
    }

    /// Rows as the rotation of now turns them.
    void turn_rows() {
        for_each_chunk(given_.count, width_, [&](std::size_t first, std::size_t count) {
            product_kernels().multiply_f32(given_.row(first), width_, count, rotation_.data(), width_, width_, width_,
                                           turned_.row(first), width_);
            limit(turned_.row(first), count * width_);
        });
    }
    /// Each turned row becomes what its centroids make of it.
    void fit_centroids(bool anew) {
        const std::size_t sub = model_.sub_dimension();
        const std::size_t columns = model_.centroid_count();
        for_each_index(context_, model_.subvectors, [&](std::size_t worker, std::size_t s) {
            KMeans& room = rooms_[worker];
            for (std::size_t i = 0; i < given_.count; ++i) {
                std::copy_n(turned_.row(i) + s * sub, sub, room.points() + i * sub);
            }
            room.leave_out_last(s == 0);
            float* const centroids = centroids_.data() + s * sub * columns;
            const std::uint64_t seed = mix64(context_.seed ^ mix64(s));
            const bool done = anew ? room.train(given_.count, seed, centroids, context_.stop)
                                   : room.refine(given_.count, next_iterations, centroids, context_.stop);
            if (!done) return;
            for (std::size_t i = 0; i < given_.count; ++i) {
                const float* const centroid = centroids + room.nearest()[i];
                for (std::size_t j = 0; j < sub; ++j) turned_.row(i)[s * sub + j] = centroid[j * columns];
            }
        });
    }
    /// The rotation that brings the given rows nearest to those: the orthogonal factor of given^T · turned.
    void fit_rotation() {
        SquareMatrix products(width_);
        for_each_chunk(width_, given_.count, [&](std::size_t first, std::size_t count) {
            product_kernels().multiply_f32(given_transposed_.row(first), given_transposed_.stride, count,
                                           turned_.values.data(), width_, given_.count, width_, products.row(first),
                                           width_);
        });
        if (context_.stop.stop_requested()) return;
        // Directions in which no row varies say nothing: there the rotation stays what it was.
        products.add_scaled(rotation_, 1e-4F * products.norm_bound());
        if (orthogonal_factor(products, context_)) rotation_ = std::move(products);
    }
    [[nodiscard]] const SquareMatrix& rotation() const noexcept { return rotation_; }

private:
    /// body(first, count) for chunks of rows of about a millisecond, each of `inner` · width multiply-adds.
    template <class Body>
    void for_each_chunk(std::size_t row_count, std::size_t inner, Body body) {
        const std::size_t chunk = rows_per_chunk(inner, width_);
        for_each_index(context_, (row_count + chunk - 1) / chunk, [&](std::size_t /*worker*/, std::size_t i) {
            body(i * chunk, std::min(chunk, row_count - i * chunk));
        });
    }

    const TrainContext& context_;
    const ProductModel& model_;
    std::size_t width_;
    Rows given_;
    Rows turned_;
    Rows given_transposed_;
    PagedVector<float> centroids_;
    SquareMatrix rotation_;
    std::vector<KMeans> rooms_;
};

}  // namespace

RotatedRows::RotatedRows(MatrixView sample, const std::vector<std::size_t>& rows, const TrainContext& context,
                         const ProductModel& model)
    : stride_(model.rotation_stride()), values_(rows.size() * stride_) {
    const std::size_t dimension = model.dimension;
    const std::size_t chunk = rows_per_chunk(dimension, stride_);
    std::vector<PagedVector<float>> rooms(worker_count(context), PagedVector<float>(chunk * dimension));
    for_each_index(context, (rows.size() + chunk - 1) / chunk, [&](std::size_t worker, std::size_t c) {
        const std::size_t first = c * chunk;
        const std::size_t count = std::min(chunk, rows.size() - first);
        float* const given = rooms[worker].data();
        for (std::size_t i = 0; i < count; ++i) {
            const VectorView row = sample.row(rows[first + i]);
            for (std::size_t d = 0; d < dimension; ++d) given[i * dimension + d] = row[d] / model.unit;
        }
        limit(given, count * dimension);
        float* const out = values_.data() + first * stride_;
        product_kernels().multiply_f32(given, dimension, count, model.rotation.data(), stride_, dimension, stride_, out,
                                       stride_);
        limit(out, count * stride_);
    });
}

std::size_t rotation_steps(const ProductModel& model) noexcept { return turn_count * (model.subvectors / 2 + 1); }

bool learn_rotation(MatrixView sample, const std::vector<std::size_t>& rows, const TrainContext& context,
                    ProductModel& model, Progress& progress) {
    const std::size_t stride = model.rotation_stride();
    std::vector<float> rotation(model.dimension * stride + 16, 0.0F);
    if (rows.size() < model.centroid_count()) {
        // Each row has a centroid of its own, which no rotation could better. A single row asks for the size of codes.
        for (std::size_t d = 0; d < model.dimension; ++d) rotation[d * stride + d] = 1.0F;
        model.rotation = std::move(rotation);
        return !context.stop.stop_requested();
    }
    Learner learner(sample, rows, context, model);
    for (std::size_t turn = 0; turn < turn_count; ++turn) {
        learner.turn_rows();
        learner.fit_centroids(turn == 0);
        learner.fit_rotation();
        if (context.stop.stop_requested()) return false;
        progress.add(rotation_steps(model) / turn_count);
    }
    for (std::size_t d = 0; d < model.dimension; ++d) {
        std::copy_n(learner.rotation().row(d), model.padded_dimension(), rotation.data() + d * stride);
    }
    model.rotation = std::move(rotation);
    return true;
}

}  // namespace sextant::inline v1::detail
