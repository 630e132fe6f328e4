/// This library as its users call it: nothing but the public header.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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

    /// `quantizer`: its options for vectors of a dimension.
    using QuantizerOptions = std::function<typename Quantizer::Options(std::size_t dimension)>;

    SextantEngine(std::string name, bool exact, QuantizerOptions quantizer)
        : Engine(std::move(name)),
          exact_(exact),
          raw_(this->name().ends_with(half_suffix) ? sx::RawPrecision::F16 : sx::RawPrecision::F32),
          quantizer_(std::move(quantizer)) {}

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
        options.quantizer = quantizer_(base.columns);
        options.index.m = static_cast<std::uint32_t>(params.m);
        options.index.ef_construction = static_cast<std::uint32_t>(params.ef_construction);
        options.raw = raw_;
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

    std::string note() const override {
        if (!collection_) return {};
        double codes = 0.0;
        double graph = 0.0;
        double vectors = 0.0;
        for (const auto& segment : collection_->stats().value().segments) {
            codes += static_cast<double>(segment.bytes.codes);
            graph += static_cast<double>(segment.bytes.graph);
            vectors += static_cast<double>(segment.bytes.vectors);
        }
        char text[96];
        std::snprintf(text, sizeof text, "codes %.4f and graph %.4f of the raw vectors' bytes", codes / vectors,
                      graph / vectors);
        return text;
    }

private:
    bool exact_;
    sx::RawPrecision raw_;
    QuantizerOptions quantizer_;
    std::size_t dimension_ = 0;
    SearchSetting setting_;
    std::optional<Collection> collection_;
};

template <class Quantizer, class Options>
std::unique_ptr<Engine> make_for_metric(const std::string& name, Metric metric, bool exact, Options options) {
    switch (metric) {
        case Metric::l2: return std::make_unique<SextantEngine<sx::SquaredL2, Quantizer>>(name, exact, options);
        case Metric::ip: return std::make_unique<SextantEngine<sx::InnerProduct, Quantizer>>(name, exact, options);
        case Metric::cosine: return std::make_unique<SextantEngine<sx::Cosine, Quantizer>>(name, exact, options);
    }
    return nullptr;
}

template <class Quantizer>
std::unique_ptr<Engine> make_usual(const std::string& name, Metric metric, bool exact = false) {
    return make_for_metric<Quantizer>(name, metric, exact,
                                      [](std::size_t /*dimension*/) { return typename Quantizer::Options{}; });
}

/// "sextant:pq:32" is "sextant:pq" with 32.
std::optional<std::uint32_t> number_after(const std::string& name, const std::string& kind) {
    if (name.size() <= kind.size() + 1 || name.compare(0, kind.size() + 1, kind + ":") != 0) return std::nullopt;
    std::uint32_t number = 0;
    const char* const end = name.data() + name.size();
    const auto [last, error] = std::from_chars(name.data() + kind.size() + 1, end, number);
    if (error != std::errc() || last != end) return std::nullopt;
    return number;
}

std::unique_ptr<Engine> make_product(const std::string& name, Metric metric, std::uint32_t ratio,
                                     sx::ProductRotation rotation) {
    return make_for_metric<sx::ProductQuantizer>(name, metric, false, [ratio, rotation](std::size_t dimension) {
        const auto bytes = static_cast<std::uint32_t>(dimension * sizeof(float) / std::max(ratio, 1U));
        return sx::ProductQuantizer::Options{.subvectors = std::max(bytes, 1U), .rotation = rotation};
    });
}

std::unique_ptr<Engine> make_rabitq(const std::string& name, Metric metric, std::optional<std::uint32_t> bits) {
    return make_for_metric<sx::RabitqQuantizer>(
        name, metric, false, [bits](std::size_t /*dimension*/) { return sx::RabitqQuantizer::Options{.bits = bits}; });
}

}  // namespace

std::unique_ptr<Engine> make_sextant_engine(const std::string& name, Metric metric) {
    const std::string kind = name.ends_with(half_suffix) ? name.substr(0, name.size() - half_suffix.size()) : name;
    if (kind == "sextant:none") return make_usual<sx::NoQuantizer>(name, metric);
    if (kind == "sextant:sq8") return make_usual<sx::ScalarQuantizer>(name, metric);
    if (kind == "sextant:sq4") {
        return make_for_metric<sx::ScalarQuantizer>(
            name, metric, false, [](std::size_t) { return sx::ScalarQuantizer::Options{.bits = 4}; });
    }
    if (kind == "sextant:flat") return make_usual<sx::NoQuantizer>(name, metric, true);
    constexpr std::uint32_t usual_ratio = 16;
    const auto pq = number_after(kind, "sextant:pq");
    if (pq || kind == "sextant:pq") {
        return make_product(name, metric, pq.value_or(usual_ratio), sx::ProductRotation::none);
    }
    const auto opq = number_after(kind, "sextant:opq");
    if (opq || kind == "sextant:opq") {
        return make_product(name, metric, opq.value_or(usual_ratio), sx::ProductRotation::opq);
    }
    const auto bits = number_after(kind, "sextant:rabitq");
    if (bits || kind == "sextant:rabitq") return make_rabitq(name, metric, bits);
    return nullptr;
}

}  // namespace sextant_bench
