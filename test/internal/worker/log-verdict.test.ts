import { describe, expect, test } from 'vitest';
import { judgeStream, type StreamKnowledge } from '../../../internal/worker/log-verdict.ts';
import type { RunEvidence } from '../../../internal/worker/look-at-run.ts';
import type { Receipt } from '../../../internal/worker/run-record.ts';

const whole = { size: 4096, crc32: 7, lostBytes: 0 };
const known: StreamKnowledge = {
  stream: 'stdout',
  counted: whole,
  download: { size: 4096, crc32: 7 },
  evidence: null,
  agentRuns: false,
};
const both = <T>(value: T) => ({ stdout: value, stderr: value });

function evidence(change: Partial<RunEvidence> = {}): RunEvidence {
  return {
    directory: '/b/runs/t.1',
    state: 'open',
    receipt: null,
    captured: both<number | null>(4096),
    acknowledged: both<number | null>(4096),
    losses: [],
    ...change,
  };
}

function reported(end: { readonly size: number; readonly crc32: number; readonly lostBytes: number }) {
  const receipt: Receipt = {
    version: 1,
    taskId: 't',
    attempt: 1,
    state: 'reported',
    status: 'COMPLETED',
    streams: both(end),
    artifacts: [],
    at: 0,
  };
  return evidence({ state: 'settled', receipt, captured: both(null), acknowledged: both(null) });
}

const faults = (change: Partial<StreamKnowledge>) => judgeStream({ ...known, ...change });

describe('a stream is whole', () => {
  test.each<[string, Partial<StreamKnowledge>]>([
    ['when the server gives what it counts', {}],
    ['when more came while it was fetched', { download: { size: 9000, crc32: 7 } }],
    ['when it has all that the script wrote', { evidence: evidence() }],
    ['when its report has the same size and checksum', { evidence: reported(whole) }],
    [
      'when the run directory has less: a task cut its own file',
      { evidence: evidence({ captured: both(null) }) },
    ],
    ['when its receipt cannot be read', { evidence: reported({} as typeof whole) }],
  ])('%s', (_when, change) => {
    expect(faults(change)).toEqual([]);
  });
});

describe('what is missing is named', () => {
  test('bytes that only the run directory has, and what becomes of them', () => {
    const more = evidence({ captured: both(8192) });
    expect(faults({ evidence: more })).toEqual([
      {
        kind: 'missing',
        stream: 'stdout',
        from: 4096,
        to: 8192,
        text: 'bytes 4096–8191 are not on the server; they are in /b/runs/t.1/stdout and are sent when the agent runs (keruta daemon)',
      },
    ]);
    expect(faults({ evidence: more, agentRuns: true })[0]?.text).toContain('and are being sent');
    const refused = evidence({ captured: both(4097), state: 'refused' });
    expect(faults({ evidence: refused })[0]?.text).toMatch(
      /^byte 4096 are not.*the server refused the report/,
    );
  });

  test('bytes that the server had acknowledged and has no more', () => {
    const before = { counted: { ...whole, size: 1000 }, download: { size: 1000, crc32: 7 } };
    const [found] = faults({ ...before, evidence: evidence() });
    expect(found).toMatchObject({ kind: 'missing', from: 1000, to: 4096 });
    expect(found?.text).toContain('although it had acknowledged some of them');
    const gone = faults({ ...before, evidence: evidence({ captured: both(0) }) });
    expect(gone[0]?.text).toContain('they are not in /b/runs/t.1/stdout either');
    expect(faults({ ...before, evidence: reported(whole) })[0]).toMatchObject({
      kind: 'missing',
      from: 1000,
      to: 4096,
      text: expect.stringContaining('no other copy is left'),
    });
  });

  test('bytes that the server counts and does not give, or gives otherwise', () => {
    expect(faults({ download: { size: 100, crc32: null } })).toMatchObject([
      { kind: 'missing', from: 100, to: 4096, text: expect.stringContaining('bytes 100–4095') },
    ]);
    expect(faults({ download: { size: 4096, crc32: 8 } })).toMatchObject([
      { kind: 'differs', from: 0, to: 4096 },
    ]);
    expect(faults({ evidence: reported({ ...whole, crc32: 9 }) })).toMatchObject([{ kind: 'differs' }]);
  });

  test('output that could not be kept, with its place where the run knows it', () => {
    expect(faults({ counted: { ...whole, lostBytes: 131_072 } })).toMatchObject([
      { kind: 'lost', from: null, text: expect.stringContaining('up to 131072 bytes') },
    ]);
    const losses = [
      { stream: 'stdout', offset: 512, maxBytes: 131_072, cause: 'full' },
      { stream: 'stderr', offset: 9, maxBytes: 131_072, cause: 'full' },
    ] as const;
    expect(faults({ evidence: evidence({ losses }) })).toMatchObject([
      { kind: 'lost', from: 512, text: expect.stringContaining('because the disk was full') },
    ]);
  });
});
