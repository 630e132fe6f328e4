/// Storage: the policy that says where rows live. It holds no data; segments ask it how to.
/// Threads: a model is immutable: it has no data.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

namespace sextant::inline v1 {

enum class Residency : unsigned char {
    resident = 0,        ///< read, verified, and kept in memory
    mapped = 1,          ///< raw vectors, codes and graphs of sealed segments are paged from their files
    mapped_vectors = 2,  ///< raw vectors are; codes and graphs stay in memory
};

template <class S>
concept Storage = std::is_empty_v<S> && requires {
    { S::name } -> std::convertible_to<std::string_view>;
    { S::durable } -> std::same_as<const bool&>;          ///< a directory, a log and recovery
    { S::residency } -> std::same_as<const Residency&>;
};

}  // namespace sextant::inline v1
