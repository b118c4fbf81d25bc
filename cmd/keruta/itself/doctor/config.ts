import { lstat } from 'node:fs/promises';
import { settingKeys, settingsTable } from '../../../../internal/config/table.ts';
import { KerutaError } from '../../../../internal/domain/errors.ts';
import { nearest } from '../../../../pkg/text/nearest.ts';
import { configPaths } from '../../config-files.ts';
import { type Check, type CheckParts, counted, fail, listed, ok, warn } from './check.ts';

/** Whether every setting can be read, and whether anything is written that no setting reads. */
export const configCheck: Check = { name: 'config', look };

async function look(parts: CheckParts) {
  const { context, configFile } = parts;
  const paths = configPaths({ named: configFile, home: context.home, cwd: context.cwd });
  const there = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  if ((await parts.settings()) === null) return fail(await faultsOf(parts), 'correct each of them');
  const { origins, warnings } = await context.settings();
  const fromEnvironment = settingKeys.filter((key) => origins[key].from === 'environment').length;
  const files = paths.filter((_, index) => there[index]);
  const where = [
    files.length === 0 ? `no file (looked for ${paths.join(', ')})` : files.join(', '),
    fromEnvironment === 0 ? 'nothing in the environment' : `${fromEnvironment} from the environment`,
  ].join('; ');
  const passedOver = [...warnings, ...mistyped(context.env)];
  if (passedOver.length === 0) return ok(`every setting can be read: ${where}`);
  return warn(
    `${counted(passedOver.length, 'setting')} without effect: ${passedOver.join('; ')}`,
    'correct the name, or remove it; the names are in: keruta config show',
  );
}

/** Every fault with its place: `api.timeout (/etc/keruta/config.yaml:3): expected …`. */
async function faultsOf({ context }: CheckParts): Promise<string> {
  try {
    await context.settings();
    return '';
  } catch (error) {
    const faults = error instanceof KerutaError ? error.details.faults : undefined;
    if (!Array.isArray(faults)) return error instanceof Error ? error.message : String(error);
    return faults
      .map(({ place, expected, came }) => `${place}: expected ${expected}, got ${came}`)
      .join('; ');
  }
}

/** Variables that look like one of ours and are none, with what was probably meant. */
function mistyped(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = settingKeys.flatMap((key) => settingsTable[key].variables);
  const found = Object.keys(env).flatMap((name) => {
    if (!name.startsWith('KERUTA_') || known.includes(name) || ours.test(name)) return [];
    const near = nearest(
      name.slice('KERUTA_'.length),
      known.map((each) => each.replace(/^KERUTA_/, '')),
    );
    const meant = known.find((each) => each.replace(/^KERUTA_/, '') === near);
    return meant === undefined ? [] : [`${name} is not a setting; did you mean ${meant}?`];
  });
  return found.length === 0 ? [] : [listed(found)];
}

/** Variables that are no settings: what a run finds in its environment, and what keruta tells itself. */
const ours =
  /^KERUTA_(CONFIG|HANDOVER|ATTEMPT|RUN_ID|RUN_DIR|TASK_NAME|PARAMETERS_FILE|EXECUTABLE|PARAM_.*|TEST_.*|FAILPOINT.*)$/;
