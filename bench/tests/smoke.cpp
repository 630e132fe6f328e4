/// smoke: runs sextant_ann_bench as a program on tiny files of every format and looks at what it writes and how it exits.
/// Usage: sextant_bench_smoke <sextant_ann_bench> <folder to work in>
#include <sys/wait.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "sextant/core/random.hpp"
#include "support/dataset.hpp"
#include "support/ground_truth.hpp"
#include "support/timing.hpp"

namespace {

using namespace sextant_bench;

constexpr std::size_t base_rows = 1500;
constexpr std::size_t query_rows = 40;
constexpr std::size_t dimension = 24;

std::string program;
std::string folder;
int failures = 0;

void check(bool good, const std::string& what) {
    if (good) return;
    ++failures;
    std::cerr << "FAILED: " << what << '\n';
}

void check_equal(const std::string& what, std::int64_t got, std::int64_t expected) {
    check(got == expected, what + ": got " + std::to_string(got) + ", expected " + std::to_string(expected));
}

struct Outcome {
    int exit_code = -1;
    std::string error_text;
    std::string output;
};

std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Outcome run(const std::string& arguments) {
    const std::string command =
        "'" + program + "' " + arguments + " >'" + folder + "/out.txt' 2>'" + folder + "/err.txt'";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(folder + "/err.txt"), slurp(folder + "/out.txt")};
}

void append_little(std::string& out, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>((value >> shift) & 0xFFU));
}

void append_big(std::string& out, std::uint32_t value) {
    for (unsigned shift = 32; shift > 0; shift -= 8) out.push_back(static_cast<char>((value >> (shift - 8)) & 0xFFU));
}

void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
}

void write_gz(const std::string& name, const std::string& bytes) {
    gzFile file = gzopen((folder + "/" + name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
}

/// Whole numbers 0 .. 255 around a few centres, so that every format can hold the same vectors exactly.
Matrix make_vectors(std::size_t rows, std::uint64_t seed) {
    sextant::Random random(seed);
    Matrix matrix;
    matrix.rows = rows;
    matrix.columns = dimension;
    for (std::size_t row = 0; row < rows; ++row) {
        const std::uint64_t centre = sextant::mix64(random.below(12));
        for (std::size_t i = 0; i < dimension; ++i) {
            const std::uint64_t middle = 40 + sextant::mix64(centre + i) % 150;
            matrix.values.push_back(static_cast<float>(middle + random.below(60)));
        }
    }
    return matrix;
}

std::string as_fvecs(const Matrix& matrix) {
    std::string out;
    for (std::size_t i = 0; i < matrix.values.size(); ++i) {
        if (i % dimension == 0) append_little(out, dimension);
        append_little(out, std::bit_cast<std::uint32_t>(matrix.values[i]));
    }
    return out;
}

std::string as_bvecs(const Matrix& matrix) {
    std::string out;
    for (std::size_t i = 0; i < matrix.values.size(); ++i) {
        if (i % dimension == 0) append_little(out, dimension);
        out.push_back(static_cast<char>(static_cast<unsigned char>(matrix.values[i])));
    }
    return out;
}

/// Images of 4 × 6 bytes.
std::string as_idx(const Matrix& matrix) {
    std::string out = {0, 0, 8, 3};
    append_big(out, static_cast<std::uint32_t>(matrix.rows));
    append_big(out, 4);
    append_big(out, 6);
    for (const float value : matrix.values) out.push_back(static_cast<char>(static_cast<unsigned char>(value)));
    return out;
}

std::string true_ids(const Matrix& base, const Matrix& queries, std::size_t k) {
    std::string out;
    for (std::size_t query = 0; query < queries.rows; ++query) {
        std::vector<std::pair<double, std::uint32_t>> order;
        for (std::uint32_t row = 0; row < base.rows; ++row) {
            order.emplace_back(exact_distance(Metric::l2, queries.row(query), base.row(row), dimension), row);
        }
        std::sort(order.begin(), order.end());
        append_little(out, static_cast<std::uint32_t>(k));
        for (std::size_t i = 0; i < k; ++i) append_little(out, order[i].second);
    }
    return out;
}

void test_readers(const Matrix& base) {
    write("b.fvecs", as_fvecs(base));
    write("b.bvecs", as_bvecs(base));
    write_gz("b-idx3-ubyte.gz", as_idx(base));
    write_gz("b.bvecs.gz", as_bvecs(base));
    for (const char* name : {"b.fvecs", "b.bvecs", "b-idx3-ubyte.gz", "b.bvecs.gz"}) {
        const auto matrix = read_vectors(folder + "/" + name);
        check(matrix.has_value() && matrix->values == base.values && matrix->columns == dimension,
              std::string(name) + " reads back as it was written");
        const auto few = read_vectors(folder + "/" + name, 7);
        check(few.has_value() && few->rows == 7, std::string(name) + " honours a limit");
    }
    write("ints.ivecs", [] {
        std::string out;
        for (const std::uint32_t value : {2U, 5U, 0xFFFFFFFFU, 2U, 7U, 8U}) append_little(out, value);
        return out;
    }());
    const auto ints = read_integers(folder + "/ints.ivecs");
    check(ints.has_value() && ints->values == std::vector<std::int32_t>{5, -1, 7, 8}, "ivecs hold signed numbers");
}

void test_broken_files(const Matrix& base) {
    const std::string whole = as_fvecs(base);
    const auto refuses = [](const std::string& name, const std::string& bytes, const std::string& words) {
        write(name, bytes);
        const auto matrix = read_vectors(folder + "/" + name);
        const std::string message = matrix.has_value() ? "it was read" : matrix.error().message;
        check(message.find(words) != std::string::npos, name + " should say '" + words + "', says: " + message);
    };
    refuses("cut.fvecs", whole.substr(0, whole.size() - 3), "ends inside row 1499");
    refuses("head.fvecs", whole.substr(0, 2), "ends inside the dimension of row 0");
    refuses("empty.fvecs", "", "holds no row");
    std::string other = whole;
    other[(4 + 4 * dimension)] = 23;
    refuses("mixed.fvecs", other, "row 1 has dimension 23, expected 24");
    std::string negative;
    append_little(negative, 0xFFFFFFFEU);
    refuses("negative.fvecs", negative, "dimension -2");
    std::string not_a_number = whole.substr(0, 4);
    for (std::size_t i = 0; i < dimension; ++i) append_little(not_a_number, i == 5 ? 0x7FC00000U : 0U);
    refuses("nan.fvecs", not_a_number, "row 0, component 5 is not a finite number");
    const std::string idx = as_idx(base);
    refuses("cut-idx", idx.substr(0, idx.size() - 1), "ends inside row 1499 of 1500");
    refuses("long-idx", idx + "x", "has bytes after its 1500 rows");
    refuses("type-idx", std::string({0, 0, 12, 1, 0, 0, 0, 1, 0, 0, 0, 1}), "element type 12");
    refuses("text.txt", "hello world", "nor IDX by its first four bytes");
    std::string huge = {0, 0, 8, 3};
    for (int i = 0; i < 3; ++i) append_big(huge, 0xFFFFFFFFU);
    refuses("huge-idx", huge, "more than");
    const std::string packed = slurp(folder + "/b.bvecs.gz");
    refuses("cut.bvecs.gz", packed.substr(0, packed.size() / 2), "cut.bvecs.gz: ");
    check(!read_vectors(folder + "/none.fvecs").has_value(), "a missing file is an error");
}

void test_truth(const Matrix& base, const Matrix& queries) {
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
        const Truth truth = compute_truth(base, queries, metric, 10, 2);
        for (std::size_t query = 0; query < queries.rows; ++query) {
            std::vector<double> distances;
            for (std::size_t row = 0; row < base.rows; ++row) {
                distances.push_back(exact_distance(metric, queries.row(query), base.row(row), dimension));
            }
            std::sort(distances.begin(), distances.end());
            check(truth.kth_distance[query] == distances[9],
                  std::string("truth of ") + metric_name(metric) + ", query " + std::to_string(query));
        }
    }
    // Rows 0 and 1 equal: naming either is right; naming one twice is one right answer.
    Matrix twins;
    twins.rows = 3;
    twins.columns = 1;
    twins.values = {1.0F, 1.0F, 9.0F};
    Matrix zero;
    zero.rows = 1;
    zero.columns = 1;
    zero.values = {0.0F};
    const Truth nearest = compute_truth(twins, zero, Metric::l2, 1, 1);
    const auto right = [&](const Truth& truth, std::vector<std::uint32_t> ids, std::vector<std::uint8_t> admitted) {
        return static_cast<std::int64_t>(count_right(truth, twins, zero, Metric::l2, 0, ids, admitted));
    };
    check_equal("a tie counts", right(nearest, {1}, {}), 1);
    check_equal("a farther row does not", right(nearest, {2}, {}), 0);
    const Truth both = compute_truth(twins, zero, Metric::l2, 2, 1);
    check_equal("the same row twice counts once", right(both, {0, 0}, {}), 1);
    const Truth filtered = compute_truth(twins, zero, Metric::l2, 2, 1, std::vector<std::uint8_t>{0, 0, 1});
    check_equal("fewer rows than k are expected under a filter", filtered.expected[0], 1);
    check_equal("a row that is not admitted does not count", right(filtered, {0, 2}, {0, 0, 1}), 1);
    check(
        percentile(std::vector<double>{4, 1, 3, 2}, 0.5) == 2 && percentile(std::vector<double>{4, 1, 3, 2}, 0.99) == 4,
        "percentiles are nearest ranks");
}

std::string files() { return "--base '" + folder + "/b.fvecs' --queries '" + folder + "/q.fvecs' "; }

void check_lines(const std::string& path, const std::vector<std::string>& engines, const std::string& metric) {
    std::ifstream file(path);
    std::map<std::string, double> best;
    for (std::string line; std::getline(file, line);) {
        const auto object = nlohmann::json::parse(line, nullptr, false);
        check(object.is_object(), "each line is a JSON object: " + line);
        if (!object.is_object()) return;
        for (const char* name : {"engine", "dataset", "metric", "k", "ef", "selectivity", "recall", "qps", "p50_us",
                                 "p99_us", "build_s", "bytes_per_vector", "threads", "kernel"}) {
            check(object.contains(name), std::string("a line has the field ") + name);
        }
        check(object["dataset"] == "b" && object["metric"] == metric && object["k"] == 10, "a line names its run");
        check(object["qps"].get<double>() > 0 && object["p50_us"].get<double>() > 0 &&
                  object["p99_us"].get<double>() >= object["p50_us"].get<double>() &&
                  object["bytes_per_vector"].get<double>() >= dimension,
              "figures make sense: " + line);
        double& recall = best[object["engine"].get<std::string>()];
        recall = std::max(recall, object["recall"].get<double>());
    }
    for (const std::string& engine : engines) {
        check(best.contains(engine), "every engine has its lines: " + engine);
        check(best[engine] >= 0.95, engine + " (" + metric + ") finds what is near: " + std::to_string(best[engine]));
    }
}

void test_runs(const std::vector<std::string>& engines) {
    std::string all;
    for (const std::string& engine : engines) all += "--engine " + engine + " ";
    for (const std::string metric : {"l2", "ip", "cosine"}) {
        const std::string json = folder + "/" + metric + ".jsonl";
        const Outcome outcome = run(files() + all + "--metric " + metric + " --ef 10,80,320 --rounds 1 --json '" +
                                    json + "' --plot '" + folder + "/plot.svg'");
        check_equal("exit code of a whole run, " + metric + ": " + outcome.error_text, outcome.exit_code, 0);
        check(outcome.output.find("QPS@0.99") != std::string::npos, "the closing table is printed");
        check_lines(json, engines, metric);
        const std::string plot = slurp(folder + "/plot.svg");
        check(plot.starts_with("<svg") && plot.find("<path") != std::string::npos, "a plot is written");
    }
    const Outcome threads =
        run(files() + all + "--metric l2 --ef 40 --rounds 1 --threads 2 --build-threads 2 --truth '" + folder +
            "/t.ivecs' --json '" + folder + "/threads.jsonl'");
    check_equal("exit code with threads: " + threads.error_text, threads.exit_code, 0);
    check_lines(folder + "/threads.jsonl", engines, "l2");
    const Outcome filtered = run(files() +
                                 "--engine sextant:sq8,sextant:flat --metric l2 --ef 40,160 --rounds 1 "
                                 "--filter-selectivity 0.5,0.02 --json '" +
                                 folder + "/filtered.jsonl'");
    check_equal("exit code with filters: " + filtered.error_text, filtered.exit_code, 0);
    check_lines(folder + "/filtered.jsonl", {"sextant:sq8", "sextant:flat"}, "l2");
}

void test_refusals() {
    const auto refuses = [](const std::string& arguments, int code, const std::string& words) {
        const Outcome outcome = run(arguments);
        check_equal("exit code of " + arguments + ": " + outcome.error_text, outcome.exit_code, code);
        check(outcome.error_text.find(words) != std::string::npos,
              arguments + " should say '" + words + "', says: " + outcome.error_text);
    };
    refuses(files() + "--metric l2 --engine sextant:pq:x", 2, "sextant:pq:x: no such engine");
    refuses(files() + "--metric l2 --engine sextant:rabitq:9", 1, "quantizer.bits is 9; it must be 1 to 8");
    refuses(files() + "--metric l2 --engine hnswlib+f16", 2, "hnswlib+f16: no such engine");
    refuses(files() + "--metric l2 --engine nosuch", 2, "nosuch: no such engine");
    refuses(files() + "--metric l2 --engine sextant:none --storage mapped:/tmp", 2, "mapped:/tmp: not built");
    refuses(files() + "--metric l2 --engine sextant:none --ef 5", 2, "--ef 5: below k");
    refuses(files() + "--metric nosuch --engine sextant:none", 2, "--metric");
    refuses(files() + "--engine sextant:none", 2, "--metric is required");
    refuses("--base '" + folder + "/cut.fvecs' --queries '" + folder + "/q.fvecs' --metric l2 --engine sextant:none", 1,
            "ends inside row");
    refuses(files() + "--metric l2 --engine sextant:none --limit 10 --truth '" + folder + "/t.ivecs'", 1, "names row");
#ifdef SEXTANT_BENCH_HAS_PEERS
    refuses(files() + "--metric l2 --engine hnswlib --filter-selectivity 0.5", 2, "hnswlib has no filtered search");
#else
    refuses(files() + "--metric l2 --engine hnswlib", 2, "SEXTANT_BENCH_PEERS");
#endif
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: sextant_bench_smoke <sextant_ann_bench> <folder>\n";
        return 2;
    }
    program = argv[1];
    folder = argv[2];
    std::filesystem::create_directories(folder);
    const Matrix base = make_vectors(base_rows, 1);
    const Matrix queries = make_vectors(query_rows, 2);
    write("q.fvecs", as_fvecs(queries));
    write("t.ivecs", true_ids(base, queries, 10));
    test_readers(base);
    test_broken_files(base);
    test_truth(base, queries);
    std::vector<std::string> engines = {"sextant:none", "sextant:sq8",      "sextant:sq4",     "sextant:flat",
                                        "sextant:pq:8", "sextant:rabitq:2", "sextant:sq8+f16", "sextant:flat+f16"};
#ifdef SEXTANT_BENCH_HAS_PEERS
    for (const char* peer : {"hnswlib", "faiss-hnsw", "faiss-flat"}) engines.emplace_back(peer);
#endif
    test_runs(engines);
    test_refusals();
    if (failures == 0) std::cout << "all checks passed\n";
    return failures == 0 ? 0 : 1;
}
