#!/bin/sh
# The contract of the command line: exit codes, sentences, results untouched by failures.
# usage: contract.sh SLUICE FIXTURES SECTION
set -u
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
here=$(absolute "$(dirname "$0")") # contract_*.sh lie beside this
sluice=$(absolute "$1") fixtures=$(absolute "$2") section=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-contract.XXXXXX") || exit 4
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 4
checks=0

fail() {
    echo "FAILED: $*" >&2
    [ -s out ] && { echo "-- stdout" && head -c 2000 out; } >&2
    [ -s err ] && { echo "-- stderr" && head -c 2000 err; } >&2
    exit 1
}

# expect CODE PATTERN COMMAND...: the exit code; a failure is one sentence on stderr that matches
# PATTERN; a success prints PATTERN on stdout.
expect() {
    code=$1 pattern=$2
    shift 2
    "$@" >out 2>err </dev/null
    got=$?
    checks=$((checks + 1))
    [ $got -eq "$code" ] || fail "exit code $got, not $code: $*"
    if [ "$code" -ge 2 ]; then
        [ "$(wc -l <err)" -eq 1 ] || fail "not one line on stderr: $*"
        grep -Eq -- "$pattern" err || fail "stderr does not match \"$pattern\": $*"
    else
        grep -Eq -- "$pattern" out || fail "stdout does not match \"$pattern\": $*"
    fi
}

# The value of a key of the JSON object in "out".
value() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" out | head -n 1; }

tiny_recipe() {
    cat >tiny.yaml <<END
seed: 3
data: {path: "idx:$work/fix/idx", val_fraction: 0.25}
augment:
  - random_crop: {size: 16, padding: 2}
  - hflip: {p: 0.1}
  - normalize: {mean: 0.35, std: 0.2}
eval:
  - normalize: {mean: 0.35, std: 0.2}
mix:
  - mixup: {alpha: 0.2}
  - cutmix: {alpha: 1}
model: {name: mlp}
optim: {name: sgd, lr: 0.05, momentum: 0.9}
train: {epochs: 3, batch: 32}
END
}

need_fixtures() {
    mkdir fix && "$fixtures" fix || fail "fixtures"
    tiny_recipe
}

commands() { "$sluice" --help | sed -n 's/^  \([a-z][a-z0-9-]*\)  .*/\1/p'; }

section_help() {
    expect 0 'usage: sluice COMMAND' "$sluice" --help
    for name in $(commands); do
        expect 0 "usage: sluice $name" "$sluice" "$name" --help
        grep -q '^examples:' out || fail "$name --help has no examples"
        grep -q '^exit codes:' out || fail "$name --help has no exit codes"
        for option in --threads --json --quiet --help; do
            grep -q -- "$option" out || fail "$name --help does not list $option"
        done
        expect 2 'unknown option --nonsense' "$sluice" "$name" --nonsense
        expect 2 'did you mean --threads' "$sluice" "$name" --thread 2
        expect 2 'not between' "$sluice" "$name" --threads 99999
        expect 2 'not a whole number' "$sluice" "$name" --threads two
    done
    [ $checks -gt 10 ] || fail "only $checks checks: no commands found?"
    expect 2 'did you mean "version"' "$sluice" verison
    expect 2 'lists them' "$sluice" xyzzyplugh
    expect 2 'usage' sh -c "'$sluice' 2>&1 >/dev/null | head -n 1 >&2; exit 2"
}

section_output() {
    expect 0 '"simd"' "$sluice" --version --json
    if [ -w /dev/full ]; then
        expect 4 'standard output: No space' sh -c "'$sluice' ops >/dev/full"
        expect 4 'standard output: No space' sh -c "'$sluice' --version --json >/dev/full"
    fi
    # A reader that leaves is no error and gives no noise.
    "$sluice" ops 2>err | true
    [ -s err ] && fail "noise about a closed pipe"
    expect 0 'resize' "$sluice" ops
    expect 0 '"ops"' "$sluice" ops --json
    [ "$(wc -l <out)" -eq 1 ] || fail "--json is not one line"
    expect 2 'did you mean "hflip"' "$sluice" ops hflop
    # One step of 0.1 from (-4, 1) against the gradient (x, 20 y), by hand: (-3.6, -1).
    expect 0 '"x":-3.59999.*"y":-1.0,"value":16.4799' "$sluice" paths -f bowl -n 1 '{name: sgd, lr: 0.1, momentum: 0}' --json
    expect 0 '"steps":1,"x":2156' "$sluice" paths -f rosenbrock '{name: sgd, lr: 1e6}' --json
    expect 2 'did you mean "adam"' "$sluice" paths adm
    expect 2 'did you mean "lr"' "$sluice" paths '{name: adam, lrr: 1}'
}

# What a terminal of so many columns shows, as lines.
on_terminal() {
    columns=$1
    shift
    script -qec "stty cols $columns; $*" /dev/null </dev/null | tr -d '\r'
}

section_terminal() {
    command -v script >/dev/null || return 0
    # Folded between words: only a word alone on its line may be longer.
    on_terminal 20 "'$sluice' train --help" >help20
    awk 'length($0) > 20 && NF > 1 { print; bad = 1 } END { exit bad }' help20 || fail "lines of help wider than 20 columns"
    [ "$(tr -d ' \n' <help20)" = "$("$sluice" train --help | tr -d ' \n')" ] || fail "folding changed the help"
    # Tables become paragraphs, each number behind its head.
    need_fixtures
    "$sluice" train tiny.yaml -o run -q >/dev/null || fail "no run"
    for command in models 'models mlp' ops 'ops rotate' 'gradcheck relu' 'inspect run' 'bench ops --only hflip -t 0.01'; do
        on_terminal 20 "'$sluice' $command" >narrow
        grep -v '^input\|^at\|^[a-z0-9_]*: \|^source\|^shape\|^draws\|^exact\|^peer\|^"sluice\|^even\|^alternate\|^the other' narrow |
            awk 'length($0) > 20 && NF > 1 { print; bad = 1 } END { exit bad }' || fail "$command is wider than 20 columns"
    done
    on_terminal 20 "'$sluice' eval run" | grep -qx '  precision [01]\.[0-9]*' || fail "no paragraphs of classes"
    on_terminal 20 "'$sluice' train tiny.yaml -o run --overwrite" | sed 's/.*\r//; s/\x1b\[K//g' >narrow
    grep -qx ' *1 [0-9.]*  *[0-9.*]*' narrow || fail "no narrow table of epochs"
    # A warning is yellow on a terminal, unless NO_COLOR asks or the terminal knows no colours.
    mkdir -p odd/a && echo text >odd/a/x.jpg
    escape=$(printf '\033[33m')
    TERM=xterm on_terminal 80 "'$sluice' stats odd" | grep -qF "$escape" || fail "no colour on a terminal"
    TERM=xterm NO_COLOR=1 on_terminal 80 "'$sluice' stats odd" | grep -qF "$escape" && fail "colour despite NO_COLOR"
    TERM=dumb on_terminal 80 "'$sluice' stats odd" | grep -qF "$(printf '\033')" && fail "an escape on a dumb terminal"
    "$sluice" stats odd 2>&1 | grep -qF "$(printf '\033')" && fail "an escape in a pipe"
    return 0
}

section_stats() {
    need_fixtures
    expect 0 '^mean 0\.' "$sluice" stats idx:fix/idx
    expect 0 '"channels":1' "$sluice" stats idx:fix/idx --json
    one=$(value mean)
    for threads in 1 2 3 8; do
        expect 0 '"images":512' "$sluice" stats idx:fix/idx --json --threads $threads
        [ "$(value mean)" = "$one" ] || fail "mean differs with $threads threads"
    done
    expect 0 '24 images' "$sluice" stats fix/photos
    HOME=$PWD expect 0 '24 images' "$sluice" stats 'folder:~/fix/photos'
    # Known answer: a picture of one colour.
    mkdir -p flat/a
    printf 'P6\n2 1\n255\n\377\377\377\0\0\0' >flat/a/x.ppm
    expect 0 '^mean 0.5000 0.5000 0.5000' "$sluice" stats flat
    grep -q '^std  0.5000 0.5000 0.5000' out || fail "std of black and white is 0.5"
}

section_bad_data() {
    need_fixtures
    expect 3 'nowhere' "$sluice" stats idx:nowhere
    expect 3 'nowhere' "$sluice" stats folder:nowhere
    cp -r fix/idx cut
    head -c 2000 fix/idx/train-images-idx3-ubyte.gz >cut/train-images-idx3-ubyte.gz
    expect 3 'cut/train-images-idx3-ubyte.gz' "$sluice" stats idx:cut
    cp -r fix/idx uneven
    cp fix/idx/t10k-labels-idx1-ubyte.gz uneven/train-labels-idx1-ubyte.gz
    expect 3 'uneven/train-.*(128|512)' "$sluice" stats idx:uneven
    cp -r fix/photos hollow
    mkdir hollow/cow
    expect 3 'hollow.*cow' "$sluice" stats hollow
    cp -r fix/photos liar
    echo 'this is not a picture' >liar/cat/01.jpg
    expect 1 '23 images, 1 bad' "$sluice" stats liar
    grep -q 'liar/cat/01.jpg' err || fail "the bad file is not named"
    # A pipe that nobody writes to is no reason to wait.
    mkdir pipes && mkfifo pipes/data_batch_1.bin
    expect 3 'data_batch_1.bin: is truncated: 0 bytes' timeout -s KILL 20 "$sluice" stats cifar:pipes
    expect 2 'pipes/.* is not a regular file' timeout -s KILL 20 "$sluice" digest tiny.yaml --set loader.quarantine=pipes/data_batch_1.bin
    for photo in liar/*/*; do
        echo 'nor is this' >"$photo"
    done
    expect 3 'liar: none of its 24 images can be read' "$sluice" stats liar -q
    expect 3 'none of its 24' "$sluice" stats liar -q --json
}

# A recipe with one line changed.
broken() { sed "$1" tiny.yaml >broken.yaml; }

section_bad_recipe() {
    need_fixtures
    # An option's value has a line if it is written on several.
    expect 2 '--ops: op resize: size is 0' "$sluice" preprocess fix/photos/cat/00.png y.png --ops '[{resize: {size: 0}}]'
    expect 2 '--ops:2: op resize: size is 0' "$sluice" preprocess fix/photos/cat/00.png y.png --ops '- hflip
- resize: {size: 0}'
    expect 2 'op one_of: is a list.*did you mean .ops: ' "$sluice" preprocess fix/photos/cat/00.png y.png --ops '[{one_of: [hflip]}]'
    expect 2 '^sluice preprocess: --ops: expected a list of ops' "$sluice" preprocess fix/photos/cat/00.png y.png --ops hflip
    broken 's/momentum: 0.9/momentun: 0.9/'
    expect 2 'broken.yaml:13: .*momentun.*did you mean "momentum"' "$sluice" digest broken.yaml
    broken 's/lr: 0.05/lr: fast/'
    expect 2 'broken.yaml:13: .*lr' "$sluice" digest broken.yaml
    broken 's/batch: 32/batch: -1/'
    expect 2 'broken.yaml:14: .*batch' "$sluice" digest broken.yaml
    broken 's/padding: 2/padding: 2, padding: 3/'
    expect 2 'broken.yaml:4: .*padding' "$sluice" digest broken.yaml
    broken 's/hflip:/hflap:/'
    expect 2 'broken.yaml:5: .*hflap.*did you mean "hflip"' "$sluice" digest broken.yaml
    broken 's/name: mlp/name: mlq/'
    expect 2 'broken.yaml:12: .*mlq.*did you mean "mlp"' "$sluice" train broken.yaml -o run
    broken 's/^seed: 3/seed: [3/'
    expect 2 'broken.yaml:' "$sluice" digest broken.yaml
    expect 2 '--set optim.lr' "$sluice" digest tiny.yaml --set optim.lr=quick
    expect 2 'optim.lrr|lrr' "$sluice" digest tiny.yaml --set optim.lrr=1
    broken "s|idx:$work/fix/idx|idx:$work/gone|"
    expect 3 'gone' "$sluice" digest broken.yaml
    expect 3 'absent.yaml' "$sluice" digest absent.yaml
}

section_digest() {
    need_fixtures
    expect 0 '"sha256"' "$sluice" digest tiny.yaml --epochs 2 --json --threads 1
    one=$(value sha256)
    [ ${#one} -eq 64 ] || fail "not a SHA-256: $one"
    for threads in 2 3 8; do
        expect 0 "$one" "$sluice" digest tiny.yaml --epochs 2 --json --threads $threads
    done
    expect 0 "$one" "$sluice" digest tiny.yaml --epochs 2 --json --set loader.cache=decoded
    expect 0 sha256 "$sluice" digest tiny.yaml --epochs 2 --json --set seed=4
    [ "$(value sha256)" != "$one" ] || fail "another seed gives the same stream"
}

section_preview() {
    need_fixtures
    expect 0 'batch.png: 12 pictures' "$sluice" preview tiny.yaml -n 12 -o batch.png
    head -c 8 batch.png | od -An -tx1 | grep -q '89 50 4e 47' || fail "not a PNG"
    expect 0 'pictures' "$sluice" preview fix/photos --ops '[{resize: {size: 32}}, hflip]' -o ops.png
    expect 0 '6 pictures' "$sluice" preview fix/photos --index 3 --draws 6 --ops '[hflip]' -o d.png
    expect 0 '5 pictures' "$sluice" preview fix/photos --sweep resize.size=10:50:5 -o s.png
    expect 0 '45 pictures' "$sluice" preview fix/photos --table trivial_augment_wide:3 -o t.png
    expect 2 'no magnitudes' "$sluice" preview fix/photos --table augmix -o t.png
    cp batch.png before.png
    expect 2 'hflap' "$sluice" preview fix/photos --ops '[hflap]' -o batch.png
    expect 2 'beyond' "$sluice" preview tiny.yaml --batch 100000 -o batch.png
    cmp -s batch.png before.png || fail "a failed preview changed the old picture"
    # A disk that fills up leaves the old file alone, and nothing else.
    expect 4 'batch.png' sh -c "ulimit -f 8; trap '' XFSZ; exec '$sluice' preview tiny.yaml -n 32 -o batch.png"
    cmp -s batch.png before.png || fail "a full disk changed the old picture"
    [ "$(find . -name '*batch.png*' | wc -l)" -eq 1 ] || fail "a temporary file was left behind"
}

# What training saw, step by step, and the same again.
section_replay() {
    need_fixtures
    cat >policy.yaml <<END
data: {path: folder:fix/photos, channels: 3, test_fraction: 0.25}
augment: [{resize: {size: [24, 24]}}, hflip, trivial_augment_wide, {one_of: {ops: [invert, {rotate: {degrees: 30}}]}}]
eval: [{resize: {size: [24, 24]}}]
mix: [{mixup: {alpha: 1}}]
model: {name: mlp}
train: {epochs: 2, batch: 4}
END
    # 18 pictures to train on: two of them are in the batch that is dropped.
    expect 1 'leaves this sample out' "$sluice" replay policy.yaml --epoch 1 --index 3 --verify
    for index in 0 1 2 3 4 5; do
        expect 0 'holds exactly this picture' "$sluice" replay policy.yaml --epoch 1 --index $index -o steps$index --verify --set train.batch=3
        [ "$(find steps$index -name '*.png' | wc -l)" -ge 4 ] || fail "not a picture of every step"
    done
    expect 0 '"same":true' "$sluice" replay policy.yaml --epoch 1 --index 5 --verify --json --set train.batch=3
    expect 2 'index' "$sluice" replay policy.yaml --index 100000
    # What is done to floats on the way into the batch is replayed too, and mixing is shown.
    erased='augment=[{resize: {size: [24, 24]}}, {normalize: {mean: 0.5, std: 0.2}}, {random_erasing: {p: 1, value: random}}]'
    expect 0 'mix .* mixup lambda=0.* partner=' "$sluice" replay policy.yaml --index 5 --verify -o erased --set train.batch=3 \
        --set "$erased" --set 'eval=[{resize: {size: [24, 24]}}, {normalize: {mean: 0.5, std: 0.2}}]'
    cmp -s erased/00-resize.png erased/03-batch.png && fail "the batch's picture shows nothing erased"
    [ -e erased/04-mix.png ] && [ ! -e erased/02-random_erasing.png ] || fail "not the pictures of the batch and the mix"
}

section_doctor() {
    need_fixtures
    expect 0 '' "$sluice" doctor fix/photos --near 0
    cp -r fix/photos ill
    head -c 300 fix/photos/cat/01.jpg >ill/cat/01.jpg
    cp ill/dog/00.png ill/dog/copy.jpg
    expect 1 'cat/01.jpg' "$sluice" doctor ill --near 0
    grep -q 'dog/copy.jpg' out || fail "the copy is not named"
    expect 1 '"manifest_rows":23' "$sluice" doctor ill --near 0 --json --write-manifest clean.csv
    grep -q 'cat/01.jpg\|dog/copy.jpg' clean.csv && fail "the manifest holds what is not clean"
    expect 0 '23 images' "$sluice" stats manifest:clean.csv
    expect 0 '' "$sluice" doctor clean.csv --near 0
}

section_preprocess() {
    need_fixtures
    expect 0 'would write 24 pictures in about 5 shards' "$sluice" preprocess fix/photos none --shards 5 --dry-run
    expect 0 '"pictures":12' "$sluice" preprocess fix/photos none --world 2 -n --json
    [ ! -e none ] || fail "--dry-run wrote something"
    expect 2 'dry-run' "$sluice" preprocess fix/photos/cat/00.png none.png --dry-run
    expect 0 '' "$sluice" preprocess fix/photos small --ops '[{resize: {size: 24}}]'
    [ "$(find small -type f -name '*.*g' | wc -l)" -eq 24 ] || fail "not 24 pictures in the new tree"
    [ -d small/owl ] || fail "the tree is not the same"
    expect 0 'all|24' "$sluice" stats small
    # A class may be called anything, and keeps its samples in shards, too.
    mkdir -p named/zebra && cp -r fix/photos/cat "named/two
lines" && cp fix/photos/dog/00.png named/zebra
    expect 0 '9 written' "$sluice" preprocess named shards --shards 4
    expect 0 ' 8  two_lines' "$sluice" stats shards
    grep -q ' 1  zebra' out || fail "a line feed in a class name moved the other names"
    expect 0 '' "$sluice" preprocess fix/photos/cat/00.png one.png --ops '[{resize: {size: 10}}]'
    [ -s one.png ] || fail "one.png is missing"
    "$sluice" preprocess fix/photos again --ops '[{resize: {size: 24}}]' --threads 3 >/dev/null 2>&1
    diff -r small again >diff.txt || fail "threads changed the result: $(head -n 3 diff.txt)"
    section_encode
}

# Settings of the written format.
section_encode() {
    cat=fix/photos/cat/00.png
    expect 0 '' "$sluice" preprocess $cat best.jpg --encode '{quality: 100, subsampling: 444}'
    expect 0 '' "$sluice" preprocess $cat usual.jpg
    [ "$(wc -c <best.jpg)" -gt "$(wc -c <usual.jpg)" ] || fail "--encode changes nothing"
    expect 0 '24 written' "$sluice" preprocess fix/photos stored --format png --encode '{level: 0}'
    expect 0 '24 up to date' "$sluice" preprocess fix/photos stored --format png --encode '{level: 0}'
    expect 2 'other settings|settings' "$sluice" preprocess fix/photos stored --format png --encode '{level: 9}'
    expect 2 '^sluice preprocess: --encode: jpeg: unknown key "qualty"; did you mean "quality"' "$sluice" preprocess $cat no.jpg --encode '{qualty: 3}'
    expect 2 '^sluice preprocess: --encode: png: level is 10, not within 0 to 9' "$sluice" preprocess fix/photos no --format png --encode '{level: 10}'
    expect 2 'need one named' "$sluice" preprocess fix/photos no --encode '{level: 0}'
    [ ! -e no ] && [ ! -e no.jpg ] || fail "a refused --encode left something behind"
}

section_train() {
    need_fixtures
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o one
    for file in model.safetensors metrics.jsonl summary.json recipe.yaml; do
        [ -s "one/$file" ] || fail "one/$file is missing"
    done
    [ "$(wc -l <one/metrics.jsonl)" -eq 3 ] || fail "metrics.jsonl has not one line per epoch"
    expect 0 '"top1"' "$sluice" eval one --json
    expect 0 'top-1' "$sluice" eval one --data idx:fix/idx
    expect 0 '"predictions"' "$sluice" predict one idx:fix/idx --json
    # Weights by themselves, with the name of their net: the same answers as with their recipe, in
    # the same arithmetic, which for them is f32 unless bf16 is asked for.
    "$sluice" eval one idx:fix/idx --json --precision f32 | sed 's/.*"predictions"//' >own.txt
    "$sluice" eval --model mlp --weights one/model.safetensors idx:fix/idx --json --batch 32 \
        --ops '[{resize: {size: 16}}, {center_crop: {size: 16}}, {normalize: {mean: 0.35, std: 0.2}}]' |
        sed -e 's/.*"predictions"//' -e 's/"class":"[^"]*"//g' >foreign.txt
    sed 's/"class":"[^"]*"//g' own.txt | cmp - foreign.txt || fail "the same weights gave other logits without their recipe"
    expect 2 'needs --weights' "$sluice" eval --model mlp fix/photos
    expect 2 'name pictures' "$sluice" eval --model mlp --weights one/model.safetensors
    expect 3 'tensor' "$sluice" eval --model resnet20 --weights one/model.safetensors fix/photos
    # A second run gives the same bytes.
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o two -q
    cmp -s one/model.safetensors two/model.safetensors || fail "the same recipe gave other weights"
    # A run is not overwritten by accident.
    cp one/model.safetensors kept
    expect 2 'one' "$sluice" train tiny.yaml -o one -q
    cmp -s one/model.safetensors kept || fail "a refused run changed the weights"
    # Nor on purpose, if the new one cannot even start.
    expect 3 'nowhere' "$sluice" train tiny.yaml -o one --overwrite -q --set data.path=idx:nowhere
    cmp -s one/model.safetensors kept || fail "an overwrite that could not start cost the earlier weights"
    # A disk that fills up while saving: no half file, no temporary one.
    expect 4 'full/.*: File too large' sh -c "ulimit -f 4; trap '' XFSZ; exec '$sluice' train tiny.yaml -o full -q"
    [ -e full/model.safetensors ] && fail "half a model was left behind"
    [ -z "$(find full -name '*.tmp*' -o -name '.*.safetensors*')" ] || fail "a temporary file was left behind"
    # Parts cut off a folder that has none: 24 pictures are 12, 6 and 6.
    cat >parts.yaml <<END
data: {path: folder:fix/photos, channels: 3, val_fraction: 0.25, test_fraction: 0.25}
augment: [{resize: {size: [8, 8]}}]
eval: [{resize: {size: [8, 8]}}]
model: {name: mlp}
train: {epochs: 1, batch: 4}
END
    expect 0 '"train_images": *12.*"steps": *3.*"seconds": *[0-9.e-]*.*"memory_bytes": *[0-9]' "$sluice" train parts.yaml --dry-run --json
    expect 0 '^time  *about .* a step' "$sluice" train parts.yaml --dry-run
    expect 0 '' "$sluice" train parts.yaml -o parts -q
    for part in train:12 val:6 test:6; do
        expect 0 "\"count\": *${part#*:}[,}]" "$sluice" eval parts --split ${part%:*} --json
    done
    expect 2 'parts.yaml:1: .*test_fraction: 0.2 cuts one off' "$sluice" train parts.yaml -o no --set data.test_fraction=0
    expect 2 'not train, val or test' "$sluice" eval parts --split tst
    expect 2 'not train, val or test' "$sluice" digest parts.yaml --split tst
    # Not a model.
    echo nonsense >no.safetensors
    expect 3 'no.safetensors' "$sluice" eval no.safetensors
    head -c 1000 one/model.safetensors >cut.safetensors
    expect 3 'cut.safetensors' "$sluice" eval cut.safetensors
    cp one/model.safetensors nan.safetensors # its last number
    printf '\000\000\300\177' | dd of=nan.safetensors bs=1 conv=notrunc status=none seek=$(($(wc -c <nan.safetensors) - 4))
    expect 3 'tensor fc3.* has a number that is not finite' "$sluice" eval nan.safetensors
    expect 3 'gone.safetensors' "$sluice" predict gone.safetensors idx:fix/idx
}

section_resume() {
    need_fixtures
    long="--set train.epochs=12 --set train.checkpoint_steps=7"
    # shellcheck disable=SC2086 # options are words
    expect 0 'model.safetensors' "$sluice" train tiny.yaml -o whole $long -q
    # shellcheck disable=SC2086
    for round in 1 2 3; do
        rm -rf cut
        "$sluice" train tiny.yaml -o cut $long -q >/dev/null 2>&1 &
        pid=$!
        # Killed as soon as there is a state to go on from, a little later every round.
        tries=0
        while [ ! -e cut/state.safetensors ] && kill -0 $pid 2>/dev/null && [ $tries -lt 3000 ]; do
            tries=$((tries + 1))
            sleep 0.01
        done
        sleep 0.0$round
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        expect 0 'model.safetensors' "$sluice" train --resume cut -q
        cmp -s whole/model.safetensors cut/model.safetensors || fail "resumed weights differ, round $round"
    done
    # A disk that fills up while going on leaves the state to go on from.
    rm -rf cut
    # shellcheck disable=SC2086
    "$sluice" train tiny.yaml -o cut $long -q >/dev/null 2>&1 &
    pid=$!
    while [ ! -e cut/state.safetensors ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    cp cut/state.safetensors before
    expect 4 'cut/.*: File too large' sh -c "ulimit -f 4; trap '' XFSZ; exec '$sluice' train --resume cut -q"
    cmp -s cut/state.safetensors before || fail "a full disk changed the state"
    expect 0 'model.safetensors' "$sluice" train --resume cut -q
    cmp -s whole/model.safetensors cut/model.safetensors || fail "weights after a full disk differ"
    # Ctrl-C saves the state.
    # shellcheck disable=SC2086
    "$sluice" train tiny.yaml -o soft $long -q >out 2>err &
    pid=$!
    while [ ! -e soft/state.safetensors ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
    kill -TERM $pid 2>/dev/null
    wait $pid
    code=$?
    [ $code -eq 130 ] || [ $code -eq 0 ] || fail "stopped with exit code $code, not 130"
    if [ $code -eq 130 ]; then
        expect 0 'model.safetensors' "$sluice" train --resume soft -q
    fi
    cmp -s whole/model.safetensors soft/model.safetensors || fail "weights after a stop differ"
}

section_demo() {
    expect 2 'short directory' "$sluice" demo --shapes -o 'a b'
    expect 2 'full' sh -c "touch full; exec '$sluice' demo --shapes -o full"
    export OMP_WAIT_POLICY=passive
    expect 0 '^test accuracy 0\.[6-9]' "$sluice" demo --shapes -o shapes -q
    for picture in preview curves confusion; do
        [ -s shapes/$picture.png ] || fail "shapes/$picture.png is missing"
    done
    [ "$(find shapes/pictures -name '*.png' | wc -l)" -eq 600 ] || fail "not 600 pictures"
    expect 0 '"top1":0\.[6-9]' "$sluice" demo --shapes -o shapes --json
    [ "$(wc -l <out)" -eq 1 ] || fail "--json is not one line"
}

for part in "$here"/contract_*.sh; do
    # shellcheck disable=SC1090 # sections in files of their own
    . "$part"
done
"section_$section" || fail "section $section"
echo "$section: $checks checks"
