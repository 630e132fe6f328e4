#include "sextant/collection/detail/collection_core.hpp"

#include <optional>
#include <thread>

#include "collection/collection_support.hpp"
#include "sextant/segment/typed_field.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;
using detail::CollectionCore;
using detail::WriteKind;
using detail::WriteOp;

namespace {

std::unique_ptr<CollectionCore> make_core(const OpenOptions& open, std::size_t dimension = 4) {
    std::vector<std::unique_ptr<VectorField>> fields;
    fields.push_back(std::make_unique<TypedField<SquaredL2, NoQuantizer>>(dimension));
    return CollectionCore::create({.dimension = dimension}, open, std::move(fields)).value();
}

void insert(CollectionCore& core, const Vectors& vectors) {
    std::vector<WriteOp> ops;
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        ops.push_back({.kind = WriteKind::upsert, .id = PointId{i}, .vector = vectors[i]});
    }
    core.write(ops).value();
}

}  // namespace

TEST_CASE("what a rebuild replaced goes when the last search that still read it ends", "[core][threads]") {
    MemoryAccount memory("test");
    OpenOptions open = inline_work();
    open.memory = &memory;
    const auto core = make_core(open, 64);
    const Vectors vectors = normal_vectors(4000, 64, 1);
    insert(*core, vectors);
    core->wait_until_indexed().value();
    const std::uint64_t growing = memory.used();
    std::uint64_t both = 0;
    std::size_t hits = 0;
    const auto found = core->search(
        {.vector = vectors[3], .k = 3}, [](std::size_t) {},
        [&](const detail::PointRef&) {
            if (hits++ != 0) return;
            // While this search holds its version, the segment it reads is replaced.
            std::thread([&] { core->start_optimize().value().wait().value(); }).join();
            both = memory.used();
        });
    REQUIRE(found);
    CHECK(hits == 3);
    CHECK(both > growing + 4000 * 64 * 4);
    CHECK(memory.used() < growing);
}
