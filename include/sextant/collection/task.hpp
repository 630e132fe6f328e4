/// Task: a long piece of work that goes on in the background.
/// Threads: thread-safe. Lifetime: may outlive the collection; the work then ends with `closed`. Dropping it neither
/// cancels nor waits.
#pragma once

#include <memory>
#include <optional>

#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

namespace detail {
class TaskState;
}

class Task {
public:
    explicit Task(std::shared_ptr<detail::TaskState> state) noexcept : state_(std::move(state)) {}

    /// 0 .. 1, never falling; 1 when the work succeeded.
    [[nodiscard]] double progress() const noexcept;
    /// Seconds until it is done, going by how far it came in what time; nothing while it has not begun.
    [[nodiscard]] std::optional<double> remaining_seconds() const noexcept;
    [[nodiscard]] bool done() const noexcept;
    /// Asks the work to stop. It then leaves the collection as it was and wait() says `cancelled`, unless it was done.
    void cancel() noexcept;
    /// Blocks until the work is over and says how it went; again and again, if asked so.
    [[nodiscard]] Result<void> wait() const;

private:
    std::shared_ptr<detail::TaskState> state_;
};

}  // namespace sextant::inline v1
