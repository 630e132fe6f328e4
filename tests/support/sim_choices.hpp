/// sim_choices: which combinations of pending things are tried, all of them or the telling ones and a sample.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "support/sim_replay.hpp"

namespace test_support::sim {

struct ChoicePlan {
    std::size_t exhaustive_pending = 10;
    std::size_t random_subsets = 200;
    std::uint64_t seed = 1;
};

/// The same combination may come more than once.
void each_choice(const std::vector<OpenThing>& things, const ChoicePlan& plan,
                 const std::function<void(const Choices&)>& use);

}  // namespace test_support::sim
