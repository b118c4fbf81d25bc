import { InputError } from '../../../internal/domain/errors.ts';
import { currency, formatMoney, maxMicro, parseMoney } from '../../../internal/domain/money.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { appendToMailbox } from './in-run.ts';
import { placeOf } from './place.ts';

/** `keruta cost add` */
export const costAdd = command({
  name: 'cost add',
  summary: 'Says what the task has just paid for, such as a call of a model.',
  description:
    'Inside a run it goes through the agent and needs no API. It is held against the limits of cost of the policies: at 80 % of what a run may spend its log says so, at all of it the run is cancelled.',
  positionals: { amount: { doc: 'in dollars, such as 0.12' } },
  options: {
    currency: { kind: 'string', doc: 'only USD is known', default: currency },
    'tokens-in': { kind: 'string', doc: 'tokens that a model read', placeholder: 'NUMBER' },
    'tokens-out': { kind: 'string', doc: 'tokens that it wrote', placeholder: 'NUMBER' },
    model: { kind: 'string', doc: 'its name' },
    key: { kind: 'string', doc: 'a name of this cost: said again, it counts once (default: a new one)' },
    'task-id': fromSetting('taskId'),
  },
  examples: [
    'keruta cost add 0.12 --tokens-in 5200 --tokens-out 830 --model small-1',
    'keruta cost add 1.50 --key invoice-2026-11',
  ],
  run: async (context, values) => {
    const micro = parseMoney(values.amount);
    if (micro === null)
      throw bad(`amount: expected dollars from 0 to ${maxMicro / 1e6}, such as 0.12; got "${values.amount}"`);
    if (values.currency.toUpperCase() !== currency)
      throw bad(
        `--currency: expected ${currency}, got "${values.currency}"; convert it first: no rates are known here`,
      );
    const tokensIn = tokensOf('--tokens-in', values['tokens-in']);
    const tokensOut = tokensOf('--tokens-out', values['tokens-out']);
    const key = values.key ?? context.random.uuid4();
    if (key === '' || key.length > 200) throw bad(`--key: expected 1 to 200 characters, got ${key.length}`);
    const model = values.model ?? '';
    const amount = formatMoney(micro);
    const place = await placeOf(context);
    if ('run' in place) {
      const options = { key, 'tokens-in': tokensIn, 'tokens-out': tokensOut, model: model || null };
      const words = Object.entries(options).flatMap(([name, value]) =>
        value === null ? [] : [`--${name}`, String(value)],
      );
      appendToMailbox(place.run, ['cost', 'add', amount, ...words]);
      if (context.json)
        await context.stdout.write(
          `${JSON.stringify({ taskId: place.run.taskId, key, delivered: 'run' })}\n`,
        );
      return 0;
    }
    const { apiUrl, taskId } = place.outside;
    const { speakOutside } = await import('./outside.ts');
    const request = {
      ...{ method: 'POST' as const, apiUrl, path: `/api/v1/tasks/${encodeURIComponent(taskId)}/costs` },
      ...{
        body: { amount, key, tokensIn, tokensOut, model: place.outside.mask(model) },
        at: context.clock.now(),
      },
    };
    const warn = (line: string) => void context.stderr.write(`keruta: ${line}\n`);
    const order = context.random.uuid4().slice(0, 8);
    const how = { requests: [request], strict: false, isFrequent: true };
    const delivered = await speakOutside({ clock: context.clock, order, warn }, place.outside, how);
    if (context.json) await context.stdout.write(`${JSON.stringify({ taskId, key, delivered })}\n`);
    return 0;
  },
});

function tokensOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw bad(`${name}: expected a whole number, got "${text}"`);
}

const bad = (message: string) => new InputError('KERUTA_ERR_BAD_VALUE', message);
