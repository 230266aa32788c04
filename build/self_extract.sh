#!/bin/sh
# Sentinel @VERSION@. The program lies behind this script; the first start unpacks it into a cache folder
# (SENTINEL_CACHE, else XDG_CACHE_HOME/sentinel, else ~/.cache/sentinel), later starts run from there.
set -eu
if [ -n "${SENTINEL_CACHE:-}" ]; then cache=$SENTINEL_CACHE
elif [ -n "${XDG_CACHE_HOME:-}" ]; then cache=$XDG_CACHE_HOME/sentinel
elif [ -n "${HOME:-}" ]; then cache=$HOME/.cache/sentinel
else
  echo "sentinel: set SENTINEL_CACHE to a folder to unpack into; there is no HOME" >&2
  exit 1
fi
program=$cache/@VERSION@-@DIGEST@
if [ ! -f "$program/complete" ]; then
  mask=$(umask)
  umask 077
  mkdir -p "$cache"
  part=$(mktemp -d "$cache/part.XXXXXXXX")
  trap 'rm -rf "$part"' EXIT
  trap 'exit 1' HUP INT TERM
  tail -n +@LINES@ "$0" | tar -xzf - -C "$part"
  : > "$part/complete"
  # Of several first starts one wins; a rename puts the whole folder there or nothing.
  mv -T "$part" "$program" 2> /dev/null || [ -f "$program/complete" ]
  rm -rf "$part"
  trap - EXIT HUP INT TERM
  umask "$mask"
fi
if [ ! -O "$program" ] && [ "$(id -u)" != 0 ]; then
  echo "sentinel: $program belongs to somebody else" >&2
  exit 1
fi
export DENO_DIR="$program/state" DENO_NO_UPDATE_CHECK=1
exec "$program/deno" run @FLAGS@ --no-config --no-lock --no-remote "$program/main.js" "$@"
