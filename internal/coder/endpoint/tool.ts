import { z } from 'zod';
import type { ClosedDirectory } from '../../../pkg/files/closed-directory.ts';
import { FileRefusedError } from '../../../pkg/files/read-inside.ts';
import type { CommandRunner } from '../command-runner.ts';
import { parseJson } from '../json.ts';
import type { RawCall, ToolSpec } from './chat.ts';

/** What tools work on. */
export interface ToolContext {
  readonly files: ClosedDirectory;
  /** null = commands are not allowed */
  readonly run: CommandRunner | null;
  readonly signal: AbortSignal;
}

/** What a tool is, without the shape of its arguments. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly shape: z.ZodType;
  /** Checks arguments and makes ready; nothing is done yet. @returns null when they are not of its shape, with the reason in `fault` */
  readonly prepare: (given: unknown) => PreparedTool;
}

/** Arguments that were looked at. */
export type PreparedTool =
  | {
      readonly isGood: true;
      readonly args: unknown;
      readonly subject: string;
      readonly act: (context: ToolContext) => Promise<string>;
    }
  | { readonly isGood: false; readonly fault: string };

/** Ties a tool to the shape of its arguments. */
export function tool<T>(parts: {
  readonly name: string;
  readonly description: string;
  readonly shape: z.ZodType<T>;
  /** what it is used on, in a few words */
  readonly subject: (args: T) => string;
  /** @returns what the model is told. @throws {FileRefusedError}, which the model is told as well */
  readonly act: (args: T, context: ToolContext) => Promise<string>;
}): Tool {
  const { name, description, shape } = parts;
  const prepare = (given: unknown): PreparedTool => {
    const parsed = shape.safeParse(given);
    if (!parsed.success) {
      const words = parsed.error.issues.map(
        ({ path, message }) => `${path.join('.') || 'arguments'}: ${message}`,
      );
      return { isGood: false, fault: words.slice(0, 5).join('; ') };
    }
    const args = parsed.data;
    return {
      isGood: true,
      args,
      subject: parts.subject(args).slice(0, 200),
      act: (context) => parts.act(args, context),
    };
  };
  return { name, description, shape, prepare };
}

/** What a model is told of a tool. */
export function specOf({ name, description, shape }: Tool): ToolSpec {
  const { $schema: _, ...parameters } = z.toJSONSchema(shape, { io: 'input' });
  return { type: 'function', function: { name, description, parameters } };
}

/** Looks at a call; an unknown tool, or arguments that are none, are the model's fault. */
export function prepareCall(tools: readonly Tool[], call: RawCall): PreparedTool {
  const found = tools.find(({ name }) => name === call.name);
  if (found === undefined) {
    const known = tools.map(({ name }) => name).join(', ');
    return {
      isGood: false,
      fault: `there is no tool ${JSON.stringify(call.name.slice(0, 60))}; there are ${known}`,
    };
  }
  const given = call.arguments.trim() === '' ? {} : parseJson(call.arguments);
  if (given === null) return { isGood: false, fault: `the arguments of ${call.name} are no JSON object` };
  return found.prepare(given);
}

/** Does what was prepared; what cannot be done is told, with `isOk` false. @throws the signal's reason */
export async function actOn(
  prepared: PreparedTool & { readonly isGood: true },
  context: ToolContext,
): Promise<{ readonly text: string; readonly isOk: boolean }> {
  try {
    return { text: await prepared.act(context), isOk: true };
  } catch (error) {
    if (!(error instanceof FileRefusedError)) throw error;
    return { text: `refused: ${prepared.subject} ${error.message}`, isOk: false };
  }
}
