/// two_disks: the simulated and the real file system side by side, with a directory of the same path in each.
#pragma once

#include <memory>
#include <string>

#include "io/test_directory.hpp"
#include "support/sim_disk.hpp"

namespace test_support {

/// Makes `path` with all above it.
inline void make_directories(sextant::FileSystem& files, const std::string& path) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (!files.exists(part).value()) files.create_directory(part).value();
        if (end == std::string::npos) return;
    }
}

class TwoDisks {
public:
    TwoDisks() : real_(sextant::posix_file_system()) { make_directories(disk_.files(), directory_.path()); }

    [[nodiscard]] sextant::FileSystem& simulated() noexcept { return disk_.files(); }
    [[nodiscard]] sextant::FileSystem& real() noexcept { return *real_; }
    [[nodiscard]] SimDisk& disk() noexcept { return disk_; }
    [[nodiscard]] const std::string& path() const noexcept { return directory_.path(); }
    [[nodiscard]] std::string operator/(const std::string& name) const { return directory_ / name; }

private:
    const sextant_test::TestDirectory directory_;
    const std::unique_ptr<sextant::FileSystem> real_;
    SimDisk disk_;
};

}  // namespace test_support
