#include "peers/hnswlib_index.hpp"

#include <hnswlib/hnswlib.h>

#include <memory>
#include <mutex>

namespace sextant_bench {

struct HnswlibIndex::State {
    std::unique_ptr<hnswlib::SpaceInterface<float>> space;
    std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;
};

namespace {
std::unique_ptr<hnswlib::SpaceInterface<float>> make_space(Metric metric, std::size_t dimension) {
    if (metric == Metric::l2) return std::make_unique<hnswlib::L2Space>(dimension);
    return std::make_unique<hnswlib::InnerProductSpace>(dimension);
}
}  // namespace

HnswlibIndex::HnswlibIndex(Metric metric, std::size_t dimension, std::size_t capacity, std::size_t m,
                           std::size_t ef_construction)
    : state_(std::make_unique<State>()) {
    state_->space = make_space(metric, dimension);
    state_->graph =
        std::make_unique<hnswlib::HierarchicalNSW<float>>(state_->space.get(), capacity, m, ef_construction);
}

HnswlibIndex::~HnswlibIndex() = default;

void HnswlibIndex::add(const float* vector, std::size_t label) { state_->graph->addPoint(vector, label); }

void HnswlibIndex::erase(std::size_t label) { state_->graph->markDelete(label); }

void HnswlibIndex::set_ef(std::size_t ef) { state_->graph->setEf(ef); }

std::size_t HnswlibIndex::search(const float* query, std::size_t k, std::uint32_t* labels) const {
    auto found = state_->graph->searchKnn(query, k);
    const std::size_t count = found.size();
    for (std::size_t i = count; i-- > 0;) {
        labels[i] = static_cast<std::uint32_t>(found.top().second);
        found.pop();
    }
    return count;
}

double HnswlibIndex::bytes() const {
    const auto& graph = *state_->graph;
    double upper = 0.0;
    for (std::size_t i = 0; i < graph.cur_element_count; ++i) {
        upper += static_cast<double>(graph.element_levels_[i]) * static_cast<double>(graph.size_links_per_element_);
    }
    const auto rows = static_cast<double>(graph.cur_element_count);
    constexpr double map_node = 8 + 8 + 8 + 8;  // next, label, row number (padded), allocator header
    const double per_row = static_cast<double>(graph.size_data_per_element_) + sizeof(int) + sizeof(char*) +
                           sizeof(std::mutex) + map_node + sizeof(hnswlib::vl_type);
    return rows * per_row + upper + static_cast<double>(graph.label_lookup_.bucket_count()) * sizeof(void*);
}

}  // namespace sextant_bench
