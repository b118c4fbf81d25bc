import { InputError } from '../../../internal/domain/errors.ts';
import { type CommandContext, command } from '../command.ts';

const names = ['api', 'disk', 'memory', 'config'] as const;
type CheckName = (typeof names)[number];

/** What one check found. */
interface CheckResult {
  readonly status: boolean;
  readonly message: string;
  readonly error?: string;
}

/** `keruta health` */
export const health = command({
  name: 'health',
  summary: 'Checks the API, the disk, the memory and the configuration; without a choice, all of them.',
  positionals: {},
  options: {
    'check-api': { kind: 'bool', doc: 'whether the API answers' },
    'check-disk': { kind: 'bool', doc: 'whether there is space, and the directories can be written' },
    'check-memory': { kind: 'bool', doc: 'whether there is memory' },
    'check-config': { kind: 'bool', doc: 'whether the settings are right' },
    check: { kind: 'list', placeholder: 'NAME', doc: 'the same by name: api, disk, memory, config' },
    format: { kind: 'enum', choices: ['text', 'json'], default: 'text', doc: 'json is the same as --json' },
  },
  examples: ['keruta health --check-api --check-disk', 'keruta health --check api --format json'],
  exits: { 1: 'a check failed' },
  run: async (context, values) => {
    const wanted = chosen(values as Readonly<Record<string, unknown>>);
    const { checkers } = await import('../health-checks.ts');
    const checks: Partial<Record<CheckName, CheckResult>> = {};
    for (const name of wanted) checks[name] = await attempt(context, checkers[name]);
    const overall = Object.values(checks).every((check) => check.status);
    const at = new Date(context.clock.now()).toISOString();
    if (context.json || values.format === 'json') {
      const status = overall ? 'healthy' : 'unhealthy';
      await context.stdout.write(`${JSON.stringify({ overall, status, timestamp: at, checks })}\n`);
    } else {
      const lines = Object.entries(checks).map(
        ([name, check]) => `${check.status ? 'OK' : 'NG'}  ${name.padEnd(6)}  ${check.message}\n`,
      );
      await context.stdout.write(`${overall ? 'OK' : 'NG'}  ${at}\n${lines.join('')}`);
    }
    return overall ? 0 : 1;
  },
});

function chosen(values: Readonly<Record<string, unknown>>): readonly CheckName[] {
  const listed = (values.check as readonly string[] | undefined) ?? [];
  const unknown = listed.find((name) => !names.some((each) => each === name));
  if (unknown !== undefined) throw unknownCheck(unknown);
  const picked = names.filter((name) => values[`check-${name}`] === true || listed.includes(name));
  return picked.length === 0 ? names : picked;
}

function unknownCheck(name: string): Error {
  return new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `--check: expected one of ${names.join(', ')}, got "${name}"`,
  );
}

async function attempt(
  context: CommandContext,
  check: (context: CommandContext) => Promise<string>,
): Promise<CheckResult> {
  try {
    return { status: true, message: await check(context) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { status: false, message, error: message };
  }
}
