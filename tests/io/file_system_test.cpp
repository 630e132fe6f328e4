#include "sextant/io/file_system.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "io/test_directory.hpp"
#include "support/catch.hpp"

using sextant::DirectoryEntry;
using sextant::ErrorCode;
using sextant::FileMode;
using sextant_test::TestDirectory;

namespace {

void touch(sextant::FileSystem& files, const std::string& path, std::string_view text = "x") {
    auto file = files.open(path, FileMode::create).value();
    file->write_at(0, std::as_bytes(std::span(text.data(), text.size()))).value();
}

/// The message starts with the path and ends with a reason.
void check_names(const sextant::Error& error, ErrorCode code, const std::string& path) {
    CHECK(error.code == code);
    CHECK(error.message.rfind(path + ": ", 0) == 0);
    CHECK(error.message.size() > path.size() + 4);
}

}  // namespace

TEST_CASE("Each open mode asks of the file what it says", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    const std::string path = directory / "a";
    check_names(files->open(path, FileMode::read).error(), ErrorCode::not_found, path);
    check_names(files->open(path, FileMode::read_write).error(), ErrorCode::not_found, path);
    REQUIRE(files->open(path, FileMode::create_new));
    check_names(files->open(path, FileMode::create_new).error(), ErrorCode::already_exists, path);
    touch(*files, path, "text");
    CHECK(files->open(path, FileMode::create).value()->size().value() == 4);
    CHECK(files->open(path, FileMode::read_write).value()->size().value() == 4);
    CHECK(files->open(path, FileMode::read).value()->size().value() == 4);
}

TEST_CASE("A directory or a path through a file does not open", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    check_names(files->open(directory.path(), FileMode::read).error(), ErrorCode::io_error, directory.path());
    check_names(files->open(directory.path(), FileMode::create).error(), ErrorCode::io_error, directory.path());
    touch(*files, directory / "a");
    check_names(files->open(directory / "a/b", FileMode::create).error(), ErrorCode::io_error, directory / "a/b");
}

TEST_CASE("Empty paths and paths with a zero byte are refused everywhere", "[io][file_system]") {
    const auto files = sextant::posix_file_system();
    for (const std::string& path : {std::string(), std::string("/tmp/a\0b", 8)}) {
        CHECK(files->open(path, FileMode::create).error().code == ErrorCode::invalid_argument);
        CHECK(files->exists(path).error().code == ErrorCode::invalid_argument);
        CHECK(files->list(path).error().code == ErrorCode::invalid_argument);
        CHECK(files->create_directory(path).error().code == ErrorCode::invalid_argument);
        CHECK(files->rename(path, "/tmp/c").error().code == ErrorCode::invalid_argument);
        CHECK(files->rename("/tmp/c", path).error().code == ErrorCode::invalid_argument);
        CHECK(files->remove_file(path).error().code == ErrorCode::invalid_argument);
        CHECK(files->remove_directory(path).error().code == ErrorCode::invalid_argument);
        CHECK(files->sync_directory(path).error().code == ErrorCode::invalid_argument);
        CHECK(files->lock(path).error().code == ErrorCode::invalid_argument);
        CHECK(remove_tree(*files, path).error().code == ErrorCode::invalid_argument);
    }
    CHECK(files->exists("").error().message == "path: it is empty");
}

TEST_CASE("exists tells files and directories from nothing", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    touch(*files, directory / "a");
    CHECK(files->exists(directory / "a").value());
    CHECK(files->exists(directory.path()).value());
    CHECK_FALSE(files->exists(directory / "b").value());
    CHECK_FALSE(files->exists(directory / "a/b").value());
    check_names(files->exists(directory / std::string(300, 'n')).error(), ErrorCode::io_error,
                directory / std::string(300, 'n'));
}

TEST_CASE("list gives the names sorted and what each is", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    touch(*files, directory / "b");
    touch(*files, directory / "a");
    REQUIRE(files->create_directory(directory / "c"));
    REQUIRE(::symlink((directory / "c").c_str(), (directory / "link").c_str()) == 0);
    CHECK(files->list(directory.path()).value() ==
          std::vector<DirectoryEntry>{{"a", false}, {"b", false}, {"c", true}, {"link", false}});
    CHECK(files->list(directory / "c").value().empty());
    check_names(files->list(directory / "d").error(), ErrorCode::not_found, directory / "d");
    check_names(files->list(directory / "a").error(), ErrorCode::io_error, directory / "a");
}

TEST_CASE("Directories are made one level at a time and removed when empty", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    check_names(files->create_directory(directory / "a/b").error(), ErrorCode::not_found, directory / "a/b");
    REQUIRE(files->create_directory(directory / "a"));
    check_names(files->create_directory(directory / "a").error(), ErrorCode::already_exists, directory / "a");
    touch(*files, directory / "a/f");
    CHECK_FALSE(files->remove_directory(directory / "a").has_value());
    REQUIRE(files->remove_file(directory / "a/f"));
    check_names(files->remove_file(directory / "a/f").error(), ErrorCode::not_found, directory / "a/f");
    CHECK_FALSE(files->remove_file(directory / "a").has_value());
    REQUIRE(files->sync_directory(directory.path()));
    REQUIRE(files->remove_directory(directory / "a"));
    check_names(files->remove_directory(directory / "a").error(), ErrorCode::not_found, directory / "a");
    check_names(files->sync_directory(directory / "a").error(), ErrorCode::not_found, directory / "a");
}

TEST_CASE("rename replaces the target", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    touch(*files, directory / "old", "old text");
    touch(*files, directory / "new", "new");
    REQUIRE(files->rename(directory / "new", directory / "old"));
    CHECK(files->open(directory / "old", FileMode::read).value()->size().value() == 3);
    CHECK_FALSE(files->exists(directory / "new").value());
    const auto refused = files->rename(directory / "new", directory / "old");
    check_names(refused.error(), ErrorCode::not_found, directory / "new");
    CHECK(refused.error().message.find("rename to '" + (directory / "old") + "'") != std::string::npos);
}

TEST_CASE("A lock is for one holder at a time, in this process too, and the error names it", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    const std::string path = directory / "LOCK";
    {
        const auto first = files->lock(path);
        REQUIRE(first.has_value());
        const auto second = files->lock(path);
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error().code == ErrorCode::busy);
        CHECK(second.error().message == path + ": locked by process " + std::to_string(::getpid()));
    }
    CHECK(files->exists(path).value());
    CHECK(files->lock(path).has_value());
}

TEST_CASE("The lock of another process is seen, and gone when that process is killed", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    const std::string path = directory / "LOCK";
    int ready[2] = {-1, -1};
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto lock = files->lock(path);
        const char said = lock.has_value() ? 'y' : 'n';
        if (::write(ready[1], &said, 1) != 1) ::_exit(1);
        while (true) ::pause();
    }
    char said = '?';
    REQUIRE(::read(ready[0], &said, 1) == 1);
    CHECK(said == 'y');
    CHECK(files->lock(path).error().message == path + ": locked by process " + std::to_string(child));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    CHECK(files->lock(path).has_value());
}

TEST_CASE("A lock file that says nothing useful still names a holder", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    const std::string path = directory / "LOCK";
    const auto lock = files->lock(path);
    REQUIRE(lock.has_value());
    for (const char* text : {"rubbish", ""}) {
        const auto file = files->open(path, FileMode::read_write).value();
        REQUIRE(file->truncate(0));
        REQUIRE(file->write_at(0, std::as_bytes(std::span(text, std::char_traits<char>::length(text)))));
        CHECK(files->lock(path).error().message == path + ": locked by another process");
    }
}

TEST_CASE("read_file gives all bytes of a file that is not larger than it may be", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    const std::vector<std::byte> bytes(1000, std::byte{7});
    REQUIRE(files->open(directory / "a", FileMode::create).value()->write_at(0, bytes));
    CHECK(sextant::read_file(*files, directory / "a", 1000).value() == bytes);
    const auto large = sextant::read_file(*files, directory / "a", 999);
    REQUIRE_FALSE(large.has_value());
    CHECK(large.error().code == ErrorCode::corruption);
    CHECK(large.error().message.find(directory / "a") == 0);
    CHECK(sextant::read_file(*files, directory / "b", 1000).error().code == ErrorCode::not_found);
}

TEST_CASE("remove_tree removes all below a path and follows no link", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    REQUIRE(files->create_directory(directory / "kept"));
    touch(*files, directory / "kept/file");
    REQUIRE(files->create_directory(directory / "tree"));
    REQUIRE(files->create_directory(directory / "tree/a"));
    REQUIRE(files->create_directory(directory / "tree/a/b"));
    touch(*files, directory / "tree/a/b/f");
    touch(*files, directory / "tree/f");
    REQUIRE(::symlink((directory / "kept").c_str(), (directory / "tree/link").c_str()) == 0);
    REQUIRE(::symlink((directory / "kept").c_str(), (directory / "top").c_str()) == 0);
    REQUIRE(remove_tree(*files, directory / "tree"));
    CHECK_FALSE(files->exists(directory / "tree").value());
    REQUIRE(remove_tree(*files, directory / "top"));
    CHECK(files->exists(directory / "kept/file").value());
    REQUIRE(remove_tree(*files, directory / "kept/file"));
    CHECK(files->list(directory.path()).value() == std::vector<DirectoryEntry>{{"kept", true}});
    CHECK(remove_tree(*files, directory / "tree").has_value());
    touch(*files, directory / "kept/file");
    CHECK_FALSE(remove_tree(*files, directory / "kept/file/deeper").has_value());
}

TEST_CASE("remove_tree that is told to stop leaves the rest, and goes on with it later", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    REQUIRE(files->create_directory(directory / "tree"));
    touch(*files, directory / "tree/f");
    std::stop_source stop;
    stop.request_stop();
    const auto stopped = remove_tree(*files, directory / "tree", stop.get_token());
    REQUIRE_FALSE(stopped.has_value());
    CHECK(stopped.error().code == ErrorCode::cancelled);
    CHECK(stopped.error().message.find(directory / "tree") == 0);
    CHECK(files->exists(directory / "tree/f").value());
    REQUIRE(remove_tree(*files, directory / "tree"));
    CHECK_FALSE(files->exists(directory / "tree").value());
}

TEST_CASE("Running out of file handles is resource_exhausted", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    touch(*files, directory / "a");
    rlimit old_limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &old_limit) == 0);
    rlimit low = old_limit;
    low.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const auto refused = files->open(directory / "a", FileMode::read);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &old_limit) == 0);
    REQUIRE_FALSE(refused.has_value());
    check_names(refused.error(), ErrorCode::resource_exhausted, directory / "a");
}

TEST_CASE("Files are closed for programs that the process starts", "[io][file_system]") {
    const TestDirectory directory;
    const auto files = sextant::posix_file_system();
    const int next = ::dup(0);  // the number the next descriptor gets
    REQUIRE(next >= 0);
    ::close(next);
    const auto file = files->open(directory / "a", FileMode::create);
    REQUIRE(file.has_value());
    CHECK((::fcntl(next, F_GETFD) & FD_CLOEXEC) != 0);
}
