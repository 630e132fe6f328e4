#include "ann_bench/measure.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
#include <thread>
#include <utility>

#include "support/timing.hpp"

namespace sextant_bench {
namespace {

constexpr std::size_t block_size = 500;
constexpr std::size_t warm_up_queries = 64;
constexpr double least_seconds = 0.5;  // an engine measured for less repeats all blocks
constexpr std::size_t most_passes = 25;

/// The threads that search, started once: starting them per block would be measured too.
class Team {
public:
    Team(std::size_t size, ClockKind clock)
        : clock_(clock),
          cpu_seconds_(size),
          start_(static_cast<std::ptrdiff_t>(size)),
          done_(static_cast<std::ptrdiff_t>(size)) {
        for (std::size_t worker = 1; worker < size; ++worker) {
            threads_.emplace_back([this, worker] {
                for (;;) {
                    start_.arrive_and_wait();
                    if (stop_) return;
                    work(worker);
                    done_.arrive_and_wait();
                }
            });
        }
    }
    ~Team() {
        stop_ = true;
        start_.arrive_and_wait();
        for (auto& thread : threads_) thread.join();
    }
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    /// job(worker) in every thread, the caller's being worker 0; returns the seconds until the last is done, or the
    /// processor seconds of the thread that took most.
    double run(std::function<void(std::size_t)> job) {
        job_ = std::move(job);
        const Stopwatch watch;
        start_.arrive_and_wait();
        work(0);
        done_.arrive_and_wait();
        if (clock_ == ClockKind::wall) return watch.seconds();
        return *std::max_element(cpu_seconds_.begin(), cpu_seconds_.end());
    }

private:
    void work(std::size_t worker) {
        const CpuStopwatch watch(CpuStopwatch::Of::thread);
        job_(worker);
        cpu_seconds_[worker] = watch.seconds();
    }

    ClockKind clock_;
    std::vector<double> cpu_seconds_;
    std::barrier<> start_;
    std::barrier<> done_;
    std::function<void(std::size_t)> job_;
    bool stop_ = false;  // written before the barrier that lets the others read it
    std::vector<std::thread> threads_;
};

/// One engine's searchers (one a thread) and what they measured.
struct Turn {
    Engine* engine = nullptr;
    std::vector<std::unique_ptr<Searcher>> searchers;
    std::vector<std::uint32_t> ids;                  // queries × k
    std::vector<std::size_t> found;                  // per query
    std::vector<float> latency_us;                   // passes × queries
    std::vector<std::vector<double>> block_seconds;  // per block, one a pass
    double total_seconds = 0.0;
};

/// Queries [first, last), each latency written to latency[query].
double run_block(Team& team, Turn& turn, const Matrix& queries, std::size_t first, std::size_t last, std::size_t k,
                 float* latency) {
    std::atomic<std::size_t> next{first};
    return team.run([&](std::size_t worker) {
        Searcher& searcher = *turn.searchers[worker];
        for (;;) {
            const std::size_t query = next.fetch_add(1, std::memory_order_relaxed);
            if (query >= last) return;
            const Stopwatch watch;
            turn.found[query] = searcher.search(queries.row(query), turn.ids.data() + query * k);
            latency[query] = static_cast<float>(watch.seconds() * 1e6);
        }
    });
}

Measurement summarise(const Turn& turn, const Workload& workload, std::size_t k) {
    Measurement result;
    double seconds = 0.0;
    for (const auto& samples : turn.block_seconds) seconds += median(samples);
    result.qps = static_cast<double>(workload.queries.rows) / seconds;
    result.p50_us = static_cast<double>(percentile(turn.latency_us, 0.50));
    result.p99_us = static_cast<double>(percentile(turn.latency_us, 0.99));
    result.selectivity = workload.selectivity;
    std::size_t right = 0;
    std::size_t expected = 0;
    for (std::size_t query = 0; query < workload.queries.rows; ++query) {
        right += count_right(workload.truth, workload.base, workload.queries, workload.metric, query,
                             {turn.ids.data() + query * k, turn.found[query]}, workload.admitted);
        expected += workload.truth.expected[query];
    }
    result.recall = expected == 0 ? 1.0 : static_cast<double>(right) / static_cast<double>(expected);
    return result;
}

}  // namespace

std::vector<Measurement> measure_interleaved(const std::vector<std::unique_ptr<Engine>>& engines,
                                             std::span<const std::size_t> turn_order, std::size_t ef,
                                             const Workload& workload, const MeasureParams& params) {
    const Matrix& queries = workload.queries;
    const std::size_t block_count = (queries.rows + block_size - 1) / block_size;
    Team team(params.threads, params.clock);
    std::vector<Turn> turns(turn_order.size());
    for (std::size_t i = 0; i < turns.size(); ++i) {
        Turn& turn = turns[i];
        turn.engine = engines[turn_order[i]].get();
        turn.engine->prepare({params.k, ef, static_cast<float>(workload.selectivity)});
        turn.ids.resize(queries.rows * params.k);
        turn.found.resize(queries.rows);
        turn.latency_us.resize(queries.rows);
        turn.block_seconds.resize(block_count);
        turn.searchers.resize(params.threads);
        team.run([&](std::size_t worker) { turn.searchers[worker] = turn.engine->make_searcher(); });
        run_block(team, turn, queries, 0, std::min(warm_up_queries, queries.rows), params.k, turn.latency_us.data());
    }

    std::size_t turn_number = 0;
    for (std::size_t pass = 0; pass < most_passes; ++pass) {
        for (Turn& turn : turns) turn.latency_us.resize((pass + 1) * queries.rows);
        for (std::size_t block = 0; block < block_count; ++block, ++turn_number) {
            const std::size_t first = block * queries.rows / block_count;
            const std::size_t last = (block + 1) * queries.rows / block_count;
            for (std::size_t i = 0; i < turns.size(); ++i) {
                Turn& turn = turns[turn_number % 2 == 0 ? i : turns.size() - 1 - i];
                const double seconds =
                    run_block(team, turn, queries, first, last, params.k, turn.latency_us.data() + pass * queries.rows);
                turn.block_seconds[block].push_back(seconds);
                turn.total_seconds += seconds;
            }
        }
        const bool long_enough = std::all_of(turns.begin(), turns.end(),
                                             [&](const Turn& turn) { return turn.total_seconds >= least_seconds; });
        // Three passes, so that the median of a block ignores one disturbance.
        if (turn_number >= params.rounds && pass >= 2 && long_enough) break;
    }

    std::vector<Measurement> results;
    for (std::size_t i = 0; i < turns.size(); ++i) {
        results.push_back(summarise(turns[i], workload, params.k));
        results.back().engine = turn_order[i];
        results.back().ef = turns[i].engine->exact() ? 0 : ef;
    }
    return results;
}

}  // namespace sextant_bench
