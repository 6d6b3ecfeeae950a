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

# Whether the versions that a models.config lists answer, of those models that the server already knows.
loaded() {
    { listed "$CONFIG"; echo; listed "$1"; } |
        awk 'NF == 0 { new = 1 } NF && !new { known[$1] } NF && new && ($1 in known)' >"$TARGET/.awaited"
    while read -r model version; do
        wget -q -O - "$STATUS/$model/versions/$version" 2>/dev/null | grep -q '"state": *"AVAILABLE"' || return 1
    done <"$TARGET/.awaited"
}

await() {
    tries=0
    until loaded "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt "$LOADING_TRIES" ] || return 1
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
    while read -r model version; do
        [ -d "$TARGET/$model/$version" ] || fetch "$model" "$version" </dev/null ||
            { say "version $version of $model is damaged or not whole"; return 1; }
    done <"$TARGET/.missing"
    if [ -f "$CONFIG" ]; then
        prune "$wanted"
        cp "$CONFIG" "$TARGET/.before" && widened "$wanted" >"$TARGET/.widened" || return 1
        enforce "$TARGET/.widened"
        await "$wanted" || { enforce "$TARGET/.before"; say "the new versions do not load; the old ones go on"; return 1; }
    fi
    enforce "$wanted"
    say "serving: $(listed "$CONFIG" | tr '\n' ',' | sed 's/,$//; s/,/, /g')"
}

mkdir -p "$TARGET"
trap 'exit 0' TERM INT
while :; do
    update || true  # set -e is off inside; what went wrong was said, and is tried again
    sleep "$INTERVAL" & wait $!
done
