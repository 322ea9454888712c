#!/bin/sh
# quietly.sh TOTAL COMMAND...: run pip and show on one line how many of TOTAL packages it has got; all that it said where it fails.
set -u
total=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ -t 1 ] && start='\r' || start=''

show() { printf "$start  %d of %d packages%s" "$got" "$total" "$1"; }

{ "$@" 2>&1 || echo "quietly: failed with $?"; } | tee "$log" | {
    got=0
    while IFS= read -r line; do
        case $line in
            "Collecting "* | "Processing "*) got=$((got + 1)) && [ -z "$start" ] || show "" ;;
            "Installing collected packages"*) [ -z "$start" ] || show " fetched; unpacking" ;;
        esac
    done
    [ "$got" -eq 0 ] || show "                    
"
}
if grep -q '^quietly: failed with ' "$log"; then
    cat "$log" >&2
    exit 1
fi
