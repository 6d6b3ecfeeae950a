#!/bin/sh
# Bring published models to a model server's disk, and keep them up to date: models.sh SOURCE TARGET STATUS
#
# SOURCE  what Forger's push writes (<home>/serving), as a path for rclone: a directory, or remote:bucket/prefix
# TARGET  the directory that tensorflow_model_server reads; it polls TARGET/models.config
# STATUS  the server's REST address of its models: http://HOST:8501/v1/models
#
# Needs rclone, and a POSIX shell with awk, sha256sum and wget (busybox has them). INTERVAL: seconds between two looks.
#
# TensorFlow Serving sets labels before it loads versions, and refuses a file that moves a label to a version which is not yet
# loaded, whole (server_core.cc, ReloadConfig). So a change is applied in two steps: first the new versions beside the old ones,
# with the old labels; then, when they answer, the new file. A version that doesn't load never gets a label.
#
# Each model is followed by itself: one that cannot be copied or loaded stays as it is in force, and the others go on.
set -eu

SOURCE=$1 TARGET=$2 STATUS=$3
INTERVAL=${INTERVAL:-10}
LOADING_TRIES=${LOADING_TRIES:-120}
CONFIG=$TARGET/models.config
export RCLONE_CONFIG="${RCLONE_CONFIG:-/dev/null}"  # remotes come from RCLONE_CONFIG_<NAME>_... in the environment

say() { echo "models.sh: $*" >&2; }

# The versions that a models.config lists, as lines "MODEL VERSION".
listed() { awk '$1 == "name:" { gsub(/"/, "", $2); name = $2 } $1 == "versions:" { print name, $2 }' "$1"; }

# A models.config with this disk's paths in it.
localised() {
    awk -v target="$TARGET" '$1 == "name:" { name = $2; gsub(/"/, "", name) }
        $1 == "base_path:" { sub(/".*"/, "\"" target "/" name "\"") } { print }' "$1"
}

# For awk: gathers each model's entry in a models.config; `whole` is true on its last line.
# shellcheck disable=SC2016  # the dollars are awk's
ENTRY='{ whole = 0 }
    $1 == "config" { inside = 1; depth = 0; entry = "" }
    inside { entry = entry $0 "\n" }
    $1 == "name:" { name = $2; gsub(/"/, "", name) }
    $NF == "{" { depth++ }
    $1 == "}" { depth-- }
    inside && depth == 0 { inside = 0; whole = 1 }
'

# The models that two models.configs have, each with an entry of its own: changed OLD NEW.
changed() {
    awk "$ENTRY"'
        whole && part == 1 { old[name] = entry }
        whole && part == 2 && (name in old) && entry != old[name] { print name }
    ' part=1 "$1" part=2 "$2"
}

# A models.config, but some models as another one has them, or left out where it hasn't: mixed CONFIG MODELS OTHER.
mixed() {
    awk 'part == 1 { chosen[$1]; next } '"$ENTRY"'
        whole && part == 2 { other[name] = entry }
        whole && part == 3 { printf "%s", (name in chosen) ? other[name] : entry }
        !whole && part == 3 && !inside { print }
    ' part=1 "$2" part=2 "$3" part=3 "$1"
}

# The models.config in force, with the versions of another one added to its own.
widened() {
    listed "$1" >"$TARGET/.added"
    awk 'NR == FNR { added[$1] = added[$1] " " $2; next }
        $1 == "name:" { name = $2; gsub(/"/, "", name) }
        $1 == "versions:" { if (index(added[name] " ", " " $2 " ")) next }
        { print }
        $1 == "specific" { count = split(added[name], all, " "); for (i = 1; i <= count; i++) print "versions: " all[i] }
    ' "$TARGET/.added" "$CONFIG"
}

# A rename: the server never reads half a file.
enforce() { mv "$1" "$CONFIG"; }

# Copy one version, check it against the manifest that the push wrote last, and show it whole.
fetch() {
    staging=$TARGET/.staging
    rm -rf "$staging"
    rclone copy --quiet "$SOURCE/$1/$2" "$staging" || return 1
    sed -n 's/^ *"\(.*\)": "\([0-9a-f]\{64\}\)",\{0,1\}$/\2  \1/p' "$staging/assets.extra/manifest.json" >"$TARGET/.digests"
    [ -s "$TARGET/.digests" ] && (cd "$staging" && sha256sum -c "$TARGET/.digests" >/dev/null 2>&1) || return 1
    mkdir -p "$TARGET/$1" && mv "$staging" "$TARGET/$1/$2" || return 1
    say "copied version $2 of $1"
}

# Whether the versions of one model that a models.config lists answer: loaded MODEL CONFIG.
loaded() {
    for version in $(listed "$2" | awk -v model="$1" '$1 == model { print $2 }'); do
        wget -q -O - "$STATUS/$1/versions/$version" 2>/dev/null | grep -q '"state": *"AVAILABLE"' || return 1
    done
}

# Enforce a models.config for each model in .waiting as soon as that one is loaded. Those that never are remain in .waiting.
await() {
    tries=0
    : >"$TARGET/.moved"
    while :; do
        while read -r model; do
            if loaded "$model" "$1"; then echo "$model" >>"$TARGET/.moved"; else echo "$model"; fi
        done <"$TARGET/.waiting" >"$TARGET/.late"
        if ! cmp -s "$TARGET/.late" "$TARGET/.waiting"; then
            mixed "$TARGET/.widened" "$TARGET/.moved" "$1" >"$TARGET/.next" && enforce "$TARGET/.next" || return 1
            mv "$TARGET/.late" "$TARGET/.waiting"
        fi
        tries=$((tries + 1))
        [ -s "$TARGET/.waiting" ] && [ "$tries" -lt "$LOADING_TRIES" ] || return 0
        sleep 1
    done
}

# Delete what is neither in force nor wanted.
prune() {
    { listed "$CONFIG"; listed "$1"; } >"$TARGET/.kept"
    for directory in "$TARGET"/*/*/; do
        version=$(basename "$directory") model=$(basename "$(dirname "$directory")")
        grep -qxF "$model $version" "$TARGET/.kept" || rm -rf "$directory"
    done
}

update() {
    wanted=$TARGET/.wanted
    rclone cat "$SOURCE/models.config" >"$TARGET/.published" || { say "cannot read $SOURCE/models.config"; return 1; }
    localised "$TARGET/.published" >"$wanted" || return 1
    [ ! -f "$CONFIG" ] || ! cmp -s "$wanted" "$CONFIG" || return 0
    listed "$wanted" >"$TARGET/.missing"
    [ -s "$TARGET/.missing" ] || { say "$SOURCE/models.config lists no version"; return 1; }
    : >"$TARGET/.damaged"
    while read -r model version; do
        grep -qxF "$model" "$TARGET/.damaged" || [ -d "$TARGET/$model/$version" ] || fetch "$model" "$version" </dev/null ||
            { say "version $version of $model is damaged or not whole"; echo "$model" >>"$TARGET/.damaged"; }
    done <"$TARGET/.missing"
    before=$TARGET/.before possible=$TARGET/.possible
    if [ -f "$CONFIG" ]; then
        prune "$wanted"
        cp "$CONFIG" "$before" || return 1
    else
        : >"$before"
    fi
    mixed "$wanted" "$TARGET/.damaged" "$before" >"$possible" || return 1
    ! cmp -s "$possible" "$before" && [ -n "$(listed "$possible")" ] || return 1
    changed "$before" "$possible" >"$TARGET/.waiting" || return 1
    if [ -s "$TARGET/.waiting" ]; then
        widened "$possible" >"$TARGET/.widened" && cp "$TARGET/.widened" "$TARGET/.next" || return 1
        enforce "$TARGET/.next"
        await "$possible" || return 1
    fi
    # Models that are new to the server come only now: it looks at no other file until it has loaded them.
    mixed "$possible" "$TARGET/.waiting" "$before" >"$TARGET/.next" || return 1
    enforce "$TARGET/.next"
    while read -r model; do say "the new versions of $model do not load; the old ones go on"; done <"$TARGET/.waiting"
    cmp -s "$before" "$CONFIG" || say "serving: $(listed "$CONFIG" | tr '\n' ',' | sed 's/,$//; s/,/, /g')"
}

mkdir -p "$TARGET"
trap 'exit 0' TERM INT
while :; do
    update || true  # set -e is off inside; what went wrong was said, and is tried again
    sleep "$INTERVAL" & wait $!
done
