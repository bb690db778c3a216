# shellcheck shell=sh disable=SC2154 # part of contract.sh
# What people type by mistake: nothing of theirs is lost, and the sentence says what to type instead.

section_mistakes() {
    need_fixtures
    # Pictures that are read are never written over.
    before=$(find fix -type f | sort | xargs cksum)
    for out in fix/photos fix/photos/sub fix/photos/cat/a/b ./fix/../fix/photos/x; do
        expect 2 'lies in the folder that is read' "$sluice" preprocess fix/photos "$out" --ops '[{resize: {size: 8}}]'
        expect 2 'lies in the folder that is read' "$sluice" preprocess folder:fix/photos "$out"
    done
    for ops in hflip '{resize: {size: 8}}' 3; do # no list: not "no ops"
        expect 2 '^sluice preprocess: --ops: expected a list of ops' "$sluice" preprocess fix/photos unlisted --ops "$ops"
    done
    [ ! -e unlisted ] || fail "a refused preprocess left something behind"
    mkdir mine && cp fix/photos/cat/01.jpg mine/
    expect 2 'mine: holds files that preprocess did not make .01.jpg.' "$sluice" preprocess fix/photos mine
    [ "$(find fix -type f | sort | xargs cksum)" = "$before" ] || fail "a picture was changed"
    mkdir empty
    expect 0 '24 written' "$sluice" preprocess fix/photos empty
    expect 0 '24 up to date' "$sluice" preprocess fix/photos empty
    # Several arguments, some of them bad: the rest is done.
    "$sluice" train tiny.yaml -o run -q --set train.epochs=1 \
        --set 'eval=[{resize: {size: [16, 16]}}, {normalize: {mean: 0.35, std: 0.2}}]' >/dev/null 2>&1
    echo 'hello there' >text.jpg && : >none.jpg
    for command in predict eval; do
        expect 1 'cat/00.png' "$sluice" $command run fix/photos/cat/00.png text.jpg gone.jpg none.jpg fix/photos/cat/01.jpg
        [ "$(wc -l <out)" -eq 2 ] || fail "$command did not do the rest"
        for word in 'text.jpg: is no picture: begins with the text "hello there"' 'gone.jpg: No such' 'none.jpg: is empty'; do
            grep -q "$word" err || fail "$command does not say $word"
        done
        expect 3 'text.jpg: is no picture' "$sluice" $command run text.jpg
    done
    expect 3 'text.jpg: is no picture: begins with the text' "$sluice" preprocess text.jpg x.png
    expect 3 'none.jpg: is empty' "$sluice" preprocess none.jpg x.png
    expect 3 'unknown kind "foldr"; did you mean "folder:"' "$sluice" stats foldr:fix/photos
    # A file is what its name says.
    expect 2 'x.gif: .*png' "$sluice" preview fix/photos -o x.gif
    expect 2 'x.gif: plots are written as .png or .svg|cairo' "$sluice" lr-find tiny.yaml -o x.gif
    # Places to write to are looked at before any work: nothing of what is named with them is read.
    expect 4 '^sluice preview: no/where.png: there is no directory no; make it first' "$sluice" preview gone -o no/where.png
    expect 4 'text.jpg/x.png: text.jpg is no directory' "$sluice" preview gone -o text.jpg/x.png
    while read -r line; do
        # shellcheck disable=SC2086 # words
        expect 4 '^sluice [a-z-]*: no/where.png: there is no directory no' "$sluice" $line no/where.png
        # shellcheck disable=SC2086
        expect 2 '^sluice [a-z-]*: fix: is a directory; name a file in it' "$sluice" $line fix
    done <<END
doctor gone --write-manifest
stats gone --zca
preview gone -o
predict gone gone --sheet
calibrate gone -o
ensemble gone gone -o
lr-find gone -o
schedule gone -o
inspect gone --histograms
gradcheck gone -o
report gone -o
fold gone -o
prune gone -o
paths gone -o
preprocess text.jpg
END
    while read -r line; do
        # shellcheck disable=SC2086
        expect 2 '^sluice [a-z]*: text.jpg: is a file; name a directory' "$sluice" $line text.jpg
        # shellcheck disable=SC2086
        expect 4 '^sluice [a-z]*: text.jpg/x: text.jpg is no directory' "$sluice" $line text.jpg/x
    done <<END
replay gone -o
train gone -o
eval gone -o
tune gone -o
inspect gone -o
demo -o
END
    # Nor is what exists lost: what is read, a picture of a folder that is read, what is no file.
    sum=$(cat fix/photos/cat/00.png run/model.safetensors tiny.yaml | cksum)
    expect 2 'cat/00.png: is what this command reads, and would be lost' "$sluice" preprocess fix/photos/cat/00.png fix/photos/cat/00.png
    ln -s fix/photos/cat/00.png link.png
    expect 2 'link.png: is what this command reads' "$sluice" preprocess fix/photos/cat/00.png link.png
    expect 2 'cat/00.png: lies in the folder that is read, and would be lost' "$sluice" preview fix/photos -o fix/photos/cat/00.png
    expect 2 'model.safetensors: is what this command reads' "$sluice" fold run/model.safetensors -o run/model.safetensors
    expect 2 'tiny.yaml: is what this command reads' "$sluice" lr-find tiny.yaml -o tiny.yaml
    cp fix/photos/cat/00.png own.png
    expect 2 'own.png: is what this command reads' "$sluice" predict run fix/photos --classes own.png --mc-dropout 2 --sheet own.png
    # The hundredth of many arguments is read as well as the first.
    many=$(yes fix/photos/cat/00.png | head -99)
    # shellcheck disable=SC2086 # each is an argument
    expect 2 'own.png: is what this command reads' "$sluice" predict run $many own.png --mc-dropout 2 --sheet own.png
    mkfifo pipe.png
    expect 2 'pipe.png: is no regular file' "$sluice" preview fix/photos -o pipe.png
    [ "$(cat fix/photos/cat/00.png run/model.safetensors tiny.yaml | cksum)" = "$sum" ] || fail "something that was read was written over"
    cp fix/photos/cat/00.png own.png
    expect 0 'own.png: 8 x 8 px' "$sluice" preprocess own.png own.png --ops '[{resize: {size: [8, 8]}}]' --overwrite
    [ ! -e x.gif ] || fail "x.gif was written"
    # Nothing between the quotes: an unset variable of a script.
    expect 2 '--output is empty' "$sluice" train tiny.yaml -o ''
    expect 2 'argument 1 is empty' "$sluice" train '' -o x
    expect 2 'argument 2 is empty' "$sluice" preprocess fix/photos ''
    # Names and options that are not there.
    expect 2 'unknown model "resnt18"; did you mean "resnet18"' "$sluice" inspect resnt18
    expect 3 'run/gone: No such' "$sluice" inspect run/gone
    expect 2 'unknown option --rate; .* --set KEY=VALUE changes a key of the recipe' "$sluice" train tiny.yaml -o x --rate 3
    expect 2 'draws the layers of one model: name it' "$sluice" gradcheck relu --engine blas -o x.png
    # Shapes that do not fit, and batch norm with one value: of the data, not of the recipe's words.
    expect 3 'layer linear1: expected 4 outputs, one per class.* got 7 x 1 x 1' "$sluice" train tiny.yaml -o x \
        --set 'model={layers: [flatten, {linear: {out: 7}}]}'
    expect 3 'layer conv2d0 .conv2d.: a 20 x 20 filter does not fit into 16 x 16 px' "$sluice" train tiny.yaml -o x \
        --set 'model={layers: [{conv2d: {out: 4, kernel: 20}}, flatten, {linear: {out: 4}}]}'
    for command in 'train -q -o x' 'lr-find -q'; do
        expect 3 'batch norm needs more than one value per channel; train with batches of 2' "$sluice" $command tiny.yaml \
            --set 'model={layers: [flatten, batch_norm, {linear: {out: 4}}]}' --set train.batch=1
    done
    [ ! -e x ] || fail 'a run that could not begin left its directory'
    expect 2 'maps.png: --featmaps draws a sheet for each layer and needs a folder' "$sluice" inspect run --featmaps fix/photos -o maps.png
    # What a grey data set cannot do is told with its line, before the first picture.
    printf 'data: {path: idx:fix/idx}\naugment:\n  - hflip\n  - channel_shuffle\nmodel: {name: mlp}\n' >bad.yaml
    expect 2 'bad.yaml:4: channel_shuffle needs three channels, images have 1' "$sluice" train bad.yaml -o x
    # YAML's own mistakes, in plain words.
    printf 'data:\n\tpath: x\n' >bad.yaml
    expect 2 'bad.yaml:2: a tab.*indent by spaces' "$sluice" digest bad.yaml
    printf 'a: [1, 2\nb: 3\n' >bad.yaml
    expect 2 'bad.yaml:2: .*list is not closed' "$sluice" digest bad.yaml
    printf 'a: b: 3\n' >bad.yaml
    expect 2 'bad.yaml:1: a ":" where no key can stand' "$sluice" digest bad.yaml
    printf 'data: {path: x}\n seed: 1\n' >bad.yaml
    expect 2 'bad.yaml:2: ' "$sluice" digest bad.yaml
    printf 'a: {b:{c: 1}}\n' >bad.yaml
    expect 2 'bad.yaml:1: a ":" without a space behind it' "$sluice" digest bad.yaml
    printf 'a: &x 1\nb: *x\n' >bad.yaml
    expect 2 'bad.yaml:1: anchors and aliases .* write the value out' "$sluice" digest bad.yaml
    expect 2 '01.jpg:1: is no text; a recipe is one' "$sluice" digest fix/photos/cat/01.jpg
    expect 2 'fix/photos: is a directory, not a recipe; .*--set data.path=folder:fix/photos' "$sluice" train fix/photos -o x
    printf 'hello\n' >bad.yaml
    expect 2 'bad.yaml:1: recipe: is a single value, not a map of settings$' "$sluice" digest bad.yaml
    : >bad.yaml
    expect 2 'bad.yaml.*: data.path is missing: where are the pictures' "$sluice" digest bad.yaml
    # A recipe from another system: a mark in front, carriage returns.
    { printf '\357\273\277' && sed 's/$/\r/' tiny.yaml; } >crlf.yaml
    expect 0 "$("$sluice" digest tiny.yaml | cut -c 1-64)" "$sluice" digest crlf.yaml
    expect 0 '^usage: sluice COMMAND' "$sluice" help help
}
