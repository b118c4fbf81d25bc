import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJunit } from '../../../pkg/junit/junit.ts';

const pytest = `<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.120">
<testcase classname="tests.test_shop" name="test_sum" time="0.010" />
<testcase classname="tests.test_shop" name="test_low" time="0.020"><failure message="assert 1 == 2&#10; + where">def test_low():
&gt;   assert 1 == 2</failure></testcase>
<testcase classname="tests.test_shop" name="test_db" time="0.030"><error message="failed on setup">no database</error></testcase>
<testcase classname="tests.test_shop" name="test_later" time="0.0"><skipped type="pytest.skip" message="later">x</skipped></testcase>
</testsuite></testsuites>`;

describe('a report', () => {
  test('is counted by its cases, and failures are named', () => {
    expect(parseJunit(pytest)).toEqual({
      ...{ tests: 4, passed: 1, failed: 1, errors: 1, skipped: 1, durationMs: 60 },
      failures: [
        { suite: 'tests.test_shop', name: 'test_low', message: 'assert 1 == 2\n + where' },
        { suite: 'tests.test_shop', name: 'test_db', message: 'failed on setup' },
      ],
    });
  });

  test('counts nested suites once, whatever they say of themselves', () => {
    const nested = `<testsuite tests="99" failures="98"><testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>
      </testsuite></testsuite>`;
    expect(parseJunit(nested)).toMatchObject({ tests: 2, passed: 1, failed: 1 });
  });

  test('takes details for a message that is missing, CDATA and signs as they are meant', () => {
    const text = `<!DOCTYPE x [<!ENTITY a "<b>">]><!-- <testcase> --><t:testsuites xmlns:t="u"><t:testsuite>
      <t:testcase name='say "&lt;&#x4e2d;&gt;"' time="1,000.5"><t:failure><![CDATA[a < b && c]]></t:failure></t:testcase>
      </t:testsuite></t:testsuites>`;
    expect(parseJunit(text)).toMatchObject({
      durationMs: 1_000_500,
      failures: [{ suite: '', name: 'say "<中>"', message: 'a < b && c' }],
    });
  });

  test('of a test that failed and was skipped says that it failed', () => {
    const both = '<testsuite><testcase name="a"><skipped/><failure message="m"/></testcase></testsuite>';
    expect(parseJunit(both)).toMatchObject({ failed: 1, skipped: 0 });
  });

  test('names no more than fifty failures, and counts all', () => {
    const cases = '<testcase name="a"><failure/></testcase>'.repeat(80);
    const report = parseJunit(`<testsuite>${cases}</testsuite>`);
    expect([report?.failed, report?.failures.length]).toEqual([80, 50]);
  });

  test('without a case is one of no tests', () => {
    expect(parseJunit('<testsuites/>')).toMatchObject({ tests: 0, passed: 0 });
  });
});

test.each([
  ['nothing', ''],
  ['no XML', 'FAILED tests/test_a.py'],
  ['another document', '<html><body>401</body></html>'],
  ['one that is cut off', pytest.slice(0, 400)],
  ['tags that do not fit', '<testsuite><testcase></testsuite></testcase>'],
  ['a tag without a name', '<testsuite>< a></testsuite>'],
  ['an endless nesting', '<testsuite>'.repeat(5000)],
])('%s is no report', (_what, text) => {
  expect(parseJunit(text)).toBeNull();
});

test('what is written as a report is read as it was meant', () => {
  const kind = fc.constantFrom('passed', 'failed', 'errors', 'skipped');
  const name = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/\p{C}/u.test(text));
  const escaped = (text: string) => text.replace(/[<>&"']/g, (sign) => `&#${sign.codePointAt(0)};`);
  const inner = { passed: '', failed: '<failure/>', errors: '<error/>', skipped: '<skipped/>' };
  const property = fc.property(fc.array(fc.tuple(name, kind), { maxLength: 40 }), (cases) => {
    const text = cases
      .map(([title, what]) => `<testcase name="${escaped(title)}">${inner[what]}</testcase>`)
      .join('\n');
    const report = parseJunit(`<testsuite>${text}</testsuite>`);
    for (const what of ['passed', 'failed', 'errors', 'skipped'] as const)
      expect(report?.[what]).toBe(cases.filter(([, one]) => one === what).length);
    const bad = cases.filter(([, what]) => what === 'failed' || what === 'errors').map(([title]) => title);
    expect(report?.failures.map((failure) => failure.name)).toEqual(bad);
  });
  fc.assert(property, { seed: 20261121, numRuns: 200 });
});
