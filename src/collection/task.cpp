#include "sextant/collection/task.hpp"

#include "task_state.hpp"

namespace sextant::inline v1 {

double Task::progress() const noexcept { return state_->progress(); }

std::optional<double> Task::remaining_seconds() const noexcept { return state_->remaining_seconds(); }

bool Task::done() const noexcept { return state_->done(); }

void Task::cancel() noexcept { state_->stop.request_stop(); }

Result<void> Task::wait() const { return state_->wait(); }

}  // namespace sextant::inline v1
