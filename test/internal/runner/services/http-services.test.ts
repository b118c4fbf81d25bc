import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { InputError } from '../../../../internal/domain/errors.ts';
import { httpArtifactStore } from '../../../../internal/runner/services/http-artifact-store.ts';
import { httpRepoPool } from '../../../../internal/runner/services/http-repo-pool.ts';
import { httpTaskRegistry } from '../../../../internal/runner/services/http-task-registry.ts';
import { makeServices, serviceTokens } from '../../../../internal/runner/services/make-services.ts';
import { slotRoutes } from '../../../../internal/worker/slot-routes.ts';
import { serveLocally } from '../../../../pkg/local-http/local-http.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { faults } from '../../../fake-server/fake-server.ts';
import { git, makeRepository, temporaryDirectory } from '../../../fixtures/git.ts';
import { makePool } from '../../pool/pool-fixture.ts';
import { failureOf, startService, token } from './place.ts';

const { signal } = new AbortController();

describe('a task registry', () => {
  test('is told status, events and artifacts', async () => {
    const { server, service } = await startService();
    for (const [method, path] of [
      ['PATCH', '/tasks/:id'],
      ['POST', '/tasks/:id/events'],
      ['POST', '/tasks/:id/artifacts'],
    ] as const)
      server.route(method, path, { status: 204 });
    const registry = httpTaskRegistry(service);
    await registry.updateStatus('a/1.1', 'PROCESSING');
    await registry.addEvent('a/1.1', 'phase', { phase: 'test' });
    await registry.addArtifact('a/1.1', 'diff', 'file:///a.diff');
    expect(server.requests.map(({ method, path, json }) => [method, path, json])).toEqual([
      ['PATCH', '/tasks/a%2F1.1', { status: 'PROCESSING' }],
      ['POST', '/tasks/a%2F1.1/events', { type: 'phase', data: { phase: 'test' } }],
      ['POST', '/tasks/a%2F1.1/artifacts', { type: 'diff', uri: 'file:///a.diff' }],
    ]);
  });

  test('that is away is waited for once, and again for a status only', async () => {
    const { server, service, waits } = await startService({ retries: 2 });
    server.route('POST', '/tasks/:id/events', { status: 503 });
    server.route('PATCH', '/tasks/:id', { status: 503 }, { status: 204 });
    const registry = httpTaskRegistry(service);
    await failureOf(registry.addEvent('t', 'phase', {}));
    expect(waits).toEqual([1000, 2000]);
    await failureOf(registry.addEvent('t', 'phase', {}));
    expect(waits).toEqual([1000, 2000]);
    await registry.updateStatus('t', 'COMPLETED');
    expect(waits).toEqual([1000, 2000, 1000]);
    await failureOf(registry.addEvent('t', 'phase', {}));
    expect(waits).toEqual([1000, 2000, 1000, 1000, 2000]);
  });

  test('that does not know the task says so', async () => {
    const { server, service } = await startService();
    server.route('PATCH', '/tasks/:id', { status: 404, json: { error: 'no such task' } });
    const { message } = await failureOf(httpTaskRegistry(service).updateStatus('x', 'FAILED'));
    expect(message).toContain('failed at PATCH /tasks/x: it answered 404: no such task');
  });
});

describe('a repository pool', () => {
  const wanted = { repositoryUrl: 'https://me:pw@github.com/acme/site.git', requiredBy: 't1', signal };

  test('hands out a slot and takes it back by its lease; credentials of the address stay here', async () => {
    const { server, service } = await startService();
    server.route('POST', '/slots/allocate', { json: { slot_id: 's1', slot_path: '/slots/1', lease: 'L' } });
    server.route('POST', '/slots/release', { status: 204 });
    const pool = httpRepoPool(service, { leaseMs: 90_500 });
    expect(await pool.allocate(wanted)).toEqual({ id: 's1', path: '/slots/1' });
    await pool.release('s1');
    await pool.release('other');
    expect(server.requests.map(({ json }) => json)).toEqual([
      { repo_url: 'https://github.com/acme/site.git', required_by: 't1', lease_seconds: 91 },
      { slot_id: 's1', lease: 'L' },
      { slot_id: 'other' },
    ]);
  });

  test.each([
    ['no path', { slot_id: 's1' }],
    ['a relative path', { slot_id: 's1', slot_path: 'slots/1' }],
    ['another spelling', { slotId: 's1', slotPath: '/slots/1' }],
    ['nothing', undefined],
  ])('that answers %s is not believed', async (_, json) => {
    const { server, service } = await startService();
    server.route('POST', '/slots/allocate', { status: 200, json });
    const { message } = await failureOf(httpRepoPool(service, { leaseMs: 1000 }).allocate(wanted));
    expect(message).toMatch(/^the repository pool at .* expected slot_id and slot_path, an absolute path/);
  });

  test('is the one of an agent, when its address is given', async () => {
    const { pool } = makePool();
    const routes = slotRoutes({ pool: async () => pool, allowedRepositories: null, log: silentLog });
    const onFault = (error: unknown) => {
      throw error;
    };
    const limits = { maxBodyBytes: 65_536, onFault };
    const agent = await serveLocally({ ...limits, host: 'localhost', ports: [0], token, routes });
    onTestFinished(() => agent.close());
    const { service } = await startService({ baseUrl: agent.url });
    const client = httpRepoPool(service, { leaseMs: 60_000 });
    const repositoryUrl = makeRepository({ 'a.txt': 'one\n' });
    const slot = await client.allocate({ repositoryUrl, requiredBy: 't1', signal });
    expect(git(slot.path, 'show', 'HEAD:a.txt')).toBe('one');
    expect((await pool.list()).slots).toMatchObject([{ id: slot.id, state: 'leased', requiredBy: 't1' }]);
    await client.release(slot.id);
    expect((await pool.list()).slots).toMatchObject([{ id: slot.id, state: 'free' }]);
  });
});

describe('an artifact store', () => {
  const place = () => {
    const directory = temporaryDirectory('artifacts');
    const file = join(directory, 'a.diff');
    writeFileSync(file, 'x'.repeat(600_000));
    return { directory, upload: { taskId: 't/1', type: 'diff', name: 'a&b.diff', file, signal } };
  };

  test('gets the bytes as they are, again from the start when it is asked again', async () => {
    const { server, service } = await startService();
    server.route('POST', '/artifacts', { status: 503 }, { json: { uri: 's3://bucket/a' } });
    expect(await httpArtifactStore(service).upload(place().upload)).toBe('s3://bucket/a');
    expect(server.requests).toHaveLength(2);
    for (const { query, body, headers } of server.requests) {
      expect(Object.fromEntries(query)).toEqual({ type: 'diff', name: 'a&b.diff', taskId: 't/1' });
      expect([body.length, headers['content-length']]).toEqual([600_000, '600000']);
    }
  });

  test('gets an empty file', async () => {
    const { server, service } = await startService();
    server.route('POST', '/artifacts', { json: { uri: 'file:///a' } });
    const { directory, upload } = place();
    writeFileSync(join(directory, 'empty'), '');
    await httpArtifactStore(service).upload({ ...upload, file: join(directory, 'empty') });
    expect(server.requests[0]?.body.length).toBe(0);
  });

  test.each([
    ['nothing', { status: 204 }],
    ['no address', { json: { uri: 'over there' } }],
    ['another name', { json: { url: 'https://x/y' } }],
  ])('that answers %s is not believed', async (_, reply) => {
    const { server, service } = await startService();
    server.route('POST', '/artifacts', reply);
    const { message } = await failureOf(httpArtifactStore(service).upload(place().upload));
    expect(message).toMatch(/failed at POST \/artifacts: expected uri in its answer/);
  });

  test('gets no link, no directory and nothing that is not there', async () => {
    const { service, server } = await startService();
    const { directory, upload } = place();
    symlinkSync('/etc/passwd', join(directory, 'link'));
    mkdirSync(join(directory, 'sub'));
    const store = httpArtifactStore(service);
    for (const [name, words] of [
      ['link', 'it is a link'],
      ['sub', 'it is not a regular file'],
      ['none', 'it cannot be opened (ENOENT)'],
    ] as const)
      await expect(store.upload({ ...upload, file: join(directory, name) })).rejects.toThrow(words);
    expect(server.requests).toEqual([]);
  });

  test('is left by who is stopped', async () => {
    const { server, service } = await startService();
    server.route('POST', '/artifacts', faults.blackHole);
    const stop = new AbortController();
    const sent = httpArtifactStore(service).upload({ ...place().upload, signal: stop.signal });
    await expect.poll(() => server.requests.length).toBe(1);
    stop.abort(new Error('stopped'));
    await expect(sent).rejects.toThrow('stopped');
  });
});

describe('the services of a configuration', () => {
  const config = (urls: Readonly<Record<string, string>> = {}) => ({
    services: { taskRegistryUrl: null, repoPoolUrl: null, artifactStoreUrl: null, ...urls },
    ...{ retries: { git: 3, network: 0 }, timeoutMs: 1000 },
  });

  test('are ours, where it names none', async () => {
    const { service } = await startService();
    expect(makeServices(config(), { ...service, secretOf: () => token })).toEqual({
      ...{ taskRegistry: null, repoPool: null, artifactStore: null },
    });
  });

  test('get each its own token', async () => {
    const { server, service } = await startService();
    server.route('PATCH', '/tasks/:id', { status: 204 });
    server.route('POST', '/slots/release', { status: 204 });
    server.route('POST', '/artifacts', { json: { uri: 'file:///a' } });
    const urls = { taskRegistryUrl: server.url, repoPoolUrl: server.url, artifactStoreUrl: server.url };
    const made = makeServices(config(urls), { ...service, secretOf: (name) => `${name}-value\n` });
    await made.taskRegistry?.updateStatus('t', 'COMPLETED');
    await made.repoPool?.release('s');
    const file = join(temporaryDirectory('artifacts'), 'a');
    writeFileSync(file, 'a');
    await made.artifactStore?.upload({ taskId: 't', type: 'log', name: 'a', file, signal });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(
      Object.values(serviceTokens).map((name) => `Bearer ${name}-value`),
    );
  });

  test('refuse a token that cannot be sent, without showing it', async () => {
    const { server, service } = await startService();
    const made = () =>
      makeServices(config({ taskRegistryUrl: server.url }), { ...service, secretOf: () => 'two words' });
    expect(made).toThrow(InputError);
    expect(made).toThrow(/^TASK_REGISTRY_TOKEN is no token: /);
    expect(made).not.toThrow(/two words/);
  });
});
