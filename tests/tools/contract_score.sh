# shellcheck shell=sh
# What is said about a trained model: eval's files, views, calibration. Sourced by contract.sh.

section_score() {
    need_fixtures
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o run -q --epochs 1 --set optim.lr=1e-4
    expect 0 'most confused' "$sluice" eval run -o report -q
    grep -q '"reliability"' report/eval.json || fail "eval.json has no reliability"
    if "$sluice" version | grep -q cairo; then
        for picture in confusion reliability top-losses; do
            [ -s report/$picture.png ] || fail "report/$picture.png is missing"
        done
    fi
    # Views: each gives a picture's mean another value; those of one picture are one answer.
    "$sluice" eval run --json -q >none.json
    for views in flip five ten scales flip_scales; do
        expect 0 '"count": *128[,}]' "$sluice" eval run --tta $views --json -q
        [ "$(value loss)" != "$(sed 's/.*"loss": *\([^,]*\).*/\1/' none.json)" ] || fail "--tta $views changes nothing"
    done
    expect 2 'tta' "$sluice" eval run --tta six -q
    expect 0 '^fix/photos' "$sluice" predict run fix/photos --tta ten -q --top 1
    expect 2 '5 views of a picture already' "$sluice" eval --model mlp --weights run/model.safetensors fix/photos \
        --ops '[{resize: {size: 20}}, {five_crop: {size: 16}}, {normalize: {mean: 0.35, std: 0.2}}]' --tta ten
    # A temperature is found, kept in the file, and used.
    expect 0 '^test set +ECE' "$sluice" calibrate run -q
    expect 0 '"temperature"' "$sluice" calibrate run -o warm.safetensors --json -q
    heat=$(value temperature)
    want=$(sed 's/.*"test".*"ece_after": *\([0-9.e-]*\).*/\1/' out)
    expect 0 '"ece"' "$sluice" eval warm.safetensors --json -q
    [ "$(value ece)" = "$want" ] || fail "eval does not use the temperature: ECE $(value ece), not $want"
    [ "$(value temperature)" = "$heat" ] || fail "eval tells another temperature than $heat"
    "$sluice" predict run idx:fix/idx -q >cold.txt
    "$sluice" predict warm.safetensors idx:fix/idx -q >warm.txt
    cmp -s cold.txt warm.txt && fail "predict does not use the temperature"
    cut -f 2 cold.txt | sed 's/ [0-9.]*$//' >cold.class
    cut -f 2 warm.txt | sed 's/ [0-9.]*$//' | cmp - cold.class || fail "a temperature changed answers"
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o alone -q --epochs 1 --set data.val_fraction=0
    expect 2 'no validation set' "$sluice" calibrate alone -q
    expect 0 '^fitted on' "$sluice" calibrate alone -q --data idx:fix/idx --split train
    expect 3 'nowhere' "$sluice" calibrate nowhere -q
    # The same model twice: no difference.
    expect 0 'p = 1 ' "$sluice" compare run warm.safetensors -q
}
