/// sextant_rebuild_bench: what a rebuild in the background costs who searches meanwhile, and how soon it stops.
/// Prints: search latencies beside a full rebuild, and beside a thread that only spins; processor time that background
/// work takes between being cancelled and having stopped, in memory and on a disk.
/// Method: one searching thread, an executor of one worker. Searches beside the rebuild and beside the spinning thread
/// take turns of a quarter of a second within one rebuild: the worker is held inside the clock it asks when it reports
/// progress, so both see the same collection. A task is cancelled when the worker has spent a random part of the
/// processor time that a whole one takes; the worker's clock then counts what it spends until the task is over.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sextant/core/clock.hpp"
#include "sextant/core/random.hpp"
#include "sextant/sextant.hpp"
#include "support/command_line.hpp"
#include "support/timing.hpp"
#include "support/workload.hpp"

namespace {

using namespace sextant_bench;
namespace sx = sextant;
using Memory = sx::Collection<sx::SquaredL2, sx::MemoryStorage, sx::ScalarQuantizer>;
using Durable = sx::Collection<sx::SquaredL2, sx::MappedStorage, sx::ScalarQuantizer>;

constexpr std::size_t batch_rows = 500;
constexpr double turn_seconds = 0.25;

struct Bench {
    std::string directory;
    Matrix base;
    Matrix queries;
    double dead_share = 0.19;
    std::size_t rounds = 3;
    std::size_t cancellations = 200;
};

/// One thread, whose processor time can be read from another.
class Worker {
public:
    Worker() : pool_(std::make_shared<sx::ThreadPoolExecutor>(1)) {
        std::mutex mutex;
        std::condition_variable known;
        bool done = false;
        pool_->submit([&] {
            const std::lock_guard lock(mutex);
            ::pthread_getcpuclockid(::pthread_self(), &clock_);
            thread_ = std::this_thread::get_id();
            done = true;
            known.notify_one();
        });
        std::unique_lock lock(mutex);
        known.wait(lock, [&] { return done; });
    }
    [[nodiscard]] const std::shared_ptr<sx::ThreadPoolExecutor>& pool() const noexcept { return pool_; }
    [[nodiscard]] std::thread::id thread() const noexcept { return thread_; }
    [[nodiscard]] double cpu_seconds() const noexcept {
        std::timespec time{};
        ::clock_gettime(clock_, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    }

private:
    std::shared_ptr<sx::ThreadPoolExecutor> pool_;
    clockid_t clock_{};
    std::thread::id thread_;
};

/// The system's time; the worker is held where it asks for it.
class HoldingClock final : public sx::Clock {
public:
    explicit HoldingClock(std::thread::id worker) : worker_(worker) {}
    [[nodiscard]] std::chrono::nanoseconds monotonic() const noexcept override {
        if (std::this_thread::get_id() == worker_) {
            std::unique_lock lock(mutex_);
            held_ = hold_;
            changed_.notify_all();
            changed_.wait(lock, [&] { return !hold_; });
            held_ = false;
        }
        return system_.monotonic();
    }
    [[nodiscard]] std::chrono::nanoseconds wall() const noexcept override { return system_.wall(); }

    void hold() {
        const std::lock_guard lock(mutex_);
        hold_ = true;
    }
    [[nodiscard]] bool held() const {
        const std::lock_guard lock(mutex_);
        return held_;
    }
    void go_on() {
        const std::lock_guard lock(mutex_);
        hold_ = false;
        changed_.notify_all();
    }

private:
    const std::thread::id worker_;
    sx::SystemClock system_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool hold_ = false;
    mutable bool held_ = false;
};

/// Upserts `ids`, each with the vector of another row for each `turn`.
template <class C>
sx::Result<void> write(C& collection, const Matrix& base, const std::vector<std::size_t>& ids, std::size_t turn) {
    for (std::size_t first = 0; first < ids.size(); first += batch_rows) {
        sx::WriteBatch batch;
        for (std::size_t i = first; i < std::min(first + batch_rows, ids.size()); ++i) {
            batch.upsert(sx::PointId{ids[i]}, base.view((ids[i] + turn * 7919) % base.rows));
        }
        SEXTANT_TRY(collection.write(std::move(batch)));
    }
    return {};
}

/// A collection that dies and is rebuilt, as often as wanted.
template <class C>
class Subject {
public:
    Subject(const Bench& bench, C collection) : bench_(bench), collection_(std::move(collection)) {}

    sx::Result<void> fill() {
        ids_.resize(bench_.base.rows);
        for (std::size_t i = 0; i < ids_.size(); ++i) ids_[i] = i;
        SEXTANT_TRY(write(collection_, bench_.base, ids_, 0));
        return collection_.optimize();
    }
    /// Overwrites a share of the points, so that their old rows are dead.
    sx::Result<void> let_die() {
        const auto count = static_cast<std::size_t>(bench_.dead_share * static_cast<double>(ids_.size()));
        for (std::size_t i = 0; i < count; ++i) std::swap(ids_[i], ids_[i + random_.below(ids_.size() - i)]);
        SEXTANT_TRY(write(collection_, bench_.base, {ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(count)},
                          ++turn_));
        return collection_.wait_until_indexed();
    }
    [[nodiscard]] C& collection() noexcept { return collection_; }

private:
    const Bench& bench_;
    C collection_;
    std::vector<std::size_t> ids_;
    sx::Random random_{7};
    std::size_t turn_ = 0;
};

// --- searches beside a rebuild ---------------------------------------------------------------------------------------

struct Latencies {
    std::vector<double> wall;
    std::vector<double> cpu;
};

/// Searches, one after the other.
template <class C>
class Searcher {
public:
    Searcher(const C& collection, const Matrix& queries) : collection_(collection), queries_(queries) {
        request_.k = 10;
        request_.select = {.payload = false};
    }
    sx::Result<void> one(Latencies& into) {
        request_.vector = queries_.view(next_++ % queries_.rows);
        const Stopwatch watch;
        const CpuStopwatch cpu(CpuStopwatch::Of::thread);
        SEXTANT_TRY(collection_.search_into(request_, result_));
        into.cpu.push_back(cpu.seconds() * 1e6);
        into.wall.push_back(watch.seconds() * 1e6);
        return {};
    }

private:
    const C& collection_;
    const Matrix& queries_;
    sx::SearchRequest request_;
    sx::SearchResult result_;
    std::size_t next_ = 0;
};

/// For a while, beside a thread that does nothing but count.
template <class C>
sx::Result<void> search_beside_spinning(Searcher<C>& searcher, Latencies& into) {
    std::atomic<bool> stop{false};
    std::thread spinning([&] {
        while (!stop.load(std::memory_order_relaxed)) {}
    });
    sx::Result<void> done;
    for (const Stopwatch watch; done && watch.seconds() < turn_seconds;) done = searcher.one(into);
    stop.store(true);
    spinning.join();
    return done;
}

void print_latencies(const char* what, const std::vector<double>& rebuild, const std::vector<double>& spin) {
    for (const double share : {0.5, 0.99}) {
        const double beside = percentile(rebuild, share);
        const double alone = percentile(spin, share);
        std::printf("%-40s p%-3.0f %10.1f us %10.1f us %8.2f %s\n", what, share * 100, beside, alone, beside / alone,
                    share > 0.9 ? "(bar: at most 1.5)" : "");
    }
}

/// `make` opens the collection, with the options that it is given.
template <class C, class Make>
sx::Result<void> measure_searches(const Bench& bench, const char* what, const Make& make) {
    const Worker worker;
    HoldingClock clock(worker.thread());
    typename C::Options options;
    options.dimension = bench.base.columns;
    sx::OpenOptions open{.executor = worker.pool()};
    open.clock = &clock;
    SEXTANT_TRY_ASSIGN(C collection, make(options, open));
    Subject<C> subject(bench, std::move(collection));
    SEXTANT_TRY(subject.fill());
    Searcher<C> searcher(subject.collection(), bench.queries);
    Latencies rebuild;
    Latencies spin;
    std::vector<double> ratios;
    for (std::size_t round = 0; round < bench.rounds; ++round) {
        SEXTANT_TRY(subject.let_die());
        Latencies of_rebuild;
        Latencies of_spin;
        SEXTANT_TRY(search_beside_spinning(searcher, of_spin));
        SEXTANT_TRY_ASSIGN(sx::Task task, subject.collection().start_optimize());
        sx::Result<void> searched;
        while (searched && !task.done()) {
            for (const Stopwatch watch; searched && !task.done() && watch.seconds() < turn_seconds;) {
                searched = searcher.one(of_rebuild);
            }
            // The rebuild goes on until it reports: its searches count, too.
            clock.hold();
            while (searched && !task.done() && !clock.held()) searched = searcher.one(of_rebuild);
            if (searched && clock.held()) searched = search_beside_spinning(searcher, of_spin);
            clock.go_on();
        }
        SEXTANT_TRY(task.wait());
        SEXTANT_TRY(searched);
        ratios.push_back(percentile(of_rebuild.wall, 0.99) / percentile(of_spin.wall, 0.99));
        for (const auto& [all, part] : {std::pair{&rebuild, &of_rebuild}, std::pair{&spin, &of_spin}}) {
            all->wall.insert(all->wall.end(), part->wall.begin(), part->wall.end());
            all->cpu.insert(all->cpu.end(), part->cpu.begin(), part->cpu.end());
        }
    }
    std::printf("%-40s %4s %13s %13s %8s\n", what, "", "rebuild", "spinning", "ratio");
    print_latencies("wall clock", rebuild.wall, spin.wall);
    print_latencies("processor time of the search", rebuild.cpu, spin.cpu);
    std::printf("%-40s p99  median of %zu rebuilds %24.2f (%zu and %zu searches)\n", "wall clock", ratios.size(),
                median(ratios), rebuild.wall.size(), spin.wall.size());
    return {};
}

sx::Result<void> measure_searches_in_memory(const Bench& bench) {
    return measure_searches<Memory>(
        bench, "searches in memory",
        [](const Memory::Options& options, const sx::OpenOptions& open) { return Memory::open(options, open); });
}

sx::Result<void> measure_searches_on_disk(const Bench& bench) {
    const auto make = [&](Durable::Options options, const sx::OpenOptions& open) {
        options.durability = sx::Durability::Os;
        return Durable::open(bench.directory + "/searched.sxt", options, open);
    };
    return measure_searches<Durable>(bench, "searches on a disk", make);
}

// --- cancelling ------------------------------------------------------------------------------------------------------

struct Cancelled {
    double at = 0.0;      ///< share of a whole task's processor time
    double cpu_ms = 0.0;  ///< the worker's, from the call to the end of the task
};

/// Starts a rebuild, and cancels it once the worker has spent `seconds` on it. Nothing: it was done by then.
template <class C>
sx::Result<std::optional<Cancelled>> cancel_after(C& collection, const Worker& worker, double seconds) {
    const double begin = worker.cpu_seconds();
    SEXTANT_TRY_ASSIGN(sx::Task task, collection.start_optimize());
    while (!task.done()) {
        const double left = seconds - (worker.cpu_seconds() - begin);
        if (left <= 0.0) break;
        std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, 0.001)));
    }
    if (task.done()) {
        SEXTANT_TRY(task.wait());
        return std::optional<Cancelled>();
    }
    const double before = worker.cpu_seconds();
    task.cancel();
    const auto ended = task.wait();
    const double spent = worker.cpu_seconds() - before;
    if (!ended && ended.error().code != sx::ErrorCode::cancelled) return ended.error();
    return std::optional<Cancelled>({.at = before - begin, .cpu_ms = spent * 1e3});
}

template <class C>
sx::Result<void> measure_cancelling(const Bench& bench, C collection, const Worker& worker, const char* what) {
    Subject<C> subject(bench, std::move(collection));
    SEXTANT_TRY(subject.fill());
    SEXTANT_TRY(subject.let_die());
    const double begin = worker.cpu_seconds();
    SEXTANT_TRY(subject.collection().optimize());
    const double whole = worker.cpu_seconds() - begin;
    SEXTANT_TRY(subject.let_die());
    sx::Random random(11);
    std::vector<Cancelled> cancelled;
    while (cancelled.size() < bench.cancellations) {
        // One in each of so many equal parts of the task, so that none of its steps is left out.
        const double part = static_cast<double>(cancelled.size()) + static_cast<double>(random.below(1000)) / 1000.0;
        const double seconds = whole * part / static_cast<double>(bench.cancellations);
        SEXTANT_TRY_ASSIGN(auto one, cancel_after(subject.collection(), worker, seconds));
        SEXTANT_TRY_ASSIGN(const sx::Stats stats, subject.collection().stats());
        if (stats.dead_rows == 0) SEXTANT_TRY(subject.let_die());  // it was done before it could stop
        if (!one.has_value()) one = Cancelled{.at = whole, .cpu_ms = 0.0};
        one->at /= whole;
        cancelled.push_back(*one);
    }
    std::vector<double> spent;
    for (const Cancelled& each : cancelled) spent.push_back(each.cpu_ms);
    std::printf("%s: a whole rebuild takes %.2f s of processor time; %zu cancellations\n", what, whole, spent.size());
    std::printf("  %-38s %10.3f ms\n", "processor time until it stopped, median", median(spent));
    std::printf("  %-38s %10.3f ms (bar: at most 100, and 10 without a stop)\n", "  most", percentile(spent, 1.0));
    std::sort(cancelled.begin(), cancelled.end(), [](const auto& a, const auto& b) { return a.cpu_ms > b.cpu_ms; });
    std::printf("  longest ones, at:");
    for (std::size_t i = 0; i < std::min<std::size_t>(cancelled.size(), 8); ++i) {
        std::printf(" %.3f (%.2f ms)", cancelled[i].at, cancelled[i].cpu_ms);
    }
    std::printf("\n");
    return {};
}

sx::Result<void> measure_cancelling_in_memory(const Bench& bench) {
    const Worker worker;
    Memory::Options options;
    options.dimension = bench.base.columns;
    SEXTANT_TRY_ASSIGN(Memory collection, Memory::open(options, {.executor = worker.pool()}));
    return measure_cancelling(bench, std::move(collection), worker, "in memory");
}

sx::Result<void> measure_cancelling_on_disk(const Bench& bench) {
    const Worker worker;
    Durable::Options options;
    options.dimension = bench.base.columns;
    options.durability = sx::Durability::Os;
    SEXTANT_TRY_ASSIGN(Durable collection,
                       Durable::open(bench.directory + "/points.sxt", options, {.executor = worker.pool()}));
    return measure_cancelling(bench, std::move(collection), worker, "on a disk");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Searches beside a rebuild, and rebuilds that are cancelled");
    WorkloadPaths paths;
    std::string directory = std::filesystem::temp_directory_path().string();
    std::string only;
    Bench bench;
    add_workload_options(app, paths);
    app.add_option("--directory", directory, "where the files go")->capture_default_str();
    app.add_option("--dead", bench.dead_share, "share of the points overwritten before each rebuild")
        ->capture_default_str()
        ->check(CLI::Range(0.01, 0.9));
    app.add_option("--rounds", bench.rounds, "rebuilds that searches are measured beside")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--cancellations", bench.cancellations, "of rebuilds")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000));
    app.add_option("--only", only, "one part of the three")->check(CLI::IsMember({"searches", "memory", "disk"}));
    if (const auto code = parse_command_line(app, argc, argv)) return *code;
    auto workload = read_workload(paths);
    if (!workload) {
        std::fprintf(stderr, "sextant_rebuild_bench: %s\n", workload.error().message.c_str());
        return 1;
    }
    bench.base = std::move(workload->base);
    bench.queries = std::move(workload->queries);
    std::printf("%s, %zu x %zu, squared L2, ScalarQuantizer, %.0f %% overwritten\n", dataset_name(paths.base).c_str(),
                bench.base.rows, bench.base.columns, bench.dead_share * 100);
    bench.directory = directory + "/sextant_rebuild_bench." + std::to_string(::getpid());
    std::filesystem::create_directory(bench.directory);
    sx::Result<void> result;
    if (only.empty() || only == "searches") result = measure_searches_in_memory(bench);
    if (result && (only.empty() || only == "searches")) result = measure_searches_on_disk(bench);
    if (result && (only.empty() || only == "memory")) result = measure_cancelling_in_memory(bench);
    if (result && (only.empty() || only == "disk")) result = measure_cancelling_on_disk(bench);
    std::filesystem::remove_all(bench.directory);
    if (result) return 0;
    std::fprintf(stderr, "sextant_rebuild_bench: %s\n", result.error().message.c_str());
    return 1;
}
