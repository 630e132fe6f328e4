/// fault_support: a workload on a durable collection in which any call to the disk may fail, and the judge of what the
/// collection said and kept.
///     shown       what readers must see: all acknowledged writes and no other
///     possible    what a later opening may find: `shown`, with or without each write that failed without being refused
/// A write is refused (resource_exhausted, read_only) or may have reached the disk (io_error); a refused one is nowhere.
/// Threads: confined.
#pragma once

#include <sextant/sextant.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/sim_disk.hpp"

namespace test_support {

using FaultyCollection = sextant::Collection<sextant::SquaredL2, sextant::MappedStorage, sextant::ScalarQuantizer>;

struct FaultyPoint {
    std::vector<float> vector = {};
    sextant::Payload payload = sextant::Payload::object();
    std::optional<sextant::Lsn> version = {};  ///< nothing: not known, as nobody could say
};
using FaultyPoints = std::map<sextant::PointId, FaultyPoint>;

class FaultyRun {
public:
    /// REQUIRES: the disk outlives the run. `points`: what is on it.
    explicit FaultyRun(SimDisk& disk, FaultyPoints points = {},
                       sextant::Residency residency = sextant::Residency::resident);
    FaultyRun(const FaultyRun&) = delete;
    FaultyRun& operator=(const FaultyRun&) = delete;

    /// Opens, writes in every way there is, optimizes, closes, opens again and goes on; what fails is passed over.
    void work();
    /// The same, less the end: nothing is closed.
    void work_half();
    /// Opens, writes a little and closes.
    void visit();
    /// What must be possible on a disk without a free byte, whatever came before.
    void work_on_full_disk();
    /// Without faults from now on: what was acknowledged is there; writing works where it must; closing, opening and
    /// verifying work.
    void finish();

    /// What was wrong first; empty if nothing.
    [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }
    [[nodiscard]] const FaultyPoints& shown() const noexcept { return shown_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
    [[nodiscard]] std::uint64_t optimized() const noexcept { return optimized_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
    [[nodiscard]] bool is_open() const noexcept { return collection_.has_value(); }

    bool upsert(std::uint64_t id, std::size_t payload_bytes = 0);
    bool erase(std::uint64_t id);
    bool open();
    void close();
    /// Opens, takes what there is for what must be there, and closes.
    void adopt();

private:
    using Act = std::function<sextant::Result<void>(FaultyCollection&)>;
    using Effect = std::function<void(FaultyPoints&)>;

    bool write(const std::string& name, const Act& act, const Effect& effect);
    void maintain(const std::string& name, const Act& act);
    void batch(std::uint64_t first);
    void erase_where(std::uint64_t above);
    void set_payload(std::uint64_t id);
    void optimize();
    void failed(const std::string& name, const sextant::Error& error);
    void check_shown(const std::string& when);
    void check_search();
    void note(const std::string& what);
    [[nodiscard]] sextant::Result<FaultyPoints> read() const;
    /// Replaces `shown` by what is on the disk; it must be possible.
    void settle(const std::string& when);

    SimDisk& disk_;
    sextant::Residency residency_;
    sextant::MemoryAccount memory_{"fault test"};
    std::optional<FaultyCollection> collection_;
    FaultyPoints shown_;
    std::vector<FaultyPoints> possible_;
    bool faults_ = true;        ///< may strike
    bool log_failed_ = false;   ///< in this opening
    bool only_refused_ = true;  ///< each failure so far, of this opening, was resource_exhausted
    std::uint64_t failures_ = 0;
    std::uint64_t optimized_ = 0;
    std::uint64_t refused_ = 0;  ///< writes, for lack of something
    std::uint64_t salt_ = 0;     ///< makes each vector another
    std::string wrong_;
};

}  // namespace test_support
