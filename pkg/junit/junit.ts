/**
 * Reads test reports of the JUnit kind, as pytest, jest, vitest, gotestsum, cargo-nextest and many others write them.
 * Counted are the cases that are there, not what a suite says of itself: some count suites twice, some leave failures out.
 * @see https://github.com/testmoapp/junitxml, which describes the dialects
 */
import { type XmlPiece, xmlPieces } from './xml-tags.ts';

/** What a report says. */
export interface TestReport {
  /** `passed + failed + errors + skipped` */
  readonly tests: number;
  readonly passed: number;
  /** a test said no */
  readonly failed: number;
  /** a test could not be run */
  readonly errors: number;
  readonly skipped: number;
  /** of all cases together; ms, whole; 0 when it is not told */
  readonly durationMs: number;
  /** the first failures and errors, at most {@link mostFailures} */
  readonly failures: readonly TestFailure[];
}

/** A test that failed, or could not be run. */
export interface TestFailure {
  /** class or file of it, as the report has it; `''` = none */
  readonly suite: string;
  readonly name: string;
  /** the message, else the beginning of the details; at most 2000 characters */
  readonly message: string;
}

/** So many failures are named. */
export const mostFailures = 50;
const mostCharacters = 2000;
/** A document that is nested deeper is no report. */
const mostDepth = 100;

type Verdict = 'passed' | 'failed' | 'errors' | 'skipped';
const verdicts: Readonly<Record<string, Verdict>> = {
  failure: 'failed',
  error: 'errors',
  skipped: 'skipped',
};
/** When a case says several things, the worst counts. */
const rank: readonly Verdict[] = ['passed', 'skipped', 'failed', 'errors'];

interface Case {
  readonly suite: string;
  readonly name: string;
  readonly seconds: number;
  verdict: Verdict;
  message: string;
}

/** Reads a report. @returns null when it is none: no XML, cut off, or without suites */
export function parseJunit(text: string): TestReport | null {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function read(text: string): TestReport | null {
  const counts: Record<Verdict, number> = { passed: 0, failed: 0, errors: 0, skipped: 0 };
  const failures: TestFailure[] = [];
  const open: string[] = [];
  let current: Case | null = null;
  let seconds = 0;

  const endCase = (one: Case) => {
    counts[one.verdict] += 1;
    seconds += one.seconds;
    if ((one.verdict === 'failed' || one.verdict === 'errors') && failures.length < mostFailures)
      failures.push({
        suite: one.suite,
        name: one.name,
        message: one.message.trim().slice(0, mostCharacters),
      });
  };
  const opened = (piece: XmlPiece & { type: 'open' }) => {
    if (open.length === 0 && piece.name !== 'testsuites' && piece.name !== 'testsuite') return false;
    if (piece.name === 'testcase' && current === null) current = caseOf(piece.attributes);
    const verdict = verdicts[piece.name];
    if (current !== null && verdict !== undefined) judge(current, verdict, piece.attributes.message ?? '');
    return true;
  };
  const closed = (name: string) => {
    if (name === 'testcase' && current !== null) {
      endCase(current);
      current = null;
    }
  };

  let seen = false;
  for (const piece of xmlPieces(text)) {
    if (piece.type === 'text') addText(current, open.at(-1), piece.text);
    else if (piece.type === 'open') {
      if (!opened(piece)) return null;
      seen = true;
      if (piece.isEmpty) closed(piece.name);
      else open.push(piece.name);
      if (open.length > mostDepth) return null;
    } else {
      if (open.pop() !== piece.name) return null;
      closed(piece.name);
    }
  }
  if (!seen || open.length > 0) return null;
  const { passed, failed, errors, skipped } = counts;
  return {
    ...{ tests: passed + failed + errors + skipped, passed, failed, errors, skipped },
    ...{ durationMs: Math.round(seconds * 1000), failures },
  };
}

function caseOf(attributes: Readonly<Record<string, string>>): Case {
  const seconds = Number((attributes.time ?? '').replaceAll(',', ''));
  return {
    suite: (attributes.classname ?? attributes.file ?? '').slice(0, mostCharacters),
    name: (attributes.name ?? '').slice(0, mostCharacters),
    seconds: Number.isFinite(seconds) && seconds > 0 && seconds < 1e9 ? seconds : 0,
    verdict: 'passed',
    message: '',
  };
}

function judge(one: Case, verdict: Verdict, message: string): void {
  if (rank.indexOf(verdict) > rank.indexOf(one.verdict)) one.verdict = verdict;
  if (one.message === '') one.message = message.slice(0, mostCharacters);
}

/** The details stand for a message that is not there. */
function addText(one: Case | null, tag: string | undefined, text: string): void {
  if (one === null || (tag !== 'failure' && tag !== 'error')) return;
  if (one.message === '') one.message = text.trimStart().slice(0, mostCharacters);
}
