#include "progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace demo {

ProgressBar::ProgressBar(std::string label) : label_(std::move(label)), terminal_(isatty(STDOUT_FILENO) == 1) {
    update(0.0);
}

ProgressBar::~ProgressBar() { draw(1.0, true); }

void ProgressBar::update(double share) {
    const int step = terminal_ ? 1 : 10;
    const int percent = static_cast<int>(std::clamp(share, 0.0, 1.0) * 100) / step * step;
    if (percent == drawn_ || percent == 100) return;
    drawn_ = percent;
    draw(share, false);
}

void ProgressBar::draw(double share, bool last) {
    constexpr int cells = 32;
    const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * cells);
    std::string bar;
    for (int i = 0; i < cells; ++i) bar += i < full ? "█" : "░";
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    std::printf("%s  %-22s %s %3.0f %%  %6.1f s%s", terminal_ ? "\r" : "", label_.c_str(), bar.c_str(), share * 100,
                seconds, terminal_ && !last ? "" : "\n");
    std::fflush(stdout);
}

}  // namespace demo
