#!/bin/sh
# Every example of every command's help is one that the command takes: its options are known, their values
# good, the recipes that it names are there. usage: examples.sh SLUICE SOURCE
set -u
case $1 in /*) sluice=$1 ;; *) sluice=$PWD/$1 ;; esac
checks=0
cd "$2" || exit 4
for name in $("$sluice" --help | sed -n 's/^  \([a-z][a-z0-9-]*\)  .*/\1/p'); do
    "$sluice" "$name" --help | sed -n '/^examples:/,/^$/s/^  sluice //p' >"${TMPDIR:-/tmp}/examples.$$"
    [ -s "${TMPDIR:-/tmp}/examples.$$" ] || { echo "FAILED: $name has no examples" && exit 1; }
    while read -r line; do
        command=$(echo "$line" | sed 's/ [|>] .*//') # its options are what is looked at
        if ! sh -c "\"$sluice\" $command --help" >/dev/null; then
            echo "FAILED: sluice $line"
            exit 1
        fi
        for recipe in $(echo "$line" | grep -o 'recipes/[a-z0-9-]*\.yaml'); do
            [ -f "$recipe" ] || { echo "FAILED: there is no $recipe: sluice $line" && exit 1; }
        done
        checks=$((checks + 1))
    done <"${TMPDIR:-/tmp}/examples.$$"
    rm -f "${TMPDIR:-/tmp}/examples.$$"
done
[ $checks -gt 60 ] || { echo "FAILED: only $checks examples found" && exit 1; }
echo "$checks examples"
