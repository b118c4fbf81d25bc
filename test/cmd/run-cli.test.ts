import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commandLoaders, loadCommands } from '../../cmd/keruta/commands.ts';
import { globalOptions } from '../../cmd/keruta/options.ts';
import { version } from '../../cmd/keruta/version.ts';
import { settingsTable } from '../../internal/config/table.ts';
import { cli } from './harness.ts';

const commands = await loadCommands();

describe.each(commands.map((command) => [command.name, command] as const))('keruta %s', (name, command) => {
  test('has its name in the list', () => expect(Object.keys(commandLoaders)).toContain(name));

  test('shows purpose, usage, options with defaults and variables, an example, exit statuses', async () => {
    const { status, out, err } = await cli([...name.split(' '), '--help'], {
      env: { KERUTA_TIMEOUT: 'bad' },
    });
    expect([status, err]).toEqual([0, '']);
    const flat = out.replace(/\s+/g, ' ');
    expect(flat).toContain(command.summary.replace(/\s+/g, ' '));
    expect(out).toContain(`Usage: keruta ${name} `);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) expect(out).toContain(`$ ${example}`);
    for (const [option, { setting, choices }] of Object.entries({ ...globalOptions, ...command.options }) as [
      string,
      { setting?: keyof typeof settingsTable; choices?: readonly string[] },
    ][]) {
      expect(out).toMatch(new RegExp(`--(no-)?${option}\\b`));
      for (const choice of choices ?? []) expect(flat).toContain(choice);
      if (setting) for (const variable of settingsTable[setting].variables) expect(flat).toContain(variable);
    }
    for (const positional of Object.keys(command.positionals)) expect(out).toContain(positional);
    expect(out).toContain('Exit status:');
    for (const exit of Object.keys(command.exits ?? {}))
      expect(out).toMatch(new RegExp(`^  ${exit}\\b`, 'm'));
  });

  test('S-17: takes no token, and says where it goes', async () => {
    const { status, err } = await cli([...name.split(' '), '--token', 'krt_usr_hunter2hunter2']);
    expect(status).toBe(command.failureExit ?? 2);
    expect(err).toContain('there is no option --token,');
    expect(err).toContain('KERUTA_API_TOKEN_FILE');
    expect(err).not.toContain('hunter2');
  });

  test('refuses an option that it does not have, and names the nearest', async () => {
    const { status, err } = await cli([...name.split(' '), '--verbos']);
    expect(status).toBe(command.failureExit ?? 2);
    expect(err).toContain('there is no option --verbos; did you mean --verbose');
    expect(err).toContain(`see: keruta ${name} --help`);
  });
});

describe('the command line', () => {
  test.each([
    [['tsk', 'list'], 'did you mean: keruta task'],
    [['task', 'lst'], 'did you mean: keruta task list'],
    [['sesion', 'list'], 'did you mean'],
    [['qqqqqq'], 'see: keruta --help'],
    [['daemon', 'stat'], 'takes no arguments'],
  ])('%j exits 2 with a suggestion', async (argv, words) => {
    const { status, out, err } = await cli(argv);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain(words);
  });

  test.each([
    [['task', 'list', '--status'], 'takes a value'],
    [['task', 'list', '--status', '--all'], 'takes a value'],
    [['task', 'list', '--status', 'GONE'], 'expected one of PENDING'],
    [['task', 'list', '--all=maybe'], 'is a switch'],
    [['task', 'list', 'extra'], 'takes no arguments'],
    [['task', 'show'], 'needs <task>'],
    [['task', 'add', 'a', 'b'], '"b" is too much'],
    [['task', 'add', '-x'], 'there is no option -x'],
    [['daemon', '--port', '99999', '--poll-interval', 'x'], '--poll-interval: expected a duration'],
    [['completion', 'tcsh'], 'expected one of bash, zsh, fish'],
    [['task', 'add', '-c', ' '], 'the script is empty'],
    [['task', 'add'], 'expected a script file'],
    [['task', 'add', 'x.sh', '-c', 'y'], 'got both'],
    [['task', 'add', '-c', 'x', '--param', 'novalue'], 'expected NAME=VALUE'],
    [['task', 'add', '-c', 'x', '--params', '[1]'], 'expected a JSON object'],
    [['task', 'add', '-c', 'x', '--timeout', '5parsec'], 'expected a duration'],
    [['task', 'input', 'abcd'], 'expected an answer'],
    [['health', '--check', 'cpu'], 'expected one of api, disk, memory, config'],
  ])('%j exits 2 and says what was expected', async (argv, words) => {
    const { status, err } = await cli(argv);
    expect(err).toContain(words);
    expect(status).toBe(2);
  });

  test('tells every bad value at once', async () => {
    const { err } = await cli(['daemon', '--port', 'x', '--poll-interval', 'y']);
    expect(err).toContain('--port: expected');
    expect(err).toContain('--poll-interval: expected');
  });

  test('prints errors as JSON on stderr when JSON was asked for', async () => {
    const { status, out, err } = await cli(['task', 'show', '--json']);
    expect([status, out]).toEqual([2, '']);
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'KERUTA_ERR_USAGE' } });
  });

  test('an API that is away exits 6, a script that is not there 4', async () => {
    const env = { KERUTA_API_URL: 'http://127.0.0.1:1', KERUTA_RETRY_COUNT: '0' };
    expect(await cli(['task', 'list'], { env })).toMatchObject({ status: 6, out: '' });
    expect((await cli(['task', 'add', 'gone.sh'])).status).toBe(4);
  });

  test('keruta run exits 125 for its own failures', async () => {
    const env = { KERUTA_API_URL: 'http://127.0.0.1:1', KERUTA_RETRY_COUNT: '0' };
    expect((await cli(['run', '-c', 'true'], { env })).status).toBe(125);
    expect((await cli(['run', '--nonsense'])).status).toBe(125);
  });

  test('a wrong setting exits 2 and all are named', async () => {
    const { status, err } = await cli(['task', 'list'], {
      env: { KERUTA_TIMEOUT: 'x', KERUTA_API_URL: 'y' },
    });
    expect(status).toBe(2);
    expect(err).toContain('KERUTA_TIMEOUT: expected');
    expect(err).toContain('KERUTA_API_URL: expected');
  });

  test('--help, help, a group and nothing show the list of commands', async () => {
    const asked = await cli(['--help']);
    expect(asked.status).toBe(0);
    for (const command of commands) expect(asked.out).toContain(`  ${command.name} `);
    expect(await cli(['help'])).toEqual(asked);
    expect((await cli(['help', 'task', 'add'])).out).toContain('Usage: keruta task add');
    expect((await cli(['task', '--help'])).out).toContain('task cancel');
    expect(await cli(['help', 'task'])).toMatchObject({ status: 0 });
    const bare = await cli([]);
    expect([bare.status, bare.out]).toEqual([2, '']);
    expect((await cli(['task'])).err).toContain('task cancel');
  });

  test('options of every command may stand before the command', async () => {
    const { out } = await cli(['--log-level', 'DEBUG', '--json', 'config', 'show']);
    const { settings } = JSON.parse(out) as { settings: { key: string; value: string }[] };
    expect(settings.find((one) => one.key === 'logLevel')?.value).toBe('DEBUG');
  });

  test('what stands behind -- is never an option', async () => {
    const { err } = await cli(['task', 'show', '--', '--help']);
    expect(err).toContain('there is no task "--help"');
  });

  test('the version is that of package.json, and needs no configuration', async () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(version).toBe(manifest.version);
    const env = { KERUTA_TIMEOUT: 'bad' };
    expect(await cli(['--version'], { env })).toMatchObject({ status: 0, out: 'keruta 9.9.9\n' });
    expect((await cli(['version'], { env })).out).toContain('keruta 9.9.9');
    expect(JSON.parse((await cli(['version', '--json'])).out)).toMatchObject({ version: '9.9.9' });
  });
});

test.each([
  [['config', 'path'], 'at '],
  [['config', 'path', '--json'], 'KERUTA_ERR_BUG'],
])('S-19: a fault in %j is told with all its causes and without a secret', async (argv, words) => {
  const { status, err } = await cli(argv, {
    env: { KERUTA_API_TOKEN: 'krt_usr_hunter2hunter2' },
    onOutput: () => {
      throw new Error('krt_usr_hunter2hunter2', { cause: new Error('by hunter2hunter2') });
    },
  });
  expect(status).toBe(70);
  expect(err).toContain('a fault in keruta itself');
  expect(err).toContain(words);
  expect(err).not.toContain('krt_usr_hunter2');
});
