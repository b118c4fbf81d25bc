/** A PostgreSQL of its own, that may be crashed, made read-only, or stopped. Programs of Debian's package, as user postgres. */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../fixtures/free-port.ts';

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
    const cluster = new Cluster(bin, makeDirectory(), await freePort());
    cluster.#run('initdb', ['-D', cluster.#data, '-A', 'trust', '-U', 'keruta', '-E', 'UTF8', '--no-locale']);
    cluster.#configure('max_connections = 60');
    cluster.up();
    return cluster;
  }

  /** Makes a copy that follows this one, and starts it. @param name  for `synchronous_standby_names` */
  async standby(name: string): Promise<Cluster> {
    const copy = new Cluster(this.#bin, makeDirectory(), await freePort());
    const from = `host=${this.#directory} port=${this.port} user=keruta application_name=${name}`;
    const words = ['-d', from, '-D', copy.#data, '-R', '-X', 'stream', '-c', 'fast'];
    this.#run('pg_basebackup', words);
    copy.#configure();
    copy.up();
    return copy;
  }

  /** Makes a standby the one that is written to. */
  promote(): void {
    this.#run('pg_ctl', ['-D', this.#data, '-s', '-w', 'promote']);
  }

  /** What stands last in the file counts. */
  #configure(more = ''): void {
    const own = `port = ${this.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '${this.#directory}'\n`;
    appendFileSync(join(this.#data, 'postgresql.conf'), `${own}${more}\n`);
  }

  /** @param port  of a proxy, when the server is to go through one */
  url(port = this.port, database = 'postgres'): string {
    return `postgres://keruta@127.0.0.1:${port}/${database}`;
  }

  up(): void {
    this.#run('pg_ctl', ['-D', this.#data, '-s', '-w', '-l', join(this.#directory, 'log'), 'start']);
  }

  /** As a crash of the machine: nothing is written any more. */
  crash(): void {
    this.#run('pg_ctl', ['-D', this.#data, '-s', '-w', '-m', 'immediate', 'stop']);
  }

  /** Does some SQL. @returns what psql printed, unaligned */
  sql(statement: string, database = 'postgres'): string {
    return this.#run('psql', [
      '-h',
      this.#directory,
      '-p',
      String(this.port),
      '-U',
      'keruta',
      '-d',
      database,
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

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keruta-cluster-'));
  execFileSync('chown', ['postgres', directory]);
  chmodSync(directory, 0o700);
  return directory;
}
