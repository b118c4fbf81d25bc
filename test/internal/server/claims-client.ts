import { adminToken, type TestServer } from './start-server.ts';

/** One event as an SSE client sees it. */
export interface Seen {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at events as a client without types does
  readonly data: any;
}

/** Opens an event stream; `until` reads on until an event satisfies it, and gives all that were read. */
export async function openEvents(server: TestServer, path: string, lastEventId?: string) {
  const controller = new AbortController();
  const response = await fetch(`${server.url}/api/v1/${path}`, {
    headers: {
      authorization: `Bearer ${adminToken}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal: controller.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const seen: Seen[] = [];
  let rest = '';
  const until = async (found: (event: Seen) => boolean): Promise<readonly Seen[]> => {
    while (!seen.some(found)) {
      const { done, value } = await reader.read();
      if (done) break;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
        if (field('event'))
          seen.push({ id: field('id'), event: field('event'), data: JSON.parse(field('data')) });
      }
    }
    return seen;
  };
  const close = async () => {
    controller.abort();
    await reader.cancel().catch(() => {});
  };
  return { response, seen, until, close };
}

/** The text of all output events of one stream. */
export function outputOf(seen: readonly Seen[], stream: string): string {
  return seen
    .filter((each) => each.event === 'output' && each.data.stream === stream)
    .map((each) => each.data.text)
    .join('');
}

/** Makes a session and a task in it over the wire. */
export async function makeTask(server: TestServer, more: object = {}) {
  const name = `s-${server.parts.random.uuid4()}`;
  const session = (await server.call('POST', 'sessions', { name })).body;
  const add = async (other: object = {}) =>
    (await server.call('POST', 'tasks', { sessionId: session.id, name: 'build', script: 'true', ...other }))
      .body;
  const task = await add(more);
  const claim = async (claimId: string = server.parts.random.uuid4()) => {
    const { body } = await server.call('POST', `sessions/${session.id}/claim`, { agentId: 'agent', claimId });
    return body.claim;
  };
  return { session, task, add, claim };
}
