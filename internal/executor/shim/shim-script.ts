/**
 * The shim: the small shell program that owns a run, so that a run outlives the agent.
 *
 * It holds the two pipes into which the script writes, keeps one writer (`cat >>`) per pipe alive, starts the script as
 * its child, and writes down how that ended. It is the leader of a session of its own. It works under dash, bash and
 * busybox sh; under bash 5 it can tell every signal from every exit code, and the script gets a process group of its own;
 * the others are silent about SIGINT and SIGPIPE, which then look like exit codes 130 and 141.
 *
 * Two ways in: `run` starts at once in the run's directory; `spare` prepares everything in a directory of its own and
 * waits for one line in the FIFO `go`: `go`, or `end`. What to run then stands as shell text in descriptor 3, an unnamed
 * file in memory: environment values never touch a disk.
 *
 * Spares are made by the `nursery`, which belongs to the agent and forks in a fraction of the time that an agent with
 * all its memory takes. It reads two lines per spare: the directory, and what descriptor 3 shall be. When its stdin ends
 * the agent is gone, and it ends the spare that waits. A spare looks for its agent itself, too: both may be killed at once.
 *
 * Descriptors (dash knows one digit): 4, 5 the pipes' writing ends; 6, 7 their reading ends; 8 stdin's pipe read-write,
 * held by the holder alone; 9 its reading end. Names begin with `k_` because exported variables share the name space.
 */
export const shimScript = `# usage: shim run CAT SLEEP MKFIFO UMASK DIRECTORY INPUT INTERPRETER...
#   | shim spare CAT SLEEP MKFIFO UMASK AGENT
#   | shim nursery CAT SLEEP MKFIFO UMASK SETSID SHELL... SHIM
umask 077
exec 2>/dev/null
trap '' HUP INT QUIT USR1 USR2 ALRM TERM PIPE
k_mode=$1 k_cat=$2 k_sleep=$3 k_mkfifo=$4 k_umask=$5 k_hold= k_bash=
shift 5
case $BASH_VERSION in [5-9].* | [1-9][0-9].*) k_bash=1 ;; esac

if [ "$k_mode" = nursery ]; then
  k_dir=
  while IFS= read -r k_next && IFS= read -r k_text; do
    k_dir=$k_next
    (
      trap - HUP INT QUIT USR1 USR2 ALRM TERM PIPE
      cd "$k_dir" && exec "$@" spare "$k_cat" "$k_sleep" "$k_mkfifo" "$k_umask" "$PPID" </dev/null 3<"$k_text"
    ) &
  done
  # a spare looks for "over" once it can be spoken to, so one of the two reaches it
  : >"$k_dir/over" && [ -p "$k_dir/go" ] && echo end 1<>"$k_dir/go"
  exit
fi

# What the agent inherited or leaked is not for the run. dash cannot name descriptors of two digits.
for k_fd in /proc/self/fd/*; do
  k_fd=\${k_fd##*/}
  case $k_fd in
    [0-3] | 255 | '*') ;;
    [4-9]) eval "exec $k_fd>&-" ;;
    *) [ "$k_bash" ] && eval "exec $k_fd>&-" ;;
  esac
done

k_open() {
  [ -p pipes/stderr ] || "$k_mkfifo" pipes/stdin pipes/hold pipes/stdout pipes/stderr "$@"
  exec 4<>pipes/stdout 5<>pipes/stderr 6<pipes/stdout 7<pipes/stderr
  exec 4>pipes/stdout 5>pipes/stderr
}

# Writes a pipe (stdin) to a stream (stdout) until nobody holds the pipe any more.
k_keep() {
  while :; do
    "$k_cat" && return
    k_code=$? k_pos=
    # a spare's writers were begun in its own directory, which is gone
    [ "$k_mode" = spare ] && cd -P "/proc/$$/cwd"
    read -r k_pos k_pos </proc/self/fdinfo/1
    k_why=killed
    if [ "$k_code" -lt 128 ]; then
      k_why=full
      "$k_sleep" 1
      until printf '%262144s' '' >"probe.$1"; do
        : >"probe.$1"
        "$k_sleep" 1
      done
      : >"probe.$1"
    fi
    echo "$1 $k_pos $k_why" >>loss
  done
}
k_stdout() { exec <&6 3>&- 4>&- 5>&- 6<&- 7<&- 8>&- 9<&- >>stdout 2>/dev/null; k_keep stdout; }
k_stderr() { exec <&7 3>&- 4>&- 5>&- 6<&- 7<&- 8>&- 9<&- >>stderr 2>/dev/null; k_keep stderr; }
k_writers() {
  ( k_stdout ) &
  k_out=$!
  ( k_stderr ) &
  k_err=$!
}

# Holds the writing end of stdin until it is killed. Whoever closes stdin leaves "input-closed" first.
k_holder() {
  exec </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6<&- 7<&- 9<&-
  read -r k_line </proc/self/stat
  echo "$k_line" >holder
  [ -e input-closed ] || read -r k_line <>pipes/hold
}

# Becomes the script.
k_script() {
  trap - HUP INT QUIT USR1 USR2 ALRM TERM PIPE
  if [ "$2" = wait ]; then exec <&9; else exec </dev/null; fi
  k_pid=
  read -r k_pid k_line 2>/dev/null </proc/self/stat || k_pid=$(exec sh -c 'echo $PPID')
  echo "$k_pid" >leader
  echo 500 2>/dev/null >/proc/self/oom_score_adj
  exec >&4 2>&5 3>&- 4>&- 5>&- 6<&- 7<&- 8>&- 9<&-
  cd "$1" || exit 126
  shift 2
  umask "$k_umask"
  unset OLDPWD k_umask k_mode k_cat k_sleep k_mkfifo k_hold k_bash k_fd k_out k_err k_line k_go k_pid
  exec "$@"
}

if [ "$k_mode" = spare ]; then
  k_open go
  exec <>go
  [ -e over ] && exit
  k_writers
  read -r k_line </proc/self/stat
  echo "$k_line" >ready
  if [ "$k_bash" ]; then
    # where the nursery was killed with the agent nobody else ends it; dash cannot wait for so long only
    # when the time is over in the middle of the word, its beginning is in k_go
    k_line=
    until IFS= read -r -t 5 k_go; do k_line=$k_line$k_go; kill -0 "$1" || exit 0; done
    k_go=$k_line$k_go
  else
    IFS= read -r k_go
  fi
  [ "$k_go" = go ] || exit 0
  . /proc/self/fd/3
  exec </dev/null 3>&-
  # an agent that found no sign of us began anew, with pipes of its own
  [ pipes/stdout -ef /proc/self/fd/4 ] || exit 0
else
  k_open
fi

# One run is started once: whoever makes this file owns it.
set -C
k_line=
{ read -r k_line </proc/self/stat || k_line=$$; echo "$k_line" >shim; } || exit 0
set +C

if [ "$2" = wait ]; then
  exec 8<>pipes/stdin 9<pipes/stdin
  ( k_holder ) &
  k_hold=$!
  exec 8>&-
fi

# A shell says on its stderr when a child died of a signal; exit codes above 128 are silent.
if [ "$k_bash" ]; then
  exec 2>signal
  set -m
  ( k_script "$@" ) &
  k_child=$!
  [ "$k_mode" = spare ] || k_writers
  wait "$k_child"
  k_code=$?
  # wait also answers when a signal (19 to 22) only stopped the script; "wait -f" may spin (bash 5.2)
  case $k_code in 14[7-9] | 150)
    while [ -e "/proc/$k_child" ]; do
      "$k_sleep" 0.1
      wait "$k_child"
    done
    wait "$k_child"
    k_code=$?
    ;;
  esac
  set +m
else
  [ "$k_mode" = spare ] || k_writers
  exec 2>signal
  ( k_script "$@" )
  k_code=$?
fi
exec 2>/dev/null
k_end=code
[ "$k_code" -gt 128 ] && [ -s signal ] && k_end=signal
[ "$k_hold" ] && kill -KILL "$k_hold"
until { echo "$k_end $k_code"; times; echo .; } >exit; do
  [ -e spec.json ] || exit 1
  "$k_sleep" 1
done

# The end is known; what background children still write is kept until they let go.
exec 4>&- 5>&-
wait "$k_out"
[ $? -gt 128 ] && ( k_stdout )
wait "$k_err"
[ $? -gt 128 ] && ( k_stderr )
: >drained
`;
