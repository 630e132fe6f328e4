// Random operations on a durable collection and on a std::map beside it, with closing, killing and opening in between.
// SEXTANT_MODEL_SEED in the environment begins the long form at another seed.
#include <cstdlib>
#include <iostream>
#include <memory>

#include "collection/collection_support.hpp"
#include "collection/model_support.hpp"
#include "support/catch.hpp"
#include "support/sim_crash.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

using Plain = Collection<SquaredL2, MappedStorage>;
using Coded = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;

constexpr const char* path = "points.sxt";

/// How one run differs from another.
struct Shape {
    Durability durability = Durability::Sync;
    std::uint64_t steps_per_life = 40;  ///< operations between two openings, on average
    RawPrecision raw = RawPrecision::F32;
};

template <class C>
class DurableModel {
public:
    std::uint64_t openings = 0;

    DurableModel(std::uint64_t seed, const Shape& shape)
        : shape_(shape),
          disk_(std::make_unique<SimDisk>()),
          model_(seed, open(*disk_), ModelWorld{300, 120}, shape.raw) {}

    void run(std::size_t steps) {
        for (std::size_t step = 0; step < steps; ++step) {
            INFO("step " << step);
            if (model_.random().below(shape_.steps_per_life) != 0) {
                model_.step();
                continue;
            }
            switch (model_.random().below(4)) {
                case 0: reopen(); break;
                case 1: kill(); break;
                default: kill_in_a_step(); break;
            }
            model_.check_all();
        }
        reopen();
        model_.check_all();
    }
    std::uint64_t lost_steps = 0;  ///< that were under way when the process was killed, and left no trace

private:
    C open(SimDisk& disk) {
        auto options = inline_work();
        options.files = &disk.files();
        // In memory at one opening, in files at the next.
        constexpr Residency residencies[] = {Residency::resident, Residency::mapped, Residency::mapped_vectors};
        options.residency = residencies[openings % 3];
        return C::open(path,
                       {.dimension = model_dimension,
                        .index = {.m = 6, .ef_construction = 32},
                        .durability = shape_.durability,
                        .raw = shape_.raw},
                       options)
            .value();
    }

    void reopen() {
        model_.collection().close().value();
        // A new disk of the same bytes, as its record would become ever longer.
        move_to(std::make_unique<SimDisk>(killed_at(disk_->log_size() - 1)));
        CHECK(model_.collection().stats().value().recovery.clean);
    }
    void kill() { move_to(std::make_unique<SimDisk>(killed_at(disk_->log_size() - 1))); }
    /// At any moment of the next operation, which then is done or not.
    void kill_in_a_step() {
        auto before = model_.moment();
        const std::size_t begin = disk_->log_size();
        model_.step();
        const std::size_t end = disk_->log_size();
        move_to(std::make_unique<SimDisk>(killed_at(begin - 1 + model_.random().below(end - begin + 1))));
        if (model_.holds(model_.points())) return;
        ++lost_steps;
        model_.return_to(std::move(before));
    }

    [[nodiscard]] SimDisk killed_at(std::size_t op) const { return CrashEnumerator(disk_->recording()).kill_image(op); }
    void move_to(std::unique_ptr<SimDisk> next) {
        ++openings;
        model_.replace([&] { return open(*next); });
        disk_ = std::move(next);
    }

    const Shape shape_;
    std::unique_ptr<SimDisk> disk_;
    Model<C> model_;
};

template <class C>
void run(std::uint64_t seed, std::size_t steps, const Shape& shape = {}) {
    CAPTURE(seed);
    DurableModel<C> model(seed, shape);
    model.run(steps);
    CHECK(model.openings > 0);
    // Of few lives chance may make half as many, and none that ends within a step that is lost.
    if (steps / shape.steps_per_life < 50) return;
    CHECK(model.openings > steps / shape.steps_per_life / 2);
    CHECK(model.lost_steps > 0);
}

}  // namespace

TEST_CASE("random operations agree with a model through closings, kills and openings", "[durable][model]") {
    run<Plain>(1, 5000);
    run<Plain>(2, 4000, {.durability = Durability::Os});
}

TEST_CASE("random operations agree with a model through openings, codes in sealed segments", "[durable][model]") {
    run<Coded>(3, 5000);
    run<Coded>(4, 4000, {.steps_per_life = 15});
}

TEST_CASE("random operations agree with a model through few openings", "[durable][model]") {
    run<Coded>(5, 2000, {.steps_per_life = 500});
}

TEST_CASE("random operations agree with a model of half floats through openings", "[durable][model]") {
    run<Plain>(6, 4000, {.raw = RawPrecision::F16});
    run<Coded>(7, 4000, {.durability = Durability::Os, .steps_per_life = 15, .raw = RawPrecision::F16});
}

TEST_CASE("random operations agree with a model through openings, long", "[.][soak]") {
    const char* const first = std::getenv("SEXTANT_MODEL_SEED");
    const std::uint64_t base = first == nullptr ? 1000 : std::strtoull(first, nullptr, 10);
    const auto round = GENERATE(range(std::uint64_t{0}, std::uint64_t{100}));
    const std::uint64_t seed = base + 4 * round;
    run<Plain>(seed, 5000);
    run<Plain>(seed + 1, 5000, {.durability = Durability::Os});
    run<Coded>(seed + 2, 5000, {.durability = Durability::None, .steps_per_life = 15});
    run<Coded>(seed + 3, 5000, {.steps_per_life = 500, .raw = RawPrecision::F16});
}
