/// ProgressBar: one line that fills up on a terminal; a line every tenth where the output goes to a file.
/// Threads: confined.
#pragma once

#include <chrono>
#include <string>

namespace demo {

class ProgressBar {
public:
    explicit ProgressBar(std::string label);
    /// Draws the finished bar with the time taken.
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    /// 0 .. 1.
    void update(double share);

private:
    void draw(double share, bool last);

    std::string label_;
    bool terminal_;
    int drawn_ = -1;  ///< per cent shown last
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace demo
