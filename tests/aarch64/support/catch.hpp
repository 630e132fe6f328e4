/// catch: as much of Catch2 as the kernel tests use, so that they can be cross-compiled without Catch2 for the target.
/// tests/aarch64/CMakeLists.txt puts this directory first, which makes "support/catch.hpp" mean this file.
#pragma once

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace sextant::test {

struct Run {
    std::vector<std::string> context;
    std::size_t checks = 0;
    std::size_t failures = 0;

    static Run& current() {
        static Run run;
        return run;
    }
    void check(bool passed, const char* expression, const char* file, int line) {
        ++checks;
        if (passed) return;
        ++failures;
        std::printf("%s:%d: FAILED: %s\n", file, line, expression);
        for (const std::string& text : context) std::printf("    with %s\n", text.c_str());
    }
};

struct Context {
    explicit Context(const std::string& text) { Run::current().context.push_back(text); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context() { Run::current().context.pop_back(); }
};

struct Case {
    const char* name;
    void (*run)();

    static std::vector<Case>& all() {
        static std::vector<Case> cases;
        return cases;
    }
    static int add(const char* name, void (*run)()) {
        all().push_back({name, run});
        return 0;
    }
};

struct Abort {};

}  // namespace sextant::test

#define SEXTANT_TEST_JOIN2(a, b) a##b
#define SEXTANT_TEST_JOIN(a, b) SEXTANT_TEST_JOIN2(a, b)
#define SEXTANT_TEST_CASE(function, name)                                                            \
    static void function();                                                                          \
    static const int SEXTANT_TEST_JOIN(function, _added) = sextant::test::Case::add(name, function); \
    static void function()
#define TEST_CASE(name, tags) SEXTANT_TEST_CASE(SEXTANT_TEST_JOIN(test_case_, __LINE__), name)
#define CHECK(...) sextant::test::Run::current().check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define CHECK_FALSE(...) CHECK(!(__VA_ARGS__))
#define REQUIRE(...)                                        \
    do {                                                    \
        const bool passed = static_cast<bool>(__VA_ARGS__); \
        CHECK(passed&& #__VA_ARGS__);                       \
        if (!passed) throw sextant::test::Abort{};          \
    } while (false)
#define INFO(text)                                                \
    std::ostringstream SEXTANT_TEST_JOIN(info_stream_, __LINE__); \
    SEXTANT_TEST_JOIN(info_stream_, __LINE__) << text;            \
    const sextant::test::Context SEXTANT_TEST_JOIN(info_, __LINE__)(SEXTANT_TEST_JOIN(info_stream_, __LINE__).str())
