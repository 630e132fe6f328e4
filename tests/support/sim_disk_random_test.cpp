// The simulated file system and the real one, given the same calls at random, say the same, word for word.
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"
#include "support/sim_crash.hpp"
#include "support/two_disks.hpp"

using namespace test_support;
using sextant::FileMode;

namespace {

template <class T>
std::string said(const sextant::Result<T>& result) {
    if (result.has_value()) return "good";
    return std::string(sextant::to_string(result.error().code)) + ": " + result.error().message;
}

std::string contents(const sextant::File& file) {
    const auto size = static_cast<std::size_t>(file.size().value());
    std::string text(size, '?');
    CHECK(file.read_at(0, std::as_writable_bytes(std::span(text))).value() == size);
    return text;
}

/// All below a directory, with the bytes.
std::string dump(sextant::FileSystem& files, const std::string& path) {
    std::string text;
    for (const auto& entry : files.list(path).value()) {
        const std::string name = path + "/" + entry.name;
        text += name + (entry.is_directory ? "/\n" : ": ");
        text += entry.is_directory ? dump(files, name) : contents(*files.open(name, FileMode::read).value()) + "\n";
    }
    return text;
}

/// A call made on both.
class Pair {
public:
    explicit Pair(std::uint64_t seed) : random_(seed) {}

    void step() {
        switch (random_.below(16)) {
            case 0: return compare([&, p = path()](auto& files, std::size_t) { return said(files.remove_file(p)); });
            case 1:
                return compare([&, p = path()](auto& files, std::size_t) { return said(files.remove_directory(p)); });
            case 2:
                return compare([&, p = path()](auto& files, std::size_t) { return said(files.create_directory(p)); });
            case 3: return compare([&, p = path()](auto& files, std::size_t) { return said(files.sync_directory(p)); });
            case 4:
            case 5:
                return compare(
                    [&, from = path(), to = path()](auto& files, std::size_t) { return said(files.rename(from, to)); });
            case 6:
                return compare([&, p = path()](auto& files, std::size_t) {
                    const auto result = files.exists(p);
                    return said(result) + (result.has_value() && *result ? " yes" : " no");
                });
            case 7: return lock();
            case 8:
            case 9:
            case 10: return open();
            default: return use();
        }
    }
    void compare_all() {
        CHECK(dump(disks_.simulated(), disks_.path()) == dump(disks_.real(), disks_.path()));
        const Recording recording = disks_.disk().recording();
        CrashEnumerator enumerator(recording);
        SimDisk killed = enumerator.kill_image(recording.ops.size() - 1);
        CHECK(dump(killed.files(), disks_.path()) == dump(disks_.real(), disks_.path()));
    }

private:
    static constexpr std::size_t slot_count = 4;

    std::string path() {
        static constexpr std::array names = {"a",   "b",   "d",     "e",     "d/a", "d/b",    "e/a",
                                             "d/e", "a/b", "d/e/f", "x/y/z", "d/",  "./d//a", "e"};
        return disks_ / names[random_.below(names.size())];
    }
    template <class Call>
    void compare(Call call) {
        const std::string simulated = call(disks_.simulated(), 0);
        CHECK(simulated == call(disks_.real(), 1));
    }
    void open() {
        const auto mode = static_cast<FileMode>(random_.below(4));
        const std::size_t slot = random_.below(slot_count);
        compare([&, p = path()](auto& files, std::size_t side) {
            auto file = files.open(p, mode);
            const std::string words = said(file);
            if (file) files_[side][slot] = std::move(file).value();
            return words;
        });
    }
    void lock() {
        compare([&, p = path(), keeps = random_.below(2) == 0](auto& files, std::size_t side) {
            if (!keeps) locks_[side].reset();
            auto lock = files.lock(p);
            std::string words = said(lock);
            words = words.substr(0, words.find("locked by"));  // the holder's number may be overwritten by then
            if (lock) locks_[side] = std::move(lock).value();
            // The real one writes its holder's number, which files that are compared must not hold.
            if (side == 1 && locks_[1] != nullptr && words == "good") empty(files, p);
            if (side == 0 && words == "good") empty(files, p);
            return words;
        });
    }
    static void empty(sextant::FileSystem& files, const std::string& p) {
        files.open(p, FileMode::read_write).value()->truncate(0).value();
    }
    void use() {
        const std::size_t slot = random_.below(slot_count);
        if (files_[0][slot] == nullptr) return;
        const std::uint64_t offset = random_.below(20'000);
        const std::string bytes(static_cast<std::size_t>(random_.below(6'000)),
                                static_cast<char>('a' + random_.below(26)));
        const auto what = random_.below(6);
        compare([&](auto&, std::size_t side) {
            sextant::File& file = *files_[side][slot];
            switch (what) {
                case 0: return said(file.truncate(offset));
                case 1: return said(file.allocate(offset));
                case 2: return said(file.sync());
                case 3: return contents(file);
                case 4: {
                    const auto mapped = file.map().value();
                    return std::string(reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size());
                }
                default: return said(file.write_at(offset, std::as_bytes(std::span(bytes))));
            }
        });
    }

    sextant::Random random_;
    TwoDisks disks_;
    std::array<std::array<std::unique_ptr<sextant::File>, slot_count>, 2> files_;
    std::array<std::unique_ptr<sextant::FileLock>, 2> locks_;
};

}  // namespace

TEST_CASE("The simulated file system answers as the real one", "[support][sim_disk]") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        INFO("seed " << seed);
        Pair pair(seed);
        for (std::size_t i = 0; i < 400; ++i) pair.step();
        pair.compare_all();
    }
}
