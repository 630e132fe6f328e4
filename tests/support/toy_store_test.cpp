#include "support/toy_store.hpp"

#include <string>
#include <vector>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"
#include "support/sim_crash.hpp"
#include "support/sim_promise.hpp"

using namespace test_support;

namespace {

bool put(SimDisk& disk, ToyStore& store, std::size_t writes) {
    disk.mark(2 * (store.count() + writes));
    if (!store.put(writes)) return false;
    disk.mark(2 * store.count() + 1);
    return true;
}

/// Writes in groups of one to three, rotates and reopens, as long as all goes well.
void run(SimDisk& disk, ToyBug bug, std::size_t groups) {
    for (std::size_t part = 0; part < 2; ++part) {
        auto store = ToyStore::open(disk.files(), bug);
        if (!store) return;
        for (std::size_t i = 0; i < groups / 2; ++i) {
            if (i % 3 == 2 && !store->rotate()) return;
            if (!put(disk, *store, 1 + i % 3)) return;
        }
    }
}

/// What is wrong with the store on this disk; empty if nothing is.
std::string wrong_with(SimDisk& disk, ToyBug bug, const Promise& promise) {
    const auto store = ToyStore::open(disk.files(), bug);
    if (!store) return "does not open: " + store.error().message;
    if (store->count() < promise.acknowledged) return "lost acknowledged writes";
    if (store->count() > promise.begun) return "holds writes that never began";
    return store->is_sound() ? "" : "holds other bytes than were written";
}

struct Findings {
    CrashCounts counts;
    std::size_t unique = 0;
    std::size_t violations = 0;
    std::string first = {};
};

/// Crashes at every point from `first_op` on and recovers.
Findings crash_everywhere(const Recording& recording, ToyBug bug, std::size_t first_op = 0) {
    Findings findings;
    const auto promises = promises_of(recording);
    CrashEnumerator enumerator(recording);
    SeenImages seen;
    for (std::size_t op = first_op; op < recording.ops.size(); ++op) {
        findings.counts += enumerator.at(op, {}, seen, [&](SimDisk&& image, const CrashImage& about) {
            const std::string wrong = wrong_with(image, bug, promises[op]);
            if (wrong.empty()) return;
            if (findings.violations++ != 0) return;
            findings.first = "after " + std::to_string(op) + ": " + to_string(recording.ops[op]) + ", image " +
                             about.what + ": " + wrong + "; pending:\n" + enumerator.pending();
        });
    }
    findings.unique = seen.unique_count();
    return findings;
}

Findings try_bug(ToyBug bug) {
    SimDisk disk;
    run(disk, bug, 16);
    return crash_everywhere(disk.recording(), bug);
}

}  // namespace

TEST_CASE("A store without a bug survives every crash", "[support][toy_store]") {
    const Findings findings = try_bug(ToyBug::none);
    INFO(findings.first);
    CHECK(findings.violations == 0);
    CHECK(findings.unique > 3'000);
    CHECK(findings.counts.shown >= findings.unique);
    CHECK(findings.counts.generated > findings.counts.shown);
}

TEST_CASE("Every planted bug is caught by a crash", "[support][toy_store]") {
    for (const ToyBug bug :
         {ToyBug::no_snapshot_sync, ToyBug::no_pointer_sync, ToyBug::no_directory_sync_before_rename,
          ToyBug::no_directory_sync_after_rename, ToyBug::no_record_checksum, ToyBug::acknowledges_before_sync,
          ToyBug::removes_old_files_too_early, ToyBug::accepts_zeros, ToyBug::accepts_stale_records}) {
        const Findings findings = try_bug(bug);
        INFO("bug " << static_cast<int>(bug) << ", images " << findings.unique);
        CHECK(findings.violations > 0);
    }
}

TEST_CASE("A crash during the recovery from a crash is survived", "[support][toy_store]") {
    SimDisk disk;
    run(disk, ToyBug::none, 12);
    const Recording recording = disk.recording();
    const auto promises = promises_of(recording);
    CrashEnumerator outer(recording);
    SeenImages seen;
    SeenImages seen_inside;
    sextant::Random random(7);
    std::size_t violations = 0;
    std::size_t recoveries = 0;
    std::string first;
    for (std::size_t op = 0; op < recording.ops.size(); ++op) {
        outer.at(op, {}, seen, [&](SimDisk&& image, const CrashImage&) {
            if (random.below(50) != 0) return;
            ++recoveries;
            const std::string wrong_outside = wrong_with(image, ToyBug::none, promises[op]);
            if (!wrong_outside.empty()) first = wrong_outside;
            CrashEnumerator inner(image.recording());
            CrashOptions options;
            options.epoch = promises[op].acknowledged * 1'000 + promises[op].begun;
            for (std::size_t inside = 0; inside < inner.log_size(); ++inside) {
                inner.at(inside, options, seen_inside, [&](SimDisk&& nested, const CrashImage&) {
                    const std::string wrong = wrong_with(nested, ToyBug::none, promises[op]);
                    if (wrong.empty()) return;
                    ++violations;
                    first = wrong;
                });
            }
        });
    }
    INFO(first);
    CHECK(recoveries > 20);
    CHECK(violations == 0);
    CHECK(first.empty());
    CHECK(seen_inside.unique_count() > 1'000);
}

TEST_CASE("A fault at any call loses nothing that was acknowledged", "[support][toy_store]") {
    SimDisk undisturbed;
    run(undisturbed, ToyBug::none, 8);
    const std::uint64_t calls = undisturbed.op_count();
    std::size_t struck = 0;
    std::size_t violations = 0;
    std::string first;
    for (const FaultKind kind : all_fault_kinds) {
        for (std::uint64_t call = 0; call < calls; ++call) {
            SimDisk disk;
            disk.inject({call, kind, call % 2 == 0});
            run(disk, ToyBug::none, 8);
            struck += disk.struck_count() != 0 ? 1 : 0;
            const Recording recording = disk.recording();
            if (recording.ops.empty()) continue;
            const Promise promise = promises_of(recording).back();
            CrashEnumerator enumerator(recording);
            SeenImages seen;
            CrashOptions options;
            options.random_subsets = 10;
            options.exhaustive_pending = 4;
            const auto check = [&](SimDisk&& image, const CrashImage& about) {
                const std::string wrong = wrong_with(image, ToyBug::none, promise);
                if (wrong.empty()) return;
                ++violations;
                first = std::to_string(static_cast<int>(kind)) + " at " + std::to_string(call) + ", " + about.what +
                        ": " + wrong + "; pending:\n" + enumerator.pending();
            };
            enumerator.at(recording.ops.size() - 1, options, seen, check);
            check(enumerator.kill_image(recording.ops.size() - 1), {});
        }
    }
    INFO(first);
    CHECK(violations == 0);
    CHECK(struck > calls);
}

TEST_CASE("A store that trusts a second sync loses data", "[support][toy_store]") {
    std::size_t violations = 0;
    for (std::uint64_t call = 0; call < 60; ++call) {
        SimDisk disk;
        disk.inject({call, FaultKind::sync_fails, false});
        run(disk, ToyBug::trusts_second_sync, 4);
        violations += crash_everywhere(disk.recording(), ToyBug::trusts_second_sync).violations;
    }
    CHECK(violations > 0);
}

TEST_CASE("A disk that fills up loses nothing and works again when there is room", "[support][toy_store]") {
    for (const std::uint64_t capacity :
         {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{3'000}, std::uint64_t{9'000}}) {
        SimDisk disk;
        disk.set_capacity(capacity);
        run(disk, ToyBug::none, 12);
        const auto promises = promises_of(disk.recording());
        disk.set_capacity(SimDisk::unlimited);
        CHECK(wrong_with(disk, ToyBug::none, promises.empty() ? Promise{} : promises.back()).empty());
    }
}
