#include "sextant/core/event_sink.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using sextant::Event;
using sextant::Severity;

namespace {

class Recorder final : public sextant::EventSink {
public:
    void on_event(const Event& event) noexcept override {
        lines.push_back(std::string(to_string(event.severity)) + " " + std::string(event.name) + " " +
                        std::string(event.subject) + ": " + std::string(event.message));
    }
    std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("An event reaches the sink as it was sent", "[core][event_sink]") {
    Recorder recorder;
    sextant::send_event(&recorder, {Severity::warning, "segment.sealed", "photos/7", "12 rows"});
    sextant::send_event(&recorder, {.name = "tick"});
    CHECK(recorder.lines == std::vector<std::string>{"warning segment.sealed photos/7: 12 rows", "info tick : "});
}

TEST_CASE("Without a sink the library is silent", "[core][event_sink]") {
    sextant::send_event(nullptr, {Severity::error, "a", "b", "c"});
    SUCCEED();
}

TEST_CASE("Each severity has a name", "[core][event_sink]") {
    CHECK(to_string(Severity::debug) == "debug");
    CHECK(to_string(Severity::info) == "info");
    CHECK(to_string(Severity::error) == "error");
    CHECK(to_string(static_cast<Severity>(9)) == "unknown");
}
