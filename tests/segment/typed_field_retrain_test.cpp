// What happens to appended rows while the linker fills new codes.
#include <functional>
#include <utility>

#include "support/catch.hpp"
#include "support/field_fixture.hpp"

using namespace sextant;
using namespace test_support;

namespace {

int trainings = 0;
/// Called once, when the first row is encoded by the second codec.
std::function<void()> when_refilled;

/// The usual head codec, watched.
class Watched final : public sextant::detail::FieldCodec {
public:
    Watched(std::unique_ptr<FieldCodec> inner, bool second) : inner_(std::move(inner)), second_(second) {}
    std::size_t code_size() const noexcept override { return inner_->code_size(); }
    std::size_t room_floats() const noexcept override { return inner_->room_floats(); }
    void encode(VectorView vector, bool zero, std::span<std::byte> out, std::span<float> room) const noexcept override {
        if (second_ && when_refilled) std::exchange(when_refilled, nullptr)();
        inner_->encode(vector, zero, out, room);
    }
    bool always_lossy() const noexcept override { return inner_->always_lossy(); }
    void decode(CodeView code, std::span<float> out) const noexcept override { inner_->decode(code, out); }
    RowScorer bind(VectorView query, RowSource rows, QueryScratch& scratch) const override {
        return inner_->bind(query, rows, scratch);
    }
    PairScorer between(RowSource rows, QueryScratch& scratch) const override { return inner_->between(rows, scratch); }
    CodeTrust trust(const RowScorer& bound) const noexcept override { return inner_->trust(bound); }
    float lower_bound(const RowScorer& bound, RowId row, float distance) const noexcept override {
        return inner_->lower_bound(bound, row, distance);
    }
    bool bounds_rows() const noexcept override { return inner_->bounds_rows(); }
    bool misfit(float lost) const noexcept override { return inner_->misfit(lost); }
    std::vector<std::byte> save() const override { return inner_->save(); }

private:
    std::unique_ptr<FieldCodec> inner_;
    bool second_;
};

Result<std::unique_ptr<sextant::detail::FieldCodec>> train_watched(MatrixView sample, const TrainContext& context) {
    SEXTANT_TRY_ASSIGN(auto inner, (sextant::detail::train_codec<SquaredL2, ScalarQuantizer>(sample, {}, context)));
    return std::unique_ptr<sextant::detail::FieldCodec>(std::make_unique<Watched>(std::move(inner), ++trainings == 2));
}

}  // namespace

TEST_CASE("rows appended while new codes are filled in are kept and found", "[segment]") {
    const Vectors first = clustered_vectors(1024, 16, 1);
    Vectors vectors = clustered_vectors(12'000, 16, 2);
    for (float& value : vectors.values) value = value * 30.0F + 5.0F;
    std::copy(first.values.begin(), first.values.end(), vectors.values.begin());
    MemoryAccount account("test");
    InlineExecutor executor;
    const FieldLinkContext context{key_of_row, {}, &executor, {}};
    trainings = 0;
    auto rows = sextant::detail::GrowingRows::create({metric_traits<SquaredL2>(), 16, {.m = 8, .ef_construction = 40}},
                                                     train_watched, 16'000, account)
                    .value();
    std::uint32_t count = 0;
    const auto append = [&](std::uint32_t last) {
        rows->reserve_rows(last).value();
        for (; count < last; ++count) rows->append(RowId{count}, vectors[count]);
    };
    append(1024);
    rows->link(count, true, context).value();
    REQUIRE(trainings == 1);
    append(2600);
    // Far more rows than the old codes have memory for.
    when_refilled = [&] { append(12'000); };
    rows->link(2600, true, context).value();
    REQUIRE(trainings == 2);
    REQUIRE(count == 12'000);
    const auto found_at = [&](std::uint32_t row) {
        FieldScratch scratch;
        const auto found = found_by(*rows, count, {.vector = vectors[row], .count = 1, .ef = 100}, scratch);
        return !found.empty() && found[0].distance < 1e-3F;
    };
    CHECK(found_at(500));
    CHECK(found_at(2500));
    CHECK(found_at(11'999));
    rows->link(count, true, context).value();
    CHECK(rows->verify(count, {}));
    CHECK(found_at(11'999));
}
