import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { until } from '../e2e/place.ts';
import { type BadAnswer, badAnswers, FakeApi, redirect } from './lab/fake-api.ts';
import { Lab } from './lab/lab.ts';
import { peakMegabytes, slackMs } from './lab/processes.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';
import { heldUp } from './lab/starvation.ts';

/** D. An API, or something on the way to it, that gives answers which it must not give. */
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('bad-answers');
});
afterAll(() => lab.close());

/** An agent whose API is behind a door that can answer in its place. */
async function behindDoor(name: string, { onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const session = await lab.place.session(name);
  const api = await FakeApi.listen(lab.server.url);
  const agent = await lab.agent(session, { env: { KERUTA_API_URL: api.url } });
  onTestFinished(async () => {
    await agent.stop('SIGKILL');
    api.close();
  });
  return { session, api, agent };
}

/** Names of calls: the last words of their paths. */
const verbs = (api: FakeApi) =>
  new Set(api.bad().map(({ path }) => /(\w+)(\/std\w+)?$/.exec(path)?.[1] ?? ''));

describe.concurrent('a task is brought to its end, once and whole, behind an API that gives', () => {
  type Case = [string, keyof typeof badAnswers];
  const longCases: readonly Case[] = [['F-38', 'one byte a second']];
  const cases: readonly Case[] = [
    ['F-38', 'no answer at all'],
    ['F-42', 'the status 429'],
    ['F-42', 'the status 503 with a page'],
    ['F-42', 'the status 200 with a page'],
    ['F-42', 'the status 200 with half of its JSON'],
    ['F-42', 'the status 200 with a JSON that is not the one'],
    ['F-42', 'the status 200 with nothing'],
    ['F-50', 'a body of 100 MB'],
    ['F-50', 'a JSON of 10,000 levels'],
    ['F-50', 'a gzip bomb'],
    ['F-50', 'a gzip bomb in a gzip bomb'],
    // half a minute for each
    ...(isFull ? longCases : []),
  ];
  /** The longest that a call waits: for a long poll, and for an answer that comes drop by drop. */
  const longestMs: Readonly<Record<string, number>> = {
    'no answer at all': 17_000,
    'one byte a second': 32_000,
  };
  test.for(cases)('%s: %s to every call for a while', async ([row, name], context) => {
    const { session, api, agent } = await behindDoor(`${row} ${name}`, context);
    const lines = rounds(1000, 10_000);
    const gate = `gate-${session}`;
    const ledger = await lab.ledger(session, { lines, pauseSeconds: 0.1, gate: lab.place.path(gate) });
    await until('lines arrive', async () => (await lab.place.logs(ledger.id)).length > 100);
    const held = heldUp();
    api.answer(name, badAnswers[name]);
    lab.place.file(gate, '');
    // each lane of the run has had it twice: it was not taken for a success
    const lanes = ['renew', 'streams'];
    const times = (lane: string) => api.bad().filter(({ path }) => path.includes(`/${lane}`)).length;
    await until('they are repeated', () => lanes.every((lane) => times(lane) >= 2), 180_000);
    // the script ends meanwhile, so that the end too is told to deaf ears
    await until('the end is told', () => verbs(api).has('exited') || verbs(api).has('finish'), 180_000);
    const count = api.bad().length;
    const now = performance.now();
    const longest = Math.round(Math.max(...api.bad().map(({ at, tookMs }) => tookMs ?? now - at)));
    if (row === 'F-38') expect(longest, 'ms').toBeLessThan((longestMs[name] ?? 0) + slackMs + held());
    api.pass();
    await lab.check(ledger, {}, 300_000);
    expect(agent.child.exitCode).toBeNull();
    const peak = peakMegabytes(agent.pid);
    if (row === 'F-50') expect(peak, 'MiB').toBeLessThan(250);
    tally({
      row,
      rounds: 1,
      lines: 2 * lines,
      note: `${name}: ${count} of them, longest ${longest} ms, agent ${peak} MiB`,
    });
  });
});

test('F-42: an agent that is asked to wait by Retry-After does not come before', async (context) => {
  const { api } = await behindDoor('f42 retry-after', context);
  api.answer('the status 429', badAnswers['the status 429']);
  const claims = () => api.bad().filter(({ path }) => path.endsWith('/claim'));
  await until('it was asked to wait three times', () => claims().length >= 3, 60_000);
  const gaps = claims()
    .slice(1)
    .map(({ at }, index) => Math.round(at - (claims()[index]?.at ?? 0)));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3000);
  tally({ row: 'F-42', rounds: gaps.length, note: `Retry-After: 3 kept: gaps of ${gaps.join(', ')} ms` });
});

test('F-42: a claim whose answer is unreadable is asked for again with the same id, and the task runs once', async (context) => {
  const { session, api } = await behindDoor('f42 claim', context);
  api.concerns = ({ path }) => path.endsWith('/claim');
  // the API does its part, its answer is replaced on the way
  const half: BadAnswer = (response) => response.writeHead(200).end('{"claim": {"at');
  api.answer('half', half);
  const ledger = await lab.ledger(session, { lines: 100 });
  await until('it is asked again', () => api.bad().length >= 3, 60_000);
  api.pass();
  await lab.check(ledger);
  tally({ row: 'F-42', rounds: 1, lines: 200, note: 'claims with half of an answer' });
});

describe('F-43: a redirect to another host', () => {
  const came: string[] = [];
  let elsewhere: Server;
  let address = '';
  beforeAll(async () => {
    elsewhere = createServer((request, response) => {
      came.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.end('{}');
    });
    // a connection without a request counts too
    elsewhere.on('connection', () => came.push('a connection'));
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
    address = `http://localhost:${(elsewhere.address() as AddressInfo).port}`;
  });
  afterAll(() => elsewhere.close());

  test.for([301, 302, 303, 307, 308])('with %i is not followed by an agent', async (status, context) => {
    const { session, api } = await behindDoor(`f43 ${status}`, context);
    const gate = `gate-${session}`;
    const ledger = await lab.ledger(session, { lines: 300, pauseSeconds: 0.1, gate: lab.place.path(gate) });
    await until('lines arrive', async () => (await lab.place.logs(ledger.id)).length > 100);
    api.answer('redirect', redirect(status, address));
    await until('it is told to go elsewhere', () => verbs(api).has('renew') && api.bad().length >= 4);
    lab.place.file(gate, '');
    expect(came).toEqual([]);
    api.pass();
    await lab.check(ledger);
    expect(came).toEqual([]);
    tally({ row: 'F-43', rounds: 1, lines: 600, note: `agent, ${status}` });
  });

  const commands: readonly (readonly string[])[] = [
    ['progress', '10'],
    ['log', 'INFO', 'hello'],
    ['success'],
    ['fail', '--auto-fix'],
    ['ask', 'Go?', '--timeout', '1'],
    ['artifact', 'add', 'note.txt'],
    ['task', 'list'],
    ['task', 'logs', '-f', 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'],
    ['session', 'create', 'nowhere'],
  ];
  test.for(commands)('is not followed by keruta %s', async (words, { onTestFinished }) => {
    const api = await FakeApi.listen(lab.server.url);
    onTestFinished(() => api.close());
    api.answer('redirect', redirect(307, address));
    lab.place.file('note.txt', 'hello');
    const env = {
      ...lab.place.env,
      KERUTA_API_URL: api.url,
      KERUTA_TASK_ID: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
      KERUTA_BASE_DIR: lab.place.path('f43'),
      KERUTA_RETRY_COUNT: '0',
    };
    const ended = await lab.place.keruta(words, { env });
    expect(api.bad().length).toBeGreaterThan(0);
    expect(came).toEqual([]);
    expect(ended.stderr).toMatch(/redirect|kept for later/);
    tally({ row: 'F-43', rounds: 1, note: `keruta ${words[0]}: nothing came to the other host` });
  });
});
