# shellcheck shell=sh disable=SC2154 # part of contract.sh
# Searches: what processes, kills, failures and wrong spaces may and may not do to a study.

# search_recipe NAME LINE...: tiny.yaml with these lines of its own in place of optim.
search_recipe() {
    name=$1
    shift
    { grep -v '^optim:' tiny.yaml; printf '%s\n' "$@"; } >"$name"
}

# trials STUDY STATE: how many there are.
trials() { "$sluice" tune --show -o "$1" 2>/dev/null | grep -c "^ *[0-9][0-9]*  $2 "; }

plain_search() {
    search_recipe search.yaml 'optim: {name: sgd, lr: {log: [1e-3, 1]}, momentum: {uniform: [0, 0.9]}}' \
        'tune: {search: {name: random}, trials: 6}'
}

check_spaces() {
    search_recipe none.yaml 'optim: {lr: 0.1}'
    expect 2 'none.yaml: .*nothing to search.*log' "$sluice" tune none.yaml -o none
    search_recipe bad.yaml 'optim: {lr: {log: [1, 0.1]}}'
    expect 2 'bad.yaml:[0-9]+.*lr.*empty' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {name: {choice: []}}'
    expect 2 'bad.yaml:[0-9]+.*name.*empty' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {lrr: {log: [0.1, 1]}}'
    expect 2 'bad.yaml:[0-9]+.*lrr.*did you mean.*lr' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {lr: 0.1, momentum: {uniform: [0, 1.5]}}'
    expect 2 'momentum' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {name: {choice: [sgd, adomw]}, lr: 0.1}'
    expect 2 'adomw.*did you mean.*adamw' "$sluice" tune bad.yaml -o none
    # Every choice that names something, wherever it stands in its list.
    search_recipe bad.yaml 'optim: {lr: 0.1}'
    sed -i 's/^model:.*/model: {name: {choice: [mlp, resnt20, lenet5]}}/' bad.yaml
    expect 2 'bad.yaml:12: unknown model .resnt20.; did you mean .resnet20.' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'schedule: {name: {choice: [cosine, constnt, step]}}'
    expect 2 'constnt.*did you mean.*constant' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {lr: 0.1}' 'loss: {choice: [{name: cross_entropy}, {name: focl}, {name: focal}]}'
    expect 2 'focl.*did you mean.*focal' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {lr: 0.1}'
    sed -i 's/hflip: .*/{choice: [hflip, vflap, vflip]}/' bad.yaml
    expect 2 'vflap.*did you mean.*vflip' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {lr: {log: [1e-3, 1], when: {optim.nome: sgd}}}'
    expect 2 'optim.nome' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {lr: {log: [1e-3, 1]}}' 'tune: {search: {name: bayez}}'
    expect 2 'did you mean.*bayes' "$sluice" tune bad.yaml -o none
    search_recipe bad.yaml 'optim: {lr: {log: [1e-3, 1]}}' 'tune: {trails: 3}'
    expect 2 'bad.yaml:[0-9]+.*trails.*did you mean.*trials' "$sluice" tune bad.yaml -o none
    sed 's/val_fraction: 0.25/val_fraction: {uniform: [0.1, 0.3]}/' search.yaml >bad.yaml
    expect 2 'val_fraction.*must not change the data' "$sluice" tune bad.yaml -o none
    sed 's/, val_fraction: 0.25//' search.yaml >bad.yaml
    expect 2 'validation' "$sluice" tune bad.yaml -o none
    [ -e none ] && fail "a refused search left a study behind"
    expect 2 'searched for.*sluice tune' "$sluice" train search.yaml -o none
}

section_tune_space() {
    need_fixtures
    plain_search
    check_spaces
    export OMP_WAIT_POLICY=passive # small nets on busy machines
    # Every way to search and to pace; a key that only counts beside another.
    search_recipe all.yaml 'optim: {name: {choice: [sgd, adamw]}, lr: {log: [1e-3, 0.1]},' \
        '  beta2: {uniform: [0.9, 0.99], when: {optim.name: adamw}}}' 'tune: {trials: 4}'
    for search in grid random quasi '{name: bayes, startup: 2}' '{name: tpe, startup: 2}'; do
        expect 0 'best: trial' "$sluice" tune all.yaml -o "by $search" -q --set "tune.search=$search" \
            --set train.epochs=1
    done
    # Where beta2 is not used, its values make no trials of their own: 5 of sgd, 25 of adamw.
    expect 0 'best: trial' "$sluice" tune all.yaml -o 'by grid' -q --set tune.search=grid \
        --set tune.trials=7 --set train.epochs=1
    [ "$(grep -c ' sgd .* -$' out)" -eq 5 ] || fail "the grid tried values that are not used"
    for pacer in none median asha; do
        expect 0 'best: trial' "$sluice" tune all.yaml -o "by $pacer" -q --set "tune.pacer=$pacer"
    done
    for plot in history importance parallel slice; do
        head -c 8 "by asha/$plot.png" | od -An -tx1 | grep -q '89 50 4e 47' || fail "$plot.png is no PNG"
        grep -q '<svg' "by asha/$plot.svg" || fail "$plot.svg is no SVG"
    done
    expect 0 'model.safetensors' "$sluice" train 'by none/best.yaml' -o best -q
    # An end by target, and by time.
    expect 0 'best: trial' "$sluice" tune all.yaml -o target -q --set tune.target=0.01
    [ "$(trials target done)" -eq 1 ] || fail "a target that is easily reached did not end the search"
    expect 0 '' "$sluice" tune all.yaml -o short -q --set tune.minutes=1e-5 --set tune.trials=0
}

section_tune_study() {
    need_fixtures
    plain_search
    # Two processes: each trial once, each with all of its epochs.
    "$sluice" tune search.yaml -o both -q --threads 1 >/dev/null 2>&1 &
    pid=$!
    expect 0 'best: trial' "$sluice" tune search.yaml -o both -q --threads 1
    wait $pid || fail "the second process failed"
    [ "$(trials both done)" -eq 6 ] || fail "two processes made not 6 trials"
    [ "$(cat both/trials/*/metrics.jsonl | wc -l)" -eq 18 ] || fail "two processes trained not 18 epochs"
    # One of two is killed: the other does all that is left, and nothing twice.
    "$sluice" tune search.yaml -o one -q --threads 1 >/dev/null 2>&1 &
    pid=$!
    "$sluice" tune search.yaml -o one -q --threads 1 >/dev/null 2>&1 &
    other=$!
    tries=0
    while [ ! -e one/trials/0001/state.safetensors ] && [ $tries -lt 3000 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
    # shellcheck disable=SC2046 # a process and its child
    kill -9 $pid $(ps -o pid= --ppid $pid) 2>/dev/null
    wait $pid 2>/dev/null
    wait $other || fail "the process that was left failed"
    [ "$(trials one done)" -eq 6 ] || fail "with one of two killed not 6 trials were made"
    [ "$(cat one/trials/*/metrics.jsonl | wc -l)" -eq 18 ] || fail "with one of two killed not 18 epochs were trained"
    # Killed: the same command goes on; a trial trained again scores the same.
    expect 0 'best: trial' "$sluice" tune search.yaml -o whole -q --threads 1
    sort_table() { "$sluice" tune --show -o "$1" | sed 's/  *[0-9.]*s* *//5' | awk '{print $1, $2, $3, $4}' | sort; }
    for round in 1 2 3; do
        rm -rf cut
        "$sluice" tune search.yaml -o cut -q --threads 1 >/dev/null 2>&1 &
        pid=$!
        tries=0
        while [ ! -e "cut/trials/000$round/state.safetensors" ] && [ $tries -lt 3000 ]; do
            tries=$((tries + 1))
            sleep 0.01
        done
        kill -9 $pid
        wait $pid 2>/dev/null
        expect 0 'best: trial' "$sluice" tune search.yaml -o cut -q --threads 1
        [ "$(sort_table cut)" = "$(sort_table whole)" ] || fail "a killed study ended otherwise, round $round"
    done
    expect 0 '3 epochs scored the same, 0 not' "$sluice" tune --rerun 2 -o whole -q
    cmp -s whole/again/0002/model.safetensors whole/trials/0002/model.safetensors ||
        fail "a trial trained again has other weights"
    expect 2 'no trial 17' "$sluice" tune --rerun 17 -o whole
    expect 2 'N:RUN' "$sluice" tune --rerun x -o whole
    # More trials of the same study, but nothing that would make its scores mean something else.
    expect 0 'best: trial' "$sluice" tune search.yaml -o whole -q --set tune.trials=7
    [ "$(trials whole done)" -eq 7 ] || fail "a larger budget was not used"
    expect 2 'another recipe.*seed' "$sluice" tune search.yaml -o whole --set seed=9
    expect 2 'another recipe.*tune.metric' "$sluice" tune search.yaml -o whole --set tune.metric=loss
    expect 3 'nowhere' "$sluice" tune --show -o nowhere
    mkdir text && echo nonsense >text/study.sqlite
    expect 3 'text/study.sqlite' "$sluice" tune search.yaml -o text
}

section_tune_memory() { # sanitizers need more address space than the limit leaves
    need_fixtures
    # Where the model does not fit, the trial fails and the study goes on.
    search_recipe big.yaml 'optim: {lr: 0.05}' 'tune: {search: {name: grid}, trials: 4}'
    sed -i 's/^model:.*/model: {layers: [flatten, linear: {name: a, out: {choice: [16, 4000000, 24]}}, relu, linear: {name: b, out: 4}]}/' big.yaml
    expect 0 'best: trial' sh -c "ulimit -v 4000000; exec '$sluice' tune big.yaml -o big -q --threads 1"
    [ "$(trials big failed)" -eq 1 ] && [ "$(trials big done)" -eq 2 ] || fail "not one trial of three failed"
    grep -q '4000000.*(.*memory' out || fail "the table does not tell why the trial failed"
}

section_tune_failures() {
    need_fixtures
    # A trial whose process is shot is recorded, and the study goes on.
    search_recipe shot.yaml 'optim: {lr: {log: [0.01, 0.1]}}' 'tune: {search: {name: random}, trials: 3}'
    "$sluice" tune shot.yaml -o shot -q --threads 1 --set train.epochs=20 >out 2>err &
    pid=$!
    while [ ! -e shot/trials/0001/state.safetensors ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
    child=$(ps -o pid= --ppid $pid | tr -d ' ')
    kill -9 "$child"
    wait $pid || fail "a trial that was shot ended the study"
    [ "$(trials shot failed)" -eq 1 ] && [ "$(trials shot done)" -eq 2 ] || fail "not one trial was shot"
    grep -q 'signal 9' out || fail "the table does not tell of the signal"
    # A stop is heard within the trial, whoever of the two processes is told.
    "$sluice" tune shot.yaml -o soft -q --threads 1 --set train.epochs=100000 >out 2>err &
    pid=$!
    while [ ! -e soft/trials/0000/state.safetensors ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
    kill -TERM $pid
    wait $pid
    code=$?
    [ $code -eq 130 ] || fail "a stopped study ended with exit code $code, not 130"
    # A net of which the data alone shows that it does not fit fails, the other is trained; where
    # all fail, it is a finding.
    search_recipe odd.yaml 'optim: {lr: 0.05}' 'tune: {search: {name: grid}, trials: 2}'
    sed -i 's/^model:.*/model: {layers: [flatten, linear: {name: a, out: {choice: [4, 5]}}]}/' odd.yaml
    expect 0 ' 5  .*expected 4 outputs' "$sluice" tune odd.yaml -o odd -q
    [ "$(trials odd failed)" -eq 1 ] && [ "$(trials odd done)" -eq 1 ] || fail "not one choice of two failed"
    sed 's/\[4, 5\]/[6, 5]/' odd.yaml >none.yaml
    expect 1 'no trial came to a score' "$sluice" tune none.yaml -o none -q
    [ ! -e none/best.yaml ] || fail "the best of nothing was written"
}

section_lr_find() {
    need_fixtures
    export OMP_WAIT_POLICY=passive
    before=$(find . -type f | sort | xargs cksum)
    expect 0 '"steepest":[0-9.e-]*,.*"diverged":false,"lr":\[1e-5,' "$sluice" lr-find tiny.yaml -q --steps 40 --hi 0.5 --json
    [ "$(tr -cd ',' <out | wc -c)" -ge 120 ] || fail "not 40 rates, losses and smoothed ones"
    expect 0 '^try: sluice train tiny.yaml --set optim.lr=' "$sluice" lr-find tiny.yaml -q --steps 40
    expect 0 "^try: sluice train tiny.yaml --set 'optim.lr=0.2' --set 'optim.momentum=0' --set optim.lr=[0-9.e-]* -o RUN" \
        "$sluice" lr-find tiny.yaml -q --steps 40 --set optim.lr=0.2 --set optim.momentum=0
    [ "$(rm -f out err; find . -type f | sort | xargs cksum)" = "$before" ] || fail "the ramp left or changed files"
    # Far too high rates run away, and the ramp ends there (how far it gets depends on the arithmetic).
    expect 0 'did not fall anywhere between 1 and' "$sluice" lr-find tiny.yaml -q --lo 1 --hi 1e6 --set train.precision=f32
    expect 0 '"diverged":true' "$sluice" lr-find tiny.yaml -q --lo 1 --hi 1e6 --json --set train.precision=f32
    grep -qi 'nan\|inf' out && fail "no number in JSON"
    if "$sluice" lr-find tiny.yaml -q --steps 20 -o lr.png >out 2>err; then
        [ "$(head -c 4 lr.png | tail -c 3)" = PNG ] || fail "lr.png is no picture"
    else
        grep -q 'without cairo' err || fail "lr-find -o"
    fi
    expect 2 'makes no ramp' "$sluice" lr-find tiny.yaml --lo 1 --hi 0.1
    expect 2 'not between' "$sluice" lr-find tiny.yaml --steps 1
}
