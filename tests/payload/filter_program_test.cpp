#include "sextant/payload/filter_program.hpp"

#include <cstdint>
#include <functional>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/random_payload.hpp"

using sextant::field;
using sextant::Filter;
using sextant::FilterProgram;
using sextant::has_id;
using sextant::Payload;
using sextant::PointId;
using test_support::RandomPayload;

namespace {

/// A filter and, beside it, what it means for JSON, put down from the rules with no part of the library.
struct Sample {
    Filter filter;
    std::function<bool(const Payload&, PointId)> expected;
    std::string text;
};

using Test = std::function<bool(const Payload&)>;

/// One step of a path: a key, [] or [n].
struct Step {
    enum Kind { key, each, index } kind;
    std::string name;
    std::size_t number;
};

std::vector<Payload> yielded(const Payload& root, const std::vector<Step>& steps) {
    std::vector<Payload> values = {root};
    for (const Step& step : steps) {
        std::vector<Payload> next;
        for (const Payload& value : values) {
            if (step.kind == Step::key && value.is_object() && value.contains(step.name))
                next.push_back(value[step.name]);
            if (step.kind == Step::each && value.is_array()) next.insert(next.end(), value.begin(), value.end());
            if (step.kind == Step::index && value.is_array() && step.number < value.size())
                next.push_back(value[step.number]);
        }
        values = std::move(next);
    }
    return values;
}

bool any_opened(const std::vector<Payload>& values, const Test& test) {
    for (const Payload& value : values) {
        if (!value.is_array() && test(value)) return true;
        if (!value.is_array()) continue;
        for (const Payload& element : value) {
            if (test(element)) return true;
        }
    }
    return false;
}

/// long double holds every double and every 64-bit integer as it is.
long double exactly(const Payload& number) {
    if (number.is_number_unsigned()) return static_cast<long double>(number.get<std::uint64_t>());
    if (number.is_number_integer()) return static_cast<long double>(number.get<std::int64_t>());
    return static_cast<long double>(number.get<double>());
}

bool equal(const Payload& a, const Payload& b) {
    if (a.is_number() && b.is_number()) return exactly(a) == exactly(b);
    return a.type() == b.type() && (a.is_string() || a.is_boolean()) && a == b;
}

bool below(const Payload& a, const Payload& b) {
    if (a.is_number_float() || b.is_number_float()) return a.get<double>() < b.get<double>();
    return exactly(a) < exactly(b);
}

/// The same value on the side of the library.
sextant::FilterValue operand(const Payload& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_number_integer()) return value.get<std::int64_t>();
    return value.get<double>();
}

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    Sample filter(std::size_t depth) {
        switch (depth == 0 ? 9 : random_.below(10)) {
            case 0:
            case 1: {
                const Sample a = filter(depth - 1), b = filter(depth - 1);
                return {a.filter && b.filter,
                        [a, b](const Payload& p, PointId id) { return a.expected(p, id) && b.expected(p, id); },
                        "(" + a.text + " && " + b.text + ")"};
            }
            case 2:
            case 3: {
                const Sample a = filter(depth - 1), b = filter(depth - 1);
                return {a.filter || b.filter,
                        [a, b](const Payload& p, PointId id) { return a.expected(p, id) || b.expected(p, id); },
                        "(" + a.text + " || " + b.text + ")"};
            }
            case 4: {
                const Sample a = filter(depth - 1);
                return {!a.filter, [a](const Payload& p, PointId id) { return !a.expected(p, id); }, "!" + a.text};
            }
            case 5: {
                const Sample a = filter(depth - 1), b = filter(depth - 1), c = filter(depth - 1);
                const std::size_t count = 1 + random_.below(4);
                return {Filter::at_least(count, {a.filter, b.filter, c.filter}),
                        [a, b, c, count](const Payload& p, PointId id) {
                            return static_cast<std::size_t>(a.expected(p, id)) +
                                       static_cast<std::size_t>(b.expected(p, id)) +
                                       static_cast<std::size_t>(c.expected(p, id)) >=
                                   count;
                        },
                        "at_least(" + std::to_string(count) + a.text + b.text + c.text + ")"};
            }
            default: return random_.below(12) == 0 ? ids() : condition();
        }
    }

    Payload payload() { return random_.object(3); }
    PointId id() { return PointId{random_.below(8)}; }

private:
    Sample ids() {
        std::vector<PointId> list;
        for (std::size_t i = random_.below(5); i != 0; --i) list.push_back(id());
        return {has_id(list),
                [list](const Payload&, PointId id) { return std::find(list.begin(), list.end(), id) != list.end(); },
                "has_id"};
    }

    Sample condition() {
        std::vector<Step> steps;
        std::string path;
        for (std::size_t i = 0, count = 1 + random_.below(3); i < count; ++i) {
            const std::size_t kind = i == 0 ? 0 : random_.below(4);
            if (kind <= 1) {
                steps.push_back({Step::key, random_.key(), 0});
                path += std::string(i == 0 ? "" : ".") + '"' + steps.back().name + '"';
            } else if (kind == 2) {
                steps.push_back({Step::each, {}, 0});
                path += "[]";
            } else {
                steps.push_back({Step::index, {}, random_.below(3)});
                path += "[" + std::to_string(steps.back().number) + "]";
            }
        }
        return predicate(path, steps);
    }

    Sample opened(Filter filter, const std::vector<Step>& steps, Test test, std::string text) {
        return {std::move(filter),
                [steps, test](const Payload& p, PointId) { return any_opened(yielded(p, steps), test); },
                std::move(text)};
    }

    Sample predicate(const std::string& path, const std::vector<Step>& steps) {
        const auto here = field(path);
        const Payload low = random_.number(), high = random_.number();
        switch (random_.below(10)) {
            case 0:
                return opened(
                    here.is_null(), steps, [](const Payload& v) { return v.is_null(); }, path + " is_null");
            case 1:
                return {here.is_empty(),
                        [steps](const Payload& p, PointId) {
                            for (const Payload& v : yielded(p, steps)) {
                                if (!v.is_null() && !(v.is_array() && v.empty())) return false;
                            }
                            return true;
                        },
                        path + " is_empty"};
            case 2:
                return {here.exists(), [steps](const Payload& p, PointId) { return !yielded(p, steps).empty(); },
                        path + " exists"};
            case 3: {
                const std::string prefix = random_.below(2) == 0 ? "a" : "";
                return opened(
                    here.starts_with(prefix), steps,
                    [prefix](const Payload& v) { return v.is_string() && v.get<std::string>().rfind(prefix, 0) == 0; },
                    path + " starts " + prefix);
            }
            case 4: return range(here, path, steps, low, high);
            case 5:
            case 6: return bound(here, path, steps, low);
            default: return list(here, path, steps);
        }
    }

    /// Calls `use` with the number as the C++ type it has.
    template <class Use>
    static Filter typed(const Payload& number, const Use& use) {
        if (number.is_number_unsigned()) return use(number.get<std::uint64_t>());
        if (number.is_number_integer()) return use(number.get<std::int64_t>());
        return use(number.get<double>());
    }

    Sample range(const sextant::FilterField& here, const std::string& path, const std::vector<Step>& steps,
                 const Payload& low, const Payload& high) {
        Filter filter = typed(low, [&](auto l) { return typed(high, [&](auto h) { return here.between(l, h); }); });
        return opened(
            std::move(filter), steps,
            [low, high](const Payload& v) { return v.is_number() && !below(v, low) && !below(high, v); },
            path + " between " + low.dump() + " " + high.dump());
    }

    Sample bound(const sextant::FilterField& here, const std::string& path, const std::vector<Step>& steps,
                 const Payload& to) {
        switch (random_.below(4)) {
            case 0:
                return opened(
                    typed(to, [&](auto n) { return here < n; }), steps,
                    [to](const Payload& v) { return v.is_number() && below(v, to); }, path + " < " + to.dump());
            case 1:
                return opened(
                    typed(to, [&](auto n) { return here <= n; }), steps,
                    [to](const Payload& v) { return v.is_number() && !below(to, v); }, path + " <= " + to.dump());
            case 2:
                return opened(
                    typed(to, [&](auto n) { return here > n; }), steps,
                    [to](const Payload& v) { return v.is_number() && below(to, v); }, path + " > " + to.dump());
            default:
                return opened(
                    typed(to, [&](auto n) { return here >= n; }), steps,
                    [to](const Payload& v) { return v.is_number() && !below(v, to); }, path + " >= " + to.dump());
        }
    }

    Sample list(const sextant::FilterField& here, const std::string& path, const std::vector<Step>& steps) {
        std::vector<Payload> values;
        std::string text = path + " of";
        for (std::size_t i = random_.below(4); i != 0; --i) {
            const Payload value = random_.scalar();
            if (value.is_null()) continue;
            values.push_back(value);
            text += " " + value.dump();
        }
        const Test listed = [values](const Payload& v) {
            return std::any_of(values.begin(), values.end(), [&v](const Payload& value) { return equal(v, value); });
        };
        // The same choice with one to three values, as the library takes lists of values of several kinds in braces.
        const auto choose = [&](auto&& call) {
            if (values.empty()) return call(std::initializer_list<sextant::FilterValue>{});
            if (values.size() == 1) return call({operand(values[0])});
            if (values.size() == 2) return call({operand(values[0]), operand(values[1])});
            return call({operand(values[0]), operand(values[1]), operand(values[2])});
        };
        using List = std::initializer_list<sextant::FilterValue>;
        switch (random_.below(3)) {
            case 0: return opened(choose([&](List l) { return here.any_of(l); }), steps, listed, text);
            case 1: {
                Sample out = opened(choose([&](List l) { return here.none_of(l); }), steps, listed, "none " + text);
                const auto positive = out.expected;
                out.expected = [positive](const Payload& p, PointId id) { return !positive(p, id); };
                return out;
            }
            default:
                return opened(
                    choose([&](List l) { return here.except(l); }), steps,
                    [listed](const Payload& v) { return !v.is_null() && !listed(v); }, "except " + text);
        }
    }

    RandomPayload random_;
};

}  // namespace

TEST_CASE("a filter means what the rules say, for any payload", "[payload][filter]") {
    Generator generate(11);
    std::size_t hits = 0;
    std::size_t asked = 0;
    for (int round = 0; round < 3000; ++round) {
        const Sample sample = generate.filter(3);
        const auto program = FilterProgram::compile(sample.filter);
        INFO(sample.text);
        REQUIRE(program.has_value());
        for (int i = 0; i < 20; ++i, ++asked) {
            const Payload payload = generate.payload();
            const PointId id = generate.id();
            const bool expected = sample.expected(payload, id);
            hits += expected ? 1 : 0;
            if (program->matches(id, test_support::encoded(payload)) != expected) {
                INFO(payload.dump());
                CHECK(program->matches(id, test_support::encoded(payload)) == expected);
            }
        }
    }
    // Both answers are common, or the comparison would show little.
    CHECK(hits > asked / 5);
    CHECK(hits < asked * 4 / 5);
}

TEST_CASE("single conditions mean what the rules say, for any payload", "[payload][filter]") {
    Generator generate(12);
    for (int round = 0; round < 6000; ++round) {
        const Sample sample = generate.filter(0);
        const auto program = FilterProgram::compile(sample.filter).value();
        for (int i = 0; i < 10; ++i) {
            const Payload payload = generate.payload();
            const bool expected = sample.expected(payload, PointId{1});
            if (program.matches(PointId{1}, test_support::encoded(payload)) != expected) {
                INFO(sample.text << " for " << payload.dump() << ", expected " << expected);
                CHECK(false);
            }
        }
    }
}

TEST_CASE("asking allocates nothing", "[payload][filter]") {
    Generator generate(13);
    std::vector<std::pair<PointId, std::vector<std::byte>>> rows;
    for (int i = 0; i < 200; ++i) rows.emplace_back(generate.id(), test_support::encoded(generate.payload()));
    for (int round = 0; round < 100; ++round) {
        const auto program = FilterProgram::compile(generate.filter(4).filter).value();
        const std::uint64_t before = test_support::allocations_of_this_thread();
        std::size_t count = 0;
        for (const auto& [id, blob] : rows) count += program.matches(id, blob) ? 1 : 0;
        REQUIRE(test_support::allocations_of_this_thread() == before);
        REQUIRE(count <= rows.size());
    }
    const std::uint64_t before = test_support::allocations_of_this_thread();
    rows.reserve(rows.capacity() + 1);
    CHECK(test_support::allocations_of_this_thread() > before);  // the counter counts
}

TEST_CASE("a program says what it needs", "[payload][filter]") {
    CHECK(FilterProgram::compile(Filter()).value().admits_all());
    CHECK(FilterProgram::compile(Filter::all()).value().admits_all());
    CHECK_FALSE(FilterProgram::compile(field("a") == 1).value().admits_all());
    CHECK_FALSE(FilterProgram::compile(Filter()).value().reads_payload());
    CHECK(FilterProgram::compile(!(field("a") == 1)).value().reads_payload());
    const auto copy = FilterProgram::compile(has_id({PointId{5}})).value();
    CHECK_FALSE(copy.reads_payload());
    CHECK(copy.matches(PointId{5}, {}));
}

TEST_CASE("an unknown version shows no members", "[payload][filter]") {
    std::vector<std::byte> blob = test_support::encoded({{"a", 1}});
    const auto program = FilterProgram::compile(field("a").exists()).value();
    CHECK(program.matches(PointId{1}, blob));
    blob[0] = std::byte{2};
    CHECK_FALSE(program.matches(PointId{1}, blob));
}
