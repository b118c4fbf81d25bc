import { describe, expect, onTestFinished, test } from 'vitest';
import { isSigned } from '../../../internal/trigger/webhook/signatures.ts';
import { readMail } from '../../../pkg/mail/read-mail.ts';
import { channelContract, message } from './channel-contract.ts';
import { githubSide, mailSide, slackSide, webhookSecret, webhookSide } from './sides.ts';

const quiet = new AbortController().signal;
const sides = { slack: slackSide, webhook: webhookSide, mail: mailSide, github: githubSide };
for (const [name, open] of Object.entries(sides)) channelContract(name, async () => (await open()).side);

describe('what arrives', () => {
  test('in Slack calls nobody and hides no link', async () => {
    const { side, server } = await slackSide();
    onTestFinished(() => side.close());
    await side.channel().send(message, quiet);
    const { text } = server.requests[0]!.json as { readonly text: string };
    expect(text.split('\n')[0]).toBe('*Workflow &lt;nightly&gt; failed &amp; more*');
    expect(text).toContain('&lt;!channel&gt;');
    expect(text).not.toMatch(/[<>]/);
  });

  test('at a webhook is JSON that is signed for a trigger of type standard, with what is known as fields', async () => {
    const { side, server } = await webhookSide();
    onTestFinished(() => side.close());
    await side.channel().send(message, quiet);
    const [request] = server.requests;
    expect(request!.json).toEqual({
      type: 'failure',
      timestamp: '2026-01-01T00:00:00.000Z',
      data: {
        ...{ id: message.id, subject: message.subject, text: message.text, event: 'failure' },
        ...{ workflow: 'nightly', session: 'nightly', task: 'nightly', taskId: 't1', agent: null },
        ...{ failures: 3, message: 'said', url: null, at: '2026-01-01T00:00:00.000Z' },
      },
    });
    const headers = request!.headers as Readonly<Record<string, string>>;
    const signed = { headers, body: request!.body, now: Date.now() };
    expect(isSigned({ type: 'standard' }, signed, [webhookSecret])).toBe(true);
    expect(headers['webhook-id']).toBe(message.id);
  });

  test('of a server that is busy says when to come again', async () => {
    const { side } = await webhookSide();
    onTestFinished(() => side.close());
    await side.behave('is busy');
    expect(await side.channel().send(message, quiet)).toMatchObject({ isPassing: true, retryAfterMs: 7_000 });
  });

  test('in a mailbox is one message, however often it is sent', async () => {
    const { side, smtp } = await mailSide();
    onTestFinished(() => side.close());
    await side.channel().send(message, quiet);
    await side.channel().send({ ...message, isRepeated: true }, quiet);
    const mails = await Promise.all(smtp.mails.map(({ data }) => readMail(Buffer.from(data, 'latin1'))));
    const ids = mails.map((mail) => mail.messageId);
    expect(ids).toEqual([`<${message.id}@example.com>`, `<${message.id}@example.com>`]);
    expect(mails[0]).toMatchObject({ subject: message.subject });
    expect(smtp.mails[0]).toMatchObject({ login: 'ann:sesame-of-mail', to: ['ann@example.com'] });
  });

  test('as a comment is written once, and calls nobody', async () => {
    const { side, fake } = await githubSide();
    onTestFinished(() => side.close());
    await side.channel().send(message, quiet);
    await side.channel().send({ ...message, isRepeated: true }, quiet);
    expect(fake.comments).toHaveLength(1);
    expect(fake.comments[0]).toMatchObject({ at: '/repos/acme/site/issues/7/comments' });
    expect(fake.comments[0]?.body).toContain('````text\nsaid:\n@here');
    expect(fake.comments[0]?.body).toContain('**Workflow \\<nightly\\> failed & more**');
  });
});
