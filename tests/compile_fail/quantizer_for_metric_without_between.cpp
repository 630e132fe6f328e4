// QuantizerFor asks for distances between rows too: no graph is built without them.
// expect-error: between
#include "sextant/concepts/archetypes.hpp"

namespace {

struct OneSided : sextant::archetype::Quantizer {
    [[nodiscard]] static sextant::Result<OneSided> train(sextant::MatrixView /*sample*/, const Options& /*options*/,
                                                         const sextant::TrainContext& /*context*/) {
        return OneSided{};
    }
    [[nodiscard]] static sextant::Result<OneSided> load(std::span<const std::byte> /*saved*/) { return OneSided{}; }
#ifdef SEXTANT_EXPECT_FAILURE
    template <class M>
    void between(sextant::RowSource /*rows*/, sextant::QueryScratch& /*scratch*/) const {}
#endif
};

static_assert(sextant::Quantizer<OneSided>);
static_assert(sextant::QuantizerFor<OneSided, sextant::archetype::Metric>);

}  // namespace
