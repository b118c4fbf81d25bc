/** A PostgreSQL of its own, that may be crashed, made read-only, or stopped. Programs of Debian's package, as user postgres. */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../e2e/place.ts';

/** Where the server programs are; null when there are none, or when they cannot be run as another user. */
export function findPrograms(): string | null {
  const root = '/usr/lib/postgresql';
  if (process.getuid?.() !== 0 || !existsSync(root)) return null;
  const found = readdirSync(root).map((version) => join(root, version, 'bin'));
  return found.find((bin) => existsSync(join(bin, 'initdb'))) ?? null;
}

/** @see Cluster.start */
export class Cluster {
  readonly port: number;
  readonly #bin: string;
  readonly #directory: string;

  private constructor(bin: string, directory: string, port: number) {
    this.#bin = bin;
    this.#directory = directory;
    this.port = port;
  }

  /** Makes a cluster and starts it. Call `remove` in an `afterAll`. */
  static async start(): Promise<Cluster> {
    const bin = findPrograms();
    if (bin === null) throw new Error('there are no programs of a PostgreSQL server');
    const directory = mkdtempSync(join(tmpdir(), 'keruta-cluster-'));
    execFileSync('chown', ['postgres', directory]);
    chmodSync(directory, 0o700);
    const cluster = new Cluster(bin, directory, await freePort());
    cluster.#run('initdb', ['-D', cluster.#data, '-A', 'trust', '-U', 'keruta', '-E', 'UTF8', '--no-locale']);
    appendFileSync(
      join(cluster.#data, 'postgresql.conf'),
      `port = ${cluster.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '${directory}'\nmax_connections = 60\n`,
    );
    cluster.up();
    return cluster;
  }

  /** @param port  of a proxy, when the server is to go through one */
  url(port = this.port): string {
    return `postgres://keruta@127.0.0.1:${port}/postgres`;
  }

  up(): void {
    this.#run('pg_ctl', ['-D', this.#data, '-s', '-w', '-l', join(this.#directory, 'log'), 'start']);
  }

  /** As a crash of the machine: nothing is written any more. */
  crash(): void {
    this.#run('pg_ctl', ['-D', this.#data, '-s', '-w', '-m', 'immediate', 'stop']);
  }

  /** Does some SQL. @returns what psql printed, unaligned */
  sql(statement: string): string {
    return this.#run('psql', [
      '-h',
      this.#directory,
      '-p',
      String(this.port),
      '-U',
      'keruta',
      '-d',
      'postgres',
      '-qAtc',
      statement,
    ]);
  }

  remove(): void {
    spawnSync('setpriv', this.#words('pg_ctl', ['-D', this.#data, '-s', '-m', 'immediate', 'stop']), {
      cwd: '/',
    });
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  #words(program: string, args: readonly string[]): string[] {
    const as = ['--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', '--'];
    return [...as, join(this.#bin, program), ...args];
  }

  #run(program: string, args: readonly string[]): string {
    // pg_ctl leaves a server behind that would hold a pipe open
    const stdio = program === 'psql' ? 'pipe' : 'ignore';
    return String(execFileSync('setpriv', this.#words(program, args), { cwd: '/', stdio }) ?? '');
  }
}
