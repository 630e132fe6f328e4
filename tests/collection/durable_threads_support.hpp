/// durable_threads_support: what tests with many threads on a directory keep beside it: a Book of the points that one
/// thread alone writes, and Happenings, which counts what the library says and does to the disk.
/// Threads: a Book is confined to its thread; Happenings is thread-safe, and no lock of it hides a race.
#pragma once

#include <sextant/sextant.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collection/durable_support.hpp"
#include "support/hooked_files.hpp"

namespace test_support {

/// Catch2's own checks belong to one thread.
inline void require(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what);
}

/// What a test wants to have happened, and how it is known: by an event, or by a call that made or synced a file.
class Happenings final : public sextant::EventSink {
public:
    static constexpr std::array<std::string_view, 12> names = {
        "segment.sealed",         "segment.vacuumed", "segment.merged",      "segment.compacted",
        "collection.optimized",   "log file begun",   "log files let go of", "manifest written",
        "payload change written", "deaths written",   "reserve allocated",   "optimize cancelled"};

    void on_event(const sextant::Event& event) noexcept override {
        if (event.severity == sextant::Severity::error) ++errors;
        count(event.name);
    }
    void count(std::string_view name) noexcept {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names[i] == name) ++counts_[i];
        }
    }
    void watch(FileHooks& hooks) {
        const auto has = [](const std::string& path, const char* part) { return path.find(part) != std::string::npos; };
        hooks.after_sync = [this, has](const std::string& path) -> std::optional<sextant::Error> {
            // A file of the log is made, or made ready to be used again, before it gets its name.
            if (has(path, "/wal/") && !path.ends_with(".wal")) count("log file begun");
            if (has(path, "/MANIFEST-")) count("manifest written");
            if (has(path, "/seg/") && has(path, "/payload-")) count("payload change written");
            if (has(path, "/seg/") && has(path, "/del-")) count("deaths written");
            return std::nullopt;
        };
        hooks.before_allocate = [this](const std::string& path, std::uint64_t) -> std::optional<sextant::Error> {
            if (path.ends_with("/reserve")) count("reserve allocated");
            return std::nullopt;
        };
        hooks.after_removal = [this, has](const std::string& path) {
            if (has(path, "/wal/")) count("log files let go of");
        };
    }
    [[nodiscard]] std::uint64_t of(std::string_view name) const noexcept {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < names.size(); ++i) sum += names[i] == name ? counts_[i].load() : 0;
        return sum;
    }
    /// All of it has happened, but for what may be left out.
    [[nodiscard]] bool complete(std::string_view optional) const noexcept {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (counts_[i] == 0 && names[i] != optional) return false;
        }
        return true;
    }
    [[nodiscard]] std::string to_string() const {
        std::string text;
        for (std::size_t i = 0; i < names.size(); ++i) {
            text += (i == 0 ? "" : ", ") + std::string(names[i]) + " " + std::to_string(counts_[i]);
        }
        return text;
    }

    std::atomic<std::uint64_t> errors{0};  ///< failures of background work

private:
    std::array<std::atomic<std::uint64_t>, names.size()> counts_ = {};
};

inline constexpr std::size_t shared_dimension = 8;

/// Never twice the same.
inline std::vector<float> salted_vector(std::uint64_t salt) { return seeded_vector(salt, shared_dimension); }

/// What a point holds since the last write that was acknowledged.
struct Kept {
    std::uint64_t salt = 0;  ///< of its vector
    sextant::Payload payload = sextant::Payload::object();
    std::uint64_t version = 0;  ///< 0: not known

    [[nodiscard]] bool owned() const { return payload.contains("owner"); }
    /// By the filter owner == (its thread) && n >= low && n < high.
    [[nodiscard]] bool owned_between(std::uint64_t low, std::uint64_t high) const {
        if (!owned()) return false;
        const std::uint64_t n = payload.at("n").get<std::uint64_t>();
        return n >= low && n < high;
    }
};
using Book = std::map<std::uint64_t, Kept>;  ///< by id

/// Why the record is not what the book says; empty: it is. A hit has no version.
inline std::string difference(const sextant::Record& record, const Kept& kept) {
    const std::string which = "id " + record.id.to_string() + ": ";
    if (record.payload != kept.payload) return which + record.payload.dump() + ", expected " + kept.payload.dump();
    if (record.vector != salted_vector(kept.salt)) return which + "another vector";
    const bool both = kept.version != 0 && record.version != sextant::Lsn{};
    if (both && record.version != sextant::Lsn{kept.version}) return which + "another version";
    return {};
}

/// Of a point that anybody writes: payload and vector were written together, as long as the payload says with which.
inline void require_whole(const sextant::Payload& payload, const std::vector<float>& vector) {
    const auto salt = payload.find("salt");
    if (salt == payload.end()) return;
    require(vector == salted_vector(salt->get<std::uint64_t>()), "a payload beside another write's vector");
}

/// The first way in which a collection holds other points than the books; empty: none.
template <class C>
std::string difference(const C& collection, const std::vector<const Book*>& books) {
    const Contents all = contents(collection);
    std::size_t expected = 0;
    for (const Book* book : books) {
        expected += book->size();
        for (const auto& [id, kept] : *book) {
            const auto found = all.find(sextant::PointId{id});
            if (found == all.end()) return "id " + std::to_string(id) + ": is not there";
            const StoredPoint& point = found->second;
            const std::string other = difference({found->first, point.payload, point.vector, point.version}, kept);
            if (!other.empty()) return other;
        }
    }
    if (all.size() == expected) return {};
    return std::to_string(all.size()) + " points, expected " + std::to_string(expected);
}

}  // namespace test_support
