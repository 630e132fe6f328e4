// Bytes as contents of a segment's files, under checksums that are right: it is refused, or it can be audited, searched,
// looked up and merged.
// Input: a byte that says which file (0 ids, 1 payload, 2 graph, 3 vectors, 4 codes, 5 codebook; bit 3: cosine; bit 4: the
// rest is no content but edits; bit 5: resident, else mapped; bit 6: vectors of half floats), then what lies behind the
// file's header. An edit is u16 offset, u8 value.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "sextant/core/hash.hpp"
#include "sextant/format/segment_footer.hpp"
#include "sextant/metric/cosine.hpp"
#include "sextant/metric/squared_l2.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "sextant/segment/field_scratch.hpp"
#include "sextant/segment/growing_segment.hpp"
#include "sextant/segment/segment_files.hpp"
#include "sextant/segment/typed_field.hpp"

namespace {

using namespace sextant;

void require(bool condition) {
    if (!condition) std::abort();
}

/// A copy that ends where the file ends, so that the sanitizer sees whoever reads past it.
class CopiedFile final : public MappedFile {
public:
    explicit CopiedFile(std::span<const std::byte> bytes) : size_(bytes.size()) {
        if (size_ == 0) return;
        bytes_ = static_cast<std::byte*>(::operator new(size_, page));
        std::copy(bytes.begin(), bytes.end(), bytes_);
    }
    CopiedFile(const CopiedFile&) = delete;
    CopiedFile& operator=(const CopiedFile&) = delete;
    ~CopiedFile() override {
        if (size_ != 0) ::operator delete(bytes_, page);
    }
    std::span<const std::byte> bytes() const noexcept override { return {bytes_, size_}; }

private:
    static constexpr std::align_val_t page{4096};
    std::size_t size_;
    std::byte* bytes_ = nullptr;
};

/// Files in a map: what a fuzzer needs of a disk, and nothing that slows it down.
class MapFile final : public File {
public:
    MapFile(std::vector<std::byte>& bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        if (offset >= bytes_.size()) return std::size_t{0};
        const std::size_t count = std::min<std::size_t>(into.size(), bytes_.size() - offset);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
        return count;
    }
    Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        bytes_.resize(std::max<std::size_t>(bytes_.size(), offset + bytes.size()));
        std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
        return {};
    }
    Result<std::uint64_t> size() const override { return std::uint64_t{bytes_.size()}; }
    Result<void> truncate(std::uint64_t size) override { return bytes_.resize(size), Result<void>(); }
    Result<void> allocate(std::uint64_t) override { return {}; }
    Result<void> sync() override { return {}; }
    Result<std::unique_ptr<MappedFile>> map() const override {
        return std::unique_ptr<MappedFile>(std::make_unique<CopiedFile>(bytes_));
    }
    const std::string& path() const noexcept override { return path_; }

private:
    std::vector<std::byte>& bytes_;
    std::string path_;
};

class MapDisk final : public FileSystem {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, FileMode mode) override {
        if (mode == FileMode::read && files.count(path) == 0) return Error{ErrorCode::not_found, path};
        return std::unique_ptr<File>(std::make_unique<MapFile>(files[path], path));
    }
    Result<bool> exists(const std::string& path) override { return files.count(path) != 0; }
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
        return Error{ErrorCode::not_found, path};
    }
    Result<void> create_directory(const std::string&) override { return {}; }
    Result<void> rename(const std::string& from, const std::string& to) override {
        std::map<std::string, std::vector<std::byte>> renamed;
        for (auto& [path, bytes] : files) {
            renamed[path.starts_with(from) ? to + path.substr(from.size()) : path] = std::move(bytes);
        }
        files = std::move(renamed);
        return {};
    }
    Result<void> remove_file(const std::string& path) override { return Error{ErrorCode::not_found, path}; }
    Result<void> remove_directory(const std::string& path) override { return Error{ErrorCode::not_found, path}; }
    Result<void> sync_directory(const std::string&) override { return {}; }
    Result<std::unique_ptr<FileLock>> lock(const std::string&) override { return std::unique_ptr<FileLock>(); }

    std::map<std::string, std::vector<std::byte>> files;
};

constexpr std::uint32_t rows = 40;
constexpr std::size_t dimension = 3;

struct Stored {
    Stored(bool cosine, RawPrecision raw) {
        const HnswParams params{.m = 4, .ef_construction = 8, .seed = 7};
        const ScalarQuantizer::Options options;
        if (cosine) {
            fields.push_back(std::make_unique<TypedField<Cosine, ScalarQuantizer>>(dimension, params, options, raw));
        } else {
            fields.push_back(std::make_unique<TypedField<SquaredL2, ScalarQuantizer>>(dimension, params, options, raw));
        }
        const auto growing = GrowingSegment::create(fields, rows + 1, true, account).value();
        const std::array<std::byte, 5> blob{std::byte{1}, std::byte{1}, std::byte{'a'}, std::byte{4}, std::byte{5}};
        for (std::uint32_t row = 0; row < rows; ++row) {
            growing->reserve({.rows = 1, .payload_bytes = blob.size(), .any_payload = true}).value();
            const PointId id = row % 2 == 0 ? PointId{row} : PointId::from_name(std::to_string(row));
            const auto x = static_cast<float>(row % 7);
            const auto y = static_cast<float>(row / 7);
            const std::array<float, dimension> vector{x, y, x - y};
            const VectorView view(vector);
            growing->append(id, Lsn{row + 1}, {&view, 1}, blob);
            growing->enroll(row, id, id.hash());
        }
        const std::vector<SegmentState> sources{growing->state(growing)};
        const SegmentSealer sealer(sources, Lsn{rows});
        const auto built = sealer.build({fields, &account, &executor, {}}, [](double) {}).value();
        place.files = &disk;
        place.directory = "seg";
        place.number = 7;
        write_segment(place, *built, fields, {}, [](std::size_t) {}).value();
        original = disk.files;
    }

    void forge(format::FileKind kind, const std::string& name, std::vector<std::byte> bytes) {
        const format::FileIdentity own{place.collection, format::FileKind::segment_footer, place.number};
        auto& stored = disk.files.at("seg/000007/footer");
        auto footer = format::decode_segment_footer(stored, own, "footer").value();
        const auto identity = format::segment_file_identity(own, kind, 0);
        for (format::FileEntry& entry : footer.files) {
            if (entry.kind != kind) continue;
            entry.size = bytes.size();
            entry.blocks.clear();
            for (std::size_t at = 0; at < bytes.size(); at += format::block_size) {
                const auto block =
                    std::span<const std::byte>(bytes).subspan(at, std::min(format::block_size, bytes.size() - at));
                entry.blocks.push_back(format::block_checksum(identity, entry.blocks.size(), block));
            }
        }
        disk.files.at("seg/000007/" + name) = std::move(bytes);
        stored = format::encode_segment_footer(own, footer);
    }

    MemoryAccount account{"fuzz"};
    InlineExecutor executor;
    std::vector<std::unique_ptr<VectorField>> fields;
    MapDisk disk;
    SegmentPlace place;
    std::map<std::string, std::vector<std::byte>> original;
};

/// `merges`: also makes a new segment of it, which takes as long as all the rest.
void use(Stored& stored, const std::shared_ptr<SealedSegment>& segment, bool merges) {
    const SegmentState state = segment->state(segment);
    const Lsn at{~std::uint64_t{0}};
    for (std::uint32_t row = 0; row < state.row_count; ++row) {
        const PointId id = state.ids[row];
        require(state.find(id, id.hash()) == RowId{row});
        require(state.payload(row, at).size() <= state.row_count * 5);
    }
    FieldScratch scratch;
    const std::array<float, dimension> query{1.5F, 2.5F, -1.0F};
    for (const bool exact : {false, true}) {
        std::array<Neighbor, 10> found;
        const FieldQuery asked{
            .vector = query, .count = 10, .ef = 20, .exact = exact, .admitted_count = state.row_count};
        const FieldAnswer answer = segment->field(0).search(asked, state.row_count, scratch, found);
        require(answer.found <= found.size());
        for (std::size_t i = 0; i < answer.found; ++i) require(to_index(found[i].row) < state.row_count);
    }
    const auto verified = segment->field(0).verify(state.row_count, {});
    require(verified.has_value() || !verified.error().message.empty());
    if (!merges) return;
    const std::array<std::uint32_t, 3> dead{0, 17, 18};
    segment->tombstones().commit(segment->tombstones().prepare(dead).value());
    const std::vector<SegmentState> sources{segment->state(segment)};
    const SegmentSealer sealer(sources, at);
    require(sealer.build({stored.fields, &stored.account, &stored.executor, {}}, [](double) {}).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    using format::FileKind;
    static const std::array<std::pair<FileKind, const char*>, 6> parts{{{FileKind::ids, "ids"},
                                                                        {FileKind::payload, "payload"},
                                                                        {FileKind::graph, "v0/graph"},
                                                                        {FileKind::vectors, "v0/vectors"},
                                                                        {FileKind::codes, "v0/codes"},
                                                                        {FileKind::codebook, "v0/codebook"}}};
    static Stored kinds[] = {Stored(false, RawPrecision::F32), Stored(true, RawPrecision::F32),
                             Stored(false, RawPrecision::F16), Stored(true, RawPrecision::F16)};
    Stored& stored = kinds[((data[0] >> 3U) & 1U) + ((data[0] >> 5U) & 2U)];
    const auto& [kind, name] = parts[(data[0] & 7U) % parts.size()];
    stored.disk.files = stored.original;
    std::vector<std::byte> bytes = stored.original.at(std::string("seg/000007/") + name);
    const auto content = std::span(reinterpret_cast<const std::byte*>(data), size).subspan(1);
    if ((data[0] & 16U) != 0) {
        for (std::size_t i = 0; i + 3 <= content.size(); i += 3) {
            const std::size_t offset =
                std::to_integer<std::size_t>(content[i]) + 256 * std::to_integer<std::size_t>(content[i + 1]);
            bytes[format::file_header_size + offset % (bytes.size() - format::file_header_size)] = content[i + 2];
        }
    } else {
        const std::size_t count = std::min(content.size(), bytes.size() - format::file_header_size);
        std::copy_n(content.begin(), count, bytes.begin() + format::file_header_size);
    }
    stored.forge(kind, name, std::move(bytes));
    const ReadOptions options{.account = &stored.account,
                              .executor = &stored.executor,
                              .residency = (data[0] & 32U) != 0 ? Residency::resident : Residency::mapped,
                              .check_mapped = true};
    const auto read = read_segment(stored.place, stored.fields, options);
    if (!read) {
        require(read.error().code == ErrorCode::corruption || read.error().code == ErrorCode::unsupported);
        return 0;
    }
    // One in eight of all contents, and always the same ones.
    use(stored, read->segment, (hash64(content) & 7U) == 0);
    return 0;
}
