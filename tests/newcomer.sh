#!/usr/bin/env bash
# The README's two commands, as somebody types them who has just cloned the project: `make run`
# brings a cluster that answers, Ctrl-C ends it, and `make test` passes. TESTS (as of make) chooses some
# of the tests: `make check` has run all of them on the machine of CI.
set -euo pipefail
make run >run.log 2>&1 &
run=$!
for _ in $(seq 300); do
  grep -q 'Ready' run.log && break
  kill -0 "$run" 2>/dev/null || { cat run.log; echo "newcomer: make run ended early"; exit 1; }
  sleep 1
done
grep -q 'Ready' run.log || { cat run.log; echo "newcomer: not ready after 300 s"; exit 1; }
cat run.log
.venv/bin/cucmsim fetch 127.0.1.1:6969 ITLSEP001B54C25A01.tlv -o ITL.tlv
.venv/bin/cucmsim inspect ITL.tlv | tail -1 | grep -x 'The ITL file was verified successfully.'
.venv/bin/cucmsim stop config/lab.toml
wait "$run"
make test TESTS="${TESTS:-tests}"
