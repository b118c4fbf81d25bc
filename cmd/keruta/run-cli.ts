/** A command line from its words to its exit status. */
import { exitStatusOf, KerutaError } from '../../internal/domain/errors.ts';
import { makeStyle, wantsColours } from '../../pkg/terminal/style.ts';
import type { AnyCommand, CommandContext, Writer } from './command.ts';
import { commandLoaders, loadCommands } from './commands.ts';
import { makeContext, type ProcessParts } from './context.ts';
import type { HelpLook } from './help.ts';
import { readLine } from './read-line.ts';
import { route } from './route.ts';

/** Exit status of a command that Ctrl-C ended, as shells have it: 128 + SIGINT. */
export const interruptedStatus = 130;

/**
 * Does a command line. Never rejects: what goes wrong is printed on stderr.
 * @param argv  without node and the script
 * @returns the exit status
 */
export async function runCli(argv: readonly string[], parts: ProcessParts): Promise<number> {
  const asJson = argv.includes('--json') && !argv.slice(0, argv.indexOf('--json')).includes('--');
  let command: AnyCommand | null = null;
  try {
    const routed = route(argv, Object.keys(commandLoaders));
    if (routed.kind === 'version') {
      await parts.stdout.write(`keruta ${parts.version}\n`);
      return 0;
    }
    if (routed.kind === 'help') return await showList(routed.of, routed.asked, parts);
    command = (await commandLoaders[routed.name]?.()) ?? null;
    if (command === null) throw new Error(`no command ${routed.name}`);
    return await runCommand(command, routed.rest, parts);
  } catch (error) {
    if (parts.signal.aborted && isAbort(error, parts.signal)) return interruptedStatus;
    await printError(error, {
      stderr: parts.stderr,
      env: parts.env,
      asJson,
      name: command?.name ?? null,
      verbose: argv.includes('--verbose') || argv.includes('-v'),
    });
    return command?.failureExit ?? exitStatusOf(error);
  }
}

async function runCommand(
  command: AnyCommand,
  rest: readonly string[],
  parts: ProcessParts,
): Promise<number> {
  if (asksForHelp(rest)) {
    const { commandHelp } = await import('./help.ts');
    await parts.stdout.write(commandHelp(command, lookOf(parts, parts.stdout)));
    return 0;
  }
  const line = readLine(rest, command);
  const context = makeContext(parts, command, { line, words: rest });
  await command.beforeSignals?.(context);
  parts.takeSignals();
  const run = command.run as (context: CommandContext, values: unknown) => Promise<number>;
  return run(context, line.values);
}

/** Help comes before every fault of the rest of the line, and needs no configuration. */
function asksForHelp(rest: readonly string[]): boolean {
  const end = rest.indexOf('--');
  const words = end === -1 ? rest : rest.slice(0, end);
  return words.includes('--help') || words.includes('-h');
}

async function showList(group: string, asked: boolean, parts: ProcessParts): Promise<number> {
  const { listHelp } = await import('./help.ts');
  const to = asked ? parts.stdout : parts.stderr;
  await to.write(listHelp(await loadCommands(), group, lookOf(parts, to)));
  return asked ? 0 : 2;
}

/** How help looks where it goes. */
export function lookOf(parts: Pick<ProcessParts, 'env'>, writer: Writer): HelpLook {
  return {
    style: makeStyle(wantsColours(parts.env, writer.isTerminal)),
    columns: Math.min(110, writer.columns),
  };
}

const tokenHint =
  'set KERUTA_API_TOKEN or KERUTA_API_TOKEN_FILE; on the machine of the server the token is in <data directory>/admin.token';

interface PrintInput {
  readonly stderr: Writer;
  readonly env: ProcessParts['env'];
  readonly asJson: boolean;
  readonly name: string | null;
  readonly verbose: boolean;
}

async function printError(error: unknown, input: PrintInput): Promise<void> {
  const isOurs = error instanceof KerutaError;
  // nobody knows beforehand what stands in the words of a fault
  const mask = isOurs && !input.verbose ? null : (await import('./own-mask.ts')).ownMask(input.env);
  const message = isOurs ? error.message : `a fault in keruta itself: ${mask?.(String(error))}`;
  if (input.asJson) {
    const code = isOurs ? error.code : 'KERUTA_ERR_BUG';
    const details = isOurs ? error.details : {};
    await input.stderr.write(`${JSON.stringify({ error: { code, message, details } })}\n`);
    return;
  }
  await input.stderr.write(`keruta: ${message}\n`);
  if (isOurs && error.code === 'KERUTA_ERR_UNAUTHENTICATED') await input.stderr.write(`${tokenHint}\n`);
  const isUsage = isOurs && (error.code === 'KERUTA_ERR_USAGE' || error.code === 'KERUTA_ERR_BAD_VALUE');
  if (isUsage && input.name !== null) await input.stderr.write(`see: keruta ${input.name} --help\n`);
  if (mask !== null) {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      await input.stderr.write(`${mask(cause.stack ?? cause.message)}\n`);
    }
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}
