#include "ann_bench/engine.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace sextant_bench {
namespace {
constexpr std::array<std::string_view, 11> known_names = {
    "sextant:none", "sextant:sq8", "sextant:sq4", "sextant:pq",     "sextant:opq", "sextant:rabitq",
    "sextant:flat", "hnswlib",     "faiss-hnsw",  "faiss-hnsw-sq8", "faiss-flat"};
/// These may have a number behind them: how many times smaller than floats codes are, or their bits.
constexpr std::array<std::string_view, 3> numbered_names = {"sextant:pq", "sextant:opq", "sextant:rabitq"};

bool is_known(const std::string& given) {
    std::string name = given;
    if (name.starts_with("sextant:") && name.ends_with(half_suffix)) name.resize(name.size() - half_suffix.size());
    if (std::find(known_names.begin(), known_names.end(), name) != known_names.end()) return true;
    const std::size_t colon = name.rfind(':');
    if (colon == std::string::npos || colon + 1 == name.size() ||
        name.find_first_not_of("0123456789", colon + 1) != std::string::npos) {
        return false;
    }
    const std::string_view kind = std::string_view(name).substr(0, colon);
    return std::find(numbered_names.begin(), numbered_names.end(), kind) != numbered_names.end();
}

void normalise(float* vector, std::size_t dimension) {
    double sum = 0.0;
    for (std::size_t i = 0; i < dimension; ++i) sum += static_cast<double>(vector[i]) * vector[i];
    if (sum <= 0.0) return;
    const double factor = 1.0 / std::sqrt(sum);
    for (std::size_t i = 0; i < dimension; ++i) vector[i] = static_cast<float>(vector[i] * factor);
}
}  // namespace

#ifndef SEXTANT_BENCH_HAS_PEERS
std::unique_ptr<Engine> make_hnswlib_engine(const std::string&) { return nullptr; }
std::unique_ptr<Engine> make_faiss_engine(const std::string&) { return nullptr; }
#endif

sextant::Result<std::unique_ptr<Engine>> make_engine(const std::string& name, Metric metric) {
    const auto unsupported = [](std::string message) {
        return sextant::Error{sextant::ErrorCode::unsupported, std::move(message)};
    };
    if (!is_known(name)) {
        std::string choices;
        for (const auto known : known_names) choices += (choices.empty() ? "" : ", ") + std::string(known);
        return unsupported("--engine " + name + ": no such engine; known are " + choices);
    }
    std::unique_ptr<Engine> engine = make_sextant_engine(name, metric);
    if (!engine) engine = make_hnswlib_engine(name);
    if (!engine) engine = make_faiss_engine(name);
    if (engine) return engine;
    if (name.starts_with("sextant:")) return unsupported("--engine " + name + ": no such number");
    return unsupported("--engine " + name + ": not built; configure with -DSEXTANT_BENCH_PEERS=ON");
}

std::optional<Matrix> unit_rows(const Matrix& matrix, Metric metric) {
    if (metric != Metric::cosine) return std::nullopt;
    Matrix copy = matrix;
    for (std::size_t i = 0; i < copy.rows; ++i) normalise(copy.row(i), copy.columns);
    return copy;
}

std::vector<float> unit_vector(const float* vector, std::size_t dimension) {
    std::vector<float> copy(vector, vector + dimension);
    normalise(copy.data(), dimension);
    return copy;
}

}  // namespace sextant_bench
