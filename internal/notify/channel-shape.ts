/** What the file of channels looks like. Secrets stand in variables or in files of their own, never here. */
import { z } from 'zod';
import { workflowNamePattern } from '../domain/workflow.ts';

const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'expected the name of a variable of the server, such as SLACK_URL');
const file = z.string().max(4096).startsWith('/', 'expected an absolute path on the server');

/** Both fields in which one secret may be named. */
const secret = <N extends string>(name: N) =>
  ({ [`${name}Env`]: variable.optional(), [`${name}File`]: file.optional() }) as Record<
    `${N}Env`,
    z.ZodOptional<typeof variable>
  > &
    Record<`${N}File`, z.ZodOptional<typeof file>>;

const webAddress = z.string().max(2000).refine(isWebAddress, {
  error: 'expected an address such as https://example.com/hook, without user and password',
});

const mailAddress = z
  .string()
  .max(320)
  .regex(/^[^\s<>@,;:"]+@[^\s<>@,;:"]+$/, 'expected one mail address, such as ann@example.com');

const slack = z.strictObject({
  type: z.literal('slack'),
  /** the address of an incoming webhook; whoever has it can write */
  ...secret('url'),
});

const mail = z.strictObject({
  type: z.literal('mail'),
  /** the SMTP server */
  host: z.string().min(1).max(255),
  /** default: 465 with `tls`, else 587 */
  port: z.int().min(1).max(65_535).optional(),
  /** `tls` from the first byte on, `starttls` before anything is said; `none` only to this machine; default `starttls` */
  security: z.enum(['tls', 'starttls', 'none']).optional(),
  /** default: nobody logs in */
  user: z.string().min(1).max(320).optional(),
  ...secret('password'),
  from: mailAddress,
  to: z.union([mailAddress.transform((one) => [one]), z.array(mailAddress).min(1).max(50)], {
    error: 'expected one mail address, such as ann@example.com, or a list of at most 50',
  }),
});

const webhook = z.strictObject({
  type: z.literal('webhook'),
  url: webAddress,
  /** the key of the signature, by Standard Webhooks */
  ...secret('secret'),
});

const github = z.strictObject({
  type: z.literal('github'),
  repository: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, 'expected a repository, such as acme/site'),
  /** number of the issue that gets the comments */
  issue: z.int().min(1).optional(),
  /** or of the pull request */
  pull: z.int().min(1).optional(),
});

/** One channel. */
const channelShape = z.discriminatedUnion('type', [slack, mail, webhook, github], {
  error: 'expected a channel of type slack, mail, webhook or github',
});

/** The whole file: channels by their names. */
export const channelsShape = z.strictObject({
  channels: z.record(z.string().regex(workflowNamePattern), channelShape, {
    error: ({ code }) =>
      code === 'invalid_key' ? 'expected a name of letters, digits, dots, dashes' : undefined,
  }),
});

/** A channel that has the shape. */
export type ChannelInput = z.output<typeof channelShape>;
/** One of a type. */
export type ChannelOf<T extends ChannelInput['type']> = Extract<ChannelInput, { readonly type: T }>;

/** Whether a text is an address of the web, without user and password. */
export function isWebAddress(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}
