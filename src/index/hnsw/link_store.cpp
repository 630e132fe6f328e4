#include "sextant/index/hnsw/link_store.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/core/assert.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Twice the expected number of slots, max_rows / (m - 1): keys are hashes, so more means that somebody chose ids to
/// have high levels; such rows then stay on level 0.
std::uint32_t slots_for(std::uint32_t max_rows, std::uint32_t m) noexcept {
    const std::uint64_t wanted = std::uint64_t{max_rows} * 2 / (m - 1) + 256;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, std::uint64_t{max_rows} * max_slots_per_row));
}

std::size_t read_list(const std::uint32_t* list, std::size_t length, std::uint32_t* out) noexcept {
    std::size_t count = 0;
    while (count < length) {
        const std::uint32_t id = __atomic_load_n(list + count, __ATOMIC_RELAXED);
        if (id == to_index(no_row)) break;
        out[count++] = id;
    }
    return count;
}

void write_list(std::uint32_t* list, std::size_t length, std::span<const std::uint32_t> ids) noexcept {
    // Relaxed: readers accept any mix of the old and the new list; ids reach them through publish().
    for (std::size_t i = 0; i < length; ++i) {
        __atomic_store_n(list + i, i < ids.size() ? ids[i] : to_index(no_row), __ATOMIC_RELAXED);
    }
}

constexpr std::uint64_t pack(GraphEntry entry) noexcept {
    return std::uint64_t{entry.id} | (static_cast<std::uint64_t>(entry.level + 1) << 32U);
}
constexpr GraphEntry unpack(std::uint64_t packed) noexcept {
    return {static_cast<std::uint32_t>(packed), static_cast<std::int32_t>(packed >> 32U) - 1};
}

void store_le32(std::byte* at, std::uint32_t value) noexcept {
    for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(value >> (8 * i));
}
std::uint32_t load_le32(const std::byte* at) noexcept {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(at[i]) << (8 * i);
    return value;
}
void store_le64(std::byte* at, std::uint64_t value) noexcept {
    store_le32(at, static_cast<std::uint32_t>(value));
    store_le32(at + 4, static_cast<std::uint32_t>(value >> 32U));
}

}  // namespace

Result<LinkStore> LinkStore::reserve(const HnswParams& params, std::uint32_t max_rows, MemoryAccount& account) {
    LinkStore store;
    store.params_ = params;
    store.max_rows_ = max_rows;
    store.max_slots_ = slots_for(max_rows, params.m);
    const std::size_t degree = store.degree();
    SEXTANT_TRY_ASSIGN(store.level0_, Column<std::uint32_t>::reserve(max_rows * degree, account, "graph level 0"));
    SEXTANT_TRY_ASSIGN(store.rows_column_,
                       Column<std::uint32_t>::reserve(store.max_slots_, account, "graph upper rows"));
    SEXTANT_TRY_ASSIGN(store.links_column_, Column<std::uint32_t>::reserve(std::size_t{store.max_slots_} * params.m,
                                                                           account, "graph upper links"));
    store.lists_ = store.level0_.data();
    store.upper_rows_ = store.rows_column_.data();
    store.upper_links_ = store.links_column_.data();
    return store;
}

LinkStore::LinkStore(LinkStore&& other) noexcept
    : params_(other.params_),
      max_rows_(other.max_rows_),
      max_slots_(other.max_slots_),
      level0_(std::move(other.level0_)),
      owner_(std::move(other.owner_)),
      lists_(std::exchange(other.lists_, nullptr)),
      rows_column_(std::move(other.rows_column_)),
      links_column_(std::move(other.links_column_)),
      upper_section_(std::move(other.upper_section_)),
      upper_section_size_(std::exchange(other.upper_section_size_, 0)),
      upper_rows_(std::exchange(other.upper_rows_, nullptr)),
      upper_links_(std::exchange(other.upper_links_, nullptr)),
      sealed_(other.sealed_),
      rows_(other.rows_.exchange(0, std::memory_order_relaxed)),
      slots_(other.slots_.exchange(0, std::memory_order_relaxed)),
      entry_(other.entry_.exchange(no_slot, std::memory_order_relaxed)) {}

LinkStore& LinkStore::operator=(LinkStore&& other) noexcept {
    if (this == &other) return *this;
    params_ = other.params_;
    max_rows_ = other.max_rows_;
    max_slots_ = other.max_slots_;
    level0_ = std::move(other.level0_);
    owner_ = std::move(other.owner_);
    lists_ = std::exchange(other.lists_, nullptr);
    rows_column_ = std::move(other.rows_column_);
    links_column_ = std::move(other.links_column_);
    upper_section_ = std::move(other.upper_section_);
    upper_section_size_ = std::exchange(other.upper_section_size_, 0);
    upper_rows_ = std::exchange(other.upper_rows_, nullptr);
    upper_links_ = std::exchange(other.upper_links_, nullptr);
    sealed_ = other.sealed_;
    // Relaxed: nobody searches an object that is being assigned.
    rows_.store(other.rows_.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
    slots_.store(other.slots_.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
    entry_.store(other.entry_.exchange(no_slot, std::memory_order_relaxed), std::memory_order_relaxed);
    return *this;
}

std::uint64_t LinkStore::memory_bytes() const noexcept {
    return level0_.arena().committed() + rows_column_.arena().committed() + links_column_.arena().committed() +
           upper_section_.committed();
}

GraphEntry LinkStore::entry() const noexcept { return unpack(entry_.load(std::memory_order_acquire)); }

GraphView LinkStore::view() const noexcept {
    GraphView view;
    view.entry = entry();  // entry, slots, rows: the opposite of publish()
    view.slot_limit = slots();
    view.row_limit = rows();
    view.level0 = lists_;
    view.upper_rows = upper_rows_;
    view.upper_links = upper_links_;
    view.m = params_.m;
    view.degree = degree();
    return view;
}

Result<void> LinkStore::ensure(std::uint32_t rows, std::uint32_t slots) {
    // A column that was extended before another one failed keeps its memory: nobody can see it, the next call uses it.
    SEXTANT_TRY(level0_.ensure(std::size_t{rows} * degree()));
    SEXTANT_TRY(rows_column_.ensure(slots));
    return links_column_.ensure(std::size_t{slots} * params_.m);
}

std::size_t LinkStore::read(RowId row, std::uint32_t* out) const noexcept {
    return read_list(lists_ + std::size_t{to_index(row)} * degree(), degree(), out);
}

std::size_t LinkStore::read_upper(std::uint32_t slot, std::uint32_t* out) const noexcept {
    return read_list(upper_links_ + std::size_t{slot} * params_.m, params_.m, out);
}

void LinkStore::write(RowId row, std::span<const std::uint32_t> ids) noexcept {
    write_list(level0_.data() + std::size_t{to_index(row)} * degree(), degree(), ids);
}

void LinkStore::write_upper(std::uint32_t slot, std::span<const std::uint32_t> ids) noexcept {
    write_list(upper_links_ + std::size_t{slot} * params_.m, params_.m, ids);
}

void LinkStore::publish(std::uint32_t rows, std::uint32_t slots, GraphEntry entry) noexcept {
    rows_.store(rows, std::memory_order_release);  // each pairs with the load of the same name in view()
    slots_.store(slots, std::memory_order_release);
    entry_.store(pack(entry), std::memory_order_release);
}

Result<void> LinkStore::seal(MemoryAccount& account) {
    if (sealed_) return {};
    const std::uint32_t row_count = rows();
    const std::uint32_t slot_count = slots();
    const std::size_t size = upper_section_size(slot_count, params_.m);
    SEXTANT_TRY_ASSIGN(Arena section, Arena::exact(size, account, "graph upper levels"));
    std::byte* const base = section.base();  // zero bytes where nothing is written
    const GraphView now = view();
    store_le32(base, upper_section_version);
    store_le32(base + 4, params_.m);
    store_le32(base + 8, params_.ef_construction);
    store_le32(base + 12, static_cast<std::uint32_t>(now.entry.level + 1));
    store_le64(base + 16, params_.seed);
    store_le32(base + 24, row_count);
    store_le32(base + 28, slot_count);
    store_le32(base + 32, now.entry.level < 0 ? to_index(no_row) : to_index(now.entry_row()));
    store_le32(base + 36, now.entry.level > 0 ? now.entry.id : no_slot);
    std::byte* const links = base + upper_links_offset(slot_count);
    if (slot_count != 0) {
        std::memcpy(base + upper_header_size, upper_rows_, std::size_t{slot_count} * 4);
        std::memcpy(links, upper_links_, std::size_t{slot_count} * params_.m * 4);
    }
    upper_section_ = std::move(section);
    upper_section_size_ = size;
    upper_rows_ = reinterpret_cast<std::uint32_t*>(base + upper_header_size);
    upper_links_ = reinterpret_cast<std::uint32_t*>(links);
    rows_column_ = {};
    links_column_ = {};
    level0_.shrink(std::size_t{row_count} * degree());
    sealed_ = true;
    return {};
}

Result<LinkStore> LinkStore::for_sections(const HnswParams& params, std::uint32_t rows, std::size_t upper_size,
                                          MemoryAccount& account) {
    LinkStore store;
    store.params_ = params;
    store.max_rows_ = rows;
    SEXTANT_TRY_ASSIGN(store.level0_,
                       Column<std::uint32_t>::exact(std::size_t{rows} * store.degree(), account, "graph level 0"));
    store.lists_ = store.level0_.data();
    SEXTANT_TRY_ASSIGN(store.upper_section_, Arena::exact(upper_size, account, "graph upper levels"));
    store.upper_section_size_ = upper_size;
    return store;
}

Result<LinkStore> LinkStore::for_mapped(const HnswParams& params, std::uint32_t rows, std::span<const std::byte> level0,
                                        std::shared_ptr<const void> owner, std::size_t upper_size,
                                        MemoryAccount& account) {
    LinkStore store;
    store.params_ = params;
    store.max_rows_ = rows;
    SEXTANT_ASSERT(level0.size() == std::size_t{rows} * store.degree() * sizeof(std::uint32_t));
    store.owner_ = std::move(owner);
    store.lists_ = reinterpret_cast<const std::uint32_t*>(level0.data());
    SEXTANT_TRY_ASSIGN(store.upper_section_, Arena::exact(upper_size, account, "graph upper levels"));
    store.upper_section_size_ = upper_size;
    return store;
}

Result<void> LinkStore::load() {
    const auto wrong = [](const char* field, std::uint64_t got, std::uint64_t expected) {
        return Error{ErrorCode::corruption, format_text("graph: {} is {}, expected {}", field, got, expected)};
    };
    if (upper_section_size_ < upper_header_size) return wrong("size", upper_section_size_, upper_header_size);
    std::byte* const base = upper_section_.base();
    if (const std::uint32_t version = load_le32(base); version != upper_section_version) {
        Error error = wrong("version", version, upper_section_version);
        if (version > upper_section_version) error.code = ErrorCode::unsupported;
        return error;
    }
    if (load_le32(base + 4) != params_.m) return wrong("m", load_le32(base + 4), params_.m);
    if (load_le32(base + 24) != max_rows_) return wrong("row count", load_le32(base + 24), max_rows_);
    const std::uint32_t slot_count = load_le32(base + 28);
    const std::uint64_t most_slots = std::uint64_t{max_rows_} * max_slots_per_row;
    if (slot_count > most_slots) return wrong("slot count", slot_count, most_slots);
    const std::size_t size = detail::upper_section_size(slot_count, params_.m);
    if (size != upper_section_size_) return wrong("size", upper_section_size_, size);
    const std::uint32_t levels = load_le32(base + 12);
    if (levels == 0 || levels > max_slots_per_row + 1) return wrong("number of levels", levels, max_slots_per_row + 1);
    const auto level = static_cast<std::int32_t>(levels) - 1;
    const std::uint32_t entry_row = load_le32(base + 32);
    const std::uint32_t entry_slot = load_le32(base + 36);
    if (entry_row >= max_rows_) return wrong("entry row", entry_row, max_rows_ - 1);
    if ((level > 0) != (entry_slot < slot_count)) return wrong("entry slot", entry_slot, slot_count);
    const std::byte* const rows_end = base + upper_header_size + std::size_t{slot_count} * 4;
    const auto zeros = [](const std::byte* from, const std::byte* to) {
        return std::all_of(from, to, [](std::byte byte) { return byte == std::byte{0}; });
    };
    if (!zeros(base + 40, base + upper_header_size) || !zeros(rows_end, base + upper_links_offset(slot_count))) {
        return Error{ErrorCode::corruption, "graph: a reserved byte is not zero"};
    }
    upper_rows_ = reinterpret_cast<std::uint32_t*>(base + upper_header_size);
    upper_links_ = reinterpret_cast<std::uint32_t*>(base + upper_links_offset(slot_count));
    if (level > 0 && upper_rows_[entry_slot] != entry_row)
        return wrong("row of the entry", upper_rows_[entry_slot], entry_row);
    max_slots_ = slot_count;
    sealed_ = true;
    publish(max_rows_, slot_count, {level > 0 ? entry_slot : entry_row, level});
    return {};
}

std::span<const std::byte> LinkStore::level0_section() const noexcept {
    return {reinterpret_cast<const std::byte*>(lists_), std::size_t{rows()} * degree() * 4};
}

std::span<const std::byte> LinkStore::upper_section() const noexcept {
    return {upper_section_.base(), upper_section_size_};
}

}  // namespace sextant::inline v1::detail
