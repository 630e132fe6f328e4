/// version: which release this is. The build reads its own version from here, so the two cannot differ.
/// Threads: nothing: two numbers and a string.
#pragma once

#define SEXTANT_VERSION_MAJOR 0
#define SEXTANT_VERSION_MINOR 1
#define SEXTANT_VERSION_PATCH 0

namespace sextant::inline v1 {

/// "MAJOR.MINOR.PATCH". Semantic versioning: see docs/compatibility.md.
inline constexpr const char* version_string = "0.1.0";

}  // namespace sextant::inline v1
