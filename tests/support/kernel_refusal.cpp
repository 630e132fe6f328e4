// Opens a collection under a SEXTANT_KERNEL that names no kernel of this CPU. Exit status 0: open() refused it by name.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sextant/sextant.hpp>

int main() {
    const char* const wanted = std::getenv("SEXTANT_KERNEL");
    if (wanted == nullptr) {
        std::printf("SEXTANT_KERNEL is not set\n");
        return 2;
    }
    const auto opened = sextant::Collection<sextant::SquaredL2>::open({.dimension = 4});
    if (opened) {
        std::printf("open() took SEXTANT_KERNEL=%s\n", wanted);
        return 1;
    }
    std::printf("%s\n", opened.error().message.c_str());
    const bool names_it = opened.error().message.find("SEXTANT_KERNEL: got '" + std::string(wanted)) == 0;
    const bool names_others = opened.error().message.find("baseline") != std::string::npos;
    return opened.error().code == sextant::ErrorCode::invalid_argument && names_it && names_others ? 0 : 1;
}
