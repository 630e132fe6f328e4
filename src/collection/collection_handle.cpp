// What a handle does without looking into a payload.
#include "sextant/collection/collection_handle.hpp"

namespace sextant::inline v1 {

Result<std::uint64_t> CollectionHandle::erase(PointId id) { return erase(std::span<const PointId>(&id, 1)); }

Result<std::uint64_t> CollectionHandle::erase(std::span<const PointId> ids) {
    return change(ids, {.kind = detail::WriteKind::erase});
}

Result<std::uint64_t> CollectionHandle::erase(const Filter& filter) {
    return change(filter, {.kind = detail::WriteKind::erase});
}

Result<Lsn> CollectionHandle::write(WriteBatch&& batch) {
    SEXTANT_TRY_ASSIGN(const auto receipt, core_->write(batch.ops()));
    batch.clear();
    return receipt.version;
}

Result<void> CollectionHandle::optimize() {
    SEXTANT_TRY_ASSIGN(const Task task, core_->start_optimize());
    return task.wait();
}

Result<Lsn> CollectionHandle::write_one(const detail::WriteOp& op) {
    SEXTANT_TRY_ASSIGN(const auto receipt, core_->write({&op, 1}));
    return receipt.version;
}

Result<std::uint64_t> CollectionHandle::change(std::span<const PointId> ids, detail::WriteOp op,
                                               std::span<const std::string> keys) {
    std::string error;
    const std::vector<PayloadPath> paths = detail::parse_paths(keys, error);
    op.paths = paths;
    op.error = error;
    std::vector<detail::WriteOp> ops(ids.size(), op);
    for (std::size_t i = 0; i < ids.size(); ++i) ops[i].id = ids[i];
    SEXTANT_TRY_ASSIGN(const auto receipt, core_->write(ops));
    return receipt.changed;
}

Result<std::uint64_t> CollectionHandle::change(const Filter& filter, detail::WriteOp op,
                                               std::span<const std::string> keys) {
    std::string error;
    const std::vector<PayloadPath> paths = detail::parse_paths(keys, error);
    op.paths = paths;
    op.error = error;
    SEXTANT_TRY_ASSIGN(const auto receipt, core_->write_where(filter, op));
    return receipt.changed;
}

}  // namespace sextant::inline v1
