// Random operations on a collection in memory and on a std::map beside it.
#include "collection/model_support.hpp"

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

template <class C>
void run(std::uint64_t seed, std::size_t steps, const OpenOptions& open, ModelWorld world = {},
         RawPrecision raw = RawPrecision::F32) {
    CAPTURE(seed);
    const typename C::Options options{
        .dimension = model_dimension, .index = {.m = 6, .ef_construction = 32}, .raw = raw};
    Model<C> model(seed, C::open(options, open).value(), world, raw);
    for (std::size_t step = 0; step < steps; ++step) {
        INFO("step " << step);
        model.step();
        if (step % 500 == 499) model.check_all();
    }
    model.check_all();
    if (world.ids == large_world.ids) model.check_walks();
}

}  // namespace

TEST_CASE("random operations agree with a model, all work inside the calls", "[model]") {
    run<L2>(GENERATE(as<std::uint64_t>{}, 1, 2, 3), 1500, inline_work());
}

TEST_CASE("random operations agree with a model, codes in sealed segments", "[model]") {
    run<L2Codes>(GENERATE(as<std::uint64_t>{}, 4, 5), 1500, inline_work());
}

TEST_CASE("random operations agree with a model of half floats", "[model]") {
    run<L2>(10, 1500, inline_work(), {}, RawPrecision::F16);
    run<L2Codes>(11, 1500, threads(2), {}, RawPrecision::F16);
    run<L2>(12, 700, inline_work(), large_world, RawPrecision::F16);
}

TEST_CASE("random operations agree with a model while threads work behind", "[model][threads]") {
    run<L2Codes>(GENERATE(as<std::uint64_t>{}, 6, 7), 1000, threads(2));
}

TEST_CASE("random operations agree with a model whose searches walk graphs", "[model]") {
    run<L2>(8, 700, inline_work(), large_world);
    run<L2Codes>(9, 700, inline_work(), large_world);
}

TEST_CASE("random operations agree with a model, long", "[.][soak]") {
    const auto seed = GENERATE(range(std::uint64_t{100}, std::uint64_t{110}));
    run<L2>(seed, 20'000, inline_work());
    run<L2Codes>(seed + 1000, 20'000, threads(2));
    run<L2>(seed + 2000, 4'000, threads(2), large_world);
    run<L2Codes>(seed + 3000, 4'000, inline_work(), large_world);
    run<L2>(seed + 4000, 20'000, threads(2), {}, RawPrecision::F16);
    run<L2Codes>(seed + 5000, 4'000, inline_work(), large_world, RawPrecision::F16);
}
