/** What a policy looks like as people write it: in a workflow, or in a file of its own. */
import { z } from 'zod';
import { maxGlobLength } from '../../pkg/glob/glob.ts';
import { maxDurationMs } from '../domain/duration.ts';
import { parseHours } from '../domain/hours.ts';
import { currency, maxMicro, parseMoney } from '../domain/money.ts';
import { duration } from './duration-field.ts';

/** An amount of money as people write it; inside micro-dollars. */
const money = z.union([z.string(), z.number()]).transform((value, context) => {
  const text = typeof value === 'number' ? plainNumber(value) : value;
  const micro = parseMoney(text);
  if (micro !== null && micro > 0) return micro;
  const most = maxMicro / 1e6;
  const message = `expected an amount over 0 and at most ${most}, such as "1.50", got ${value}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** Numbers such as 1e-7 are written without an exponent. */
function plainNumber(value: number): string {
  return /e/.test(String(value)) ? value.toFixed(12) : String(value);
}

/** A duration that is not nothing. */
const span = duration.refine((ms) => ms > 0 && ms <= maxDurationMs, 'expected a duration over 0');

const hours = z.string().refine((text) => parseHours(text) !== null, {
  error: ({ input }) => `expected hours such as "mon-fri 09:00-17:00", got ${JSON.stringify(input)}`,
});
const hoursOfDate = z.string().refine((text) => parseHours(text) !== null && /^\s*\d/.test(text), {
  error: ({ input }) => `expected hours such as "09:00-12:00", got ${JSON.stringify(input)}`,
});
const noDate = ({ code }: { readonly code: string }) =>
  code === 'invalid_key' ? 'expected a date such as 2026-12-25' : undefined;

/** The fields of a policy. */
export const policyShape = z.strictObject({
  /** `shadow`: everything is judged and put on record, nothing runs and no limit is used up; default `live` */
  mode: z.enum(['live', 'shadow']).optional(),
  /** `open`: a cooldown whose history cannot be read lets pass; everything else never does; default `closed` */
  failMode: z.enum(['closed', 'open']).optional(),
  /** whose days and hours are counted; default: that of the first trigger with one, else the server's */
  timezone: z.string().max(64).optional(),
  /** least time between two runs; default: none */
  cooldown: span.optional(),
  /** from when it counts: the start of the last run, or the end of the last that succeeded; default `start` */
  cooldownFrom: z.enum(['start', 'success']).optional(),
  /** most runs in a calendar day; default: no limit */
  maxRunsPerDay: z.int().min(1).max(1_000_000).optional(),
  /** most runs in a clock hour; default: no limit */
  maxRunsPerHour: z.int().min(1).max(1_000_000).optional(),
  /** most that is spent and reserved in a calendar day, in dollars; default: no limit */
  maxCostPerDay: money.optional(),
  /** most that one run may spend with all its attempts: then it is cancelled, in dollars; default: no limit */
  maxCostPerRun: money.optional(),
  /** least that is reserved before a run, in dollars; default: what the newest runs cost */
  costEstimate: money.optional(),
  /** of the amounts; only USD is known */
  currency: z
    .literal(currency, { error: ({ input }) => `expected ${currency}, got ${String(input)}` })
    .optional(),
  /** most tasks that wait or run at a time; default: no limit */
  maxConcurrent: z.int().min(1).max(100_000).optional(),
  /** when it may run; default: always */
  allowedHours: z
    .strictObject({
      /** of the windows; default: that of the policy */
      timezone: z.string().max(64).optional(),
      /** such as `mon-fri 09:00-17:00`; one that ends before it begins lasts over midnight */
      windows: z.array(hours).max(50),
      /** dates with windows of their own; an empty list is closed */
      except: z.record(z.iso.date(), z.array(hoursOfDate).max(10), { error: noDate }).optional(),
    })
    .optional(),
  /** somebody has to say yes before each run; default: nobody */
  requireApproval: z
    .strictObject({
      /** of the token that says so; `admin` is any admin token; default `admin` */
      role: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected a role: small letters, digits, dots, dashes')
        .optional(),
      /** how long the question waits; default 24h */
      expires: span.optional(),
    })
    .optional(),
  /** patterns of repository addresses that may be checked out: `*` is anything but `/`, `**` anything, `?` one; default: all */
  allowedRepositories: z.array(z.string().min(1).max(maxGlobLength)).min(1).max(100).optional(),
  /** what may run its tasks; default: all */
  allowedExecutors: z
    .array(z.enum(['local', 'docker', 'kubernetes']))
    .min(1)
    .max(3)
    .optional(),
  /** stops a workflow that fails for a while; default: none; an empty one has all defaults */
  breaker: z
    .strictObject({
      /** newest finished runs that are looked at; default 10 */
      window: z.int().min(1).max(1000).optional(),
      /** fewer of them decide nothing; default 5, or the window when that is smaller */
      minRuns: z.int().min(1).max(1000).optional(),
      /** opens when more than this part of them failed; default 0.5 */
      failureRate: z.number().min(0).max(1).optional(),
      /** opens after so many failures in a row; default 5 */
      consecutiveFailures: z.int().min(1).max(1000).optional(),
      /** how long it stays open; a probe that fails doubles it; default 15m */
      coolOff: span.optional(),
      /** most of it; default 24h */
      maxCoolOff: span.optional(),
      /** probes in a row that have to succeed; default 1 */
      probes: z.int().min(1).max(100).optional(),
      /** a probe that has not ended by then has failed; default 1h */
      probeLease: span.optional(),
    })
    .optional(),
});

/** A policy that has the shape. */
export type PolicyInput = z.output<typeof policyShape>;
