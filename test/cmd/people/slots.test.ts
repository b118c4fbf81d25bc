import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeRepository } from '../../fixtures/git.ts';
import { type CliOptions, cli, temporaryDirectory } from '../harness.ts';

let remote = '';
beforeAll(() => {
  remote = makeRepository({ 'a.txt': 'one\n' });
});

/** A home, and commands in it. */
function desk(more: Record<string, string> = {}) {
  const home = temporaryDirectory();
  const env = { PATH: process.env.PATH ?? '', KERUTA_ALLOW_LOCAL_GIT: 'true', USER: 'ann', ...more };
  const slot = (words: string, options: CliOptions = {}) =>
    cli(['slot', ...words.split(' ')], { home, env, ...options });
  return { home, slot };
}

describe('keruta slot', () => {
  test('hands out a path on stdout, lists it, and takes it back with what was left told', async () => {
    const { slot } = desk();
    expect(await slot('list')).toMatchObject({
      status: 0,
      out: '',
      err: expect.stringContaining('keruta slot allocate'),
    });
    const given = await slot(`allocate ${remote}`);
    expect(given.status).toBe(0);
    const path = given.out.trim();
    expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('one\n');
    const [, id = ''] = /^(\S+) is yours until .+ keruta slot release \1\n$/.exec(given.err) ?? [];
    expect((await slot('list')).out).toMatch(new RegExp(`${id}\\s+leased\\s+ann\\s+\\d+m`));
    expect(await slot(`allocate ${remote}`)).toMatchObject({
      out: given.out,
      err: expect.stringContaining('as you left it'),
    });
    writeFileSync(join(path, 'note.txt'), 'x');
    const back = await slot(`release ${id}`);
    expect(back.out).toMatch(
      new RegExp(`^${id} is free\nkept of ${id}: changed and new files; see: git --git-dir=`),
    );
    expect(existsSync(join(path, 'note.txt'))).toBe(false);
    expect((await slot(`release ${id}`)).out).toBe(`${id} was free already\n`);
    expect((await slot('list')).out).toContain('kept of');
  });

  test('speaks JSON', async () => {
    const { slot } = desk();
    const given = JSON.parse(
      (await slot(`allocate ${remote} --for one --ref main --branch x/y --lease 2h --json`)).out,
    );
    expect(given).toMatchObject({ requiredBy: 'one', branch: 'x/y', isResumed: false, kept: [] });
    // whatever chance makes of it, a command takes it as the value of --lease
    expect(given.lease).toMatch(/^lease_/);
    expect(Date.parse(given.leaseUntil) - Date.now()).toBeGreaterThan(7_000_000);
    expect(JSON.parse((await slot('list --json')).out)).toMatchObject({
      slots: [{ id: given.id, state: 'leased' }],
      kept: [],
    });
    expect(JSON.parse((await slot(`release ${given.id} --lease ${given.lease} --json`)).out)).toEqual({
      id: given.id,
      wasFree: false,
      kept: [],
    });
  });

  test('says what is wrong: an address, a ref, a branch, a slot, a lease', async () => {
    const { slot } = desk();
    expect(await slot('allocate ext::sh')).toMatchObject({
      status: 2,
      err: expect.stringContaining('never run'),
    });
    expect(await slot(`allocate ${remote} --ref nope`)).toMatchObject({
      status: 4,
      err: expect.stringContaining('it has main'),
    });
    expect(await slot(`allocate ${remote} --branch a..b`)).toMatchObject({ status: 2 });
    expect(await slot('release nope')).toMatchObject({
      status: 4,
      err: expect.stringContaining('keruta slot list'),
    });
    const given = JSON.parse((await slot(`allocate ${remote} --json`)).out);
    expect(await slot(`release ${given.id} --lease other`)).toMatchObject({ status: 5 });
    const { slot: closed } = desk({ KERUTA_ALLOW_LOCAL_GIT: 'false' });
    expect(await closed(`allocate ${remote}`)).toMatchObject({
      status: 2,
      err: expect.stringContaining('--allow-local-git'),
    });
  });

  test('names the file of a token that cannot be read', async () => {
    const { slot } = desk({ GIT_TOKEN_FILE: '/no/such/token' });
    const refused = await slot('allocate https://127.0.0.1:1/x.git');
    expect(refused).toMatchObject({ status: 4, err: expect.stringContaining('/no/such/token') });
  });
});
