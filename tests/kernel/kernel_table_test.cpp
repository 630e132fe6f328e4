#include "sextant/kernel/kernel_table.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "sextant/kernel/cpu_features.hpp"
#include "support/catch.hpp"

namespace {

/// What a fresh process with SEXTANT_KERNEL = `value` (null: unset) chooses: "name|error".
std::string choice_of_fresh_process(const char* value) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        if (value == nullptr) {
            unsetenv("SEXTANT_KERNEL");
        } else {
            setenv("SEXTANT_KERNEL", value, 1);
        }
        execl("/proc/self/exe", "kernel_table_test", "[.print_kernel_choice]", static_cast<char*>(nullptr));
        _exit(127);
    }
    close(ends[1]);
    std::string text;
    char buffer[512];
    for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    const std::size_t start = text.find("choice<");
    const std::size_t end = text.find(">choice");
    if (start == std::string::npos || end == std::string::npos) return "no answer: " + text;
    return text.substr(start + 7, end - start - 7);
}

}  // namespace

TEST_CASE("prints what this process chose", "[.print_kernel_choice]") {
    const char* error = sextant::kernel_override_error();
    std::printf("choice<%s|%s>choice\n", sextant::active_kernels().name, error == nullptr ? "" : error);
    std::fflush(stdout);
}

TEST_CASE("the runnable tables are listed best first and end with the baseline", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    REQUIRE(list.count >= 1);
    REQUIRE(list.count <= 4);
    CHECK(std::string(list.tables[list.count - 1]->name) == "baseline");
    CHECK(list.tables[list.count - 1]->isa == sextant::KernelIsa::baseline);
    std::set<const sextant::KernelTable*> distinct(list.tables, list.tables + list.count);
    CHECK(distinct.size() == list.count);
    for (std::size_t i = 1; i < list.count; ++i) CHECK(list.tables[i]->isa <= list.tables[i - 1]->isa);
}

TEST_CASE("every table is complete", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    for (std::size_t i = 0; i < list.count; ++i) {
        const sextant::KernelTable& table = *list.tables[i];
        INFO(table.name);
        CHECK(table.l2_f32 != nullptr);
        CHECK(table.dot_f32 != nullptr);
        CHECK(table.l2_f32_rows != nullptr);
        CHECK(table.dot_f32_rows != nullptr);
        CHECK(table.l2_f32_tile != nullptr);
        CHECK(table.dot_f32_tile != nullptr);
        CHECK(table.l2_i8 != nullptr);
        CHECK(table.dot_i8 != nullptr);
        CHECK(table.l2_i8_rows != nullptr);
        CHECK(table.dot_i8_rows != nullptr);
        CHECK(table.l2_i8_range != nullptr);
        CHECK(table.dot_i8_range != nullptr);
        CHECK(table.encode_i8 != nullptr);
    }
}

TEST_CASE("the tables listed are those the CPU can run", "[kernel]") {
    const sextant::CpuFeatures cpu = sextant::detect_cpu_features();
    const sextant::KernelList list = sextant::runnable_kernels();
    std::set<std::string> names;
    for (std::size_t i = 0; i < list.count; ++i) names.insert(list.tables[i]->name);
    CHECK((names.count("avx2") == 1) == cpu.avx2_fma);
    CHECK((names.count("avx512") == 1) == cpu.avx512);
    CHECK((names.count("neon") == 1) == cpu.neon);
#if defined(__x86_64__)
    // The compiler's own detection is an independent witness.
    CHECK(cpu.avx2_fma == (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                           __builtin_cpu_supports("bmi2") != 0));
    CHECK(cpu.avx512 == (__builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                         __builtin_cpu_supports("avx512vl") != 0));
    CHECK(cpu.avx512_vnni == (__builtin_cpu_supports("avx512vnni") != 0));
    CHECK(cpu.avx512_vpopcntdq == (__builtin_cpu_supports("avx512vpopcntdq") != 0));
#endif
}

TEST_CASE("without SEXTANT_KERNEL the best table is active", "[kernel]") {
    CHECK(choice_of_fresh_process(nullptr) == std::string(sextant::runnable_kernels().tables[0]->name) + "|");
    CHECK(choice_of_fresh_process("") == std::string(sextant::runnable_kernels().tables[0]->name) + "|");
}

TEST_CASE("SEXTANT_KERNEL forces each table the CPU can run", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    for (std::size_t i = 0; i < list.count; ++i) {
        CHECK(choice_of_fresh_process(list.tables[i]->name) == std::string(list.tables[i]->name) + "|");
    }
}

TEST_CASE("an unknown SEXTANT_KERNEL falls back to the best and says what was expected", "[kernel]") {
    const std::string best = sextant::runnable_kernels().tables[0]->name;
    const std::string wrong = choice_of_fresh_process("avx1024");
    CHECK(wrong.substr(0, wrong.find('|')) == best);
    CHECK(wrong.find("SEXTANT_KERNEL") != std::string::npos);
    CHECK(wrong.find("'avx1024'") != std::string::npos);
    CHECK(wrong.find(best) != std::string::npos);
    CHECK(wrong.find("baseline") != std::string::npos);
    const std::string endless = choice_of_fresh_process(std::string(5000, 'x').c_str());
    CHECK(endless.substr(0, endless.find('|')) == best);
    CHECK(endless.size() < 300);
}

TEST_CASE("every thread sees the same choice", "[kernel]") {
    std::vector<const sextant::KernelTable*> seen(8, nullptr);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < seen.size(); ++i) {
        threads.emplace_back([&seen, i] { seen[i] = &sextant::active_kernels(); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const sextant::KernelTable* table : seen) CHECK(table == &sextant::active_kernels());
}
