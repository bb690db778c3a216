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
    # A recipe's own views are those of --tta.
    expect 0 '"loss"' "$sluice" eval run --tta flip --json -q
    want=$(value loss | cut -c 1-9) # sums are rounded elsewhere
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o both -q --epochs 1 --set optim.lr=1e-4 \
        --set 'eval=[hflip_views, {normalize: {mean: 0.35, std: 0.2}}]'
    expect 0 '"count": *128[,}]' "$sluice" eval both --json -q
    [ "$(value loss | cut -c 1-9)" = "$want" ] || fail "hflip_views: loss $(value loss), not $want as with --tta flip"
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

# Looking inside: histograms of every epoch, event files, and what --overwrite leaves of them.
section_inside() {
    need_fixtures
    net='model={layers: [{conv2d: {name: c1, out: 8, kernel: 3}}, relu, {max_pool: 2}, flatten, {linear: {name: fc, out: 4}}]}'
    deep='--set train.histograms=1 --set train.tensorboard=true --set train.snapshots=2'
    # shellcheck disable=SC2086 # options are words
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o run --epochs 4 --set "$net" $deep -q \
        --set 'schedule={name: cosine_restarts, cycles: 2}'
    [ "$(grep -c '"gradient".*"update".*"update_ratio"' run/histograms.jsonl)" -eq 4 ] || fail "histograms.jsonl lacks something"
    [ -s run/snapshot-2.safetensors ] || fail "no snapshot"
    if "$sluice" version | grep -q cairo; then
        [ "$(find run/histograms -name '*.png' -size +1k | wc -l)" -eq 4 ] || fail "not one picture of histograms per epoch"
    fi
    grep -q '"wait":.*"forward":.*"backward":.*"optimizer":.*"decode":.*"augment":' run/metrics.jsonl || fail "no split of the time"
    [ "$(find run/tensorboard -type f | wc -l)" -eq 1 ] || fail "not one event file"
    expect 0 'c1.png: 8 maps' "$sluice" inspect run --featmaps idx:fix/idx -o maps -q
    # A net whose filters nearly all look alike: cut, then trained on.
    expect 0 'fine-tuning: test top-1' "$sluice" prune run --similar 0.5 --finetune 1 -o cut.safetensors -q
    cmp -s cut.safetensors cut.safetensors.run/model.safetensors || fail "the file is not what was trained"
    expect 2 'needs a file' "$sluice" prune run --finetune 1 -q
    # A new run in the directory leaves nothing of the old one.
    expect 2 'holds a run' "$sluice" train tiny.yaml -o run --epochs 1 -q
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o run --epochs 1 -q --overwrite
    old=$(find run -name 'snapshot-*' -o -name 'events.*' -o -name 'epoch-*' -o -name histograms.jsonl)
    [ -z "$old" ] || fail "left of the run before: $old"
    mkdir only && cp cut.safetensors only/snapshot-1.safetensors
    expect 2 'holds a run' "$sluice" train tiny.yaml -o only --epochs 1 -q
}
