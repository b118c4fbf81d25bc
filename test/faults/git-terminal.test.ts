import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Started, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { tally } from './lab/rounds.ts';
import { openSshServer, type SshServer } from './lab/ssh-server.ts';
import { openTlsRemote, type TlsRemote } from './lab/tls-remote.ts';

/** I. Git: remotes that ask something, while the agent sits in a terminal where somebody could answer. */
let lab: Lab;
let remote: TlsRemote;
let ssh: SshServer;
beforeAll(async () => {
  lab = await Lab.open('git-terminal');
  remote = await openTlsRemote(lab.place.directory, {
    secret: (_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="who are you"' }).end();
    },
  });
  ssh = await openSshServer();
});
afterAll(async () => {
  remote.close();
  ssh.close();
  await lab.close();
});

const isThere = (program: string) => spawnSync('which', [program]).status === 0;
const noTerminal = !isThere('script');
const noSsh = noTerminal || !isThere('ssh') || !isThere('ssh-keygen');

/** Runs a task on a repository, by an agent in a terminal. @returns its end, and all that the terminal showed */
async function runInTerminal(name: string, repositoryUrl: string, env: Readonly<Record<string, string>>) {
  const session = await lab.place.session(name, { repositoryUrl });
  const base = lab.place.path(`base-${session}`);
  const words = ['daemon', '--session-id', session, '--port', '0', '--base-dir', base];
  const command = [lab.place.executable, ...words].map((word) => `'${word}'`).join(' ');
  const terminal: Started = lab.place.start('script', ['-qefc', command, '/dev/null'], {
    env: { ...lab.place.env, ...env },
    timeoutMs: 120_000,
  });
  await until('the agent is ready', () => /the agent is ready/.test(terminal.stdout()), 60_000);
  const { pid } = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8')) as { pid: number };
  expect(terminalOf(pid)).not.toBe(0);
  const before = Date.now();
  const id = await lab.submit(session, 'echo ran');
  const task = await lab.place.ended(id, 60_000);
  const tookMs = Date.now() - before;
  process.kill(pid, 'SIGKILL');
  await terminal.ended;
  return { task, tookMs, shown: terminal.stdout() };
}

/** Device number of a process's terminal; 0 = it has none. @see proc(5), stat, field 7 */
function terminalOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
}

const failed = { status: 'FAILED', reason: 'checkout', errorCode: 'KERUTA_ERR_REPOSITORY_AUTH' };

test.skipIf(noTerminal)(
  'F-94: a remote that wants a name is not waited for: the task fails at once and says why (needs script)',
  async () => {
    const env = { GIT_SSL_CAINFO: remote.certificate };
    const { task, tookMs, shown } = await runInTerminal('f94 http', `${remote.origin}/secret/app.git`, env);
    expect(task).toMatchObject(failed);
    expect(task.message).toMatch(/could not read Username.*credential helper/);
    expect(shown).not.toMatch(/^Username/m);
    expect(remote.asked.length).toBeGreaterThan(0);
    tally({ row: 'F-94', rounds: 1, note: `401: failed after ${tookMs} ms` });
  },
);

describe('F-94: an ssh of the person that would ask, at a server', () => {
  /** An ssh command that knows this key for the server, and has this key of its own; it may ask what it likes. */
  const sshCommand = (knows: string | null, key?: string) => {
    const known = lab.place.file('known_hosts', knows === null ? '' : `[127.0.0.1]:${ssh.port} ${knows}\n`);
    const own = key === undefined ? 'none' : key;
    const files = `-oUserKnownHostsFile=${known} -oGlobalKnownHostsFile=/dev/null -oIdentityFile=${own}`;
    return { GIT_SSH_COMMAND: `ssh -F /dev/null ${files} -oIdentitiesOnly=yes -oIdentityAgent=none` };
  };
  const makeKey = (name: string, passphrase: string) => {
    const file = lab.place.path(name);
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file]);
    expect(made.status).toBe(0);
    return file;
  };
  const publicPart = (file: string) => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');

  test.skipIf(noSsh).each([
    {
      what: 'whose key is another one by now',
      env: () => sshCommand(publicPart(makeKey('other-host', ''))),
      says: /Host key verification failed|IDENTIFICATION HAS CHANGED/,
      tried: [],
    },
    {
      what: 'that nobody knows',
      env: () => sshCommand(null),
      says: /Host key verification failed/,
      tried: [],
    },
    {
      what: 'for which there is a key with a passphrase',
      env: () => sshCommand(ssh.hostKey, makeKey('own', 'a passphrase')),
      says: /Permission denied \(/,
      tried: ['publickey'],
    },
    {
      what: 'that takes a password',
      env: () => sshCommand(ssh.hostKey),
      says: /Permission denied \(/,
      tried: ['password'],
    },
  ])(
    '$what: asks nobody, and the task fails at once (needs ssh, script)',
    async ({ what, env, says, tried }) => {
      const before = ssh.tried.length;
      const url = `ssh://git@127.0.0.1:${ssh.port}/app.git`;
      const { task, tookMs, shown } = await runInTerminal(`f94 ssh ${what}`, url, env());
      expect(task).toMatchObject(failed);
      expect(task.message).toMatch(says);
      expect(shown).not.toMatch(/continue connecting|passphrase for|password:/);
      expect(ssh.tried.slice(before)).toEqual(expect.arrayContaining(tried));
      if (tried.length === 0) expect(ssh.tried.length).toBe(before);
      tally({ row: 'F-94', rounds: 1, note: `ssh, a server ${what}: failed after ${tookMs} ms` });
    },
  );
});
