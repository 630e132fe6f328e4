#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sextant/wal/wal_reader.hpp"
#include "sextant/wal/wal_writer.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_crash.hpp"
#include "support/sim_disk.hpp"
#include "wal/wal_support.hpp"

using namespace sextant;
using namespace wal_test;
using format::WalFrame;
using format::WalFrameKind;
using test_support::CrashEnumerator;
using test_support::CrashImage;
using test_support::CrashOptions;
using test_support::HookedFiles;
using test_support::OpKind;
using test_support::SeenImages;
using test_support::SimDisk;

namespace {

Result<void> append_one(WalWriter& writer, std::size_t size = 100) {
    const std::uint64_t first = writer.appended() + 1;
    return writer.append(WalFrameKind::effects, first, 1, payload_of(first, size));
}

/// Replays a log of append_one(); out of order or with other bytes is an error.
Result<WalEnd> replay(const WalPlace& place, std::uint64_t flushed = 0) {
    std::uint64_t next = 0;
    return replay_wal(place, flushed, OnWalDamage::fail, true,
                      [&](const WalFrame& frame, const std::string& path, std::uint64_t) -> Result<void> {
                          if (next == 0) next = frame.first;
                          const auto bytes = payload_of(frame.first, frame.payload.size());
                          const bool same = std::equal(bytes.begin(), bytes.end(), frame.payload.begin());
                          if (frame.first != next++ || !same) return invalid_argument(path + ": never appended");
                          return {};
                      });
}

/// What the log had said at a point of a record: marks are 2 x an Lsn that is on disk, and 1 more for one in segments.
struct Promise {
    std::uint64_t synced = 0;
    std::uint64_t flushed = 0;
    std::uint64_t sum() const noexcept { return synced * 1000 + flushed; }
};

void promise_synced(SimDisk& disk, std::uint64_t lsn) { disk.mark(2 * lsn); }
void promise_flushed(SimDisk& disk, std::uint64_t lsn) { disk.mark(2 * lsn + 1); }

/// Four openings of a log with small files, of which only the second is closed. Each fills files, syncs now and then, and
/// releases what was synced some time ago; before the last one a process was killed while it put a file aside.
void use_log(SimDisk& disk) {
    FileSystem& files = disk.files();
    files.create_directory("wal").value();
    files.sync_directory("/").value();
    const WalPlace place = place_in(files);
    std::uint64_t flushed = 0;
    for (int opening = 0; opening < 4; ++opening) {
        if (opening == 3) {
            // The one file that can be used again is one whose new name nobody has synced yet.
            const WalListing listing = list_wal_files(place).value();
            for (const auto& waiting : listing.recycled) files.remove_file(place.path(waiting.name)).value();
            files.sync_directory("wal").value();
            const std::uint64_t oldest = listing.logs.at(0).number;
            files.rename(place.path(wal_name(oldest)), place.path(recycled_wal_name(oldest))).value();
        }
        const WalEnd end = replay(place, flushed).value();
        promise_synced(disk, end.last);
        const auto writer = WalWriter::create(place, {4096, 4096, 2}, end.next_file_number, end.last + 1).value();
        for (int i = 0; i < 20; ++i) {
            append_one(*writer, i % 4 == 0 ? 2500 : 300).value();
            if (i % 3 == 1) {
                writer->sync().value();
                promise_synced(disk, writer->appended());
            }
            constexpr std::uint64_t behind = 12;
            if (i % 4 == 3 && writer->synced() > flushed + behind) {
                flushed = writer->synced() - behind;
                promise_flushed(disk, flushed);
                writer->release(flushed).value();
            }
        }
        if (opening == 2) {
            // All of it, so that the next opening may find any of these files put aside.
            writer->sync().value();
            promise_synced(disk, writer->appended());
            flushed = writer->appended() - 1;
            promise_flushed(disk, flushed);
        }
        if (opening == 1) {
            writer->close().value();
            promise_synced(disk, writer->appended());
        }
    }
}

/// What is wrong with the log on this disk; empty if nothing is.
std::string wrong_with(SimDisk& disk, const Promise& promise) {
    const auto there = disk.files().exists("wal");
    if (!there || !*there) return promise.synced == 0 ? "" : "the directory is missing";
    const WalPlace place = place_in(disk.files());
    const auto listing = list_wal_files(place).value();
    for (const WalFileName& entry : listing.logs) {
        const auto file = disk.files().open(place.path(entry.name), FileMode::read).value();
        const auto header = read_wal_header(*file, place, entry.number);
        if (!header || !header->sequence) return entry.name + " had its name before its header";
    }
    const auto end = replay(place, promise.flushed);
    if (!end) return "cannot be replayed: " + end.error().message;
    if (end->last < promise.synced) return "ends at " + std::to_string(end->last);
    // Two more openings: what the first one makes must not hide what was there.
    std::uint64_t last = end->last;
    std::uint64_t next_file = end->next_file_number;
    for (int opening = 0; opening < 2; ++opening) {
        auto writer = WalWriter::create(place, {4096, 4096, 2}, next_file, last + 1);
        if (!writer) return "cannot be written: " + writer.error().message;
        for (int i = 0; i < 2; ++i) {
            if (auto done = append_one(**writer); !done) return "cannot be appended to: " + done.error().message;
        }
        const auto again = replay(place, promise.flushed);
        if (!again) return "cannot be replayed again: " + again.error().message;
        if (again->last != last + 2) return "then ends at " + std::to_string(again->last);
        last = again->last;
        next_file = again->next_file_number;
    }
    return "";
}

}  // namespace

TEST_CASE("After a loss of power at any moment a log holds all that was promised", "[wal]") {
    SimDisk disk;
    use_log(disk);
    const auto recording = disk.recording();
    CrashEnumerator crashes(recording);
    SeenImages seen;
    Promise promise;
    std::uint64_t images = 0;
    for (std::size_t op = 0; op < recording.ops.size(); ++op) {
        if (recording.ops[op].kind == OpKind::mark) {
            const std::uint64_t label = recording.ops[op].offset;
            (label % 2 == 0 ? promise.synced : promise.flushed) = label / 2;
        }
        const CrashOptions options{.exhaustive_pending = 6, .random_subsets = 30, .epoch = promise.sum()};
        crashes.at(op, options, seen, [&](SimDisk&& image, const CrashImage& about) {
            ++images;
            const std::string wrong = wrong_with(image, promise);
            if (wrong.empty()) return;
            FAIL("synced " << promise.synced << ", flushed " << promise.flushed << ", after " << op << ": "
                           << to_string(recording.ops[op]) << ", image " << about.what << "\n"
                           << crashes.pending() << ": " << wrong);
        });
    }
    CHECK(images > 1000);
}

TEST_CASE("A log that was closed is closed after a loss of power as well", "[wal]") {
    SimDisk disk;
    disk.files().create_directory("wal").value();
    disk.files().sync_directory("/").value();
    const auto writer = WalWriter::create(place_in(disk.files()), {4096, 4096, 0}, 1, 1).value();
    append_one(*writer).value();
    writer->close().value();
    SeenImages seen;
    enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
        const auto end = replay(place_in(image.files())).value();
        CHECK(end.last == 1);
        CHECK(end.clean);
    });
    CHECK(seen.unique_count() == 1);
}

TEST_CASE("What is read back after a kill is on disk before anything is built on it", "[wal]") {
    SimDisk disk;
    FileSystem& files = disk.files();
    files.create_directory("wal").value();
    files.sync_directory("/").value();
    {
        const auto killed = WalWriter::create(place_in(files), {4096, 4096, 0}, 1, 1).value();
        for (int i = 0; i < 3; ++i) append_one(*killed).value();
    }
    // The system kept what the process had written.
    const auto end = replay(place_in(files)).value();
    REQUIRE(end.last == 3);
    const auto writer = WalWriter::create(place_in(files), {4096, 4096, 0}, end.next_file_number, 4).value();
    CHECK(writer->synced() == 3);
    append_one(*writer).value();
    writer->sync().value();
    SeenImages seen;
    enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
        const auto left = replay(place_in(image.files()));
        INFO(left.error().message);
        REQUIRE(left);
        CHECK(left->last == 4);
    });
}

TEST_CASE("A sync promises nothing of what is appended while it is under way", "[wal]") {
    ImageFiles image;
    HookedFiles files(image);
    const auto writer = WalWriter::create(place_in(files), {4096, 4096, 0}, 1, 1).value();
    append_one(*writer).value();
    int syncs = 0;
    files.hooks.after_sync = [&](const std::string&) -> std::optional<Error> {
        if (++syncs == 1) append_one(*writer).value();
        return std::nullopt;
    };
    writer->sync().value();
    CHECK(writer->appended() == 2);
    CHECK(writer->synced() == 1);
    writer->sync().value();
    CHECK(writer->synced() == 2);
}

TEST_CASE("A frame that was refused is not there, however much of it was written", "[wal]") {
    ImageFiles image;
    HookedFiles files(image);
    const auto writer = WalWriter::create(place_in(files), {4096, 4096, 0}, 1, 1).value();
    append_one(*writer).value();
    int writes = 0;
    files.hooks.after_write = [&](const std::string& path) -> std::optional<Error> {
        if (++writes > 1) return std::nullopt;
        return Error{ErrorCode::resource_exhausted, path + ": planted failure"};
    };
    REQUIRE(append_one(*writer).error().code == ErrorCode::resource_exhausted);
    CHECK(writer->appended() == 1);
    CHECK(replay(place_in(image)).value().last == 1);
    append_one(*writer, 50).value();
    CHECK(replay(place_in(image)).value().last == 2);
}

TEST_CASE("A frame of which only the first effects are flushed is replayed", "[wal]") {
    ImageFiles image;
    const auto writer = WalWriter::create(place_in(image), {4096, 4096, 0}, 1, 1).value();
    for (const std::uint64_t first : {1U, 4U}) {
        writer->append(WalFrameKind::effects, first, 3, payload_of(first, 100)).value();
    }
    for (std::uint64_t flushed = 0; flushed <= 6; ++flushed) {
        std::vector<std::uint64_t> firsts;
        replay_wal(place_in(image), flushed, OnWalDamage::fail, false,
                   [&](const WalFrame& frame, const auto&, auto) -> Result<void> {
                       firsts.push_back(frame.first);
                       return {};
                   })
            .value();
        CHECK(firsts == (flushed < 3   ? std::vector<std::uint64_t>{1, 4}
                         : flushed < 6 ? std::vector<std::uint64_t>{4}
                                       : std::vector<std::uint64_t>{}));
    }
}

TEST_CASE("A log whose directory was not synced takes nothing more", "[wal]") {
    ImageFiles image;
    FailingFiles files(image);
    const auto writer = WalWriter::create(place_in(files), {4096, 4096, 0}, 1, 1).value();
    append_one(*writer, 3900).value();
    files.fault = {.at = 1, .only = "sync_directory"};
    CHECK_FALSE(append_one(*writer, 3900));
    REQUIRE(files.fault.failed == "sync_directory");
    // Whether the next file's name lasts is unknown, and a second sync would not tell.
    CHECK(writer->broken());
    CHECK(append_one(*writer).error().code == ErrorCode::read_only);
    CHECK(replay(place_in(image)).value().last == 1);
}

TEST_CASE("A log that had no handle to sync its directory with goes on where there is one", "[wal]") {
    for (const int refusals : {1, 3}) {
        SimDisk disk;
        disk.files().create_directory("wal").value();
        disk.files().sync_directory("/").value();
        const auto writer = WalWriter::create(place_in(disk.files()), {4096, 4096, 1}, 1, 1).value();
        append_one(*writer, 3900).value();
        for (int i = 0; i < refusals; ++i) {
            // The first refusal is of the sync, later ones of opening the next file, which has its name by then.
            disk.inject({.at_call = disk.op_count() + 8, .kind = test_support::FaultKind::no_handles});
            const auto refused = append_one(*writer, 3900);
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == ErrorCode::resource_exhausted);
            CHECK(refused.error().message.find(i == 0 ? "wal: open: " : "wal/000002.wal: open: ") == 0);
            disk.clear_faults();
            CHECK_FALSE(writer->broken());
            CHECK(writer->appended() == 1);
            SeenImages seen;
            enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
                CHECK(replay(place_in(image.files())).value().last == 1);
            });
        }
        append_one(*writer, 3900).value();
        writer->sync().value();
        CHECK(writer->file_number() == 2);
        writer->release(1).value();
        append_one(*writer, 3900).value();
        writer->sync().value();
        SeenImages seen;
        enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
            CHECK(replay(place_in(image.files()), 1).value().last == 3);
        });
    }
}

TEST_CASE("A sync that failed for want of something is no refusal", "[wal]") {
    for (const char* call : {"sync", "sync_directory"}) {
        ImageFiles image;
        HookedFiles hooked(image);
        FailingFiles files(hooked);
        const auto writer = WalWriter::create(place_in(files), {4096, 4096, 0}, 1, 1).value();
        append_one(*writer).value();
        if (std::string(call) == "sync_directory") {
            files.fault = {.at = 1, .code = ErrorCode::io_error, .only = call};
            CHECK(append_one(*writer, 3900).error().code == ErrorCode::io_error);
        } else {
            files.fault = {.at = 1, .code = ErrorCode::resource_exhausted, .only = call};
            CHECK(writer->sync().error().code == ErrorCode::io_error);
        }
        CHECK(writer->broken());
    }
}
