import type { NotificationWire } from '../../../internal/api/notification-shapes.ts';
import { visible } from '../../../pkg/terminal/text.ts';
import { command } from '../command.ts';
import { ago, printJson, printTable } from './print.ts';

/** Rows that are shown without being asked for more. */
const usualLimit = 50;

/** `keruta notify list` */
export const notifyList = command({
  name: 'notify list',
  summary: 'Lists messages to people that wait, or that nobody tries to send any more, newest first.',
  positionals: {},
  options: {
    all: { kind: 'bool', doc: 'also those that were sent', default: false },
    channel: { kind: 'string', doc: 'of this channel only', placeholder: 'NAME' },
    limit: { kind: 'int', doc: 'at most so many of each state', range: [1, 1000], default: usualLimit },
  },
  examples: ['keruta notify list', 'keruta notify list --all --channel ops --json'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const { channel, limit } = values;
    const states = values.all ? (['waiting', 'dead', 'sent'] as const) : (['waiting', 'dead'] as const);
    const lists = await Promise.all(
      states.map((state) => {
        const query = { state, limit, ...(channel === undefined ? {} : { channel }) };
        return client.notifications.list(query, { signal: context.signal });
      }),
    );
    // ids are made of the time
    const found = lists.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
    if (context.json) {
      await printJson(context, found);
      return 0;
    }
    const known = (await client.notifications.channels({ signal: context.signal })).map(({ name }) => name);
    const titles = ['AGE', 'STATE', 'CHANNEL', 'EVENT', 'TRIES', 'NEXT', 'SUBJECT', 'LAST ERROR'];
    const columns = titles.map((title) => ({ title, ...(title === 'SUBJECT' ? { shrinks: true } : {}) }));
    const rows = found.map((one) => [
      ...[ago(context, one.createdAt), one.state, one.channel, one.event, String(one.tries)],
      ...[nextOf(context.clock.now(), one), visible(one.subject), errorOf(one, known)],
    ]);
    const empty = values.all ? 'nobody was told anything' : 'nothing waits, and nothing is dead';
    await printTable(context, columns, rows, empty);
    return 0;
  },
});

function errorOf({ channel, state, error }: NotificationWire, known: readonly string[]): string {
  const isStrange = state === 'waiting' && !known.includes(channel);
  return error ?? (isStrange ? `the server has no channel ${channel}` : '');
}

function nextOf(now: number, { dueAt }: NotificationWire): string {
  if (dueAt === null) return '-';
  const seconds = Math.ceil((Date.parse(dueAt) - now) / 1000);
  return seconds <= 0 ? 'now' : `in ${seconds}s`;
}

/** `keruta notify test` */
export const notifyTest = command({
  name: 'notify test',
  summary: 'Sends a message through a channel of the server, at once, and tells whether it was taken.',
  positionals: { channel: { doc: 'name, as the file of channels has it' } },
  options: {},
  examples: ['keruta notify test ops'],
  exits: { 1: 'the message was not taken' },
  run: async (context, values) => {
    const client = await context.makeClient();
    // sending may take its time; a server that does not answer at all is found out by a question that may not
    await client.notifications.channels({ signal: context.signal });
    const tried = await client.notifications.test(values.channel, { signal: context.signal });
    if (context.json) await printJson(context, tried);
    else if (tried.isTaken)
      await context.stdout.write(`${tried.channel} (${tried.type}) took the message ${tried.id}\n`);
    else
      await context.stderr.write(
        `${tried.channel} (${tried.type}) did not take the message: ${tried.error}\n`,
      );
    return tried.isTaken ? 0 : 1;
  },
});
