/// wal_files: what lies in the directory of a log: 000034.wal holds frames, 000031.old waits to be used again, anything
/// ending in .tmp was being prepared when a process ended.
/// Threads: pure functions and values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/format/file_header.hpp"
#include "sextant/io/file_system.hpp"

namespace sextant::inline v1 {

/// Where a log is, and whose.
struct WalPlace {
    FileSystem* files = nullptr;
    std::string directory = {};                 ///< must exist
    std::array<std::byte, 16> collection = {};  ///< random, of the collection it belongs to

    [[nodiscard]] std::string path(std::string_view name) const { return directory + "/" + std::string(name); }
    [[nodiscard]] format::FileIdentity identity(std::uint64_t number) const noexcept {
        return {.collection = collection, .kind = format::FileKind::wal, .number = number};
    }
};

/// "000034.wal": at least six digits.
[[nodiscard]] std::string wal_name(std::uint64_t number);
/// "000034.old"
[[nodiscard]] std::string recycled_wal_name(std::uint64_t number);
/// "000034.tmp"
[[nodiscard]] std::string temporary_wal_name(std::uint64_t number);

struct WalFileName {
    std::uint64_t number = 0;
    std::string name = {};
};

struct WalListing {
    std::vector<WalFileName> logs = {};      ///< by number
    std::vector<WalFileName> recycled = {};  ///< by number
    std::vector<std::string> temporary = {};

    /// Larger than every number in use, even by a file that only waits.
    [[nodiscard]] std::uint64_t next_number() const noexcept;
};

/// Other names are left alone. Two logs of one number are corruption.
[[nodiscard]] Result<WalListing> list_wal_files(const WalPlace& place);

/// The header of a log file, where it has one.
struct WalHeader {
    /// Lsn of the first effect the file may hold; nullopt where the header is cut off or its checksum is wrong, as a
    /// crash during the file's creation may leave it.
    std::optional<std::uint64_t> sequence = std::nullopt;
    std::string problem = {};  ///< what is wrong with it, where there is no sequence
};

/// corruption when the header is right, but of another file or without sense: no crash does that.
[[nodiscard]] Result<WalHeader> read_wal_header(const File& file, const WalPlace& place, std::uint64_t number);

}  // namespace sextant::inline v1
