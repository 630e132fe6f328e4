/// Engine: one library in one configuration, as the benchmark drives it.
/// Order of calls: build() once, then per value of ef: prepare() once, then searchers in as many threads as are measured.
/// Threads: build and prepare are exclusive; a Searcher is confined to the thread that made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"
#include "support/dataset.hpp"
#include "support/ground_truth.hpp"

namespace sextant_bench {

/// Behind the name of an engine of this library: its vectors are half floats.
inline constexpr std::string_view half_suffix = "+f16";

struct BuildParams {
    Metric metric = Metric::l2;
    std::size_t m = 16;
    std::size_t ef_construction = 200;
    std::size_t build_threads = 1;
    /// Per row a number in [0, 1), kept as the payload field "u" where the engine can filter; empty without filters.
    std::span<const float> filter_values = {};
};

struct SearchSetting {
    std::size_t k = 10;
    std::size_t ef = 100;       ///< ignored by engines that are exact
    float filter_below = 1.0F;  ///< only rows with filter_values < this; 1: no filter
};

/// What one thread searches with.
class Searcher {
public:
    virtual ~Searcher() = default;
    /// Row numbers, closest first, into `rows` (k of them); returns how many.
    virtual std::size_t search(const float* query, std::uint32_t* rows) = 0;
};

class Engine {
public:
    virtual ~Engine() = default;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// What a reader must know beside any figure of this engine; empty if nothing.
    [[nodiscard]] virtual std::string note() const { return {}; }
    [[nodiscard]] virtual std::string kernel() const { return "own"; }
    /// The candidate pool of the build where the caller names none: what peers are usually measured with.
    [[nodiscard]] virtual std::size_t default_ef_construction() const { return 200; }
    /// An exact engine has no ef: it is measured once.
    [[nodiscard]] virtual bool exact() const noexcept { return false; }
    [[nodiscard]] virtual bool filters() const noexcept { return false; }

    [[nodiscard]] virtual sextant::Result<void> build(const Matrix& base, const BuildParams& params) = 0;
    virtual void prepare(const SearchSetting& setting) = 0;
    [[nodiscard]] virtual std::unique_ptr<Searcher> make_searcher() = 0;

    /// Resident bytes of the whole index, raw vectors included.
    [[nodiscard]] virtual double bytes() const = 0;
    /// The most it held at once, where the engine counts.
    [[nodiscard]] virtual std::optional<double> peak_bytes() const { return std::nullopt; }

protected:
    explicit Engine(std::string name) : name_(std::move(name)) {}

private:
    std::string name_;
};

/// Null where this program was built without that engine.
[[nodiscard]] std::unique_ptr<Engine> make_sextant_engine(const std::string& name, Metric metric);
[[nodiscard]] std::unique_ptr<Engine> make_hnswlib_engine(const std::string& name);
[[nodiscard]] std::unique_ptr<Engine> make_faiss_engine(const std::string& name);

/// The engine called `name` on the command line; unsupported says which names can be built here.
[[nodiscard]] sextant::Result<std::unique_ptr<Engine>> make_engine(const std::string& name, Metric metric);

/// Unit-length copies under cosine (a zero vector stays zero); the matrix itself is not copied otherwise.
[[nodiscard]] std::optional<Matrix> unit_rows(const Matrix& matrix, Metric metric);
[[nodiscard]] std::vector<float> unit_vector(const float* vector, std::size_t dimension);

}  // namespace sextant_bench
