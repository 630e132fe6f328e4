/// durable_threads_worker: one of many threads that use a collection in a directory at once. It alone writes its ids, and
/// knows after each acknowledged write what they must hold; what it reads of others' must be whole.
/// Threads: confined, but for the collection and the flag in Life. No lock here, which would hide races.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collection/durable_threads_support.hpp"

namespace test_support {

using Shared = sextant::Collection<sextant::SquaredL2, sextant::MappedStorage, sextant::ScalarQuantizer>;

using Time = std::chrono::steady_clock::time_point;

/// From one opening to the next.
struct Life {
    Shared* collection = nullptr;
    Happenings* happenings = nullptr;
    bool optimizes = false;           ///< else nothing keeps seals, merges and compactions back
    bool calm = false;                ///< few points are written or erased: what is compacted has time to be
    bool grows = false;               ///< only young points die: segments come together to be merged
    std::atomic<bool> closed{false};  ///< close() has returned
};

class Worker {
public:
    static constexpr std::uint64_t stride = 1'000'000'000;  ///< ids of one thread
    static constexpr std::uint64_t hot_ids = 80;            ///< written again and again
    static constexpr std::uint64_t cold_from = 10'000;      ///< ids, and values of n, of points that are written once
    static constexpr std::uint64_t most_cold = 120;
    static constexpr std::uint64_t everything = std::numeric_limits<std::int64_t>::max();

    explicit Worker(std::uint64_t number)
        : number_(number), own_((number + 1) * stride), next_salt_(own_), random_(number) {}

    /// Does everything until it is told that the collection is closed.
    void run(const Life& life) {
        begin(life);
        while (!refused_) {
            const bool late = life.closed;
            step();
            require(refused_ || !late, "a call that came after close() was not refused");
        }
        expect_refusals();
    }
    /// The same, and then closes it while the others go on; `then` follows at once.
    template <class Then>
    void run_and_close(Life& life, Time end, const Then& then) {
        begin(life);
        while (std::chrono::steady_clock::now() < end) {
            step();
            require(!refused_, "a call was refused before anybody closed the collection");
        }
        const sextant::Task task = c_->start_optimize().value();
        c_->close().value();
        life.closed = true;
        then();
        expect_refusals();
        const auto optimized = task.wait();
        require(optimized || optimized.error().code == sextant::ErrorCode::closed, optimized.error().message);
    }
    [[nodiscard]] const Book& book() const { return book_; }

    std::uint64_t writes = 0;  ///< acknowledged
    std::uint64_t searches = 0;
    std::uint64_t reads = 0;

private:
    void begin(const Life& life) {
        c_ = life.collection;
        happenings_ = life.happenings;
        optimizes_ = life.optimizes;
        calm_ = life.calm;
        grows_ = life.grows;
        refused_ = false;
    }
    void step();
    void expect_refusals();
    void expect_refused_writes();
    /// False where the collection is closed; nothing else may be wrong.
    template <class T>
    bool took(const sextant::Result<T>& result) {
        if (result.has_value()) return true;
        refused_ = result.error().code == sextant::ErrorCode::closed;
        require(refused_, std::string(sextant::to_string(result.error().code)) + ": " + result.error().message);
        return false;
    }
    template <class T>
    bool wrote(const sextant::Result<T>& result) {
        writes += took(result) ? 1U : 0U;
        return !refused_;
    }

    // What is written, and where.
    /// Half of them for the process only; a disk that is slow to sync must not be all that is waited for.
    sextant::Durability any_durability() {
        const std::uint64_t drawn = random_.below(8);
        return drawn == 0 ? sextant::Durability::Sync : drawn < 5 ? sextant::Durability::Os : sextant::Durability::None;
    }
    std::uint64_t some_id() { return own_ + random_.below(hot_ids); }
    /// Some may be the same.
    std::vector<sextant::PointId> some_ids(std::set<std::uint64_t>& numbers);
    std::string some_text() {
        const std::size_t size = random_.below(random_.below(10) == 0 ? 20'000 : 300);
        return std::string(size, static_cast<char>('a' + random_.below(26)));
    }
    Kept new_point(std::uint64_t n) {
        const std::uint64_t salt = next_salt_++;
        return {salt, {{"owner", number_}, {"n", n}, {"salt", salt}, {"text", some_text()}}, 0};
    }
    Kept new_point() { return new_point(random_.below(1000)); }
    sextant::Filter own_filter(std::uint64_t low = 0, std::uint64_t high = everything) const {
        using sextant::field;
        return field("owner") == number_ && field("n") >= low && field("n") < high;
    }
    void keep(std::uint64_t id, Kept point, sextant::Lsn version);
    /// Of a record of its own.
    void require_known(const sextant::Record& record) const;
    void require_known(std::uint64_t id, const sextant::Result<sextant::Record>& record);

    // Writing.
    void upsert();
    void upsert_if();
    void write_batch();
    void add_cold();
    void erase_some();
    void erase_where(std::uint64_t low, std::uint64_t high);
    void change_payloads();
    template <class Points>
    void change(const Points& points, const std::set<std::uint64_t>& ids);
    // Reading.
    void get();
    void scroll();
    void count();
    void search();
    void search_exactly();
    void search_many();
    void check(const sextant::SearchResult& result, bool own);
    // Looking after.
    void look();
    void verify_quickly() { took(c_->verify(sextant::Depth::structure)); }
    void verify_fully() { took(c_->verify(sextant::Depth::full)); }
    void flush() { took(c_->flush()); }
    void wait_until_indexed() { took(c_->wait_until_indexed()); }
    void optimize();

    const std::uint64_t number_;
    const std::uint64_t own_;  ///< the first of its ids
    std::uint64_t next_salt_;
    std::uint64_t next_cold_ = cold_from;
    sextant::Random random_;
    Book book_;
    sextant::Lsn newest_{};
    Shared* c_ = nullptr;
    Happenings* happenings_ = nullptr;
    bool optimizes_ = false;
    bool calm_ = false;
    bool grows_ = false;
    bool refused_ = false;
};

}  // namespace test_support
