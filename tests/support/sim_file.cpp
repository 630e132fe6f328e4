#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <string_view>
#include <utility>

#include "io/detail/posix_error.hpp"
#include "support/sim_core.hpp"

namespace test_support::sim {
namespace {

using sextant::Result;
using sextant::detail::posix_error;

constexpr auto most_offset = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

using KeptBytes = std::shared_ptr<const std::vector<std::byte>>;

/// A copy, but of the zeros that every file of a log begins with, a thread needs only one.
KeptBytes kept(std::span<const std::byte> bytes) {
    constexpr std::size_t worth_a_look = std::size_t{16} << 10U;
    if (bytes.size() < worth_a_look || bytes[0] != std::byte{0} ||
        std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) != 0) {
        return std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    }
    thread_local KeptBytes zeros;
    if (zeros == nullptr || zeros->size() != bytes.size()) {
        zeros = std::make_shared<const std::vector<std::byte>>(bytes.size());
    }
    return zeros;
}

/// A copy: bytes that a later write does not change, which no user of a mapping may count on either way.
class SimMapping final : public sextant::MappedFile {
public:
    explicit SimMapping(const SimContent& content) : size_(static_cast<std::size_t>(content.size())) {
        if (size_ == 0) return;
        data_ = static_cast<std::byte*>(::operator new(size_, alignment));
        (void)content.read(0, {data_, size_});  // all of it: the size is the content's
    }
    SimMapping(const SimMapping&) = delete;
    SimMapping& operator=(const SimMapping&) = delete;
    ~SimMapping() override {
        if (data_ != nullptr) ::operator delete(data_, alignment);
    }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept override { return {data_, size_}; }

private:
    static constexpr std::align_val_t alignment{SimContent::page_size};
    std::byte* data_ = nullptr;
    const std::size_t size_;
};

class SimFile final : public sextant::File {
public:
    SimFile(DiskCorePtr core, LiveNodePtr node, std::string path, bool writable)
        : core_(std::move(core)), node_(std::move(node)), path_(std::move(path)), writable_(writable) {
        ++node_->open_count;
    }
    SimFile(const SimFile&) = delete;
    SimFile& operator=(const SimFile&) = delete;
    ~SimFile() override {
        const std::lock_guard lock(core_->mutex);
        --node_->open_count;
        core_->forget_if_unused(*node_);
    }

    [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        SEXTANT_TRY(check_range(offset, into.size()));
        const std::lock_guard lock(core_->mutex);
        const int error = core_->struck(CallKind::read);
        if (error != 0) return failed("read " + std::to_string(into.size()) + " bytes at ", offset, error);
        return node_->content.read(offset, into);
    }

    [[nodiscard]] Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        SEXTANT_TRY(check_range(offset, bytes.size()));
        if (bytes.empty()) return {};
        const std::lock_guard lock(core_->mutex);
        const auto fault = core_->faults.next(CallKind::write);
        int error = 0;
        auto part = bytes;
        const std::uint64_t end = offset + bytes.size();
        const std::uint64_t size = node_->content.size();
        if (!writable_) {
            error = EBADF;
        } else if (fault.has_value()) {
            error = errno_of(*fault);
            part = bytes.first(*fault == FaultKind::short_write ? bytes.size() / 2 : 0);
        } else if (end > SimContent::most_size) {
            error = EFBIG;
        } else if (end > size && end - size > core_->room()) {
            error = ENOSPC;
            const std::uint64_t last = size + core_->room();
            part = bytes.first(static_cast<std::size_t>(last > offset ? last - offset : 0));
        }
        if (error == 0 || error == ENOSPC) write_part(offset, part);
        if (error != 0) return failed("write " + std::to_string(bytes.size()) + " bytes at ", offset, error);
        return {};
    }

    [[nodiscard]] Result<std::uint64_t> size() const override {
        const std::lock_guard lock(core_->mutex);
        if (const int error = core_->struck(CallKind::other); error != 0) return posix_error(path_, "size", error);
        return node_->content.size();
    }

    [[nodiscard]] Result<void> truncate(std::uint64_t size) override {
        SEXTANT_TRY(check_range(0, size));
        const std::lock_guard lock(core_->mutex);
        int error = core_->struck(CallKind::truncate);
        if (!writable_) error = EINVAL;
        if (error == 0) error = set_size(OpKind::truncate, size);
        if (error != 0) return posix_error(path_, "truncate to " + std::to_string(size) + " bytes", error);
        return {};
    }

    [[nodiscard]] Result<void> allocate(std::uint64_t size) override {
        SEXTANT_TRY(check_range(0, size));
        if (size == 0) return {};
        const std::lock_guard lock(core_->mutex);
        int error = core_->struck(CallKind::allocate);
        if (!writable_) error = EBADF;
        if (error == 0 && size > node_->content.size()) error = set_size(OpKind::allocate, size);
        if (error != 0) return posix_error(path_, "allocate " + std::to_string(size) + " bytes", error);
        return {};
    }

    [[nodiscard]] Result<void> sync() override {
        const std::lock_guard lock(core_->mutex);
        const int error = core_->struck(CallKind::sync);
        core_->log(OpKind::sync, node_->id).failed = error != 0;
        if (error != 0) return posix_error(path_, "sync", error);
        return {};
    }

    [[nodiscard]] Result<std::unique_ptr<sextant::MappedFile>> map() const override {
        const std::lock_guard lock(core_->mutex);
        const int error = core_->struck(CallKind::read);
        if (error != 0) return failed("map bytes: ", node_->content.size(), error);
        return std::unique_ptr<sextant::MappedFile>(std::make_unique<SimMapping>(node_->content));
    }

    [[nodiscard]] const std::string& path() const noexcept override { return path_; }

private:
    [[nodiscard]] Result<void> check_range(std::uint64_t offset, std::uint64_t size) const {
        if (offset <= most_offset && size <= most_offset - offset) return {};
        return sextant::invalid_argument(path_ + ": offset " + std::to_string(offset) + " and size " +
                                         std::to_string(size) + " reach past " + std::to_string(most_offset));
    }
    [[nodiscard]] sextant::Error failed(const std::string& doing, std::uint64_t number, int error) const {
        return posix_error(path_, doing + std::to_string(number), error);
    }
    void write_part(std::uint64_t offset, std::span<const std::byte> part) {
        if (part.empty()) return;
        const std::uint64_t old_size = node_->content.size();
        node_->content.write(offset, part);
        core_->used += node_->content.size() - old_size;
        SimOp& op = core_->log(OpKind::write, node_->id);
        op.offset = offset;
        op.old_size = old_size;
        op.bytes = kept(part);
    }
    [[nodiscard]] int set_size(OpKind kind, std::uint64_t size) {
        const std::uint64_t old_size = node_->content.size();
        if (size > SimContent::most_size) return EFBIG;
        if (size > old_size && size - old_size > core_->room()) return ENOSPC;
        node_->content.resize(size);
        core_->used += size - old_size;  // wraps back when the file shrinks
        SimOp& op = core_->log(kind, node_->id);
        op.offset = size;
        op.old_size = old_size;
        return 0;
    }

    const DiskCorePtr core_;
    const LiveNodePtr node_;
    const std::string path_;
    const bool writable_;
};

}  // namespace

std::unique_ptr<sextant::File> open_sim_file(DiskCorePtr core, LiveNodePtr node, const std::string& path,
                                             bool writable) {
    return std::make_unique<SimFile>(std::move(core), std::move(node), path, writable);
}

}  // namespace test_support::sim
