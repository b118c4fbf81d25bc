import { expect, test } from 'vitest';
import { type AgentsQuestion, shareAgents, turnMs } from '../../../cmd/keruta/roles/share-agents.ts';

interface Given extends Partial<Omit<AgentsQuestion, 'staying' | 'withWork' | 'hosted' | 'servedAt'>> {
  readonly staying?: readonly string[];
  readonly withWork?: readonly string[];
  /** session, and since when; `!` behind the name: has a task in hand; `-`: was told to leave */
  readonly hosted?: Readonly<Record<string, number>>;
  readonly servedAt?: Readonly<Record<string, number>>;
}

const share = ({
  staying = [],
  withWork = [],
  hosted = {},
  servedAt = {},
  wanted = ['a', 'b', 'c', 'd'],
}: Given) =>
  shareAgents({
    ...{ most: 2, wanted, now: 100_000 },
    staying: new Set(staying),
    withWork: new Set(withWork),
    servedAt: new Map(Object.entries(servedAt)),
    hosted: Object.entries(hosted).map(([name, since]) => ({
      session: name.slice(0, 1),
      since,
      isBusy: name.endsWith('!'),
      isLeaving: name.endsWith('-'),
    })),
  });
const longAgo = 100_000 - turnMs;

test('without a crowd every session has an agent, with and without work', () => {
  expect(share({ wanted: ['a', 'b'] })).toEqual({ start: ['a', 'b'], leave: [] });
  expect(share({ wanted: ['a', 'b'], hosted: { a: 0, b: 0 }, withWork: ['a'] })).toEqual({
    start: [],
    leave: [],
  });
});

test.each<[string, Given, { start: string[]; leave: string[] }]>([
  ['only sessions with work get one', { withWork: ['b'] }, { start: ['b'], leave: [] }],
  ['nobody leaves when nobody waits', { hosted: { a: 0, b: 0 } }, { start: [], leave: [] }],
  [
    'one that has nothing to do leaves at once for a session that waits, and no more than are needed',
    { hosted: { a: 99_999, b: 99_998 }, withWork: ['c'] },
    { start: [], leave: ['b'] },
  ],
  [
    'one that has a task in hand stays while another has nothing to do',
    { hosted: { 'a!': 0, b: 99_999 }, withWork: ['c'] },
    { start: [], leave: ['b'] },
  ],
  [
    'one whose session has work stays for its turn',
    { hosted: { 'a!': longAgo + 1, b: longAgo + 1 }, withWork: ['b', 'c'] },
    { start: [], leave: [] },
  ],
  [
    'one that has had its turn leaves, the first that came first',
    { hosted: { 'a!': longAgo, b: longAgo - 1 }, withWork: ['a', 'b', 'c'] },
    { start: [], leave: ['b'] },
  ],
  [
    'one that is on its way out is enough for one that waits',
    { hosted: { 'a-': 0, b: 0 }, withWork: ['c'] },
    { start: [], leave: [] },
  ],
  [
    'a free place is taken before anybody leaves',
    { hosted: { a: 0 }, withWork: ['c'] },
    { start: ['c'], leave: [] },
  ],
  [
    'one that watches files stays, and is the first to come',
    { staying: ['d'], withWork: ['a', 'b'] },
    { start: ['d', 'a'], leave: [] },
  ],
  [
    'one that watches files makes no room',
    { staying: ['a'], hosted: { a: 0, b: 99_999 }, withWork: ['c', 'd'] },
    { start: [], leave: ['b'] },
  ],
  [
    'who was served longest ago is the next',
    { withWork: ['a', 'b', 'c'], servedAt: { a: 3, b: 2 } },
    { start: ['c', 'b'], leave: [] },
  ],
  [
    'one whose session nobody wants any more leaves when it has nothing to do',
    { wanted: ['a'], hosted: { x: 0, 'y!': 0 } },
    { start: [], leave: ['x'] },
  ],
])('in a crowd %s', (_, given, expected) => {
  expect(share(given)).toEqual(expected);
});

test('with work in all sessions each of them has its turn', () => {
  const wanted = ['a', 'b', 'c', 'd', 'e'];
  const turns = new Map<string, number>();
  const servedAt: Record<string, number> = {};
  let hosted: Record<string, number> = {};
  for (let now = 0; now < 50 * turnMs; now += turnMs) {
    const question = { most: 2, wanted, now, staying: new Set<string>(), withWork: new Set(wanted) };
    const agents = () =>
      Object.entries(hosted).map(([session, since]) => ({ session, since, isBusy: true, isLeaving: false }));
    const { leave } = shareAgents({
      ...question,
      hosted: agents(),
      servedAt: new Map(Object.entries(servedAt)),
    });
    for (const [n, id] of leave.entries()) servedAt[id] = now + n;
    hosted = Object.fromEntries(Object.entries(hosted).filter(([id]) => !leave.includes(id)));
    const { start } = shareAgents({
      ...question,
      hosted: agents(),
      servedAt: new Map(Object.entries(servedAt)),
    });
    for (const id of start) {
      hosted[id] = now;
      turns.set(id, (turns.get(id) ?? 0) + 1);
    }
  }
  const counts = wanted.map((id) => turns.get(id) ?? 0);
  expect(Math.min(...counts)).toBeGreaterThan(10);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(3);
});
