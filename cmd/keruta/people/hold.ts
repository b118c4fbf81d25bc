import type { HeldWire } from '../../../internal/api/workflow-shapes.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import { type AnyCommand, type CommandContext, command } from '../command.ts';
import { printJson } from './print.ts';
import { byWhom } from './trigger-status.ts';

const positionals = { workflow: { doc: 'name or id', optional: true } } as const;
const scopes = {
  all: { kind: 'bool', doc: 'everything, also what is applied later', default: false },
  session: { kind: 'string', doc: 'every workflow of this session', placeholder: 'NAME' },
} as const;

/** `keruta pause` */
export const pause: AnyCommand = command({
  name: 'pause',
  summary: 'Holds a workflow, a session or everything: what falls due meanwhile is not run.',
  positionals,
  options: { ...scopes, reason: { kind: 'string', doc: 'why; shown to whoever asks why it does not run' } },
  examples: [
    'keruta pause --all --reason "the database is being moved"',
    'keruta pause --session website --reason "code freeze"',
    'keruta pause nightly --reason "fails since the update"',
  ],
  run: async (context, values) => {
    const what = whatOf(values);
    if (values.reason === undefined || values.reason.trim() === '')
      throw new InputError(
        'KERUTA_ERR_USAGE',
        'pause: expected --reason TEXT, got none; say why, for whoever finds it held.',
      );
    const client = await context.makeClient();
    const wish = { ...what, reason: values.reason };
    const held = await client.workflows.holdMany(wish, { signal: context.signal });
    if (context.json) await printJson(context, held);
    else
      await say(
        context,
        held,
        `${nameOf(what)} is held since ${held.hold?.at} ${held.hold ? byWhom(held.hold) : ''}`,
      );
    return 0;
  },
});

/** `keruta resume` */
export const resume: AnyCommand = command({
  name: 'resume',
  summary: 'Lets go what `keruta pause` holds; what was let pass is not run, unless --catch-up says so.',
  positionals,
  options: {
    ...scopes,
    'catch-up': {
      kind: 'bool',
      doc: 'makes good what fell due meanwhile, as each workflow’s catchUp says',
      default: false,
    },
  },
  examples: ['keruta resume --all', 'keruta resume nightly --catch-up'],
  run: async (context, values) => {
    const what = whatOf(values);
    const client = await context.makeClient();
    const wish = { ...what, catchUp: values['catch-up'] };
    const went = await client.workflows.releaseMany(wish, { signal: context.signal });
    if (context.json) await printJson(context, went);
    else if (went.hold === null)
      await say(
        context,
        went,
        `${nameOf(what)} was not held by itself; keruta trigger list shows what is held`,
      );
    else await say(context, went, `${nameOf(what)} goes on`);
    return 0;
  },
});

interface What {
  readonly scope: 'all' | 'session' | 'workflow';
  readonly name?: string;
}

/** One of the three. @throws {InputError} KERUTA_ERR_USAGE */
function whatOf(values: {
  readonly all: boolean;
  readonly session: string | undefined;
  readonly workflow: string | undefined;
}): What {
  const { all, session, workflow } = values;
  const named: What[] = [
    ...(all ? [{ scope: 'all' } as const] : []),
    ...(session === undefined ? [] : [{ scope: 'session', name: session } as const]),
    ...(workflow === undefined ? [] : [{ scope: 'workflow', name: workflow } as const]),
  ];
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  const got = named.length === 0 ? 'nothing' : named.map(({ scope }) => scope).join(' and ');
  throw new InputError(
    'KERUTA_ERR_USAGE',
    `Expected one of WORKFLOW, --session NAME and --all, got ${got}; say what is meant.`,
  );
}

const nameOf = ({ scope, name }: What) => (name === undefined ? 'everything' : `${scope} ${name}`);

async function say(context: CommandContext, { triggers }: HeldWire, sentence: string): Promise<void> {
  const lines = [sentence.trim(), ...triggers.map((name) => `  ${name}`)];
  await context.stdout.write(`${lines.join('\n')}\n`);
}
