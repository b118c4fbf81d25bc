import { z } from 'zod';

/** What a task runs. */
export interface Script {
  readonly content: string;
  /** variables that the server wants in the run's environment */
  readonly environment: Readonly<Record<string, string>>;
}

const text = z.string().nullish().catch(null);
const variables = z.record(z.string(), z.unknown()).catch({});

/** The two shapes of `GET /tasks/{id}/script`: one text, or three that belong together. */
export const readScript: z.ZodType<Script> = z
  .object({
    script: z.object({
      content: text,
      installScript: text,
      executeScript: text,
      cleanupScript: text,
      parameters: z.object({ env: variables }).catch({ env: {} }),
    }),
    environment: variables,
  })
  .transform(({ script, environment }) => ({
    content: script.content ?? joinScripts(script),
    environment: textsOf({ ...environment, ...script.parameters.env }),
  }));

interface ThreeScripts {
  readonly installScript?: string | null | undefined;
  readonly executeScript?: string | null | undefined;
  readonly cleanupScript?: string | null | undefined;
}

/** Makes one bash script of three: install, then execute if that succeeded, and clean-up whatever happened. */
function joinScripts(scripts: ThreeScripts): string {
  const { installScript, executeScript, cleanupScript } = scripts;
  const present = (part: string | null | undefined): part is string => Boolean(part?.trim());
  const run = [installScript, executeScript].filter(present).map((part) => `(\n${part}\n) || exit`);
  // the exit status of an EXIT trap's last command does not change that of the script
  const cleanup = present(cleanupScript)
    ? [`cleanup() {\n(\n${cleanupScript}\n)\n}`, 'trap cleanup EXIT']
    : [];
  return run.length + cleanup.length === 0 ? '' : ['#!/usr/bin/env bash', ...cleanup, ...run, ''].join('\n');
}

function textsOf(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, String(value)]]
        : [],
    ),
  );
}
