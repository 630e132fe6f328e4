#include "sextant/segment/id_order.hpp"

#include <algorithm>
#include <compare>
#include <numeric>
#include <utility>

namespace sextant::inline v1 {
namespace {

/// So few rows are looked at one by one in the time that a look at a page takes.
constexpr std::uint32_t few_rows = 4096;

}  // namespace

Result<std::shared_ptr<const IdOrder>> IdOrder::build(const IdView& ids, std::uint32_t row_count,
                                                      MemoryAccount& account) {
    auto order = std::make_shared<IdOrder>();
    SEXTANT_TRY_ASSIGN(order->rows_, Column<std::uint32_t>::exact(row_count, account, "id order"));
    order->size_ = row_count;
    std::uint32_t* const first = order->rows_.data();
    std::iota(first, first + row_count, std::uint32_t{0});
    std::sort(first, first + row_count, [&](std::uint32_t a, std::uint32_t b) {
        const auto by_id = ids[a] <=> ids[b];
        return std::is_lt(by_id) || (std::is_eq(by_id) && a < b);
    });
    return std::shared_ptr<const IdOrder>(std::move(order));
}

std::size_t IdOrder::after(const IdView& ids, const PointId& id) const noexcept {
    const auto all = rows();
    const auto found = std::upper_bound(all.begin(), all.end(), id,
                                        [&](const PointId& wanted, std::uint32_t row) { return wanted < ids[row]; });
    return static_cast<std::size_t>(found - all.begin());
}

std::shared_ptr<const IdOrder> IdOrderCache::get(const IdView& ids, std::uint32_t row_count) const {
    if (row_count <= few_rows) return nullptr;
    {
        const MutexLock lock(mutex_);
        const bool recent = order_ != nullptr && (order_->size() >= row_count ||
                                                  row_count - order_->size() <= few_rows + order_->size() / 4);
        if (recent) return order_;
    }
    auto built = IdOrder::build(ids, row_count, *account_);
    if (!built) return nullptr;
    const MutexLock lock(mutex_);
    if (order_ == nullptr || order_->size() < (*built)->size()) order_ = *built;
    return *built;
}

std::uint64_t IdOrderCache::memory_bytes() const noexcept {
    const MutexLock lock(mutex_);
    return order_ == nullptr ? 0 : order_->memory_bytes();
}

}  // namespace sextant::inline v1
