/// snippet_preamble: what every short ```cpp block in the documentation may use. A test compiles each block as the body
/// of a function with the parameters below; docs/style.md has the rules.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sextant/sextant.hpp"

namespace sx = sextant;

using Photos = sx::Collection<sx::Cosine, sx::MemoryStorage, sx::ScalarQuantizer>;

/// photos: an open collection of 768 dimensions. query, embedding: vectors of that length. payload: a JSON object.
#define SNIPPET_PARAMETERS                                                          \
    [[maybe_unused]] Photos &photos, [[maybe_unused]] std::span<const float> query, \
        [[maybe_unused]] std::span<const float> embedding, [[maybe_unused]] const sx::Payload &payload
