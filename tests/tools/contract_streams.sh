# shellcheck shell=sh
# The stream of batches depends on the recipe alone. Sourced by contract.sh.

# Three epochs of recipe $1 have the digest $one, whatever the threads and the cache.
same_digest() {
    for cache in none encoded decoded; do
        for threads in 1 2 3 8; do
            expect 0 "^$one  3 epochs" "$sluice" digest "$1" -e 3 --threads $threads --set loader.cache=$cache
        done
    done
}

section_streams() {
    need_fixtures
    cat >photos.yaml <<END
seed: 3
data: {path: fix/photos, channels: 3, test_fraction: 0.125}
augment: [{random_resized_crop: {size: 24}}, hflip, {color_jitter: {brightness: 0.4, hue: 0.1}}, {normalize: {mean: 0.5, std: 0.2}}]
eval: [{resize: {size: [24, 24]}}, {normalize: {mean: 0.5, std: 0.2}}]
mix: [{mixup: {alpha: 0.2}}, {cutmix: {alpha: 1}}]
model: {name: mlp}
train: {epochs: 3, batch: 5}
END
    expect 0 sha256 "$sluice" digest photos.yaml -e 3 --json
    one=$(value sha256)
    same_digest photos.yaml
    # Begun at any batch, it goes on as if it had come there by itself.
    expect 0 'batch 3' "$sluice" digest photos.yaml -e 3 --each
    grep batch out | grep epoch | grep -v images >whole
    [ "$(wc -l <whole)" -eq 12 ] || fail "not 12 batches"
    for from in 1 2 3; do
        for cache in none encoded decoded; do
            expect 0 'batch 3' "$sluice" digest photos.yaml -e 3 --each --from $from --threads $from --set loader.cache=$cache
            tail -n +$((from + 1)) whole >rest
            grep -v images out | cmp -s - rest || fail "from batch $from on: another stream"
        done
    done
    # Shards of any size are the same data.
    one=
    for size in 1 5 24; do
        expect 0 '24 written' "$sluice" preprocess fix/photos shards$size --shards $size
        sed "s|fix/photos|shards$size|" photos.yaml >shards$size.yaml
        expect 0 '^[0-9a-f]{64}  3 epochs' "$sluice" digest shards$size.yaml -e 3
        [ -n "$one" ] || one=$(cut -d' ' -f1 out)
        same_digest shards$size.yaml
    done
}

# How pictures are read: orientation, truncation, background, limits; each as the recipe says.
section_decoding() {
    mkdir -p odd/a odd/b
    pictures=$here/../codec/fixtures
    for class in a b; do
        cp "$pictures/exif6.jpg" odd/$class/turned.jpg
        cp "$pictures/rgba8.png" odd/$class/clear.png
    done
    cat >odd.yaml <<END
data: {train: odd, test: odd, channels: 3}
eval: [{resize: {size: [24, 24]}}]
model: {name: mlp}
train: {epochs: 1, batch: 1}
END
    expect 0 sha256 "$sluice" digest odd.yaml --split test --json
    plain=$(value sha256)
    for key in orientation=ignore background=255 'background=[1, 2, 3]'; do
        expect 0 sha256 "$sluice" digest odd.yaml --split test --json --set "loader.$key"
        [ "$(value sha256)" != "$plain" ] || fail "loader.$key changes nothing"
    done
    expect 0 "$plain" "$sluice" digest odd.yaml --split test --set loader.orientation=apply --set loader.background=0
    expect 2 '1 or 3' "$sluice" digest odd.yaml --set 'loader.background=[1, 2]'
    expect 3 'odd/.*over the limit' "$sluice" digest odd.yaml --split test --set loader.max_side=8
    expect 3 'odd/.*over the limit' "$sluice" digest odd.yaml --split test --set loader.max_pixels=64
    expect 0 '' "$sluice" preprocess odd/a/turned.jpg up.png
    expect 0 '' "$sluice" preprocess odd/a/turned.jpg lying.png --orientation ignore
    cmp -s up.png lying.png && fail "--orientation ignore changes nothing"
    for photo in odd/*/turned.jpg; do
        size=$(wc -c <"$photo")
        head -c $((size * 3 / 4)) "$pictures/exif6.jpg" >"$photo"
    done
    expect 3 'turned.jpg: jpeg: Premature end' "$sluice" digest odd.yaml --split test
    expect 0 '^[0-9a-f]{64} ' "$sluice" digest odd.yaml --split test --set loader.truncated=accept
    expect 1 '2 written.* 2 bad' "$sluice" preprocess odd some --format png
    expect 0 '4 written' "$sluice" preprocess odd all --format png --truncated accept
}
