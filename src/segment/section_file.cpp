#include "segment/section_file.hpp"

#include <algorithm>
#include <cstring>

#include "core/format_text.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Written at a time; a whole number of blocks.
constexpr std::size_t piece_size = std::size_t{1} << 20U;
static_assert(piece_size % format::block_size == 0);
/// Read at a time: it stays in a core's cache while its checksums are computed and it goes to its place.
constexpr std::size_t read_size = std::size_t{256} << 10U;
static_assert(read_size % format::block_size == 0);

std::uint64_t round_up(std::uint64_t size) noexcept {
    return (size + section_alignment - 1) / section_alignment * section_alignment;
}

Error wrong_size(const std::string& path, std::uint64_t size, std::uint64_t expected) {
    return format::damaged(path, std::min(size, expected),
                           format_text("the file has {} bytes, expected {}", size, expected));
}

Result<void> check_size(const File& file, const format::FileEntry& entry) {
    SEXTANT_TRY_ASSIGN(const std::uint64_t size, file.size());
    if (size == entry.size) return {};
    return wrong_size(file.path(), size, entry.size);
}

/// That the footer lists the file with the size its sections need.
Result<void> check_listed_size(const format::FileEntry& entry, std::span<const std::uint64_t> section_sizes,
                               const std::string& path) {
    const std::uint64_t expected = section_file_size(section_sizes);
    if (entry.size == expected) return {};
    return format::damaged(
        path, std::min(entry.size, expected),
        format_text("the file should have {} bytes for its sections, and has {}", expected, entry.size));
}

/// Hands over the checked bytes of a file, front to back.
class PieceReader {
public:
    PieceReader(const File& file, const format::FileIdentity& identity, const format::FileEntry& entry)
        : file_(file),
          identity_(identity),
          entry_(entry),
          piece_(static_cast<std::size_t>(std::min<std::uint64_t>(read_size, entry.size))) {}

    /// Empty at the end.
    Result<std::span<const std::byte>> next() {
        const std::uint64_t left = entry_.size - at_;
        const auto piece =
            std::span(piece_).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, piece_.size())));
        if (piece.empty()) return std::span<const std::byte>();
        SEXTANT_TRY(read_exactly(file_, at_, piece));
        for (std::size_t i = 0; i < piece.size(); i += format::block_size) {
            const std::uint64_t index = (at_ + i) / format::block_size;
            const auto block = piece.subspan(i, std::min(format::block_size, piece.size() - i));
            const std::uint64_t computed = format::block_checksum(identity_, index, block);
            const std::uint64_t stored = entry_.blocks[static_cast<std::size_t>(index)];
            if (computed == stored) continue;
            return format::damaged(
                file_.path(), at_ + i,
                format_text("checksum of block {} is {:016x}, computed {:016x}", index, stored, computed));
        }
        at_ += piece.size();
        return std::span<const std::byte>(piece);
    }

private:
    const File& file_;
    const format::FileIdentity& identity_;
    const format::FileEntry& entry_;
    PagedVector<std::byte> piece_;
    std::uint64_t at_ = 0;
};

/// Spreads a stream of bytes over sections; what lies between them must be zero.
class Spreader {
public:
    Spreader(std::span<const std::span<std::byte>> sections, const std::string& path)
        : sections_(sections), path_(path) {}

    Result<void> take(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            while (index_ < sections_.size() && at_ == begin_ + sections_[index_].size()) {
                ++index_;
                begin_ = round_up(at_);
            }
            const bool inside = index_ < sections_.size() && at_ >= begin_;
            const std::uint64_t until = inside ? begin_ + sections_[index_].size() : begin_;
            if (until <= at_) return format::damaged(path_, at_, "there is more than its sections");
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), until - at_));
            if (inside) {
                std::memcpy(sections_[index_].data() + (at_ - begin_), bytes.data(), count);
            } else if (std::any_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count),
                                   [](std::byte byte) { return byte != std::byte{0}; })) {
                return format::damaged(path_, at_, "padding is not zero");
            }
            at_ += count;
            bytes = bytes.subspan(count);
        }
        return {};
    }
    void skip_header() noexcept {
        at_ = format::file_header_size;
        begin_ = format::file_header_size;
    }

private:
    std::span<const std::span<std::byte>> sections_;
    const std::string& path_;
    std::size_t index_ = 0;
    std::uint64_t at_ = 0;
    std::uint64_t begin_ = 0;  ///< of section index_
};

}  // namespace

std::uint64_t section_file_size(std::span<const std::uint64_t> section_sizes) noexcept {
    std::uint64_t size = format::file_header_size;
    for (const std::uint64_t section : section_sizes) size = round_up(size) + section;
    return size;
}

SectionWriter::SectionWriter(std::unique_ptr<File> file, const format::FileIdentity& identity,
                             const std::stop_token& stop, FunctionRef<void(std::size_t)> written)
    : file_(std::move(file)), identity_(identity), stop_(stop), written_(written) {
    piece_.reserve(piece_size);
    entry_.kind = identity.kind;
}

Result<std::unique_ptr<SectionWriter>> SectionWriter::create(FileSystem& files, const std::string& path,
                                                             const format::FileIdentity& identity,
                                                             const std::stop_token& stop,
                                                             FunctionRef<void(std::size_t)> written) {
    SEXTANT_TRY_ASSIGN(auto file, files.open(path, FileMode::create_new));
    std::unique_ptr<SectionWriter> writer(new SectionWriter(std::move(file), identity, stop, written));
    SEXTANT_TRY(writer->put(format::encode(format::FileHeader{.identity = identity})));
    return writer;
}

Result<void> SectionWriter::begin_section() {
    constexpr std::byte zeros[section_alignment] = {};
    const std::uint64_t at = entry_.size + piece_.size();
    section_sizes_.push_back(0);
    return put(std::span(zeros).first(static_cast<std::size_t>(round_up(at) - at)));
}

Result<void> SectionWriter::add(std::span<const std::byte> bytes) {
    section_sizes_.back() += bytes.size();
    return put(bytes);
}

Result<void> SectionWriter::put(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const std::size_t count = std::min(bytes.size(), piece_size - piece_.size());
        piece_.insert(piece_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
        bytes = bytes.subspan(count);
        if (piece_.size() == piece_size) SEXTANT_TRY(flush());
    }
    return {};
}

Result<format::FileEntry> SectionWriter::finish() {
    SEXTANT_TRY(flush());
    SEXTANT_TRY(file_->sync());
    return std::move(entry_);
}

Result<void> SectionWriter::flush() {
    if (stop_.stop_requested()) return Error{ErrorCode::cancelled, "writing a segment was cancelled"};
    if (piece_.empty()) return {};
    SEXTANT_TRY(file_->write_at(entry_.size, piece_));
    for (std::size_t at = 0; at < piece_.size(); at += format::block_size) {
        const auto block =
            std::span<const std::byte>(piece_).subspan(at, std::min(format::block_size, piece_.size() - at));
        entry_.blocks.push_back(format::block_checksum(identity_, entry_.blocks.size(), block));
    }
    entry_.size += piece_.size();
    written_(piece_.size());
    piece_.clear();
    return {};
}

Result<format::FileEntry> write_section_file(FileSystem& files, const std::string& path,
                                             const format::FileIdentity& identity,
                                             std::span<const std::span<const std::byte>> sections,
                                             const std::stop_token& stop, FunctionRef<void(std::size_t)> written) {
    SEXTANT_TRY_ASSIGN(const auto writer, SectionWriter::create(files, path, identity, stop, written));
    for (const auto section : sections) {
        SEXTANT_TRY(writer->begin_section());
        SEXTANT_TRY(writer->add(section));
    }
    return writer->finish();
}

Result<void> read_section_file(FileSystem& files, const std::string& path, const format::FileIdentity& identity,
                               const format::FileEntry& entry, std::span<const std::span<std::byte>> sections,
                               const std::stop_token& stop) {
    std::vector<std::uint64_t> sizes;
    for (const auto section : sections) sizes.push_back(section.size());
    SEXTANT_TRY(check_listed_size(entry, sizes, path));
    SEXTANT_TRY_ASSIGN(const auto file, files.open(path, FileMode::read));
    SEXTANT_TRY(check_size(*file, entry));
    PieceReader reader(*file, identity, entry);
    Spreader spreader(sections, path);
    bool first = true;
    while (true) {
        if (stop.stop_requested()) return Error{ErrorCode::cancelled, "reading a segment was cancelled"};
        SEXTANT_TRY_ASSIGN(std::span<const std::byte> piece, reader.next());
        if (piece.empty()) return {};
        if (first) {
            SEXTANT_TRY(format::decode_file_header(piece, identity, path));
            spreader.skip_header();
            piece = piece.subspan(format::file_header_size);
            first = false;
        }
        SEXTANT_TRY(spreader.take(piece));
    }
}

Result<std::shared_ptr<const SectionMap>> map_section_file(FileSystem& files, const std::string& path,
                                                           const format::FileIdentity& identity,
                                                           const format::FileEntry& entry,
                                                           std::span<const std::uint64_t> section_sizes) {
    SEXTANT_TRY(check_listed_size(entry, section_sizes, path));
    SEXTANT_TRY_ASSIGN(auto file, files.open(path, FileMode::read));
    SEXTANT_TRY_ASSIGN(auto mapped, file->map());
    SEXTANT_TRY_ASSIGN(auto scanned, file->map());
    for (const std::size_t size : {mapped->bytes().size(), scanned->bytes().size()}) {
        if (size != entry.size) return wrong_size(path, size, entry.size);
    }
    mapped->expect_random_reads();
    const auto header =
        mapped->bytes().first(static_cast<std::size_t>(std::min<std::uint64_t>(format::file_header_size, entry.size)));
    SEXTANT_TRY(format::decode_file_header(header, identity, path));
    std::vector<SectionMap::Section> sections;
    std::uint64_t end = format::file_header_size;
    for (const std::uint64_t size : section_sizes) {
        sections.push_back({round_up(end), size});
        end = sections.back().offset + size;
    }
    // Nothing but vectors is read row by row: other files need no handle.
    if (identity.kind == format::FileKind::vectors) {
        file->expect_random_reads();
    } else {
        file = nullptr;
    }
    return std::make_shared<const SectionMap>(
        SectionMap::Source{std::move(mapped), std::move(scanned), std::move(file), path}, identity, entry,
        std::move(sections));
}

Result<void> check_section_file(FileSystem& files, const std::string& path, const format::FileIdentity& identity,
                                const format::FileEntry& entry) {
    SEXTANT_TRY_ASSIGN(const auto file, files.open(path, FileMode::read));
    SEXTANT_TRY(check_size(*file, entry));
    PieceReader reader(*file, identity, entry);
    while (true) {
        SEXTANT_TRY_ASSIGN(const auto piece, reader.next());
        if (piece.empty()) return {};
    }
}

}  // namespace sextant::inline v1::detail
