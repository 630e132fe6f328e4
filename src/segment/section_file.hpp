/// section_file: one file of a segment: a header, then sections that begin at multiples of 64; checked in blocks.
/// Threads: confined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/page_allocator.hpp"
#include "sextant/format/segment_footer.hpp"
#include "sextant/io/file_system.hpp"
#include "sextant/segment/field_draft.hpp"
#include "sextant/segment/section_map.hpp"

namespace sextant::inline v1::detail {

inline constexpr std::size_t section_alignment = 64;

/// The size of a file with these sections.
[[nodiscard]] std::uint64_t section_file_size(std::span<const std::uint64_t> section_sizes) noexcept;

/// Writes such a file section by section: collects bytes into pieces, and writes and hashes each when it is full.
class SectionWriter final : public PartSink {
public:
    /// Makes the file. `written` is told after each piece. Lifetime: borrows `stop` and what `written` refers to.
    [[nodiscard]] static Result<std::unique_ptr<SectionWriter>> create(FileSystem& files, const std::string& path,
                                                                       const format::FileIdentity& identity,
                                                                       const std::stop_token& stop,
                                                                       FunctionRef<void(std::size_t)> written);
    Result<void> begin_section() override;
    Result<void> add(std::span<const std::byte> bytes) override;
    /// Writes what is left, and syncs. The entry for the footer, without the field.
    [[nodiscard]] Result<format::FileEntry> finish();
    [[nodiscard]] std::span<const std::uint64_t> section_sizes() const noexcept { return section_sizes_; }

private:
    SectionWriter(std::unique_ptr<File> file, const format::FileIdentity& identity, const std::stop_token& stop,
                  FunctionRef<void(std::size_t)> written);
    [[nodiscard]] Result<void> put(std::span<const std::byte> bytes);
    [[nodiscard]] Result<void> flush();

    std::unique_ptr<File> file_;
    format::FileIdentity identity_;
    const std::stop_token& stop_;
    FunctionRef<void(std::size_t)> written_;
    PagedVector<std::byte> piece_;
    std::vector<std::uint64_t> section_sizes_;
    format::FileEntry entry_;
};

/// Makes the file, writes and syncs it. Its entry for the footer, without the field.
[[nodiscard]] Result<format::FileEntry> write_section_file(FileSystem& files, const std::string& path,
                                                           const format::FileIdentity& identity,
                                                           std::span<const std::span<const std::byte>> sections,
                                                           const std::stop_token& stop,
                                                           FunctionRef<void(std::size_t)> written);

/// Reads every section, checking every block on the way. The file must be exactly what `entry` says. cancelled when
/// `stop` asks for it.
[[nodiscard]] Result<void> read_section_file(FileSystem& files, const std::string& path,
                                             const format::FileIdentity& identity, const format::FileEntry& entry,
                                             std::span<const std::span<std::byte>> sections,
                                             const std::stop_token& stop = {});

/// Maps the file, which must have sections of these sizes, and checks its header. Blocks are checked when they are asked for.
[[nodiscard]] Result<std::shared_ptr<const SectionMap>> map_section_file(FileSystem& files, const std::string& path,
                                                                         const format::FileIdentity& identity,
                                                                         const format::FileEntry& entry,
                                                                         std::span<const std::uint64_t> section_sizes);

/// Checks every block and keeps nothing.
[[nodiscard]] Result<void> check_section_file(FileSystem& files, const std::string& path,
                                              const format::FileIdentity& identity, const format::FileEntry& entry);

}  // namespace sextant::inline v1::detail
