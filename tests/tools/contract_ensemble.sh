# shellcheck shell=sh
# Several models as one: what fits together, and what is refused. Sourced by contract.sh.

section_ensemble() {
    need_fixtures
    other() { # other NAME SETS...: a model that differs in SETS
        name=$1
        shift
        expect 0 'model.safetensors' "$sluice" train tiny.yaml -o "$name" -q -e 1 "$@"
    }
    other one
    other two --set seed=4
    other small --set train.batch=20
    other few --set 'data.classes=["0", "1", "2"]'
    other named --set 'data={path: {idx: {path: fix/idx, classes: [a, b, c, d]}}, val_fraction: 0.25}'
    other bright --set 'eval=[{normalize: {mean: 0.5, std: 0.2}}]'
    other wide --set 'eval=[{resize: {size: 18}}, {normalize: {mean: 0.35, std: 0.2}}]' \
        --set 'augment=[{resize: {size: 18}}, {normalize: {mean: 0.35, std: 0.2}}]'
    other net --set 'model={layers: [flatten, {linear: 4}]}'
    other child --set model.from=one/model.safetensors
    echo 'as it was' >kept
    for mode in logits prob vote weights soup; do
        expect 2 'few.* knows 3|knows 4 classes.* knows 3' "$sluice" ensemble one few --mode $mode -o kept -q
        expect 2 'class 0 is "0" in one.*"a" in named' "$sluice" ensemble one named --mode $mode -o kept -q
        expect 2 'eval ops differ' "$sluice" ensemble one bright --mode $mode -o kept -q
        expect 2 '16 x 16 x 1 pictures.*18 x 18 x 1' "$sluice" ensemble one wide --mode $mode -o kept -q
        expect 2 'named twice' "$sluice" ensemble one one/model.safetensors --mode $mode -o kept -q
        expect 3 'nowhere' "$sluice" ensemble one nowhere --mode $mode -o kept -q
    done
    for mode in weights soup; do
        expect 2 'common ancestry' "$sluice" ensemble one two --mode $mode -o kept -q
        expect 2 'different nets' "$sluice" ensemble one net --mode $mode -o kept -q
    done
    [ "$(cat kept)" = 'as it was' ] || fail "a refused ensemble wrote its file"
    # Other batches, seeds and nets are no hindrance, whichever comes first.
    for pair in 'one small' 'small one' 'one two' 'net one'; do
        # shellcheck disable=SC2086 # two words
        expect 0 '"gain"' "$sluice" ensemble $pair -o both.safetensors --json -q
        top1=$(sed 's/.*"mode": *"prob", *"top1": *\([0-9.]*\).*/\1/' out)
        expect 0 '"top1"' "$sluice" eval both.safetensors --json -q
        grep -q "\"top1\": *$top1" out || fail "$pair: the file is not as good as its members were: $top1"
    done
    expect 2 'is an ensemble already' "$sluice" ensemble both.safetensors two -q
    expect 0 'ensemble \(weights\)' "$sluice" ensemble one child --mode weights -o mean.safetensors -q
    expect 0 '^top-1' "$sluice" eval mean.safetensors -q
    # Probabilities of an ensemble are made honest after it was made, not before.
    expect 0 'temperature' "$sluice" calibrate one -o warm.safetensors -q
    expect 0 'ensemble' "$sluice" ensemble warm.safetensors two
    grep -q 'warm.safetensors: its temperature is left out' err || fail "no word of the lost temperature"
    expect 0 'temperature' "$sluice" calibrate both.safetensors -o honest.safetensors -q
}
