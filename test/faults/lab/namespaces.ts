/** A network of its own for an agent, one cable long, on which packets can be dropped; and a private file of host names. */
import { execFileSync, spawnSync } from 'node:child_process';

const tryName = `keruta-try-${process.pid}`;

/** Why a row that needs root, `ip` and network namespaces cannot run here; null when it can. */
export const noNetworks =
  tried(['ip', 'netns', 'add', tryName]) && tried(['ip', 'netns', 'del', tryName])
    ? null
    : 'needs root, iproute2 and network namespaces';

/** Why a row that needs mounts of its own cannot run here; null when it can. */
export const noMounts = tried(['unshare', '--mount', 'sh', '-c', 'mount --bind /etc/hostname /etc/hosts'])
  ? null
  : 'needs root and mount namespaces';

/** The words before a command that make it see this file as /etc/hosts. */
export function withHosts(file: string): readonly string[] {
  return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', file];
}

/** @see Cable.lay */
export class Cable {
  /** the address of this end, where servers may listen */
  readonly here: string;
  readonly #there: string;
  readonly #name: string;
  readonly #far: string;
  readonly #near: string;

  private constructor(number: number) {
    this.#name = `keruta-${process.pid}-${number}`;
    this.#near = `kn${process.pid % 100_000}n${number}`;
    this.#far = `kf${process.pid % 100_000}n${number}`;
    const net = `198.18.${process.pid % 256}`;
    this.here = `${net}.${number * 4 + 1}`;
    this.#there = `${net}.${number * 4 + 2}`;
  }

  /** Lays a cable into a new network namespace; `cut` it in the end. @param number  another one each time; 0 to 63 */
  static lay(number: number): Cable {
    const cable = new Cable(number);
    const { here } = cable;
    ip('netns', 'add', cable.#name);
    ip('link', 'add', cable.#near, 'type', 'veth', 'peer', 'name', cable.#far, 'netns', cable.#name);
    ip('addr', 'add', `${here}/30`, 'dev', cable.#near);
    ip('link', 'set', cable.#near, 'up', 'address', '02:00:00:00:01:01');
    cable.#inside('addr', 'add', `${cable.#there}/30`, 'dev', cable.#far);
    cable.#inside('link', 'set', cable.#far, 'up', 'address', '02:00:00:00:01:02');
    cable.#inside('link', 'set', 'lo', 'up');
    return cable;
  }

  /** The words before a command that make it run at the far end. */
  get words(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name];
  }

  /** Whether packets get lost, silently and both ways: they are sent to an address of hardware that nobody has. */
  drop(lost: boolean): void {
    const [near, far] = lost
      ? ['02:00:00:00:09:01', '02:00:00:00:09:02']
      : ['02:00:00:00:01:01', '02:00:00:00:01:02'];
    const how = ['nud', 'permanent', 'dev'];
    ip('neigh', 'replace', this.#there, 'lladdr', far, ...how, this.#near);
    this.#inside('neigh', 'replace', this.here, 'lladdr', near, ...how, this.#far);
  }

  /** Takes it away, with its namespace. */
  cut(): void {
    spawnSync('ip', ['link', 'del', this.#near]);
    spawnSync('ip', ['netns', 'del', this.#name]);
  }

  #inside(...words: readonly string[]): void {
    ip('-n', this.#name, ...words);
  }
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: 'pipe' });
}

function tried([program = '', ...words]: readonly string[]): boolean {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0;
}
