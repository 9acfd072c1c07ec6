#!/bin/sh
# A hook for `cucmsim scenario run --device-hook`: cucmsim's own phone in the place of a device.
# Write one like it for a device of your own: docs/testing-a-real-phone.md says what it is told.
# The phone's memory is kept in $FLASH, so that it outlives a reset.
set -eu
: "${FLASH:?where the phone keeps its flash}"
: "${CUCMSIM:=cucmsim}"

boot() {
    set -- --mac "$CUCMSIM_MAC" --model "$CUCMSIM_MODEL" --flash "$FLASH"
    for server in $CUCMSIM_TFTP; do set -- "$@" --tftp "$server"; done
    for host in $CUCMSIM_HOSTS; do set -- "$@" --host "$host"; done
    exec $CUCMSIM phone boot --keep "$@"
}

case "$CUCMSIM_ACTION" in
    boot) boot ;;
    move) ;; # the next boot has the new servers in CUCMSIM_TFTP
    erase) exec $CUCMSIM phone erase "$FLASH" ;;
    *)
        echo "this device cannot $CUCMSIM_ACTION" >&2
        exit 1
        ;;
esac
