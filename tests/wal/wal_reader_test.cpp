#include "sextant/wal/wal_reader.hpp"

#include <string>
#include <vector>

#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/wal/wal_writer.hpp"
#include "support/catch.hpp"
#include "wal/wal_support.hpp"

using namespace sextant;
using namespace wal_test;
using format::WalFrame;
using format::WalFrameKind;

namespace {

constexpr WalOptions small{.min_file_size = 4096, .max_file_size = 4096, .keep_recycled = 0};
/// Frames of this payload are 1,048 bytes: three fit into a small file.
constexpr std::size_t third = 1000;
constexpr std::size_t frame_bytes = 1048;

struct Replayed {
    std::vector<std::uint64_t> firsts = {};
    WalEnd end = {};
};

/// Checks that what is replayed is what was appended.
Result<Replayed> replay(const WalPlace& place, std::uint64_t flushed = 0, OnWalDamage on_damage = OnWalDamage::fail) {
    Replayed replayed;
    SEXTANT_TRY_ASSIGN(
        replayed.end,
        replay_wal(place, flushed, on_damage, true, [&](const WalFrame& frame, const auto&, auto) -> Result<void> {
            const auto bytes = payload_of(frame.first, frame.payload.size());
            REQUIRE(std::equal(bytes.begin(), bytes.end(), frame.payload.begin(), frame.payload.end()));
            replayed.firsts.push_back(frame.first);
            return {};
        }));
    return replayed;
}

std::string damage_of(const WalPlace& place, std::uint64_t flushed = 0) {
    const auto replayed = replay(place, flushed);
    if (replayed) return "";
    CHECK(replayed.error().code == ErrorCode::corruption);
    const auto stopped = replay(place, flushed, OnWalDamage::stop);
    CHECK(stopped);
    if (stopped) CHECK(stopped->end.damage.value_or(WalDamage{}).what == replayed.error().message);
    return replayed.error().message;
}

void append(WalWriter& writer, std::size_t size = third) {
    const std::uint64_t first = writer.appended() + 1;
    writer.append(WalFrameKind::effects, first, 1, payload_of(first, size)).value();
}

/// Three files with effects 1 to 3, 4 to 6, 7 to 9; synced after each third, but not closed.
ImageFiles three_files() {
    ImageFiles files;
    const auto writer = WalWriter::create(place_in(files), small, 1, 1).value();
    for (int i = 0; i < 9; ++i) append(*writer);
    REQUIRE(writer->file_number() == 3);
    return files;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Puts a frame with a right checksum into a file.
void put_frame(ImageFiles& files, std::uint64_t number, std::size_t at, const WalFrame& frame) {
    Bytes bytes;
    format::append_frame(bytes, place_in(files).identity(number), at, frame);
    auto& image = files.bytes(wal_name(number));
    REQUIRE(at + bytes.size() <= image.size());
    std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(at));
}

void put_header(ImageFiles& files, std::uint64_t number, std::uint64_t sequence) {
    const auto header = format::encode({.identity = place_in(files).identity(number), .sequence = sequence});
    std::copy(header.begin(), header.end(), files.bytes(wal_name(number)).begin());
}

}  // namespace

TEST_CASE("A directory without a log has nothing to replay", "[wal]") {
    ImageFiles files;
    const auto replayed = replay(place_in(files), 17).value();
    CHECK(replayed.end.last == 17);
    CHECK(replayed.end.next_file_number == 1);
    CHECK_FALSE(replayed.end.clean);
}

TEST_CASE("Frames with nothing newer than the flushed effects are skipped", "[wal]") {
    ImageFiles files = three_files();
    using Firsts = std::vector<std::uint64_t>;
    CHECK(replay(place_in(files), 0)->firsts == Firsts{1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(replay(place_in(files), 4)->firsts == Firsts{5, 6, 7, 8, 9});
    CHECK(replay(place_in(files), 9)->firsts.empty());
    CHECK(replay(place_in(files), 12)->end.last == 12);
    files.files.erase("wal/000001.wal");
    CHECK(replay(place_in(files), 3)->firsts == Firsts{4, 5, 6, 7, 8, 9});
    CHECK(contains(damage_of(place_in(files), 2),
                   "wal/000002.wal: it begins with effect 4, and no file has effects 3 to 3"));
    CHECK(replay(place_in(files), ~std::uint64_t{0})->end.last == ~std::uint64_t{0});
}

TEST_CASE("What is lost behind a damage is counted in later files too", "[wal]") {
    using Firsts = std::vector<std::uint64_t>;
    const auto stop_at = [](ImageFiles& files) { return replay(place_in(files), 0, OnWalDamage::stop).value(); };
    {
        ImageFiles files = three_files();
        files.files.erase("wal/000002.wal");
        const auto replayed = stop_at(files);
        CHECK(replayed.firsts == Firsts{1, 2, 3});
        REQUIRE(replayed.end.damage);
        CHECK(replayed.end.damage->lost_frames == 3);
        CHECK(replayed.end.damage->lost_bytes == 3 * frame_bytes);
        CHECK(replayed.end.damage->lost_last == 9);
    }
    {
        ImageFiles files = three_files();
        files.bytes(wal_name(2))[format::file_header_size + 100] ^= std::byte{1};
        const auto replayed = stop_at(files);
        CHECK(replayed.firsts == Firsts{1, 2, 3});
        REQUIRE(replayed.end.damage);
        CHECK(replayed.end.damage->lost_frames == 5);
        CHECK(replayed.end.damage->lost_last == 9);
    }
}

TEST_CASE("A file of another log stops a replay that may stop, and fails any other", "[wal]") {
    ImageFiles files = three_files();
    ImageFiles others;
    WalPlace other = place_in(others);
    other.collection[0] ^= std::byte{1};
    const auto writer = WalWriter::create(other, small, 2, 4).value();
    append(*writer);
    files.bytes(wal_name(2)) = others.bytes(wal_name(2));
    CHECK(replay(place_in(files)).error().code == ErrorCode::corruption);
    const auto replayed = replay(place_in(files), 0, OnWalDamage::stop).value();
    CHECK(replayed.firsts == std::vector<std::uint64_t>{1, 2, 3});
    REQUIRE(replayed.end.damage);
    CHECK(contains(replayed.end.damage->what, "wal/000002.wal"));
    REQUIRE(replayed.end.passed_over.size() == 1);
    CHECK(contains(replayed.end.passed_over[0], "wal/000002.wal"));
    CHECK(replayed.end.damage->lost_frames == 3);
}

TEST_CASE("The sink's error ends the replay", "[wal]") {
    ImageFiles files = three_files();
    int calls = 0;
    const auto end = replay_wal(place_in(files), 0, OnWalDamage::stop, true,
                                [&](const auto&, const std::string& path, std::uint64_t at) -> Result<void> {
                                    return ++calls < 5 ? Result<void>{} : invalid_argument(path + std::to_string(at));
                                });
    CHECK(calls == 5);
    CHECK(end.error().message == "wal/000002.wal" + std::to_string(64 + frame_bytes));
}

TEST_CASE("A missing, a doubled or a foreign file is damage", "[wal]") {
    const ImageFiles whole = three_files();
    ImageFiles files = whole.copy();
    files.files.erase("wal/000002.wal");
    CHECK(contains(damage_of(place_in(files)),
                   "wal/000001.wal: offset 3208: no valid frame with effect 4, but a later file begins with 7"));
    files = whole.copy();
    files.files["wal/0000002.wal"] = files.files["wal/000002.wal"];
    CHECK(contains(replay(place_in(files)).error().message, "it has the same number as"));
    files = whole.copy();
    files.bytes("000003.wal") = files.bytes("000002.wal");
    CHECK(replay(place_in(files)).error().code == ErrorCode::corruption);
    files = whole.copy();
    auto other = place_in(files);
    other.collection[3] ^= std::byte{1};
    CHECK(replay(other).error().code == ErrorCode::corruption);
    files = whole.copy();
    put_header(files, 3, 0);
    CHECK(contains(replay(place_in(files)).error().message, "the first effect has number 0"));
}

TEST_CASE("A tear in the last file ends the log, whatever lies behind that nobody was promised", "[wal]") {
    const ImageFiles whole = three_files();
    for (const std::size_t torn : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
        ImageFiles files = whole.copy();
        auto& bytes = files.bytes("000003.wal");
        const std::size_t at = 64 + torn * frame_bytes;
        bytes[at + 500] ^= std::byte{1};
        const auto replayed = replay(place_in(files)).value();
        CHECK(replayed.end.last == 6 + torn);
        CHECK(replayed.end.torn_bytes == (3 - torn) * frame_bytes);
        // As zeros: a sector that never reached the disk.
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 512, std::byte{0});
        CHECK(replay(place_in(files))->end.last == 6 + torn);
        bytes.resize(at + 20);
        CHECK(replay(place_in(files))->end.last == 6 + torn);
    }
}

TEST_CASE("After a torn tail the next file goes on, and the tail is never read again", "[wal]") {
    ImageFiles files = three_files();
    files.bytes("000003.wal")[64 + frame_bytes + 500] ^= std::byte{1};  // 8 is torn, 9 whole
    const auto end = replay(place_in(files))->end;
    CHECK(end.last == 7);
    const auto writer = WalWriter::create(place_in(files), small, end.next_file_number, end.last + 1).value();
    append(*writer);
    append(*writer);
    const auto again = replay(place_in(files)).value();
    CHECK(again.firsts == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(again.end.torn_bytes == 0);
}

TEST_CASE("A frame missing before one that was written when it was on disk is damage", "[wal]") {
    ImageFiles whole;
    const auto writer = WalWriter::create(place_in(whole), {16'384, 16'384, 0}, 1, 1).value();
    for (int i = 0; i < 6; ++i) {
        append(*writer);
        if (i == 2) writer->sync().value();
    }
    for (const bool zeroed : {false, true}) {
        for (std::size_t frame = 0; frame < 6; ++frame) {
            ImageFiles files = whole.copy();
            auto& bytes = files.bytes("000001.wal");
            const auto at = static_cast<std::ptrdiff_t>(64 + frame * frame_bytes);
            if (zeroed) {
                std::fill_n(bytes.begin() + at, frame_bytes, std::byte{0});
            } else {
                bytes[static_cast<std::size_t>(at) + 8] ^= std::byte{64};  // another size
            }
            CAPTURE(zeroed, frame);
            const auto stopped = replay(place_in(files), 0, OnWalDamage::stop).value();
            CHECK(stopped.end.last == frame);
            if (frame < 3) {
                CHECK(contains(damage_of(place_in(files)), "wal/000001.wal: offset " + std::to_string(at) + ": "));
                CHECK(stopped.end.damage->lost_frames == 5 - frame);
                CHECK(stopped.end.damage->lost_bytes == (5 - frame) * frame_bytes);
                // Not where the segments have it all.
                CHECK(replay(place_in(files), frame + 1)->end.last == 6);
            } else {
                CHECK(damage_of(place_in(files)).empty());
            }
        }
    }
}

TEST_CASE("A log that was opened up to its damage goes on from there", "[wal]") {
    ImageFiles files = three_files();
    files.bytes("000001.wal")[64 + frame_bytes + 100] ^= std::byte{1};
    const auto stopped = replay(place_in(files), 0, OnWalDamage::stop).value();
    CHECK(stopped.end.last == 1);
    CHECK(contains(stopped.end.damage->what, "no valid frame with effect 2, but a later file begins with 4"));
    const auto writer = WalWriter::create(place_in(files), small, stopped.end.next_file_number, 2).value();
    append(*writer);
    CHECK(replay(place_in(files))->firsts == std::vector<std::uint64_t>{1, 2});
    writer->release(1).value();
    CHECK(files.files.size() == 1);
}

TEST_CASE("A creation that was cut off is ignored, also once the log went on", "[wal]") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{30}, std::size_t{4096}}) {
        ImageFiles files = three_files();
        files.files["wal/000004.wal"] = std::make_shared<Bytes>(size);
        const auto end = replay(place_in(files))->end;
        CHECK(end.last == 9);
        CHECK(end.next_file_number == 5);
        const auto writer = WalWriter::create(place_in(files), small, 5, 10).value();
        append(*writer);
        CHECK(replay(place_in(files))->end.last == 10);
    }
}

TEST_CASE("Behind a file without a header nobody says that the log was closed", "[wal]") {
    ImageFiles files;
    {
        const auto writer = WalWriter::create(place_in(files), small, 1, 1).value();
        append(*writer);
        writer->close().value();
    }
    CHECK(replay(place_in(files))->end.clean);
    WalWriter::create(place_in(files), small, 2, 2).value().reset();
    CHECK_FALSE(replay(place_in(files))->end.clean);
    files.bytes(wal_name(2)).resize(32);
    const auto end = replay(place_in(files))->end;
    CHECK(end.last == 1);
    CHECK_FALSE(end.clean);
}

TEST_CASE("A damaged header is damage where the file held something", "[wal]") {
    const ImageFiles whole = three_files();
    for (std::uint64_t number = 1; number <= 3; ++number) {
        ImageFiles files = whole.copy();
        files.bytes(wal_name(number))[40] ^= std::byte{1};
        CAPTURE(number);
        CHECK(contains(damage_of(place_in(files)), "wal/" + wal_name(number) + ": offset 56: header checksum"));
        CHECK(replay(place_in(files), 0, OnWalDamage::stop)->end.last == 3 * (number - 1));
    }
}

TEST_CASE("A later version of the format is unsupported, not damage", "[wal]") {
    ImageFiles files = three_files();
    auto& bytes = files.bytes("000003.wal");
    bytes[10] = std::byte{2};
    format::store_le(bytes.data() + 56, hash64(std::span<const std::byte>(bytes).first(56)));
    CHECK(replay(place_in(files), 0, OnWalDamage::stop).error().code == ErrorCode::unsupported);
}

TEST_CASE("Right checksums over nonsense end in an error or in an end of the log", "[wal]") {
    const ImageFiles whole = three_files();
    const Bytes payload = payload_of(8, third);
    const auto last_after = [&](const WalFrame& frame) {
        ImageFiles files = whole.copy();
        put_frame(files, 3, 64 + frame_bytes, frame);
        const auto replayed = replay(place_in(files), 0, OnWalDamage::stop);
        REQUIRE(replayed);
        return replayed->end;
    };
    CHECK(last_after({.first = 8, .count = 1, .synced = 0, .payload = payload}).last == 9);
    CHECK(last_after({.first = 9, .count = 1, .synced = 0, .payload = payload}).last == 7);  // a gap
    CHECK(last_after({.first = 7, .count = 1, .synced = 0, .payload = payload}).last == 7);  // twice
    CHECK(last_after({.first = 9, .count = 1, .synced = 8, .payload = payload}).damage);     // a gap that was synced
    CHECK(last_after({.first = 8, .count = 0xFFFF'FFFF, .synced = 0, .payload = payload}).last == 7 + 0xFFFF'FFFFULL);
    CHECK(last_after({.kind = WalFrameKind::clean_close, .first = 8, .synced = 7}).clean);
    CHECK_FALSE(last_after({.kind = WalFrameKind::clean_close, .first = 9, .synced = 7}).clean);
    CHECK(last_after({.kind = WalFrameKind::clean_close, .first = 9, .synced = 8}).damage);
    // A frame that reaches into the next file, and a close before it.
    ImageFiles files = whole.copy();
    put_frame(files, 2, 64 + frame_bytes, {.first = 5, .count = 5, .payload = payload});
    CHECK(contains(damage_of(place_in(files)), "but a later file begins with 7"));
    put_frame(files, 2, 64 + frame_bytes, {.kind = WalFrameKind::clean_close, .first = 5});
    CHECK(contains(damage_of(place_in(files)), "but a later file begins with 7"));
}

TEST_CASE("Bytes made to look like frames cost no more than a few passes", "[wal]") {
    ImageFiles files;
    const WalPlace place = place_in(files);
    auto& bytes = *(files.files["wal/000001.wal"] = std::make_shared<Bytes>(std::size_t{4} << 20U));
    put_header(files, 1, 1);
    for (std::size_t at = 128; at + 48 <= bytes.size(); at += 48) {
        format::store_le(bytes.data() + at + 8, static_cast<std::uint32_t>(bytes.size() - at - 48));
        format::store_le(bytes.data() + at + 12, std::uint16_t{1});
        format::store_le(bytes.data() + at + 16, std::uint64_t{2});
        format::store_le(bytes.data() + at + 24, std::uint32_t{1});
    }
    CHECK(contains(damage_of(place), "too much behind it looks like frames"));
}

TEST_CASE("No flipped bit of a closed log loses what was promised unsaid", "[wal]") {
    ImageFiles whole;
    {
        const auto writer = WalWriter::create(place_in(whole), {4096, 4096, 0}, 1, 1).value();
        for (int i = 0; i < 4; ++i) append(*writer, i < 2 ? 3700 : 60);
        writer->close().value();
    }
    const std::uint64_t promised = replay(place_in(whole))->end.last;
    REQUIRE(promised == 4);
    REQUIRE(whole.files.size() == 2);
    int damaged = 0;
    for (const auto& [name, original] : whole.files) {
        ImageFiles files = whole.copy();
        Bytes& bytes = *files.files[name];
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            const auto flip = static_cast<std::byte>(1U << (bit % 8));
            bytes[bit / 8] ^= flip;
            std::uint64_t next = 1;
            const auto end = replay_wal(place_in(files), 0, OnWalDamage::fail, false,
                                        [&](const WalFrame& frame, const auto&, auto) -> Result<void> {
                                            if (frame.first != next++) return invalid_argument("out of order");
                                            return {};
                                        });
            bytes[bit / 8] ^= flip;
            if (end && end->last == promised) continue;
            const bool says =
                !end && (end.error().code == ErrorCode::corruption || end.error().code == ErrorCode::unsupported);
            if (!says) FAIL(name << ": bit " << bit);
            ++damaged;
        }
    }
    CHECK(damaged > 60'000);
}
