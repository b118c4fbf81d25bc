import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeStreamLog } from '../../../pkg/log/stream-log.ts';
import { commit, makeRepository } from '../../fixtures/git.ts';
import { type GitHttps, serveGit } from '../../fixtures/git-https.ts';
import { Place } from './agent-under-test.ts';

const token = 'ghs_lent-for-one-hour-and-one-repository';
let remote: GitHttps;
let first = '';
beforeAll(async () => {
  const repository = makeRepository({ 'a.txt': 'one' });
  first = commit(repository, { 'a.txt': 'two' }, 'second');
  commit(repository, { 'a.txt': 'three' }, 'third');
  const isLetIn = (user: string) => user === `x-access-token:${token}`;
  remote = await serveGit({ repository, path: 'acme/site', isLetIn });
});
afterAll(() => remote.close());

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const expiresAt = '2030-01-01T00:00:00.000Z';
const environment = () => ({ PATH: process.env.PATH, GIT_SSL_CAINFO: remote.certificate });
const lend = (password: string) => {
  const credentials = { username: 'x-access-token', password, expiresAt };
  place.source.checkout = { repositoryUrl: `${remote.origin}/acme/site.git`, credentials, note: null };
};

describe('credentials that the server lends', () => {
  test('open a private repository at the commit of the task, and are in no environment, argument, configuration or log', async () => {
    lend(token);
    const lines: string[] = [];
    const log = makeStreamLog({
      clock: systemClock,
      write: (line) => void lines.push(line),
      level: 'debug',
      format: 'json',
    });
    // every process of the user, while the script runs, and every file of the clone
    const script = [
      'cat a.txt; git rev-parse HEAD; env; cat .git/config; git config --list; cat "$HOME/.git-credentials" 2>&1',
      'cat /proc/[0-9]*/cmdline /proc/self/environ 2>/dev/null | tr "\\0" "\\n"; grep -r ghs_ . || true',
    ];
    const task = place.source.add(script.join('\n'), { ref: first });
    await place.once({ environment: environment() }, { log });
    const { streams, messages, report } = place.source.attemptOf(task);
    const output = Buffer.concat([...streams.stdout, ...streams.stderr]).toString();
    expect(report).toMatchObject({ exitCode: 0 });
    expect(output).toContain(`two${first}\n`);
    expect(output).not.toContain(token);
    expect(lines.join('') + JSON.stringify(messages)).not.toContain(token);
    expect(remote.given).toContain(`x-access-token:${token}`);
  });

  test('are masked when a script prints them all the same', async () => {
    lend(token);
    const octal = [...Buffer.from(token)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
    const task = place.source.add(`printf '<${octal}>'`);
    await place.once({ environment: environment() });
    const { streams } = place.source.attemptOf(task);
    expect(Buffer.concat(streams.stdout).toString()).toBe(`<${'*'.repeat(token.length)}>`);
  });

  test('are asked for again for each attempt, and again when the server could not tell', async () => {
    lend('ghs_one-that-has-ended-an-hour-ago');
    const refused = place.source.add('true');
    await place.once({ environment: environment() });
    expect(place.source.attemptOf(refused).report).toMatchObject({ errorCode: 'KERUTA_ERR_REPOSITORY_AUTH' });
    lend(token);
    let faults = 2;
    place.source.fault = (method) => (method === 'checkout' && faults-- > 0 ? 'before' : null);
    const task = place.source.add('cat a.txt');
    await place.once({ environment: environment() });
    expect(Buffer.concat(place.source.attemptOf(task).streams.stdout).toString()).toBe('three');
    expect(place.source.calls.filter((call) => call === 'checkout')).toHaveLength(4);
  });

  test('are not asked for when the server has nothing to say', async () => {
    const task = place.source.add('true');
    await place.once();
    expect(place.source.attemptOf(task).report).toMatchObject({ exitCode: 0 });
    expect(place.source.calls).not.toContain('checkout');
  });

  test('that are missing are explained in the log of the task', async () => {
    place.source.checkout = {
      repositoryUrl: `${remote.origin}/acme/site.git`,
      credentials: null,
      note: 'There is no token for acme/site.',
    };
    const task = place.source.add('true');
    await place.once({ environment: environment() });
    const { report, messages } = place.source.attemptOf(task);
    expect(report).toMatchObject({ errorCode: 'KERUTA_ERR_REPOSITORY_AUTH' });
    expect(messages).toContainEqual(expect.objectContaining({ message: 'There is no token for acme/site.' }));
    expect(existsSync(join(place.root, 'repos', 'site', '.git', 'config'))).toBe(false);
  });

  test('stay in the record of the run until it has ended, so that an agent after this one masks them too', async () => {
    lend(token);
    const task = place.source.add('cat "$KERUTA_RUN_DIR/task.json" > seen; chmod 600 seen');
    await place.once({ environment: environment() });
    const { report } = place.source.attemptOf(task);
    expect(report).toMatchObject({ exitCode: 0 });
    const seen = readFileSync(join(place.root, 'repos', 'site', 'seen'), 'utf8');
    expect(JSON.parse(seen).started.secrets).toContain(token);
  });
});
