// One call to the disk after another fails, once or from then on, in each way there is.
#include <iostream>

#include "collection/fault_support.hpp"
#include "support/catch.hpp"
#include "support/sanitized.hpp"
#include "support/sim_crash.hpp"

using namespace sextant;
using namespace test_support;

namespace {

const char* name_of(FaultKind kind) {
    switch (kind) {
        case FaultKind::io_error: return "io_error";
        case FaultKind::no_space: return "no_space";
        case FaultKind::short_write: return "short_write";
        case FaultKind::sync_fails: return "sync_fails";
        case FaultKind::rename_fails: return "rename_fails";
        case FaultKind::no_handles: return "no_handles";
        case FaultKind::read_fails: return "read_fails";
    }
    return "";
}

/// A disk to begin with, what it holds, and what is done there.
struct Scene {
    DiskState state = {};
    FaultyPoints points = {};
    void (*act)(FaultyRun&) = nullptr;
    sextant::Residency residency = sextant::Residency::resident;
};

struct Findings {
    std::uint64_t runs = 0;
    std::uint64_t struck = 0;
    std::uint64_t failures = 0;
    std::uint64_t wrong = 0;
    std::string first = {};
};

/// Each `every`th call of the scene fails in each way.
Findings fail_calls(const Scene& scene, std::uint64_t every) {
    std::uint64_t calls = 0;
    {
        SimDisk disk(scene.state);
        FaultyRun run(disk, scene.points, scene.residency);
        scene.act(run);
        calls = disk.op_count();
        run.finish();
        INFO(run.wrong());
        REQUIRE(run.wrong().empty());
        REQUIRE(run.failures() == 0);
    }
    Findings findings;
    std::uint64_t number = 0;
    for (std::uint64_t call = 0; call < calls; ++call) {
        for (const FaultKind kind : all_fault_kinds) {
            for (const bool lasting : {false, true}) {
                // Not in step with what repeats in the workload.
                if ((number++ * 7919) % every != 0) continue;
                SimDisk disk(scene.state);
                disk.inject({.at_call = call, .kind = kind, .lasting = lasting});
                FaultyRun run(disk, scene.points, scene.residency);
                scene.act(run);
                findings.struck += disk.struck_count() > 0 ? 1U : 0U;
                run.finish();
                ++findings.runs;
                findings.failures += run.failures() > 0 ? 1U : 0U;
                if (run.wrong().empty()) continue;
                if (findings.wrong++ == 0) {
                    findings.first = std::string(lasting ? "lasting " : "") + name_of(kind) + " at call " +
                                     std::to_string(call) + ": " + run.wrong();
                }
            }
        }
    }
    return findings;
}

/// One of so many is tried: a prime, so that each call and each way to fail has its turn.
constexpr std::uint64_t step = sanitized ? 113 : 29;
constexpr std::uint64_t step_mapped = sanitized ? 163 : 41;
constexpr std::uint64_t step_opening = sanitized ? 53 : 13;

Scene reference(Residency residency = Residency::resident) {
    return {.act = [](FaultyRun& run) { run.work(); }, .residency = residency};
}

/// Opening a disk as a process left it that was killed after `share` of its work, or that closed the collection.
Scene opening(double share, bool closed = false, Residency residency = Residency::resident) {
    SimDisk disk;
    FaultyRun run(disk, {}, residency);
    run.work_half();
    REQUIRE(run.wrong().empty());
    if (closed) run.close();
    const auto calls = static_cast<double>(disk.log_size() - 1);
    SimDisk killed = CrashEnumerator(disk.recording()).kill_image(static_cast<std::size_t>(calls * share));
    Scene scene{
        .state = killed.recording().start, .act = [](FaultyRun& visitor) { visitor.visit(); }, .residency = residency};
    // What there is, as an opening without faults finds it.
    FaultyRun look(killed, {}, residency);
    look.adopt();
    REQUIRE(look.wrong().empty());
    scene.points = look.shown();
    return scene;
}

void check(const Scene& scene, std::uint64_t every, const char* what) {
    const Findings found = fail_calls(scene, every);
    INFO(what << ": " << found.wrong << " of " << found.runs << " runs: " << found.first);
    CHECK(found.wrong == 0);
    CHECK(found.struck * 3 > found.runs);
    CHECK(found.failures * 4 > found.runs);
    std::cout << what << ": " << found.runs << " runs with a fault, struck in " << found.struck << ", noticed in "
              << found.failures << "\n";
}

void check_openings(std::uint64_t every) {
    check(opening(1.0, true), every, "opening what was closed");
    for (const double share : {1.0, 0.75, 0.6, 0.45, 0.3}) check(opening(share), every, "opening after a kill");
    check(opening(1.0, true, Residency::mapped), every, "opening what was closed, mapped");
    check(opening(0.75, false, Residency::mapped), every, "opening after a kill, mapped");
}

}  // namespace

TEST_CASE("whatever call to the disk fails, what was acknowledged stays and errors say what failed",
          "[durable][fault]") {
    check(reference(), step, "reference workload");
    check(reference(Residency::mapped), step_mapped, "reference workload, mapped");
}

TEST_CASE("whatever call fails while a collection is opened, the next opening finds everything", "[durable][fault]") {
    check_openings(step_opening);
}

TEST_CASE("every call to the disk fails in every way", "[.][soak]") {
    check(reference(), 1, "reference workload");
    check(reference(Residency::mapped), 1, "reference workload, mapped");
    check_openings(1);
}
