import { PhaseFault } from '../fault.ts';
import type { TaskRun } from '../task-run.ts';
import { followPlaybook, playbookFailure } from './follow-playbook.ts';
import {
  keepPrinted,
  keepTestOutput,
  planTests,
  runTests,
  type TestPlan,
  type TestRun,
} from './run-tests.ts';
import { work } from './work.ts';
import type { Workplace } from './workplace.ts';

/** Most failed tests that are named to a coding agent. */
const maxNamed = 20;

/**
 * Tests what was made, and has the coding agent mend what fails, as often as is allowed.
 * @returns what was tested, in a few words; null = there are no tests
 * @throws {PhaseFault} TestExecutionError with the tests that fail; what `work` throws
 */
export async function test(run: TaskRun, place: Workplace): Promise<string | null> {
  const { journal, task, config } = run;
  const plan = await makePlan(run, place);
  if (plan === null) {
    journal.state.isTested = true;
    journal.save();
    return null;
  }
  for (let round = 1; ; round++) {
    await run.say(`--> ${plan.command}, round ${round}`);
    const result = await plan.run(round);
    const { report } = result;
    journal.state.tested = {
      ...{ command: run.mask(plan.command), passed: result.passed, rounds: round },
      report:
        report === null
          ? null
          : { tests: report.tests, failed: report.failed + report.errors, skipped: report.skipped },
    };
    journal.state.isTested = result.passed;
    journal.save();
    await run.say(`<-- ${plan.command}: ${result.passed ? 'passed' : result.why}`);
    if (result.passed) return `${plan.command}, ${round} ${round === 1 ? 'round' : 'rounds'}`;
    const failures = (report?.failures ?? []).slice(0, maxNamed).map(nameOf);
    if (task.kind !== 'agent' || round > config.tests.rounds)
      throw new PhaseFault(
        'TestExecutionError',
        `The tests do not pass (${plan.command}): ${result.why}${round > 1 ? `, also after ${round - 1} more rounds of work` : ''}.`,
        failures.length > 0 ? failures : result.output.trimEnd().split('\n').filter(Boolean).slice(-10),
      );
    const feedback = { round, command: plan.command, output: result.output, failures };
    await work(run, place, { feedback, testCommand: plan.command });
  }
}

interface Plan {
  readonly command: string;
  run(round: number): Promise<TestRun>;
}

/** An agent's work is tested by the playbook of its task, if it has one; a playbook's only by a command that is configured. */
async function makePlan(run: TaskRun, place: Workplace): Promise<Plan | null> {
  const { playbook } = run.task.context;
  if (run.task.kind === 'agent' && playbook !== null)
    return {
      command: `playbook ${playbook}`,
      run: async (round) => {
        // each round is a run of its own
        const key = `playbook-${run.journal.state.rounds}-${round}`;
        const printed = keepTestOutput();
        const result = await followPlaybook(run, {
          directory: place.path,
          named: playbook,
          key,
          span: [60, 85],
          onOutput: (bytes) => printed.add(Buffer.from(bytes)),
        });
        const failure = playbookFailure(result);
        const passed = result.status === 'success';
        return {
          passed,
          why: passed ? '' : failure.message,
          output: `${keepPrinted(run, printed)}\n${failure.details.join('\n')}`,
          report: null,
        };
      },
    };
  const plan: TestPlan | null = await planTests(run, place);
  return plan === null ? null : { command: plan.command, run: () => runTests(run, place, plan) };
}

function nameOf({
  suite,
  name,
  message,
}: {
  readonly suite: string;
  readonly name: string;
  readonly message: string;
}): string {
  return [suite, name, message.split('\n')[0] ?? ''].filter((part) => part !== '').join(': ');
}

/** How tests are run here, for who works; null = nobody knows. */
export async function testCommandOf(run: TaskRun, place: Workplace): Promise<string | null> {
  const { playbook } = run.task.context;
  if (run.task.kind === 'agent' && playbook !== null) return `keruta playbook run ${playbook}`;
  return (await planTests(run, place))?.command ?? null;
}
