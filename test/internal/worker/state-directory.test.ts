import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStateDirectory } from '../../../internal/worker/state-directory.ts';
import { identityOf } from '../../../pkg/process/process-identity.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

let place: string;
const parts = { random: systemRandom, pid: process.pid, uid: process.getuid?.() ?? null };

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'keruta-base-'));
});
afterEach(() => {
  rmSync(place, { recursive: true, force: true });
});

describe('openStateDirectory', () => {
  test('makes a directory that is only ours, with a fresh local token', () => {
    const base = join(place, 'base');
    const opened = openStateDirectory(base, parts);
    expect(lstatSync(base).mode & 0o777).toBe(0o700);
    expect(lstatSync(opened.localTokenFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(opened.localTokenFile, 'utf8').length).toBeGreaterThan(40);
    opened.close();
    expect(existsSync(opened.localTokenFile)).toBe(false);
  });

  test('keeps the id of the agent over restarts, and the wish to claim until it is answered', () => {
    const first = openStateDirectory(place, parts);
    const [id, claim] = [first.agentId, first.claimId()];
    first.close();
    const second = openStateDirectory(place, parts);
    expect(second.agentId).toBe(id);
    expect(second.claimId()).toBe(claim);
    second.newClaim();
    expect(second.claimId()).not.toBe(claim);
    second.close();
  });

  test('refuses a base that a live agent holds, and names it', () => {
    const holder = identityOf(process.ppid);
    writeFileSync(join(place, 'agent.lock'), JSON.stringify(holder));
    expect(() => openStateDirectory(place, parts)).toThrowError(
      expect.objectContaining({
        code: 'KERUTA_ERR_AGENT_RUNNING',
        message: expect.stringContaining(String(process.ppid)),
      }),
    );
  });

  test.each([
    [
      'whose process is gone',
      () => JSON.stringify({ pid: 999_999_999, startTicks: 1, bootId: identityOf(process.pid)?.bootId }),
    ],
    [
      'whose pid another process has now',
      () => JSON.stringify({ ...identityOf(process.ppid), startTicks: 1 }),
    ],
    ['of another boot', () => JSON.stringify({ ...identityOf(process.ppid), bootId: 'other' })],
    ['that is torn', () => '{"pid":'],
  ])('replaces a lock %s', (_what, content) => {
    writeFileSync(join(place, 'agent.lock'), content());
    const opened = openStateDirectory(place, parts);
    expect(JSON.parse(readFileSync(join(place, 'agent.lock'), 'utf8')).pid).toBe(process.pid);
    opened.close();
    expect(existsSync(join(place, 'agent.lock'))).toBe(false);
  });

  test('sets the mode of its directory right', () => {
    const base = join(place, 'open');
    mkdirSync(base, { mode: 0o755 });
    openStateDirectory(base, parts).close();
    expect(lstatSync(base).mode & 0o777).toBe(0o700);
  });

  test('refuses a link, a file, a foreign directory and a relative path', () => {
    symlinkSync(place, join(place, 'link'));
    writeFileSync(join(place, 'file'), '');
    const refused = expect.objectContaining({ code: 'KERUTA_ERR_DIRECTORY' });
    expect(() => openStateDirectory(join(place, 'link'), parts)).toThrowError(refused);
    expect(() => openStateDirectory(join(place, 'file'), parts)).toThrowError(refused);
    expect(() => openStateDirectory(place, { ...parts, uid: 12_345 })).toThrowError(refused);
    expect(() => openStateDirectory('relative', parts)).toThrowError(refused);
  });

  test('makes again what was cleaned away, with the same id and token, and locks it again', () => {
    const base = join(place, 'base');
    const opened = openStateDirectory(base, parts);
    const kept = ['agent-id.json', 'local.token'].map((name) => readFileSync(join(base, name), 'utf8'));
    expect(opened.heal()).toBe(false);
    rmSync(base, { recursive: true });
    expect(opened.heal()).toBe(true);
    expect(opened.heal()).toBe(false);
    expect(['agent-id.json', 'local.token'].map((name) => readFileSync(join(base, name), 'utf8'))).toEqual(
      kept,
    );
    expect(lstatSync(base).mode & 0o777).toBe(0o700);
    opened.close();
    expect(existsSync(join(base, 'agent.lock'))).toBe(false);
  });

  test('is not sound while a link, or the directory of another agent, is in its place', () => {
    const [base, target] = [join(place, 'base'), join(place, 'target')];
    const opened = openStateDirectory(base, parts);
    rmSync(base, { recursive: true });
    mkdirSync(target);
    symlinkSync(target, base);
    expect(() => opened.heal()).toThrowError(expect.objectContaining({ code: 'KERUTA_ERR_DIRECTORY' }));
    expect(readdirSync(target)).toEqual([]);
    rmSync(base);
    mkdirSync(base, { mode: 0o700 });
    writeFileSync(join(base, 'agent.lock'), JSON.stringify(identityOf(process.ppid)));
    expect(() => opened.heal()).toThrowError(expect.objectContaining({ code: 'KERUTA_ERR_AGENT_RUNNING' }));
    rmSync(join(base, 'agent.lock'));
    expect(opened.heal()).toBe(true);
    opened.close();
  });
});

describe('heal', () => {
  const state = (opened: ReturnType<typeof openStateDirectory>) => ({
    ...{ pid: process.pid, url: null, port: null, socket: null, sessionId: 's', startedAt: 1 },
    localTokenFile: opened.localTokenFile,
  });

  test('changes nothing while all is there', () => {
    const opened = openStateDirectory(join(place, 'base'), parts);
    opened.writeState(state(opened));
    expect(opened.heal()).toBe(false);
    opened.close();
  });

  test.each(['', 'runs', 'work', 'agent.lock', 'agent.json', 'agent-id.json', 'local.token'])(
    'makes a deleted "%s" anew as it was',
    (name) => {
      const base = join(place, 'base');
      const opened = openStateDirectory(base, parts);
      opened.writeState(state(opened));
      const files = ['agent.lock', 'agent.json', 'agent-id.json', 'local.token'];
      const read = () => files.map((file) => readFileSync(join(base, file), 'utf8'));
      const before = read();
      rmSync(join(base, name), { recursive: true });
      expect(opened.heal()).toBe(true);
      expect(read()).toEqual(before);
      expect(lstatSync(base).mode & 0o777).toBe(0o700);
      expect([opened.runs, opened.work].every((path) => existsSync(path))).toBe(true);
      expect(opened.heal()).toBe(false);
      opened.close();
      expect(existsSync(join(base, 'agent.lock')) || existsSync(opened.localTokenFile)).toBe(false);
    },
  );

  test('gives way to an agent that took the place of a deleted directory, and leaves what that one has', () => {
    const base = join(place, 'base');
    const opened = openStateDirectory(base, parts);
    opened.writeState(state(opened));
    rmSync(base, { recursive: true });
    mkdirSync(base, { mode: 0o700 });
    const theirs = { 'agent.lock': JSON.stringify(identityOf(process.ppid)), 'local.token': 'theirs' };
    for (const [name, text] of Object.entries(theirs)) writeFileSync(join(base, name), text);
    expect(() => opened.heal()).toThrowError(expect.objectContaining({ code: 'KERUTA_ERR_AGENT_RUNNING' }));
    opened.close();
    for (const [name, text] of Object.entries(theirs))
      expect(readFileSync(join(base, name), 'utf8')).toBe(text);
    expect(existsSync(join(base, 'agent.json'))).toBe(false);
  });
});
