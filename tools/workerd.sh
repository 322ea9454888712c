#!/bin/sh
# workerd, as Miniflare calls it, with what Python needs added after the word `serve`; it dies with its parent.
verb=$1
shift
set -- "--pyodide-bundle-disk-cache-dir=$EDGEDESK_BUNDLE" "$@"
case "${EDGEDESK_SNAPSHOT_MODE:-none}" in
save) set -- "--python-snapshot-dir=$EDGEDESK_SNAPSHOT" --python-save-baseline-snapshot "$@" ;;
load) set -- "--python-snapshot-dir=$EDGEDESK_SNAPSHOT" --python-load-snapshot=snapshot.bin "$@" ;;
esac
exec setpriv --pdeathsig KILL "$EDGEDESK_WORKERD" "$verb" "$@"
