# shellcheck shell=sh
# overfit and verify: good recipes pass, planted faults are found. Sourced by contract.sh.

section_sanity() {
    need_fixtures
    expect 0 'learnt by heart' "$sluice" overfit tiny.yaml -q
    expect 0 '"ok": *true' "$sluice" overfit tiny.yaml -q --json
    expect 1 'NOT learnt' "$sluice" overfit tiny.yaml -q --steps 2
    # What drops at random rests meanwhile, however it is written.
    expect 0 'learnt by heart' "$sluice" overfit tiny.yaml -q --set \
        'model={layers: [flatten, dropout, {linear: 32}, relu, {dropout: 0.9}, {linear: {out: 4}}]}'
    expect 1 'lower optim.lr' "$sluice" overfit tiny.yaml -q --lr 1000
    expect 0 '^ok +learns' "$sluice" verify tiny.yaml -q
    expect 0 '^ok +shuffle' "$sluice" verify tiny.yaml -q
    expect 1 '^finding inputs' "$sluice" verify tiny.yaml -q --set 'eval=[{normalize: {mean: 0, std: 0.01}}]' \
        --set 'augment=[{normalize: {mean: 0, std: 0.01}}]'
    expect 1 '"name": *"inputs", *"ok": *false' "$sluice" verify tiny.yaml -q --json \
        --set 'eval=[{normalize: {mean: 0, std: 0.01}}]' --set 'augment=[{normalize: {mean: 0, std: 0.01}}]'
    # Labels that have nothing to do with the pictures: sorted where they took turns.
    labels=$(ls fix/idx/train-labels*)
    gzip -dc "$labels" >plain
    { head -c 8 plain && tail -c +9 plain | od -An -v -to1 -w1 | sort | sed 's/ *//' |
        while read -r byte; do printf '%b' "\\0$byte"; done; } | gzip >"$labels"
    expect 1 '^finding learns' "$sluice" verify tiny.yaml -q
    expect 3 'nowhere.yaml' "$sluice" verify nowhere.yaml -q
    # Of a processor that OpenBLAS does not know it makes a Prescott; the command does not leave it at that.
    if grep -q avx2 /proc/cpuinfo && [ -z "${OPENBLAS_CORETYPE:-}${SLUICE_ISA:-}" ]; then
        core=$(OPENBLAS_VERBOSE=2 "$sluice" gradcheck linear 2>&1 | grep '^Core: ' | tail -n 1)
        [ "$core" != "Core: Prescott" ] || fail "OpenBLAS multiplies as on a Prescott"
    fi
}

# A loss that is no number ends the run; the last good state stays, and tells the same story.
section_diverge() {
    need_fixtures
    expect 3 'not a number in epoch 1 at step [0-9]+ \(first bad layer: fc[0-9]\); none holds no state yet' \
        "$sluice" train tiny.yaml -o none -q --set optim.lr=1e6
    [ ! -e none/model.safetensors ] || fail "a model of a run that diverged"
    rise='schedule={name: polynomial, warmup_epochs: 6, warmup_start: 1.0e-8, warmup_kind: linear}'
    expect 3 'rise holds the last good state' "$sluice" train tiny.yaml -o rise -q --set optim.lr=1e6 --set "$rise" \
        --set train.epochs=8 --set train.checkpoint_steps=1
    cp rise/state.safetensors good
    expect 3 'rise holds the last good state' "$sluice" train --resume rise -q
    cmp -s good rise/state.safetensors || fail "the last good state was overwritten"
}

# Both engines learn alike: over 50 steps, two an epoch, the losses differ by less than 1e-3 (what rounding
# differs by grows with every step, and with the rate).
section_engines() {
    need_fixtures
    "$sluice" --version --json | grep -q onednn || return 0
    for engine in onednn blas; do
        expect 0 '' "$sluice" train tiny.yaml -o $engine -q --set train.engine=$engine --set 'model={name: cnn, width: 32}' \
            --set optim.lr=0.005 --set 'mix=[]' --set train.epochs=25 --set train.batch=48 --set train.eval_every=25
        grep -o '"train_loss":[0-9.e-]*' $engine/metrics.jsonl | cut -d: -f2 >$engine.losses
        [ "$(wc -l <$engine.losses)" -eq 25 ] || fail "not 25 losses"
    done
    paste onednn.losses blas.losses | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d }
        END { exit most < 1e-3 && most > 0 ? 0 : 1 }' || fail "the engines' losses differ (or are the same run twice)"
    [ "$(awk 'NR == 1 { a = $1 } END { print ($1 < a / 2) }' blas.losses)" = 1 ] || fail "nothing was learnt"
}

section_report() {
    need_fixtures
    net='model={layers: [flatten, {linear: {name: a, out: 16}}, relu, {dropout: {name: d, p: 0.5}}, {linear: {name: b, out: 4}}]}'
    classes='data={path: {idx: {path: fix/idx, classes: ["<script>x</script>", "a&b", "\"c\"", d]}}, channels: 1, width: 16, height: 16}'
    ops='[{resize: {size: [16, 16]}}, {normalize: {mean: 0.35, std: 0.2}}]'
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o run -q --set "$net" --set "$classes" --set "eval=$ops" -e 1
    expect 3 'report' "$sluice" report nowhere
    if "$sluice" report run -q >out 2>err; then
        grep -q '<script>' run/report.html && fail "a class name is markup"
        grep -q '&lt;script&gt;x&lt;/script&gt;' run/report.html || fail "no escaped class name"
        [ "$(grep -c 'src="data:image' run/report.html)" -ge 3 ] || fail "pictures are missing"
        grep -Eq '(src|href)="(http|/|\.)' run/report.html && fail "the page needs another file"
        cp -r run again
        expect 0 'model.safetensors' "$sluice" train tiny.yaml -o again --overwrite -q -e 1
        [ ! -e again/report.html ] || fail "the page of the run before stays"
        checks=$((checks + 1))
    else
        grep -q 'without cairo' err || fail "report"
    fi
    # Labels of the pictures do not matter: folders with other names than the net's classes.
    expect 0 '^fix/photos.*entropy' "$sluice" predict run fix/photos --mc-dropout 3 -q
    expect 0 '^fix/photos' "$sluice" predict run fix/photos -q
    # A picture that cannot be read has no uncertainty: it is named once, and the exit code says so.
    mkdir mixed && cp "$(find fix/photos -type f | head -n 1)" mixed/ && echo broken >mixed/broken.png
    expect 1 'entropy' "$sluice" predict run mixed --mc-dropout 4
    [ "$(wc -l <out)" -eq 1 ] || fail "not one line for one picture"
    [ "$(grep -c 'broken.png' err)" -eq 1 ] || fail "a broken picture is not named once"
    mkdir broken && cp mixed/broken.png broken/
    expect 1 '^\{' "$sluice" predict run broken --mc-dropout 4 -q --json
    expect 2 'goes with --mc-dropout' "$sluice" predict run fix/photos --sheet sheet.png -q
    [ "$("$sluice" predict run fix/idx --split test -q | wc -l)" -eq 128 ] || fail "predict --split"
}

# What schedule says is what training takes: warm-up, the batch that lr is meant for, SWA's rate.
section_schedule() {
    need_fixtures
    plan='--set train.epochs=6 --set train.batch=48 --set train.accumulate=2 --set optim.scale_batch=32'
    for kind in '{name: cosine, warmup_epochs: 1}' '{name: step, size: 2, warmup_steps: 3, warmup_kind: constant}' one_cycle \
        '{name: cosine_restarts, cycles: 2}' '{name: flat_cosine, flat: 0.3}' '{name: cyclic, up: 1}'; do
        for swa in 'train.ema=null' 'train.swa={start: 0.5, lr: 0.01}'; do
            # shellcheck disable=SC2086 # options are words
            expect 0 '' "$sluice" train tiny.yaml -o run --overwrite -q $plan --set "schedule=$kind" --set "$swa"
            # shellcheck disable=SC2086
            expect 0 'steps' "$sluice" schedule tiny.yaml -o lr.svg $plan --set "schedule=$kind" --set "$swa"
            sed -n 's/^epoch.*lr //p' out >said
            awk -F, 'NR > 1 && $2 != epoch { epoch = $2; printf "%.6g\n", $3 }' run/steps.csv | cmp -s - said ||
                fail "schedule and training differ with $kind, $swa"
            if "$sluice" version | grep -q cairo; then
                grep -q '<svg' lr.svg || fail "no picture of $kind"
            fi
        done
    done
    expect 2 'leaves nothing' "$sluice" schedule tiny.yaml --set 'schedule={name: cosine, warmup_epochs: 3}'
    expect 2 'zero steps' "$sluice" schedule tiny.yaml --set 'schedule={name: cyclic, up: 0}'
    expect 2 'needs a validation set' "$sluice" schedule tiny.yaml --set schedule=plateau --set data.val_fraction=0
}
