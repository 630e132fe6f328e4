#include "io/detail/posix_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/format_text.hpp"
#include "io/detail/posix_error.hpp"

namespace sextant::inline v1::detail {
namespace {

static_assert(sizeof(off_t) == 8, "files past 2 GiB need 64-bit offsets: build with _FILE_OFFSET_BITS=64");
constexpr auto most_offset = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
/// Bytes per call: Linux moves at most 2^31 - 4096, others refuse more than 2^31 - 1.
constexpr std::size_t most_at_once = std::size_t{1} << 30U;

std::size_t page_size() noexcept {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

/// Linux tells only those who may write to a file which of its pages are in memory, and says "all" to others.
bool may_ask_for_pages(int descriptor) noexcept {
#ifdef __linux__
    struct stat status = {};
    if (::fstat(descriptor, &status) != 0) return false;
    const uid_t user = ::geteuid();
    return user == 0 || user == status.st_uid;
#else
    (void)descriptor;
    return false;
#endif
}

class PosixMapping final : public MappedFile {
public:
    PosixMapping(void* address, std::size_t size, bool may_ask) noexcept
        : address_(address), size_(size), may_ask_(may_ask) {}
    PosixMapping(const PosixMapping&) = delete;
    PosixMapping& operator=(const PosixMapping&) = delete;
    ~PosixMapping() override {
        if (size_ != 0) ::munmap(address_, size_);
    }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept override {
        return {static_cast<const std::byte*>(address_), size_};
    }
    [[nodiscard]] bool in_memory(std::size_t offset, std::size_t size) const noexcept override {
#ifdef __linux__
        constexpr std::size_t most_pages = 64;
        const std::size_t before = offset % page_size();
        const std::size_t pages = (before + size - 1) / page_size() + 1;
        if (!may_ask_ || pages > most_pages) return false;
        unsigned char present[most_pages];
        if (::mincore(static_cast<std::byte*>(address_) + (offset - before), before + size, present) != 0) return false;
        return std::all_of(present, present + pages, [](unsigned char page) { return (page & 1U) != 0; });
#else
        (void)offset;
        (void)size;
        return false;
#endif
    }
    // Hints: what goes wrong here shows when the bytes are read.
    void expect_random_reads() const noexcept override { ::madvise(address_, size_, MADV_RANDOM); }
    void will_need(std::size_t offset, std::size_t size) const noexcept override {
        const std::size_t before = offset % page_size();
        ::madvise(static_cast<std::byte*>(address_) + (offset - before), size + before, MADV_WILLNEED);
    }

private:
    void* const address_;
    const std::size_t size_;
    const bool may_ask_;
};

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor::~Descriptor() {
    // Not tried again after EINTR: on Linux the descriptor is gone by then, and its number may belong to another thread.
    if (number_ >= 0) ::close(number_);
}

Result<Descriptor> open_descriptor(const std::string& path, int flags) {
    SEXTANT_TRY(check_path(path));
    constexpr mode_t everyone = 0666;  // less the process's umask
    const int number = retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, everyone); });
    if (number == -1) return posix_error(path, "open", errno);
    return Descriptor(number);
}

PosixFile::PosixFile(Descriptor descriptor, std::string path, std::shared_ptr<BatchReader> batches) noexcept
    : descriptor_(std::move(descriptor)), path_(std::move(path)), batches_(std::move(batches)) {}

Result<void> PosixFile::check_range(std::uint64_t offset, std::uint64_t size) const {
    if (offset <= most_offset && size <= most_offset - offset) return {};
    return invalid_argument(format_text("{}: offset {} and size {} reach past {}", path_, offset, size, most_offset));
}

Result<std::size_t> PosixFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    SEXTANT_TRY(check_range(offset, into.size()));
    std::size_t done = 0;
    while (done < into.size()) {
        const std::size_t size = std::min(into.size() - done, most_at_once);
        const ssize_t count = retry_interrupted(
            [&] { return ::pread(descriptor_.number(), into.data() + done, size, static_cast<off_t>(offset + done)); });
        const int number = errno;  // before anything that may change it
        if (count == -1) return posix_error(path_, format_text("read {} bytes at {}", size, offset + done), number);
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

Result<void> PosixFile::read_batch(std::span<const ReadRequest> requests) const {
    for (const ReadRequest& request : requests) SEXTANT_TRY(check_range(request.offset, request.into.size()));
    return batches_->read(*this, descriptor_.number(), requests);
}

void PosixFile::expect_random_reads() const noexcept {
#ifdef POSIX_FADV_RANDOM
    ::posix_fadvise(descriptor_.number(), 0, 0, POSIX_FADV_RANDOM);  // a hint
#endif
}

Result<void> PosixFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    SEXTANT_TRY(check_range(offset, bytes.size()));
    std::size_t done = 0;
    while (done < bytes.size()) {
        const std::size_t size = std::min(bytes.size() - done, most_at_once);
        const ssize_t count = retry_interrupted([&] {
            return ::pwrite(descriptor_.number(), bytes.data() + done, size, static_cast<off_t>(offset + done));
        });
        // A device that takes nothing and gives no reason would keep this loop for ever.
        if (count <= 0) {
            const int number = count == 0 ? EIO : errno;
            return posix_error(path_, format_text("write {} bytes at {}", size, offset + done), number);
        }
        done += static_cast<std::size_t>(count);
    }
    return {};
}

Result<std::uint64_t> PosixFile::size() const {
    struct stat status = {};
    if (::fstat(descriptor_.number(), &status) != 0) return posix_error(path_, "size", errno);
    return static_cast<std::uint64_t>(status.st_size);
}

Result<void> PosixFile::truncate(std::uint64_t size) {
    SEXTANT_TRY(check_range(0, size));
    if (retry_interrupted([&] { return ::ftruncate(descriptor_.number(), static_cast<off_t>(size)); }) != 0) {
        const int number = errno;
        return posix_error(path_, format_text("truncate to {} bytes", size), number);
    }
    return {};
}

Result<void> PosixFile::allocate(std::uint64_t size) {
    SEXTANT_TRY(check_range(0, size));
    if (size == 0) return {};
    int number = 0;
    do {
        number = ::posix_fallocate(descriptor_.number(), 0, static_cast<off_t>(size));  // does not set errno
    } while (number == EINTR);
    if (number != 0) return posix_error(path_, format_text("allocate {} bytes", size), number);
    return {};
}

Result<void> PosixFile::sync() {
    // fdatasync writes the size too when it is needed to read the data back.
    if (retry_interrupted([&] { return ::fdatasync(descriptor_.number()); }) != 0)
        return posix_error(path_, "sync", errno);
    return {};
}

Result<std::unique_ptr<MappedFile>> PosixFile::map() const {
    SEXTANT_TRY_ASSIGN(const std::uint64_t file_size, size());
    if (file_size == 0) return std::unique_ptr<MappedFile>(std::make_unique<PosixMapping>(nullptr, 0, false));
    const auto mapped_size = static_cast<std::size_t>(file_size);
    void* address = ::mmap(nullptr, mapped_size, PROT_READ, MAP_SHARED, descriptor_.number(), 0);
    const int number = errno;
    if (address == MAP_FAILED) return posix_error(path_, format_text("map {} bytes", file_size), number);
    return std::unique_ptr<MappedFile>(
        std::make_unique<PosixMapping>(address, mapped_size, may_ask_for_pages(descriptor_.number())));
}

}  // namespace sextant::inline v1::detail
