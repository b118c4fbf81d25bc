/** What the first process of a pod does before it is the shim: finds its programs, takes the environment, keeps an ear open. */
import type { ReadScript } from '../shim/interpreter.ts';
import { runFile } from '../shim/run-files.ts';
import { shimScript } from '../shim/shim-script.ts';

/** Exit codes of a pod that does not get to what it is for. */
export const entryExit = { environment: 120, interpreter: 121, programs: 122, secret: 123 } as const;

/** Where the programs of the shim are looked for in an image. */
const folders = '/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin';

/**
 * Finds what is needed in the image: nobody but the pod itself can look into it. Bash is preferred, which tells every
 * signal from every exit code.
 */
const findPrograms = `k_turn=$1
shift
k_find() {
  k_found=
  set -f
  k_ifs=$IFS IFS=:
  for k_folder in \${2:-/}; do
    case $1 in
      /*) k_file=$1 ;;
      */*) k_file=$k_work/$1 ;;
      *) case $k_folder in /*) k_file=$k_folder/$1 ;; *) k_file=$k_work/$k_folder/$1 ;; esac ;;
    esac
    [ -f "$k_file" ] && [ -x "$k_file" ] && k_found=$k_file && break
  done
  IFS=$k_ifs
  set +f
  [ "$k_found" ]
}
k_work=$3
if [ "$k_turn" = first ] && k_find bash '${folders}'; then
  exec "$k_found" -p ./${runFile.containerShim} second "$@"
fi
for k_name in cat sleep mkfifo; do
  k_find "$k_name" '${folders}' || { echo "the image has no $k_name"; exit ${entryExit.programs}; }
  eval "k_$k_name=\\$k_found"
done
`;

/** The file is emptied at once: whoever comes second finds none, and runs nothing. */
const takeEnvironment = `umask 077
k_image_path=$PATH
[ -r ./${runFile.environment} ] && . ./${runFile.environment} || exit ${entryExit.environment}
[ "$k_environment" ] || exit ${entryExit.environment}
: >${runFile.environment} || exit ${entryExit.environment}
unset k_environment
`;

/** Names of an interpreter stand in the first word, the next best behind a blank. */
const findInterpreter = `k_names=$1 k_mask=$2 k_input=$4
shift 4
for k_name in $k_names; do
  k_find "$k_name" "\${PATH-/usr/local/bin:/usr/bin:/bin}" && break
done
[ "$k_found" ] || { [ "$k_names" = 'bash sh' ] && k_find sh '${folders}'; } || exit ${entryExit.interpreter}
`;

/**
 * Two loops that look at files, because nothing else reaches from one machine to another: one does what the agent asks for
 * (a number, and what), one hands over what the script reads. Both are deaf, and leave what keeps the output alone: all is
 * stopped first, so that nothing new comes to be, then everything else is killed, then what keeps the output goes on. Who waits
 * for input is seen as elsewhere: by its system call (read or readv, of x64 or arm64), or by where it sleeps. @see findInputReader
 */
const steward = `k_deaf() {
  trap '' HUP INT QUIT USR1 USR2 ALRM TERM PIPE
  exec </dev/null >/dev/null 2>&1
}
k_pause() { "$k_sleep" 0.1 || "$k_sleep" 1; }
k_each() {
  k_holder=
  [ -e holder ] && read -r k_holder k_rest <holder
  for k_entry in /proc/[0-9]*; do
    k_one=\${k_entry#/proc/}
    case $k_one in 1 | "$k_self" | "$k_feeder" | "$k_holder") continue ;; esac
    [ "$k_entry/fd/0" -ef pipes/stdout ] && continue
    [ "$k_entry/fd/0" -ef pipes/stderr ] && continue
    read -r k_line <"$k_entry/stat" || continue
    k_rest=\${k_line##*) }
    k_rest=\${k_rest#* }
    case \${k_rest%% *} in "$k_self" | "$k_feeder") continue ;; esac
    echo "$k_line"
    [ "$1" ] && kill "-$1" "$k_one"
  done
}
k_reads_another() {
  for k_file in "$k_entry"/fd/*; do
    [ -p "$k_file" ] || continue
    [ "$k_file" -ef pipes/stdin ] && continue
    while read -r k_key k_value; do
      [ "$k_key" = flags: ] && break
    done <"$k_entry/fdinfo/\${k_file##*/}"
    case $k_value in *[04]) return 0 ;; esac
  done
  return 1
}
k_waits() {
  k_known=no
  for k_entry in /proc/[0-9]*; do
    case \${k_entry#/proc/} in 1 | "$k_self" | "$k_feeder" | "$k_holder") continue ;; esac
    k_call=
    read -r k_call k_number_of k_rest <"$k_entry/syscall"
    case $k_call in
      0 | 19 | 63 | 65) [ "$k_entry/fd/$((k_number_of))" -ef pipes/stdin ] && k_known=yes && break ;;
      '')
        [ "$k_entry/fd/0" -ef pipes/stdin ] || continue
        k_place=
        read -r k_place <"$k_entry/wchan"
        case $k_place in
          *pipe_read*) k_reads_another || { k_known=yes; break; } ;;
          '' | 0) k_known=unknown ;;
        esac
        ;;
    esac
  done
  echo "$k_known"
}
k_do() {
  case $1 in
    list) k_each ;;
    input) k_waits ;;
    end) k_each; kill -TERM -1 ;;
    kill) kill -STOP -1; k_each KILL; k_each KILL ;;
  esac
}
k_oom_count() {
  k_count=0
  for k_file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r "$k_file" ] && while read -r k_key k_value; do
      [ "$k_key" = oom_kill ] && k_count=$k_value
    done <"$k_file"
  done
}
k_look_oom() {
  k_oom_count
  [ "$k_count" = "$k_oom_before" ] || : >${runFile.oomKilled}
}
k_steward() {
  k_deaf
  read -r k_self k_rest </proc/self/stat
  k_done=
  while [ -e ${runFile.pod}/ask ]; do
    if read -r k_number k_verb k_dot <${runFile.pod}/ask && [ "$k_dot" = . ] && [ "$k_number" != "$k_done" ]; then
      k_done=$k_number
      { echo "$k_number"; k_do "$k_verb"; echo .; } >${runFile.pod}/answer
      # not before the answer is complete: once what keeps the output is done the pod ends
      case $k_verb in end | kill) kill -CONT -1 ;; esac
    fi
    k_look_oom
    k_pause
  done
}
k_feed() {
  k_deaf
  k_next=1
  until [ -e shim ] && [ -p pipes/stdin ]; do k_pause; done
  while [ -e ${runFile.pod}/ask ]; do
    if [ -e "${runFile.pod}/input.$k_next" ]; then
      "$k_cat" "${runFile.pod}/input.$k_next" >pipes/stdin && : >"${runFile.pod}/taken.$k_next"
      k_next=$((k_next + 1))
    elif [ -e ${runFile.inputClosed} ]; then
      echo >pipes/hold
      return
    else
      k_pause
    fi
  done
}
k_oom_count
k_oom_before=$k_count k_feeder=
if [ "$$" = 1 ]; then
  if [ "$k_input" = wait ]; then
    ( k_feed ) &
    k_feeder=$!
  fi
  ( k_steward ) &
fi
set -- run "$k_cat" "$k_sleep" "$k_mkfifo" "$k_mask" "$k_work" "$k_input" "$k_found" "$@"
`;

/** Text of the file that the pod's shell runs. What it ends with looks once more whether memory was short. */
export const entryScript = `${findPrograms}${takeEnvironment}${findInterpreter}${steward}${shimScript}k_look_oom\n`;

/** What is handed to the entry script. */
export interface EntryParts {
  /** file mode mask that the script gets */
  readonly umask: number;
  /** of the run; absolute */
  readonly directory: string;
  readonly workingDirectory: string;
  readonly input: 'none' | 'wait';
  readonly script: ReadScript;
}

/** Program and arguments of a run's pod; its working directory is that of the run. */
export function entryCommand({
  umask,
  directory,
  workingDirectory,
  input,
  script,
}: EntryParts): readonly string[] {
  const names = script.name ?? 'bash sh';
  const mask = umask.toString(8).padStart(4, '0');
  const own = [`${directory}/${runFile.containerShim}`, 'first', names, mask, workingDirectory, input];
  return ['sh', ...own, ...script.rest, `${directory}/${runFile.script}`];
}
