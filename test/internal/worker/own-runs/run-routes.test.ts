import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askSocket } from '../../../../pkg/local-http/ask-socket.ts';
import { git, makeRepository, temporaryDirectory } from '../../../fixtures/git.ts';
import { Place } from '../agent-under-test.ts';

let place: Place;
let socket: string;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const root = resolve(import.meta.dirname, '../../../..');

/** An agent whose executable is this program from its sources. */
async function open(change: Parameters<Place['options']>[0] = {}): Promise<void> {
  const executable = join(place.root, 'keruta');
  writeFileSync(executable, `#!/bin/sh\nexec ${process.execPath} ${root}/cmd/keruta/main.ts "$@"\n`, {
    mode: 0o755,
  });
  const localApi = { host: 'localhost', port: 0, allowRemote: false, acceptInput: false };
  place.start({ localApi, executable, graceMs: 5_000, ...change });
  await expect.poll(() => place.source.calls.length).toBeGreaterThan(0);
  socket = JSON.parse(readFileSync(join(place.root, 'base', 'agent.json'), 'utf8')).socket;
}

async function ask(path: string, more: { readonly body?: unknown; readonly method?: 'DELETE' } = {}) {
  const { status, text } = await askSocket(socket, { path, ...more, timeoutMs: 60_000 });
  return { status, json: JSON.parse(text) as Record<string, unknown> };
}

function remoteOf(): string {
  const remote = join(temporaryDirectory('remote'), 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository({ 'a.txt': 'one\n' }), remote);
  return remote;
}

function coder(text: string): object {
  const command = join(place.root, 'coder');
  writeFileSync(command, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return { coder: { agent: 'custom', command } };
}

describe('POST /runs', () => {
  test('does an agent task as the runner does, tells its result, and its log by offset', async () => {
    await open();
    const remote = remoteOf();
    const context = { title: 'Two', task_id: '1.1', repository_url: remote };
    const config = coder('cat > /dev/null; echo at work; echo two > a.txt');
    const begun = await ask('/runs', { body: { context, config } });
    expect(begun).toMatchObject({ status: 202, json: { title: 'Two', state: 'running', result: null } });
    const path = `/runs/${String(begun.json.id)}`;
    await expect.poll(async () => (await ask(path)).json.state, { timeout: 60_000 }).toBe('completed');
    const { result } = (await ask(path)).json as { result: Record<string, string> };
    expect(result).toMatchObject({ success: true, pushed: true, task_id: expect.any(String) });
    expect(git(remote, 'show', `${result.branch}:a.txt`)).toBe('two');
    const { json: log } = await ask(`${path}/log`);
    expect(log).toMatchObject({ offset: 0, whole: true, text: expect.stringContaining('at work') });
    const rest = await ask(`${path}/log?offset=${Number(log.next_offset) - 3}`);
    expect(rest.json.text).toBe(String(log.text).slice(-3));
    expect((await ask('/runs')).json).toMatchObject({ runs: [{ id: begun.json.id, exit_code: 0 }] });
    // nothing of it was told to the session
    expect(place.source.calls.every((call) => !JSON.stringify(call).includes(String(begun.json.id)))).toBe(
      true,
    );
  }, 120_000);

  test('is cancelled by DELETE, and then forgotten', async () => {
    await open();
    const config = coder('cat > /dev/null; echo at work; sleep 300');
    const context = { title: 'Never', repository_url: remoteOf() };
    const path = `/runs/${String((await ask('/runs', { body: { context, config } })).json.id)}`;
    await expect
      .poll(async () => (await ask(`${path}/log`)).json.text, { timeout: 60_000 })
      .toContain('at work');
    expect(await ask(path, { method: 'DELETE' })).toMatchObject({
      status: 200,
      json: { state: 'cancelled' },
    });
    expect((await ask(path, { method: 'DELETE' })).status).toBe(200);
    expect(await ask(path)).toMatchObject({ status: 404, json: { code: 'KERUTA_ERR_NOT_FOUND' } });
  }, 120_000);

  test.each([
    ['no context', {}, 400, 'KERUTA_ERR_BAD_BODY'],
    [
      'a key that is not known',
      { context: { title: 'x', slot_path: '/x' }, more: 1 },
      400,
      'KERUTA_ERR_BAD_BODY',
    ],
    ['a context with faults', { context: { titel: 'x' } }, 400, 'KERUTA_ERR_TASK_CONTEXT'],
    [
      'a configuration with faults',
      { context: { title: 'x', slot_path: '/x' }, config: { a: 1 } },
      400,
      'KERUTA_ERR_CONFIG',
    ],
    [
      'a repository that is not allowed',
      { context: { title: 'x', repository_url: 'https://other.example/x' } },
      403,
      'KERUTA_ERR_POLICY',
    ],
    [
      'a clone that might be of any repository',
      { context: { title: 'x', slot_path: '/x' } },
      403,
      'KERUTA_ERR_POLICY',
    ],
  ])('with %s is refused', async (_name, body, status, code) => {
    await open({ allowedRepositories: ['https://git.example/team'] });
    expect(await ask('/runs', { body })).toMatchObject({ status, json: { code } });
    expect((await ask('/runs')).json).toEqual({ runs: [] });
  });

  test('an address that is none, and an offset that is none, are told', async () => {
    await open();
    expect((await ask('/runs/nothing')).status).toBe(404);
    expect((await ask('/runs/nothing/log/more')).status).toBe(404);
    expect((await ask('/runs/nothing/log?offset=-1')).json).toMatchObject({ code: 'KERUTA_ERR_BAD_VALUE' });
    expect((await ask('/runs', { method: 'DELETE' })).status).toBe(405);
  });
});
