# shellcheck shell=bash
# The whole build with its tests, and a look at what they left behind.

# The exit code is Maven's; when Maven succeeds and something is left over, it is 1.
lab_test() {
    require_root
    install_packages
    find_jdk || install_jdk
    local result=0 before left
    before=$(namespaces)
    # Whatever the tests start inherits the mark, so that leftovers can be told from other people's processes.
    TEST_RUN=$$-$RANDOM
    (cd "$BASE_DIR" && SLUICE_TEST_RUN=$TEST_RUN JAVA_HOME=$JDK mvn -B verify </dev/null) || result=$?
    # Namespaces go away a moment after their last process.
    if ! wait_until 5 nothing_is_left "$before"; then
        left=$(leftovers "$before")
        say "the tests left behind:"$'\n'"$left"
        ((result)) || result=1
    fi
    return "$result"
}

nothing_is_left() {
    [[ -z $(leftovers "$1") ]]
}

# What exists now and did not exist before: namespaces (other than those of labs of other checkouts), labs of this
# checkout for tests, processes of this test run.
leftovers() {
    local namespace lab process name
    while read -r namespace; do
        [[ -z $namespace ]] || is_of_other_checkout "$namespace" || echo "  namespace $namespace"
    done < <(comm -13 <(echo "$1") <(namespaces))
    for lab in "$LAB_ROOT"/it-*/; do
        if [[ $(cat "$lab/checkout" 2>/dev/null) == "$BASE_DIR" ]]; then
            echo "  lab $(basename "$lab")"
        fi
    done
    for process in /proc/[0-9]*; do
        if grep -qsz "^SLUICE_TEST_RUN=$TEST_RUN\$" "$process/environ"; then
            name=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
            echo "  process ${process#/proc/} ${name:0:100}"
        fi
    done
}

is_of_other_checkout() {
    local lab
    for lab in "$LAB_ROOT"/*/; do
        if [[ $1 == "$(basename "$lab")"-* && $(cat "$lab/checkout" 2>/dev/null) != "$BASE_DIR" ]]; then
            return 0
        fi
    done
    return 1
}

namespaces() {
    [[ ! -d /run/netns ]] || find /run/netns -mindepth 1 -maxdepth 1 -printf '%f\n' | sort
}
