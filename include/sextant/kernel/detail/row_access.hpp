/// row_access: where the rows of a list lie, and how they are fetched before they are needed.
/// Cost: a list of scattered rows is bound by cache misses; everything here serves to have as many of them under way
/// at once as the CPU can track. docs/internals/kernels.md has the measurements behind the constants.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/target.hpp"

namespace sextant::inline v1 {
namespace {

inline constexpr std::size_t cache_line_size = 64;
/// Rows in work at once: they share each load of the query, and their sums are reduced together.
inline constexpr std::size_t rows_per_pass = 4;
/// Rows of this many lines or more are fetched by the pass before theirs, line by line, instead of as a whole.
inline constexpr std::size_t long_row_lines = 15;
/// Lines under way ahead of the pass in work, for shorter rows.
inline constexpr std::size_t prefetch_line_budget = 128;
/// Long rows whose first line is asked for ahead, which also brings their page into the TLB.
inline constexpr std::size_t long_rows_ahead = 64;

/// Bytes between what a streaming read asks for and what it reads: short rows, long rows (of which a pass of four asks
/// for 4 KiB and more at once).
inline constexpr std::size_t short_stream_ahead = 8192;
inline constexpr std::size_t long_stream_ahead = 1024;

/// An instruction, not __builtin_prefetch: g++ 12 removes some loops whose only effect is a prefetch.
SEXTANT_KERNEL_INLINE void prefetch_line(const std::byte* address) noexcept {
#if SEXTANT_KERNEL_X86
    asm volatile("prefetcht0 %0" : : "m"(*reinterpret_cast<const char*>(address)));
#elif SEXTANT_KERNEL_NEON
    asm volatile("prfm pldl1keep, %a0" : : "p"(address));
#else
    __builtin_prefetch(address);
#endif
}

struct ListedRows {
    const std::byte* base;
    std::size_t stride;
    const RowId* rows;

    SEXTANT_KERNEL_INLINE const std::byte* at(std::size_t index) const noexcept {
        return base + static_cast<std::size_t>(rows[index]) * stride;
    }
};

struct ConsecutiveRows {
    const std::byte* base;
    std::size_t stride;

    SEXTANT_KERNEL_INLINE const std::byte* at(std::size_t index) const noexcept { return base + index * stride; }
};

/// How the rows of one size are fetched. Short rows as a whole, as many as the line budget allows ahead of the pass in
/// work. Of long rows only the first line; the rest is asked for line by line while the four rows before them are in
/// work. Asked for as a whole they would queue in front of the lines that are needed first: 784 floats a row were then
/// 1.2 times as slow.
struct PrefetchPlan {
    std::size_t line_count;  ///< lines at row + 0, 64, 128 …
    std::size_t last_byte;   ///< where to ask once more, because a row that starts inside a line ends in one line more
    std::size_t ahead;       ///< rows asked for beyond the pass in work
    bool line_by_line;       ///< long rows: each pass asks for the rest of the next one's rows

    SEXTANT_KERNEL_INLINE static PrefetchPlan make(const std::byte* base, std::size_t stride,
                                                   std::size_t row_size) noexcept {
        PrefetchPlan plan{};
        plan.line_count = (row_size + cache_line_size - 1) / cache_line_size;
        if (plan.line_count >= long_row_lines) {
            plan.line_count = 1;
            plan.ahead = long_rows_ahead;
            plan.line_by_line = true;
            return plan;
        }
        const bool aligned = ((reinterpret_cast<std::uintptr_t>(base) | stride) % cache_line_size) == 0;
        plan.last_byte = (aligned || row_size == 0) ? 0 : row_size - 1;
        plan.ahead = plan.line_count == 0 ? 0 : prefetch_line_budget / plan.line_count;
        return plan;
    }

    SEXTANT_KERNEL_INLINE void fetch(const std::byte* row) const noexcept {
        for (std::size_t line = 0; line < line_count; ++line) prefetch_line(row + line * cache_line_size);
        if (last_byte != 0) prefetch_line(row + last_byte);
    }
};

/// The rows of the pass after the one in work, fetched line by line beside it.
struct NextRows {
    const std::byte* row[rows_per_pass];

    template <class Rows>
    SEXTANT_KERNEL_INLINE static NextRows of(Rows rows, std::size_t first, std::size_t count) noexcept {
        NextRows next;
        for (std::size_t r = 0; r < rows_per_pass; ++r)
            next.row[r] = rows.at(first + r < count ? first + r : count - 1);
        return next;
    }

    /// The lines that bytes [at, at + Size) of the rows lie in; `at` is a multiple of Size.
    template <std::size_t Size>
    SEXTANT_KERNEL_INLINE void fetch(std::size_t at) const noexcept {
        if (Size < cache_line_size && at % cache_line_size != 0) return;
        for (std::size_t line = 0; line < Size || line == 0; line += cache_line_size) {
            for (std::size_t r = 0; r < rows_per_pass; ++r) prefetch_line(row[r] + at + line);
        }
    }
};

/// Stands where a pass has nothing to fetch beside its work.
struct NoNextRows {
    template <std::size_t Size>
    SEXTANT_KERNEL_INLINE void fetch(std::size_t /*at*/) const noexcept {}
};

/// Walks a list four rows at a time: `pass4(index, next)` for whole passes, `rest(index)` for the last one to three.
template <class Pass4, class Rest>
SEXTANT_KERNEL_INLINE void for_each_pass(ListedRows rows, std::size_t row_size, std::size_t count, Pass4 pass4,
                                         Rest rest) noexcept {
    const PrefetchPlan plan = PrefetchPlan::make(rows.base, rows.stride, row_size);
    std::size_t fetched = 0;
    const std::size_t start = count < plan.ahead ? count : plan.ahead;
    for (; fetched < start; ++fetched) plan.fetch(rows.at(fetched));

    std::size_t i = 0;
    if (plan.line_by_line) {
        for (; i + rows_per_pass < count; i += rows_per_pass) {
            pass4(i, NextRows::of(rows, i + rows_per_pass, count));
        }
    }
    for (; i + rows_per_pass <= count; i += rows_per_pass) {
        std::size_t until = fetched + rows_per_pass;
        if (until > count) until = count;
        for (; fetched < until; ++fetched) plan.fetch(rows.at(fetched));
        pass4(i, NoNextRows{});
    }
    if (i < count) rest(i);
}

/// The same for rows that follow one another: a streaming read, every line asked for once. The hardware would follow
/// the stream too, but it starts anew at each page and cannot keep up with rows of 400 bytes (0.54 of the bandwidth
/// without, 0.92 with). Asking past the end is harmless: a prefetch never faults.
template <class Pass4, class Rest>
SEXTANT_KERNEL_INLINE void for_each_pass(ConsecutiveRows rows, std::size_t row_size, std::size_t count, Pass4 pass4,
                                         Rest rest) noexcept {
    const std::size_t span = rows_per_pass * rows.stride;
    const std::size_t ahead = row_size < long_row_lines * cache_line_size ? short_stream_ahead : long_stream_ahead;
    std::size_t i = 0;
    for (; i + rows_per_pass <= count; i += rows_per_pass) {
        const std::byte* line = rows.at(i) + ahead;
        for (std::size_t at = 0; at < span; at += cache_line_size) prefetch_line(line + at);
        pass4(i, NoNextRows{});
    }
    if (i < count) rest(i);
}

}  // namespace
}  // namespace sextant::inline v1
