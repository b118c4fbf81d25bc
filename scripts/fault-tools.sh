# Sourced by test.sh and faults.sh: programs that some tests need, from Debian's packages. Where they cannot be installed
# those tests are told as skipped.
source "$ROOT/scripts/debian.sh"

# ensure_fault_tools: strace (calls that fail, and what is flushed), libfaketime (clocks that are set)
ensure_fault_tools() {
  can_install_debian || return 0
  command -v strace >/dev/null || (install_debian strace strace) || true
  compgen -G '/usr/lib*/*/faketime/libfaketimeMT.so.1' >/dev/null || (install_debian libfaketime libfaketime) || true
}
