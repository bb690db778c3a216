#!/usr/bin/env bash
# Each shell on this machine, asked as its user asks it by the Tab key, offers every command and every
# option that --help names, and the values of a choice. usage: completions.sh SLUICE
set -eu
sluice=$(realpath "$1")
place=$(mktemp -d "${TMPDIR:-/tmp}/sluice-completions.XXXXXX")
trap 'rm -rf "$place"' EXIT
cd "$place"
mkdir functions
"$sluice" manual bash >sluice.bash
"$sluice" manual zsh >functions/_sluice
"$sluice" manual fish >sluice.fish

commands=$("$sluice" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
[ "$(echo "$commands" | wc -w)" -gt 20 ] || { echo "no commands in --help" >&2; exit 1; }
long_options() { "$sluice" "$1" --help | grep -o '^  \(-.,\|   \) --[a-z-]*' | grep -o -e '--.*'; }

# Lines to complete, each to the words that must be offered.
{
    printf 'sluice \t%s\n' "$(echo $commands)"
    for command in $commands; do
        printf 'sluice %s --\t%s\n' "$command" "$(echo $(long_options "$command"))"
    done
    printf 'sluice eval --tta \tnone flip five ten scales flip_scales\n'
    printf 'sluice ensemble -m \tlogits prob vote weights soup\n'
} >wanted

offers_bash() {
    # shellcheck source=/dev/null
    source sluice.bash
    compopt() { :; } # outside a completion there is nothing to set
    while IFS=$'\t' read -r line _; do
        read -ra COMP_WORDS <<<"$line"
        case $line in *' ') COMP_WORDS+=('') ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
        _sluice
        echo "$line	${COMPREPLY[*]}"
    done <wanted
}

offers_fish() {
    while IFS=$'\t' read -r line _; do
        printf '%s\t' "$line"
        HOME=$place fish --no-config -c "source sluice.fish; complete -C '$line'" | cut -f1 | tr '\n' ' '
        echo
    done <wanted
}

# A zsh behind a terminal of its own, and the Tab key.
offers_zsh() {
    cat >ask.zsh <<'END'
zmodload zsh/zpty
zpty -b child zsh -f -i
zpty -w child "stty rows 900 cols 400; LINES=900 COLUMNS=400 LISTMAX=0 PROMPT=; fpath=($PWD/functions \$fpath)
    autoload -Uz compinit; compinit -u -D; bindkey '^I' list-choices; print REA''DY"
zpty -r -m child answer '*READY*'
while IFS=$'\t' read -r line ignored; do
    zpty -w -n child "$line"$'\t\C-u'"print DO''NE"$'\n'
    zpty -r -m child answer '*DONE*'
    print -r -- "$line"$'\t'"${answer//[^a-z0-9_-]/ }"
done <wanted
END
    TERM=dumb timeout 60 zsh -f ask.zsh
}

missing=0
for shell in bash zsh fish; do
    command -v $shell >/dev/null || { echo "$shell: not here"; continue; }
    offers_$shell >offered
    while IFS=$'\t' read -r line words <&3 && IFS=$'\t' read -r _ offer <&4; do
        for word in $words; do
            case " $offer " in *" $word "*) ;; *) echo "$shell: \"$line\" does not offer $word"; missing=1 ;; esac
        done
    done 3<wanted 4<offered
    echo "$shell: $(wc -l <wanted) lines completed"
done
exit $missing
