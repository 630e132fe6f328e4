#include "sextant/core/bitmap.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace sextant::inline v1 {
namespace {

constexpr std::size_t words_for(std::size_t bits) noexcept { return bits / 64 + (bits % 64 != 0 ? 1 : 0); }

}  // namespace

Result<Bitmap> Bitmap::reserve(std::size_t max_bits, MemoryAccount& account, const char* what) {
    Bitmap bitmap;
    // At least one word, so that view() of an empty bitmap is not the null view that means "every row".
    SEXTANT_TRY_ASSIGN(bitmap.words_,
                       Column<std::uint64_t>::reserve(std::max<std::size_t>(words_for(max_bits), 1), account, what));
    return bitmap;
}

Result<Bitmap> Bitmap::copy_of(BitmapView view, MemoryAccount& account, const char* what) {
    const std::size_t bit_count = view.words == nullptr ? 0 : view.bit_count;
    const std::size_t words = words_for(bit_count);
    Bitmap bitmap;
    SEXTANT_TRY_ASSIGN(bitmap.words_, Column<std::uint64_t>::exact(std::max<std::size_t>(words, 1), account, what));
    std::size_t count = 0;
    for (std::size_t i = 0; i < words; ++i) {
        std::uint64_t word = __atomic_load_n(view.words + i, __ATOMIC_RELAXED);
        if (i + 1 == words && bit_count % 64 != 0) word &= (std::uint64_t{1} << (bit_count % 64)) - 1;
        bitmap.words_[i] = word;
        count += static_cast<std::size_t>(std::popcount(word));
    }
    bitmap.bit_count_.store(bit_count, std::memory_order_relaxed);
    bitmap.count_.store(count, std::memory_order_relaxed);
    return bitmap;
}

// Moving is for one thread alone, as for any value: relaxed is enough.
Bitmap::Bitmap(Bitmap&& other) noexcept
    : words_(std::move(other.words_)),
      bit_count_(other.bit_count_.exchange(0, std::memory_order_relaxed)),
      count_(other.count_.exchange(0, std::memory_order_relaxed)) {}

Bitmap& Bitmap::operator=(Bitmap&& other) noexcept {
    if (this != &other) {
        words_ = std::move(other.words_);
        bit_count_.store(other.bit_count_.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
        count_.store(other.count_.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
    }
    return *this;
}

Result<void> Bitmap::ensure(std::size_t bit_count) {
    if (bit_count <= bit_count_.load(std::memory_order_relaxed)) return {};
    SEXTANT_TRY(words_.ensure(words_for(bit_count)));
    bit_count_.store(bit_count, std::memory_order_release);
    return {};
}

}  // namespace sextant::inline v1
