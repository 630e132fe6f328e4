#include "sextant/wal/wal_files.hpp"

#include <algorithm>
#include <charconv>

#include "core/format_text.hpp"

namespace sextant::inline v1 {
namespace {

constexpr std::string_view log_ending = ".wal";
constexpr std::string_view recycled_ending = ".old";
constexpr std::string_view temporary_ending = ".tmp";

std::string name_of(std::uint64_t number, std::string_view ending) { return format_text("{:06}{}", number, ending); }

std::optional<std::uint64_t> number_in(std::string_view name, std::string_view ending) {
    constexpr std::size_t least_digits = 6;
    if (name.size() < least_digits + ending.size() || !name.ends_with(ending)) return std::nullopt;
    const std::string_view digits = name.substr(0, name.size() - ending.size());
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    constexpr std::uint64_t most = 1'000'000'000'000'000'000;  // so that the next number exists for ever
    if (number > most) return std::nullopt;
    return number;
}

void sort_by_number(std::vector<WalFileName>& names) {
    std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
}

}  // namespace

std::string wal_name(std::uint64_t number) { return name_of(number, log_ending); }
std::string recycled_wal_name(std::uint64_t number) { return name_of(number, recycled_ending); }
std::string temporary_wal_name(std::uint64_t number) { return name_of(number, temporary_ending); }

std::uint64_t WalListing::next_number() const noexcept {
    std::uint64_t next = 1;
    if (!logs.empty()) next = std::max(next, logs.back().number + 1);
    if (!recycled.empty()) next = std::max(next, recycled.back().number + 1);
    return next;
}

Result<WalListing> list_wal_files(const WalPlace& place) {
    SEXTANT_TRY_ASSIGN(const auto entries, place.files->list(place.directory));
    WalListing listing;
    for (const DirectoryEntry& entry : entries) {
        if (entry.is_directory) continue;
        if (const auto log = number_in(entry.name, log_ending)) {
            listing.logs.push_back({*log, entry.name});
        } else if (const auto recycled = number_in(entry.name, recycled_ending)) {
            listing.recycled.push_back({*recycled, entry.name});
        } else if (entry.name.ends_with(temporary_ending)) {
            listing.temporary.push_back(entry.name);
        }
    }
    sort_by_number(listing.logs);
    sort_by_number(listing.recycled);
    const auto twin = std::adjacent_find(listing.logs.begin(), listing.logs.end(),
                                         [](const auto& a, const auto& b) { return a.number == b.number; });
    if (twin == listing.logs.end()) return listing;
    return Error{ErrorCode::corruption,
                 format_text("{}: it has the same number as {}", place.path(twin->name), place.path((twin + 1)->name))};
}

Result<WalHeader> read_wal_header(const File& file, const WalPlace& place, std::uint64_t number) {
    format::FileHeaderBytes bytes{};
    SEXTANT_TRY_ASSIGN(const std::size_t size, file.read_at(0, bytes));
    const auto read = std::span<const std::byte>(bytes).first(size);
    const auto any = format::decode_file_header(read, file.path());
    if (!any) {
        if (any.error().code != ErrorCode::corruption) return any.error();
        return WalHeader{.problem = any.error().message};
    }
    SEXTANT_TRY_ASSIGN(const auto header, format::decode_file_header(read, place.identity(number), file.path()));
    if (header.sequence == 0) {
        return Error{ErrorCode::corruption, format_text("{}: the first effect has number 0", file.path())};
    }
    return WalHeader{.sequence = header.sequence};
}

}  // namespace sextant::inline v1
