/// DamageJudge: what an opening makes of a collection after something was changed behind its back.
/// A change is right if it is *found* (corruption that names the file), *healed* (a derived part made anew, and named) or
/// *harmless by design* (DamageScene::carries says of which bytes); and what can be read is the truth in every case. One
/// exception: where nothing whole is left behind a damaged end of the newest log file, nobody can tell it from a torn
/// tail, and the state before it is right as well.
/// Threads: confined. Lifetime: the scene outlives it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collection/damage_scene.hpp"

namespace test_support {

struct DamageCounts {
    std::uint64_t tried = 0;
    std::uint64_t at_open = 0;    ///< found when the collection is opened
    std::uint64_t by_read = 0;    ///< found by the call that needs the bytes (vectors that are mapped)
    std::uint64_t by_verify = 0;  ///< found by verify(Depth::full) alone
    std::uint64_t healed = 0;     ///< made anew, and named in stats().recovery.rebuilt
    std::uint64_t cut_log = 0;    ///< the log ends before the damage, as after a loss of power
    std::uint64_t harmless = 0;   ///< nothing is ever read from there
    std::uint64_t wrong = 0;
};

struct DiskChange {
    std::string kind = {};                  ///< the row of the table
    std::string what = {};                  ///< for messages
    std::vector<std::string> touched = {};  ///< files that are not what they were
    std::function<void(SimDisk&)> apply = {};
    bool may_cut_log = true;  ///< what is there may be taken for a log that ended earlier
    bool may_refuse = false;  ///< an extra file may be refused as well as passed over
};

template <class C>
class DamageJudge {
public:
    explicit DamageJudge(const DamageScene& scene);

    /// `thorough`: also salvages what is refused, and writes to what opens and opens it once more.
    void judge(const DiskChange& change, sextant::Residency residency, bool thorough);

    [[nodiscard]] std::uint64_t wrong() const;
    /// The first few that were wrong.
    [[nodiscard]] const std::string& complaints() const noexcept { return complaints_; }
    [[nodiscard]] const std::map<std::string, DamageCounts>& counts() const noexcept { return counts_; }
    void print(const std::string& title) const;

private:
    struct Expected {
        bool matters = false;                   ///< a byte that carries something is not what it was
        bool only_closing = false;              ///< … and it is in the frame that says that the log was closed
        std::optional<std::uint64_t> cut = {};  ///< the last write before the damage, where that may be what is left
    };
    [[nodiscard]] Expected expect(SimDisk& disk, const DiskChange& change) const;
    [[nodiscard]] std::string try_change(const DiskChange& change, sextant::Residency residency, bool thorough,
                                         DamageCounts& counts) const;
    [[nodiscard]] std::string look_into(C& collection, const Expected& expected, const DiskChange& change,
                                        bool& found) const;
    [[nodiscard]] std::string go_on(C collection, SimDisk& disk, sextant::Residency residency,
                                    const Contents& before) const;
    [[nodiscard]] std::string salvage(const DiskChange& change, sextant::Residency residency) const;
    [[nodiscard]] std::string check_points(const C& collection) const;
    [[nodiscard]] std::string check_error(const sextant::Error& error, const DiskChange& change) const;
    [[nodiscard]] std::string check_search(const C& collection) const;

    const DamageScene& scene_;
    std::vector<std::pair<std::vector<float>, std::vector<sextant::PointId>>> answers_;
    std::map<std::string, DamageCounts> counts_;
    std::string complaints_;
};

}  // namespace test_support
