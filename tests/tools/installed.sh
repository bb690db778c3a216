#!/bin/sh
# What is installed serves a program that knows nothing but pkg-config.
# usage: installed.sh BUILD SOURCE CC...
set -eu
build=$1 source=$2
shift 2
place=$(mktemp -d "${TMPDIR:-/tmp}/sluice-installed.XXXXXX")
trap 'rm -rf "$place"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$place" >/dev/null
pc=$(dirname "$(find "$place" -name sluice.pc)")

# The package lies under a staging directory, so its paths get that in front.
flags=$(PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$place pkg-config --cflags --libs sluice)
# shellcheck disable=SC2086 # flags are words
"$@" "$source/docs/example/loader.c" -o "$place/example" $flags
"$source/tests/docs/shapes.py" --count 4 "$place/photos"
libraries=$(dirname "$pc")
LD_LIBRARY_PATH=$libraries "$place/example" "folder:$place/photos" | grep '^32 samples of folder'
# The recipes are where the man page says.
man=$(find "$place" -name sluice.1)
test -f "$place$(sed -n 's,.*fB\(/.*/recipes\).*,\1,p' "$man")/photos.yaml"
# Every installed header compiles alone.
cflags=$(PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$place pkg-config --cflags sluice)
find "$place" -path '*/include/sluice/*' -name '*.h' | while read -r header; do
    # shellcheck disable=SC2086
    echo "#include \"$header\"" | "$@" -std=c11 -fsyntax-only -xc $cflags -
done
