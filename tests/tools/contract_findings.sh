# shellcheck shell=sh
# A command that finished although a picture could not be read says so by exit code 1, whichever it
# is and however quiet; without a bad picture it is 0. Sourced by contract.sh.

# reads COMMAND...: 1 where pictures are bad, 0 where none is; PHOTOS in COMMAND is the folder.
reads() {
    for folder in liar honest; do
        want=0
        [ $folder = liar ] && want=1
        rm -rf out.png out.d runs/new studies/new
        # shellcheck disable=SC2046 # arguments are words
        "$sluice" $(echo "$*" | sed "s|PHOTOS|$folder|g") -q >out 2>err </dev/null
        got=$?
        checks=$((checks + 1))
        [ $got -eq $want ] || fail "exit code $got, not $want, with the $folder pictures: $*"
        [ -s err ] && fail "not quiet: $*"
    done
}

section_bad_inputs() {
    need_fixtures
    mv fix/photos honest
    cp -r honest liar
    for bad in liar/*/*.jpg; do # every other one: some in each part
        echo 'this is not a picture' >$bad
    done
    for folder in liar honest; do
        cat >$folder.yaml <<END
data: {path: folder:$folder, channels: 3, val_fraction: 0.3, test_fraction: 0.3}
loader: {on_error: skip}
augment: [{resize: {size: [8, 8]}}]
eval: [{resize: {size: [8, 8]}}]
model: {layers: [{conv2d: {name: c1, out: 4, kernel: 3}}, relu, flatten, {linear: {name: fc, out: 3}}]}
optim: {lr: 0.05}
train: {epochs: 2, batch: 4}
END
        sed -e 's/{lr: 0.05}/{lr: {log: [0.01, 0.1]}}/' -e '$a tune: {trials: 2}' $folder.yaml >tune-$folder.yaml
    done
    expect 0 '' "$sluice" train honest.yaml -o runs/a -q
    expect 0 '' "$sluice" train honest.yaml -o runs/b -q --set seed=2
    reads stats PHOTOS
    reads doctor PHOTOS --near 0
    reads digest PHOTOS.yaml
    reads preview PHOTOS -o out.png
    reads preview PHOTOS.yaml -o out.png
    reads preprocess PHOTOS out.d
    reads preprocess PHOTOS out.d --dry-run
    reads train PHOTOS.yaml -o runs/new
    reads train PHOTOS.yaml --dry-run
    reads eval runs/a --data PHOTOS
    reads predict runs/a PHOTOS
    reads calibrate runs/a --data PHOTOS
    reads ensemble runs/a runs/b -o out.png --data PHOTOS
    reads compare runs/a runs/b --data PHOTOS
    reads inspect runs/a --featmaps PHOTOS -o out.d
    reads prune runs/a -o out.png --data PHOTOS
    reads tune tune-PHOTOS.yaml -o studies/new
    reads lr-find PHOTOS.yaml -o out.png
    expect 1 '^[0-9]+ images/s' "$sluice" bench loader liar --ops '[{resize: {size: [8, 8]}}]' -q
}
