/// golden: bytes that version 1 of a format wrote, kept in tests/golden/v1 for ever: a line each, a name, a tab, hex.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace test_support {

inline std::filesystem::path golden_path(const std::string& file) {
#ifdef SEXTANT_SOURCE_DIR
    const std::filesystem::path source_dir = SEXTANT_SOURCE_DIR;
#else
    const auto source_dir = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
#endif
    return source_dir / "tests" / "golden" / "v1" / file;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : bytes) {
        text += digits[std::to_integer<unsigned>(byte) / 16];
        text += digits[std::to_integer<unsigned>(byte) % 16];
    }
    return text;
}

inline std::vector<std::byte> from_hex(const std::string& text) {
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
        bytes.push_back(static_cast<std::byte>(std::stoul(text.substr(at, 2), nullptr, 16)));
    }
    return bytes;
}

/// Hex in which (4096) stands for as many zero bytes, for files that are mostly empty.
inline std::string to_short_hex(std::span<const std::byte> bytes) {
    constexpr std::size_t least = 8;
    std::string text;
    for (std::size_t at = 0; at < bytes.size();) {
        std::size_t end = at;
        while (end < bytes.size() && bytes[end] == std::byte{0}) ++end;
        if (end - at >= least) {
            text += "(" + std::to_string(end - at) + ")";
        } else {
            end = std::min(std::max(end, at + 1), bytes.size());
            text += to_hex(bytes.subspan(at, end - at));
        }
        at = end;
    }
    return text;
}

inline std::vector<std::byte> from_short_hex(const std::string& text) {
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = std::min(text.find('(', at), text.size());
        const std::vector<std::byte> plain = from_hex(text.substr(at, open - at));
        bytes.insert(bytes.end(), plain.begin(), plain.end());
        at = open;
        if (open == text.size()) break;
        at = text.find(')', open) + 1;
        bytes.resize(bytes.size() + std::stoul(text.substr(open + 1, at - open - 2)));
    }
    return bytes;
}

/// Hex by name.
inline std::map<std::string, std::string> golden_lines(const std::string& file) {
    std::ifstream lines(golden_path(file), std::ios::binary);
    INFO(golden_path(file).string());
    REQUIRE(lines.good());
    std::map<std::string, std::string> found;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t tab = line.find('\t');
        REQUIRE(tab != std::string::npos);
        REQUIRE(found.emplace(line.substr(0, tab), line.substr(tab + 1)).second);
    }
    return found;
}

}  // namespace test_support
