#include "support/sim_content.hpp"

#include <vector>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"

using namespace test_support;

namespace {

std::vector<std::byte> all_of(const SimContent& content) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(content.size()), std::byte{0xEE});
    CHECK(content.read(0, bytes) == bytes.size());
    return bytes;
}

FrozenContent frozen(const std::vector<std::byte>& bytes) {
    SimContent content;
    content.write(0, bytes);
    return SimContent::freeze(std::move(content));
}

}  // namespace

TEST_CASE("Contents read as the bytes that were written, however sizes change", "[support][sim_content]") {
    sextant::Random random(3);
    SimContent content;
    std::vector<std::byte> expected;
    for (std::size_t step = 0; step < 2'000; ++step) {
        const auto at = static_cast<std::size_t>(random.below(20'000));
        if (random.below(3) == 0) {
            content.resize(at);
            expected.resize(at);
        } else {
            // A third are zeros, for which pages need not exist.
            const auto letter = static_cast<std::byte>(random.below(3) == 0 ? 0 : random.below(256));
            const std::vector<std::byte> bytes(static_cast<std::size_t>(random.below(9'000)), letter);
            if (random.below(2) == 0) {
                content.write(at, bytes);
            } else {
                SimContent same;
                same.write(at, bytes);
                content.write(at, bytes, *SimContent::freeze(std::move(same)));
            }
            if (!bytes.empty() && at + bytes.size() > expected.size()) expected.resize(at + bytes.size());
            std::copy(bytes.begin(), bytes.end(),
                      expected.begin() + static_cast<std::ptrdiff_t>(bytes.empty() ? 0 : at));
        }
        if (random.below(10) == 0) content = SimContent(SimContent::freeze(std::move(content)));
        if (step % 50 == 0) REQUIRE(all_of(content) == expected);
    }
}

TEST_CASE("Writing to a copy leaves the frozen content as it is", "[support][sim_content]") {
    const std::vector<std::byte> bytes(10'000, std::byte{7});
    const FrozenContent original = frozen(bytes);
    SimContent copy(original);
    copy.write(5'000, std::vector<std::byte>(1, std::byte{9}));
    copy.resize(6'000);
    CHECK(all_of(*original) == bytes);
    CHECK(copy.size() == 6'000);
    CHECK(all_of(copy)[5'000] == std::byte{9});
}

TEST_CASE("Digests are equal when the bytes are, however they came about, and only then", "[support][sim_content]") {
    const std::vector<std::byte> zeros(10'000);
    SimContent grown;
    grown.resize(10'000);
    SimContent overwritten(frozen(std::vector<std::byte>(10'000, std::byte{1})));
    overwritten.write(0, zeros);
    const Digest digest = frozen(zeros)->digest();
    CHECK(SimContent::freeze(std::move(grown))->digest() == digest);
    CHECK(SimContent::freeze(std::move(overwritten))->digest() == digest);
    CHECK_FALSE(frozen(std::vector<std::byte>(9'999))->digest() == digest);
    auto swapped = zeros;
    swapped[0] = std::byte{1};
    const Digest first_page = frozen(swapped)->digest();
    std::swap(swapped[0], swapped[4'096]);
    CHECK_FALSE(frozen(swapped)->digest() == first_page);
    CHECK_FALSE(frozen(swapped)->digest() == digest);
}
