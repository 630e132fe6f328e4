// Writes to the collection in argv[1] until it is killed, and says on standard output what it does (kill_support.hpp).
// argv: path, seed, writers, durability (1: Os, 2: Sync), 1: optimizes all the while
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "collection/kill_support.hpp"

using namespace sextant;
using namespace test_support;

namespace {

void say(const std::string& line) {
    const std::string text = line + "\n";
    if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::_Exit(3);
}

[[noreturn]] void fail(const std::string& what, const Error& error) {
    say("f " + what + ": " + error.message.substr(0, 500));
    std::_Exit(2);
}

void write_on(KillCollection& collection, std::uint64_t writer, std::uint64_t seed) {
    Random random(seed * 64 + writer);
    std::uint64_t salt = (seed * 64 + writer) << 32U;
    while (true) {
        KillOp op;
        op.kind = KillKind{static_cast<std::uint8_t>(random.below(kill_kinds))};
        if (op.kind == KillKind::large && random.below(4) != 0) op.kind = KillKind::upsert;
        op.id = writer * writer_stride + random.below(ids_per_writer);
        op.salt = salt;
        salt += kill_batch;
        say("b " + std::to_string(writer) + " " + std::to_string(static_cast<unsigned>(op.kind)) + " " +
            std::to_string(op.id) + " " + std::to_string(op.salt));
        const auto version = perform(op, collection);
        if (!version) fail("a write", version.error());
        say("a " + std::to_string(writer) + " " + std::to_string(*version));
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) return 4;
    const std::uint64_t seed = std::strtoull(argv[2], nullptr, 10);
    const std::uint64_t writers = std::strtoull(argv[3], nullptr, 10);
    const auto durability = Durability{static_cast<std::uint8_t>(std::atoi(argv[4]))};
    const bool optimizes = std::atoi(argv[5]) != 0;
    auto opened = KillCollection::open(argv[1], {.dimension = kill_dimension, .durability = durability},
                                       {.executor = std::make_shared<ThreadPoolExecutor>(2)});
    if (!opened) fail("open", opened.error());
    say("o");
    std::vector<std::thread> threads;
    for (std::uint64_t writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&, writer] { write_on(*opened, writer, seed); });
    }
    while (optimizes) {
        if (const auto done = opened->optimize(); !done) fail("optimize", done.error());
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (std::thread& thread : threads) thread.join();
}
