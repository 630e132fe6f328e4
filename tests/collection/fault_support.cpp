#include "collection/fault_support.hpp"

#include <algorithm>
#include <exception>
#include <memory>

#include "collection/durable_support.hpp"

namespace test_support {
namespace {

using namespace sextant;

constexpr const char* path = "points.sxt";
constexpr std::size_t dimension = 4;

std::vector<float> vector_of(std::uint64_t salt) { return seeded_vector(salt, dimension); }

bool mentions(const Error& error, const char* word) { return error.message.find(word) != std::string::npos; }

/// The log itself could not be written or synced, not a file that was being made for it.
bool breaks_log(const Error& error) {
    if (error.code != ErrorCode::io_error || !mentions(error, "/wal/")) return false;
    return mentions(error, ".wal: write ") || mentions(error, ".wal: sync");
}

bool same(const FaultyPoints& got, const FaultyPoints& expected) {
    return got.size() == expected.size() &&
           std::equal(got.begin(), got.end(), expected.begin(), [](const auto& a, const auto& b) {
               const bool versions = !a.second.version || !b.second.version || *a.second.version == *b.second.version;
               return versions && a.first == b.first && a.second.vector == b.second.vector &&
                      a.second.payload == b.second.payload;
           });
}

std::string describe(const FaultyPoints& points) {
    std::string text = std::to_string(points.size()) + " points:";
    for (const auto& [id, point] : points) {
        text += " " + id.to_string() + "@" +
                (point.version ? std::to_string(static_cast<std::uint64_t>(*point.version)) : std::string("?"));
    }
    return text;
}

}  // namespace

FaultyRun::FaultyRun(SimDisk& disk, FaultyPoints points, Residency residency)
    : disk_(disk), residency_(residency), shown_(std::move(points)), possible_{shown_}, salt_(1000 * shown_.size()) {}

void FaultyRun::note(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
}

void FaultyRun::failed(const std::string& name, const Error& error) {
    ++failures_;
    if (!faults_ && error.code != ErrorCode::read_only) note(name + " fails without a fault: " + error.message);
    only_refused_ = only_refused_ && error.code == ErrorCode::resource_exhausted;
    log_failed_ = log_failed_ || breaks_log(error);
    const bool expected = error.code == ErrorCode::io_error || error.code == ErrorCode::resource_exhausted ||
                          error.code == ErrorCode::read_only;
    if (!expected) note(name + ": an error of another kind: " + error.message);
    const bool names_path = mentions(error, path) || error.message.starts_with(".: ");  // it, or where it lies
    if (error.code != ErrorCode::read_only && !names_path) {
        note(name + ": the message names no path: " + error.message);
    }
}

bool FaultyRun::open() {
    OpenOptions options;
    options.executor = std::make_shared<InlineExecutor>();
    options.files = &disk_.files();
    options.memory = &memory_;
    options.residency = residency_;
    log_failed_ = false;
    only_refused_ = true;
    auto opened = FaultyCollection::open(path, {.dimension = dimension}, options);
    if (!opened) {
        failed("open", opened.error());
        if (memory_.used() != 0) note("a failed opening keeps " + std::to_string(memory_.used()) + " bytes");
        return false;
    }
    collection_.emplace(std::move(opened).value());
    settle("after opening");
    return true;
}

void FaultyRun::close() {
    if (!collection_) return;
    const auto closed = collection_->close();
    if (!closed) {
        if (only_refused_ && !log_failed_ && closed.error().code == ErrorCode::resource_exhausted) {
            note("closing fails where only space or handles are missing: " + closed.error().message);
        }
        failed("close", closed.error());
    }
    collection_.reset();
    if (memory_.used() != 0) note("after closing " + std::to_string(memory_.used()) + " bytes are still charged");
}

void FaultyRun::adopt() {
    possible_.clear();
    if (!open()) return;
    wrong_.clear();  // that it was not expected
    close();
}

Result<FaultyPoints> FaultyRun::read() const {
    FaultyPoints points;
    std::optional<PointId> after;
    do {
        SEXTANT_TRY_ASSIGN(
            ScrollPage page,
            collection_->scroll({.after = after, .limit = 50, .select = {.payload = true, .vector = true}}));
        for (Record& record : page.points) {
            points[record.id] = {std::move(record.vector), std::move(record.payload), record.version};
        }
        after = page.next;
    } while (after.has_value());
    return points;
}

void FaultyRun::check_shown(const std::string& when) {
    if (!collection_) return;
    auto got = read();
    if (!got) return failed("reading " + when, got.error());
    if (!same(*got, shown_)) note(when + " readers see " + describe(*got) + " and not " + describe(shown_));
    // From now on the versions are known.
    shown_ = *got;
    for (FaultyPoints& points : possible_) {
        for (auto& [id, point] : points) {
            const auto known = shown_.find(id);
            if (known == shown_.end() || known->second.vector != point.vector) continue;
            if (known->second.payload == point.payload) point.version = known->second.version;
        }
    }
}

void FaultyRun::settle(const std::string& when) {
    auto got = read();
    if (!got) return failed("reading " + when, got.error());
    const auto found = std::find_if(possible_.begin(), possible_.end(), [&](const auto& p) { return same(*got, p); });
    if (found == possible_.end()) {
        std::string all;
        for (const FaultyPoints& points : possible_) all += "\n    " + describe(points);
        note(when + " there are " + describe(*got) + " and not one of" + all);
    }
    shown_ = std::move(*got);
    possible_ = {shown_};
}

bool FaultyRun::write(const std::string& name, const Act& act, const Effect& effect) {
    if (!collection_) return false;
    const auto result = act(*collection_);
    if (result) {
        auto after = shown_;
        effect(after);
        // One that has nothing to do needs no log.
        if (log_failed_ && !same(after, shown_)) note(name + " succeeds though the log failed before");
        shown_ = std::move(after);
        for (FaultyPoints& points : possible_) effect(points);
    } else {
        const Error& error = result.error();
        if (log_failed_ && error.code != ErrorCode::read_only) note(name + " is not read_only: " + error.message);
        if (error.code == ErrorCode::read_only && only_refused_ && !log_failed_) {
            note(name + " is read_only though only space or handles are missing: " + error.message);
        }
        failed(name, error);
        if (error.code == ErrorCode::resource_exhausted) ++refused_;
        if (error.code == ErrorCode::io_error) {
            auto with = possible_;
            for (FaultyPoints& points : with) effect(points);
            possible_.insert(possible_.end(), with.begin(), with.end());
        }
    }
    check_shown("after " + name);
    return result.has_value();
}

void FaultyRun::maintain(const std::string& name, const Act& act) {
    if (!collection_) return;
    const auto done = act(*collection_);
    if (!done) failed(name, done.error());
    check_shown("after " + name);
}

bool FaultyRun::upsert(std::uint64_t id, std::size_t payload_bytes) {
    const auto vector = vector_of(++salt_);
    Payload payload{{"n", id}};
    if (payload_bytes > 0) payload["text"] = std::string(payload_bytes, 'x');
    return write(
        "upsert " + std::to_string(id),
        [&](FaultyCollection& c) -> Result<void> {
            SEXTANT_TRY(c.upsert(PointId{id}, vector, payload));
            return {};
        },
        [&](FaultyPoints& points) {
            points[PointId{id}] = {vector, payload, {}};
        });
}

bool FaultyRun::erase(std::uint64_t id) {
    return write(
        "erase " + std::to_string(id),
        [&](FaultyCollection& c) -> Result<void> {
            SEXTANT_TRY(c.erase(PointId{id}));
            return {};
        },
        [&](FaultyPoints& points) { points.erase(PointId{id}); });
}

void FaultyRun::batch(std::uint64_t first) {
    WriteBatch writes;
    FaultyPoints added;
    for (std::uint64_t i = 0; i < 8; ++i) {
        const PointId id = i % 3 == 2 ? PointId::from_name(std::to_string(first + i)) : PointId{first + i};
        added[id] = {vector_of(++salt_), {{"n", first + i}}, {}};
        writes.upsert(id, added[id].vector, added[id].payload);
    }
    writes.erase(PointId{first - 1});
    write(
        "batch " + std::to_string(first),
        [&](FaultyCollection& c) -> Result<void> {
            SEXTANT_TRY(c.write(std::move(writes)));
            return {};
        },
        [&](FaultyPoints& points) {
            for (const auto& [id, point] : added) points[id] = point;
            points.erase(PointId{first - 1});
        });
}

void FaultyRun::erase_where(std::uint64_t above) {
    write(
        "erase where n >= " + std::to_string(above),
        [&](FaultyCollection& c) -> Result<void> {
            SEXTANT_TRY(c.erase(field("n") >= above));
            return {};
        },
        [&](FaultyPoints& points) {
            std::erase_if(points, [&](const auto& p) {
                return p.second.payload.contains("n") && p.second.payload["n"].template get<std::uint64_t>() >= above;
            });
        });
}

void FaultyRun::set_payload(std::uint64_t id) {
    const Payload more{{"set", ++salt_}};
    write(
        "set_payload " + std::to_string(id),
        [&](FaultyCollection& c) -> Result<void> {
            SEXTANT_TRY(c.set_payload(PointId{id}, more));
            return {};
        },
        [&](FaultyPoints& points) {
            const auto known = points.find(PointId{id});
            if (known == points.end()) return;
            known->second.payload.update(more);
            known->second.version.reset();
        });
}

void FaultyRun::optimize() {
    maintain("optimize", [&](FaultyCollection& c) -> Result<void> {
        SEXTANT_TRY(c.optimize());
        ++optimized_;
        return {};
    });
}

void FaultyRun::work_half() {
    open();
    for (std::uint64_t id = 1; id <= 4; ++id) upsert(id);
    batch(10);
    set_payload(2);
    erase_where(16);
    optimize();
    set_payload(1);  // of a sealed row
    upsert(3);
    erase(4);
    optimize();
    set_payload(2);
    upsert(5);
    maintain("flush", [](FaultyCollection& c) { return c.flush(); });
    // More than a log file holds.
    for (std::uint64_t id = 20; id < 23; ++id) upsert(id, 400'000);
    erase(20);
}

void FaultyRun::work() {
    work_half();
    close();
    open();
    upsert(6);
    set_payload(6);
    erase(1);
    optimize();
    upsert(7);
    close();
}

void FaultyRun::visit() {
    open();
    upsert(30);
    erase(2);
    close();
}

void FaultyRun::check_search() {
    const auto point = shown_.find(PointId{5});
    if (!collection_ || point == shown_.end()) return;
    const auto hits = collection_->search({.vector = point->second.vector, .k = 1});
    if (!hits) return failed("search", hits.error());
    if (hits->size() != 1 || (*hits)[0].id != point->first) note("search does not find a point by its own vector");
}

void FaultyRun::work_on_full_disk() {
    const auto must = [&](bool done, const std::string& what) {
        if (!done) note("on a full disk " + what + " does not work");
    };
    const auto erase_first = [&] {
        if (shown_.empty()) return;
        const PointId id = shown_.begin()->first;
        if (!id.is_uuid()) must(erase(id.integer()), "erasing " + id.to_string());
    };
    if (!collection_) return;
    check_shown("on a full disk");
    check_search();
    erase_first();
    erase_first();
    close();
    must(open(), "opening again");
    check_search();
    erase_first();
    close();
}

void FaultyRun::finish() {
    disk_.clear_faults();
    disk_.set_capacity(SimDisk::unlimited);
    faults_ = false;
    const auto go_on = [&](std::uint64_t id) {
        check_shown("without faults");
        check_search();
        const bool must = only_refused_ && !log_failed_;
        if (!upsert(id) && must) note("writing does not work once the fault is gone");
        close();
    };
    if (collection_) go_on(40);
    if (!open()) return;
    if (const auto valid = collection_->verify(); !valid) note("verify: " + valid.error().message);
    go_on(41);
    if (!open()) return;
    check_search();
    optimize();
    close();
}

}  // namespace test_support
