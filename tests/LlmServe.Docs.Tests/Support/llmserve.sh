#!/usr/bin/env bash
# Stands in for `llmserve` when the commands of a page are run: it calls the program that was built, with a model that loads in an instant. A server goes to the
# background, since a page's reader would use a second terminal; what takes long by design is shortened by options of its own.
set -euo pipefail
run() { "$DOCS_RUNTIME" "$DOCS_PROGRAM" "$@"; }

stop_server() {
  if [[ -f $DOCS_STATE/server ]]; then
    kill "$(cat "$DOCS_STATE/server")" 2>/dev/null || true
    while kill -0 "$(cat "$DOCS_STATE/server")" 2>/dev/null; do sleep 0.05; done
    rm "$DOCS_STATE/server"
  fi
}

case "${1:-} " in
  "serve ")
    if [[ " $* " == *" --help "* ]]; then run "$@"; exit; fi
    stop_server
    log=$DOCS_STATE/server.log
    : >"$log"
    ( exec "$DOCS_RUNTIME" "$DOCS_PROGRAM" "$@" ) </dev/null >"$log" 2>&1 &
    echo $! >"$DOCS_STATE/server"
    while ! grep -q '^serving ' "$log"; do
      if ! kill -0 "$(cat "$DOCS_STATE/server")" 2>/dev/null; then cat "$log" >&2; rm "$DOCS_STATE/server"; exit 1; fi
      sleep 0.05
    done
    cat "$log"
    ;;
  "loadtest ")
    shortened=()
    while (($#)); do
      if [[ $1 == --requests ]]; then shift; else shortened+=("$1"); fi
      shift
    done
    run "${shortened[@]}" --requests 6
    ;;
  "bench ")
    run "$@" $([[ " $* " == *" --quick "* ]] || echo --quick) --runs 1
    ;;
  *)
    run "$@"
    ;;
esac
