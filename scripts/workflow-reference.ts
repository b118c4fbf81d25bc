/** The reference page of workflow files: fields and types from the shapes, what they mean from the comments beside them. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { notifyRuleShape } from '../internal/trigger/notify-shape.ts';
import { policyShape } from '../internal/trigger/policy-shape.ts';
import { triggerTypes } from '../internal/trigger/types.ts';
import { triggerFields, workflowShape } from '../internal/trigger/workflow-shape.ts';

type Schema = z.core.JSONSchema.BaseSchema;

const room = resolve(import.meta.dirname, '..', 'internal', 'trigger');

/** One section: its title, what stands under it, and its fields as `[name, type, meaning]`. */
export interface ReferenceSection {
  readonly title: string;
  readonly intro: string;
  readonly rows: readonly (readonly [string, string, string])[];
}

/** All sections of the page, in their order. */
export function workflowSections(): ReferenceSection[] {
  const shapes = commentsOf(join(room, 'workflow-shape.ts'));
  const whole = schemaOf(workflowShape);
  const { run, onError, onComplete, fallback, triggers, policy, notify, ...fields } = whole.properties ?? {};
  const isTemplate = { run, onError, onComplete, fallback, triggers, policy, notify };
  const otherTypes: Readonly<Record<string, string>> = {
    ...{ triggers: 'list of triggers', policy: 'a policy', notify: 'a rule, or a list of rules' },
  };
  const docsOf = (...names: readonly string[]) =>
    new Map(names.flatMap((name) => [...(shapes.get(name) ?? [])]));
  const workflowDocs = docsOf('catchUpFields', 'workflowShape');
  const needs = new Set(whole.required ?? []);
  return [
    {
      title: 'Workflow',
      intro: 'A document of a YAML file, a TOML file, or the body of `POST /api/v1/workflows`.',
      rows: [
        ...rowsOf({ properties: fields, required: [...needs] }, workflowDocs),
        ...Object.keys(isTemplate).map((name): [string, string, string] => [
          name,
          otherTypes[name] ?? 'text (the script), or a task',
          `${workflowDocs.get(name) ?? ''}${needs.has(name) ? ' (required)' : ''}`,
        ]),
      ],
    },
    {
      title: 'Task',
      intro: 'What `run`, `fallback`, `onError` and `onComplete` say; a text alone is its script.',
      rows: rowsOf(templateOf(run), docsOf('template')),
    },
    {
      title: 'Policy',
      intro:
        'What `policy` says, and a file that `keruta policy set` reads. Amounts of money are texts or numbers, in dollars.',
      rows: rowsOf(
        schemaOf(policyShape),
        commentsOf(join(room, 'policy-shape.ts')).get('policyShape') ?? new Map(),
      ),
    },
    {
      title: 'Notify',
      intro: 'What `notify` says: who is told of which events. See [notifications](../notifications.md).',
      rows: rowsOf(
        schemaOf(notifyRuleShape),
        commentsOf(join(room, 'notify-shape.ts')).get('notifyRuleShape') ?? new Map(),
      ),
    },
    {
      title: 'Trigger',
      intro: 'The fields that triggers of every type take beside `type`.',
      rows: rowsOf(schemaOf(z.strictObject(triggerFields)), docsOf('catchUpFields', 'triggerFields')),
    },
    ...[...triggerTypes.values()].map((type) => {
      const file = join(room, 'types', `${type.name}.ts`);
      const comments = existsSync(file) ? [...commentsOf(file).values()].flatMap((one) => [...one]) : [];
      const intro = `Falls due ${type.doc}.`.replace('Falls due when somebody', 'Fires when somebody');
      return {
        title: `Trigger of type ${type.name}`,
        intro,
        rows: rowsOf(schemaOf(type.spec), new Map(comments)),
      };
    }),
  ];
}

function schemaOf(shape: z.ZodType): Schema {
  return z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' }) as Schema;
}

/** A task may also be a text; the fields are those of the other way to write it. */
function templateOf(run: unknown): Schema {
  const ways = ((run as Schema | undefined)?.anyOf ?? []) as Schema[];
  return ways.find(({ properties }) => properties !== undefined) ?? {};
}

function rowsOf(
  schema: Schema,
  docs: ReadonlyMap<string, string>,
  before = '',
): (readonly [string, string, string])[] {
  const needs = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    const path = `${before}${name}`;
    const field = part as Schema;
    const meaning = `${docs.get(path) ?? ''}${needs.has(name) ? ' (required)' : ''}`.trim();
    const inner = field.properties === undefined ? [] : rowsOf(field, docs, `${path}.`);
    return [[path, typeOf(field), meaning] as const, ...inner];
  });
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${one}\``).join(', ');
  const ways = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (ways !== undefined) {
    const types = ways.map(({ type }) => type);
    const isDuration = types.length === 2 && types.includes('string') && types.includes('number');
    return isDuration ? 'duration' : [...new Set(ways.map(typeOf))].join(' or ');
  }
  if (schema.type === 'array') {
    const items = schema.items === undefined ? 'values' : typeOf(schema.items as Schema);
    return `list of ${items}`;
  }
  if (schema.type === 'integer') return `whole number${rangeOf(schema)}`;
  if (schema.format === 'date-time') return 'instant (RFC 3339)';
  const names: Readonly<Record<string, string>> = { string: 'text', boolean: 'yes or no', object: 'fields' };
  return names[String(schema.type)] ?? String(schema.type ?? 'any');
}

function rangeOf({ minimum, maximum }: Schema): string {
  const isSet = (one: number | undefined) => one !== undefined && Math.abs(one) < Number.MAX_SAFE_INTEGER;
  return isSet(minimum) && isSet(maximum) ? `, ${minimum} to ${maximum}` : '';
}

/** Comments of fields by constant and by path: `/** … *\/` on the line, or lines, before a field. */
function commentsOf(file: string): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  let docs = new Map<string, string>();
  let stack: { readonly indent: number; readonly name: string }[] = [];
  let comment = '';
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, constant] = /^(?:export )?const (\w+) =/.exec(line) ?? [];
    const [, said] = /^\s*\/\*\* (.*?) \*\/$/.exec(line) ?? [];
    const [, indent, name] = /^(\s+)(\w+)(?:: |,$)/.exec(line) ?? [];
    if (constant !== undefined) {
      docs = new Map();
      found.set(constant, docs);
      stack = [];
    } else if (said !== undefined) comment = said;
    else if (indent !== undefined && name !== undefined) {
      stack = [...stack.filter((one) => one.indent < indent.length), { indent: indent.length, name }];
      if (comment !== '') docs.set(stack.map((one) => one.name).join('.'), comment);
      comment = '';
    }
  }
  return found;
}
