import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  resolveSession,
  sessionIdFromWorkspaceName,
  workspaceName,
} from '../../../internal/api/discovery.ts';
import { clientFor, oldSession, sessionId } from '../../fake-server/api.ts';
import { type FakeServer, startFakeServer } from '../../fake-server/fake-server.ts';

describe('the name of the workspace', () => {
  test.each([
    [{ coderWorkspaceName: ' a ', hostname: 'h', directory: '/session-x' }, 'a'],
    [{ coderWorkspaceName: '', hostname: 'h', directory: '/session-x' }, 'h'],
    [{ hostname: 'localhost', directory: '/home/session-x/' }, 'session-x'],
    [{ hostname: '', directory: '/home/me' }, null],
    [{}, null],
  ])('of %j is %j', (sources, expected) => {
    expect(workspaceName(sources)).toBe(expected);
  });
});

describe('the id in a workspace name', () => {
  const id = '29229ea1-8c41-4ca2-b064-7a7a7672dd1a';
  test.each([
    ['ws-0fcfba18-session0fc-7973', '0fcfba18'],
    ['ws-0fcfba18-ws0fcfba18-7973', '0fcfba18'],
    ['ws-0fcfba18-a-b-c-d', '0fcfba18'],
    ['ws-0FCFBA18-demo-0001', '0FCFBA18'],
    ['ws-zzzzzzzz-demo-7973', null],
    ['ws-0fcfba18-demo', null],
    ['ws-0fcfba1-demo-7973', null],
    ['ws--demo-1', null],
    ['WS-0fcfba18-demo-7973', null],
    [`ws-${id}`, '29229ea1'],
    [id, id],
    [id.toUpperCase(), id.toUpperCase()],
    [`${id}-dev`, id],
    ['workspace-1', null],
    ['my-workspace', null],
    ['dev_box-1', null],
    ['vm', null],
    ['keruta-29229ea1', null],
    ['', null],
    [`session-${id}-keruta`, id],
    [`session-${id}`, id],
    ['session-29229ea1-8c41-4ca2-b064-7a7a7672dd1g-x', '29229ea1'],
    ['session-29229ea1-keruta', '29229ea1'],
    ['session-29229ea1', '29229ea1'],
    ['session-demoproject-1', 'demoproject'],
    ['session-my_sessionname-x', 'my_sessionname'],
    ['session-abc-keruta', null],
    ['session-', null],
    ['session', null],
    ['session-29229ea18c414ca2b0647a7a7672dd1a', '29229ea18c414ca2b0647a7a7672dd1a'],
    ['29229ea18c414ca2b0647a7a7672dd1a', null],
    ['29229ea1', null],
    ['29229ea1-dev', '29229ea1'],
    ['longworkspace-x', null],
    ['abcdefgh-1', null],
  ])('%j is %j', (name, expected) => {
    expect(sessionIdFromWorkspaceName(name)).toBe(expected);
  });
});

describe('a session', () => {
  let server: FakeServer;
  beforeEach(async () => {
    server = await startFakeServer();
    server.route('GET', '/api/v1/sessions/search', { json: [] });
    server.route('GET', '/api/v1/sessions/search/partial-id', { json: [] });
  });
  afterEach(() => server.close());
  const resolve = (hints: Parameters<typeof resolveSession>[1]) =>
    resolveSession(clientFor(server.url), hints);
  const known = () => server.route('GET', `/api/v1/sessions/${sessionId}`, { json: oldSession });

  test('with a whole id is asked for without a search', async () => {
    known();
    expect((await resolve({ sessionId })).id).toBe(sessionId);
    expect(server.trace()).toEqual([`GET /sessions/${sessionId}`]);
  });

  test('with session- in front of its id is found too', async () => {
    known();
    expect((await resolve({ sessionId: `session-${sessionId}` })).id).toBe(sessionId);
  });

  test('is found by its exact name only', async () => {
    server.route('GET', '/api/v1/sessions/search', {
      json: [{ ...oldSession, id: 'x', name: 'demo2' }, oldSession],
    });
    expect((await resolve({ sessionId: 'demo' })).id).toBe(sessionId);
  });

  test('is found by the beginning of its id', async () => {
    server.route('GET', '/api/v1/sessions/search/partial-id', { json: [oldSession] });
    expect((await resolve({ sessionId: '29229ea1' })).id).toBe(sessionId);
    expect((await resolve({ workspaceName: 'ws-29229ea1-demo-1234' })).id).toBe(sessionId);
  });

  test('whose id begins like another one’s is the one that is called as the workspace', async () => {
    const others = [
      { ...oldSession, id: '29229ea1-x', name: 'other' },
      { ...oldSession, name: 'ws' },
    ];
    server.route('GET', '/api/v1/sessions/search/partial-id', { json: others });
    expect((await resolve({ sessionId: '29229ea1', workspaceName: 'ws' })).id).toBe(sessionId);
    await expect(resolve({ sessionId: '29229ea1' })).rejects.toThrow(
      /too many to choose from: 29229ea1-x \(other\)/,
    );
  });

  test('is found by its workspace, by id first, then by name', async () => {
    server.route('GET', '/api/v1/sessions/by-workspace/w', { json: oldSession });
    expect((await resolve({ workspaceId: 'w', workspaceName: 'n' })).id).toBe(sessionId);
    server.route('GET', '/api/v1/sessions/search', { json: [{ ...oldSession, name: 'n' }] });
    expect((await resolve({ workspaceId: 'gone', workspaceName: 'n' })).name).toBe('n');
  });

  test('that is nowhere is an error which lists what was tried', async () => {
    const lost = resolve({ workspaceId: 'w', workspaceName: 'ws-29229ea1-demo-1' });
    await expect(lost).rejects.toMatchObject({ code: 'KERUTA_ERR_SESSION_NOT_FOUND' });
    await expect(lost).rejects.toThrow(
      /Tried: workspace "w"; name "ws-29229ea1-demo-1"; name "29229ea1"; ids that begin with "29229ea1"; id "29229ea1"/,
    );
    await expect(resolve({})).rejects.toThrow('nothing is known');
  });

  test('is not declared missing when the API is away', async () => {
    await server.refuse();
    await expect(resolve({ sessionId })).rejects.toMatchObject({ code: 'KERUTA_ERR_API_UNAVAILABLE' });
  });
});
