import { expect, test } from 'vitest';
import { makeMailPlace, noMail } from '../e2e/mail-place.ts';
import { until } from '../e2e/place.ts';
import { faultyExecutable } from './lab/lab.ts';
import { tally } from './lab/rounds.ts';

test.skipIf(noMail !== null)(
  'F-88: a server that is killed when the task of a message is there and the message is not marked runs it once (needs the Dovecot that scripts/test.sh starts)',
  async () => {
    const { start, apply, fired, subjects, deliver, files } = await makeMailPlace(
      'mail-mark',
      faultyExecutable,
    );
    const dying = await start(0, { KERUTA_FAILPOINT: 'before_mail_mark:kill' });
    await apply('true', { markSeen: true });
    await deliver({ subject: 'one' });
    expect(await dying.ended).toMatchObject({ signal: 'SIGKILL' });
    expect((await files()).filter((name) => /:2,.*S/.test(name))).toEqual([]);
    await start(dying.port);
    const [made] = await fired();
    await deliver({ subject: 'two' });
    await until('the next one fires', async () => (await subjects()).includes('two'), 60_000);
    expect(await subjects()).toEqual(['one', 'two']);
    expect((await fired())[0]).toEqual(made);
    tally({ row: 'F-88', rounds: 1, note: 'killed between task and mark' });
  },
);
