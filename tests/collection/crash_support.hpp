/// crash_support: a collection on a simulated disk, what it must hold after each write, and the judge of what a crash
/// left of it.
///     states[n]  digest of ids, vectors, payloads and versions after write n; states[0]: empty
///     marks      2 n when write n begins, 2 n + 1 when it was acknowledged for power loss; in the disk's own record
/// A recovered collection is right if it opens, holds states[j] for some j from the last acknowledged to the last begun,
/// passes verify(), and takes another write that a further opening finds.
/// Threads: confined.
#pragma once

#include <sextant/sextant.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/sim_crash.hpp"
#include "support/sim_disk.hpp"

namespace test_support {

using CrashPlain = sextant::Collection<sextant::SquaredL2, sextant::MappedStorage>;
using CrashCoded = sextant::Collection<sextant::Cosine, sextant::MappedStorage, sextant::ScalarQuantizer>;

inline constexpr std::size_t crash_dimension = 4;

template <class C>
class CrashWorkload {
public:
    explicit CrashWorkload(sextant::Durability durability = sextant::Durability::Sync,
                           sextant::Residency residency = sextant::Residency::resident, std::uint64_t seed = 1,
                           sextant::RawPrecision raw = sextant::RawPrecision::F32);

    [[nodiscard]] SimDisk& disk() noexcept { return disk_; }
    [[nodiscard]] C& collection() noexcept { return *collection_; }
    [[nodiscard]] const std::vector<std::uint64_t>& states() const noexcept { return states_; }

    /// Opens; a workload begins with it. False: it could not.
    bool open();
    /// Closes and opens.
    bool reopen();
    void close();

    /// One write; false when it failed, and then nothing may have changed.
    bool write(const std::function<sextant::Result<void>(C&)>& act, bool promises_power_loss = true);
    bool upsert(std::uint64_t id);
    bool erase(std::uint64_t id);
    bool batch(std::uint64_t first, std::uint64_t count);
    bool set_payload(std::uint64_t id, std::uint64_t value);
    /// Makes one sealed segment of all there is; no state of its own.
    bool optimize();

private:
    SimDisk disk_;
    sextant::Durability durability_;
    sextant::Residency residency_;
    sextant::RawPrecision raw_;
    std::optional<C> collection_;
    std::vector<std::uint64_t> states_;
    std::uint64_t salt_;  ///< makes each vector another; another seed gives others
};

struct CrashBudget {
    std::size_t exhaustive_pending = 7;
    std::size_t random_subsets = 30;
    /// Recoveries of which every crash is tried, one in so many images; 0: none.
    std::size_t nested_every = 0;
    std::size_t nested_random_subsets = 8;
    /// Images that are also written to and opened again, one in so many.
    std::size_t written_every = 8;
    std::size_t most_images = 1'000'000'000;
    std::uint64_t seed = 1;  ///< of the disks that are drawn, the vectors that are written, and the random workload
};

struct CrashFindings {
    std::uint64_t images = 0;         ///< recovered
    std::uint64_t nested_images = 0;  ///< recovered after a crash in a recovery
    std::uint64_t unique = 0;
    std::uint64_t violations = 0;
    std::string first = {};

    CrashFindings& operator+=(const CrashFindings& other);
};

/// A loss of power after each operation of the workload's record.
template <class C>
[[nodiscard]] CrashFindings crash_everywhere(CrashWorkload<C>& workload, const CrashBudget& budget);

/// The shapes that are crashed.
struct CrashShape {
    const char* name;
    std::function<CrashFindings(const CrashBudget&)> run;
};
[[nodiscard]] std::vector<CrashShape> crash_shapes();

}  // namespace test_support
