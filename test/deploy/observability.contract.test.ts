/** What is given to Prometheus and Grafana, judged by Prometheus' own tool: `scripts/promtool.sh` finds or installs it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentMetricTable, serverMetricTable } from '../../internal/domain/metric-table.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { startObserved } from '../internal/server/metrics/observed-server.ts';
import { applyHook, send } from '../internal/server/webhook-world.ts';
import { agentScrape } from '../internal/worker/agent-scrape.ts';

const promtool = process.env.KERUTA_TEST_PROMTOOL ?? '';
if (promtool === '')
  throw new Error('set KERUTA_TEST_PROMTOOL (source scripts/promtool.sh; ensure_promtool)');
const files = resolve(import.meta.dirname, '../../deploy/observability');
const read = (name: string) => readFileSync(join(files, name), 'utf8');

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'promtool-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(args: readonly string[], input = ''): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(promtool, args, { input, encoding: 'utf8', cwd: files });
  return { status, said: stdout + stderr };
}
const fine = { status: 0, said: expect.not.stringMatching(/FAILED|error/i) };
const clean = { status: 0, said: '' };

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(read('dashboard.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};
const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr })),
);

describe('a scrape is clean for promtool check metrics', () => {
  test('of a server on which much happened, with odd names', async () => {
    const server = await startObserved();
    try {
      await applyHook(server as never, { name: 'größe' }, { name: 'wörk-日本' });
      await send(server.url, { path: '/api/v1/public/webhook/workflow/wörk-日本', id: 'd-1' });
      const { body: session } = await server.call('POST', 'sessions', { name: systemRandom.uuid4() });
      const wish = { sessionId: session.id, name: 'build', script: 'true' };
      const { body: task } = await server.call('POST', 'tasks', wish);
      for (const status of ['PROCESSING', 'FAILED'])
        await server.call('PUT', `tasks/${task.id}/status`, { status, message: '', progress: 0 });
      const text = await server.scrape();
      expect(text).toContain(
        'keruta_executions_total{trigger="direct",status="failed",decision="classic"} 1',
      );
      expect(run(['check', 'metrics'], text)).toEqual(clean);
    } finally {
      await server.close();
    }
  });

  test('of an agent', async () => {
    expect(run(['check', 'metrics'], await agentScrape())).toEqual(clean);
  });

  test('and would not be if a counter had the wrong name', () => {
    const text = '# HELP keruta_x Something.\n# TYPE keruta_x counter\nketuta_x 1\n';
    expect(run(['check', 'metrics'], text).status).not.toBe(0);
  });
});

describe('the alerts', () => {
  test('are rules that Prometheus takes', () => {
    expect(run(['check', 'rules', 'alerts.yml'])).toEqual(fine);
  });

  test('fire when they should, and not when all is well', () => {
    expect(run(['test', 'rules', 'alerts.test.yml'])).toEqual(fine);
  });

  test('have each a test, and each a place in the guide', () => {
    const names = [...read('alerts.yml').matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name ?? '');
    expect(names.length).toBeGreaterThan(20);
    const tests = read('alerts.test.yml');
    const guide = readFileSync(resolve(import.meta.dirname, '../../docs/observability.md'), 'utf8');
    expect(names.filter((name) => !tests.includes(`alertname: ${name}\n`))).toEqual([]);
    expect(names.filter((name) => !guide.includes(name))).toEqual([]);
  });
});

test('the configuration of a Prometheus is one', () => {
  expect(run(['check', 'config', '--syntax-only', 'prometheus.yml'])).toEqual(fine);
});

describe('the dashboard', () => {
  test('asks in expressions that Prometheus understands', () => {
    const rules = expressions.map(({ expr }, index) => ({
      record: `panel:expression:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(server|agent|trigger)/g, '.*'),
    }));
    const file = join(directory, 'dashboard.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(rules.length).toBeGreaterThan(30);
    expect(run(['check', 'rules', file])).toEqual(fine);
  });

  test('has no variable that it does not define, and no panel without a question', () => {
    const defined = dashboard.templating.list.map(({ name }) => name);
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name ?? '');
    expect(used.filter((name) => !name.startsWith('__') && !defined.includes(name))).toEqual([]);
    const empty = dashboard.panels.filter(({ type, targets = [] }) => type !== 'row' && targets.length === 0);
    expect(empty).toEqual([]);
  });
});

/** Names of the table as Prometheus stores them. */
const stored = Object.values({ ...serverMetricTable, ...prefixed(agentMetricTable) }).flatMap(
  ({ name, type }) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]),
);

function prefixed<T>(table: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(table).map(([key, row]) => [`agent.${key}`, row]));
}

const namesIn = (text: string) =>
  [...text.matchAll(/\b(?:keruta|process)_[a-z_]+/g)]
    .map(([name]) => name)
    .filter((name) => name !== 'keruta_');

test('dashboard and alerts name only metrics that there are, and the dashboard shows each of them', () => {
  const asked = [
    ...expressions.map(({ expr }) => expr),
    ...dashboard.templating.list.map(({ definition = '' }) => definition),
  ].join('\n');
  const alerts = [...read('alerts.yml').matchAll(/expr: (?:\|\n)?((?:.|\n)*?)\n +(?:for|labels):/g)]
    .map(([, expr]) => expr)
    .join('\n');
  expect(namesIn(alerts).length).toBeGreaterThan(20);
  expect([...namesIn(asked), ...namesIn(alerts)].filter((name) => !stored.includes(name))).toEqual([]);
  const shown = new Set(namesIn(asked).map((name) => name.replace(/_bucket$/, '')));
  const all = Object.values({ ...serverMetricTable, ...prefixed(agentMetricTable) });
  expect(all.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});
