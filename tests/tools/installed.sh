#!/bin/sh
# What is installed serves a program that knows nothing but pkg-config.
# usage: installed.sh BUILD CC...
set -eu
build=$1
shift
place=$(mktemp -d "${TMPDIR:-/tmp}/sluice-installed.XXXXXX")
trap 'rm -rf "$place"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$place" >/dev/null
pc=$(dirname "$(find "$place" -name sluice.pc)")

cat >"$place/example.c" <<END
#include <sluice/augment/op.h>
#include <sluice/base/isa.h>
#include <stdio.h>

int main(void)
{
    puts(slc_isa_name(slc_isa_detect()));
    return slc_op_find("resize") ? 0 : 1;
}
END
# The package lies under a staging directory, so its paths get that in front.
flags=$(PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$place pkg-config --cflags --libs sluice)
# shellcheck disable=SC2086 # flags are words
"$@" "$place/example.c" -o "$place/example" $flags
LD_LIBRARY_PATH=$(dirname "$pc") "$place/example"
# Every installed header compiles alone.
cflags=$(PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$place pkg-config --cflags sluice)
find "$place" -path '*/include/sluice/*' -name '*.h' | while read -r header; do
    # shellcheck disable=SC2086
    echo "#include \"$header\"" | "$@" -std=c11 -fsyntax-only -xc $cflags -
done
