/** The environment of a script, as text that the shim's shell reads: what stands in a container's own settings is seen by all. */

/** What the machine of an agent says about itself, and an image about itself. */
const ofMachine =
  /^(HOME|SHELL|USER|LOGNAME|HOSTNAME|PWD|OLDPWD|SHLVL|_|MAIL|TMPDIR|EDITOR|LS_COLORS|INVOCATION_ID|JOURNAL_STREAM|(SSH|XDG|DBUS|LD|DOCKER|SUDO|SYSTEMD)_.*)$/;

/** What a shell assigns by itself, or reads as its own setting; and what the shim calls its own. */
const shellsOwn = /^(IFS|PS4|ENV|BASH.*|SHELLOPTS|POSIXLY_CORRECT|E?UID|PPID|PWD|OLDPWD|SHLVL|_|k_.*)$/;

/** What engines set when an image says nothing. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the environment is made from. */
export interface EnvironmentParts {
  /** of the run */
  readonly env: Readonly<Record<string, string>>;
  /** @see DockerOptions.inherited */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** of the image; `NAME=value` */
  readonly image: readonly string[];
}

/** What a script in a container gets. */
export interface ContainerEnvironment {
  readonly set: Readonly<Record<string, string>>;
  /** what the engine or the image would set, and the run does not have */
  readonly unset: readonly string[];
}

/**
 * Decides what a script in a container gets: the run's variables, but of those that the agent merely hands on, what is about
 * its machine gives way to the image's own, the end of PATH included. Variables that no shell can set are left out.
 */
export function containerEnvironment({ env, inherited, image }: EnvironmentParts): ContainerEnvironment {
  const imageNames = image.map((entry) => entry.split('=', 1)[0] ?? '');
  const imagePath = image.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath;
  const isHandedOn = (name: string) => ofMachine.test(name) && env[name] === inherited[name];
  const names = Object.keys(env).filter(
    (name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !shellsOwn.test(name) && !isHandedOn(name),
  );
  const set = Object.fromEntries(names.map((name) => [name, env[name] ?? '']));
  const { PATH: ownPath } = inherited;
  if (set.PATH !== undefined && ownPath !== undefined && set.PATH.endsWith(ownPath)) {
    set.PATH = set.PATH.slice(0, set.PATH.length - ownPath.length) + imagePath;
  }
  const isExact = Object.keys(inherited).length === 0;
  const others = isExact ? ['HOME', 'HOSTNAME', 'PATH', ...imageNames] : [];
  return { set, unset: others.filter((name) => set[name] === undefined && !shellsOwn.test(name)) };
}

/** The environment as shell text. */
export function environmentText({ set, unset }: ContainerEnvironment): string {
  const lines = [
    ...unset.map((name) => `unset ${name}`),
    ...Object.entries(set).map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`),
  ];
  return `${lines.join('\n')}\nk_environment=1\n`;
}
