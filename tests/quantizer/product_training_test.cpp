// How a ProductQuantizer is trained: samples of every kind, executors, seeds, progress, cancelling, options.
#include <cmath>
#include <limits>
#include <string>

#include "quantizer/product_support.hpp"
#include "sextant/core/executor.hpp"

using namespace sextant;
using namespace test_support;

namespace {

using Options = ProductQuantizer::Options;

std::string refusal_of(const Vectors& vectors, const Options& options) {
    const auto trained = ProductQuantizer::train(vectors.matrix(), options, {});
    if (trained) return "";
    CHECK(trained.error().code == ErrorCode::invalid_argument);
    return trained.error().message;
}

/// Trains with a progress function that is given the number of the call; the shares it was told.
template <class Told>
Result<ProductQuantizer> train_told(const Vectors& vectors, const Options& options, TrainContext context, Told told) {
    std::size_t calls = 0;
    const auto on_progress = [&](double share) { told(calls++, share); };
    const FunctionRef<void(double)> progress(on_progress);
    context.progress = &progress;
    return ProductQuantizer::train(vectors.matrix(), options, context);
}

}  // namespace

TEST_CASE("samples with no row, one row and fewer rows than centroids train", "[quantizer][kernel]") {
    const Options options = GENERATE(Options{}, Options{.bits = 4}, Options{.rotation = ProductRotation::opq});
    SECTION("no row: the zero vector is all that is known") {
        const auto quantizer = ProductQuantizer::train({nullptr, 0, 6, 6}, options, {}).value();
        CHECK(quantizer.dimension() == 6);
        CHECK(round_trip(quantizer, std::vector<float>(6, 0.0F)) == std::vector<float>(6, 0.0F));
    }
    SECTION("one row, and so little that all have a centroid") {
        const std::size_t rows = GENERATE(as<std::size_t>{}, 1, 2, 7, 15);
        const Vectors vectors = normal_vectors(rows, 9, 3);
        const ProductQuantizer quantizer = trained(vectors, options);
        for (std::size_t r = 0; r < rows; ++r) {
            REQUIRE(l2(round_trip(quantizer, vectors[r]), vectors[r]) < 1e-9);
        }
        CHECK(quantizer.reconstruction_error() < 1e-9);
    }
    SECTION("255 rows have a centroid each with 8 bits, which the kept one does not disturb") {
        if (options.bits) return;
        const Vectors vectors = normal_vectors(255, 4, 3);
        CHECK(trained(vectors, options).reconstruction_error() < 1e-9);
    }
}

TEST_CASE("constant rows and rows that come again and again train", "[quantizer][kernel]") {
    const Options options = GENERATE(Options{}, Options{.bits = 4}, Options{.rotation = ProductRotation::opq});
    const std::size_t rows = GENERATE(as<std::size_t>{}, 500, 3000);
    SECTION("all zero") {
        const Vectors vectors{5, std::vector<float>(5 * rows, 0.0F)};
        CHECK(round_trip(trained(vectors, options), vectors[0]) == std::vector<float>(5, 0.0F));
    }
    SECTION("constant") {
        const Vectors vectors{5, std::vector<float>(5 * rows, 2.5F)};
        CHECK(l2(round_trip(trained(vectors, options), vectors[0]), vectors[0]) < 1e-9);
    }
    SECTION("ten rows, repeated") {
        const Vectors distinct = normal_vectors(10, 6, 8);
        Vectors vectors{6, {}};
        for (std::size_t r = 0; r < rows; ++r) {
            vectors.values.insert(vectors.values.end(), distinct[r % 10].begin(), distinct[r % 10].end());
        }
        const ProductQuantizer quantizer = trained(vectors, options);
        for (std::size_t r = 0; r < 10; ++r) {
            REQUIRE(l2(round_trip(quantizer, distinct[r]), distinct[r]) < 1e-9);
        }
        CHECK(quantizer.save() == trained(vectors, options).save());
    }
}

TEST_CASE("the same sample, options and seed train the same codebook with every executor", "[quantizer][threads]") {
    const Options options = GENERATE(Options{}, Options{.bits = 4}, Options{.subvectors = 1},
                                     Options{.subvectors = 5, .rotation = ProductRotation::opq});
    const Vectors vectors = clustered_vectors(1500, 17, 6);
    const auto expected = trained(vectors, options, {.seed = 9}).save();
    CHECK(trained(vectors, options, {.seed = 9}).save() == expected);
    CHECK(trained(vectors, options, {.seed = 10}).save() != expected);
    InlineExecutor inline_executor;
    CHECK(trained(vectors, options, {.seed = 9, .executor = &inline_executor}).save() == expected);
    ThreadPoolExecutor pool(3);
    for (int round = 0; round < 3; ++round) {
        REQUIRE(trained(vectors, options, {.seed = 9, .executor = &pool}).save() == expected);
    }
}

TEST_CASE("a sample may have a stride", "[quantizer][kernel]") {
    const Options options = GENERATE(Options{}, Options{.rotation = ProductRotation::opq});
    const Vectors vectors = clustered_vectors(600, 10, 6);
    Vectors wide{13, std::vector<float>(600 * 13, std::numeric_limits<float>::quiet_NaN())};
    for (std::size_t r = 0; r < 600; ++r) std::copy(vectors[r].begin(), vectors[r].end(), wide.row(r));
    const auto strided = ProductQuantizer::train({wide.values.data(), 600, 10, 13}, options, {}).value();
    CHECK(strided.save() == trained(vectors, options).save());
}

TEST_CASE("progress grows to 1 and is told from the calling thread", "[quantizer][threads]") {
    const Options options = GENERATE(Options{}, Options{.rotation = ProductRotation::opq});
    const bool pooled = GENERATE(false, true);
    ThreadPoolExecutor pool(2);
    const Vectors vectors = clustered_vectors(1200, 32, 6);
    const auto caller = std::this_thread::get_id();
    double last = 0.0;
    bool grows = true;
    bool from_caller = true;
    const auto done =
        train_told(vectors, options, {.executor = pooled ? &pool : nullptr}, [&](std::size_t /*call*/, double share) {
            grows = grows && share >= last && share <= 1.0;
            from_caller = from_caller && std::this_thread::get_id() == caller;
            last = share;
        });
    REQUIRE(done);
    CHECK(grows);
    CHECK(from_caller);
    CHECK(last == 1.0);
}

TEST_CASE("training can be cancelled at every stage", "[quantizer][threads]") {
    const Options options = GENERATE(Options{}, Options{.subvectors = 3, .bits = 4},
                                     Options{.subvectors = 4, .rotation = ProductRotation::opq});
    const bool pooled = GENERATE(false, true);
    ThreadPoolExecutor pool(2);
    const Vectors vectors = clustered_vectors(1100, 12, 6);
    const auto stopped_at = [&](std::size_t stage) {
        std::stop_source stop;
        if (stage == 0) stop.request_stop();
        const auto result =
            train_told(vectors, options, {.stop = stop.get_token(), .executor = pooled ? &pool : nullptr},
                       [&](std::size_t call, double share) {
                           if (call + 1 == stage && share < 1.0) stop.request_stop();
                       });
        if (!result) CHECK(result.error().code == ErrorCode::cancelled);
        return !result && stop.stop_requested();
    };
    std::size_t stage = 0;
    while (stopped_at(stage)) ++stage;
    // Without a pool, each sub-vector and each turn of the rotation is a stage; with one, those of the calling thread.
    CHECK(stage >= (pooled ? 1U : 3U));
}

TEST_CASE("samples that are not finite are refused and name the row", "[quantizer]") {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
        Vectors vectors = normal_vectors(300, 5, 1);
        vectors.row(217)[4] = bad;
        CHECK(refusal_of(vectors, {}).find("row 217") != std::string::npos);
    }
}

TEST_CASE("product options outside their range are refused by name", "[quantizer]") {
    const Vectors vectors = normal_vectors(30, 8, 1);
    const std::pair<Options, std::string> bad[] = {
        {{.subvectors = 0}, "quantizer.subvectors is 0"},
        {{.subvectors = 65'537}, "quantizer.subvectors is 65537"},
        {{.bits = 0}, "quantizer.bits is 0"},
        {{.bits = 5}, "quantizer.bits is 5"},
        {{.bits = 16}, "quantizer.bits is 16"},
        {{.rotation = ProductRotation{2}}, "quantizer.rotation is 2"},
        {{.iterations = 0}, "quantizer.iterations is 0"},
        {{.iterations = 1001}, "quantizer.iterations is 1001"},
    };
    for (const auto& [options, says] : bad) {
        const auto valid = options.validate();
        REQUIRE_FALSE(valid);
        CHECK(valid.error().code == ErrorCode::invalid_argument);
        CHECK(valid.error().message.find(says) == 0);
        CHECK(refusal_of(vectors, options).find(says) == 0);
    }
    CHECK(Options{.subvectors = 9}.validate());
    CHECK(refusal_of(vectors, {.subvectors = 9}) == "quantizer.subvectors is 9; it must be at most the dimension, 8");
    CHECK(Options{.subvectors = 8, .bits = 4, .rotation = ProductRotation::opq, .iterations = 1000}.validate());
    const Vectors long_ones = normal_vectors(2, 16'385, 1);
    CHECK(refusal_of(long_ones, {.subvectors = 1, .rotation = ProductRotation::opq}).find("quantizer.rotation") == 0);
}

TEST_CASE("product options are read as they were written, and others refused", "[quantizer]") {
    CHECK(Options{}.save().empty());
    const Options all[] = {Options{},
                           Options{.subvectors = 7},
                           Options{.bits = 8},
                           Options{.bits = 4},
                           Options{.rotation = ProductRotation::none},
                           Options{.rotation = ProductRotation::opq},
                           Options{.iterations = 300},
                           Options{.subvectors = 1, .bits = 4, .rotation = ProductRotation::opq, .iterations = 3}};
    for (const Options& options : all) {
        const auto loaded = Options::load(options.save());
        REQUIRE(loaded);
        CHECK(*loaded == options);
        for (const Options& other : all) CHECK((other.save() == options.save()) == (other == options));
    }
    const auto refused = [](std::vector<std::byte> saved) {
        const auto loaded = Options::load(saved);
        if (!loaded) CHECK(loaded.error().code == ErrorCode::corruption);
        return !loaded;
    };
    const auto saved = Options{.bits = 8}.save();
    REQUIRE(saved.size() == 16);
    for (std::size_t size = 1; size < 40; ++size) {
        if (size != 16) CHECK(refused(std::vector<std::byte>(size, std::byte{1})));
    }
    CHECK(refused(std::vector<std::byte>(16)));  // what is all left out is written as nothing
    for (std::size_t i = 0; i < 16; ++i) {
        auto changed = saved;
        changed[i] = std::byte{0xFF};
        const auto loaded = Options::load(changed);
        if (loaded) CHECK(loaded->save() == changed);
    }
    auto no_rotation = saved;
    no_rotation[9] = std::byte{1};  // 256, which as a byte would be 0
    CHECK(refused(no_rotation));
}

TEST_CASE("sub-vectors longer than a slice are coded like others", "[quantizer][kernel]") {
    const std::size_t dimension = 2500;
    const Vectors vectors = clustered_vectors(64, dimension, 4, 8);
    const ProductQuantizer quantizer = trained(vectors, {.subvectors = 1, .bits = 4});
    for (std::size_t r = 0; r < 16; ++r) {
        const auto near = round_trip(quantizer, vectors[r]);
        // Within a cluster: 2 · 0.09 a dimension; between clusters 2 more.
        REQUIRE(l2(near, vectors[r]) < 0.4 * static_cast<double>(dimension));
    }
}
