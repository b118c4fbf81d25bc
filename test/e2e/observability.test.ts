import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Received, startReceiver } from '../pkg/trace/receiver.ts';
import { makePlace } from './place.ts';

/** A real server and a real agent, looked at from outside. */
const [tracing, place] = [makePlace('traces'), makePlace('observability')];
afterAll(() => Promise.all([tracing.close(), place.close()]));

const secret = 'a-secret-of-more-than-thirty-two-bytes';
const sender = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

let deliveries = 0;
async function deliver(url: string, headers: Readonly<Record<string, string>> = {}) {
  const body = '{"n":1}';
  const answer = await fetch(`${url}/webhook/hook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      'x-github-event': 'push',
      'x-github-delivery': `d-${deliveries++}`,
      ...headers,
    },
    body,
  });
  return String(((await answer.json()) as { taskId?: string }).taskId);
}

const named = (spans: readonly Received[], name: string) => spans.find((span) => span.name === name);

describe('a server and an agent that are told where traces go', () => {
  test('tell one tree of spans in the trace of the sender, and scripts their place in it', async () => {
    const place = tracing;
    const receiver = await startReceiver();
    const headers = 'authorization=Bearer%20t0p-s3cret-of-the-receiver';
    const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_HEADERS: headers };
    const env = () => ({ ...place.env, ...traced, HOOK_SECRET: secret });
    const server = await place.server(['--log-format', 'json'], { env: env() });
    const run = 'echo "place $TRACEPARENT"; echo "headers $OTEL_EXPORTER_OTLP_HEADERS"; exit 3';
    const auth = { type: 'github', secretEnv: 'HOOK_SECRET' };
    const triggers = [{ type: 'webhook', path: 'hook', auth }];
    await place.api('POST', '/workflows', {
      ...{ name: 'w', run: { script: run, autoFix: false }, overlap: 'allow', triggers },
    });
    const [session] = await place.api<{ id: string }[]>('GET', '/sessions/search?name=w');
    const agent = await place.daemon(session?.id ?? '', [], { env: env() });
    const taskId = await deliver(server.url, { traceparent: `00-${sender.traceId}-${sender.spanId}-01` });
    await place.ended(taskId);
    const names = ['attempt', 'checkout', 'claim', 'deliver', 'report', 'run', 'task'];
    await expect.poll(() => receiver.spans.map(({ name }) => name).toSorted()).toEqual(names);
    const { spans } = receiver;
    expect(receiver.faults).toEqual([]);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([sender.traceId]));
    const [task, attempt, script] = [named(spans, 'task'), named(spans, 'attempt'), named(spans, 'run')];
    expect(task).toMatchObject({ service: 'keruta-server', parent: sender.spanId, kind: 5 });
    expect(attempt).toMatchObject({ service: 'keruta-agent', parent: task?.spanId });
    for (const phase of names.filter((name) => name !== 'task' && name !== 'attempt'))
      expect(named(spans, phase)?.parent, phase).toBe(attempt?.spanId);
    expect(task?.attributes).toMatchObject({
      ...{ 'keruta.task.id': taskId, 'keruta.trigger': 'w/webhook', 'keruta.status': 'failed' },
      'keruta.exit_code': 3,
    });
    expect([task?.status.code, attempt?.status]).toEqual([2, { code: 2, message: 'exit code 3' }]);
    for (const span of spans) expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
    // what the agent finds secret it masks, also the headers of the receiver
    const output = await place.logs(taskId, 'stdout');
    expect(output).toContain(`place 00-${sender.traceId}-${script?.spanId}-01\n`);
    expect(output).not.toContain('t0p-s3cret');
    expect(receiver.requests[0]?.headers.authorization).toBe('Bearer t0p-s3cret-of-the-receiver');
    expect(server.stderr() + server.stdout() + agent.stderr()).not.toContain('t0p-s3cret');

    const lines = (server.stdout() + server.stderr()).split('\n').flatMap((line) => {
      const parsed = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {};
      return parsed.task_id === taskId ? [parsed] : [];
    });
    expect(lines.map(({ event }) => event)).toEqual([
      ...['trigger_fired', 'execution_started', 'execution_failed'],
    ]);
    expect(new Set(lines.map(({ execution_id }) => execution_id)).size).toBe(1);

    // a receiver that is gone changes nothing for the work
    await receiver.close();
    const other = await deliver(server.url);
    expect(await place.ended(other)).toMatchObject({ status: 'FAILED', exitCode: 3 });
    await agent.stop();
    await server.stop();
  }, 90_000);
});

describe('a server and an agent without', () => {
  test('pass on the trace of a sender, measure the run, and show what happened in their metrics', async () => {
    const env = () => ({ ...place.env, HOOK_SECRET: secret });
    const server = await place.server([], { env: env() });
    const run = [
      'printf "place %s\\n" "$(printenv TRACEPARENT || echo none)"',
      // busy for a while, with memory
      "x=$(head -c 20000000 /dev/zero | tr '\\0' x); end=$(($(date +%s) + 3))",
      'while [ "$(date +%s)" -lt $end ]; do :; done',
    ].join('\n');
    await place.api('POST', '/workflows', {
      ...{ name: 'w', run, overlap: 'allow' },
      triggers: [{ type: 'webhook', path: 'hook', auth: { type: 'github', secretEnv: 'HOOK_SECRET' } }],
    });
    const [session] = await place.api<{ id: string }[]>('GET', '/sessions/search?name=w');
    await place.daemon(session?.id ?? '', [], { env: { ...env(), TRACEPARENT: 'of the agent' } });
    const text = `00-${sender.traceId}-${sender.spanId}-00`;
    const traced = await place.whole(await deliver(server.url, { traceparent: text }), 40_000);
    const plain = await place.whole(await deliver(server.url), 40_000);
    expect(await place.logs(traced.id, 'stdout')).toBe(`place ${text}\n`);
    expect(await place.logs(plain.id, 'stdout')).toBe('place none\n');

    const shown = (await place.keruta(['task', 'show', plain.id])).stdout;
    expect(shown).toMatch(/cpu over time +[▁▂▃▄▅▆▇█]+ at most \d+ %/);
    expect(shown).toMatch(/memory over time +[▁▂▃▄▅▆▇█]+ at most \d/);
    const { usage } = await place.json<typeof plain>('task', 'show', plain.id);
    expect(usage?.peakMemoryBytes).toBeGreaterThan(20_000_000);
    expect(usage?.cpuMs).toBeGreaterThan(0);
    expect(usage?.samples?.memoryBytes.length).toBeGreaterThan(0);

    const token = (
      await place.api<{ token: string }>('POST', '/tokens', { scope: 'read-only', name: 'prometheus' })
    ).token;
    const scrape = async (url: string, bearer: string) => {
      const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${bearer}` } });
      return answer.text();
    };
    const count = 'keruta_executions_total{trigger="w/webhook",status="success",decision="classic"} 2';
    await expect.poll(() => scrape(server.url, token)).toContain(count);
    expect(await scrape(server.url, token)).toContain('keruta_health 2\n');
    const state = JSON.parse(readFileSync(join(place.home, '.keruta/agent.json'), 'utf8'));
    const agentToken = readFileSync(state.localTokenFile, 'utf8').trim();
    // counted once the report was answered
    const ended = 'keruta_agent_tasks_total{status="COMPLETED"} 2';
    await expect.poll(() => scrape(state.url, agentToken)).toContain(ended);
    expect(await scrape(state.url, agentToken)).toContain('keruta_agent_delivery_lag_seconds 0\n');
    const health = (await (await fetch(`${server.url}/readyz`)).json()) as object;
    expect(health).toMatchObject({ health: 'healthy', store: 'ok', triggers: { awake: 2, held: 0 } });
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  }, 120_000);
});
