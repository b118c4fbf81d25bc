import { describe, expect, test } from 'vitest';
import { type EmailSpec, readEmailSpec } from '../../../../internal/trigger/email/email-spec.ts';
import { judgeMail } from '../../../../internal/trigger/email/judge-mail.ts';
import { readMail } from '../../../../pkg/mail/read-mail.ts';

const passed = 'Authentication-Results: mx.example.com; dmarc=pass header.from=example.com';

/** What becomes of a message with these headers; its sender is verified when nothing else is said. */
async function judge(spec: EmailSpec, headers: readonly string[] = [], isChecked = true) {
  const rule = readEmailSpec({ authservId: 'mx.example.com', allowedSenders: '*@example.com', ...spec });
  const says = headers.some((line) => line.startsWith('Authentication-Results'));
  const all = says || !isChecked ? headers : [passed, ...headers];
  const named = all.some((line) => line.startsWith('From:')) ? all : [...all, 'From: Ann <ann@example.com>'];
  const mail = await readMail(Buffer.from(`${named.join('\r\n')}\r\n\r\n`));
  const verdict = judgeMail(rule, mail);
  return verdict.kind === 'refused' ? `refused: ${verdict.why}` : verdict.kind;
}

describe('filters', () => {
  test.each<[EmailSpec, string, string]>([
    [{}, 'Subject: x', 'fires'],
    [{ from: 'ann@*' }, 'Subject: x', 'fires'],
    [{ from: ['bob@*', 'ANN@*'] }, 'Subject: x', 'fires'],
    [{ from: 'bob@*' }, 'Subject: x', 'other'],
    [{ to: 'bot+*@example.com' }, 'To: x@y.z, Bot <bot+in@example.com>', 'fires'],
    [{ to: 'bot@example.com' }, 'Cc: bot@example.com', 'fires'],
    [{ to: 'bot@example.com' }, 'To: team: a@b.c, bot@example.com;', 'fires'],
    [{ to: 'bot@example.com' }, 'To: bot <other@example.com>', 'other'],
    [{ subject: '*invoice*' }, 'Subject: Your INVOICE of May', 'fires'],
    [{ subject: '請求書*' }, 'Subject: =?utf-8?B?6KuL5rGC5pu4IDXmnIg=?=', 'fires'],
    [{ subject: '*invoice*' }, 'Subject: hello', 'other'],
    [{ subject: '[a-z]+' }, 'Subject: abc', 'other'],
    [{ subject: 'a?c' }, 'Subject: abc', 'fires'],
  ])('%j of "%s": %s', async (spec, header, kind) => {
    expect(await judge(spec, [header])).toBe(kind);
  });
});

describe('S-45: a sender', () => {
  const results = (text: string) => `Authentication-Results: ${text}`;

  test.each([
    ['by DMARC', results('mx.example.com; dmarc=pass header.from=example.com')],
    ['by DKIM of the domain', results('mx.example.com; dkim=pass header.d=example.com')],
    [
      'by DKIM of the identity',
      results('MX.example.com; dkim=fail header.d=x.y; dkim=pass header.i=@example.com'),
    ],
    ['by SPF', results('mx.example.com; spf=pass smtp.mailfrom=bounce@example.com')],
  ])('is verified %s', async (_how, header) => {
    expect(await judge({}, [header])).toBe('fires');
  });

  test.each([
    ['whom nobody checked', 'X-Nothing: x', 'it has no Authentication-Results'],
    [
      'whom another server checked',
      results('mx.evil.test; dmarc=pass header.from=example.com'),
      'are not of mx.example.com',
    ],
    [
      'of another domain that passed',
      results('mx.example.com; dmarc=pass header.from=evil.test'),
      'neither DMARC nor DKIM',
    ],
    [
      'signed by a domain that only ends alike',
      results('mx.example.com; dkim=pass header.d=notexample.com'),
      'neither',
    ],
    ['signed by a whole top level', results('mx.example.com; dkim=pass header.d=com'), 'neither'],
    [
      'that failed DMARC',
      results('mx.example.com; dmarc=fail header.from=example.com; dkim=pass header.d=example.com'),
      'DMARC did not pass',
    ],
    [
      'that SPF is neutral about',
      results('mx.example.com; spf=neutral smtp.mailfrom=example.com'),
      'neither',
    ],
    [
      'whose results are in a comment',
      results('mx.example.com (dmarc=pass header.from=example.com)'),
      'neither',
    ],
  ])('%s is refused', async (_who, header, why) => {
    expect(await judge({}, [header], false)).toContain(why);
  });

  test('is refused when the results that pass stand below those of the server, where he could have written them', async () => {
    const own = results('mx.example.com; dmarc=fail header.from=example.com');
    expect(await judge({}, [own, passed])).toContain('refused');
    expect(await judge({}, [results('mx.example.com; none'), passed])).toContain('refused');
    expect(await judge({}, [results('relay.test; none'), passed])).toContain('refused');
  });

  test.each([
    ['several authors', 'From: ann@example.com, eve@evil.test'],
    ['several headers that name one', 'From: ann@example.com\r\nFrom: eve@evil.test'],
  ])('is refused with %s', async (_what, from) => {
    expect(await judge({}, [passed, from])).toBe('refused: it names several authors');
  });

  test('is told by his address, not by his name', async () => {
    const [header, from] = [
      results('mx.example.com; dmarc=pass header.from=evil.test'),
      'From: "ann@example.com" <eve@evil.test>',
    ];
    expect(await judge({}, [header, from])).toBe('refused: its sender is not among allowedSenders');
  });

  test('whom nobody checked fires where that is written out', async () => {
    const spec = { unverified: 'allow', allowedSenders: undefined } as unknown as EmailSpec;
    expect(await judge(spec, [results('other; none')])).toBe('fires');
    expect(await judge({ unverified: 'allow', allowedSenders: 'bob@*' }, [results('other; none')])).toContain(
      'allowedSenders',
    );
  });

  test('who is not meant is not even looked at', async () => {
    expect(await judge({ subject: 'x' }, ['Subject: y', results('other; none')])).toBe('other');
  });
});
