#include "support/sim_content.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sextant/core/hash.hpp"
#include "sextant/core/random.hpp"

namespace test_support {
namespace {

constexpr std::uint64_t second_seed = 0x51A7;

std::size_t page_count(std::uint64_t size) noexcept {
    return static_cast<std::size_t>((size + SimContent::page_size - 1) / SimContent::page_size);
}

bool all_zero(std::span<const std::byte> bytes) noexcept {
    static constexpr std::array<std::byte, SimContent::page_size> zeros{};
    return std::memcmp(bytes.data(), zeros.data(), bytes.size()) == 0;
}

}  // namespace

void DigestSum::add(std::uint64_t number) noexcept {
    digest_.low = sextant::mix64(digest_.low ^ number);
    digest_.high = sextant::mix64(digest_.high + second_seed) ^ sextant::mix64(number ^ digest_.low);
}

void DigestSum::add(std::span<const std::byte> bytes) noexcept {
    add(bytes.size());
    add(sextant::hash64(bytes));
    add(sextant::hash64(bytes, second_seed));
}

SimContent::SimContent(FrozenContent frozen) : base_(std::move(frozen)), size_(base_ == nullptr ? 0 : base_->size_) {}

void SimContent::begin_writing() {
    if (base_ == nullptr) return;
    pages_ = base_->pages_;
    owned_.assign(pages_.size(), false);
    base_ = nullptr;
}

std::size_t SimContent::read(std::uint64_t offset, std::span<std::byte> into) const noexcept {
    if (offset >= size_) return 0;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset));
    const auto& pages = base_ == nullptr ? pages_ : base_->pages_;
    for (std::size_t done = 0; done < count;) {
        const auto at = static_cast<std::size_t>((offset + done) % page_size);
        const std::size_t step = std::min(page_size - at, count - done);
        const auto& page = pages[static_cast<std::size_t>((offset + done) / page_size)];
        if (page == nullptr) {
            std::memset(into.data() + done, 0, step);
        } else {
            std::memcpy(into.data() + done, page->bytes.data() + at, step);
        }
        done += step;
    }
    return count;
}

void SimContent::write(std::uint64_t offset, std::span<const std::byte> bytes) { write_from(offset, bytes, nullptr); }
void SimContent::write(std::uint64_t offset, std::span<const std::byte> bytes, const SimContent& same) {
    write_from(offset, bytes, &same);
}

void SimContent::write_from(std::uint64_t offset, std::span<const std::byte> bytes, const SimContent* same) {
    if (bytes.empty()) return;
    begin_writing();
    if (offset + bytes.size() > size_) resize(offset + bytes.size());
    for (std::size_t done = 0; done < bytes.size();) {
        const auto at = static_cast<std::size_t>((offset + done) % page_size);
        const auto index = static_cast<std::size_t>((offset + done) / page_size);
        const std::size_t step = std::min(page_size - at, bytes.size() - done);
        done += step;
        if (same != nullptr && step == page_size) {
            pages_[index] = same->pages_[index];
            owned_[index] = false;
            continue;
        }
        const auto part = bytes.subspan(done - step, step);
        // Zeros over zeros: a preallocated file stays free of pages.
        if (pages_[index] != nullptr || !all_zero(part)) {
            std::memcpy(own_page(index).bytes.data() + at, part.data(), step);
        }
    }
}

void SimContent::resize(std::uint64_t size) {
    if (size == size_) return;
    begin_writing();
    pages_.resize(page_count(size));
    owned_.resize(pages_.size(), false);
    const auto tail = static_cast<std::size_t>(size % page_size);
    if (size < size_ && tail != 0 && pages_.back() != nullptr) {
        Page& last = own_page(pages_.size() - 1);
        std::memset(last.bytes.data() + tail, 0, page_size - tail);
    }
    size_ = size;
}

SimContent::Page& SimContent::own_page(std::size_t index) {
    auto& page = pages_[index];
    if (page == nullptr) {
        page = std::make_shared<Page>();
    } else if (!owned_[index]) {
        page = std::make_shared<Page>(*page);
    }
    owned_[index] = true;
    return *page;
}

FrozenContent SimContent::freeze(SimContent&& content) {
    if (content.base_ != nullptr) return std::move(content.base_);
    auto frozen = std::make_shared<SimContent>(std::move(content));
    DigestSum sum;
    sum.add(frozen->size_);
    for (std::size_t i = 0; i < frozen->pages_.size(); ++i) {
        auto& page = frozen->pages_[i];
        if (page == nullptr) continue;
        if (frozen->owned_[i]) {
            if (all_zero(page->bytes)) {
                page = nullptr;
                continue;
            }
            DigestSum of_page;
            of_page.add(page->bytes);
            page->digest = of_page.digest();
        }
        sum.add(i);
        sum.add(page->digest);
    }
    frozen->owned_.clear();
    frozen->digest_ = sum.digest();
    return frozen;
}

}  // namespace test_support
