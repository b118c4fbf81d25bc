import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identityOf } from '../../../internal/worker/process-identity.ts';
import { openStateDirectory } from '../../../internal/worker/state-directory.ts';
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
});
