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
