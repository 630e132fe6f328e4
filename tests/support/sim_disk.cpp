#include "support/sim_disk.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/detail/posix_error.hpp"
#include "support/sim_core.hpp"

namespace test_support {
namespace {

using sextant::DirectoryEntry;
using sextant::FileMode;
using sextant::Result;
using sextant::detail::check_path;
using sextant::detail::posix_error;
using namespace sim;

class SimLock final : public sextant::FileLock {
public:
    SimLock(DiskCorePtr core, LiveNodePtr node) : core_(std::move(core)), node_(std::move(node)) {
        node_->locked = true;
        ++node_->open_count;
    }
    SimLock(const SimLock&) = delete;
    SimLock& operator=(const SimLock&) = delete;
    ~SimLock() override {
        const std::lock_guard lock(core_->mutex);
        node_->locked = false;
        --node_->open_count;
        core_->forget_if_unused(*node_);
    }

private:
    const DiskCorePtr core_;
    const LiveNodePtr node_;
};

bool holds(const std::vector<LiveNodePtr>& nodes, const LiveNodePtr& node) {
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

/// The path ends in a slash and leads to a file.
bool is_no_directory(const Lookup& found) {
    return found.ends_in_slash && found.node != nullptr && !found.node->is_directory;
}

/// errno for a rename that POSIX forbids, else 0; in the order in which Linux looks.
int rename_error(const Lookup& from, const Lookup& to) {
    if (from.error != 0) return from.error;
    if (to.error != 0) return to.error;
    if (from.parents.empty() || to.parents.empty()) return EBUSY;
    if (from.node == nullptr) return ENOENT;
    if (!from.node->is_directory && (from.ends_in_slash || to.ends_in_slash)) return ENOTDIR;
    if (holds(to.parents, from.node)) return EINVAL;
    if (holds(from.parents, to.node)) return ENOTEMPTY;
    if (to.node == nullptr || to.node == from.node) return 0;
    if (from.node->is_directory && !to.node->is_directory) return ENOTDIR;
    if (!from.node->is_directory && to.node->is_directory) return EISDIR;
    return to.node->entries.empty() ? 0 : ENOTEMPTY;
}

class SimFileSystem final : public sextant::FileSystem {
public:
    explicit SimFileSystem(DiskCorePtr core) : core_(std::move(core)) {}

    [[nodiscard]] Result<std::unique_ptr<sextant::File>> open(const std::string& path, FileMode mode) override {
        SEXTANT_TRY(check_path(path));
        const std::lock_guard lock(core_->mutex);
        SEXTANT_TRY_ASSIGN(LiveNodePtr node, find_or_make(path, mode, "open"));
        return open_sim_file(core_, std::move(node), path, mode != FileMode::read);
    }

    [[nodiscard]] Result<bool> exists(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        const std::lock_guard lock(core_->mutex);
        const Lookup found = core_->look_up(path);
        int error = core_->struck(CallKind::other);
        if (error == 0) error = found.error;
        if (error == ENOENT || error == ENOTDIR) return false;
        if (error != 0) return posix_error(path, "look up", error);
        return found.node != nullptr && !is_no_directory(found);
    }

    [[nodiscard]] Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        const std::lock_guard lock(core_->mutex);
        const Lookup found = core_->look_up(path);
        const int error = error_of_directory(found, core_->struck(CallKind::list));
        if (error != 0) return posix_error(path, "list", error);
        std::vector<DirectoryEntry> entries;
        for (const auto& [name, node] : found.node->entries) entries.push_back({name, node->is_directory});
        return entries;
    }

    [[nodiscard]] Result<void> create_directory(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        const std::lock_guard lock(core_->mutex);
        const Lookup place = core_->look_up(path);
        int error = core_->struck(CallKind::create);
        if (error == 0) error = place.error;
        if (error == 0 && place.node != nullptr) error = EEXIST;
        if (error != 0) return posix_error(path, "create directory", error);
        core_->make(place, true);
        return {};
    }

    [[nodiscard]] Result<void> rename(const std::string& from_path, const std::string& to_path) override {
        SEXTANT_TRY(check_path(from_path));
        SEXTANT_TRY(check_path(to_path));
        const std::lock_guard lock(core_->mutex);
        const Lookup from = core_->look_up(from_path);
        const Lookup to = core_->look_up(to_path);
        int error = core_->struck(CallKind::rename);
        if (error == 0) error = rename_error(from, to);
        if (error != 0) return posix_error(from_path, "rename to '" + to_path + "'", error);
        if (from.node == to.node) return {};
        SimOp& op = core_->log(OpKind::rename, from.node->id);
        op.directory = from.directory().id;
        op.name = from.name;
        op.new_directory = to.directory().id;
        op.new_name = to.name;
        from.directory().entries.erase(from.name);
        to.directory().entries[to.name] = from.node;
        if (to.node != nullptr) {
            to.node->named = false;
            core_->forget_if_unused(*to.node);
        }
        return {};
    }

    [[nodiscard]] Result<void> remove_file(const std::string& path) override { return remove(path, false); }
    [[nodiscard]] Result<void> remove_directory(const std::string& path) override { return remove(path, true); }

    [[nodiscard]] Result<void> sync_directory(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        const std::lock_guard lock(core_->mutex);
        const Lookup found = core_->look_up(path);
        const auto fault = core_->faults.next(CallKind::sync_directory, true);
        const int error = error_of_directory(found, 0);
        if (error != 0) return posix_error(path, "open", error);
        if (fault == FaultKind::no_handles) return posix_error(path, "open", errno_of(*fault));
        core_->log(OpKind::sync_directory, found.node->id).failed = fault.has_value();
        if (fault.has_value()) return posix_error(path, "sync directory", errno_of(*fault));
        return {};
    }

    [[nodiscard]] Result<std::unique_ptr<sextant::FileLock>> lock(const std::string& path) override {
        SEXTANT_TRY(check_path(path));
        const std::lock_guard lock(core_->mutex);
        SEXTANT_TRY_ASSIGN(LiveNodePtr node, find_or_make(path, FileMode::create, "open"));
        if (node->locked) {
            return sextant::Error{sextant::ErrorCode::busy, path + ": locked by process " + std::to_string(::getpid())};
        }
        return std::unique_ptr<sextant::FileLock>(std::make_unique<SimLock>(core_, std::move(node)));
    }

private:
    [[nodiscard]] static int error_of_directory(const Lookup& found, int error) {
        if (error == 0) error = found.error;
        if (error == 0 && found.node == nullptr) error = ENOENT;
        if (error == 0 && !found.node->is_directory) error = ENOTDIR;
        return error;
    }

    [[nodiscard]] Result<LiveNodePtr> find_or_make(const std::string& path, FileMode mode, const char* doing) {
        const Lookup found = core_->look_up(path);
        const bool may_make = mode == FileMode::create || mode == FileMode::create_new;
        const bool makes = may_make && found.error == 0 && found.node == nullptr && !found.ends_in_slash;
        int error = core_->struck(makes ? CallKind::create : CallKind::open, true);
        if (error == 0) error = found.error;
        if (error == 0 && may_make && found.ends_in_slash) error = EISDIR;
        if (error == 0 && is_no_directory(found)) error = ENOTDIR;
        if (error == 0 && found.node != nullptr && mode == FileMode::create_new) error = EEXIST;
        if (error == 0 && found.node != nullptr && found.node->is_directory) error = EISDIR;
        if (error == 0 && found.node == nullptr && !makes) error = ENOENT;
        if (error != 0) return posix_error(path, doing, error);
        return makes ? core_->make(found, false) : found.node;
    }

    [[nodiscard]] Result<void> remove(const std::string& path, bool directory) {
        SEXTANT_TRY(check_path(path));
        const std::lock_guard lock(core_->mutex);
        const Lookup found = core_->look_up(path);
        int error = core_->struck(CallKind::other);
        if (error == 0) error = found.error;
        if (error == 0 && found.node == nullptr) error = ENOENT;
        if (error == 0 && is_no_directory(found)) error = ENOTDIR;
        if (error == 0 && found.node->is_directory != directory) error = directory ? ENOTDIR : EISDIR;
        if (error == 0 && found.parents.empty()) error = EBUSY;
        if (error == 0 && !found.node->entries.empty()) error = ENOTEMPTY;
        if (error != 0) return posix_error(path, directory ? "remove directory" : "remove", error);
        core_->unlink(found);
        return {};
    }

    const DiskCorePtr core_;
};

}  // namespace

struct SimDisk::Impl {
    explicit Impl(DiskState state) : core(std::make_shared<DiskCore>(std::move(state))), files(core) {}
    const DiskCorePtr core;
    SimFileSystem files;
};

SimDisk::SimDisk() : SimDisk(DiskState{}) {}
SimDisk::SimDisk(DiskState state) : impl_(std::make_unique<Impl>(std::move(state))) {}
SimDisk::SimDisk(SimDisk&&) noexcept = default;
SimDisk& SimDisk::operator=(SimDisk&&) noexcept = default;
SimDisk::~SimDisk() = default;

sextant::FileSystem& SimDisk::files() noexcept { return impl_->files; }

void SimDisk::mark(std::uint64_t label) {
    const std::lock_guard lock(impl_->core->mutex);
    impl_->core->log(OpKind::mark, root_node).offset = label;
}
Recording SimDisk::recording() const {
    const std::lock_guard lock(impl_->core->mutex);
    return impl_->core->recording;
}
std::size_t SimDisk::log_size() const {
    const std::lock_guard lock(impl_->core->mutex);
    return impl_->core->recording.ops.size();
}
std::uint64_t SimDisk::op_count() const {
    const std::lock_guard lock(impl_->core->mutex);
    return impl_->core->faults.call_count();
}
void SimDisk::inject(const Fault& fault) {
    const std::lock_guard lock(impl_->core->mutex);
    impl_->core->faults.add(fault);
}
void SimDisk::clear_faults() {
    const std::lock_guard lock(impl_->core->mutex);
    impl_->core->faults.clear();
}
std::uint64_t SimDisk::struck_count() const {
    const std::lock_guard lock(impl_->core->mutex);
    return impl_->core->faults.struck_count();
}
void SimDisk::set_capacity(std::uint64_t bytes) {
    const std::lock_guard lock(impl_->core->mutex);
    impl_->core->capacity = bytes;
}
std::uint64_t SimDisk::used_bytes() const {
    const std::lock_guard lock(impl_->core->mutex);
    return impl_->core->used;
}

}  // namespace test_support
