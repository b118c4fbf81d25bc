import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StartedServer } from '../../../cmd/keruta/roles/start-server.ts';
import { cli } from '../harness.ts';
import { startServerIn } from '../server-in-home.ts';

let home = '';
let server: StartedServer;

const start = async () => {
  server = await startServerIn(home, { env: { KERUTA_LEDGER_BATCH: '7' } });
};
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'keruta-ledger-'));
  await start();
  for (const name of ['one', 'two']) {
    writeFileSync(join(home, `${name}.yaml`), `name: ${name}\nrun: echo hi\noverlap: allow\n`);
    expect(await keruta('apply', '-f', `${name}.yaml`)).toMatchObject({ status: 0 });
  }
  for (let n = 0; n < 3; n++) expect(await keruta('trigger', 'fire', 'one')).toMatchObject({ status: 0 });
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

const keruta = (...words: string[]) => cli(words, { home, cwd: home, env: { KERUTA_API_URL: server.url } });
const listed = async (...words: string[]) =>
  JSON.parse((await keruta('ledger', 'list', '--json', ...words)).out) as Record<string, unknown>[];

/** Verifies again until everything is in the chain. */
async function sealed(): Promise<string> {
  for (;;) {
    const { out } = await keruta('ledger', 'verify');
    if (!out.includes('not sealed')) return out;
  }
}

test('the ledger is listed, the newest first, as many as are wanted and of what is wanted', {
  timeout: 60_000,
}, async () => {
  const all = await listed('--limit', '1000');
  const times = all.map(({ id }) => String(id));
  expect(times).toEqual(times.toSorted().reverse());
  expect(await listed('--limit', '4')).toEqual(all.slice(0, 4));
  const runs = await listed('--workflow', 'one', '--status', 'pending,failed');
  expect(runs).toHaveLength(3);
  expect(new Set(runs.map(({ kind }) => kind))).toEqual(new Set(['manual_execution']));
  expect(await listed('--workflow', 'two')).toMatchObject([{ kind: 'workflow.created', workflow: 'two' }]);
  expect(await listed('--trigger', 'manual', '--kind', 'trigger.fired')).toHaveLength(3);
  expect(await listed('--until', '2020-01-01T00:00:00Z')).toEqual([]);
  const table = await keruta('ledger', 'list', '--workflow', 'two');
  expect(table.out).toMatch(/WHAT.*WORKFLOW[\s\S]*workflow\.created.*two/);
});

test('acts on sessions and tasks are listed with who and from where', { timeout: 60_000 }, async () => {
  expect(await keruta('session', 'create', 'audited')).toMatchObject({ status: 0 });
  const [entry] = JSON.parse((await keruta('audit', 'list', '--limit', '1', '--json')).out) as object[];
  expect(entry).toMatchObject({ action: 'session.create', address: '127.0.0.1', taskId: null });
  const table = await keruta('audit', 'list');
  expect(table.out).toMatch(/WHAT.*FROM[\s\S]*session\.create.*127\.0\.0\.1/);
  expect((await keruta('ledger', 'list', '--kind', 'trigger.fired')).out).toMatch(/FROM[\s\S]*127\.0\.0\.1/);
});

test('bad filters are refused by name', { timeout: 60_000 }, async () => {
  expect(await keruta('ledger', 'list', '--since', 'yesterday')).toMatchObject({
    status: 2,
    err: expect.stringContaining('--since'),
  });
  expect(await keruta('ledger', 'list', '--status', 'DONE')).toMatchObject({
    status: 2,
    err: expect.stringContaining('got "DONE"'),
  });
  expect(await keruta('ledger', 'show', 'nothing')).toMatchObject({
    status: 4,
    err: expect.stringContaining('nothing'),
  });
});

test('CSV has every field, and no formulas', { timeout: 60_000 }, async () => {
  await keruta('pause', 'two', '--reason', '=cmd|calc');
  await keruta('trigger', 'fire', 'two', '--param', '=1+1=2');
  const { out } = await keruta('ledger', 'list', '--csv', '--limit', '1000');
  const [head, ...lines] = out.trimEnd().split('\r\n');
  expect(head?.split(',').slice(0, 4)).toEqual(['at', 'kind', 'workflow', 'version']);
  expect(lines.length).toBeGreaterThan(6);
  expect(lines.some((line) => /(^|,)"?[=+@-]/.test(line))).toBe(false);
});

test('what is held says by whom and why, wherever it is shown, until it is let go', {
  timeout: 60_000,
}, async () => {
  expect(await keruta('pause')).toMatchObject({ status: 2, err: expect.stringContaining('--all') });
  expect(await keruta('pause', '--all')).toMatchObject({
    status: 2,
    err: expect.stringContaining('--reason'),
  });
  expect(await keruta('pause', 'one', '--all', '--reason', 'x')).toMatchObject({ status: 2 });
  const held = await keruta('pause', '--all', '--reason', 'the move');
  expect(held.out).toMatch(
    /^everything is held since \S+ by \S+, with everything: the move\n {2}one\/manual\n/,
  );
  expect((await keruta('trigger', 'list')).out).toMatch(/one +manual +manual +held: the move/);
  const status = (await keruta('workflow', 'status', 'one')).out;
  expect(status).toMatch(/held +since .*the move[\s\S]*why not +everything is held/);
  expect((await keruta('workflow', 'show', 'one')).out).toContain('the move');
  expect(await keruta('trigger', 'resume', 'one', 'manual')).toMatchObject({
    status: 5,
    err: expect.stringContaining('keruta resume --all'),
  });
  expect((await keruta('resume', '--all')).out).toMatch(/^everything goes on\n {2}one\/manual\n/);
  expect((await keruta('resume', 'two')).out).toMatch(/^workflow two goes on\n {2}two\/manual\n$/);
  expect((await keruta('resume', '--session', 'x')).out).toMatch(/was not held/);
});

test('an execution is shown step by step, by its own id or that of its task', {
  timeout: 60_000,
}, async () => {
  const [run] = await listed('--workflow', 'one', '--status', 'PENDING', '--limit', '1');
  const { out } = await keruta('ledger', 'show', String(run?.executionId));
  expect(out).toMatch(/kind +manual_execution[\s\S]*status +PENDING/);
  expect((await keruta('ledger', 'show', String(run?.taskId))).out).toBe(out);
  expect((await keruta('ledger', 'show', String(run?.id))).out).toBe(out);
});

test('a ledger that nobody touched is good; a row that was changed in the file is named', {
  timeout: 60_000,
}, async () => {
  expect(await sealed()).toMatch(/^good: \d+ rows, the newest \d+:[0-9a-f]{64}\n$/);
  const [, place = ''] = /newest (\S+)\n/.exec(await sealed()) ?? [];
  expect(await keruta('ledger', 'verify', '--after', place)).toMatchObject({ status: 0 });
  const other = `${place.slice(0, -1)}${place.endsWith('0') ? '1' : '0'}`;
  expect(await keruta('ledger', 'verify', '--after', other)).toMatchObject({ status: 1 });
  expect(await keruta('ledger', 'verify', '--after', 'x')).toMatchObject({ status: 2 });
  await server.close();
  const raw = new DatabaseSync(join(home, '.keruta/server/keruta.db'));
  expect(() => raw.exec("UPDATE ledger SET body = '{}' WHERE seq = 4")).toThrow('append-only');
  raw.exec('DROP TRIGGER ledger_is_not_changed');
  raw.exec(`UPDATE ledger SET body = replace(body, '"system"', '"nobody"') WHERE seq = 1`);
  const { id } = raw.prepare('SELECT id FROM ledger WHERE seq = 1').get() as { readonly id: string };
  raw.close();
  await start();
  const bad = await keruta('ledger', 'verify');
  expect(bad).toMatchObject({ status: 1, out: expect.stringContaining(`BAD: row 1 (${id})`) });
  const told = await keruta('ledger', 'verify', '--json');
  expect(told.status).toBe(1);
  expect(JSON.parse(told.out)).toMatchObject({ good: false, fault: { seq: 1, id, fault: 'changed' } });
});
