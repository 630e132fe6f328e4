/// death: runs code that must end the process in a child of this one, and gives what it said on stderr.
/// Threads: call it while the test has no other threads, as only the calling one lives on in the child.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <string>

namespace sextant_test {

struct Death {
    bool terminated = false;  ///< std::terminate was reached
    std::string said;
};

template <class F>
[[nodiscard]] Death dies(F code) {
    constexpr int terminated_status = 42;
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) return {};
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        // Not abort(): no core file, and no signal handler of the test framework.
        std::set_terminate([] { ::_exit(terminated_status); });
        code();
        ::_exit(0);
    }
    ::close(ends[1]);
    Death death;
    char text[256];
    for (ssize_t size = ::read(ends[0], text, sizeof text); size > 0; size = ::read(ends[0], text, sizeof text)) {
        death.said.append(text, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    death.terminated = WIFEXITED(status) && WEXITSTATUS(status) == terminated_status;
    return death;
}

}  // namespace sextant_test
