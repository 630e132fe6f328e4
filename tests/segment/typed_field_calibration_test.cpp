// What a sealed segment finds out about itself: how much of the truth an ef and a depth of rescoring find.
#include "sextant/segment/field_sealed.hpp"
#include "support/catch.hpp"
#include "support/field_fixture.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// Share of the true ten that searches for vectors that are not stored find.
double recall_of_strangers(const VectorField& field, const FieldRows& rows, const Vectors& stored,
                           const Vectors& strangers, FieldQuery query) {
    FieldScratch scratch;
    double recall = 0.0;
    for (std::size_t q = 0; q < strangers.size(); ++q) {
        query.vector = strangers[q];
        query.admitted_count = stored.size();
        recall += recall_of(found_by(rows, static_cast<std::uint32_t>(stored.size()), query, scratch),
                            oracle(field, stored, strangers[q], 10));
    }
    return recall / static_cast<double>(strangers.size());
}

}  // namespace

TEST_CASE("a sealed field measures which ef finds how much, and strangers find as much", "[segment][kernel]") {
    const Vectors stored = clustered_vectors(6000, 24, 1);
    const Vectors strangers = clustered_vectors(60, 24, 2);
    const TypedField<SquaredL2, ScalarQuantizer> field(24, {.m = 8, .ef_construction = 24});
    const Sealed sealed(field, stored);
    REQUIRE(sealed.rows->calibration() != nullptr);
    const Calibration& calibration = *sealed.rows->calibration();
    CHECK(calibration.queries == 6000 / 64);
    REQUIRE(calibration.point_count >= 2);
    CHECK(calibration.measured().back().recall >= 0.99F);
    CHECK(calibration.measured().front().recall < calibration.measured().back().recall);
    for (const float target : {0.9F, 0.97F}) {
        INFO("target " << target);
        CHECK(recall_of_strangers(field, *sealed.rows, stored, strangers, {.count = 10, .recall_target = target}) >=
              target - 0.04F);
    }
    // A small target is met by a small pool.
    FieldScratch scratch;
    FieldAnswer modest;
    FieldAnswer strict;
    const auto ask = [&](float target, FieldAnswer& answer) {
        found_by(*sealed.rows, 6000,
                 {.vector = strangers[0], .count = 10, .recall_target = target, .admitted_count = 6000}, scratch,
                 &answer);
    };
    ask(0.5F, modest);
    ask(0.9999F, strict);
    CHECK(modest.plan == FieldPlan::graph);
    CHECK(modest.counters.scored < strict.counters.scored);
}

TEST_CASE("coarse codes are rescored as deep as they must be", "[segment][kernel]") {
    const Vectors stored = clustered_vectors(5000, 32, 3);
    const Vectors strangers = clustered_vectors(60, 32, 4);
    const TypedField<SquaredL2, ProductQuantizer> coarse(32, {}, {.subvectors = 4, .bits = 4});
    const TypedField<SquaredL2, ScalarQuantizer> fine(32);
    const Sealed coarsely(coarse, stored);
    const Sealed finely(fine, stored);
    const Calibration& of_coarse = *coarsely.rows->calibration();
    const Calibration& of_fine = *finely.rows->calibration();
    CHECK(of_coarse.code_recall < 0.6F);
    CHECK(of_coarse.oversampling > 5.0F);
    CHECK(of_fine.code_recall > 0.95F);
    CHECK(of_fine.oversampling >= 1.0F);
    CHECK(of_fine.oversampling < 2.0F);
    // Who names no ef gets what the codes need; who names one gets no more.
    const double usual =
        recall_of_strangers(coarse, *coarsely.rows, stored, strangers, {.count = 10, .ef = 20, .usual_ef = true});
    const double named = recall_of_strangers(coarse, *coarsely.rows, stored, strangers, {.count = 10, .ef = 20});
    CHECK(usual >= 0.9);
    CHECK(named < usual);
}

TEST_CASE("crowds of equal rows ask for no depth", "[segment]") {
    Vectors stored = normal_vectors(600, 8, 5);
    for (std::size_t r = 100; r < 600; ++r) std::copy_n(stored.row(0), 8, stored.row(r));
    const TypedField<SquaredL2, ScalarQuantizer> field(8);
    const Sealed sealed(field, stored);
    REQUIRE(sealed.rows->calibration() != nullptr);
    CHECK(sealed.rows->calibration()->oversampling < 3.0F);
    CHECK(sealed.rows->calibration()->measured().back().recall >= 0.95F);
}

TEST_CASE("few rows, and rows without codes, have less to measure", "[segment]") {
    const TypedField<SquaredL2, ScalarQuantizer> field(8);
    CHECK(Sealed(field, normal_vectors(255, 8, 6)).rows->calibration() == nullptr);
    const TypedField<Cosine, NoQuantizer> plain(8);
    const Sealed sealed(plain, normal_vectors(400, 8, 7));
    REQUIRE(sealed.rows->calibration() != nullptr);
    CHECK(sealed.rows->calibration()->oversampling == 0.0F);
    CHECK(sealed.rows->calibration()->code_recall == 1.0F);
    CHECK(sealed.rows->calibration()->point_count >= 1);
}

TEST_CASE("the same rows are measured the same", "[segment]") {
    const Vectors stored = clustered_vectors(1500, 16, 8);
    const TypedField<InnerProduct, ProductQuantizer> field(16, {}, {.subvectors = 4});
    CHECK(*Sealed(field, stored).rows->calibration() == *Sealed(field, stored).rows->calibration());
}
