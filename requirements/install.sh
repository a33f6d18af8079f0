#!/bin/sh
# Makes .venv and installs one lock into it:  sh requirements/install.sh run|report|test|dev
#
# Each lock holds the one before it, so a larger set also serves a smaller one. A copy of the
# installed lock is the stamp: while it equals the lock, nothing is done and no network touched.
# WHEELS=dir installs from that folder alone. PYTHON=path names the interpreter to use.
# Plain POSIX sh: it must run on a bare Debian and on macOS.
set -eu
cd "$(dirname "$0")/.."
set_wanted=${1:?run, report, test or dev}
venv=.venv
lock=requirements/$set_wanted.lock

say() { printf '%s\n' "$*" >&2; }

# Versions are asked of the interpreter itself: a name on the PATH may be a dead shim.
version_of() {
    "$1" -c 'import sys; v = sys.version_info; v >= (3, 11) and print(v[0] * 100 + v[1])' 2>/dev/null || :
}

can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

healthy() { [ -n "$(version_of $venv/bin/python)" ] && $venv/bin/python -c 'import pip' 2>/dev/null; }

# Prints the newest usable interpreter: first among those that can make an environment.
find_python() {
    best='' best_version=0 without='' without_version=0
    for name in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3 python}; do
        found=$(command -v "$name" 2>/dev/null) || continue
        version=$(version_of "$found")
        [ -n "$version" ] || continue
        if can_make_venv "$found"; then
            if [ "$version" -gt "$best_version" ]; then best=$found best_version=$version; fi
        elif [ "$version" -gt "$without_version" ]; then
            without=$found without_version=$version
        fi
    done
    if [ -n "$best" ]; then
        printf '%s\n' "$best"
        return
    fi
    sudo='sudo '
    [ "$(id -u)" -ne 0 ] || sudo=''
    if [ -z "$without" ]; then
        say "chainsim needs Python 3.11 or newer, and found none. On Debian or Ubuntu:"
        say "    ${sudo}apt-get install python3 python3-venv"
        return 1
    fi
    package=python3-venv
    if [ "$(version_of python3)" != "$without_version" ]; then
        package=python3.${without_version#3}-venv
    fi
    say "$without can't make a virtual environment (it lacks ensurepip). On Debian or Ubuntu:"
    say "    ${sudo}apt-get install $package"
    return 1
}

make_venv() {
    python=$(find_python) || exit 1
    say "Making $venv with $("$python" -V 2>&1) ($python)"
    rm -rf $venv
    trap 'rm -rf $venv; exit 130' INT TERM
    if ! "$python" -m venv $venv >&2; then
        rm -rf $venv
        say "Could not make $venv."
        exit 1
    fi
    trap - INT TERM
}

for larger in run report test dev; do
    [ "$larger" = "$set_wanted" ] && reached=yes
    [ -n "${reached:-}" ] || continue
    if cmp -s "requirements/$larger.lock" "$venv/$larger.lock" && healthy; then exit 0; fi
done

healthy || make_venv
say "Installing $lock"
if [ -n "${WHEELS:-}" ]; then
    set -- --no-index --find-links "$WHEELS"
else
    set --
fi
# In a row of "make" calls an interrupted or failed install is simply done again: no stamp yet.
$venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
    --require-hashes "$@" -r "$lock" >&2
cp "$lock" "$venv/$set_wanted.lock"
