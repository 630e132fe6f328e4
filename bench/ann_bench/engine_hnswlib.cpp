#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "ann_bench/engine.hpp"
#include "peers/hnswlib_index.hpp"

namespace sextant_bench {
namespace {

class HnswlibSearcher final : public Searcher {
public:
    HnswlibSearcher(const HnswlibIndex& index, std::size_t k) : index_(index), k_(k) {}
    std::size_t search(const float* query, std::uint32_t* rows) override { return index_.search(query, k_, rows); }

private:
    const HnswlibIndex& index_;
    std::size_t k_;
};

class HnswlibEngine final : public Engine {
public:
    HnswlibEngine() : Engine("hnswlib") {}

    std::string note() const override {
        return std::string("hnswlib ") + HnswlibIndex::version + " (Debian), -O3 -march=native";
    }
    std::string kernel() const override { return "native"; }

    sextant::Result<void> build(const Matrix& base, const BuildParams& params) override {
        const std::optional<Matrix> unit = unit_rows(base, params.metric);
        const Matrix& rows = unit ? *unit : base;
        index_ =
            std::make_unique<HnswlibIndex>(params.metric, rows.columns, rows.rows, params.m, params.ef_construction);
        index_->add(rows.row(0), 0);
        std::atomic<std::size_t> next{1};
        const auto work = [&] {
            for (std::size_t row = next.fetch_add(1); row < rows.rows; row = next.fetch_add(1)) {
                index_->add(rows.row(row), row);
            }
        };
        std::vector<std::thread> threads;
        for (std::size_t i = 1; i < params.build_threads; ++i) threads.emplace_back(work);
        work();
        for (auto& thread : threads) thread.join();
        return {};
    }

    void prepare(const SearchSetting& setting) override {
        k_ = setting.k;
        index_->set_ef(setting.ef);
    }
    std::unique_ptr<Searcher> make_searcher() override { return std::make_unique<HnswlibSearcher>(*index_, k_); }
    double bytes() const override { return index_->bytes(); }

private:
    std::unique_ptr<HnswlibIndex> index_;
    std::size_t k_ = 10;
};

}  // namespace

std::unique_ptr<Engine> make_hnswlib_engine(const std::string& name) {
    return name == "hnswlib" ? std::make_unique<HnswlibEngine>() : nullptr;
}

}  // namespace sextant_bench
