#include "collection/damage_judge.hpp"

#include <algorithm>
#include <iomanip>
#include <iostream>

namespace test_support {
namespace {

using namespace sextant;

template <class C>
Result<C> open_on(FileSystem& files, Residency residency = Residency::resident,
                  OnCorruption on_corruption = OnCorruption::fail) {
    OpenOptions options = inline_on(files);
    options.residency = residency;
    options.on_corruption = on_corruption;
    return C::open(DamageScene::path, {.dimension = DamageScene::dimension}, options);
}

template <class C>
Result<Contents> read_all(const C& collection) {
    Contents all;
    std::optional<PointId> after;
    do {
        SEXTANT_TRY_ASSIGN(
            ScrollPage page,
            collection.scroll({.after = after, .limit = 100, .select = {.payload = true, .vector = true}}));
        for (Record& record : page.points) {
            all[record.id] = {std::move(record.vector), std::move(record.payload), record.version};
        }
        after = page.next;
    } while (after.has_value());
    return all;
}

bool same(const StoredPoint& a, const StoredPoint& b) {
    return a.version == b.version && a.vector == b.vector && a.payload == b.payload;
}

bool same(const Contents& a, const Contents& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
               return x.first == y.first && same(x.second, y.second);
           });
}

bool derived(const std::string& kind) { return kind == "graph" || kind == "codes" || kind == "codebook"; }

}  // namespace

template <class C>
DamageJudge<C>::DamageJudge(const DamageScene& scene) : scene_(scene) {
    SimDisk disk(scene.state);
    const auto collection = open_on<C>(disk.files()).value();
    REQUIRE(same(contents(collection), scene.truth()));
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        const auto query = seeded_vector(7777 + seed, DamageScene::dimension);
        answers_.emplace_back(query, ids_of(collection.search({.vector = query, .k = 8}).value()));
    }
}

template <class C>
typename DamageJudge<C>::Expected DamageJudge<C>::expect(SimDisk& disk, const DiskChange& change) const {
    Expected expected;
    std::map<std::string, std::optional<FileBytes>> now;
    bool beside_closing = false;
    const LiveFrame& end = scene_.frames.back();
    for (const std::string& path : change.touched) {
        const auto before = scene_.files.find(path);
        if (before == scene_.files.end()) continue;  // a file too many
        const auto& after = now[path] = read_whole(disk, path);
        for (std::size_t at = 0; at < before->second.size(); ++at) {
            const bool kept = after.has_value() && at < after->size() && (*after)[at] == before->second[at];
            if (kept || !scene_.carries(path, at)) continue;
            expected.matters = true;
            const bool closing = end.closes && path == end.path && at >= end.begin;
            beside_closing = beside_closing || !closing;
        }
        const bool grown = after.has_value() && after->size() > before->second.size();
        if (grown && kind_of_file(path) != "log" && scene_.carries(path, 0)) expected.matters = beside_closing = true;
    }
    expected.only_closing = expected.matters && !beside_closing;
    std::uint64_t last = scene_.known;
    bool damaged = false;
    bool whole_behind = false;
    bool newest = false;
    for (const LiveFrame& frame : scene_.frames) {
        const auto touched = now.find(frame.path);
        bool whole = true;
        if (touched != now.end()) {
            const auto& before = scene_.files.at(frame.path);
            const auto& after = touched->second;
            const auto begin = static_cast<std::ptrdiff_t>(frame.begin);
            const auto stop = static_cast<std::ptrdiff_t>(frame.end);
            whole = after.has_value() && after->size() >= frame.end &&
                    std::equal(before.begin() + begin, before.begin() + stop, after->begin() + begin);
        }
        if (!damaged && !whole) newest = frame.path == end.path;
        damaged = damaged || !whole;
        whole_behind = whole_behind || (damaged && whole);
        if (!damaged) last = frame.last;
    }
    if (change.may_cut_log && damaged && newest && !whole_behind && last >= scene_.known) expected.cut = last;
    return expected;
}

template <class C>
std::string DamageJudge<C>::check_error(const Error& error, const DiskChange& change) const {
    if (error.code != ErrorCode::corruption) return "not corruption, but: " + error.message;
    if (change.touched.size() > 1 && error.message.find(DamageScene::path) != std::string::npos) return {};
    for (const std::string& path : change.touched) {
        if (error.message.find(path) != std::string::npos) return {};
        const std::string kind = kind_of_file(path);
        // What lacks effects is the log, whichever file had them.
        if (kind == "log" && error.message.find("/wal") != std::string::npos) return {};
        if (kind == "CURRENT" && error.message.find(kind) != std::string::npos) return {};
    }
    return "the error does not name the file: " + error.message;
}

template <class C>
std::string DamageJudge<C>::check_search(const C& collection) const {
    for (const auto& [query, expected] : answers_) {
        const auto hits = collection.search({.vector = query, .k = 8});
        if (!hits) return "search: " + hits.error().message;
        if (ids_of(*hits) != expected) return "search answers otherwise";
    }
    return {};
}

/// Each point alone, as not all of them may be readable.
template <class C>
std::string DamageJudge<C>::check_points(const C& collection) const {
    for (const auto& [id, point] : scene_.truth()) {
        const auto got = collection.get(id, {.payload = true, .vector = true});
        if (!got && got.error().code == ErrorCode::corruption) continue;
        if (!got) return "point " + id.to_string() + ": " + got.error().message;
        if (!same({got->vector, got->payload, got->version}, point)) return "point " + id.to_string() + " is another";
    }
    return {};
}

template <class C>
std::string DamageJudge<C>::look_into(C& collection, const Expected& expected, const DiskChange& change,
                                      bool& found) const {
    const auto got = read_all(collection);
    if (!got) {
        found = true;
        if (!expected.matters) return "reading fails: " + got.error().message;
        if (auto wrong = check_error(got.error(), change); !wrong.empty()) return wrong;
        return check_points(collection);
    }
    if (same(*got, scene_.truth())) return check_search(collection);
    const bool cut = expected.cut.has_value() && same(*got, scene_.moments.at(*expected.cut));
    return cut ? "" : "what is read is not what was written";
}

/// Writes a point and opens once more: what was made of the damage lasts.
template <class C>
std::string DamageJudge<C>::go_on(C collection, SimDisk& disk, Residency residency, const Contents& before) const {
    const PointId id{99};
    const auto written = collection.upsert(id, seeded_vector(99, DamageScene::dimension));
    if (!written) return "then a write fails: " + written.error().message;
    Contents expected = before;
    expected[id] = {seeded_vector(99, DamageScene::dimension), Payload::object(), *written};
    if (const auto closed = collection.close(); !closed) return "then closing fails: " + closed.error().message;
    HookedFiles files(disk.files());
    files.hooks = small_logs();
    const auto again = open_on<C>(files, residency);
    if (!again) return "then it does not open: " + again.error().message;
    if (const auto sound = again->verify(Depth::full); !sound) return "then verify: " + sound.error().message;
    const auto got = read_all(*again);
    return got && same(*got, expected) ? "" : "then what is read is not what was written";
}

/// Whatever salvage shows was true at some moment, and it says that something is missing.
template <class C>
std::string DamageJudge<C>::salvage(const DiskChange& change, Residency residency) const {
    SimDisk disk(scene_.state);
    change.apply(disk);
    const auto opened = open_on<C>(disk.files(), residency, OnCorruption::read_only_salvage);
    if (!opened) {
        // Only without a manifest there is nothing to go by; and who put a file too many there knows better.
        const bool may_fail = std::any_of(change.touched.begin(), change.touched.end(), [&](const auto& path) {
            return kind_of_file(path) == "MANIFEST" || scene_.files.find(path) == scene_.files.end();
        });
        const bool right = may_fail && opened.error().code == ErrorCode::corruption;
        return right ? "" : "salvage: " + opened.error().message;
    }
    const auto got = read_all(*opened);
    if (!got) return "salvage: " + got.error().message;
    if (opened->stats().value().recovery.lost.empty()) return "salvage does not say what is lost";
    for (const auto& entry : *got) {
        const auto& id = entry.first;
        const auto& point = entry.second;
        const bool known = std::any_of(scene_.moments.begin(), scene_.moments.end(), [&](const auto& moment) {
            const auto then = moment.second.find(id);
            return then != moment.second.end() && same(then->second, point);
        });
        if (!known) return "salvage shows a point that never was: " + id.to_string();
    }
    return {};
}

template <class C>
std::string DamageJudge<C>::try_change(const DiskChange& change, Residency residency, bool thorough,
                                       DamageCounts& counts) const {
    SimDisk disk(scene_.state);
    change.apply(disk);
    const Expected expected = expect(disk, change);
    HookedFiles files(disk.files());
    files.hooks = small_logs();
    auto opened = open_on<C>(files, residency);
    if (!opened) {
        ++counts.at_open;
        if (!expected.matters && !change.may_refuse) return "it is refused: " + opened.error().message;
        if (auto wrong = check_error(opened.error(), change); !wrong.empty()) return wrong;
        return thorough ? salvage(change, residency) : "";
    }
    bool found = false;
    if (auto wrong = look_into(*opened, expected, change, found); !wrong.empty() || found) {
        ++counts.by_read;
        return wrong;
    }
    const RecoveryReport recovery = opened->stats().value().recovery;
    const Contents shown = read_all(*opened).value();
    const bool cut = !same(shown, scene_.truth());
    if (const auto sound = opened->verify(Depth::full); !sound) {
        ++counts.by_verify;
        if (!expected.matters) return "verify: " + sound.error().message;
        return check_error(sound.error(), change);
    }
    const bool healed = !recovery.rebuilt.empty();
    if (healed) {
        ++counts.healed;
        const bool may = std::any_of(change.touched.begin(), change.touched.end(),
                                     [](const auto& path) { return derived(kind_of_file(path)); });
        if (!may || !expected.matters || cut) return "made anew: " + recovery.rebuilt[0];
    } else if (cut || expected.only_closing) {
        ++counts.cut_log;
        if (recovery.clean) return "the log says that it was closed, and writes are missing";
    } else {
        ++counts.harmless;
        if (expected.matters) return "nobody notices";
    }
    if (!recovery.lost.empty()) return "lost, and not salvaged: " + recovery.lost[0];
    return thorough || healed ? go_on(std::move(*opened), disk, residency, shown) : "";
}

template <class C>
void DamageJudge<C>::judge(const DiskChange& change, Residency residency, bool thorough) {
    DamageCounts& counts = counts_[change.kind];
    ++counts.tried;
    const std::string wrong = try_change(change, residency, thorough, counts);
    if (wrong.empty()) return;
    ++counts.wrong;
    if (complaints_.size() > 4000) return;
    complaints_ +=
        std::string(residency == Residency::mapped ? "mapped: " : "resident: ") + change.what + ": " + wrong + "\n";
}

template <class C>
std::uint64_t DamageJudge<C>::wrong() const {
    std::uint64_t sum = 0;
    for (const auto& [kind, counts] : counts_) sum += counts.wrong;
    return sum;
}

template <class C>
void DamageJudge<C>::print(const std::string& title) const {
    const auto row = [](const std::string& name, const DamageCounts& counts) {
        std::cout << "  " << std::left << std::setw(20) << name << std::right;
        for (const std::uint64_t number : {counts.tried, counts.at_open, counts.by_read, counts.by_verify,
                                           counts.healed, counts.cut_log, counts.harmless, counts.wrong}) {
            std::cout << std::setw(10) << number;
        }
        std::cout << "\n";
    };
    std::cout << title << std::endl << "  " << std::left << std::setw(20) << "file" << std::right;
    for (const char* name : {"tried", "at open", "by read", "by verify", "healed", "cut log", "harmless", "wrong"}) {
        std::cout << std::setw(10) << name;
    }
    std::cout << "\n";
    DamageCounts all;
    for (const auto& [kind, counts] : counts_) {
        row(kind, counts);
        all.tried += counts.tried;
        all.at_open += counts.at_open;
        all.by_read += counts.by_read;
        all.by_verify += counts.by_verify;
        all.healed += counts.healed;
        all.cut_log += counts.cut_log;
        all.harmless += counts.harmless;
        all.wrong += counts.wrong;
    }
    row("all", all);
}

template class DamageJudge<CodedCollection>;
template class DamageJudge<PlainCollection>;

}  // namespace test_support
