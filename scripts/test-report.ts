/**
 * Reads a report of vitest (`--reporter=json`): prints "PASSED FAILED" to stdout, and each failed test with the beginning of its
 * message to stderr. Usage: test-report.ts FILE
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const maxLines = 25;
const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report;
let brokenFiles = 0;

for (const file of report.testResults) {
  const name = relative(process.cwd(), file.name);
  const failed = file.assertionResults.filter(({ status }) => status === 'failed');
  for (const test of failed) tell(`${name}: ${test.fullName}`, test.failureMessages.join('\n'));
  // a file that breaks outside of its tests (beforeAll, an import) counts as one
  if (file.status === 'failed' && failed.length === 0) {
    brokenFiles += 1;
    tell(name, file.message);
  }
}
console.log(report.numPassedTests, report.numFailedTests + brokenFiles);

function tell(title: string, message: string): void {
  console.error(`--- ${title}`);
  for (const line of message.split('\n').slice(0, maxLines)) console.error(`    ${line}`);
}
