/// golden_collection: whole collections as version 1 wrote them, kept in tests/golden/v1/collection_*.txt for ever: their
/// files, every point they hold, and what searches answered.
///     file seg/000003/ids   hex, in which (4096) stands for as many zero bytes
///     point 7               version, vector in hex, payload
///     search 0              exact or graph, k, vector in hex, then id=score …
/// Threads: values.
#pragma once

#include <sextant/sextant.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collection/damage_scene.hpp"

namespace test_support {

struct GoldenSearch {
    bool exact = false;
    std::size_t k = 0;
    std::vector<float> vector = {};
    std::vector<std::pair<sextant::PointId, float>> hits = {};
};

struct GoldenCollection {
    std::map<std::string, FileBytes> files = {};  ///< by path below the collection
    Contents points = {};
    std::vector<GoldenSearch> searches = {};

    [[nodiscard]] static GoldenCollection read(const std::string& file);
    [[nodiscard]] std::string text() const;
    /// "seg/000002" …
    [[nodiscard]] std::vector<std::string> segments() const;
};

/// CodedCollection, dimension 5, m 4: ids of both kinds; a segment with rows that died and payloads that were changed
/// since, and one of integers alone; a log with frames behind the last checkpoint, whose process ended without closing it.
inline constexpr const char* golden_coded = "collection_coded.txt";
/// PlainCollection, dimension 3, m 4: integers alone; a segment without payloads; a log that was closed, and
/// a file of it that was put aside.
inline constexpr const char* golden_plain = "collection_plain.txt";
/// CodedCollection of half floats, dimension 5, m 4: a segment with a row that died since, and a log whose process ended
/// without closing it. Version 1 wrote collections of half floats later than others.
inline constexpr const char* golden_half = "collection_half.txt";

/// The same made by the present library, byte for byte the same each time: the identity of the collection, which is drawn
/// at random otherwise, is 00 01 … 0f, and nobody holds LOCK.
[[nodiscard]] GoldenCollection make_golden_coded();
[[nodiscard]] GoldenCollection make_golden_plain();
[[nodiscard]] GoldenCollection make_golden_half();

/// Puts the files below `path` of a simulated disk.
void put_collection(SimDisk& disk, const std::string& path, const std::map<std::string, FileBytes>& files);

}  // namespace test_support
