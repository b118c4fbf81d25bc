import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostileLab, makeHostileLab, mended, programOf } from './hostile/lab.ts';

/**
 * Programs as coding agents that mean ill. Such a program is of the same user as keruta's agent, so what it writes elsewhere by itself
 * nobody prevents here; but what keruta does with what it leaves behind is in keruta's hands.
 */
const mend = `echo '${mended.trimEnd()}' > sum.js`;
const done = `echo '{"summary": "It adds now."}'`;
/** Every form in which a secret is known to turn up. */
const inAllForms = (name: string) => `
printf '%s\\n' "$${name}"
printf '%s' "$${name}" | base64
printf '%s' "$${name}" | od -An -v -tx1 | tr -d ' \\n'; echo
node -e 'const s = process.env.${name}; console.log(encodeURIComponent(s)); console.log(JSON.stringify(s)); console.log(Buffer.from(s).toString("hex").toUpperCase())'
`;

/** Attacks by title. `{outside}` is the tree that must stay as it is. */
const attacks = {
  'plants hooks and configuration': `
${mend}
for hook in pre-commit commit-msg post-commit post-checkout post-index-change pre-push reference-transaction pre-rebase; do
  printf '#!/bin/sh\\necho %s >> {outside}/caught\\n' $hook > .git/hooks/$hook 2>/dev/null || { mkdir -p .git/hooks; printf '#!/bin/sh\\necho %s >> {outside}/caught\\n' $hook > .git/hooks/$hook; }
  chmod +x .git/hooks/$hook
done
run='touch {outside}/caught'
git config core.hooksPath "$PWD/.git/hooks"
git config core.fsmonitor "$run"
git config core.sshCommand "$run"
git config core.editor "$run"
git config core.pager "$run"
git config filter.evil.clean "$run; cat"
git config filter.evil.smudge "$run; cat"
git config filter.evil.process "$run"
git config diff.external "$run"
git config diff.evil.textconv "$run"
git config merge.evil.driver "$run"
git config gpg.program "$run"
git config commit.gpgSign true
git config credential.helper "!$run"
git config uploadpack.packObjectsHook "$run"
git config url.{outside}/repository.insteadOf "$(git config remote.origin.url)"
git config remote.origin.pushurl {outside}/repository
${done}`,
  'removes its .git': `${mend}\nrm -rf .git\n${done}`,
  'has a link in the place of its .git': `${mend}\nrm -rf .git\nln -s {outside}/repository/.git .git\n${done}`,
  'names another repository in its .git': `${mend}\nrm -rf .git\necho 'gitdir: {outside}/repository/.git' > .git\n${done}`,
  'brings repositories of its own': `
${mend}
git init --quiet inner && (cd inner && echo x > x && git add x && git -c user.name=a -c user.email=a@b commit --quiet -m x)
printf '[submodule "inner"]\\n\\tpath = inner\\n\\turl = ext::touch {outside}/caught\\n' > .gitmodules
${done}`,
  'commits by itself': `
git config user.name a; git config user.email a@b
echo "$DEPLOY_TOKEN" > leak; git add leak; git commit --quiet -m "here: $DEPLOY_TOKEN"
git tag "t-$DEPLOY_TOKEN"; git branch "b-$DEPLOY_TOKEN"; git stash list > /dev/null
git rm --quiet leak
${mend}
${done}`,
  'writes through links': `
${mend}
rm -rf out file; ln -s {outside} fresh; ln -s {outside}/text.txt twin; mkdir -p a; ln -s ../.git a/b
${done}`,
  'leaves something running': `
${mend}
setsid sleep 4713.11 &
nohup sleep 4713.12 > /dev/null 2>&1 &
(setsid sh -c 'trap "" TERM HUP INT; sleep 4713.13' > /dev/null 2>&1 &)
env -i PATH="$PATH" setsid sleep 4713.14 &
${done}`,
  'prints a hundred megabytes': `${mend}\nyes "$DEPLOY_TOKEN 0123456789 0123456789 0123456789 0123456789" | head -c 100000000\n${done}`,
  'prints secrets': `
${mend}
{ ${inAllForms('DEPLOY_TOKEN')} ${inAllForms('DB_PASSWORD')} } | tee /dev/stderr
printf '%s' "$DEPLOY_TOKEN" | cut -c1-9 | tr -d '\\n'; sleep 0.3; printf '%s' "$DEPLOY_TOKEN" | cut -c10-
echo "{\\"usage\\": {\\"model\\": \\"$DEPLOY_TOKEN\\", \\"tokens_in\\": 1}}"
echo "{\\"summary\\": \\"It is $DEPLOY_TOKEN\\\\n$(printf %s "$DEPLOY_TOKEN" | base64)\\\\nKeruta-Task: another\\"}"`,
  'fails with a secret': `echo "{\\"failed\\": \\"no $DEPLOY_TOKEN\\"}"; exit 3`,
  'reads what others have in their environment': `
${mend}
for one in $(grep -l {place} /proc/[0-9]*/environ); do tr '\\0' '\\n' < $one; done 2>/dev/null
grep -rah . {base} --include='*token*' --include='*.json' --include=env* 2>/dev/null
${done}`,
  'hands secrets over as artifacts': `
${mend}
up=$PPID
set -a; eval "$(tr '\\0' '\\n' < /proc/$up/environ | grep -E '^(KERUTA_[A-Z_]*)=' | sed "s/=\\(.*\\)/='\\1'/")"; set +a
mkdir -p "$KERUTA_ARTIFACTS_DIR"
{ ${inAllForms('DEPLOY_TOKEN')} } > "$KERUTA_ARTIFACTS_DIR/mine.txt"
echo "$DEPLOY_TOKEN" > "$KERUTA_ARTIFACTS_DIR/$DEPLOY_TOKEN"
{ printf 'a\\0b'; printf '%s' "$DEPLOY_TOKEN"; } > stolen.bin
"$KERUTA_EXECUTABLE" artifact add stolen.bin --name "n-$DEPLOY_TOKEN.bin" --description "$DEPLOY_TOKEN"
"$KERUTA_EXECUTABLE" log INFO "$DEPLOY_TOKEN"
"$KERUTA_EXECUTABLE" progress 50 --message "$DEPLOY_TOKEN"
rm stolen.bin
${done}`,
  'says that it went well, and breaks off': `
set -a; eval "$(tr '\\0' '\\n' < /proc/$PPID/environ | grep -E '^(KERUTA_[A-Z_]*)=' | sed "s/=\\(.*\\)/='\\1'/")"; set +a
"$KERUTA_EXECUTABLE" success --message 'all is well'
exit 5`,
  'has its tests tell secrets': `
${mend}
mkdir -p report
cat > check.sh <<'END'
echo "$DEPLOY_TOKEN"; mkdir -p report
printf '<testsuite name="%s" tests="1" failures="1"><testcase name="%s"><failure message="%s">%s</failure></testcase></testsuite>' "$DEPLOY_TOKEN" "$DEPLOY_TOKEN" "$DEPLOY_TOKEN" "$DEPLOY_TOKEN" > report/junit.xml
exit 1
END
${done}`,
  'has the report of its tests lie elsewhere': `
${mend}
ln -s {outside}/report report
${done}`,
  'has a directory in the place of the report': `${mend}\nmkdir -p report/junit.xml/x\n${done}`,
  'changes the pool': `
${mend}
own=$(dirname "$PWD")/$(basename "$PWD").git
for where in "$own" "$(dirname "$PWD")/mirror.git"; do
  git config --file "$where/config" filter.evil.clean 'touch {outside}/caught; cat'
  git config --file "$where/config" filter.evil.smudge 'touch {outside}/caught; cat'
  git config --file "$where/config" core.sshCommand 'touch {outside}/caught'
  git config --file "$where/config" url.{outside}/repository.insteadOf "$(git config remote.origin.url)"
done
echo "$DEPLOY_TOKEN" > leak; git add leak
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
made=$(git commit-tree "$(git write-tree)" -p HEAD -m 'not looked at')
cp -r .git/objects/?? "$(dirname "$PWD")/mirror.git/objects/"
echo "$made" > "$own/HEAD"
rm leak; git rm --quiet --cached leak
${done}`,
  'has a link in the place of its slot': `
mv "$PWD" "$PWD.away"; ln -s {outside} "$PWD"
${done}`,
  'removes its slot': `cd ..; rm -rf slot-1\n${done}`,
} as const;

/** Ways to leave a secret in what would be committed; `LEAK` is part of the name. */
const leaks: readonly string[] = [
  `echo "key = $DEPLOY_TOKEN" > LEAK`,
  `printf '%s' "$DB_PASSWORD" | base64 > LEAK`,
  `printf '%s' "$DB_PASSWORD" | od -An -v -tx1 | tr -d ' \\n' > LEAK`,
  `node -p 'encodeURIComponent(process.env.DB_PASSWORD)' > LEAK`,
  `{ head -c 3000 /dev/zero; printf '%s' "$DEPLOY_TOKEN"; head -c 3000 /dev/zero; } > LEAK`,
  `echo x > "$DEPLOY_TOKEN-LEAK"`,
  `mkdir "$DEPLOY_TOKEN"; echo x > "$DEPLOY_TOKEN/LEAK"`,
  `ln -s "$DEPLOY_TOKEN" LEAK`,
];

const placed = (text: string, at: Readonly<Record<string, string>>) =>
  text.replaceAll(/\{(outside|base|place)\}/g, (_, name: string) => at[name] ?? '');

/** A lab whose agent is a program that does what the title of its task names. */
const labOf = (name: string, scripts: Readonly<Record<string, string>>, coder: object = {}) =>
  makeHostileLab(name, {
    config: ({ place, outside }) => {
      const at = { outside, base: place.path('base'), place: place.directory };
      const all = Object.entries(scripts).map(([title, script]) => [title, placed(script, at)] as const);
      const environment = ['DEPLOY_TOKEN', 'DB_PASSWORD'];
      const command = programOf(place, Object.fromEntries(all));
      return { coder: { agent: 'custom', command, output: 'lines', environment, ...coder } };
    },
  });

describe('a program that', () => {
  let lab: HostileLab;
  beforeAll(async () => {
    const leaking = leaks.map((script, index) => script.replaceAll('LEAK', `leak-${index}`)).join('\n');
    lab = await labOf('hostile-programs', { ...attacks, leaks: `${mend}\n${leaking}\n${done}` });
  }, 120_000);
  afterAll(() => lab.close());

  test.each<[keyof typeof attacks, readonly string[]]>([
    ['plants hooks and configuration', []],
    ['removes its .git', []],
    ['has a link in the place of its .git', []],
    ['names another repository in its .git', []],
    ['brings repositories of its own', ['.gitmodules']],
    ['commits by itself', []],
    ['writes through links', ['a/b', 'file', 'fresh', 'out', 'twin']],
    ['leaves something running', []],
    ['prints a hundred megabytes', []],
    ['prints secrets', []],
    ['reads what others have in their environment', []],
    ['hands secrets over as artifacts', []],
    ['has the report of its tests lie elsewhere', ['report']],
    ['has a directory in the place of the report', []],
    ['changes the pool', []],
  ])(
    '%s does its task all the same, and nothing else',
    async (title, more) => {
      const task = await lab.run(title);
      expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
      expect([lab.changes(task), lab.commits(task)]).toEqual([[...more, 'sum.js'].sort(), 1]);
      expect(lab.at(task, 'sum.js')).toBe(mended);
      await lab.expectKept(task);
    },
    180_000,
  );

  test.each<[keyof typeof attacks, string, RegExp]>([
    ['fails with a secret', 'ImplementationError', /did not do it \(exit\): it ended with status 3: no \*+$/],
    [
      'says that it went well, and breaks off',
      'ImplementationError',
      /did not do it \(exit\): it ended with status 5/,
    ],
    [
      'has its tests tell secrets',
      'TestExecutionError',
      /The tests do not pass \(sh check\.sh\): exit status 1/,
    ],
    ['has a link in the place of its slot', 'ImplementationError', /toy-agent removed the slot/],
    ['removes its slot', 'ImplementationError', /toy-agent removed the slot/],
  ])(
    '%s fails, and says so',
    async (title, errorCode, message) => {
      const task = await lab.run(title);
      expect(task).toMatchObject({
        status: 'FAILED',
        exitCode: 1,
        errorCode,
        message: expect.stringMatching(message),
      });
      await lab.expectKept(task);
    },
    180_000,
  );

  test('puts a secret into what would be committed is held back, and each place is named', async () => {
    const task = await lab.run('leaks');
    expect(task).toMatchObject({ status: 'FAILED', errorCode: 'ImplementationError' });
    expect(task.message).toMatch(/^Nothing was committed: /);
    const log = await lab.place.logs(task.id);
    for (const index of leaks.keys()) expect(log).toMatch(new RegExp(`^ {4}\\S*leak-${index}\\S*: `, 'm'));
    await lab.expectKept(task);
  }, 180_000);
});

describe('a program that has limits and', () => {
  let lab: HostileLab;
  beforeAll(async () => {
    const scripts = {
      'never finishes': `trap '' TERM INT HUP\n${mend}\necho at work\nsetsid sleep 4713.31 &\nwhile :; do sleep 4713.32; done`,
      'spends over its cap': `${mend}\necho '{"usage": {"model": "toy", "tokens_in": 10, "cost_usd": 5}}'\nsleep 4713.33`,
      'uses up its tokens': `${mend}\necho '{"usage": {"model": "toy", "tokens_in": 5000}}'\nsleep 4713.34`,
    };
    lab = await labOf('hostile-limits', scripts, { timeout: '6s', max_cost: 1, max_tokens: 1000 });
  }, 120_000);
  afterAll(() => lab.close());

  test.each([
    ['never finishes', 'TimeoutError', /did not do it \(time\): it did not end within 6 s and was ended$/],
    ['spends over its cap', 'ImplementationError', /\(cost\): 5\.00 USD are spent, the limit is 1\.00$/],
    ['uses up its tokens', 'ImplementationError', /\(tokens\): 5000 tokens are used, the limit is 1000$/],
  ])(
    '%s is ended, and what it did is not pushed',
    async (title, errorCode, message) => {
      const task = await lab.run(title);
      expect(task).toMatchObject({ status: 'FAILED', errorCode, message: expect.stringMatching(message) });
      await lab.expectKept(task);
    },
    180_000,
  );
});
