// A process that writes is killed at any moment; what it had been promised, and told us through a pipe, must be there.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <sstream>
#include <thread>

#include "collection/collection_support.hpp"
#include "collection/kill_support.hpp"
#include "io/test_directory.hpp"
#include "support/catch.hpp"

extern char** environ;

using namespace sextant;
using namespace test_support;

namespace {

struct Round {
    std::uint64_t seed = 0;
    std::uint64_t writers = 1;
    Durability durability = Durability::Sync;
    bool optimizes = false;
    std::size_t lines = 0;       ///< killed once so many were read …
    std::uint64_t delay_us = 0;  ///< … and so much time went by
    bool while_opening = false;  ///< only the time counts
};

/// What one writer was promised, and what it was about.
struct Writer {
    KillPoints acknowledged = {};
    std::optional<KillOp> begun = {};
};

/// The process that is to be killed, and all that it says.
class Victim {
public:
    Victim(const std::string& path, const Round& round) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        output_ = ends[0];
        std::vector<std::string> words{SEXTANT_KILL_CHILD,
                                       path,
                                       std::to_string(round.seed),
                                       std::to_string(round.writers),
                                       std::to_string(static_cast<unsigned>(round.durability)),
                                       round.optimizes ? "1" : "0"};
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        const int failure = ::posix_spawn(&process_, argv[0], &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        REQUIRE(failure == 0);
    }
    Victim(const Victim&) = delete;
    Victim& operator=(const Victim&) = delete;
    ~Victim() {
        if (process_ > 0) finish();
        ::close(output_);
    }

    /// Reads until there are so many lines, or the output ends.
    void read_lines(std::size_t lines) {
        while (line_count_ < lines && read_some()) {}
    }
    /// Reads for a while.
    void read_for(std::chrono::microseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (true) {
            const auto left =
                std::chrono::duration_cast<std::chrono::microseconds>(end - std::chrono::steady_clock::now());
            if (left.count() <= 0) return;
            pollfd ready{.fd = output_, .events = POLLIN, .revents = 0};
            const timespec wait{.tv_sec = 0,
                                .tv_nsec = static_cast<long>(std::min<std::int64_t>(left.count(), 900'000)) * 1000};
            if (::ppoll(&ready, 1, &wait, nullptr) > 0 && !read_some()) return;
        }
    }
    /// Kills it and reads what is left. False: it had ended by itself.
    bool finish() {
        ::kill(process_, SIGKILL);
        while (read_some()) {}
        int status = 0;
        ::waitpid(process_, &status, 0);
        process_ = 0;
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    [[nodiscard]] const std::string& said() const { return said_; }

private:
    bool read_some() {
        std::array<char, 4096> bytes{};
        const ssize_t count = ::read(output_, bytes.data(), bytes.size());
        if (count <= 0) return false;
        said_.append(bytes.data(), static_cast<std::size_t>(count));
        line_count_ += static_cast<std::size_t>(std::count(bytes.begin(), bytes.begin() + count, '\n'));
        return true;
    }

    int output_ = -1;
    pid_t process_ = 0;
    std::string said_;
    std::size_t line_count_ = 0;
};

/// Takes down what the process said. Returns the number of acknowledged operations.
std::uint64_t take_down(const std::string& said, std::map<std::uint64_t, Writer>& writers) {
    std::uint64_t acknowledged = 0;
    std::istringstream lines(said);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        char what = 0;
        std::uint64_t number = 0;
        words >> what;
        INFO(line);
        REQUIRE((what == 'o' || what == 'b' || what == 'a'));
        if (what == 'o') continue;
        words >> number;
        Writer& writer = writers[number];
        if (what == 'b') {
            REQUIRE_FALSE(writer.begun.has_value());
            unsigned kind = 0;
            KillOp op;
            words >> kind >> op.id >> op.salt;
            op.kind = KillKind{static_cast<std::uint8_t>(kind)};
            writer.begun = op;
            continue;
        }
        REQUIRE(writer.begun.has_value());
        apply_op(*writer.begun, writer.acknowledged);
        std::uint64_t version = 0;
        words >> version;
        if (version != 0) writer.acknowledged.at(writer.begun->id).version = version;
        writer.begun.reset();
        ++acknowledged;
    }
    return acknowledged;
}

std::string difference(const KillPoints& got, const KillPoints& expected) {
    for (const auto& [id, point] : expected) {
        const auto found = got.find(id);
        if (found == got.end()) return "id " + std::to_string(id) + " is lost";
        const bool same = found->second.vector == point.vector && found->second.payload == point.payload &&
                          (point.version == 0 || found->second.version == point.version);
        if (!same) return "id " + std::to_string(id) + " is another: " + found->second.payload.dump().substr(0, 100);
    }
    for (const auto& [id, point] : got) {
        if (expected.count(id) == 0) return "id " + std::to_string(id) + " was never written, or was erased";
    }
    return "";
}

/// What is wrong with the collection after the kill; empty if nothing. What writers were about is settled by it.
std::string judge(const std::string& path, std::map<std::uint64_t, Writer>& writers, Durability durability) {
    auto opened = KillCollection::open(path, {.dimension = kill_dimension, .durability = durability}, inline_work());
    if (!opened) return "does not open: " + opened.error().message;
    std::map<std::uint64_t, KillPoints> found;
    std::optional<PointId> after;
    do {
        auto page = opened->scroll({.after = after, .limit = 1000, .select = {.payload = true, .vector = true}});
        if (!page) return "cannot be read: " + page.error().message;
        for (Record& record : page->points) {
            const std::uint64_t id = record.id.integer();
            found[id / writer_stride][id] = {std::move(record.vector), std::move(record.payload),
                                             static_cast<std::uint64_t>(record.version)};
        }
        after = page->next;
    } while (after.has_value());
    for (const auto& [number, points] : found) {
        if (writers.count(number) == 0) return "there is no writer " + std::to_string(number);
    }
    for (auto& [number, writer] : writers) {
        const KillPoints& points = found[number];
        const std::string without = difference(points, writer.acknowledged);
        if (writer.begun.has_value() && !without.empty()) {
            apply_op(*writer.begun, writer.acknowledged);
            const std::string with = difference(points, writer.acknowledged);
            if (!with.empty()) return without + ", and with the last operation " + with;
        } else if (!without.empty()) {
            return without;
        }
        writer.begun.reset();
    }
    if (const auto valid = opened->verify(); !valid) return "verify: " + valid.error().message;
    return "";
}

void kill_often(std::uint64_t rounds, std::uint64_t seed) {
    Random random(seed);
    std::uint64_t acknowledged = 0;
    std::uint64_t cut_off = 0;
    std::optional<sextant_test::TestDirectory> directory;
    std::map<std::uint64_t, Writer> writers;
    Durability durability = Durability::Sync;
    for (std::uint64_t number = 0; number < rounds; ++number) {
        // A few rounds on one collection, each of which begins with the recovery from the last one's kill.
        if (number % 4 == 0) {
            directory.emplace();
            writers.clear();
            durability = number % 8 == 0 ? Durability::Sync : Durability::Os;
        }
        const Round round{.seed = seed + number,
                          .writers = number % 2 == 0 ? 1 + random.below(2) : 4,
                          .durability = durability,
                          .optimizes = random.below(2) == 0,
                          .lines = 1 + random.below(durability == Durability::Sync ? 400 : 3000),
                          .delay_us = random.below(3000),
                          .while_opening = random.below(8) == 0};
        INFO("round " << number << " of seed " << seed << ": " << round.writers << " writers, durability "
                      << static_cast<int>(durability) << (round.optimizes ? ", optimizing" : ""));
        const std::string path = *directory / "points.sxt";
        Victim victim(path, round);
        if (!round.while_opening) victim.read_lines(round.lines);
        victim.read_for(std::chrono::microseconds((round.while_opening ? 10 : 1) * round.delay_us));
        const bool killed = victim.finish();
        acknowledged += take_down(victim.said(), writers);
        REQUIRE(killed);
        for (const auto& [id, writer] : writers) cut_off += writer.begun.has_value() ? 1U : 0U;
        const std::string wrong = judge(path, writers, durability);
        INFO(wrong);
        REQUIRE(wrong.empty());
    }
    std::cout << "kills survived: " << rounds << "; operations acknowledged before them: " << acknowledged
              << ", under way at them: " << cut_off << "\n";
    CHECK(acknowledged > 20 * rounds);
    CHECK(cut_off > rounds / 2);
}

}  // namespace

TEST_CASE("a process killed while it writes loses nothing that it was promised", "[durable][kill][threads]") {
    kill_often(20, 1);
}

TEST_CASE("a process killed while it writes loses nothing, many times", "[.][soak]") { kill_often(2000, 1'000'000); }
