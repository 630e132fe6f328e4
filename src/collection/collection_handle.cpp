// What a handle does without looking into a payload.
#include "sextant/collection/collection_handle.hpp"

namespace sextant::inline v1 {

Result<std::uint64_t> CollectionHandle::erase(PointId id, std::optional<Durability> durability) {
    return erase(std::span<const PointId>(&id, 1), durability);
}

Result<std::uint64_t> CollectionHandle::erase(std::span<const PointId> ids, std::optional<Durability> durability) {
    return change(ids, {.kind = detail::WriteKind::erase}, durability);
}

Result<std::uint64_t> CollectionHandle::erase(const Filter& filter, std::optional<Durability> durability) {
    return change(filter, {.kind = detail::WriteKind::erase}, durability);
}

Result<Lsn> CollectionHandle::write(WriteBatch&& batch, std::optional<Durability> durability) {
    SEXTANT_TRY_ASSIGN(const auto receipt, core_->write(batch.ops(), durability));
    batch.clear();
    return receipt.version;
}

Result<void> CollectionHandle::optimize() {
    SEXTANT_TRY_ASSIGN(const Task task, core_->start_optimize());
    return task.wait();
}

Result<Lsn> CollectionHandle::write_one(const detail::WriteOp& op, std::optional<Durability> durability) {
    SEXTANT_TRY_ASSIGN(const auto receipt, core_->write({&op, 1}, durability));
    return receipt.version;
}

Result<std::uint64_t> CollectionHandle::change(std::span<const PointId> ids, detail::WriteOp op,
                                               std::optional<Durability> durability,
                                               std::span<const std::string> keys) {
    std::string error;
    const std::vector<PayloadPath> paths = detail::parse_paths(keys, error);
    op.paths = paths;
    op.error = error;
    std::vector<detail::WriteOp> ops(ids.size(), op);
    for (std::size_t i = 0; i < ids.size(); ++i) ops[i].id = ids[i];
    SEXTANT_TRY_ASSIGN(const auto receipt, core_->write(ops, durability));
    return receipt.changed;
}

Result<std::uint64_t> CollectionHandle::change(const Filter& filter, detail::WriteOp op,
                                               std::optional<Durability> durability,
                                               std::span<const std::string> keys) {
    std::string error;
    const std::vector<PayloadPath> paths = detail::parse_paths(keys, error);
    op.paths = paths;
    op.error = error;
    SEXTANT_TRY_ASSIGN(const auto receipt, core_->write_where(filter, op, durability));
    return receipt.changed;
}

}  // namespace sextant::inline v1
