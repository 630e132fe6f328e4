#include "collection/golden_collection.hpp"

#include <bit>
#include <cstring>
#include <iomanip>
#include <optional>
#include <sstream>

#include "sextant/core/hash.hpp"
#include "sextant/format/manifest.hpp"
#include "support/golden.hpp"

namespace test_support {
namespace {

using namespace sextant;

constexpr const char* made_path = "points.sxt";
constexpr std::array<std::byte, 16> identity = [] {
    std::array<std::byte, 16> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
    return bytes;
}();

std::string hex_of(const std::vector<float>& vector) { return to_hex(std::as_bytes(std::span(vector))); }

std::vector<float> floats_of(const std::string& hex) {
    const std::vector<std::byte> bytes = from_hex(hex);
    std::vector<float> vector(bytes.size() / sizeof(float));
    std::memcpy(vector.data(), bytes.data(), vector.size() * sizeof(float));
    return vector;
}

StoredPoint point_of(const std::string& text) {
    std::istringstream in(text);
    std::uint64_t version = 0;
    std::string vector;
    std::string payload;
    in >> version >> vector;
    std::getline(in >> std::ws, payload);
    return {floats_of(vector), Payload::parse(payload), Lsn{version}};
}

GoldenSearch search_of(const std::string& text) {
    std::istringstream in(text);
    GoldenSearch search;
    std::string kind;
    std::string vector;
    in >> kind >> search.k >> vector;
    search.exact = kind == "exact";
    search.vector = floats_of(vector);
    for (std::string hit; in >> hit;) {
        const std::size_t equals = hit.find('=');
        search.hits.emplace_back(PointId::parse(hit.substr(0, equals)).value(), std::stof(hit.substr(equals + 1)));
    }
    return search;
}

/// What opening with these options makes, as a collection of the fixed identity that was just created.
template <class C>
void create_with_identity(SimDisk& disk, const typename C::Options& options) {
    SimDisk other;
    C::open(made_path, options, inline_on(other.files())).value().close().value();
    format::Manifest first;
    for (const auto& [path, bytes] : all_files(other, made_path)) {
        const std::string name = path.substr(path.rfind('/') + 1);
        if (!name.starts_with("MANIFEST-")) continue;
        first.options = format::decode_manifest(bytes, std::stoull(name.substr(9)), path).value().manifest.options;
    }
    REQUIRE(first.options.dimension == options.dimension);
    const auto bytes = format::encode_manifest({identity, format::FileKind::manifest, 1}, first);
    const std::string current = format::encode_current(1, hash64(bytes));
    const auto text = std::as_bytes(std::span(current.data(), current.size()));
    put_collection(disk, made_path,
                   {{format::manifest_name(1), bytes}, {"CURRENT", {text.begin(), text.end()}}, {"LOCK", {}}});
    for (const char* inner : {"/wal", "/seg"}) disk.files().create_directory(made_path + std::string(inner)).value();
}

template <class C>
GoldenSearch ask(const C& collection, bool exact, std::size_t k, std::vector<float> vector) {
    GoldenSearch search{exact, k, std::move(vector), {}};
    const SearchResult answer = collection.search({.vector = search.vector, .k = k, .exact = exact}).value();
    for (const Hit& hit : answer) search.hits.emplace_back(hit.id, hit.score);
    return search;
}

template <class C>
GoldenCollection taken_from(SimDisk& disk, const C& collection) {
    GoldenCollection golden;
    golden.points = contents(collection);
    const std::size_t dimension = golden.points.begin()->second.vector.size();
    for (const std::uint64_t seed : {501U, 502U, 503U}) {
        for (const bool exact : {true, false}) {
            golden.searches.push_back(ask(collection, exact, 5, seeded_vector(seed, dimension)));
        }
    }
    for (const auto& [path, bytes] : all_files(disk, made_path)) {
        golden.files[path.substr(std::strlen(made_path) + 1)] = bytes;
    }
    return golden;
}

PointId id_of(std::uint64_t number) {
    return number % 3 == 0 ? PointId::from_name(std::to_string(number)) : PointId{number};
}

Payload payload_of(std::uint64_t number) {
    switch (number % 4) {
        case 0: return {{"n", number}, {"tags", {"sea", nullptr, number % 8 == 0}}};
        case 1: return {{"half", static_cast<double>(number) / 2}, {"text", std::string(number % 7, 'x')}};
        case 2: return nullptr;
        default: return {{"place", {{"lat", 48.5}, {"big", 1'000'000'000'000 * number}}}};
    }
}

}  // namespace

GoldenCollection GoldenCollection::read(const std::string& file) {
    GoldenCollection golden;
    std::map<std::size_t, GoldenSearch> searches;
    for (const auto& [name, text] : golden_lines(file)) {
        const std::size_t space = name.find(' ');
        const std::string kind = name.substr(0, space);
        const std::string which = name.substr(space + 1);
        if (kind == "file") {
            golden.files[which] = from_short_hex(text);
        } else if (kind == "point") {
            golden.points[PointId::parse(which).value()] = point_of(text);
        } else {
            REQUIRE(kind == "search");
            searches[std::stoul(which)] = search_of(text);
        }
    }
    for (auto& [number, search] : searches) golden.searches.push_back(std::move(search));
    return golden;
}

std::string GoldenCollection::text() const {
    std::ostringstream out;
    for (const auto& [path, bytes] : files) out << "file " << path << '\t' << to_short_hex(bytes) << '\n';
    for (const auto& [id, point] : points) {
        out << "point " << id.to_string() << '\t' << static_cast<std::uint64_t>(point.version) << ' '
            << hex_of(point.vector) << ' ' << point.payload.dump() << '\n';
    }
    out << std::setprecision(9);
    for (std::size_t i = 0; i < searches.size(); ++i) {
        const GoldenSearch& search = searches[i];
        out << "search " << i << '\t' << (search.exact ? "exact " : "graph ") << search.k << ' '
            << hex_of(search.vector);
        for (const auto& [id, score] : search.hits) out << ' ' << id.to_string() << '=' << score;
        out << '\n';
    }
    return out.str();
}

std::vector<std::string> GoldenCollection::segments() const {
    std::vector<std::string> found;
    for (const auto& [path, bytes] : files) {
        if (path.starts_with("seg/") && path.ends_with("/meta")) found.push_back(path.substr(0, path.rfind('/')));
    }
    return found;
}

GoldenCollection make_golden_coded() {
    constexpr std::size_t dimension = 5;
    using C = CodedCollection;
    SimDisk disk;
    create_with_identity<C>(disk, {.dimension = dimension, .index = {.m = 4, .ef_construction = 16, .seed = 7}});
    std::uint64_t vectors = 0;
    std::optional<C> collection(C::open(made_path, {}, inline_on(disk.files())).value());
    const auto upsert = [&](std::uint64_t number) {
        collection->upsert(id_of(number), seeded_vector(++vectors, dimension), payload_of(number)).value();
    };
    WriteBatch batch;
    for (std::uint64_t number = 1; number <= 40; ++number) {
        std::vector<float> vector = seeded_vector(++vectors, dimension);
        if (number == 20) vector.assign(dimension, 0.0F);
        batch.upsert(id_of(number), vector, payload_of(number));
    }
    collection->write(std::move(batch)).value();
    collection->optimize().value();
    for (const std::uint64_t number : {4U, 6U}) collection->erase(id_of(number)).value();
    for (const std::uint64_t number : {7U, 9U}) collection->set_payload(id_of(number), {{"set", number}}).value();
    for (const std::uint64_t number : {8U, 41U, 42U}) upsert(number);
    collection->close().value();
    // A damaged graph is written anew with a checkpoint, which writes down what died and changed in the segment.
    for (const auto& [file, bytes] : all_files(disk, made_path)) {
        if (file.ends_with("/graph")) flip_byte(disk, file, bytes.size() / 2);
    }
    collection.emplace(C::open(made_path, {}, inline_on(disk.files())).value());
    for (const std::uint64_t number : {12U, 43U}) upsert(number);
    for (const std::uint64_t number : {1U, 41U}) collection->erase(id_of(number)).value();
    for (const std::uint64_t number : {9U, 10U, 42U}) {
        collection->set_payload(id_of(number), {{"late", number}}).value();
    }
    WriteBatch mixed;
    for (const std::uint64_t number : {44U, 45U}) {
        mixed.upsert(id_of(number), seeded_vector(++vectors, dimension), payload_of(number));
    }
    mixed.erase(id_of(11));
    mixed.set_payload(id_of(44), {{"in", "one batch"}});
    collection->write(std::move(mixed)).value();
    return taken_from(disk, *collection);
}

GoldenCollection make_golden_plain() {
    constexpr std::size_t dimension = 3;
    using C = PlainCollection;
    SimDisk disk;
    create_with_identity<C>(disk, {.dimension = dimension, .index = {.m = 4, .ef_construction = 16, .seed = 7}});
    {
        C collection = C::open(made_path, {}, inline_on(disk.files())).value();
        WriteBatch batch;
        for (std::uint64_t number = 1; number <= 24; ++number) {
            batch.upsert(PointId{number << (number % 2 * 40)}, seeded_vector(number, dimension));
        }
        collection.write(std::move(batch)).value();
        collection.close().value();
    }
    C collection = C::open(made_path, {}, inline_on(disk.files())).value();
    collection.optimize().value();
    collection.upsert(PointId{2}, seeded_vector(25, dimension), {{"n", 2}}).value();
    collection.upsert(PointId{100}, seeded_vector(26, dimension)).value();
    collection.erase(PointId{4}).value();
    collection.set_payload(PointId{6}, {{"late", true}}).value();
    GoldenCollection golden = taken_from(disk, collection);
    collection.close().value();
    golden.files.clear();
    for (const auto& [path, bytes] : all_files(disk, made_path)) {
        golden.files[path.substr(std::strlen(made_path) + 1)] = bytes;
    }
    return golden;
}

GoldenCollection make_golden_half() {
    constexpr std::size_t dimension = 5;
    using C = CodedCollection;
    SimDisk disk;
    create_with_identity<C>(
        disk, {.dimension = dimension, .index = {.m = 4, .ef_construction = 16, .seed = 7}, .raw = RawPrecision::F16});
    C collection = C::open(made_path, {}, inline_on(disk.files())).value();
    WriteBatch batch;
    for (std::uint64_t number = 1; number <= 30; ++number) {
        std::vector<float> vector = seeded_vector(number, dimension);
        if (number == 10) vector.assign(dimension, 1e-8F);  // rounds to zeros
        if (number == 11) vector = {65'519.0F, -65'504.0F, 6e-5F, -6e-8F, 1.0F};
        batch.upsert(id_of(number), vector, payload_of(number));
    }
    collection.write(std::move(batch)).value();
    collection.optimize().value();
    for (const std::uint64_t number : {8U, 31U, 32U}) {
        collection.upsert(id_of(number), seeded_vector(100 + number, dimension), payload_of(number)).value();
    }
    return taken_from(disk, collection);
}

void put_collection(SimDisk& disk, const std::string& path, const std::map<std::string, FileBytes>& files) {
    for (const auto& [inner, bytes] : files) put_file(disk, path + "/" + inner, bytes);
}

}  // namespace test_support
