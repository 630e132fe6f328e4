/// sextant_kernel_bench: what a kernel costs, per table this CPU can run.
///   sextant_kernel_bench             Google Benchmark over every kernel and table
///   sextant_kernel_bench --ratios    the ratios that are quoted: both sides of each measured in turns in this process,
///                                    in CPU time, the median of the turns
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernel_bench_scalar.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/metric/metrics.hpp"
#include "support/memory_bandwidth.hpp"
#include "support/timing.hpp"

namespace {

using sextant::I8Query;
using sextant::KernelTable;
using sextant::RowId;

constexpr std::size_t huge_page = std::size_t{2} << 20U;

/// Zeroed memory in huge pages where the system grants them, as the library's own arenas are.
class HugeBytes {
public:
    explicit HugeBytes(std::size_t size) : size_((size + huge_page - 1) / huge_page * huge_page) {
        void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        madvise(memory, size_, MADV_HUGEPAGE);
        data_ = static_cast<std::byte*>(memory);
    }
    HugeBytes(HugeBytes&& other) noexcept : size_(other.size_), data_(std::exchange(other.data_, nullptr)) {}
    HugeBytes& operator=(HugeBytes&&) = delete;
    ~HugeBytes() {
        if (data_ != nullptr) munmap(data_, size_);
    }
    [[nodiscard]] std::byte* data() const noexcept { return data_; }

private:
    std::size_t size_;
    std::byte* data_;
};

/// Floats in [-1, 1], `row_count` rows of `dimension`, packed.
struct FloatRows {
    FloatRows(std::size_t row_count_, std::size_t dimension_)
        : row_count(row_count_), dimension(dimension_), bytes(row_count_ * dimension_ * sizeof(float)) {
        std::mt19937 random(1);
        std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
        auto* values = reinterpret_cast<float*>(bytes.data());
        for (std::size_t i = 0; i < row_count * dimension; ++i) values[i] = uniform(random);
    }
    [[nodiscard]] std::size_t stride() const noexcept { return dimension * sizeof(float); }
    [[nodiscard]] const float* row(std::size_t index) const noexcept {
        return reinterpret_cast<const float*>(bytes.data()) + index * dimension;
    }

    std::size_t row_count;
    std::size_t dimension;
    HugeBytes bytes;
};

/// 8-bit rows with trailers and a query over them.
struct ByteRows {
    ByteRows(std::size_t row_count_, std::size_t dimension)
        : row_count(row_count_), stride(stride_of(dimension)), bytes(row_count_ * stride), padded(dimension + 64) {
        std::mt19937 random(2);
        for (std::size_t r = 0; r < row_count; ++r) {
            sextant::I8Trailer trailer{};
            std::byte* row = bytes.data() + r * stride;
            for (std::size_t i = 0; i < dimension; ++i) {
                const int value = static_cast<int>(random() % 256U) - 128;
                row[i] = static_cast<std::byte>(value);
                trailer.sum += value;
                trailer.square_sum += static_cast<std::uint32_t>(value * value);
            }
            std::memcpy(row + sextant::i8_trailer_offset(dimension), &trailer, sizeof trailer);
        }
        auto* biased = reinterpret_cast<std::uint8_t*>(padded.data());
        for (std::size_t i = 0; i < dimension; ++i) {
            const int value = static_cast<int>(random() % 256U) - 128;
            biased[i] = static_cast<std::uint8_t>(value + 128);
            query.square_sum += static_cast<std::uint32_t>(value * value);
        }
        query.biased = biased;
        query.dimension = dimension;
    }
    static std::size_t stride_of(std::size_t dimension) {
        const std::size_t size = (sextant::i8_row_size(dimension) + 15) / 16 * 16;
        return dimension == 100 ? 128 : size;
    }

    std::size_t row_count;
    std::size_t stride;
    HugeBytes bytes;
    HugeBytes padded;
    I8Query query;
};

/// Lists of random rows, the next of which depends on the distances of the last, as in a graph search.
class RandomLists {
public:
    explicit RandomLists(std::size_t row_count) : row_count_(row_count) {}

    template <class Score>
    void score_next(std::size_t count, Score score) {
        for (std::size_t i = 0; i < count; ++i) {
            state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
            rows_[i] = RowId{static_cast<std::uint32_t>((state_ >> 33U) * row_count_ >> 31U)};
        }
        score(rows_, count, out_);
        const float best = *std::min_element(out_, out_ + count);
        state_ += best < 0.0F ? 1U : 2U;
    }

private:
    std::size_t row_count_;
    std::uint64_t state_ = 1;
    RowId rows_[64];
    float out_[64];
};

/// Seconds of each piece of work: the median over turns in which every piece runs once.
std::vector<double> measure_in_turns(const std::vector<std::function<void()>>& work, std::size_t turns) {
    std::vector<std::vector<double>> seconds(work.size());
    for (std::size_t turn = 0; turn <= turns; ++turn) {
        for (std::size_t i = 0; i < work.size(); ++i) {
            const std::size_t w = (i + turn) % work.size();
            const sextant_bench::CpuStopwatch watch(sextant_bench::CpuStopwatch::Of::thread);
            work[w]();
            if (turn > 0) seconds[w].push_back(watch.seconds());  // the first turn warms caches and clocks
        }
    }
    std::vector<double> medians;
    for (const std::vector<double>& list : seconds) medians.push_back(sextant_bench::median(list));
    return medians;
}

/// A million calls in all, over eight vectors of 1,024 floats (32 KiB).
void report_pairs() {
    const FloatRows rows(8, 1024);
    struct Pair {
        const char* name;
        sextant::DistanceFn scalar;
        sextant::DistanceFn best;
    };
    const Pair pairs[] = {{"dot", sextant_bench::scalar_dot, sextant::active_kernels().dot_f32},
                          {"cosine", sextant_bench::scalar_cosine, sextant::Cosine::distance_fn()},
                          {"squared L2", sextant_bench::scalar_l2, sextant::SquaredL2::distance_fn()}};
    for (const Pair& pair : pairs) {
        const auto calls = [&rows](sextant::DistanceFn distance) {
            return [&rows, distance] {
                float sum = 0.0F;
                for (std::size_t i = 0; i < 10'000; ++i)
                    sum += distance(rows.row(i & 7U), rows.row((i >> 3U) & 7U), 1024);
                benchmark::DoNotOptimize(sum);
            };
        };
        const std::vector<double> seconds = measure_in_turns({calls(pair.scalar), calls(pair.best)}, 100);
        std::printf("%-10s d=1024 in cache: scalar loop %7.1f ns, %s %6.1f ns: %.1f times as fast\n", pair.name,
                    seconds[0] * 1e5, sextant::active_kernels().name, seconds[1] * 1e5, seconds[0] / seconds[1]);
    }
}

/// 60,000 rows of 784 floats: one query as a share of what memory gives, and 32 at once against 32 one by one.
void report_scans() {
    const FloatRows rows(60'000, 784);
    const FloatRows queries(32, 784);
    const sextant_bench::BandwidthProbe probe(rows.row_count * rows.stride());
    std::vector<float> out(32 * rows.row_count);
    const auto scan = [&](KernelTable::F32Tile tile, std::size_t query_count) {
        return [&, tile, query_count] {
            tile(queries.row(0), 784, query_count, 784, rows.bytes.data(), rows.stride(), rows.row_count, out.data(),
                 rows.row_count);
        };
    };
    const KernelTable& table = sextant::active_kernels();
    const std::vector<double> seconds =
        measure_in_turns({[&probe] { probe.read_once(); }, scan(table.l2_f32_tile, 1), scan(table.dot_f32_tile, 1),
                          scan(table.l2_f32_tile, 32), scan(table.dot_f32_tile, 32)},
                         9);
    const double bytes = static_cast<double>(rows.row_count * rows.stride());
    const double read = static_cast<double>(probe.bytes()) / seconds[0];
    std::printf("60,000 x 784 f32: one core reads %.1f GB/s\n", read / 1e9);
    const char* names[] = {"squared L2", "dot"};
    for (std::size_t i = 0; i < 2; ++i) {
        const double single = seconds[1 + i];
        const double batch = seconds[3 + i];
        std::printf("%-10s scan: %.0f %% of that; a batch of 32 queries: %.1f times as fast as 32 scans\n", names[i],
                    100.0 * bytes / single / read, 32.0 * single / batch);
    }
}

/// Random lists of 16 rows, every table against the baseline.
void report_lists() {
    const std::pair<std::size_t, std::size_t> shapes[] = {{784, 60'000}, {100, 88'000}};
    const sextant::KernelList list = sextant::runnable_kernels();
    for (const auto& [dimension, row_count] : shapes) {
        const ByteRows bytes(row_count, dimension);
        const FloatRows floats(row_count, dimension);
        std::vector<std::function<void()>> work;
        for (std::size_t t = 0; t < list.count; ++t) {
            const KernelTable* table = list.tables[t];
            work.emplace_back([&bytes, table, lists = RandomLists(row_count)]() mutable {
                for (int i = 0; i < 300; ++i) {
                    lists.score_next(16, [&](const RowId* rows, std::size_t count, float* out) {
                        table->l2_i8_rows(bytes.query, bytes.bytes.data(), bytes.stride, rows, count, out);
                    });
                }
            });
            work.emplace_back([&floats, table, lists = RandomLists(row_count)]() mutable {
                for (int i = 0; i < 300; ++i) {
                    lists.score_next(16, [&](const RowId* rows, std::size_t count, float* out) {
                        table->l2_f32_rows(floats.row(0), floats.dimension, floats.bytes.data(), floats.stride(), rows,
                                           count, out);
                    });
                }
            });
        }
        const std::vector<double> seconds = measure_in_turns(work, 100);
        std::printf("lists of 16 random rows of %zu x %zu, ns a row:\n", row_count, dimension);
        for (std::size_t t = 0; t < list.count; ++t) {
            std::printf("    %-9s i8 %6.1f   f32 %6.1f\n", list.tables[t]->name, seconds[2 * t] * 1e9 / 4800,
                        seconds[2 * t + 1] * 1e9 / 4800);
        }
    }
}

void register_pairs(const KernelTable* table) {
    const std::string name = table->name;
    for (const std::size_t dimension : {100U, 784U, 1024U}) {
        const auto run = [dimension](auto distance) {
            return [dimension, distance](benchmark::State& state) {
                const FloatRows rows(8, dimension);
                std::size_t i = 0;
                for (auto _ : state) {
                    benchmark::DoNotOptimize(distance(rows.row(i & 7U), rows.row((i >> 3U) & 7U), dimension));
                    ++i;
                }
            };
        };
        const std::string suffix = "/" + name + "/" + std::to_string(dimension);
        benchmark::RegisterBenchmark(("l2_f32" + suffix).c_str(), run(table->l2_f32));
        benchmark::RegisterBenchmark(("dot_f32" + suffix).c_str(), run(table->dot_f32));
    }
}

void register_byte_kernels(const KernelTable* table) {
    const std::string name = table->name;
    for (const std::size_t dimension : {100U, 784U}) {
        for (const std::size_t row_count : {64U, 60'000U}) {
            const std::string suffix =
                "/" + name + "/" + std::to_string(dimension) + (row_count == 64 ? "/cached" : "/memory");
            benchmark::RegisterBenchmark(("l2_i8_rows" + suffix).c_str(), [=](benchmark::State& state) {
                const ByteRows bytes(row_count, dimension);
                RandomLists lists(row_count);
                for (auto _ : state) {
                    lists.score_next(16, [&](const RowId* rows, std::size_t count, float* out) {
                        table->l2_i8_rows(bytes.query, bytes.bytes.data(), bytes.stride, rows, count, out);
                    });
                }
                state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 16);
            });
            benchmark::RegisterBenchmark(("l2_i8_range" + suffix).c_str(), [=](benchmark::State& state) {
                const ByteRows bytes(row_count, dimension);
                std::vector<float> out(row_count);
                for (auto _ : state) {
                    table->l2_i8_range(bytes.query, bytes.bytes.data(), bytes.stride, row_count, out.data());
                    benchmark::DoNotOptimize(out.data());
                }
                state.SetItemsProcessed(
                    static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * row_count));
                state.SetBytesProcessed(
                    static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * row_count * bytes.stride));
            });
        }
        benchmark::RegisterBenchmark(("encode_i8/" + name + "/" + std::to_string(dimension)).c_str(),
                                     [=](benchmark::State& state) {
                                         const FloatRows rows(2, dimension);
                                         std::vector<std::int8_t> out(dimension);
                                         for (auto _ : state) {
                                             table->encode_i8(rows.row(0), rows.row(1), 64.0F, dimension, out.data());
                                             benchmark::DoNotOptimize(out.data());
                                         }
                                     });
    }
}

void register_tiles(const KernelTable* table) {
    for (const std::size_t query_count : {1U, 4U, 32U}) {
        const std::string name = "l2_f32_tile/" + std::string(table->name) + "/" + std::to_string(query_count);
        benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
            const FloatRows rows(20'000, 784);
            const FloatRows queries(32, 784);
            std::vector<float> out(query_count * rows.row_count);
            for (auto _ : state) {
                table->l2_f32_tile(queries.row(0), 784, query_count, 784, rows.bytes.data(), rows.stride(),
                                   rows.row_count, out.data(), rows.row_count);
                benchmark::DoNotOptimize(out.data());
            }
            state.SetItemsProcessed(
                static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * query_count * rows.row_count));
        });
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (const char* error = sextant::kernel_override_error(); error != nullptr) {
        std::fprintf(stderr, "%s\n", error);
        return 2;
    }
    if (argc == 2 && std::strcmp(argv[1], "--ratios") == 0) {
        report_pairs();
        report_scans();
        report_lists();
        return 0;
    }
    const sextant::KernelList list = sextant::runnable_kernels();
    for (std::size_t t = 0; t < list.count; ++t) {
        register_pairs(list.tables[t]);
        register_byte_kernels(list.tables[t]);
        register_tiles(list.tables[t]);
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
