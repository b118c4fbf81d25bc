/** What a workflow says about who is told of it. */
import { z } from 'zod';
import { maxFailures, type NotifyRule, notifyEvents, unknownWords } from '../domain/notification.ts';
import { workflowNamePattern } from '../domain/workflow.ts';

const channel = z
  .string()
  .regex(workflowNamePattern, 'expected the name of a channel of the server: letters, digits, dots, dashes');
const event = z.enum(notifyEvents as [(typeof notifyEvents)[number], ...(typeof notifyEvents)[number][]]);

const template = z
  .string()
  .min(1)
  .max(4000)
  .refine((text) => unknownWords(text).length === 0, {
    error: ({ input }) =>
      `expected words such as {workflow}; there is no {${unknownWords(String(input))[0] ?? ''}}`,
  });

const ascending = (numbers: readonly number[]) =>
  numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0));

/** One rule. */
export const notifyRuleShape = z.strictObject({
  /** names of channels of the server, as a text or a list; an empty list is nobody; default: the server's */
  to: z.union([channel.transform((one) => [one]), z.array(channel).max(20)]).optional(),
  /** which events, as a text or a list; default: the server's */
  on: z.union([event.transform((one) => [one]), z.array(event).min(1).max(notifyEvents.length)]).optional(),
  /** which failures in a row are told, ascending; behind the last of them whenever the number has doubled; default: the server's, 1, 3, 5 */
  failures: z
    .array(z.int().min(1).max(1_000_000))
    .min(1)
    .max(maxFailures)
    .refine(ascending, 'expected ascending numbers, such as [1, 3, 5]')
    .optional(),
  /** instead of the usual subject; words in braces, such as `{workflow}` */
  subject: template.optional(),
  /** instead of the usual text; likewise */
  text: template.optional(),
});

/** One rule, or a list of them. */
export const notifyShape = z.union([
  notifyRuleShape.transform((one) => [one]),
  z.array(notifyRuleShape).max(20),
]);

/** Rules that were read; what they leave out is the server's. */
export function notifyRulesOf(input: z.output<typeof notifyShape>): readonly NotifyRule[] {
  return input.map(({ to, on, failures, subject, text }) => ({
    to: to ?? null,
    on: on ?? null,
    failures: failures ?? null,
    subject: subject ?? null,
    text: text ?? null,
  }));
}

/** Rules as people write them; what they leave out is left out. */
export function writeNotifyRules(rules: readonly NotifyRule[]): readonly object[] {
  return rules.map((one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== null)));
}
