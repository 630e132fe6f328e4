#include "sextant/index/candidate_pool.hpp"

#include <algorithm>
#include <vector>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1 {
namespace {

TEST_CASE("a pool keeps the closest entries in order, ties by id", "[index]") {
    const std::size_t capacity = GENERATE(as<std::size_t>{}, 1, 2, 7, 64, 600);
    Random random(capacity);
    CandidatePool pool;
    pool.reset(capacity);
    std::vector<Neighbor> model;
    for (std::uint32_t id = 0; id < 2000; ++id) {
        // few distinct distances, negative ones among them, so that ties are common
        const float distance = static_cast<float>(random.below(300)) - 150.0F;
        if (distance < pool.worst()) pool.insert(distance, id * 7919 % 2003);
        const Neighbor added{distance, RowId{id * 7919 % 2003}};
        if (model.size() < capacity || distance < model.back().distance) {
            if (model.size() == capacity) model.pop_back();
            model.insert(std::upper_bound(model.begin(), model.end(), added), added);
        }
        REQUIRE(pool.size() == model.size());
    }
    for (std::size_t i = 0; i < model.size(); ++i) REQUIRE(pool[i] == model[i]);
}

TEST_CASE("pop gives the closest entry that was not expanded, however late it came", "[index]") {
    CandidatePool pool;
    pool.reset(4);
    CHECK_FALSE(pool.has_next());
    CHECK(pool.peek() == to_index(no_row));
    pool.insert(3.0F, 30);
    pool.insert(1.0F, 10);
    REQUIRE(pool.has_next());
    CHECK(pool.pop() == Neighbor{1.0F, RowId{10}});
    CHECK(pool.peek() == 30);
    pool.insert(0.5F, 5);
    pool.insert(2.0F, 20);
    CHECK(pool.peek() == 5);
    REQUIRE(pool.has_next());
    CHECK(pool.pop().row == RowId{5});
    CHECK(pool.peek() == 20);  // 10 lies between and is expanded
    pool.insert(1.5F, 15);     // drops 30
    REQUIRE(pool.full());
    CHECK(pool.worst() == 2.0F);
    REQUIRE(pool.has_next());
    CHECK(pool.pop().row == RowId{15});
    REQUIRE(pool.has_next());
    CHECK(pool.pop().row == RowId{20});
    CHECK_FALSE(pool.has_next());
}

TEST_CASE("a look ahead gives what pop would, in its order, and expands nothing", "[index]") {
    const std::size_t wanted = GENERATE(as<std::size_t>{}, 1, 3, 16, 80);
    Random random(wanted);
    CandidatePool pool;
    pool.reset(40);
    std::vector<std::uint32_t> ahead(wanted);
    CHECK(pool.peek(ahead) == 0);
    for (std::uint32_t id = 0; id < 300; ++id) {
        const auto distance = static_cast<float>(random.below(1000));
        if (distance < pool.worst()) pool.insert(distance, id);
        if (id % 3 == 0 && pool.has_next()) {
            REQUIRE(pool.peek(ahead) > 0);
            REQUIRE(pool[pool.next_index()].row == RowId{ahead[0]});
            REQUIRE(pool.pop().row == RowId{ahead[0]});
        }
    }
    CandidatePool copy = pool;
    const std::size_t count = pool.peek(ahead);
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(copy.has_next());
        REQUIRE(copy.pop().row == RowId{ahead[i]});
    }
    CHECK((count == wanted || !copy.has_next()));
}

TEST_CASE("both zeros are one distance, and the extremes of float keep their order", "[index]") {
    CandidatePool pool;
    pool.reset(8);
    const float largest = std::numeric_limits<float>::max();
    const float smallest = std::numeric_limits<float>::denorm_min();
    pool.insert(largest, 1);
    pool.insert(0.0F, 3);
    pool.insert(-0.0F, 2);
    pool.insert(-largest, 4);
    pool.insert(smallest, 5);
    pool.insert(-smallest, 6);
    const std::vector<std::uint32_t> order{4, 6, 2, 3, 5, 1};
    for (std::size_t i = 0; i < order.size(); ++i) CHECK(to_index(pool[i].row) == order[i]);
    CHECK(pool[5].distance == largest);
    CHECK(pool[0].distance == -largest);
}

TEST_CASE("the largest id survives beside the flag", "[index]") {
    CandidatePool pool;
    pool.reset(1);
    pool.insert(1.0F, CandidatePool::id_limit - 1);
    REQUIRE(pool.has_next());
    CHECK(to_index(pool.pop().row) == CandidatePool::id_limit - 1);
    CHECK(to_index(pool[0].row) == CandidatePool::id_limit - 1);
}

}  // namespace
}  // namespace sextant::inline v1
