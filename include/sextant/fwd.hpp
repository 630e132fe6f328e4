/// fwd: names of the public types without their definitions, for headers that only mention them.
/// Collection itself cannot be declared here without its concepts: a header that names one includes it.
/// Threads: nothing: declarations.
#pragma once

#include <cstdint>

namespace sextant::inline v1 {

class CollectionHandle;
class Clock;
class EventSink;
class Executor;
class Filter;
class FilterField;
class MemoryAccount;
class PointId;
class Task;
class WriteBatch;
struct Error;
struct Hit;
struct MemoryEstimate;
struct OpenOptions;
struct Record;
struct ScrollPage;
struct ScrollRequest;
struct SearchRequest;
struct SearchResult;
struct Select;
struct Stats;
struct SquaredL2;
struct InnerProduct;
struct Cosine;
struct MappedStorage;
struct MemoryStorage;
class NoQuantizer;
class ProductQuantizer;
class RabitqQuantizer;
class ScalarQuantizer;
enum class Depth : std::uint8_t;
enum class Durability : std::uint8_t;
enum class ErrorCode : std::uint8_t;
enum class Lsn : std::uint64_t;
template <class T>
class Result;
template <class QuantizerOptions>
struct CollectionOptions;

}  // namespace sextant::inline v1
