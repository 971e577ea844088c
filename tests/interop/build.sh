#!/bin/sh
# Builds the foreign peers into build/interop/{js,go,rust}; a second run takes
# seconds. A language whose toolchain is missing is skipped with one line.
#
#   tests/interop/build.sh [js] [go] [rust]        all of them by default
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/build/interop
[ $# -gt 0 ] || set -- js go rust

say() { echo "interop: $*"; }

missing() { # missing PROGRAM LANGUAGE
    command -v "$1" >/dev/null 2>&1 && return 1
    say "$2 skipped: $1 is not installed"
}

build_js() {
    missing node js && return 0
    missing npm js && return 0
    mkdir -p "$out/js"
    cp "$here"/js/*.mjs "$out/js/"
    if cmp -s "$here/js/package-lock.json" "$out/js/installed-lock.json"; then
        return 0
    fi
    say "js: npm install (about 110 packages, half a minute)"
    cp "$here/js/package.json" "$here/js/package-lock.json" "$here/js/.npmrc" "$out/js/"
    (cd "$out/js" && npm install --no-progress --loglevel=error >/dev/null)
    cp "$here/js/package-lock.json" "$out/js/installed-lock.json"
}

build_go() {
    missing go go && return 0
    mkdir -p "$out/go"
    [ -x "$out/go/gopeer" ] || say "go: go build (the first time one or two minutes)"
    (cd "$here/go" && nice -n 10 go build -trimpath -o "$out/go/gopeer" .)
}

build_rust() {
    missing cargo rust && return 0
    mkdir -p "$out/rust"
    quiet=--quiet
    if [ ! -x "$out/rust/target/release/rustpeer" ]; then
        say "rust: cargo build (the first time five to ten minutes)"
        quiet=
    fi
    (cd "$here/rust" && CARGO_TARGET_DIR="$out/rust/target" nice -n 10 cargo build --release --locked $quiet)
}

for language in "$@"; do
    case $language in
        js | go | rust) "build_$language" ;;
        *) say "unknown language $language: js, go or rust" >&2; exit 2 ;;
    esac
done
say "peers are ready: $*"
