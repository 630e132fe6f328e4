// Sealing: what is kept, progress, cancellation, determinism, memory forecasts.
#include <cstring>

#include "sextant/segment/field_layout.hpp"
#include "sextant/segment/field_sealed.hpp"
#include "support/catch.hpp"
#include "support/field_fixture.hpp"
#include "support/vector_access.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// A source that is no field of the library's own: it has no graph to start from.
class PlainRows final : public FieldRows {
public:
    explicit PlainRows(const Vectors& vectors, std::size_t readable = ~std::size_t{0}) : reader_(vectors, readable) {}
    FieldAnswer search(const FieldQuery&, std::uint32_t, FieldScratch&, std::span<Neighbor>) const noexcept override {
        return {};
    }
    bool search_exact_batch(std::span<const FieldQuery>, std::uint32_t, FieldScratch&, std::span<Neighbor>,
                            std::span<std::size_t>) const noexcept override {
        return true;
    }
    const VectorReader& vectors() const noexcept override { return reader_; }
    std::uint32_t indexed_rows() const noexcept override { return 0; }
    FieldBytes bytes() const noexcept override { return {}; }
    Result<void> verify(std::uint32_t, BitmapView) const override { return {}; }

private:
    CopyingReader reader_;
};

std::vector<std::byte> graph_bytes(const SealedField& rows) {
    const HnswSections sections = dynamic_cast<const detail::SealedRows&>(rows).graph().sections();
    std::vector<std::byte> bytes(sections.level0.begin(), sections.level0.end());
    bytes.insert(bytes.end(), sections.upper.begin(), sections.upper.end());
    return bytes;
}

double recall_of_all(const VectorField& field, const FieldRows& rows, const Vectors& kept) {
    FieldScratch scratch;
    double recall = 0.0;
    for (std::size_t q = 0; q < 40; ++q) {
        const VectorView query = kept[q * 13 % kept.size()];
        recall += recall_of(found_by(rows, static_cast<std::uint32_t>(kept.size()),
                                     {.vector = query, .count = 10, .ef = 100}, scratch),
                            oracle(field, kept, query, 10)) /
                  40.0;
    }
    return recall;
}

}  // namespace

TEST_CASE("several sources are joined in order, less what is dropped", "[segment][kernel]") {
    const Vectors a = clustered_vectors(1500, 12, 1);
    const Vectors b = clustered_vectors(700, 12, 2);
    const TypedField<SquaredL2, ScalarQuantizer> field(12);
    Growing growing(field, 2000);
    growing.append(a);
    growing.link();
    const PlainRows plain(b);
    const auto dropped = bits_of(1500, [](std::size_t r) { return r % 4 == 1; });
    const SealSource sources[] = {{growing.rows.get(), 1500, {dropped.data(), 1500}}, {&plain, 600, {}}};
    MemoryAccount account("sealed");
    InlineExecutor executor;
    std::vector<double> reports;
    const auto report = [&](double done) { reports.push_back(done); };
    const auto sealed = field.seal({sources, 1125 + 600, key_of_row, &account, &executor, {}, report}).value();
    Vectors kept{12, {}};
    for (std::size_t r = 0; r < 1500; ++r) {
        if (r % 4 != 1) kept.values.insert(kept.values.end(), a[r].begin(), a[r].end());
    }
    kept.values.insert(kept.values.end(), b.values.begin(), b.values.begin() + 600 * 12);
    for (std::uint32_t r = 0; r < 1725; ++r) {
        REQUIRE(std::memcmp(vector_of(*sealed, RowId{r}, 12).data(), kept[r].data(), 48) == 0);
    }
    CHECK(sealed->indexed_rows() == 1725);
    CHECK(sealed->verify(1725, {}));
    CHECK(recall_of_all(field, *sealed, kept) > 0.95);
    CHECK(std::is_sorted(reports.begin(), reports.end()));
    CHECK(reports.back() == 1.0);
}

TEST_CASE("a seal that starts from a growing graph finds as well as one built anew", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(4000, 20, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(20);
    Growing growing(field, 5000);
    growing.append(vectors);
    growing.rows->link(3500, true, growing.context()).value();
    const PlainRows plain(vectors);
    MemoryAccount account("sealed");
    const auto carried = try_seal(field, *growing.rows, 4000, account).value();
    const auto anew = try_seal(field, plain, 4000, account).value();
    CHECK(carried->verify(4000, {}));
    CHECK(anew->verify(4000, {}));
    CHECK(recall_of_all(field, *carried, vectors) >= recall_of_all(field, *anew, vectors) - 0.02);
}

TEST_CASE("a kept count that does not fit the sources is refused", "[segment]") {
    const Vectors vectors = clustered_vectors(100, 4, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(4);
    const PlainRows plain(vectors);
    const SealSource source{&plain, 100, {}};
    MemoryAccount account("sealed");
    InlineExecutor executor;
    for (const std::uint32_t wrong : {0U, 99U, 101U}) {
        const auto sealed = field.seal({{&source, 1}, wrong, key_of_row, &account, &executor, {}, [](double) {}});
        REQUIRE_FALSE(sealed);
        CHECK(sealed.error().code == ErrorCode::invalid_argument);
        CHECK(sealed.error().message.find("kept_rows") != std::string::npos);
    }
    CHECK(account.used() == 0);
}

TEST_CASE("a seal whose source cannot be read says why and leaves nothing behind", "[segment]") {
    const Vectors vectors = clustered_vectors(2000, 4, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(4);
    const PlainRows plain(vectors, 1500);
    const SealSource source{&plain, 2000, {}};
    MemoryAccount account("sealed");
    InlineExecutor executor;
    const auto sealed = field.seal({{&source, 1}, 2000, key_of_row, &account, &executor, {}, [](double) {}});
    REQUIRE_FALSE(sealed);
    CHECK(sealed.error().code == ErrorCode::io_error);
    CHECK(sealed.error().message == "vectors: offset 77: unreadable");
    CHECK(account.used() == 0);
}

TEST_CASE("a cancelled seal leaves nothing behind", "[segment]") {
    const Vectors vectors = clustered_vectors(6000, 16, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(16);
    const PlainRows plain(vectors);
    const SealSource source{&plain, 6000, {}};
    InlineExecutor executor;
    for (const double at : {0.0, 0.01, 0.3, 0.7}) {
        MemoryAccount account("sealed");
        std::stop_source stop;
        const auto report = [&](double done) {
            if (done >= at) stop.request_stop();
        };
        const auto sealed = field.seal({{&source, 1}, 6000, key_of_row, &account, &executor, stop.get_token(), report});
        REQUIRE_FALSE(sealed);
        CHECK(sealed.error().code == ErrorCode::cancelled);
        CHECK(account.used() == 0);
    }
}

TEST_CASE("progress rises through linking and refining, and is 1 only at the end", "[segment]") {
    const Vectors vectors = clustered_vectors(6000, 16, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(16);
    const PlainRows plain(vectors);
    const SealSource source{&plain, 6000, {}};
    InlineExecutor executor;
    MemoryAccount account("sealed");
    std::vector<double> reports;
    const auto report = [&](double done) { reports.push_back(done); };
    REQUIRE(field.seal({{&source, 1}, 6000, key_of_row, &account, &executor, {}, report}));
    CHECK(std::is_sorted(reports.begin(), reports.end()));
    CHECK(reports.front() == 0.0);
    CHECK(reports.back() == 1.0);
    CHECK(std::count(reports.begin(), reports.end(), 1.0) == 1);
    CHECK(std::count_if(reports.begin(), reports.end(), [](double done) { return done > 0.6 && done < 1.0; }) >= 5);
}

TEST_CASE("a seal gives the same bytes for one and several threads", "[segment][threads]") {
    const Vectors vectors = clustered_vectors(3000, 16, 1);
    const TypedField<Cosine, ScalarQuantizer> field(16, {.m = 8, .ef_construction = 60, .seed = 7});
    const PlainRows plain(vectors);
    MemoryAccount account("sealed");
    ThreadPoolExecutor pool(2);
    const auto alone = try_seal(field, plain, 3000, account).value();
    const auto together = try_seal(field, plain, 3000, account, {.executor = &pool}).value();
    CHECK(graph_bytes(*alone) == graph_bytes(*together));
}

TEST_CASE("a forecast is within 5 % of what a sealed field takes, and its peak within 10 %", "[segment]") {
    const auto check = [](const VectorField& field, std::size_t dimension, std::size_t rows) {
        CAPTURE(dimension, rows);
        const Vectors vectors = clustered_vectors(rows, dimension, 1);
        const PlainRows plain(vectors);
        MemoryAccount account("sealed");
        const auto sealed = try_seal(field, plain, static_cast<std::uint32_t>(rows), account).value();
        const FieldBytes forecast = field.estimate(rows);
        const FieldBytes real = sealed->bytes();
        const auto steady = [](const FieldBytes& b) {
            return static_cast<double>(b.vectors + b.codes + b.graph + b.other);
        };
        CHECK(steady(forecast) == Approx(static_cast<double>(account.used())).epsilon(0.05));
        CHECK(steady(real) == Approx(static_cast<double>(account.used())).epsilon(0.05));
        CHECK(static_cast<double>(forecast.vectors) == Approx(static_cast<double>(real.vectors)).epsilon(0.05));
        CHECK(static_cast<double>(forecast.codes) == Approx(static_cast<double>(real.codes)).epsilon(0.05));
        CHECK(static_cast<double>(forecast.graph) == Approx(static_cast<double>(real.graph)).epsilon(0.05));
        CHECK(static_cast<double>(forecast.peak) == Approx(static_cast<double>(account.peak())).epsilon(0.10));
    };
    check(TypedField<SquaredL2, ScalarQuantizer>(100), 100, 3000);
    check(TypedField<SquaredL2, ScalarQuantizer>(100), 100, 12'000);
    check(TypedField<SquaredL2, NoQuantizer>(64), 64, 5000);
    check(TypedField<Cosine, ScalarQuantizer>(384, {.m = 8, .ef_construction = 40}), 384, 3000);
}

TEST_CASE("rows of codes and floats lie as far apart as their rule says", "[segment]") {
    using namespace sextant::detail;
    CHECK(float_stride(784) == 3136);
    CHECK(float_stride(100) == 448);
    CHECK(float_stride(3) == 12);
    CHECK(float_stride(17) == 68);
    CHECK(float_stride(120) == 512);
    CHECK(code_stride(i8_row_size(784)) == 800);
    CHECK(code_stride(i8_row_size(100)) == 128);
    CHECK(code_stride(i8_row_size(96)) == 112);
    CHECK(code_stride(i8_row_size(128)) == 144);
    CHECK(code_stride(i8_row_size(3)) == 16);
    CHECK(code_stride(60) == 64);
}
