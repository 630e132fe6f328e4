// A disk without a free byte: writes are refused and change nothing; reading, erasing, closing and opening work.
#include <algorithm>
#include <iostream>

#include "collection/fault_support.hpp"
#include "support/catch.hpp"

using namespace test_support;

namespace {

/// Takes what is left of the disk.
void fill_up(SimDisk& disk, std::uint64_t capacity) {
    if (disk.used_bytes() >= capacity) return;
    const auto file = disk.files().open("ballast", sextant::FileMode::create).value();
    file->allocate(capacity - disk.used_bytes()).value();
}

struct Counts {
    std::uint64_t refused = 0;  ///< disks on which a write was refused
    std::uint64_t worked = 0;   ///< disks on which erasing and opening were demanded without a free byte
};

/// The workload on a disk that ends at `capacity`; then all that must work there, and after space is free again.
std::string wrong_at(std::uint64_t capacity, bool until_log_is_full, Counts& counts) {
    SimDisk disk;
    disk.set_capacity(capacity);
    FaultyRun run(disk);
    run.work_half();
    if (run.is_open()) {
        fill_up(disk, capacity);
        if (until_log_is_full) {
            // Ever smaller ones, until the log has no room for the smallest.
            for (std::size_t size = 100'000; size > 0; size /= 2) {
                while (run.upsert(size, size)) {}
            }
        }
        // What frees space needs some first: that of the file that is kept for it, where there was room for one.
        if (disk.files().exists("points.sxt/reserve").value()) {
            run.work_on_full_disk();
            ++counts.worked;
        }
    }
    counts.refused += run.refused() > 0 ? 1U : 0U;
    run.finish();
    return run.wrong();
}

void run_out_everywhere(std::size_t points) {
    std::uint64_t most = 0;
    {
        SimDisk disk;
        FaultyRun run(disk);
        run.work_half();
        most = disk.used_bytes();
    }
    Counts counts;
    std::uint64_t wrong = 0;
    std::string first;
    for (std::size_t i = 0; i <= points; ++i) {
        const std::uint64_t capacity = most * i / points;
        for (const bool until_log_is_full : {false, true}) {
            const std::string what = wrong_at(capacity, until_log_is_full, counts);
            if (what.empty()) continue;
            if (wrong++ == 0) {
                first = std::to_string(capacity) + " bytes" + (until_log_is_full ? ", log full: " : ": ") + what;
            }
        }
    }
    INFO(wrong << " disks of " << 2 * (points + 1) << ": " << first);
    CHECK(wrong == 0);
    std::cout << "disks that ran full: " << 2 * (points + 1) << ", writes refused on " << counts.refused
              << ", erased from " << counts.worked << "\n";
    CHECK(counts.refused > points);
    CHECK(counts.worked > points / 2);
}

}  // namespace

TEST_CASE("on a full disk nothing is lost, and what does not grow still works", "[durable][fault]") {
    run_out_everywhere(60);
}

TEST_CASE("on a full disk nothing is lost, at many more sizes", "[.][soak]") { run_out_everywhere(5000); }
