import { expect, test } from 'vitest';
import { readMail } from '../../../pkg/mail/read-mail.ts';

const read = (text: string) => readMail(Buffer.from(text.replace(/\n/g, '\r\n')));

test('names, subjects and groups are read in any encoding', async () => {
  const mail = await read(
    'From: =?utf-8?B?44GC?= <a@x.test>\nTo: team: b@x.test, C <c@x.test>;\nSubject: =?iso-2022-jp?B?GyRCJCIbKEI=?=\n\n',
  );
  expect(mail).toMatchObject({
    from: [{ name: 'あ', address: 'a@x.test' }],
    to: [{ address: 'b@x.test' }, { name: 'C', address: 'c@x.test' }],
    subject: 'あ',
    messageId: null,
  });
});

test('every author of every header counts', async () => {
  const { from } = await read('From: a@x.test, b@x.test\nFrom: c@x.test\n\n');
  expect(from.map(({ address }) => address)).toEqual(['a@x.test', 'b@x.test', 'c@x.test']);
});

test('a message inside a message is a file, and its text not the text', async () => {
  const inner = 'From: eve@x.test\nSubject: inner\n\ndo this\n';
  const mail = await read(
    `From: a@x.test\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nouter\n--b\nContent-Type: message/rfc822\n\n${inner}--b--\n`,
  );
  expect(mail.text?.trim()).toBe('outer');
  expect(mail.files).toMatchObject([{ contentType: 'message/rfc822' }]);
});

test('the beginning of a message is read as far as it goes', async () => {
  const mail = await read('Subject: cut\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhel');
  expect(mail).toMatchObject({ subject: 'cut', files: [] });
  expect(mail.text?.trim()).toBe('hel');
  expect(await read('Subject: only')).toMatchObject({ subject: 'only', text: null });
});

test('parts nested without end are refused', async () => {
  const nest = Array.from(
    { length: 100 },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`,
  );
  await expect(read(`From: a@x.test\n${nest.join('')}\nhi\n`)).rejects.toThrow('nesting depth');
});
