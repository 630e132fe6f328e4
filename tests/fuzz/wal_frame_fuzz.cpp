// Bytes as a whole log file: replaying ends in an error or in a state that a writer can go on from.
// Input: a byte that says whether checksums are made right first, then the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/wal_effects.hpp"
#include "sextant/wal/wal_reader.hpp"
#include "sextant/wal/wal_writer.hpp"
#include "wal/wal_support.hpp"

namespace {

namespace format = sextant::format;
using sextant::OnWalDamage;
using sextant::Result;

void require(bool condition) {
    if (!condition) std::abort();
}

/// Without this no changed byte would ever get past the checksums.
void make_right(std::vector<std::byte>& bytes, const format::FileIdentity& identity) {
    if (bytes.size() < format::file_header_size) return;
    format::store_le(bytes.data() + 56, sextant::hash64(std::span<const std::byte>(bytes).first(56)));
    std::size_t at = format::file_header_size;
    while (bytes.size() - at >= format::wal_frame_header_size) {
        const auto rest = std::span<const std::byte>(bytes).subspan(at);
        const auto size = format::plausible_frame_size(rest);
        if (size && *size <= rest.size()) {
            const auto covered = rest.subspan(8, static_cast<std::size_t>(*size) - 8);
            format::store_le(bytes.data() + at, sextant::hash64(covered, format::checksum_seed(identity, at)));
        }
        const auto parsed = format::parse_frame(rest, identity, at);
        if (parsed.state == format::FrameState::valid) {
            std::vector<std::byte> again;
            format::append_frame(again, identity, at, parsed.frame);
            require(again.size() == parsed.size && std::equal(again.begin(), again.end(), rest.begin()));
        }
        at += parsed.state == format::FrameState::valid ? static_cast<std::size_t>(parsed.size) : 8;
    }
}

std::uint64_t replay(const sextant::WalPlace& place, std::uint64_t flushed) {
    std::uint64_t next = 0;
    const auto sink = [&](const format::WalFrame& frame, const std::string& path, std::uint64_t at) -> Result<void> {
        require(next == 0 ? frame.first <= flushed + 1 : frame.first == next);
        next = frame.first + frame.count;
        require(next - 1 > flushed);
        format::read_effects(frame.payload, frame.count, 4, path, at + format::wal_frame_header_size,
                             [](const format::LoggedEffect&) { return Result<void>{}; })
            .ignore("any bytes are payload here");
        return {};
    };
    const auto stopped = sextant::replay_wal(place, flushed, OnWalDamage::stop, false, sink);
    if (!stopped) return 0;
    require(stopped->last == (next == 0 ? flushed : next - 1));
    next = 0;
    const auto whole = sextant::replay_wal(place, flushed, OnWalDamage::fail, true, sink);
    require(whole.has_value() != stopped->damage.has_value());
    return stopped->last;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto* const first = reinterpret_cast<const std::byte*>(data);
    wal_test::ImageFiles files;
    const auto place = wal_test::place_in(files);
    auto bytes = std::make_shared<std::vector<std::byte>>(first + 1, first + size);
    if ((data[0] & 1U) != 0) make_right(*bytes, place.identity(1));
    files.files["wal/000001.wal"] = bytes;
    replay(place, 2);
    const std::uint64_t last = replay(place, 0);
    if (last == ~std::uint64_t{0} || sextant::replay_wal(place, 0, OnWalDamage::stop, false, [](auto&&...) {
                                         return Result<void>{};
                                     }).has_value() == false) {
        return 0;
    }
    // What follows is read back, and nothing else behind.
    const auto writer = sextant::WalWriter::create(place, {4096, 4096, 0}, 2, last + 1);
    require(writer.has_value());
    if (last + 1 == ~std::uint64_t{0}) return 0;
    (*writer)->append(format::WalFrameKind::effects, last + 1, 1, {}).value();
    require(replay(place, 0) == last + 1);
    return 0;
}
