/// sextant_demo: a collection of 60,000 real images in memory: built, searched, compared with exact search, and shown as
/// a page. Run it with scripts/demo.
/// Exit codes: 0 done; 1 something failed; 2 the command line is wrong; 3 the images are not installed.
#include <sextant/sextant.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "demo_data.hpp"
#include "gallery.hpp"
#include "progress_bar.hpp"

namespace sx = sextant;

namespace {

// Vectors are searched by 8-bit codes and ranked by the floats they were made of.
using Clothes = sx::Collection<sx::SquaredL2, sx::MemoryStorage, sx::ScalarQuantizer>;

constexpr std::size_t k = 10;
constexpr std::size_t gallery_ef = 100;
constexpr std::array<std::size_t, 6> sweep_ef = {10, 20, 40, 80, 160, 320};

struct Options {
    std::string data = "/usr/share/datasets/fashion-mnist";
    std::string out = "gallery.html";
    std::size_t rows = 60000;
    std::size_t queries = 10000;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string text(double value, const char* format) {
    std::array<char, 48> buffer{};
    std::snprintf(buffer.data(), buffer.size(), format, value);
    return buffer.data();
}

sx::Result<void> insert(Clothes& clothes, const demo::Images& images) {
    demo::ProgressBar bar("inserting");
    constexpr std::size_t batch_rows = 500;
    for (std::size_t first = 0; first < images.pixels.rows; first += batch_rows) {
        const std::size_t last = std::min(first + batch_rows, images.pixels.rows);
        sx::WriteBatch batch;
        for (std::size_t row = first; row < last; ++row) {
            const std::uint8_t label = images.labels[row];
            batch.upsert(sx::PointId{row}, images.pixels.view(row),
                         {{"label", label}, {"name", std::string(demo::class_names[label])}});
        }
        SEXTANT_TRY(clothes.write(std::move(batch)));
        bar.update(static_cast<double>(last) / static_cast<double>(images.pixels.rows));
    }
    return {};
}

sx::Result<void> build(Clothes& clothes) {
    demo::ProgressBar bar("building the graph");
    SEXTANT_TRY_ASSIGN(const sx::Task task, clothes.start_optimize());
    while (!task.done()) {
        bar.update(task.progress());
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return task.wait();
}

/// The true neighbours: every image compared, 32 queries at a time.
sx::Result<std::vector<std::set<std::uint64_t>>> exact_neighbours(const Clothes& clothes, const demo::Images& queries,
                                                                  std::size_t count) {
    demo::ProgressBar bar("exact search");
    constexpr std::size_t batch = 32;
    std::vector<std::set<std::uint64_t>> truth(count);
    for (std::size_t first = 0; first < count; first += batch) {
        std::vector<sx::SearchRequest> requests;
        for (std::size_t query = first; query < std::min(first + batch, count); ++query) {
            requests.push_back(
                {.vector = queries.pixels.view(query), .k = k, .exact = true, .select = {.payload = false}});
        }
        SEXTANT_TRY_ASSIGN(const auto results, clothes.search_batch(requests));
        for (std::size_t i = 0; i < results.size(); ++i) {
            for (const sx::Hit& hit : results[i]) truth[first + i].insert(hit.id.integer());
        }
        bar.update(static_cast<double>(first) / static_cast<double>(count));
    }
    return truth;
}

/// All queries once, one thread; recall over the queries whose truth is known.
sx::Result<demo::SweepPoint> measure(const Clothes& clothes, const demo::Images& queries, std::size_t ef,
                                     const std::vector<std::set<std::uint64_t>>& truth) {
    sx::SearchRequest request{.k = k, .ef = ef, .select = {.payload = false}};
    sx::SearchResult result;  // its memory is used again: no search allocates
    std::size_t right = 0;
    std::size_t wanted = 0;
    double seconds = 0.0;
    for (std::size_t query = 0; query < queries.pixels.rows; ++query) {
        request.vector = queries.pixels.view(query);
        const auto start = std::chrono::steady_clock::now();
        SEXTANT_TRY(clothes.search_into(request, result));
        seconds += seconds_since(start);
        if (query >= truth.size()) continue;
        wanted += truth[query].size();
        for (const sx::Hit& hit : result) right += truth[query].count(hit.id.integer());
    }
    return demo::SweepPoint{ef, static_cast<double>(right) / static_cast<double>(wanted),
                            static_cast<double>(queries.pixels.rows) / seconds};
}

sx::Result<demo::GalleryRow> find(const Clothes& clothes, const demo::DemoData& data, std::size_t query,
                                  const sx::Filter& filter, std::string caption) {
    SEXTANT_TRY_ASSIGN(
        const auto hits,
        clothes.search({.vector = data.queries.pixels.view(query), .k = k, .filter = filter, .ef = gallery_ef}));
    demo::GalleryRow row{query, std::move(caption), {}};
    for (const sx::Hit& hit : hits) row.neighbours.push_back({hit.id.integer(), hit.score});
    return row;
}

/// The first query of each class.
std::vector<std::size_t> one_of_each_class(const demo::Images& queries) {
    std::vector<std::size_t> chosen;
    for (std::size_t label = 0; label < demo::class_count; ++label) {
        const auto at = std::find(queries.labels.begin(), queries.labels.end(), static_cast<std::uint8_t>(label));
        if (at != queries.labels.end()) chosen.push_back(static_cast<std::size_t>(at - queries.labels.begin()));
    }
    return chosen;
}

sx::Result<demo::GallerySection> classes_section(const Clothes& clothes, const demo::DemoData& data) {
    demo::GallerySection section{
        "One of each class",
        "On the left the image searched for, beside it the ten closest of the collection, closest first, with their "
        "distance and row. Classes in green are the query's own; nothing but pixels was compared.",
        {}};
    for (const std::size_t query : one_of_each_class(data.queries)) {
        SEXTANT_TRY_ASSIGN(auto row, find(clothes, data, query, {}, "query " + std::to_string(query)));
        section.rows.push_back(std::move(row));
    }
    return section;
}

sx::Result<demo::GallerySection> filter_section(const Clothes& clothes, const demo::DemoData& data) {
    demo::GallerySection section{"The same query under filters",
                                 "Labels are payload, filters are conditions on it: any class, only the query's own, "
                                 "every class but its own, and two classes by name.",
                                 {}};
    // A shirt: its neighbours are of several classes, so each filter gives other images.
    const auto at = std::find(data.queries.labels.begin(), data.queries.labels.end(), std::uint8_t{6});
    const std::size_t query =
        at == data.queries.labels.end() ? 0 : static_cast<std::size_t>(at - data.queries.labels.begin());
    const int label = data.queries.labels[query];
    const std::array<std::pair<sx::Filter, std::string>, 4> cases = {{
        {sx::Filter{}, "no filter"},
        {sx::field("label") == label, "label == " + std::to_string(label)},
        {sx::field("label") != label, "label != " + std::to_string(label)},
        {sx::field("name") == "Coat" || sx::field("name") == "Dress", "name is Coat or Dress"},
    }};
    for (const auto& [filter, caption] : cases) {
        SEXTANT_TRY_ASSIGN(auto row, find(clothes, data, query, filter, caption));
        section.rows.push_back(std::move(row));
    }
    return section;
}

/// Queries whose neighbours are mostly of other classes, and what share of all queries a vote of ten gets right.
struct Votes {
    double accuracy = 0.0;
    std::vector<std::size_t> hardest;
};

sx::Result<Votes> vote(const Clothes& clothes, const demo::DemoData& data) {
    Votes votes;
    std::size_t right = 0;
    std::set<std::uint8_t> classes_shown;
    sx::SearchResult hits;
    for (std::size_t query = 0; query < data.queries.pixels.rows; ++query) {
        SEXTANT_TRY(clothes.search_into({.vector = data.queries.pixels.view(query), .k = k}, hits));
        std::array<int, demo::class_count> count{};
        for (const sx::Hit& hit : hits) ++count[hit.payload.at("label").get<std::size_t>()];
        const std::uint8_t label = data.queries.labels[query];
        right += static_cast<std::size_t>(std::max_element(count.begin(), count.end()) - count.begin()) == label;
        if (count[label] == 0 && votes.hardest.size() < 4 && classes_shown.insert(label).second) {
            votes.hardest.push_back(query);
        }
    }
    votes.accuracy = static_cast<double>(right) / static_cast<double>(data.queries.pixels.rows);
    return votes;
}

struct Figures {
    double insert_seconds = 0.0;
    double build_seconds = 0.0;
    std::vector<demo::SweepPoint> sweep;
    double accuracy = 0.0;
    double bytes_per_vector = 0.0;
    double megabytes = 0.0;
};

void print_figures(const Figures& figures) {
    std::printf("\n  %6s  %10s  %10s   (one thread)\n", "ef", "recall@10", "queries/s");
    for (const demo::SweepPoint& point : figures.sweep) {
        std::printf("  %6zu  %10.4f  %10s\n", point.ef, point.recall, demo::grouped(point.queries_per_second).c_str());
    }
    std::printf("\n  memory: %.0f MB, %s bytes a vector (the raw floats are %zu of them)\n", figures.megabytes,
                demo::grouped(figures.bytes_per_vector).c_str(), demo::image_side * demo::image_side * sizeof(float));
    std::printf("  the ten neighbours vote for the right class in %.1f %% of the queries\n", figures.accuracy * 100);
}

demo::Gallery make_gallery(const demo::DemoData& data, const Figures& figures) {
    demo::Gallery gallery;
    gallery.subtitle = "Fashion-MNIST in a Sextant collection in memory: " +
                       demo::grouped(static_cast<double>(data.base.pixels.rows)) +
                       " images of 784 pixels, searched by 8-bit codes along a graph, ranked by the raw vectors.";
    // The sweep's point a user would choose: the fastest with recall of at least 0.99, or the best there is.
    demo::SweepPoint chosen = figures.sweep.back();
    for (const demo::SweepPoint& point : figures.sweep) {
        if (point.recall >= 0.99) {
            chosen = point;
            break;
        }
    }
    gallery.facts = {{demo::grouped(static_cast<double>(data.base.pixels.rows)), "images"},
                     {text(chosen.recall, "%.4f"), "recall@10 at ef " + std::to_string(chosen.ef)},
                     {demo::grouped(chosen.queries_per_second), "queries a second there"},
                     {text(figures.insert_seconds + figures.build_seconds, "%.1f s"), "to insert and build"},
                     {demo::grouped(figures.bytes_per_vector), "bytes a vector, 3,136 of them raw"},
                     {text(figures.accuracy * 100, "%.1f %%"), "right class by a vote of ten"}};
    gallery.sweep = figures.sweep;
    gallery.footer =
        "Recall is measured against exact search over the same collection. Distances are Euclidean, over "
        "pixel values 0 to 255. Images: Fashion-MNIST, Zalando Research, MIT licence.";
    return gallery;
}

sx::Result<void> run(const Options& options) {
    std::printf("Sextant demo: reading %s\n", options.data.c_str());
    SEXTANT_TRY_ASSIGN(const auto data, demo::read_demo_data(options.data, options.rows, options.queries));
    SEXTANT_TRY_ASSIGN(auto clothes, Clothes::open({.dimension = demo::image_side * demo::image_side}));

    Figures figures;
    auto start = std::chrono::steady_clock::now();
    SEXTANT_TRY(insert(clothes, data.base));
    figures.insert_seconds = seconds_since(start);
    start = std::chrono::steady_clock::now();
    SEXTANT_TRY(build(clothes));
    figures.build_seconds = seconds_since(start);

    const std::size_t truth_size = std::min<std::size_t>(data.queries.pixels.rows, 1000);
    SEXTANT_TRY_ASSIGN(const auto truth, exact_neighbours(clothes, data.queries, truth_size));
    for (const std::size_t ef : sweep_ef) {
        SEXTANT_TRY_ASSIGN(const auto point, measure(clothes, data.queries, ef, truth));
        figures.sweep.push_back(point);
    }
    SEXTANT_TRY_ASSIGN(const Votes votes, vote(clothes, data));
    figures.accuracy = votes.accuracy;
    SEXTANT_TRY_ASSIGN(const sx::Stats stats, clothes.stats());
    figures.megabytes = static_cast<double>(stats.memory_used) * 1e-6;
    figures.bytes_per_vector = static_cast<double>(stats.memory_used) / static_cast<double>(data.base.pixels.rows);
    print_figures(figures);

    demo::Gallery gallery = make_gallery(data, figures);
    SEXTANT_TRY_ASSIGN(auto filters, filter_section(clothes, data));
    SEXTANT_TRY_ASSIGN(auto classes, classes_section(clothes, data));
    gallery.sections = {std::move(classes), std::move(filters)};
    if (!votes.hardest.empty()) {
        demo::GallerySection hard{"Where pixels mislead",
                                  "Queries none of whose ten neighbours has their class: the search is right, the "
                                  "nearest images just show something else.",
                                  {}};
        for (const std::size_t query : votes.hardest) {
            SEXTANT_TRY_ASSIGN(auto row, find(clothes, data, query, {}, "query " + std::to_string(query)));
            hard.rows.push_back(std::move(row));
        }
        gallery.sections.push_back(std::move(hard));
    }
    std::ofstream file(options.out, std::ios::binary);
    file << demo::render_gallery(gallery, data);
    file.close();
    if (!file) return sx::Error{sx::ErrorCode::io_error, options.out + ": cannot be written"};
    std::printf("\n  page: %s\n", std::filesystem::absolute(options.out).c_str());
    return {};
}

std::optional<Options> parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (i + 1 == argc) return std::nullopt;
        const std::string value = argv[++i];
        if (name == "--data") {
            options.data = value;
        } else if (name == "--out") {
            options.out = value;
        } else if (name == "--rows" || name == "--queries") {
            char* end = nullptr;
            const unsigned long long number = std::strtoull(value.c_str(), &end, 10);
            if (value.empty() || value[0] == '-' || *end != '\0' || number == 0) return std::nullopt;
            (name == "--rows" ? options.rows : options.queries) = static_cast<std::size_t>(number);
        } else {
            return std::nullopt;
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const std::optional<Options> options = parse(argc, argv);
    if (!options) {
        std::fprintf(stderr, "usage: %s [--rows N] [--queries N] [--data FOLDER] [--out FILE.html]\n", argv[0]);
        return 2;
    }
    const auto done = run(*options);
    if (done) return 0;
    std::fprintf(stderr, "sextant_demo: %s\n", done.error().message.c_str());
    if (done.error().code != sx::ErrorCode::not_found) return 1;
    std::fprintf(stderr, "the images are in the Debian package dataset-fashion-mnist; or give --data FOLDER\n");
    return 3;
}
