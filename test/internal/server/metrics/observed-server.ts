/** A real server over SQLite in memory that is watched, as `keruta server` watches its own. */
import { buildServer } from '../../../../internal/server/app.ts';
import { observe } from '../../../../internal/server/observe.ts';
import { ensureAdminToken } from '../../../../internal/session/tokens.ts';
import { type Log, silentLog } from '../../../../pkg/log/log.ts';
import { adminToken, openParts } from '../start-server.ts';
import { hostOf } from '../webhook-world.ts';

/** One value of a scrape. */
export interface Value {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Starts it. @param aheadMs  how far its clock is ahead of that of its store */
export async function startObserved(log: Log = silentLog, aheadMs = 0) {
  const opened = await openParts(undefined, log);
  await ensureAdminToken(opened, { given: adminToken });
  const { clock } = opened;
  const store = { ...opened.store, now: async () => (await opened.store.now()) - aheadMs };
  const observed = observe({ store, clock, log });
  const parts = { ...opened, store: observed.store, triggerHost: hostOf() };
  const server = buildServer({
    ...{ parts, noAuth: false, version: '0.0.0-test', logger: log, metrics: observed.metrics },
    onHealth: (health) => observed.show(parts, { health, droppedSpans: () => null }),
  });
  const { url } = await server.listen({ host: '127.0.0.1', port: 0 });
  const call = async (method: string, path: string, body?: unknown, token = adminToken) => {
    const response = await fetch(url + (path.startsWith('/') ? path : `/api/v1/${path}`), {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') && text !== '';
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  const scrape = async (): Promise<string> => {
    await observed.settled();
    return (await call('GET', '/metrics')).body as string;
  };
  const close = async () => {
    await server.close();
    await observed.close();
    await opened.close();
  };
  return { url, parts, store, observed, call, scrape, values: async () => valuesOf(await scrape()), close };
}

/** The values of a scrape. */
export function valuesOf(text: string): Value[] {
  return text.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === '') return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, word]) => [key, word]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** One value by name and some of its labels; undefined when there is none. */
export function find(
  values: readonly Value[],
  name: string,
  labels: Value['labels'] = {},
): number | undefined {
  return values.find(
    (one) => one.name === name && Object.entries(labels).every(([key, word]) => one.labels[key] === word),
  )?.value;
}
