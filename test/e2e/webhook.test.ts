import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { makePlace } from './place.ts';

/** From a signed request to the result of the task that it fires, with real programs. */
const place = makePlace('webhook');
afterAll(() => place.close());

const secret = 'a-secret-of-more-than-thirty-two-bytes';

async function deliver(url: string, id: string, payload: unknown) {
  const body = JSON.stringify(payload);
  const answer = await fetch(`${url}/webhook/hook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      'x-github-event': 'issues',
      'x-github-delivery': id,
    },
    body,
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe('a webhook', () => {
  test('S-42, F-84: what was answered 202 runs, also when the server is killed; its text is never part of the script', async () => {
    const env = () => ({ ...place.env, HOOK_SECRET: secret });
    const server = await place.server([], { env: env() });
    const marker = place.path('marker');
    const run = [
      'echo "$KERUTA_WORKFLOW/$KERUTA_TRIGGER/$KERUTA_EVENT_KIND $KERUTA_PARAM_TITLE"',
      'stat -c %a "$KERUTA_EVENT_FILE"',
      'cat "$KERUTA_EVENT_FILE"',
    ].join('\n');
    const auth = { type: 'github', secretEnv: 'HOOK_SECRET' };
    const trigger = { type: 'webhook', path: 'hook', auth, parameters: { title: '$.issue.title' } };
    await place.api('POST', '/workflows', { name: 'w', run, overlap: 'allow', triggers: [trigger] });
    const title = `$(touch ${marker}) \`touch ${marker}\` '; touch ${marker} "\n touch ${marker}`;
    const { status, body } = await deliver(server.url, 'd1', { issue: { title } });
    await server.stop('SIGKILL');
    expect(status).toBe(202);
    const again = await place.server([], { env: env() });
    expect(await deliver(again.url, 'd1', { issue: { title } })).toMatchObject({
      status: 200,
      body: { status: 'duplicate', taskId: body.taskId },
    });
    const [session] = await place.api<{ id: string; name: string }[]>('GET', '/sessions/search?name=w');
    await place.daemon(session?.id ?? '');
    const task = await place.whole(String(body.taskId));
    expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    const output = await place.logs(task.id, 'stdout');
    expect(output.startsWith(`w/webhook/issues ${title}\n600\n{`)).toBe(true);
    const event = JSON.parse(output.slice(output.indexOf('\n600\n') + 5));
    expect(event).toMatchObject({ kind: 'issues', workflow: 'w', data: { body: { issue: { title } } } });
    expect(existsSync(marker)).toBe(false);
  }, 60_000);
});
