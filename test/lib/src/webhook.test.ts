import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { webhook } from '../../../lib/src/index.ts';
import { takeRegistry } from '../../../lib/src/registry.ts';
import type { ServeOptions } from '../../../lib/src/webhook-server.ts';

beforeEach(() => void takeRegistry());

const secret = 'a secret of more than thirty-two bytes';

async function serve(options: Partial<ServeOptions> = {}) {
  const serving = await webhook.serve({ port: 0, secret, wait: true, ...options });
  onTestFinished(() => serving.close());
  return serving;
}

const sign = (body: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

async function post(url: string, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method: 'POST', body, headers });
  return { status: answer.status, body: await answer.json() };
}

describe('webhook', () => {
  test('runs a function with the payload of a signed event, by its address or by the header of GitHub', async () => {
    webhook.on('github.push', async (payload, { event }) => {
      return `${event}: ${payload.commits.length} in ${payload.repository.full_name}`;
    });
    const { url, events } = await serve();
    expect(events).toEqual(['github.push']);
    const body = JSON.stringify({ repository: { full_name: 'a/b' }, commits: [1, 2] });
    const signature = { 'x-hub-signature-256': sign(body) };
    const result = { status: 200, body: { status: 'success', result: 'github.push: 2 in a/b' } };
    expect(await post(`${url}/webhook/github.push`, body, signature)).toEqual(result);
    const byHeader = { ...signature, 'x-github-event': 'push' };
    expect(await post(`${url}/webhook/github`, body, byHeader)).toEqual(result);
  });

  test('takes the form that GitHub sends, answers its greeting, and lets events pass that nobody waits for', async () => {
    const ran: unknown[] = [];
    webhook.on('github.push', (payload) => void ran.push(payload));
    const { url } = await serve();
    const send = (path: string, event: string, body = '{}', more = {}) =>
      post(`${url}${path}`, body, { 'x-hub-signature-256': sign(body), 'x-github-event': event, ...more });
    for (const path of ['/webhook/github', '/webhook/github.push']) {
      expect(await send(path, 'ping')).toEqual({ status: 200, body: { status: 'pong' } });
      expect(await send(path, 'star')).toEqual({ status: 200, body: { status: 'skipped' } });
    }
    expect(await send('/webhook/github.star', 'star')).toMatchObject({ status: 401 });
    expect(ran).toEqual([]);
    const form = 'payload=%7B%22ref%22%3A%22a%22%7D';
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await send('/webhook/github.push', 'push', form, type)).status).toBe(200);
    expect(ran).toEqual([{ ref: 'a' }]);
  });

  test('takes events of Slack as Slack signs them, answers its greeting, and lets other events pass', async () => {
    const slackSecret = 'the signing secret of an app';
    webhook.on('slack.message', (payload, { event }) => [event, payload]);
    webhook.on('github.push', () => 'pushed');
    const { url } = await serve({ slackSecret });
    const signed = (body: string, key = slackSecret, at = Math.floor(Date.now() / 1000)) => ({
      'x-slack-request-timestamp': `${at}`,
      'x-slack-signature': `v0=${createHmac('sha256', key).update(`v0:${at}:${body}`).digest('hex')}`,
    });
    const send = (body: string, headers = signed(body)) =>
      post(`${url}/webhook/slack.message`, body, headers);
    const payload = { event_id: 'E1', event: { type: 'message', text: 'hi' } };
    const body = JSON.stringify(payload);
    const result = ['slack.message', payload];
    expect(await send(body)).toEqual({ status: 200, body: { status: 'success', result } });
    expect(await send(body)).toEqual({ status: 200, body: { status: 'duplicate' } });
    const other = JSON.stringify({ event_id: 'E2', event: { type: 'reaction_added' } });
    expect(await send(other)).toEqual({ status: 200, body: { status: 'skipped' } });
    const greeting = JSON.stringify({ type: 'url_verification', challenge: 'c' });
    expect(await send(greeting)).toEqual({ status: 200, body: { challenge: 'c' } });
    const old = Math.floor(Date.now() / 1000) - 3600;
    for (const headers of [signed(body, secret), signed(body, slackSecret, old), signed('{}')])
      expect((await send(body, headers)).status).toBe(401);
    const asGithub = { 'x-hub-signature-256': sign(body) };
    expect((await post(`${url}/webhook/slack.message`, body, asGithub)).status).toBe(401);
    expect((await post(`${url}/webhook/github.push`, body, asGithub)).body).toMatchObject({
      result: 'pushed',
    });
  });

  test('answers a missing signature, a bad one and an unknown event alike', async () => {
    webhook.on('a', () => 'ran');
    const { url } = await serve();
    const refused = { status: 401, body: { status: 'refused' } };
    expect(await post(`${url}/webhook/a`, '{}')).toEqual(refused);
    expect(await post(`${url}/webhook/a`, '{}', { 'x-hub-signature-256': sign('{ }') })).toEqual(refused);
    expect(await post(`${url}/webhook/b`, '{}', { 'x-hub-signature-256': sign('{}') })).toEqual(refused);
  });

  test('takes a delivery once, and refuses what is no JSON', async () => {
    let count = 0;
    webhook.on('a', () => ++count);
    const { url } = await serve();
    const headers = { 'x-hub-signature-256': sign('{}'), 'x-github-delivery': 'd1' };
    expect((await post(`${url}/webhook/a`, '{}', headers)).body).toEqual({ status: 'success', result: 1 });
    expect((await post(`${url}/webhook/a`, '{}', headers)).body).toEqual({ status: 'duplicate' });
    expect((await post(`${url}/webhook/a`, '{', { 'x-hub-signature-256': sign('{') })).status).toBe(400);
    expect(count).toBe(1);
  });

  test('runs all functions of an event, and tells of one that fails', async () => {
    const ran: string[] = [];
    webhook.on('a', () => void ran.push('one'));
    webhook.on('a', { name: 'two' }, () => {
      ran.push('two');
      throw new Error('broken');
    });
    const { url } = await serve();
    const answer = await post(`${url}/webhook/a`, '{}', { 'x-hub-signature-256': sign('{}') });
    expect(answer).toEqual({ status: 500, body: { status: 'failed', error: 'broken' } });
    expect(ran).toEqual(['one', 'two']);
  });

  test('refuses a body that is too large', async () => {
    webhook.on('a', () => 1);
    const { url } = await serve();
    const answer = await post(`${url}/webhook/a`, 'x'.repeat(5 * 1024 * 1024 + 1)).catch(() => ({
      status: 413,
    }));
    expect(answer.status).toBe(413);
  });

  test('listens without a secret only when that is written out, and on a loopback address', async () => {
    await expect(webhook.serve({ port: 0 })).rejects.toThrow("auth: 'none' has to be written");
    await expect(webhook.serve({ port: 0, auth: 'none', host: '0.0.0.0' })).rejects.toThrow('127.0.0.1 only');
    webhook.on('a', () => 'ran');
    const { url } = await serve({ secret: undefined, auth: 'none', wait: false });
    expect(await post(`${url}/webhook/a`, '{}')).toEqual({ status: 202, body: { status: 'accepted' } });
    // a page of a browser on this machine is no program on it
    const page = { origin: 'http://evil.example' };
    expect(await post(`${url}/webhook/a`, '{}', page)).toMatchObject({ status: 401 });
  });

  test('refuses an event that cannot stand in an address', () => {
    expect(() => webhook.on('a/b', () => 1)).toThrow('such as github.push');
  });
});
