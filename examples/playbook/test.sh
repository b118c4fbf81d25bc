#!/bin/sh
# Prints one line for each test; exits 1 when one failed.
failed=0
check() {
  got=$(printf "$1" | ./total.sh)
  if [ "$got" = "$2" ]; then echo "ok: $3"; else echo "FAILED: $3: expected $2, got $got"; failed=1; fi
}
check '' 0 'nothing costs nothing'
check '3\n4\n' 7 'two prices are added'
exit $failed
