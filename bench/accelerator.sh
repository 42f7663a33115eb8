#!/usr/bin/env bash
# Makes the most of a few minutes on a CUDA GPU; see --help.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: bash bench/accelerator.sh [--rehearse] [RUN_FOLDER ...]

In at most MINUTES: the tests marked gpu, `hnas bench` on the device, and for the rest of the time the trainings in the
run folders, all side by side (a small network leaves most of a GPU idle; through CUDA's multi-process service where
that is installed), from their newest checkpoints on. What they reach goes to OUT, from where a CPU goes on:

  tar -xf OUT/runs.tar -C runs/family    # then the same `hnas train ... --resume` as ever

The run folders themselves stay as they are. A phase that fails does not stop the next one; the exit status is then 1.

  RUN_FOLDER  runs of `hnas train`; by default all unfinished ones in runs/family
  --rehearse  tries the script itself on the CPU in less than three minutes, on small runs that it makes

Set in the environment:
  OUT        output folder: runs.tar, bench.jsonl, log.txt, summary.txt, 16 MiB at most   (runs/accelerator)
  DATA       folders with the training pictures, a colon between them                     (as the runs were started)
  VAL        folder with the validation pictures                                          (as the runs were started)
  TEACHER    weights file of the teacher                                                  (as the runs were started)
  MINUTES    for everything, a whole number                                               (9)
  PRECISION  of the trainings                                                             (bf16-mixed)
  BENCHES    what `hnas bench` times, words                                               (chain-step training-step upscaling)
  PYTHON     a Python with torch and what the package needs                               (.venv/bin/python, or python3)
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
REHEARSE=
RUNS=()
for word in "$@"; do
    case $word in
        -h | --help) usage; exit 0 ;;
        --rehearse) REHEARSE=yes ;;
        -*) echo "accelerator.sh: unknown option $word; see --help" >&2; exit 2 ;;
        *) RUNS+=("$word") ;;
    esac
done

if [[ -z ${PYTHON:-} ]]; then
    PYTHON=python3
    if .venv/bin/python -c '' 2>/dev/null; then PYTHON=.venv/bin/python; fi
fi
DEVICE=cuda
OUT=${OUT:-runs/accelerator}
MINUTES=${MINUTES:-9}
PRECISION=${PRECISION:-bf16-mixed}
BENCHES=${BENCHES:-chain-step training-step upscaling}
REPEATS=3
BENCH_LIMIT=100
TEST_LIMIT=90
RESERVE=15 # seconds kept for the last packing
STARTUP=25 # seconds from a training's call to its first step
export PYTHONPATH="src${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
WORK=$(mktemp -d)
finish() {
    if [[ -n ${CUDA_MPS_PIPE_DIRECTORY:-} ]]; then echo quit | nvidia-cuda-mps-control >/dev/null 2>&1 || true; fi
    rm -rf "$WORK"
}
trap finish EXIT
mkdir -p "$WORK/runs" "$OUT"
rm -f "$OUT"/{runs.tar,bench.jsonl,log.txt,summary.txt}

say() { echo "$*" | tee -a "$OUT/log.txt"; }
tool() { "$PYTHON" bench/accelerator.py "$@"; }

PHASES=()
FAILED=0
STATUS=0
note() { # name, seconds, status
    local how=done
    if [[ $3 != 0 ]]; then how="failed ($3)"; FAILED=1; fi
    if [[ $3 == 124 || $3 == 137 ]]; then how="out of time"; fi
    PHASES+=("$(printf '%-34s %4d s  %s' "$1" "$2" "$how")")
}
phase() { # name, limit in seconds, command; standard output goes to RESULTS where that is set
    local name=$1 limit=$2 began=$SECONDS
    shift 2
    STATUS=0
    say "== $name, at most $limit s"
    if ((limit < 1)); then
        STATUS=124
    elif [[ -n ${RESULTS:-} ]]; then
        timeout --signal=INT --kill-after=5 "$limit" "$@" 2>&1 >>"$RESULTS" | tee -a "$OUT/log.txt" || STATUS=$?
    else
        timeout --signal=INT --kill-after=5 "$limit" "$@" 2>&1 | tee -a "$OUT/log.txt" || STATUS=$?
    fi
    TOOK=$((SECONDS - began))
    note "$name" "$TOOK" "$STATUS"
}

if [[ -n $REHEARSE ]]; then
    DEVICE=cpu MINUTES=2 PRECISION=32-true BENCHES=chain-step REPEATS=1 STARTUP=10
    # The rehearsal's runs, begun where the pictures lie at another place, as on another machine.
    export XDG_CACHE_HOME=$WORK/cache
    tool sample "$WORK/there"
    rehearsed() { # name, chain, steps: TRAIN becomes the command of that training
        TRAIN=("$PYTHON" -m hnas train "$WORK/there/$2.json" --run-dir "$WORK/family/$1" --steps "$3"
            --data "$WORK/there/data" --val "$WORK/there/val" --teacher "$WORK/there/teacher.safetensors"
            --batch 4 --patch 16 --lr 4e-3 --loss l1+fft --ema 0.999 --grad-clip 0.5 --accelerator cpu)
    }
    rehearsed short chain-4x3 2000
    "${TRAIN[@]}" --max-minutes 0.01
    rehearsed long chain-8x2 1000000
    "${TRAIN[@]}" --max-minutes 0.02
    mv "$WORK/there" "$WORK/here"
    RUNS=("$WORK/family/long" "$WORK/family/short")
    DATA=$WORK/here/data VAL=$WORK/here/val TEACHER=$WORK/here/teacher.safetensors
fi
if ((${#RUNS[@]} == 0)); then
    for config in runs/family/*/config.yaml; do
        if [[ -f $config && ! -f ${config%config.yaml}weights.safetensors ]]; then RUNS+=("${config%/config.yaml}"); fi
    done
fi
FOLDERS=()
for word in "${RUNS[@]}"; do
    if ! [[ -f $word/config.yaml ]]; then echo "accelerator.sh: $word is no run folder" >&2; exit 2; fi
    FOLDERS+=("${word%/}")
done
[[ $MINUTES =~ ^[0-9]+$ ]] || { echo "accelerator.sh: MINUTES is $MINUTES; a whole number is needed" >&2; exit 2; }

BEGAN=$SECONDS
DEADLINE=$((BEGAN + 60 * MINUTES))
left() { echo $((DEADLINE - RESERVE - SECONDS)); }
least() { echo $(($1 < $2 ? $1 : $2)); }

phase "check" 60 "$PYTHON" bench/accelerator.py check "$DEVICE"
if [[ $STATUS != 0 ]]; then exit 1; fi

mapfile -t tests < <(grep -rl --include='test_*.py' 'mark\.gpu' tests | sort)
phase "tests" "$(least $TEST_LIMIT "$(left)")" "$PYTHON" -m pytest -q -m gpu -p no:cacheprovider "${tests[@]}"

bench_end=$((SECONDS + BENCH_LIMIT))
for name in $BENCHES; do
    RESULTS=$OUT/bench.jsonl phase "bench $name" "$(least $((bench_end - SECONDS)) "$(left)")" \
        "$PYTHON" -m hnas bench --only "$name" --device "$DEVICE" --repeats "$REPEATS" --genotypes 2 --json
done

if ((${#FOLDERS[@]})); then
    phase "run folders" "$(left)" "$PYTHON" bench/accelerator.py prepare --work "$WORK/runs" --data "${DATA:-}" \
        --val "${VAL:-}" --teacher "${TEACHER:-}" "${FOLDERS[@]}"
    phase "teacher's pictures" "$(least 150 "$(left)")" "$PYTHON" bench/accelerator.py teach "$WORK/runs"
fi
if [[ $DEVICE == cuda ]] && command -v nvidia-cuda-mps-control >/dev/null; then
    export CUDA_MPS_PIPE_DIRECTORY=$WORK/mps CUDA_MPS_LOG_DIRECTORY=$WORK/mps
    mkdir -p "$WORK/mps"
    nvidia-cuda-mps-control -d || unset CUDA_MPS_PIPE_DIRECTORY
fi
train() { # folder of a prepared run: its training to the end of the time; log and phases beside the folder
    local copy=$1 graph spare hundredths
    PHASES=()
    for graph in auto off; do # what fails as a CUDA graph is tried without one
        spare=$(($(left) - STARTUP))
        hundredths=$(((spare > 5 ? spare : 5) * 100 / 60))
        phase "train $(basename "$copy")" "$(left)" "$PYTHON" -m hnas train --config "$copy/config.yaml" \
            --run-dir "$copy" --resume --accelerator "$DEVICE" --precision "$PRECISION" --graph "$graph" \
            --max-minutes "$(printf '%d.%02d' $((hundredths / 100)) $((hundredths % 100)))"
        if [[ $STATUS == 0 || $STATUS == 124 || $STATUS == 137 || $DEVICE == cpu ]]; then break; fi
    done
    printf '%s\n' "${PHASES[@]}" >"$copy.phases"
    return "$STATUS"
}
TRAININGS=()
for folder in "${FOLDERS[@]}"; do
    copy=$WORK/runs/$(basename "$folder")
    if [[ -d $copy ]]; then train "$copy" & TRAININGS+=($!); fi
done
for training in "${TRAININGS[@]}"; do wait "$training" || FAILED=1; done
if ((${#FOLDERS[@]})); then
    mapfile -t -O "${#PHASES[@]}" PHASES < <(cat "$WORK"/runs/*.phases)
    tool pack --work "$WORK/runs" --output "$OUT/runs.tar" "${FOLDERS[@]}" >"$WORK/progress.txt" 2>&1 || FAILED=1
fi

if [[ -n $REHEARSE ]]; then
    # Back where they began, with the settings that they began with.
    mv "$WORK/here" "$WORK/there"
    tar -xf "$OUT/runs.tar" -C "$WORK/family"
    reached=$(sed -n 's/^long: step .* to \([0-9]*\).*/\1/p' "$WORK/progress.txt")
    phase "long goes on" 60 "${TRAIN[@]}" --resume --max-minutes 0.02
    on=$(sed -n 's/.*stopped after step \([0-9]*\) .*/\1/p' "$OUT/log.txt" | tail -1)
    say "long was left at step ${reached:-?} and stopped after step ${on:-?}"
    if ((${on:-0} <= ${reached:-0})) || [[ ! -f $WORK/family/short/weights.safetensors ]]; then FAILED=1; fi
fi
{
    echo "$((SECONDS - BEGAN)) s in all"
    printf '%s\n' "${PHASES[@]}"
    tool figures "$OUT/bench.jsonl"
    if [[ -f $WORK/progress.txt ]]; then cat "$WORK/progress.txt"; fi
    du -h "$OUT"/*
} 2>&1 | tee "$OUT/summary.txt"
exit $FAILED
