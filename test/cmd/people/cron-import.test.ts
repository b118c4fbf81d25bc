import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readCrontab } from '../../../cmd/keruta/people/crontab-file.ts';
import { workflowsOf } from '../../../cmd/keruta/people/crontab-workflow.ts';
import { cli, temporaryDirectory } from '../harness.ts';

const place = { zone: 'Europe/Berlin', users: new Set(['root', 'www-data', 'git', 'mail']) };
const read = (...lines: readonly string[]) => readCrontab(lines.join('\n'), place);
const importing = (stdin: string, ...words: string[]) =>
  cli(['cron', 'import', ...words], { stdin, env: { TZ: 'Asia/Tokyo' } });

/** As `crontab -e` of Debian begins, with what people have in it. */
const real = `# Edit this file to introduce tasks to be run by cron.
#
# m h  dom mon dow   command
SHELL=/bin/bash
PATH=/usr/local/bin:/usr/bin:/bin
MAILTO=ops@example.org

# the database, every night
30 2 * * * /srv/shop/backup.sh --full >/dev/null 2>&1
*/15 9-17 * * 1-5 cd /srv/shop && ./check-stock.py \\%d
@daily /srv/shop/backup.sh --config
@reboot /srv/shop/start.sh
0 6 * * 1 mail -s report ops@example.org%Dear all,%the report
17 * * * * root run-parts /etc/cron.hourly
`;

describe('keruta cron import', () => {
  test('prints a file that apply takes, and names what it left out', async () => {
    const { status, out, err } = await importing(real);
    expect(status).toBe(1);
    const documents = parseAllDocuments(out);
    expect(documents.map((one) => one.toJS())).toEqual([
      {
        ...{ name: 'backup', description: 'the database, every night', catchUp: 'none' },
        run: {
          script: [
            '#!/bin/bash',
            `export PATH='/usr/local/bin:/usr/bin:/bin':"$PATH"`,
            'cd "$HOME" || exit 1',
            '/srv/shop/backup.sh --full >/dev/null 2>&1',
            '',
          ].join('\n'),
        },
        triggers: [{ type: 'cron', expression: '30 2 * * *', timezone: 'Asia/Tokyo' }],
      },
      expect.objectContaining({
        name: 'check-stock',
        run: { script: expect.stringMatching(/\ncd \/srv\/shop && \.\/check-stock\.py %d\n$/) },
        triggers: [{ type: 'cron', expression: '*/15 9-17 * * 1-5', timezone: 'Asia/Tokyo' }],
      }),
      expect.objectContaining({
        name: 'backup-2',
        triggers: [{ type: 'cron', expression: '@daily', timezone: 'Asia/Tokyo' }],
      }),
    ]);
    expect(out).toContain('# line 9: 30 2 * * * /srv/shop/backup.sh --full >/dev/null 2>&1\nname: backup\n');
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/^note: line 6: MAILTO is left out: .*keruta task logs/),
      expect.stringMatching(/^left out: line 12: @reboot .* systemd unit/),
      expect.stringMatching(/^left out: line 13: a % ends the command/),
      expect.stringMatching(/^left out: line 14: "root" looks like the user of a line of \/etc\/crontab/),
      '',
    ]);
    const home = temporaryDirectory();
    writeFileSync(join(home, 'cron.yaml'), out);
    expect(await cli(['trigger', 'lint', 'cron.yaml'], { home })).toMatchObject({
      ...{ status: 0, out: '3 workflows, no faults\n', err: '' },
    });
  });

  test('takes a file, a zone and one session for all', async () => {
    const home = temporaryDirectory();
    writeFileSync(join(home, 'mine'), '0 3 * * * true\n');
    const words = ['cron', 'import', 'mine', '--tz', 'UTC', '--session', 'cron', '--json'];
    const { status, out } = await cli(words, { home });
    expect([status, JSON.parse(out)]).toEqual([
      0,
      {
        ...{ faults: [], notes: [] },
        workflows: [
          expect.objectContaining({
            ...{ name: 'true', session: 'cron' },
            triggers: [{ type: 'cron', expression: '0 3 * * *', timezone: 'UTC' }],
          }),
        ],
      },
    ]);
  });

  test.each([
    ['Etc/UTC', 'UTC'],
    [':America/New_York', 'America/New_York'],
  ])('takes the zone of the machine: %s', async (TZ, zone) => {
    const { out } = await cli(['cron', 'import'], { stdin: '0 3 * * * true\n', env: { TZ } });
    expect(out).toContain(`timezone: ${zone}\n`);
  });

  test.each([
    ['no line that runs anything', '# nothing\n', []],
    ['time zone', '0 3 * * * true\n', ['--tz', 'EST']],
    ['at most 1 MiB', 'x'.repeat(1024 * 1024 + 1), []],
  ])('says what is wrong: %s', async (message, stdin, words) => {
    const { status, err } = await importing(stdin, ...words);
    expect([status, err]).toEqual([2, expect.stringContaining(message)]);
  });

  test('a file that is not there, and a terminal without a crontab, are told', async () => {
    expect(await importing('', 'gone')).toMatchObject({
      ...{ status: 4, err: expect.stringContaining('There is no file gone') },
    });
    const { status, err } = await cli(['cron', 'import'], { stdinIsTerminal: true });
    expect([status, err]).toEqual([2, expect.stringContaining('crontab -l | keruta cron import')]);
  });
});

describe('a crontab', () => {
  test('has variables that count for the lines below them, in quotes or not', () => {
    const { jobs } = read('A=1', '0 1 * * * a', 'A = "two words"', "B='it is'", '0 2 * * * b');
    expect(jobs.map(({ variables }) => variables)).toEqual([{ A: '1' }, { A: 'two words', B: 'it is' }]);
  });

  test('has the zone of the CRON_TZ above a line; lines below one that is none are left out', () => {
    const { jobs, faults } = read(
      '0 1 * * * a',
      'CRON_TZ=Asia/Tokyo',
      '0 2 * * * b',
      'CRON_TZ=X',
      '0 3 * * * c',
    );
    expect(jobs.map(({ zone }) => zone)).toEqual(['Europe/Berlin', 'Asia/Tokyo']);
    expect(faults).toEqual([
      expect.stringMatching(/^line 4: CRON_TZ: time zone: expected .* got "X"; the lines below/),
      'line 5: left out, because the time zone above it is none',
    ]);
  });

  test.each([
    ['60 * * * * a', /^line 1: cron expression "60 \* \* \* \*": .* minute field/],
    ['* * * *', /^line 1: expected five fields and a command/],
    ['@hurly a', /^line 1: cron expression "@hurly": expected five fields or one of/],
    ['0 1 * * * www-data /srv/x.sh', /^line 1: "www-data" looks like the user/],
    ['0 1 * * * www-data [ -x /srv/x ] && x', /^line 1: "www-data" looks like the user/],
    ['0 0 30 2 * a', /^line 1: .*a date that comes/],
  ])('refuses %s', (line, message) => {
    expect(read(line)).toMatchObject({ jobs: [], faults: [expect.stringMatching(message)] });
  });

  test('a program that is called like a user is a program', () => {
    const { jobs } = read('0 1 * * * git -C /srv pull', '0 2 * * * mail -s hello ops');
    expect(jobs).toHaveLength(2);
  });

  test('warns of a secret that would stand in the script, and of what may not be meant', () => {
    const { notes } = read('API_TOKEN=abc', '0 1 13 * 5 a');
    expect(notes).toEqual([
      expect.stringMatching(/^line 1: API_TOKEN looks like a secret/),
      expect.stringMatching(/^line 2: day of month and day of week are both restricted/),
    ]);
  });

  test.each([
    ['/usr/bin/flock -n /tmp/x.lock /srv/sync.sh', 'sync'],
    ['nice -n 19 python3 /srv/clean_up.py --all', 'clean_up'],
    ['A=1 B=2 report', 'report'],
    ['test -x /usr/sbin/x && /usr/sbin/rotate', 'rotate'],
    ['cd /srv && npm run nightly', 'npm'],
    ['"/srv/größe neu.sh"', 'größe'],
    ['((', 'job'],
  ])('names the workflow of %s %s', (command, name) => {
    const { jobs } = read(`0 1 * * * ${command}`);
    expect(workflowsOf(jobs, undefined).map((one) => one.name)).toEqual([name]);
  });

  test('a script runs as cron would run it, whatever is in its variables', () => {
    const home = temporaryDirectory();
    const { jobs } = read(`WORD=it's "\${HOME}" \\$(date)`, '0 1 * * * pwd; printf "\\%s" "$WORD"');
    const [{ run }] = workflowsOf(jobs, undefined) as unknown as [{ run: { script: string } }];
    writeFileSync(join(home, 'script'), run.script);
    const said = execFileSync('/bin/sh', ['script'], { cwd: home, env: { HOME: home }, encoding: 'utf8' });
    expect(said).toBe(`${home}\nit's "\${HOME}" \\$(date)`);
  });
});
