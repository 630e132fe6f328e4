#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <omp.h>

#include <memory>
#include <utility>
#include <vector>

#include "ann_bench/engine.hpp"

namespace sextant_bench {
namespace {

// Its name moved from faiss::Index::idx_t to faiss::idx_t between versions.
using Label = decltype(faiss::Index::ntotal);

enum class Kind : std::uint8_t { hnsw_flat, hnsw_sq8, flat };

class FaissSearcher final : public Searcher {
public:
    FaissSearcher(const faiss::Index& index, std::size_t k) : index_(index), k_(k), distances_(k), labels_(k) {
        omp_set_num_threads(1);  // holds for the calling thread: one query runs in one thread
    }

    std::size_t search(const float* query, std::uint32_t* rows) override {
        index_.search(1, query, static_cast<Label>(k_), distances_.data(), labels_.data());
        std::size_t count = 0;
        for (const Label label : labels_) {
            if (label >= 0) rows[count++] = static_cast<std::uint32_t>(label);
        }
        return count;
    }

private:
    const faiss::Index& index_;
    std::size_t k_;
    std::vector<float> distances_;
    std::vector<Label> labels_;
};

class FaissEngine final : public Engine {
public:
    FaissEngine(std::string name, Kind kind) : Engine(std::move(name)), kind_(kind) {}

    std::string note() const override { return "Faiss 1.7.3 (Debian), no AVX build"; }
    std::string kernel() const override { return "no AVX build"; }
    bool exact() const noexcept override { return kind_ == Kind::flat; }

    sextant::Result<void> build(const Matrix& base, const BuildParams& params) override {
        const std::optional<Matrix> unit = unit_rows(base, params.metric);
        const Matrix& rows = unit ? *unit : base;
        const auto metric = params.metric == Metric::l2 ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
        const auto dimension = static_cast<int>(rows.columns);
        const auto m = static_cast<int>(params.m);
        if (kind_ == Kind::flat) {
            index_ = std::make_unique<faiss::IndexFlat>(dimension, metric);
        } else {
            std::unique_ptr<faiss::IndexHNSW> hnsw;
            if (kind_ == Kind::hnsw_sq8) {
                hnsw = std::make_unique<faiss::IndexHNSWSQ>(dimension, faiss::ScalarQuantizer::QT_8bit, m, metric);
            } else {
                hnsw = std::make_unique<faiss::IndexHNSWFlat>(dimension, m, metric);
            }
            hnsw->hnsw.efConstruction = static_cast<int>(params.ef_construction);
            hnsw_ = hnsw.get();
            index_ = std::move(hnsw);
        }
        omp_set_num_threads(static_cast<int>(params.build_threads));
        const auto count = static_cast<Label>(rows.rows);
        if (!index_->is_trained) index_->train(count, rows.row(0));
        index_->add(count, rows.row(0));
        omp_set_num_threads(1);
        row_bytes_ = static_cast<double>(rows.columns) * (kind_ == Kind::hnsw_sq8 ? 1.0 : sizeof(float));
        return {};
    }

    void prepare(const SearchSetting& setting) override {
        k_ = setting.k;
        if (hnsw_ != nullptr) hnsw_->hnsw.efSearch = static_cast<int>(setting.ef);
    }
    std::unique_ptr<Searcher> make_searcher() override { return std::make_unique<FaissSearcher>(*index_, k_); }

    /// Rows as stored, links, one offset and one level a row, one visited byte a row.
    double bytes() const override {
        const auto rows = static_cast<double>(index_->ntotal);
        double total = rows * row_bytes_;
        if (hnsw_ != nullptr) {
            total += static_cast<double>(hnsw_->hnsw.neighbors.size() * sizeof(faiss::HNSW::storage_idx_t) +
                                         hnsw_->hnsw.offsets.size() * sizeof(std::size_t) +
                                         hnsw_->hnsw.levels.size() * sizeof(int)) +
                     rows;
        }
        return total;
    }

private:
    Kind kind_;
    std::unique_ptr<faiss::Index> index_;
    faiss::IndexHNSW* hnsw_ = nullptr;
    double row_bytes_ = 0.0;
    std::size_t k_ = 10;
};

}  // namespace

std::unique_ptr<Engine> make_faiss_engine(const std::string& name) {
    if (name == "faiss-hnsw") return std::make_unique<FaissEngine>(name, Kind::hnsw_flat);
    if (name == "faiss-hnsw-sq8") return std::make_unique<FaissEngine>(name, Kind::hnsw_sq8);
    if (name == "faiss-flat") return std::make_unique<FaissEngine>(name, Kind::flat);
    return nullptr;
}

}  // namespace sextant_bench
