# awk -f count_tests.awk LastTest.log <output of ctest>: prints "<passed> <failed> <names of failed entries>".
# What passed, failed or was skipped is read from ctest's output (its log calls skipped and missing programs passed); how
# many Catch2 cases an entry ran, from the log. An entry that is no Catch2 program counts as one test.
FNR == 1 { ++file_number }
file_number == 1 && /^[0-9]+\/[0-9]+ Testing: / { name = $3 }
file_number == 1 && /^All tests passed \([0-9]+ assertions? in [0-9]+ test cases?\)/ { cases[name] += $(NF - 2) }
file_number == 1 && /^test cases: / {
    for (i = 2; i < NF; ++i) {
        if ($(i + 1) == "passed") cases[name] += $i
        if ($(i + 1) == "failed" && $(i + 2) != "as") bad[name] += $i
    }
}
file_number == 2 && /^ *[0-9]+\/[0-9]+ +Test +#[0-9]+: / {
    match($0, /Test +#[0-9]+: +/)
    rest = substr($0, RSTART + RLENGTH)
    split(rest, words, " ")
    name = words[1]
    if (rest ~ /   Passed /) {
        passed += cases[name] > 0 ? cases[name] : 1
    } else if (rest !~ /\*\*\*Skipped|Disabled/) {
        passed += cases[name]
        failed += bad[name] > 0 ? bad[name] : 1
        failures = failures " " name
    }
}
END { print passed + 0, failed + 0, failures }
