/// CodeTrust: what a distance computed from codes says about the true one.
/// A quantizer may offer `trust<M>(bound scorer)`; without it, every distance is an estimate.
/// Threads: values.
#pragma once

#include <cstdint>

namespace sextant::inline v1 {

enum class CodeTrust : std::uint8_t {
    estimate = 0,  ///< nothing is known: rescore
    bounded = 1,   ///< lower_bound<M>(distance) holds at the rate the quantizer states
    exact = 2,     ///< the query lost nothing: distances to rows that lost nothing either are exact
};

}  // namespace sextant::inline v1
