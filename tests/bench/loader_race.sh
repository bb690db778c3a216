#!/bin/sh
# The loader against its peers, in turns, five times; prints a table of medians. Quiet machine, please.
#
#     tests/bench/loader_race.sh BUILD PHOTOS CIFAR [PEER] [PART...]
#
# BUILD: where meson built. PHOTOS: photos.tar unpacked. CIFAR: cifar10.tar.gz unpacked. PEER:
# loader_torchvision.py. PART: photos jitter bare threads packed fashion preprocess open memory
# manifest (all of them if none is named). Needs vipsthumbnail for preprocess; what is missing is left out.
set -e
[ $# -ge 3 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
build=$(realpath "$1") photos=$(realpath "$2") cifar=$(realpath "$3") peer=${4:+$(realpath "$4")}
shift 3
[ $# -eq 0 ] || shift
parts=${*:-photos jitter bare threads packed fashion preprocess open memory manifest}
sluice=$build/tools/sluice
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
export SLUICE_CACHE="$work/cache"
rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-5}
norm='{normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}'
plain="[{random_resized_crop: {size: 224}}, hflip, $norm]"
jitter="[{random_resized_crop: {size: 224}}, hflip, {color_jitter: {brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}}, $norm]"

median() { sort -n "$work/$1.rates" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.3f", a / b}'; }
row() { printf '| %s | %s | %s | %s | %s |\n' "$@"; }
number() { sed -n "s/.*\"$1\": *\([0-9.e+-]*\).*/\1/p" | head -1; }
clock() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(clock)" 'BEGIN {print b - a}'; }

# rate NAME SOURCE OPS [OPTION...]: images/s of the stream, one more line of NAME
rate() {
    name=$1 source=$2 ops=$3
    shift 3
    "$sluice" bench loader "$source" --ops "$ops" --batch 64 -t "$seconds" -q --json "$@" |
        number images_per_second >>"$work/$name.rates"
}

torchvision() {
    name=$1
    shift
    /usr/bin/python3 "$peer" "$photos" --workers 2 --epochs 3 "$@" |
        sed -n '$s/.*: \([0-9.]*\) img.*/\1/p' >>"$work/$name.rates"
}

# versus WHAT A B GOAL: the medians of two files of rates
versus() { row "$1" "$(median "$2")" "$(median "$3")" "$(ratio "$(median "$2")" "$(median "$3")") x" "$4"; }

race_photos() {
    [ -n "$peer" ] || return 0
    for _ in $(seq "$rounds"); do
        rate photos "$photos" "$plain" --threads 2
        torchvision photos_peer
    done
    versus 'photos: rrc 224 + hflip + normalize / torchvision' photos photos_peer '>= 2.8'
}

race_jitter() {
    [ -n "$peer" ] || return 0
    for _ in $(seq "$rounds"); do
        rate jitter "$photos" "$jitter" --threads 2
        torchvision jitter_peer --jitter
    done
    versus 'the same with color_jitter / torchvision' jitter jitter_peer '>= 5'
}

race_bare() {
    "$build/tests/bench/bench_crops" "$photos" 2 >"$work/bare"
    row 'photos / bare libjpeg-turbo on the same crops, 2 threads' "$(awk '/^sluice/ {print $2}' "$work/bare")" \
        "$(awk '/^bare  / {print $2}' "$work/bare")" "$(awk '/^bare  / {print $11 " x"}' "$work/bare")" '>= 0.88'
    row 'photos / the same with reading the files' "$(awk '/^sluice/ {print $2}' "$work/bare")" \
        "$(awk '/read/ {print $4}' "$work/bare")" "$(awk '/read/ {print $13 " x"}' "$work/bare")" ''
}

race_threads() {
    for _ in $(seq "$rounds"); do
        rate two "$photos" "$plain" --threads 2
        rate one "$photos" "$plain" --threads 1
    done
    versus 'photos: 2 threads / 1 thread' two one '>= 1.9'
}

race_packed() {
    "$sluice" preprocess "$photos" "$work/packed" --ops '[{resize: {size: 256}}]' --format jpg --quality 90 \
        --shards 1GB -q
    for _ in $(seq "$rounds"); do
        rate packed "tar:$work/packed/shard-000000.tar" "$plain" --threads 2
        rate whole "$photos" "$plain" --threads 2
    done
    versus 'packed at 256 px / originals' packed whole '>= 3'
}

race_fashion() {
    set=/usr/share/datasets/fashion-mnist
    [ -d $set ] || return 0
    for _ in $(seq "$rounds"); do
        rate fashion "idx:$set" '[{random_crop: {size: 28, padding: 4}}, hflip, {cutout: {size: 8}}, {normalize: {mean: [0.286], std: [0.353]}}]' --threads 2 --cache decoded
    done
    row 'Fashion-MNIST: crop + flip + cutout + normalize, images/s' "$(median fashion)" '' '' '>= 400000'
}

race_preprocess() {
    command -v vipsthumbnail >/dev/null || return 0
    find "$photos" -type f -print0 | sort -z >"$work/list"
    mkdir "$work/vips"
    for _ in $(seq "$rounds"); do
        rm -rf "$work/small"
        begin=$(clock)
        "$sluice" preprocess "$photos" "$work/small" --ops '[{resize: {size: 256}}]' --format jpg --quality 90 \
            --threads 2 -q --json | number peak_rss_bytes >"$work/rss"
        since "$begin" >>"$work/small_s.rates"
        begin=$(clock)
        xargs -0 -P 2 -n 50 vipsthumbnail --size 256 -o "$work/vips/%s.jpg[Q=90]" <"$work/list"
        since "$begin" >>"$work/vips_s.rates"
    done
    row 'preprocess to 256 px, seconds / vipsthumbnail, 2 processes' "$(median small_s)" "$(median vips_s)" \
        "$(ratio "$(median vips_s)" "$(median small_s)") x" '>= 3'
    row '  its peak memory, bytes' "$(cat "$work/rss")" '' '' '< 1e8'
}

# Takes all files out of the page cache, which needs no rights.
forget_pages() {
    python3 - "$1" <<'END'
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        fd = os.open(os.path.join(folder, name), os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
END
}

race_open() {
    # The listing is kept once the folders have not changed for a second.
    for _ in $(seq "$rounds"); do
        rm -rf "$SLUICE_CACHE"
        for kind in cold listed; do
            forget_pages "$cifar"
            "$sluice" bench loader "$cifar" -t 0.1 -q --json | number first_batch_seconds >>"$work/$kind.rates"
        done
    done
    row 'CIFAR-10 as files, pages not cached: seconds to the first batch' "$(median cold)" '' '' '<= 1.0'
    row '  with the listing kept' "$(median listed)" '' '' '<= 0.2'
}

race_memory() {
    "$sluice" bench loader "$photos" --ops "$plain" --threads 2 -t 0.1 -q --json | number peak_rss_bytes >"$work/short"
    "$sluice" bench loader "$photos" --ops "$plain" --threads 2 -t "${SOAK:-30}" -q --json >"$work/long"
    row "peak memory after ${SOAK:-30} s ($(number images <"$work/long") images) / after an epoch" \
        "$(number peak_rss_bytes <"$work/long")" "$(cat "$work/short")" \
        "$(ratio "$(number peak_rss_bytes <"$work/long")" "$(cat "$work/short")") x" '1'
}

race_manifest() {
    TMPDIR=$work "$build/tests/bench/bench_source" | sed 's/^/| manifest: /'
}

row what Sluice peer ratio goal
row --- --- --- --- ---
for part in $parts; do
    "race_$part"
done
