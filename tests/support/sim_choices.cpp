#include "support/sim_choices.hpp"

#include <algorithm>

#include "sextant/core/random.hpp"

namespace test_support::sim {
namespace {

using Use = std::function<void(const Choices&)>;

/// How many combinations there are, or `limit` + 1 if there are more.
std::uint64_t combinations(const std::vector<OpenThing>& things, std::uint64_t limit) noexcept {
    std::uint64_t product = 1;
    for (const OpenThing& thing : things) {
        product *= thing.choice_count;
        if (product > limit) return limit + 1;
    }
    return product;
}

void each_combination(const std::vector<OpenThing>& things, const Use& use) {
    Choices choices(things.size(), 0);
    while (true) {
        use(choices);
        // The last moves fastest: operations on directories come first, and each of their trees is made once.
        std::size_t at = things.size();
        while (at > 0 && std::size_t{choices[at - 1]} + 1 == things[at - 1].choice_count) choices[--at] = 0;
        if (at == 0) return;
        ++choices[at - 1];
    }
}

void each_subset(std::size_t count, const Use& use) {
    Choices choices(count);
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << count); ++bits) {
        for (std::size_t i = 0; i < count; ++i) choices[i] = static_cast<Choice>((bits >> i) & 1U);
        use(choices);
    }
}

/// Nothing, everything, one alone, all but one, and all up to a moment.
void telling_subsets(const std::vector<OpenThing>& things, const Use& use) {
    use(Choices(things.size(), 0));
    use(Choices(things.size(), 1));
    for (std::size_t i = 0; i < things.size(); ++i) {
        Choices choices(things.size(), 0);
        choices[i] = 1;
        use(choices);
        std::fill(choices.begin(), choices.end(), Choice{1});
        choices[i] = 0;
        use(choices);
        for (std::size_t j = 0; j < things.size(); ++j) choices[j] = things[j].op <= things[i].op ? 1 : 0;
        use(choices);
    }
}

/// Each write torn in each way, with nothing, everything, and everything older beside it.
void each_tear(const std::vector<OpenThing>& things, const Use& use) {
    for (std::size_t i = 0; i < things.size(); ++i) {
        for (std::size_t choice = 2; choice < things[i].choice_count; ++choice) {
            Choices choices(things.size(), 0);
            choices[i] = static_cast<Choice>(choice);
            use(choices);
            for (std::size_t j = 0; j < things.size(); ++j) {
                if (j != i) choices[j] = things[j].op < things[i].op ? 1 : 0;
            }
            use(choices);
            for (std::size_t j = 0; j < things.size(); ++j) {
                if (j != i) choices[j] = 1;
            }
            use(choices);
        }
    }
}

void random_choices(const std::vector<OpenThing>& things, const ChoicePlan& plan, const Use& use) {
    sextant::Random random(plan.seed);
    Choices choices(things.size());
    for (std::size_t drawn = 0; drawn < plan.random_subsets; ++drawn) {
        const std::uint64_t share = 1 + random.below(7);  // of eight: sparse images and full ones alike
        for (std::size_t i = 0; i < things.size(); ++i) {
            choices[i] = random.below(8) < share ? 1 : 0;
            if (choices[i] == 1 && random.below(2) != 0) {
                choices[i] = static_cast<Choice>(1 + random.below(things[i].choice_count - 1));
            }
        }
        use(choices);
    }
}

}  // namespace

void each_choice(const std::vector<OpenThing>& things, const ChoicePlan& plan, const Use& use) {
    const std::uint64_t limit = std::uint64_t{1} << std::min<std::size_t>(plan.exhaustive_pending, 32);
    if (combinations(things, limit) <= limit) return each_combination(things, use);
    if (things.size() <= plan.exhaustive_pending) {
        each_subset(things.size(), use);
    } else {
        telling_subsets(things, use);
    }
    each_tear(things, use);
    random_choices(things, plan, use);
}

}  // namespace test_support::sim
