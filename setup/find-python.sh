#!/bin/sh
# Prints the command of a Python 3.11, or says what is missing and exits with 1.
# A candidate is run, not only looked for: a version manager's shim can stand for nothing. One that
# can make environments goes first; of one that cannot, set-up itself will say so.
ask='import sys
try:
    import ensurepip, venv
    able = "able"
except ImportError:
    able = "unable"
print("%d.%d" % sys.version_info[:2], able)'
for candidate in "$PYTHON" python3.11 python3 python; do
  [ -n "$candidate" ] || continue
  found=$("$candidate" -c "$ask" 2>/dev/null) || continue
  case $found in
    "3.11 able")
      printf '%s\n' "$candidate"
      exit 0
      ;;
    "3.11 unable") second=${second:-$candidate} ;;
    *) seen="$seen $candidate=${found%% *}" ;;
  esac
done
if [ -n "$second" ]; then
  printf '%s\n' "$second"
  exit 0
fi
echo "onesource set-up: no Python 3.11 was found (looked at PYTHON, python3.11, python3, python;" \
  "found:${seen:- none}); install Python 3.11, or run: make PYTHON=/path/to/python3.11 …" >&2
exit 1
