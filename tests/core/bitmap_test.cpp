#include "sextant/core/bitmap.hpp"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"

using sextant::Bitmap;
using sextant::BitmapView;
using sextant::MemoryAccount;

namespace {

Bitmap make(std::size_t max_bits, std::size_t bits, MemoryAccount& account) {
    Bitmap bitmap = Bitmap::reserve(max_bits, account, "tombstones").value();
    bitmap.ensure(bits).value();
    return bitmap;
}

}  // namespace

TEST_CASE("A bit is clear, then set once, and set() says what it was", "[core][bitmap]") {
    MemoryAccount account("test");
    Bitmap bitmap = make(1000, 1000, account);
    CHECK(bitmap.count() == 0);
    CHECK_FALSE(bitmap.test(999));
    CHECK_FALSE(bitmap.set(999));
    CHECK(bitmap.set(999));
    CHECK(bitmap.test(999));
    CHECK_FALSE(bitmap.test(998));
    CHECK(bitmap.count() == 1);
    CHECK(bitmap.size() == 1000);
}

TEST_CASE("A bitmap agrees with a vector of bools over random sets", "[core][bitmap]") {
    MemoryAccount account("test");
    Bitmap bitmap = make(5000, 5000, account);
    std::vector<bool> model(5000);
    sextant::Random random(1);
    for (int i = 0; i < 4000; ++i) {
        const auto index = static_cast<std::uint32_t>(random.below(5000));
        REQUIRE(bitmap.set(index) == model[index]);
        model[index] = true;
    }
    const BitmapView view = bitmap.view();
    std::size_t count = 0;
    bool agrees = true;
    for (std::uint32_t i = 0; i < 5000; ++i) {
        agrees = agrees && bitmap.test(i) == model[i] && view.test(i) == model[i];
        count += model[i] ? 1 : 0;
    }
    CHECK(agrees);
    CHECK(bitmap.count() == count);
    CHECK(view.bit_count == 5000);
}

TEST_CASE("A bitmap grows without moving, and a view taken before sees later bits", "[core][bitmap]") {
    MemoryAccount account("test");
    Bitmap bitmap = make(10'000'000, 64, account);
    const BitmapView early = bitmap.view();
    REQUIRE(bitmap.ensure(10'000'000));
    bitmap.set(5);
    bitmap.set(9'999'999);
    CHECK(early.test(5));
    CHECK(bitmap.view().words == early.words);
    CHECK(bitmap.test(9'999'999));
    CHECK(account.used() == bitmap.committed());
    REQUIRE(bitmap.ensure(10));
    CHECK(bitmap.size() == 10'000'000);
}

TEST_CASE("The view of an empty bitmap is not the one that admits every row", "[core][bitmap]") {
    MemoryAccount account("test");
    const auto bitmap = Bitmap::reserve(0, account, "tombstones");
    REQUIRE(bitmap.has_value());
    CHECK_FALSE(bitmap->view().admits_all());
    CHECK(bitmap->view().bit_count == 0);
}

TEST_CASE("A bitmap that cannot grow stays as it was", "[core][bitmap]") {
    MemoryAccount account("test", 64 * 1024);
    Bitmap bitmap = make(100'000'000, 100'000, account);
    bitmap.set(7);
    const auto refused = bitmap.ensure(90'000'000);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == sextant::ErrorCode::resource_exhausted);
    CHECK(refused.error().message.rfind("tombstones: ", 0) == 0);
    CHECK(bitmap.size() == 100'000);
    CHECK(bitmap.test(7));
    CHECK_FALSE(Bitmap::copy_of(bitmap.view(), account, "copy").has_value());
}

TEST_CASE("A copy holds the bits of that moment and no others", "[core][bitmap]") {
    MemoryAccount account("test");
    Bitmap bitmap = make(200, 130, account);
    bitmap.set(0);
    bitmap.set(129);
    const BitmapView first_100{bitmap.view().words, 100};
    auto copy = Bitmap::copy_of(bitmap.view(), account, "copy");
    auto part = Bitmap::copy_of(first_100, account, "part");
    const auto none = Bitmap::copy_of(BitmapView{}, account, "none");
    REQUIRE(copy.has_value());
    REQUIRE(part.has_value());
    REQUIRE(none.has_value());
    bitmap.set(64);
    CHECK(copy->count() == 2);
    CHECK(copy->size() == 130);
    CHECK(copy->test(129));
    CHECK_FALSE(copy->test(64));
    CHECK(part->count() == 1);
    CHECK(part->size() == 100);
    CHECK(none->size() == 0);
    CHECK_FALSE(none->view().admits_all());
    // Bits past the copied count were dropped, even within the last word.
    REQUIRE(Bitmap::copy_of({bitmap.view().words, 129}, account, "less one")->count() == 2);
}

TEST_CASE("A moved bitmap keeps its bits", "[core][bitmap]") {
    MemoryAccount account("test");
    Bitmap bitmap = make(100, 100, account);
    bitmap.set(3);
    Bitmap moved = std::move(bitmap);
    CHECK(moved.test(3));
    CHECK(moved.count() == 1);
    CHECK(bitmap.count() == 0);
    CHECK(bitmap.size() == 0);
    Bitmap assigned;
    assigned = std::move(moved);
    CHECK(assigned.test(3));
    CHECK(assigned.size() == 100);
}

TEST_CASE("Of threads that set the same bits, exactly one learns that it was first", "[core][bitmap][threads]") {
    constexpr std::uint32_t bits = 20'000;
    MemoryAccount account("test");
    Bitmap bitmap = make(bits, bits, account);
    std::atomic<std::uint32_t> firsts{0};
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        const BitmapView view = bitmap.view();
        std::size_t seen = 0;
        while (!stop) {
            for (std::uint32_t i = 0; i < bits; i += 97) seen += view.test(i) ? 1 : 0;
        }
        static_cast<void>(seen);
    });
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 3; ++writer) {
        writers.emplace_back([&] {
            std::uint32_t mine = 0;
            for (std::uint32_t i = 0; i < bits; ++i) mine += bitmap.set(i) ? 0 : 1;
            firsts += mine;
        });
    }
    for (auto& writer : writers) writer.join();
    stop = true;
    reader.join();
    CHECK(firsts == bits);
    CHECK(bitmap.count() == bits);
}
