/** Reads an automation file: each job, handler and watcher becomes a workflow that runs what its agent names. */
import type { ZodError, ZodType, z } from 'zod';
import { pathText } from '../../../internal/trigger/read-workflow.ts';
import { webhookOfEvent } from '../library/to-workflow.ts';
import { automationShape, handlerShape, jobShape, watcherShape } from './automation-shape.ts';
import type { WrittenWorkflow } from './workflow-files.ts';

type Path = readonly (string | number)[];

/** An automation file, and what its variables stand for. */
export interface AutomationSource {
  readonly file: string;
  readonly value: unknown;
  readonly lineOf: (path: Path) => number;
  /** for `${NAME}` in its texts */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Who owns the workflows of an automation file, wherever it is: there is one of a user. */
export const automationOwner = 'file:automation.toml';

/** Whether a file that was read is one. */
export function isAutomation(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'automation' in value;
}

/** The port that webhooks are to be taken on; null when none is named, or they are switched off. */
export function portOf(value: unknown): number | null {
  const { data } = automationShape.safeParse(value);
  const { enabled, webhook } = data?.automation ?? {};
  return enabled && webhook?.enabled ? (webhook.port ?? null) : null;
}

type Automation = z.output<typeof automationShape>['automation'];
type Fields = Readonly<Record<string, unknown>>;

/** What stands for one item: its workflow, and which of its keys a fault of the trigger is about. */
interface Made {
  readonly name: string;
  readonly agent: string;
  readonly enabled: boolean;
  readonly trigger: Fields;
  /** keys of the item by fields of the trigger; `''`: the whole trigger */
  readonly keys: Readonly<Record<string, string>>;
}

/** Never throws: what is wrong is kept in `faults`, so that all of it is told at once. */
export function readAutomation(source: AutomationSource): WrittenWorkflow[] {
  const read = automationShape.safeParse(source.value);
  const whole: WrittenWorkflow[] = read.success ? [] : [broken(source, [], read.error)];
  const automation = (read.success ? read.data.automation : looseOf(source.value)) as Partial<Automation>;
  const isOn = automation.enabled !== false;
  const { schedule, webhook, watch } = automation;
  const of = <S extends ZodType>(path: Path, items: unknown, shape: S, make: (item: z.output<S>) => Made) =>
    itemsOf(items).map((item, index) => readItem(source, { path: [...path, index], item, shape, make }));
  const on = (section: { readonly enabled?: boolean } | undefined) => isOn && section?.enabled !== false;
  const own = numbering();
  return [
    ...whole,
    ...of(['automation', 'schedule', 'jobs'], schedule?.jobs, jobShape, (job) => ({
      ...{ name: job.name, agent: job.agent, enabled: on(schedule) && job.enabled },
      trigger: { type: 'cron', expression: job.cron, ...(job.timezone ? { timezone: job.timezone } : {}) },
      keys: { '': 'cron', expression: 'cron', timezone: 'timezone' },
    })),
    ...of(['automation', 'webhook', 'handlers'], webhook?.handlers, handlerShape, (handler) => ({
      ...{ name: handler.name ?? own(`${handler.event}-${handler.agent}`), agent: handler.agent },
      enabled: on(webhook) && handler.enabled,
      // without a secret the server says what it expects
      trigger: {
        ...{ type: 'webhook', path: handler.event },
        ...signedBy(handler.event, handler.secret ?? webhook?.secret),
      },
      keys: { '': 'event', path: 'event' },
    })),
    ...of(['automation', 'watch', 'watchers'], watch?.watchers, watcherShape, (watcher) => ({
      ...{ name: watcher.name ?? own(`watch-${watcher.agent}`), agent: watcher.agent },
      enabled: on(watch) && watcher.enabled,
      trigger: { type: 'file', path: watcher.directory, patterns: [watcher.pattern] },
      keys: { '': 'directory', path: 'directory', patterns: 'pattern' },
    })),
  ];
}

/** Signed as the sender of the event signs; the secret stays in the environment of the server. */
function signedBy(event: string, secret: string | undefined): Fields {
  const { type, filter } = webhookOfEvent(event);
  const auth = secret === undefined ? {} : { auth: { type, secret } };
  return { ...auth, ...(filter === null ? {} : { filter }) };
}

function readItem<S extends ZodType>(
  source: AutomationSource,
  how: {
    readonly path: Path;
    readonly item: unknown;
    readonly shape: S;
    readonly make: (item: z.output<S>) => Made;
  },
): WrittenWorkflow {
  const { path } = how;
  const { value, faults } = expand(source, how.item, path);
  const read = how.shape.safeParse(value);
  if (!read.success) return broken(source, path, read.error, faults);
  const made = how.make(read.data);
  const { file, lineOf } = source;
  const pathOf = (at: Path): Path => {
    const key = at[0] === 'triggers' ? (made.keys[String(at[2] ?? '')] ?? made.keys['']) : null;
    return at[0] === 'name' ? [...path, 'name'] : [...path, key ?? 'agent'];
  };
  return {
    file,
    value: { name: made.name, enabled: made.enabled, triggers: [made.trigger] },
    lineOf: (at) => lineOf(pathOf(at)),
    fieldOf: (at) => pathText(pathOf(at)),
    agent: made.agent,
    ...(faults.length === 0 ? {} : { faults }),
  };
}

/** Puts variables in their places. */
function expand(
  source: AutomationSource,
  item: unknown,
  path: Path,
): { readonly value: unknown; readonly faults: readonly string[] } {
  if (typeof item !== 'object' || item === null) return { value: item, faults: [] };
  const faults: string[] = [];
  const entries = Object.entries(item).map(([key, value]) => {
    // the server resolves secrets, nobody else
    if (typeof value !== 'string' || key === 'secret') return [key, value];
    const text = value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) => {
      const found = source.env[name];
      if (!found) faults.push(told(source, [...path, key], `expected the variable ${name} to be set`));
      return found || whole;
    });
    return [key, text];
  });
  return { value: Object.fromEntries(entries), faults };
}

function broken(
  source: AutomationSource,
  path: Path,
  error: ZodError,
  more: readonly string[] = [],
): WrittenWorkflow {
  const faults = error.issues.flatMap(({ path: below, message, ...issue }) => {
    const at = [...path, ...below.map((part) => (typeof part === 'symbol' ? String(part) : part))];
    const keys = 'keys' in issue ? (issue.keys as string[]) : [];
    if (keys.length === 0) return [told(source, at, message)];
    return keys.map((key) => told(source, [...at, key], 'expected no such key'));
  });
  return { file: source.file, value: {}, lineOf: source.lineOf, faults: [...faults, ...more] };
}

function told({ file, lineOf }: AutomationSource, path: Path, message: string): string {
  return `${file}:${lineOf(path)}: ${pathText(path)}: ${message}`;
}

/** Makes names that were made up different by numbers. */
function numbering(): (name: string) => string {
  const counts = new Map<string, number>();
  return (name) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  };
}

function looseOf(value: unknown): unknown {
  const { automation } = value as { readonly automation?: unknown };
  return typeof automation === 'object' && automation !== null ? automation : {};
}

function itemsOf(items: unknown): readonly unknown[] {
  return Array.isArray(items) ? items : [];
}
