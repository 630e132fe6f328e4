/// This library as its users call it: nothing but the public header.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "ann_bench/engine.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/sextant.hpp"

namespace sextant_bench {
namespace {

namespace sx = sextant;

constexpr std::size_t batch_rows = 1000;

template <class Metric_, class Quantizer>
class SextantSearcher final : public Searcher {
public:
    using Collection = sx::Collection<Metric_, sx::MemoryStorage, Quantizer>;

    SextantSearcher(const Collection& collection, const SearchSetting& setting, bool exact, std::size_t dimension)
        : collection_(collection), dimension_(dimension) {
        request_.k = setting.k;
        request_.exact = exact;
        if (!exact) request_.ef = setting.ef;
        request_.select = {.payload = false};
        if (setting.filter_below < 1.0F) request_.filter = sx::field("u") < setting.filter_below;
    }

    std::size_t search(const float* query, std::uint32_t* rows) override {
        request_.vector = {query, dimension_};
        const auto done = collection_.search_into(request_, result_);
        if (!done) {
            // A search that fails must not pass for a fast one.
            std::cerr << "sextant_ann_bench: search failed: " << done.error().message << '\n';
            std::exit(1);
        }
        std::size_t count = 0;
        for (const sx::Hit& hit : result_) rows[count++] = static_cast<std::uint32_t>(hit.id.integer());
        return count;
    }

private:
    const Collection& collection_;
    std::size_t dimension_;
    sx::SearchRequest request_;
    sx::SearchResult result_;
};

template <class Metric_, class Quantizer>
class SextantEngine final : public Engine {
public:
    using Collection = sx::Collection<Metric_, sx::MemoryStorage, Quantizer>;

    SextantEngine(std::string name, bool exact, typename Quantizer::Options quantizer)
        : Engine(std::move(name)), exact_(exact), quantizer_(std::move(quantizer)) {}

    std::string kernel() const override { return sx::active_kernels().name; }
    std::size_t default_ef_construction() const override { return sx::HnswParams{}.ef_construction; }
    bool exact() const noexcept override { return exact_; }
    bool filters() const noexcept override { return true; }

    sx::Result<void> build(const Matrix& base, const BuildParams& params) override {
        dimension_ = base.columns;
        sx::OpenOptions open;
        if (params.build_threads <= 1) {
            open.executor = std::make_shared<sx::InlineExecutor>();
        } else {
            open.executor = std::make_shared<sx::ThreadPoolExecutor>(params.build_threads);
        }
        typename Collection::Options options;
        options.dimension = base.columns;
        options.quantizer = quantizer_;
        options.index.m = static_cast<std::uint32_t>(params.m);
        options.index.ef_construction = static_cast<std::uint32_t>(params.ef_construction);
        SEXTANT_TRY_ASSIGN(auto collection, Collection::open(options, open));
        collection_.emplace(std::move(collection));
        for (std::size_t first = 0; first < base.rows; first += batch_rows) {
            const std::size_t last = std::min(first + batch_rows, base.rows);
            sx::WriteBatch batch;
            batch.reserve(last - first, (last - first) * base.columns);
            for (std::size_t row = first; row < last; ++row) {
                if (params.filter_values.empty()) {
                    batch.upsert(sx::PointId{row}, base.view(row));
                } else {
                    batch.upsert(sx::PointId{row}, base.view(row), {{"u", params.filter_values[row]}});
                }
            }
            SEXTANT_TRY(collection_->write(std::move(batch)));
        }
        return collection_->optimize();
    }

    void prepare(const SearchSetting& setting) override { setting_ = setting; }
    std::unique_ptr<Searcher> make_searcher() override {
        return std::make_unique<SextantSearcher<Metric_, Quantizer>>(*collection_, setting_, exact_, dimension_);
    }

    double bytes() const override { return static_cast<double>(collection_->stats().value().memory_used); }
    std::optional<double> peak_bytes() const override {
        return static_cast<double>(collection_->stats().value().memory_peak);
    }

private:
    bool exact_;
    typename Quantizer::Options quantizer_;
    std::size_t dimension_ = 0;
    SearchSetting setting_;
    std::optional<Collection> collection_;
};

template <class Quantizer>
std::unique_ptr<Engine> make_for_metric(const std::string& name, Metric metric, bool exact,
                                        const typename Quantizer::Options& options = {}) {
    switch (metric) {
        case Metric::l2: return std::make_unique<SextantEngine<sx::SquaredL2, Quantizer>>(name, exact, options);
        case Metric::ip: return std::make_unique<SextantEngine<sx::InnerProduct, Quantizer>>(name, exact, options);
        case Metric::cosine: return std::make_unique<SextantEngine<sx::Cosine, Quantizer>>(name, exact, options);
    }
    return nullptr;
}

}  // namespace

std::unique_ptr<Engine> make_sextant_engine(const std::string& name, Metric metric) {
    if (name == "sextant:none") return make_for_metric<sx::NoQuantizer>(name, metric, false);
    if (name == "sextant:sq8") return make_for_metric<sx::ScalarQuantizer>(name, metric, false);
    if (name == "sextant:sq4") return make_for_metric<sx::ScalarQuantizer>(name, metric, false, {.bits = 4});
    if (name == "sextant:flat") return make_for_metric<sx::NoQuantizer>(name, metric, true);
    return nullptr;
}

}  // namespace sextant_bench
