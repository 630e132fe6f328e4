#include "collection/crash_support.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "collection/durable_support.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/core/random.hpp"
#include "support/sim_promise.hpp"

namespace test_support {
namespace {

using namespace sextant;

constexpr const char* path = "points.sxt";

std::vector<float> vector_of(std::uint64_t salt) { return seeded_vector(salt, crash_dimension); }

/// Of everything a reader can see.
template <class C>
Result<std::uint64_t> digest_of(const C& collection) {
    std::uint64_t digest = 0;
    std::optional<PointId> after;
    do {
        SEXTANT_TRY_ASSIGN(
            const ScrollPage page,
            collection.scroll({.after = after, .limit = 500, .select = {.payload = true, .vector = true}}));
        for (const Record& record : page.points) {
            std::string text = record.id.to_string() + "|" + record.payload.dump() + "|" +
                               std::to_string(static_cast<std::uint64_t>(record.version)) + "|";
            text.append(reinterpret_cast<const char*>(record.vector.data()), record.vector.size() * sizeof(float));
            digest = hash64(std::string_view(text), digest + 1);
        }
        after = page.next;
    } while (after.has_value());
    return digest;
}

template <class C>
Result<C> open_collection(SimDisk& disk, Residency residency) {
    OpenOptions options = inline_on(disk.files());
    options.residency = residency;
    return C::open(path, {.dimension = crash_dimension}, options);
}

/// What is wrong with the collection on this disk; empty if nothing is. `deep`: it is written to as well.
template <class C>
std::string wrong_with(SimDisk& disk, const std::vector<std::uint64_t>& states, const Promise& promise, bool deep) {
    std::uint64_t digest = 0;
    Lsn last{};
    {
        auto opened = open_collection<C>(disk, deep ? Residency::mapped : Residency::resident);
        if (!opened) return "does not open: " + opened.error().message;
        C collection = std::move(opened).value();
        auto read = digest_of(collection);
        if (!read) return "cannot be read: " + read.error().message;
        digest = *read;
        const auto first = states.begin() + static_cast<std::ptrdiff_t>(promise.acknowledged);
        const auto end = states.begin() + static_cast<std::ptrdiff_t>(promise.begun) + 1;
        if (std::find(first, end, digest) == end) {
            const auto older = std::find(states.begin(), first, digest);
            return older != first ? "lost acknowledged writes: holds state " + std::to_string(older - states.begin())
                                  : std::string("holds what was never written");
        }
        if (auto verified = collection.verify(Depth::structure); !verified)
            return "verify: " + verified.error().message;
        if (!deep) return "";
        auto written = collection.upsert(PointId{999'999}, vector_of(7), {{"after", "crash"}});
        if (!written) return "cannot be written: " + written.error().message;
        last = *written;
        if (auto closed = collection.close(); !closed) return "cannot be closed: " + closed.error().message;
    }
    auto again = open_collection<C>(disk, Residency::resident);
    if (!again) return "does not open again: " + again.error().message;
    const auto record = again->get(PointId{999'999});
    if (!record || record->version != last) return "lost what was written after the recovery";
    if (auto erased = again->erase(PointId{999'999}); !erased) return "cannot erase: " + erased.error().message;
    auto read = digest_of(*again);
    return read && *read == digest ? "" : "holds something else after a second opening";
}

}  // namespace

CrashFindings& CrashFindings::operator+=(const CrashFindings& other) {
    images += other.images;
    nested_images += other.nested_images;
    unique += other.unique;
    if (violations == 0) first = other.first;
    violations += other.violations;
    return *this;
}

template <class C>
CrashWorkload<C>::CrashWorkload(Durability durability, Residency residency, std::uint64_t seed, RawPrecision raw)
    : durability_(durability), residency_(residency), raw_(raw), states_{0}, salt_(seed << 20U) {}

template <class C>
bool CrashWorkload<C>::open() {
    OpenOptions options = inline_on(disk_.files());
    options.residency = residency_;
    auto opened = C::open(path, {.dimension = crash_dimension, .durability = durability_, .raw = raw_}, options);
    if (!opened) return false;
    collection_.emplace(std::move(opened).value());
    return true;
}

template <class C>
void CrashWorkload<C>::close() {
    collection_.reset();
}

template <class C>
bool CrashWorkload<C>::reopen() {
    close();
    return open();
}

template <class C>
bool CrashWorkload<C>::write(const std::function<Result<void>(C&)>& act, bool promises_power_loss) {
    const std::uint64_t number = states_.size();
    // What it will hold is not known before, so the state is entered afterwards; no crash is tried in between.
    disk_.mark(2 * number);
    auto written = act(*collection_);
    if (!written) {
        disk_.mark(2 * (number - 1));
        return false;
    }
    if (promises_power_loss && durability_ == Durability::Sync) disk_.mark(2 * number + 1);
    states_.push_back(digest_of(*collection_).value());
    return true;
}

template <class C>
bool CrashWorkload<C>::upsert(std::uint64_t id) {
    const auto vector = vector_of(++salt_);
    return write([&](C& c) -> Result<void> {
        SEXTANT_TRY(c.upsert(PointId{id}, vector, {{"n", id}, {"salt", salt_}}));
        return {};
    });
}

template <class C>
bool CrashWorkload<C>::erase(std::uint64_t id) {
    return write([&](C& c) -> Result<void> {
        SEXTANT_TRY(c.erase(PointId{id}));
        return {};
    });
}

template <class C>
bool CrashWorkload<C>::batch(std::uint64_t first, std::uint64_t count) {
    WriteBatch writes;
    for (std::uint64_t i = 0; i < count; ++i) {
        const PointId id = i % 3 == 2 ? PointId::from_name(std::to_string(first + i)) : PointId{first + i};
        writes.upsert(id, vector_of(++salt_), {{"n", first + i}});
    }
    if (first > 0) writes.erase(PointId{first - 1});
    return write([&](C& c) -> Result<void> {
        SEXTANT_TRY(c.write(std::move(writes)));
        return {};
    });
}

template <class C>
bool CrashWorkload<C>::set_payload(std::uint64_t id, std::uint64_t value) {
    return write([&](C& c) -> Result<void> {
        SEXTANT_TRY(c.set_payload(PointId{id}, {{"set", value}}));
        return {};
    });
}

template <class C>
bool CrashWorkload<C>::optimize() {
    return collection_->optimize().has_value();
}

template <class C>
CrashFindings crash_everywhere(CrashWorkload<C>& workload, const CrashBudget& budget) {
    const Recording recording = workload.disk().recording();
    const auto promises = promises_of(recording);
    const auto& states = workload.states();
    CrashFindings findings;
    CrashEnumerator enumerator(recording, budget.seed);
    SeenImages seen;
    SeenImages nested_seen;
    const CrashOptions options{
        .exhaustive_pending = budget.exhaustive_pending, .random_subsets = budget.random_subsets, .seed = budget.seed};
    const CrashOptions nested_options{
        .exhaustive_pending = 4, .random_subsets = budget.nested_random_subsets, .seed = budget.seed};
    const auto note = [&](const std::string& wrong, const std::string& where) {
        if (wrong.empty()) return;
        if (findings.violations++ == 0) findings.first = where + ": " + wrong;
    };
    for (std::size_t op = 0; op < recording.ops.size() && findings.images < budget.most_images; ++op) {
        enumerator.at(op, options, seen, [&](SimDisk&& image, const CrashImage& about) {
            if (findings.images >= budget.most_images) return;
            const std::uint64_t number = findings.images++;
            const std::string where = "after " + std::to_string(op) + ": " + to_string(recording.ops[op]) + ", image " +
                                      about.what + "\n" + enumerator.pending();
            const bool deep = budget.written_every != 0 && number % budget.written_every == 0;
            const bool nested = budget.nested_every != 0 && number % budget.nested_every == 0;
            note(wrong_with<C>(image, states, promises[op], deep && !nested), where);
            if (!nested) return;
            const Recording recovery = image.recording();
            CrashEnumerator inner(recovery, budget.seed);
            for (std::size_t step = 0; step < recovery.ops.size(); ++step) {
                inner.at(step, nested_options, nested_seen, [&](SimDisk&& half, const CrashImage& half_about) {
                    const bool inner_deep = findings.nested_images++ % 16 == 0;
                    note(wrong_with<C>(half, states, promises[op], inner_deep),
                         where + "\nthen in recovery after " + std::to_string(step) + ": " +
                             to_string(recovery.ops[step]) + ", image " + half_about.what + "\n" + inner.pending());
                });
            }
        });
    }
    findings.unique = seen.unique_count() + nested_seen.unique_count();
    return findings;
}

template class CrashWorkload<CrashPlain>;
template class CrashWorkload<CrashCoded>;
template CrashFindings crash_everywhere<CrashPlain>(CrashWorkload<CrashPlain>&, const CrashBudget&);
template CrashFindings crash_everywhere<CrashCoded>(CrashWorkload<CrashCoded>&, const CrashBudget&);

namespace {

template <class C>
CrashShape shape(const char* name, const std::function<void(CrashWorkload<C>&)>& run,
                 Durability durability = Durability::Sync, Residency residency = Residency::resident,
                 RawPrecision raw = RawPrecision::F32) {
    return {name, [=](const CrashBudget& budget) {
                CrashWorkload<C> workload(durability, residency, budget.seed, raw);
                if (workload.open()) run(workload);
                workload.close();
                return crash_everywhere(workload, budget);
            }};
}

template <class W>
void put(W& w, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t id = first; id < first + count; ++id) w.upsert(id);
}

using Plain = CrashWorkload<CrashPlain>;
using Coded = CrashWorkload<CrashCoded>;

/// More than a log file holds.
Result<void> put_large(CrashPlain& c, std::uint64_t id) {
    SEXTANT_TRY(c.upsert(PointId{id}, vector_of(id), {{"text", std::string(400'000, 'x')}}));
    return {};
}

/// One of all kinds of steps after the other, as the seed has it.
CrashShape random_shape(const char* name, Residency residency) {
    return {name, [=](const CrashBudget& budget) {
                Coded w(Durability::Sync, residency, budget.seed);
                Random random(budget.seed);
                bool open = w.open();
                for (int step = 0; step < 14 && open; ++step) {
                    const std::uint64_t id = 1 + random.below(9);
                    switch (random.below(8)) {
                        case 0: w.erase(id); break;
                        case 1: w.batch(id, 1 + random.below(8)); break;
                        case 2: w.set_payload(id, random.below(1000)); break;
                        case 3: w.optimize(); break;
                        case 4: open = w.reopen(); break;
                        default: w.upsert(id); break;
                    }
                }
                w.close();
                return crash_everywhere(w, budget);
            }};
}

}  // namespace

std::vector<CrashShape> crash_shapes() {
    return {
        shape<CrashPlain>("puts", [](Plain& w) { put(w, 1, 12); }),
        shape<CrashPlain>("batches",
                          [](Plain& w) {
                              for (std::uint64_t i = 0; i < 6; ++i) w.batch(i * 4, 7);
                          }),
        shape<CrashPlain>("overwrites",
                          [](Plain& w) {
                              for (int i = 0; i < 4; ++i) put(w, 1, 3);
                          }),
        shape<CrashPlain>("erases",
                          [](Plain& w) {
                              put(w, 1, 6);
                              for (std::uint64_t id = 1; id < 6; id += 2) w.erase(id);
                              w.upsert(1);
                          }),
        shape<CrashPlain>("seal",
                          [](Plain& w) {
                              put(w, 1, 5);
                              w.optimize();
                              put(w, 4, 4);
                          }),
        shape<CrashPlain>("payload overlay",
                          [](Plain& w) {
                              put(w, 1, 4);
                              w.optimize();
                              w.set_payload(1, 7);
                              w.set_payload(2, 8);
                              w.set_payload(1, 9);
                              w.upsert(3);
                              w.optimize();
                              w.set_payload(4, 1);
                          }),
        shape<CrashPlain>("payloads folded in",
                          [](Plain& w) {
                              put(w, 1, 3);
                              w.optimize();
                              w.set_payload(1, 7);
                              w.set_payload(2, 8);
                              w.optimize();  // of one segment with nothing dead: it keeps its graph
                              w.set_payload(1, 9);
                          }),
        shape<CrashPlain>("merge",
                          [](Plain& w) {
                              for (std::uint64_t i = 0; i < 3; ++i) {
                                  w.batch(i * 5, 6);
                                  w.optimize();
                              }
                              w.erase(5);
                          }),
        shape<CrashPlain>("erase all and begin anew",
                          [](Plain& w) {
                              w.batch(1, 6);
                              w.optimize();
                              w.write([](CrashPlain& c) -> Result<void> {
                                  SEXTANT_TRY(c.erase(Filter::all()));
                                  return {};
                              });
                              w.optimize();
                              put(w, 1, 3);
                          }),
        shape<CrashPlain>("reopen",
                          [](Plain& w) {
                              put(w, 1, 3);
                              w.reopen();
                              put(w, 3, 3);
                              w.reopen();
                              w.optimize();
                              w.reopen();
                              put(w, 1, 2);
                          }),
        shape<CrashPlain>("rotate",
                          [](Plain& w) {
                              for (std::uint64_t id = 1; id <= 5; ++id) {
                                  w.write([&](CrashPlain& c) { return put_large(c, id); });
                              }
                              w.optimize();
                              w.upsert(1);
                          }),
        shape<CrashPlain>("full disk",
                          [](Plain& w) {
                              put(w, 1, 3);
                              w.optimize();
                              w.disk().set_capacity(w.disk().used_bytes() + 200'000);
                              for (std::uint64_t id = 1; id <= 4; ++id) {
                                  w.write([&](CrashPlain& c) { return put_large(c, id); });
                              }
                              w.erase(1);
                              w.optimize();
                              w.erase(2);
                          }),
        shape<CrashPlain>(
            "system durability",
            [](Plain& w) {
                put(w, 1, 5);
                w.optimize();
                put(w, 3, 5);
                w.set_payload(1, 1);
            },
            Durability::Os),
        shape<CrashPlain>("durability by call",
                          [](Plain& w) {
                              for (std::uint64_t id = 1; id <= 6; ++id) {
                                  const bool sync = id % 3 == 0;
                                  w.write(
                                      [&](CrashPlain& c) -> Result<void> {
                                          SEXTANT_TRY(c.upsert(PointId{id}, vector_of(id), {},
                                                               sync ? Durability::Sync : Durability::None));
                                          return {};
                                      },
                                      sync);
                              }
                          }),
        shape<CrashCoded>("codes",
                          [](Coded& w) {
                              w.batch(1, 12);
                              w.optimize();
                              put(w, 5, 3);
                              w.erase(2);
                              w.set_payload(4, 4);
                              w.optimize();
                          }),
        shape<CrashCoded>(
            "codes, built on disk",
            [](Coded& w) {
                w.batch(1, 9);
                w.optimize();
                w.erase(2);
                w.upsert(5);
                w.optimize();
            },
            Durability::Sync, Residency::mapped),
        shape<CrashCoded>("other codes",
                          [](Coded& w) {
                              w.batch(1, 9);
                              w.collection().requantize({.quantile = 0.98}).value();
                              w.erase(2);
                              put(w, 5, 2);
                              w.collection().requantize({.quantile = 0.97}).value();
                              w.set_payload(4, 4);
                          }),
        shape<CrashCoded>(
            "other codes, built on disk",
            [](Coded& w) {
                w.batch(1, 5);
                w.collection().requantize({.quantile = 0.98}).value();
                w.upsert(5);
            },
            Durability::Sync, Residency::mapped),
        shape<CrashCoded>(
            "half floats",
            [](Coded& w) {
                w.batch(1, 7);
                w.optimize();
                put(w, 3, 2);
                w.erase(2);
                w.optimize();
            },
            Durability::Sync, Residency::resident, RawPrecision::F16),
        random_shape("random steps", Residency::resident),
        random_shape("random steps, built on disk", Residency::mapped),
    };
}

}  // namespace test_support
