/// EventSink: how the library tells the application what happened outside a call: a rebuild, a merge, damage found.
/// The library never logs; without a sink it is silent.
/// Threads: thread-safe; on_event comes from any thread, with no lock held, and must not call back into the library.
#pragma once

#include <cstdint>
#include <string_view>

namespace sextant::inline v1 {

enum class Severity : std::uint8_t { debug, info, warning, error };

[[nodiscard]] constexpr std::string_view to_string(Severity severity) noexcept {
    switch (severity) {
        case Severity::debug: return "debug";
        case Severity::info: return "info";
        case Severity::warning: return "warning";
        case Severity::error: return "error";
    }
    return "unknown";
}

/// The views live for the call of on_event only.
struct Event {
    Severity severity = Severity::info;
    std::string_view name = {};     ///< stable, for programs: "segment.sealed"
    std::string_view subject = {};  ///< what it happened to: a collection, a segment, a file
    std::string_view message = {};  ///< a sentence, for people; may change between versions
};

class EventSink {
public:
    virtual ~EventSink() = default;
    virtual void on_event(const Event& event) noexcept = 0;
};

/// Tells `sink`, if there is one.
inline void send_event(EventSink* sink, const Event& event) noexcept {
    if (sink != nullptr) sink->on_event(event);
}

}  // namespace sextant::inline v1
