import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { useServer } from '../server-in-home.ts';

let cwd = '';
const place = useServer();
beforeEach(() => {
  cwd = mkdtempSync(join(place.home, 'place-'));
});

const keruta = (...words: string[]) => place.keruta(words, { cwd });

function put(name: string, text: string): void {
  mkdirSync(join(cwd, name, '..'), { recursive: true });
  writeFileSync(join(cwd, name), text);
}

const yearly = (name: string, more = '') =>
  `name: ${name}\nrun: echo hi\ntriggers:\n  - type: cron\n    expression: "@yearly"\n${more}`;

describe('keruta apply', () => {
  test('makes what is in .keruta/workflows, changes nothing the second time, and shows what changes later', async () => {
    put('.keruta/workflows/a.yaml', yearly('made'));
    const first = await keruta('apply');
    expect(first).toMatchObject({ status: 0, err: '' });
    expect(first.out).toContain(
      'made: created\n  + name: made\n  + session: made\n  + run.script: echo hi\n',
    );
    expect(first.out).not.toContain('catchUp');
    expect((await keruta('apply')).out).toBe('made: unchanged\n');
    put('.keruta/workflows/a.yaml', yearly('made', 'overlap: allow\n'));
    expect((await keruta('apply')).out).toBe('made: updated\n  - overlap: skip\n  + overlap: allow\n');
    expect((await keruta('workflow', 'history', 'made')).out).toMatch(/2 .* overlap\n +1 .* made\n$/);
  });

  test('names a part that came as a whole once in the history', async () => {
    put('w.yaml', yearly('parts'));
    await keruta('apply', '-f', 'w.yaml');
    put(
      'w.yaml',
      yearly('parts', 'focus: stock\nfallback: echo ho\npolicy: { maxRunsPerDay: 3, breaker: {} }\n'),
    );
    await keruta('apply', '-f', 'w.yaml');
    expect((await keruta('workflow', 'history', 'parts')).out).toMatch(/2 .* focus, policy, fallback\n/);
    await keruta('workflow', 'delete', 'parts');
  });

  test('shows every field that somebody wrote for a trigger of a new workflow, also a yes or a no', async () => {
    const trigger = '{ type: github, repository: a/b, events: [push], forks: true, checkout: false }';
    put('w.yaml', `name: hub\nrun: echo hi\ntriggers:\n  - ${trigger}\n`);
    const { out } = await keruta('apply', '-f', 'w.yaml');
    expect(out).toContain('+ triggers[0].spec.forks: true\n  + triggers[0].spec.checkout: false\n');
    await keruta('workflow', 'delete', 'hub');
  });

  test('with --dry-run says what would be and changes nothing', async () => {
    put('w.toml', 'name = "dry"\nrun = "true"\n[[triggers]]\ntype = "interval"\nevery = "1h"\n');
    expect((await keruta('apply', '-f', 'w.toml', '--dry-run')).out).toContain('dry: created');
    expect((await keruta('workflow', 'show', 'dry')).status).toBe(4);
  });

  test('names every fault of every file with its line, and takes none of them', async () => {
    put(
      'a.yaml',
      'name: bad\nrun:\n  script: ""\ntriggers:\n  - type: cron\n    expression: "61 * * * *"\n  - type: webhok\noverlap: often\n',
    );
    put(
      'b.toml',
      'name = "good"\nrun = "true"\n\n[[triggers]]\ntype = "interval"\nevery = "1h"\n\n[[triggers]]\ntype = "interval"\nevery = "soon"\n',
    );
    put('c.yaml', yearly('fine'));
    const { status, out, err } = await keruta('apply', '-f', '.');
    expect([status, out]).toEqual([2, '']);
    for (const place of [
      'a.yaml:3: run.script: expected a script',
      'a.yaml:5: triggers[0]: cron expression "61',
      'a.yaml:7: triggers[1].type: expected one of cron',
      'a.yaml:8: overlap',
      'b.toml:8: triggers[1]: every: expected a duration',
    ])
      expect(err).toContain(place);
    expect((await keruta('workflow', 'show', 'fine')).status).toBe(4);
  });

  test.each([
    ['x.yaml', 'a: [', 'Expected YAML: x.yaml:1'],
    ['x.toml', 'a = \nb', 'Expected TOML: x.toml:1'],
    ['x.yaml', '- 1\n', 'x.yaml:1: expected a workflow'],
    [
      'x.yaml',
      `${yearly('twice')}---\n${yearly('twice')}`,
      'x.yaml:7: expected a name of its own, got twice, which x.yaml:1 has too',
    ],
  ])('of %s: %j', async (name, text, message) => {
    put(name, text);
    const { status, err } = await keruta('apply', '-f', name);
    expect(status).toBe(2);
    expect(err).toContain(message);
  });

  test('of what is not there says so', async () => {
    expect(await keruta('apply')).toMatchObject({
      status: 4,
      err: expect.stringContaining('There is no .keruta/workflows'),
    });
    mkdirSync(join(cwd, 'empty'));
    expect(await keruta('apply', '-f', 'empty')).toMatchObject({
      status: 4,
      err: expect.stringContaining('has no file *.yaml'),
    });
  });

  test('leaves alone what another place owns, and removes with --prune only what is its own', async () => {
    put('one/a.yaml', yearly('owned-a'));
    put('one/b.yaml', yearly('owned-b'));
    put('two/a.yaml', yearly('owned-a', 'overlap: allow\n'));
    await keruta('apply', '-f', 'one/');
    const refused = await keruta('apply', '-f', 'two');
    expect(refused).toMatchObject({
      status: 5,
      err: expect.stringContaining('belongs to file:one, and file:two would change it'),
    });
    expect((await keruta('apply', '-f', 'two', '--take-over')).out).toContain('owned-a: updated');
    rmSync(join(cwd, 'one/b.yaml'));
    put('one/c.yaml', yearly('owned-c'));
    rmSync(join(cwd, 'one/a.yaml'));
    expect((await keruta('apply', '-f', './one', '--prune')).out).toContain('owned-b: removed');
    const names = JSON.parse((await keruta('workflow', 'list', '--json')).out).map(
      (one: { name: string }) => one.name,
    );
    expect(names).toEqual(expect.arrayContaining(['owned-a', 'owned-c']));
    expect(names).not.toContain('owned-b');
  });
});

describe('triggers', () => {
  test('are fired by hand, held, let go, listed, and what became of them is told', async () => {
    put('w.yaml', yearly('hand'));
    await keruta('apply', '-f', 'w.yaml');
    const fired = await keruta('trigger', 'fire', 'hand', '--param', 'a=1', '--params', '{"b":2}');
    expect(fired).toMatchObject({ status: 0, out: expect.stringMatching(/^[0-9a-f-]{36}\n$/) });
    const task = JSON.parse((await keruta('task', 'show', fired.out.trim(), '--json')).out);
    expect(task).toMatchObject({ script: 'echo hi', parameters: { a: '1', b: 2 } });
    expect(await keruta('trigger', 'fire', 'hand')).toMatchObject({
      status: 1,
      err: expect.stringContaining('not run: overlap_skipped'),
    });
    expect((await keruta('trigger', 'fire', 'hand', '--force')).status).toBe(0);
    expect((await keruta('trigger', 'pause', 'hand')).out).toContain('hand/cron is held since');
    expect((await keruta('trigger', 'list')).out).toMatch(/hand +cron +cron +held/);
    expect((await keruta('workflow', 'show', 'hand')).out).toMatch(/trigger cron .*held since/);
    expect((await keruta('trigger', 'resume', 'hand')).out).toMatch(
      /hand\/cron goes on; next \d{4}-01-01T00:00:00.000Z/,
    );
    const { out } = await keruta('trigger', 'history', 'hand');
    expect(out).toMatch(/manual +run +asked/);
    expect(out).toMatch(/manual +skipped +overlap_skipped/);
    expect(
      JSON.parse((await keruta('trigger', 'history', 'hand', '--decision', 'skipped', '--json')).out),
    ).toHaveLength(1);
    expect((await keruta('workflow', 'delete', 'hand')).out).toBe('workflow hand is deleted\n');
  });

  test.each([
    [['trigger', 'fire', 'nobody'], 4, 'There is no workflow nobody'],
    [['trigger', 'fire', 'nobody', '--at', 'noon'], 2, '--at: expected an instant'],
    [['trigger', 'pause', 'nobody'], 4, 'There is no workflow nobody'],
    [['workflow', 'delete', 'nobody'], 4, 'There is no workflow nobody'],
  ])('%j', async (words, status, message) => {
    expect(await keruta(...words)).toMatchObject({ status, err: expect.stringContaining(message) });
  });
});

test('the schema for editors knows every field and type of trigger', async () => {
  const schema = JSON.parse((await keruta('workflow', 'schema')).out);
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(['name', 'run', 'triggers', 'overlap', 'retry']),
  );
  const types = schema.properties.triggers.items.oneOf.map(
    (one: { properties: { type: { const: string } } }) => one.properties.type.const,
  );
  expect(types).toEqual(expect.arrayContaining(['cron', 'interval', 'manual']));
});
