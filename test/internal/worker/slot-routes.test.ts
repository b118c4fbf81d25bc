import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askSocket } from '../../../pkg/local-http/ask-socket.ts';
import { git, makeRepository } from '../../fixtures/git.ts';
import { makePool } from '../pool/pool-fixture.ts';
import { Place } from './agent-under-test.ts';

let place: Place;
let socket: string;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

async function open(allowedRepositories: readonly string[] | null = null): Promise<void> {
  const { pool } = makePool();
  const localApi = { host: 'localhost', port: 0, allowRemote: false, acceptInput: false };
  place.start({ localApi, allowedRepositories }, { pool: async () => pool });
  await expect.poll(() => place.source.calls.length).toBeGreaterThan(0);
  socket = JSON.parse(readFileSync(join(place.root, 'base', 'agent.json'), 'utf8')).socket;
}

async function ask(path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const { status, text } = await askSocket(socket, { path, body, timeoutMs: 60_000 });
  return { status, json: JSON.parse(text) as Record<string, unknown> };
}

describe('the agent’s own API', () => {
  test('hands out slots to other programs, prolongs and lists their leases, and takes them back', async () => {
    await open();
    const remote = makeRepository({ 'a.txt': 'one\n' });
    const wanted = { repo_url: remote, required_by: 'another program', branch: 'x', lease_seconds: 60 };
    const { status, json: slot } = await ask('/slots/allocate', wanted);
    expect(status).toBe(200);
    const commit = git(remote, 'rev-parse', 'HEAD');
    expect(slot).toMatchObject({
      repo_url: remote,
      required_by: 'another program',
      commit,
      branch: 'x',
      resumed: false,
    });
    expect((await ask('/slots/allocate', wanted)).json).toMatchObject({
      slot_id: slot.slot_id,
      resumed: true,
    });
    expect((await ask('/slots')).json).toMatchObject({
      slots: [{ slot_id: slot.slot_id, state: 'leased', pid: null }],
    });
    const renewed = await ask('/slots/renew', {
      slot_id: slot.slot_id,
      lease: slot.lease,
      lease_seconds: 3600,
    });
    expect(Date.parse(String(renewed.json.lease_until))).toBeGreaterThan(
      Date.parse(String(slot.lease_until)),
    );
    writeFileSync(join(String(slot.slot_path), 'new.txt'), 'x');
    expect((await ask('/slots/release', { slot_id: slot.slot_id })).json).toMatchObject({
      slot_id: slot.slot_id,
      was_free: false,
      kept: [{ what: 'changed and new files' }],
    });
    expect((await ask('/slots/release', { slot_id: slot.slot_id })).json).toMatchObject({ was_free: true });
  });

  test('refuses what it does not understand, slots that are not there, and repositories that are not allowed', async () => {
    await open(['https://github.com/acme/']);
    expect(await ask('/slots/allocate', { repo_url: 1 })).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/^repo_url: /) },
    });
    expect(await ask('/slots/allocate', [])).toMatchObject({ status: 400 });
    expect(await ask('/slots/release', { slot_id: 'nope' })).toMatchObject({
      status: 404,
      json: { code: 'KERUTA_ERR_SLOT_NOT_FOUND' },
    });
    const foreign = { repo_url: 'https://user:secret@evil.example/x.git', required_by: 'x' };
    const refused = await ask('/slots/allocate', foreign);
    expect(refused).toMatchObject({ status: 403, json: { code: 'KERUTA_ERR_POLICY' } });
    expect(JSON.stringify(refused)).not.toContain('secret');
  });

  test('has no slots where there is no pool', async () => {
    const localApi = { host: 'localhost', port: 0, allowRemote: false, acceptInput: false };
    place.start({ localApi });
    await expect.poll(() => place.source.calls.length).toBeGreaterThan(0);
    socket = JSON.parse(readFileSync(join(place.root, 'base', 'agent.json'), 'utf8')).socket;
    expect(await ask('/slots')).toMatchObject({ status: 404 });
  });
});
