#include "sextant/payload/payload_format.hpp"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "sextant/payload/payload_json.hpp"
#include "support/catch.hpp"
#include "support/random_payload.hpp"

using sextant::Payload;

namespace {

using Bytes = std::vector<std::byte>;

#ifdef SEXTANT_SOURCE_DIR
const std::filesystem::path source_dir = SEXTANT_SOURCE_DIR;
#else
const std::filesystem::path source_dir = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
#endif

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    INFO(path.string());
    REQUIRE(file.good());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Leading two-digit hex numbers of each line; what follows them is remark.
Bytes hex_block(const std::string& text) {
    Bytes out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        for (std::string word; words >> word && word.size() == 2 &&
                               std::isxdigit(static_cast<unsigned char>(word[0])) &&
                               std::isxdigit(static_cast<unsigned char>(word[1]));) {
            out.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
        }
    }
    return out;
}

}  // namespace

TEST_CASE("the worked example of the format page is what is written", "[payload][format]") {
    const std::string page = contents(source_dir / "docs/format/payload.md");
    const std::size_t json_at = page.find("    {", page.find("## Worked example"));
    const std::string json = page.substr(json_at, page.find('\n', json_at) - json_at);
    const std::size_t hex_at = page.find("```hex\n") + 7;
    const Bytes expected = hex_block(page.substr(hex_at, page.find("```", hex_at) - hex_at));

    const Bytes blob = test_support::encoded(Payload::parse(json));
    CHECK(blob == expected);
    CHECK(page.find("is these " + std::to_string(expected.size()) + " bytes") != std::string::npos);
    CHECK(sextant::decode_payload(expected) == Payload::parse(json));
}

TEST_CASE("the page names each tag", "[payload][format]") {
    const std::string page = contents(source_dir / "docs/format/payload.md");
    using Tag = sextant::PayloadTag;
    CHECK(page.find("| 01 | null |") != std::string::npos);
    CHECK(static_cast<int>(Tag::null) == 1);
    CHECK(page.find("| 02, 03 | false, true |") != std::string::npos);
    CHECK(static_cast<int>(Tag::boolean_true) == 3);
    CHECK(page.find("| 09 | floating64 |") != std::string::npos);
    CHECK(static_cast<int>(Tag::floating64) == 9);
    CHECK(page.find("| 0f | object32 |") != std::string::npos);
    CHECK(static_cast<int>(Tag::object32) == 15);
}

// Per line of the file: a payload as JSON, a tab, its encoding in hex. Written by version 1; never written again.
TEST_CASE("payloads of version 1 are read and written as ever", "[payload][format]") {
    std::istringstream lines(contents(source_dir / "tests/golden/v1/payload.txt"));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        const std::size_t tab = line.find('\t');
        REQUIRE(tab != std::string::npos);
        Bytes golden;
        for (std::size_t at = tab + 1; at + 1 < line.size(); at += 2) {
            golden.push_back(static_cast<std::byte>(std::stoul(line.substr(at, 2), nullptr, 16)));
        }
        INFO(line.substr(0, 200));
        const Payload payload = Payload::parse(line.substr(0, tab));
        CHECK(sextant::PayloadView(golden).validate().has_value());
        CHECK(sextant::decode_payload(golden).dump() == payload.dump());
        CHECK(test_support::encoded(payload) == golden);
    }
    CHECK(count == 40);
}
