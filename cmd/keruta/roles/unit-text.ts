/** The text of a systemd unit for the agent. Pure. @see systemd.service(5), systemd.exec(5), systemd.kill(5) */
import { InputError } from '../../../internal/domain/errors.ts';

/** What a unit is made of. */
export interface UnitParts {
  /** the command that starts keruta; absolute path, then arguments */
  readonly program: readonly string[];
  /** behind it */
  readonly words: readonly string[];
  readonly environment: readonly (readonly [name: string, value: string])[];
  /** whom the agent of a machine runs as; null: a unit of one person (`systemctl --user`) */
  readonly user: string | null;
  /** the file with the token; `config`: the token stands in the configuration file; null: where it is usual */
  readonly tokenFile: string | null;
  readonly version: string;
}

/** Where the token of a unit is when no other file is named. */
export const usualTokenFile = { machine: '/etc/keruta/api-token', person: '%h/.keruta/api-token' } as const;

/**
 * Makes the text of a unit.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE for a value that no line can hold
 */
export function unitText(parts: UnitParts): string {
  const { user, tokenFile, version } = parts;
  const named = tokenFile === null || tokenFile === 'config' ? null : escapePercent(oneLine(tokenFile));
  const file = named ?? (user === null ? usualTokenFile.person : usualTokenFile.machine);
  const token = tokenFile === 'config' ? null : file;
  return [
    head({ user, token, version }),
    '[Unit]',
    'Description=keruta agent',
    ...(user === null ? [] : ['Wants=network-online.target', 'After=network-online.target']),
    neverGivenUp,
    '',
    '[Service]',
    notify,
    '',
    ...serviceUser(user),
    ...parts.environment.map(([name, value]) => `Environment=${quoted(`${name}=${oneLine(value)}`)}`),
    ...tokenLines(user, token),
    `ExecStart=${execLine(parts, user, token)}`,
    '',
    stopping,
    '',
    hardening,
    '',
    '[Install]',
    `WantedBy=${user === null ? 'default.target' : 'multi-user.target'}`,
    '',
  ].join('\n');
}

function head({
  user,
  token,
  version,
}: {
  user: string | null;
  token: string | null;
  version: string;
}): string {
  const [place, systemctl] =
    user === null
      ? ['~/.config/systemd/user/keruta.service', 'systemctl --user']
      : ['/etc/systemd/system/keruta.service', 'systemctl'];
  const shown = token?.replace(/^%h/, '~').replaceAll('%%', '%');
  return [
    `# The agent of keruta ${version}, as keruta daemon unit printed it.`,
    `#   1. write it to ${place}`,
    ...(user === 'keruta' ? ['#      and make its user: useradd --system --create-home keruta'] : []),
    token === null
      ? '#   2. the token stands in the configuration file: chmod 600 it'
      : `#   2. write the token of the API into ${shown}, mode 0600`,
    `#   3. ${systemctl} daemon-reload && ${systemctl} enable --now keruta`,
    ...(user === null
      ? ['#   4. loginctl enable-linger, so that it also runs while you are logged out']
      : []),
    '',
  ].join('\n');
}

const notify = `\
# The agent tells by systemd-notify, a process of its own (hence "all"), that it takes tasks, that its loop is alive,
# and that it ends. The tasks do not get the variable that leads there.
Type=notify
NotifyAccess=all
# It waits for the API as long as that takes, and is ready then.
TimeoutStartSec=infinity
# An agent whose loop stands still is replaced; its run goes on. KILL and not ABRT: a core file would hold the token.
WatchdogSec=60
WatchdogSignal=SIGKILL`;

function serviceUser(user: string | null): readonly string[] {
  if (user === null) return ['WorkingDirectory=%h'];
  return ['# Tasks run as this user too, and can do what it can.', `User=${user}`, 'WorkingDirectory=~'];
}

function tokenLines(user: string | null, token: string | null): readonly string[] {
  if (user === null || token === null) return [];
  return [
    '# The token is in neither unit nor environment: systemd hands it over in a file that only this user can read.',
    `LoadCredential=api-token:${token}`,
  ];
}

function execLine(parts: UnitParts, user: string | null, token: string | null): string {
  const words = [...parts.program, ...parts.words].map((word) =>
    quoted(oneLine(word).replaceAll('$', '$$$$')),
  );
  const place = user === null ? token : `\${CREDENTIALS_DIRECTORY}/api-token`;
  return [...words, ...(token === null ? [] : [`--api-token-file=${place}`])].join(' ');
}

const neverGivenUp = `\
# However often it had to be started again: what its runs wrote waits for it.
StartLimitIntervalSec=0`;

const stopping = `\
# Only the agent is told to stop, not what it started: a run outlives its agent, and the next agent takes it up. With the
# default (control-group) every restart, upgrade and crash of the agent would kill the task.
KillMode=process
# Told to stop, the agent lets its task end first. When that takes longer than this it is killed, which loses nothing:
# see above. (The unit is then shown as failed, "timeout".)
TimeoutStopSec=30
# It ends with 0 when its session has ended. 2: a setting is wrong, 3: the token is refused; repeating mends neither.
Restart=on-failure
RestartSec=5
# One that ends by a fault again and again is started more and more rarely. (systemd before 254 does not know these two,
# says so, and starts it every 5 s.)
RestartSteps=6
RestartMaxDelaySec=300
RestartPreventExitStatus=2 3
# A task that the kernel ends for its memory is a failed task; the default would end the agent with it.
OOMPolicy=continue`;

const hardening = `\
# Hardening. A task may do whatever a person at this machine may do, so little can be forbidden for all:
KeyringMode=private
# Left out, because tasks inherit it. Each says what would not work any more; take the # away where no task needs that.
# sudo, su and other programs that gain rights; all options that filter system calls imply it (RestrictNamespaces,
# RestrictSUIDSGID, RestrictRealtime, RestrictAddressFamilies, LockPersonality, ProtectClock, ProtectHostname,
# ProtectKernelModules, ProtectKernelTunables, ProtectKernelLogs, SystemCallArchitectures), so they were left out too:
#NoNewPrivileges=yes
# sudo again, down to what root may do in a task:
#CapabilityBoundingSet=
# "sudo apt install" and the like:
#ProtectSystem=yes
# repositories, caches and credentials in the home directory; the agent's own state is there, if not moved:
#ProtectHome=yes
# files that tasks hand to others in /tmp; and a run that outlives the agent would lose its /tmp with the unit:
#PrivateTmp=yes
# graphics cards, /dev/kvm, serial lines:
#PrivateDevices=yes
# containers that tasks start:
#ProtectControlGroups=yes
# the agent looks in /proc for what a run left, also when it gained rights by sudo:
#ProtectProc=invisible
# files that tasks make would be readable by nobody else; the agent's own are private without it:
#UMask=0077
# Never set: MemoryDenyWriteExecute (the agent makes code at run time), DynamicUser (its state must keep its owner),
# RemoveIPC (a run may outlive the unit).`;

/** A word of a line of systemd: quoted where it must be, with `%` taken as it is. */
function quoted(word: string): string {
  const text = escapePercent(word);
  if (word !== '' && /^[A-Za-z0-9_@%+=:,./~${}-]+$/.test(text)) return text;
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

const escapePercent = (text: string) => text.replaceAll('%', '%%');

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  if (!/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `a unit file cannot hold ${JSON.stringify(text.slice(0, 100))}: expected text without line ends and control characters`,
  );
}
