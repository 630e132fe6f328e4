#include "sextant/wal/wal_writer.hpp"

#include <atomic>
#include <string>
#include <thread>

#include "io/test_directory.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/wal/wal_reader.hpp"
#include "support/catch.hpp"
#include "wal/wal_support.hpp"

using namespace sextant;
using namespace wal_test;
using format::WalFrame;
using format::WalFrameKind;

namespace {

constexpr WalOptions small{.min_file_size = 4096, .max_file_size = 16'384, .keep_recycled = 2};

Result<void> append_one(WalWriter& writer, std::size_t size = 100) {
    const std::uint64_t first = writer.appended() + 1;
    return writer.append(WalFrameKind::effects, first, 1, payload_of(first, size));
}

std::vector<std::string> names_in(FileSystem& files, const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : files.list(directory).value()) names.push_back(entry.name);
    return names;
}

/// Reads a log of append_one() back and checks each payload's bytes.
WalEnd check_log(const WalPlace& place, std::uint64_t flushed = 0) {
    std::uint64_t next = 0;
    auto end = replay_wal(place, flushed, OnWalDamage::fail, true,
                          [&](const WalFrame& frame, const std::string&, std::uint64_t) -> Result<void> {
                              if (next == 0) next = frame.first;
                              CHECK(frame.first == next++);
                              CHECK(frame.count == 1);
                              const auto expected = payload_of(frame.first, frame.payload.size());
                              CHECK(std::equal(expected.begin(), expected.end(), frame.payload.begin()));
                              return {};
                          });
    INFO(end.error().message);
    REQUIRE(end);
    return *end;
}

}  // namespace

TEST_CASE("What is appended is read back, synced or not", "[wal]") {
    const sextant_test::TestDirectory directory;
    const auto files = posix_file_system();
    const WalPlace place = place_in(*files, directory.path());
    const auto writer = WalWriter::create(place, {}, 1, 1).value();
    CHECK(writer->appended() == 0);
    CHECK(writer->synced() == 0);
    CHECK(writer->file_number() == 1);
    CHECK(writer->disk_bytes() == WalOptions{}.min_file_size);
    append_one(*writer).value();
    writer->append(WalFrameKind::effects, 2, 3, payload_of(2, 0)).value();
    CHECK(writer->appended() == 4);
    CHECK(writer->synced() == 0);
    writer->sync().value();
    CHECK(writer->synced() == 4);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;
    const auto end = replay_wal(place, 0, OnWalDamage::fail, false,
                                [&](const WalFrame& frame, const std::string& path, std::uint64_t at) -> Result<void> {
                                    CHECK(path == directory / "000001.wal");
                                    CHECK(frame.synced == 0);
                                    seen.emplace_back(frame.first, at);
                                    return {};
                                })
                         .value();
    CHECK(seen == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1, 64}, {2, 64 + 152}});
    CHECK(end.last == 4);
    CHECK(end.next_file_number == 2);
    CHECK_FALSE(end.clean);
    CHECK(end.torn_bytes == 0);
}

TEST_CASE("A new file has its size written, and nothing else has its name", "[wal]") {
    const sextant_test::TestDirectory directory;
    const auto files = posix_file_system();
    const WalPlace place = place_in(*files, directory.path());
    const auto writer = WalWriter::create(place, small, 7, 42).value();
    CHECK(writer->appended() == 41);
    CHECK(writer->synced() == 41);
    CHECK(names_in(*files, directory.path()) == std::vector<std::string>{"000007.wal"});
    const auto file = files->open(directory / "000007.wal", FileMode::read).value();
    CHECK(file->size().value() == 4096);
    CHECK(read_wal_header(*file, place, 7).value().sequence == 42);
    CHECK(WalWriter::create(place, small, 7, 42).error().code == ErrorCode::already_exists);
    CHECK(WalWriter::create(place, small, 6, 42).error().code == ErrorCode::already_exists);
    CHECK(WalWriter::create(place, small, 8, 0).error().code == ErrorCode::invalid_argument);
    CHECK(WalWriter::create(place, {.min_file_size = 1}, 8, 1).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("Files grow with the log up to the largest size, and further only for a frame that needs it", "[wal]") {
    ImageFiles files;
    const WalPlace place = place_in(files);
    const auto writer = WalWriter::create(place, small, 1, 1).value();
    std::uint64_t held = 4096;
    for (std::uint64_t number = 2; number < 20; ++number) {
        while (writer->file_number() < number) append_one(*writer, 1000).value();
        // A sixth of what there is, in pages.
        const std::uint64_t expected = std::clamp<std::uint64_t>((held / 6 + 4095) / 4096 * 4096, 4096, 16'384);
        CHECK(files.bytes(wal_name(number)).size() == expected);
        held += expected;
        CHECK(writer->synced() == writer->appended() - 1);  // what lies in earlier files is on disk
    }
    CHECK(files.bytes("000019.wal").size() == 16'384);
    append_one(*writer, 100'000).value();
    CHECK(writer->file_number() == 20);
    CHECK(files.bytes("000020.wal").size() == 102'400);
    append_one(*writer, 16'384 - 64 - 48).value();  // fills the next one to the last byte
    CHECK(files.bytes("000021.wal").size() == 16'384);
    append_one(*writer, 0).value();
    CHECK(writer->file_number() == 22);
    CHECK(writer->disk_bytes() == held + 102'400 + 2 * 16'384);
    CHECK(check_log(place).last == writer->appended());
    // A log that was let go of begins with small files again.
    writer->release(writer->appended() - 1, 0).value();
    CHECK(writer->disk_bytes() == 16'384);
    while (writer->file_number() < 23) append_one(*writer, 1000).value();
    CHECK(files.bytes("000023.wal").size() == 4096);
}

TEST_CASE("Files that wait to be used again take no more than they may", "[wal]") {
    ImageFiles files;
    const WalPlace place = place_in(files);
    const auto writer = WalWriter::create(place, {4096, 4096, 8}, 1, 1).value();
    while (writer->file_number() < 6) append_one(*writer, 3000).value();
    writer->release(writer->appended() - 1, 3 * 4096 + 1).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000001.old", "000002.old", "000003.old", "000006.wal"});
    CHECK(writer->disk_bytes() == 4 * 4096);
    writer->release(0, 2 * 4096).value();
    CHECK(names_in(files, "wal").size() == 3);
    CHECK(writer->disk_bytes() == 3 * 4096);
    append_one(*writer, 20'000).value();  // a file of 24 KiB
    append_one(*writer, 3000).value();
    writer->release(writer->appended() - 1, 4096).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000003.old", "000008.wal"});
    CHECK(check_log(place, writer->appended() - 1).last == writer->appended());
}

TEST_CASE("A large file that holds nothing any more is left for a small one", "[wal]") {
    ImageFiles files;
    const WalPlace place = place_in(files);
    const auto writer = WalWriter::create(place, small, 1, 1).value();
    append_one(*writer, 10'000).value();
    CHECK(writer->file_number() == 2);
    writer->leave_file(writer->appended() - 1, 4096).value();  // holds the last one
    writer->leave_file(writer->appended(), 12'288).value();    // is not too large
    CHECK(writer->file_number() == 2);
    writer->leave_file(writer->appended(), 4096).value();
    CHECK(writer->file_number() == 3);
    CHECK(writer->synced() == writer->appended());
    writer->leave_file(writer->appended(), 0).value();  // nothing was written to it
    CHECK(writer->file_number() == 3);
    writer->release(writer->appended(), 0).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000003.wal"});
    CHECK(writer->disk_bytes() == 4096);
    const auto before = writer->appended();
    append_one(*writer).value();
    CHECK(check_log(place, before).last == writer->appended());
}

TEST_CASE("Released files are used again, and what they held before is never read", "[wal]") {
    ImageFiles files;
    const WalPlace place = place_in(files);
    const auto writer = WalWriter::create(place, {.min_file_size = 4096, .max_file_size = 4096}, 1, 1).value();
    writer->release(1000).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000001.wal"});
    while (writer->file_number() < 6) append_one(*writer, 100).value();
    const std::uint64_t before = writer->appended() - 1;
    writer->release(0).value();
    CHECK(writer->disk_bytes() == 6 * 4096);
    writer->release(before).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000001.old", "000002.old", "000006.wal"});
    CHECK(writer->disk_bytes() == 3 * 4096);
    while (writer->file_number() < 8) append_one(*writer, 100).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000006.wal", "000007.wal", "000008.wal"});
    const auto end = check_log(place, before);
    CHECK(end.last == writer->appended());
    CHECK(end.torn_bytes == 0);  // the rest of the old file does not count
    // Only the file that holds nothing newer goes.
    const std::uint64_t in_last = writer->appended() - 1;
    writer->release(in_last - 1).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000006.old", "000007.wal", "000008.wal"});
}

TEST_CASE("Of released files the larger ones are kept, and none that is too large", "[wal]") {
    ImageFiles files;
    const WalPlace place = place_in(files);
    const auto writer = WalWriter::create(place, {4096, 16'384, 1}, 1, 1).value();
    append_one(*writer, 40'000).value();  // 2
    append_one(*writer, 10'000).value();  // 3
    writer->release(writer->appended() - 1).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000001.old", "000003.wal"});
    append_one(*writer, 10'000).value();  // 4
    writer->release(writer->appended() - 1).value();
    CHECK(names_in(files, "wal") == std::vector<std::string>{"000003.old", "000004.wal"});
    CHECK(writer->disk_bytes() == 12'288 + 12'288);
}

TEST_CASE("Opening takes over what lies in the directory", "[wal]") {
    ImageFiles files;
    const WalPlace place = place_in(files);
    {
        const auto writer = WalWriter::create(place, {4096, 4096, 8}, 1, 1).value();
        while (writer->file_number() < 5) append_one(*writer, 100).value();
        writer->release(60).value();
    }
    files.files["wal/000009.tmp"] = std::make_shared<Bytes>(100);
    files.files["wal/notes.txt"] = std::make_shared<Bytes>(100);
    const auto end = check_log(place, 60);
    const auto writer = WalWriter::create(place, {4096, 4096, 8}, end.next_file_number, end.last + 1).value();
    CHECK(files.files.count("wal/000009.tmp") == 0);
    CHECK(files.files.count("wal/notes.txt") == 1);
    CHECK(files.files.count("wal/000001.old") == 0);  // became the new file
    CHECK(writer->disk_bytes() == 5 * 4096);
    append_one(*writer).value();
    CHECK(check_log(place, 60).last == end.last + 1);
    writer->release(end.last).value();
    CHECK(writer->disk_bytes() == 5 * 4096);
    CHECK(files.files.count("wal/000005.old") == 1);
}

TEST_CASE("A closed log says so, and takes nothing more", "[wal]") {
    ImageFiles files;
    const WalPlace place = place_in(files);
    const auto writer = WalWriter::create(place, small, 1, 1).value();
    append_one(*writer).value();
    writer->close().value();
    writer->close().value();
    CHECK(append_one(*writer).error().code == ErrorCode::closed);
    CHECK(writer->sync());
    const auto end = check_log(place);
    CHECK(end.clean);
    CHECK(end.last == 1);
}

TEST_CASE("Effects out of order and frames against the rules are refused, and nothing is written", "[wal]") {
    ImageFiles files;
    const auto writer = WalWriter::create(place_in(files), small, 1, 5).value();
    const auto before = files.bytes("000001.wal");
    const auto code = [&](WalFrameKind kind, std::uint64_t first, std::uint32_t count, std::size_t size = 0) {
        const auto result = writer->append(kind, first, count, Bytes(size));
        REQUIRE_FALSE(result);
        return result.error().code;
    };
    CHECK(code(WalFrameKind::effects, 4, 1) == ErrorCode::invalid_argument);
    CHECK(code(WalFrameKind::effects, 6, 1) == ErrorCode::invalid_argument);
    CHECK(code(WalFrameKind::effects, 5, 0) == ErrorCode::invalid_argument);
    CHECK(code(WalFrameKind::clean_close, 5, 1) == ErrorCode::invalid_argument);
    CHECK(code(WalFrameKind::clean_close, 5, 0, 8) == ErrorCode::invalid_argument);
    const std::byte one{};
    const std::span<const std::byte> too_large(&one, limits::max_wal_payload + 1);  // never looked at
    CHECK(writer->append(WalFrameKind::effects, 5, 1, too_large).error().code == ErrorCode::invalid_argument);
    CHECK(files.bytes("000001.wal") == before);
    CHECK(writer->appended() == 4);
    CHECK_FALSE(writer->broken());
    const auto at_end = WalWriter::create(place_in(files, "end"), small, 1, ~std::uint64_t{0} - 1).value();
    CHECK(at_end->append(WalFrameKind::effects, ~std::uint64_t{0} - 1, 2, {}).error().code ==
          ErrorCode::invalid_argument);
}

TEST_CASE("A failed sync is final, and later calls name it", "[wal]") {
    ImageFiles image;
    FailingFiles files(image);
    const auto writer = WalWriter::create(place_in(files), small, 1, 1).value();
    append_one(*writer).value();
    files.fault = {.at = 1, .only = "sync"};
    CHECK(writer->sync().error().code == ErrorCode::io_error);
    CHECK(writer->broken());
    CHECK(writer->synced() == 0);
    for (const auto& result : {writer->sync(), append_one(*writer), writer->release(0), writer->close()}) {
        CHECK(result.error().code == ErrorCode::read_only);
    }
    CHECK(writer->sync().error().message ==
          "the log failed before: wal/000001.wal: planted failure; reopen the collection");
    CHECK(check_log(place_in(image)).last == 1);
}

TEST_CASE("A disk that is full for one frame takes the next one in its place", "[wal]") {
    for (const bool partly : {false, true}) {
        ImageFiles image;
        FailingFiles files(image);
        const auto writer = WalWriter::create(place_in(files), small, 1, 1).value();
        append_one(*writer).value();
        files.fault = {.at = 1, .code = ErrorCode::resource_exhausted, .done_all_the_same = partly, .only = "write_at"};
        CHECK(append_one(*writer, 300).error().code == ErrorCode::resource_exhausted);
        CHECK_FALSE(writer->broken());
        CHECK(writer->appended() == 1);
        CHECK(check_log(place_in(image)).last == 1);
        append_one(*writer, 50).value();
        append_one(*writer, 60).value();
        writer->close().value();
        CHECK(check_log(place_in(image)).last == 3);
    }
}

TEST_CASE("A write that fails for another reason breaks the log", "[wal]") {
    ImageFiles image;
    FailingFiles files(image);
    const auto writer = WalWriter::create(place_in(files), small, 1, 1).value();
    append_one(*writer).value();
    files.fault = {.at = 1, .only = "write_at"};
    CHECK(append_one(*writer).error().code == ErrorCode::io_error);
    CHECK(writer->broken());
    CHECK(append_one(*writer).error().code == ErrorCode::read_only);
    CHECK(check_log(place_in(image)).last == 1);
}

TEST_CASE("A full disk at a change of files leaves the log as it was", "[wal]") {
    ImageFiles image;
    FailingFiles files(image);
    const auto writer = WalWriter::create(place_in(files), small, 1, 1).value();
    while (append_one(*writer, 1000) && writer->appended() < 3) {}
    files.fault = {.at = 1, .code = ErrorCode::resource_exhausted, .only = "allocate"};
    CHECK(append_one(*writer, 5000).error().code == ErrorCode::resource_exhausted);
    CHECK_FALSE(writer->broken());
    CHECK(names_in(image, "wal") == std::vector<std::string>{"000001.wal"});
    append_one(*writer, 10).value();  // there is still room for a small one
    CHECK(writer->file_number() == 1);
    append_one(*writer, 2000).value();
    CHECK(writer->file_number() == 2);
    CHECK(check_log(place_in(image)).last == 5);
}

TEST_CASE("Where there is no space for the next file a smaller one is made", "[wal]") {
    ImageFiles image;
    FailingFiles files(image);
    const auto writer = WalWriter::create(place_in(files), small, 1, 1).value();
    while (writer->file_number() < 9) append_one(*writer, 2000).value();
    CHECK(image.bytes("000009.wal").size() == 8192);
    while (writer->file_number() < 10) {
        files.fault = {.at = 1, .code = ErrorCode::resource_exhausted, .only = "allocate"};
        append_one(*writer, 2000).value();
    }
    CHECK(image.bytes("000010.wal").size() == 4096);
    // The next one is as large as this one should have been.
    while (writer->file_number() < 11) append_one(*writer, 2000).value();
    CHECK(image.bytes("000011.wal").size() == 8192);
    CHECK(check_log(place_in(image)).last == writer->appended());
}

TEST_CASE("After a rename that may have happened nothing goes into the old file any more", "[wal]") {
    // The next file says where this one ends: an effect behind that would be lost.
    ImageFiles image;
    FailingFiles files(image);
    const auto writer = WalWriter::create(place_in(files), small, 1, 1).value();
    while (writer->appended() < 3) append_one(*writer, 1000).value();
    files.fault = {.at = 1, .done_all_the_same = true, .only = "rename"};
    CHECK(append_one(*writer, 2000).error().code == ErrorCode::io_error);
    CHECK_FALSE(writer->broken());
    CHECK(check_log(place_in(image)).last == 3);
    append_one(*writer, 10).value();
    CHECK(writer->file_number() == 2);
    writer->close().value();
    CHECK(check_log(place_in(image)).last == 4);
}

TEST_CASE("A recycled file that fails is given up for a new one", "[wal]") {
    for (const char* const call : {"open", "write_at", "sync"}) {
        ImageFiles image;
        FailingFiles files(image);
        const auto writer = WalWriter::create(place_in(files), {4096, 4096, 2}, 1, 1).value();
        append_one(*writer, 3900).value();
        append_one(*writer, 3900).value();
        writer->release(1).value();
        CHECK(image.files.count("wal/000001.old") == 1);
        writer->sync().value();
        files.fault = {.at = 1, .only = call};
        append_one(*writer, 3900).value();
        CHECK(files.fault.failed == call);
        CHECK(names_in(image, "wal") == std::vector<std::string>{"000002.wal", "000003.wal"});
        CHECK(writer->disk_bytes() == 8192);
        CHECK(check_log(place_in(image), 1).last == 3);
    }
}

namespace {

/// A run through everything a writer does. Goes on after errors as a collection would: tries once more, and opens again
/// when the log is broken. Gives the last Lsn that was promised.
struct Run {
    std::uint64_t promised = 0;
    std::uint64_t appended = 0;
    std::uint64_t flushed = 0;
    int errors = 0;
};

void run_writer(const WalPlace& place, Run& run) {
    const WalOptions options{4096, 8192, 1};
    const auto check = [&](const Result<void>& result) -> bool {
        if (!result) ++run.errors;
        return result.has_value();
    };
    for (int session = 0; session < 2; ++session) {
        auto end = replay_wal(place, run.flushed, OnWalDamage::fail, true,
                              [](const auto&, const auto&, auto) -> Result<void> { return {}; });
        if (!end && ++run.errors > 0) {
            CHECK(end.error().code != ErrorCode::corruption);
            continue;
        }
        CHECK(end->last >= run.promised);
        run.promised = run.appended = end->last;
        auto created = WalWriter::create(place, options, end->next_file_number, end->last + 1);
        if (!created) {
            ++run.errors;
            created = WalWriter::create(place, options, end->next_file_number, end->last + 1);
        }
        REQUIRE(created);
        WalWriter& writer = **created;
        for (int i = 0; i < 12 && !writer.broken(); ++i) {
            if (!check(append_one(writer, 1500)) && !writer.broken()) CHECK(append_one(writer, 1500));
            run.appended = writer.appended();
            if (i % 4 == 3 && check(writer.sync())) run.promised = writer.appended();
            if (i % 6 == 5 && !writer.broken()) {
                run.flushed = run.promised;
                check(writer.release(run.flushed));
            }
        }
        if (session == 1 && check(writer.close())) run.promised = writer.appended();
        run.promised = std::max(run.promised, writer.synced());
    }
}

}  // namespace

TEST_CASE("Whichever call fails, nothing that was promised is lost and the next opening works", "[wal]") {
    ImageFiles reference;
    FailingFiles counting(reference);
    Run whole;
    run_writer(place_in(counting), whole);
    REQUIRE(whole.errors == 0);
    REQUIRE(counting.fault.calls > 100);
    const std::uint64_t calls = counting.fault.calls;
    for (const ErrorCode code : {ErrorCode::io_error, ErrorCode::resource_exhausted}) {
        for (const bool done : {false, true}) {
            for (std::uint64_t at = 1; at <= calls; ++at) {
                ImageFiles image;
                FailingFiles files(image);
                files.fault = {.at = at, .code = code, .done_all_the_same = done};
                Run run;
                run_writer(place_in(files), run);
                CAPTURE(at, files.fault.failed, to_string(code), done);
                const auto end = check_log(place_in(image), run.flushed);
                REQUIRE(end.last >= run.promised);
                REQUIRE(end.last <= std::max(run.appended, run.promised));
                const auto writer =
                    WalWriter::create(place_in(image), small, end.next_file_number, end.last + 1).value();
                append_one(*writer).value();
                REQUIRE(check_log(place_in(image), run.flushed).last == end.last + 1);
            }
        }
    }
}

TEST_CASE("Syncing and releasing beside appending promise only what is on disk", "[wal][threads]") {
    const sextant_test::TestDirectory directory;
    const auto files = posix_file_system();
    const WalPlace place = place_in(*files, directory.path());
    const auto writer = WalWriter::create(place, small, 1, 1).value();
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> flushed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            while (!done) {
                const std::uint64_t before = writer->appended();
                if (!writer->sync() || writer->synced() < before) std::terminate();
            }
        });
    }
    threads.emplace_back([&] {
        while (!done) {
            const std::uint64_t upto = writer->synced() / 2;
            flushed = upto;
            if (!writer->release(upto)) std::terminate();
        }
    });
    for (int i = 0; i < 1000; ++i) append_one(*writer, 200).value();
    done = true;
    for (auto& thread : threads) thread.join();
    writer->close().value();
    const auto end = check_log(place, flushed);
    CHECK(end.last == 1000);
    CHECK(end.clean);
}
