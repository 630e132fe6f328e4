// A program of version 1. It is never changed: it compiles without a warning and does the same with every later 1.x.
// Each option, request and result is initialised member by member, so that none can be renamed, moved or taken away.
#include <sextant/sextant.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace sx = sextant;

using Photos = sx::Collection<sx::Cosine, sx::MemoryStorage, sx::ScalarQuantizer>;
using Cache = sx::Collection<sx::SquaredL2>;
using Products = sx::Collection<sx::InnerProduct, sx::MemoryStorage, sx::NoQuantizer>;

namespace {

int failures = 0;
void expect(bool holds) { failures += holds ? 0 : 1; }

sx::Result<std::uint64_t> write_points(Photos& photos, const std::vector<float>& v, const std::vector<float>& w) {
    SEXTANT_TRY(photos.upsert(sx::PointId{1}, v, {{"year", 2019}, {"tags", {"sea", "sky"}}}));
    SEXTANT_TRY_ASSIGN(const sx::Lsn version, photos.upsert(sx::PointId::from_name("second"), w, {{"year", 2024}}));
    SEXTANT_TRY(photos.upsert_if(version, sx::PointId::from_name("second"), w, {{"year", 2025}}));
    sx::WriteBatch batch;
    batch.upsert(sx::PointId{3}, w);
    batch.erase(sx::PointId{7});
    batch.set_payload(sx::PointId{3}, {{"year", 2020}});
    SEXTANT_TRY(photos.write(std::move(batch)));
    SEXTANT_TRY(photos.set_payload(sx::PointId{1}, {{"sold", true}}));
    SEXTANT_TRY(photos.delete_payload_keys(sx::field("year") == 2020, {"year"}));
    return photos.count(sx::Filter::all());
}

}  // namespace

int main() {
    const std::vector<float> v{1.0F, 0.0F, 0.0F};
    const std::vector<float> w{0.6F, 0.8F, 0.0F};
    const sx::OpenOptions open{.mode = sx::OpenMode::open_or_create,
                               .on_corruption = sx::OnCorruption::fail,
                               .executor = std::make_shared<sx::ThreadPoolExecutor>(1),
                               .memory = nullptr,
                               .events = nullptr};
    Photos photos = Photos::open({.dimension = 3,
                                  .index = {.m = 16, .ef_construction = 80, .seed = 1},
                                  .quantizer = sx::ScalarQuantizer::Options{.quantile = 0.99},
                                  .durability = sx::Durability::None,
                                  .deterministic = false},
                                 open)
                        .value();
    expect(write_points(photos, v, w).value() == 3);

    const sx::SearchRequest request{.vector = v,
                                    .k = 2,
                                    .filter = sx::field("year") >= 2019 && !sx::field("tags").matches("city"),
                                    .ef = 100,
                                    .exact = false,
                                    .rescore = true,
                                    .oversampling = 2.0F,
                                    .score_threshold = 0.1F,
                                    .offset = 0,
                                    .select = {.payload = true, .vector = true},
                                    .stop_token = std::stop_token()};
    const sx::SearchResult found = photos.search(request).value();
    expect(found.size() == 2 && !found.empty() && found.complete && found.visited > 0);
    for (const sx::Hit& hit : found) expect(hit.score > 0.5F && hit.payload.contains("year") && hit.vector.size() == 3);
    expect(found[0].id == sx::PointId{1});
    expect(photos.search_batch(std::vector<sx::SearchRequest>{request, request}).value().size() == 2);

    const sx::Record record = photos.get(sx::PointId{1}, {.payload = true, .vector = true}).value();
    expect(record.vector == v && record.payload["sold"] == true && record.version > sx::Lsn{0});
    const sx::ScrollPage page = photos.scroll({.after = {}, .limit = 2, .filter = {}, .select = {}}).value();
    expect(page.points.size() == 2 && page.next.has_value());

    sx::Task task = photos.start_optimize().value();
    expect(task.wait().has_value() && task.progress() == 1.0);
    photos.wait_until_indexed().value();
    photos.verify(sx::Depth::full).value();
    expect(photos.stats().value().live_rows == 3);
    expect(photos.erase(sx::field("year").exists()).value() == 2);
    expect(photos.erase(sx::PointId{3}).value() == 1);
    photos.flush().value();
    photos.close().value();

    const auto refused = Cache::open({.dimension = 0});
    expect(!refused && refused.error().code == sx::ErrorCode::invalid_argument);
    expect(sx::PointId::parse("550e8400-e29b-41d4-a716-446655440000").value().to_string() ==
           "550e8400-e29b-41d4-a716-446655440000");
    expect(Products::estimate(1000, {.dimension = 3}).value().steady > 0);
    return failures;
}
