import { expect } from 'vitest';
import { outputReader } from '../../internal/coder/command/output-readers.ts';
import { outputKinds } from '../../internal/coder/command/template.ts';
import { answerCollector } from '../../internal/coder/endpoint/collect-answer.ts';
import { prepareCall } from '../../internal/coder/endpoint/tool.ts';
import { toolsOf } from '../../internal/coder/endpoint/tools.ts';
import { readCoder } from '../../internal/coder/read-coder.ts';
import { InputError } from '../../internal/domain/errors.ts';
import { parseJunit } from '../../pkg/junit/junit.ts';
import { fuzzParsers, row } from './parsers.ts';

const printed = [
  '{"type":"assistant","message":{"id":"1","usage":{"input_tokens":4,"output_tokens":5},"content":[{"type":"text","text":"a"}]}}',
  '{"type":"result","subtype":"success","is_error":false,"num_turns":2,"result":"x","total_cost_usd":0.25,"usage":{}}',
  '{"type":"turn.completed","usage":{"input_tokens":10,"cached_input_tokens":5,"output_tokens":7}}',
  '{"type":"result","status":"success","stats":{"total_tokens":9,"input_tokens":4,"output_tokens":5}}',
  '{"usage":{"model":"a","calls":1,"tokens_in":1,"tokens_out":2,"cost_usd":"0.1"},"summary":"s","failed":"f"}',
  'Tokens: 4.2k sent, 1k cache hit, 1.1k received. Cost: $0.02 message, $0.05 session.',
  'Model: openai/toy with diff edit format',
];
const count = (value: number) => Number.isSafeInteger(value) && value >= 0;

fuzzParsers('what comes from coding agents', [
  row({
    name: 'a test report',
    samples: [
      '<testsuite name="a"><testcase classname="b" name="c" time="0.1"><failure message="m">d</failure></testcase></testsuite>',
      '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><testsuites><!-- x --><testsuite><testcase name=\'a\'/></testsuite></testsuites>',
      '<testsuites><testsuite><testcase name="&lt;&#65;"><error><![CDATA[x]]></error><skipped/></testcase></testsuite></testsuites>',
    ],
    parse: parseJunit,
    check: (report) => {
      if (report === null) return;
      const { tests, passed, failed, errors, skipped, durationMs, failures } = report;
      expect([tests, passed, failed, errors, skipped, durationMs].every(count)).toBe(true);
      expect([passed + failed + errors + skipped, failures.length]).toEqual([
        tests,
        Math.min(50, failed + errors),
      ]);
    },
  }),
  ...outputKinds.map((kind) =>
    row({
      name: `output of the kind ${kind}`,
      samples: printed,
      parse: (text) => {
        const reader = outputReader(kind);
        for (const line of text.split('\n')) reader.line(line);
        return reader.seen;
      },
      check: ({ calls, tokensIn, cachedIn, tokensOut, costMicros }) => {
        expect([calls, tokensIn, cachedIn, tokensOut, costMicros ?? 0].every(count)).toBe(true);
      },
    }),
  ),
  row({
    name: 'a piece of an answer',
    samples: [
      '{"model":"a","choices":[{"delta":{"content":"b","tool_calls":[{"index":0,"id":"c","function":{"name":"d","arguments":"{}"}}]},"finish_reason":null}]}',
      '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}}',
      '{"error":{"message":"overloaded"}}',
      '[DONE]',
    ],
    parse: (text) => {
      const collector = answerCollector();
      collector.take(text);
      return collector.collected();
    },
    check: ({ answer, tokens }) => {
      expect(answer.calls.length).toBeLessThanOrEqual(64);
      expect(Object.values(tokens ?? {}).every((value) => value >= 0)).toBe(true);
    },
  }),
  row({
    name: 'the arguments of a tool',
    samples: [
      '{"path":"a","edits":[{"old":"b","new":"c"}]}',
      '{"path":"a","depth":2}',
      '{"command":"ls","timeout_seconds":5}',
    ],
    parse: (text) =>
      toolsOf(true).map(({ name }) => prepareCall(toolsOf(true), { id: 'x', name, arguments: text })),
    check: (prepared) => {
      for (const one of prepared) expect(one.isGood || one.fault !== '').toBe(true);
    },
  }),
  row({
    name: 'a definition of an agent',
    samples: [
      '{"agent":"custom","command":"a","args":["{model}",["--in","{prompt_file}"]],"output":"lines"}',
      '{"agent":"endpoint","endpoint":"http://127.0.0.1:1/v1","prices":{"a":{"in":1,"out":"2.5"}},"max_cost":"1.00","timeout":"5m"}',
    ],
    parse: (text) => {
      let value: unknown = text;
      try {
        value = JSON.parse(text);
      } catch {
        // a text is no definition either
      }
      return readCoder(value);
    },
    refusals: [InputError],
  }),
]);
