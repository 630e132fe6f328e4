/// random_payload: payloads and values drawn from a small world, so that conditions meet what they ask for often.
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "sextant/payload/payload_json.hpp"

namespace test_support {

class RandomPayload {
public:
    explicit RandomPayload(std::uint64_t seed) : engine_(seed) {}

    std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }

    std::string key() {
        static const char* const keys[] = {"a", "b", "c", "a.b", "", "\xc3\xa4"};
        return keys[below(8) % 6];
    }

    sextant::Payload number() {
        static const std::int64_t whole[] = {0,
                                             1,
                                             2,
                                             5,
                                             -1,
                                             127,
                                             128,
                                             -128,
                                             -129,
                                             255,
                                             32767,
                                             32768,
                                             -32769,
                                             2147483647,
                                             2147483648,
                                             -2147483649,
                                             (std::int64_t{1} << 53U),
                                             (std::int64_t{1} << 53U) + 1,
                                             INT64_MAX,
                                             INT64_MIN};
        static const double floating[] = {0.0,
                                          -0.0,
                                          0.5,
                                          1.0,
                                          2.0,
                                          5.0,
                                          -1.0,
                                          9007199254740992.0,
                                          9223372036854775808.0,
                                          18446744073709551616.0,
                                          1e300,
                                          -1e300,
                                          5e-324,
                                          0.1};
        switch (below(6)) {
            case 0: return floating[below(std::size(floating))];
            case 1: return std::uint64_t{1} << 63U | below(3);
            case 2: return whole[below(std::size(whole))];
            default: return static_cast<std::int64_t>(below(6));
        }
    }

    sextant::Payload scalar() {
        static const char* const strings[] = {"", "a", "ab", "abc", "b", "5", "\xe2\x82\xac", "true"};
        switch (below(8)) {
            case 0: return nullptr;
            case 1: return below(2) == 0;
            case 2:
            case 3: return strings[below(std::size(strings))];
            default: return number();
        }
    }

    sextant::Payload value(std::size_t depth) {
        switch (depth == 0 ? 9 : below(10)) {
            case 0:
            case 1: return object(depth - 1);
            case 2:
            case 3:
            case 4: {
                auto out = sextant::Payload::array();
                for (std::size_t i = below(4); i != 0; --i) out.push_back(value(depth - 1));
                return out;
            }
            default: return scalar();
        }
    }

    sextant::Payload object(std::size_t depth) {
        auto out = sextant::Payload::object();
        for (std::size_t i = below(5); i != 0; --i) out[key()] = value(depth);
        return out;
    }

private:
    std::mt19937_64 engine_;
};

inline std::vector<std::byte> encoded(const sextant::Payload& payload) {
    std::vector<std::byte> out;
    sextant::encode_payload(payload, out).value();
    return out;
}

}  // namespace test_support
