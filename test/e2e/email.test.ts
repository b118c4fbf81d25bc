import { describe, expect, test } from 'vitest';
import { heldUp } from '../faults/lab/starvation.ts';
import { makeMailPlace, noMail } from './mail-place.ts';
import { pause, until } from './place.ts';

/** From a message on a real mail server to the task that it fires, with real programs. */
describe.skipIf(noMail !== null)('a message (needs the Dovecot that scripts/test.sh starts)', () => {
  test('fires within 5 s a task whose script reads it with its file, and is marked and moved', async () => {
    const { place, start, apply, session, fired, deliver, files } = await makeMailPlace('mail');
    await deliver({ subject: 'of yesterday' });
    await start();
    await apply('cat "$KERUTA_EVENT_FILE"; echo; env', { attachments: true, markSeen: true, moveTo: 'Done' });
    const agent = await place.daemon(await session());
    const parts = [
      'Authentication-Results: mx.example.com; dmarc=pass header.from=example.com',
      'From: Ann <ann@example.com>',
      'Subject: an invoice',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b\n\nplease pay $(id)',
      '--b\nContent-Disposition: attachment; filename=a.txt\n\n12 euros',
      '--b--\n',
    ];
    const [began, held] = [performance.now(), heldUp()];
    await deliver({ raw: parts.join('\n') });
    await until('it fires', async () => (await fired()).length > 0);
    expect(performance.now() - began).toBeLessThan(5_000 + held());
    const [made] = await fired();
    const task = await place.whole(made?.id ?? '', 60_000);
    const output = await place.logs(task.id, 'stdout');
    expect(task.status, output).toBe('COMPLETED');
    const { data } = JSON.parse(output.split('\n')[0] ?? '');
    expect(data).toMatchObject({ subject: 'an invoice', text: 'please pay $(id)\n' });
    expect(data.attachments).toMatchObject([{ name: 'a.txt' }]);
    expect(output).toContain('KERUTA_TRIGGER_TYPE=email');
    await until('it is moved', async () => (await files('.Done')).length === 1);
    // seen, as a Maildir says it
    expect((await files('.Done'))[0]).toMatch(/:2,.*S/);
    expect(await fired()).toHaveLength(1);
    await agent.stop();
  }, 120_000);

  test('fires once each, whenever the server is killed', async () => {
    const { start, apply, subjects, deliver } = await makeMailPlace('mail-kills');
    let server = await start();
    await apply('true', { markSeen: true });
    const sent: string[] = [];
    for (let n = 0; n < 6; n++) {
      for (const subject of [`${n} a`, `${n} b`]) {
        await deliver({ subject });
        sent.push(subject);
      }
      // before it is fetched, while it is, between its task and its mark, afterwards: whatever the moment is
      await pause(n * 20);
      await server.stop('SIGKILL');
      server = await start(server.port);
    }
    await deliver({ subject: 'last' });
    await until('the last fires', async () => (await subjects()).includes('last'), 60_000);
    expect((await subjects()).toSorted()).toEqual([...sent, 'last'].toSorted());
  }, 170_000);
});
