/** Compares what is known of one stream of a run in three places: server, download, run directory. Pure. */
import type { StreamName } from '../domain/task.ts';
import type { RunEvidence } from './look-at-run.ts';
import type { StreamEnd } from './report.ts';

/** What the server gave when it was asked for all of a stream. */
export interface Download {
  /** bytes that came; may be more than the server had counted before, while the run goes on */
  readonly size: number;
  /** CRC-32 of the first `counted.size` of them; null: fewer came */
  readonly crc32: number | null;
}

/** Everything that is known of one stream. */
export interface StreamKnowledge {
  readonly stream: StreamName;
  /** what the server counts */
  readonly counted: StreamEnd;
  readonly download: Download;
  /** null: this machine has no directory of the run */
  readonly evidence: RunEvidence | null;
  /** whether an agent runs on this base directory */
  readonly agentRuns: boolean;
}

/**
 * What is wrong with a stream. `missing`: bytes that are not on the server; `differs`: bytes that are not those that were
 * sent; `lost`: bytes that could not be kept and are nowhere.
 */
export interface StreamFault {
  readonly kind: 'missing' | 'differs' | 'lost';
  readonly stream: StreamName;
  /** first byte; null: the place is not known */
  readonly from: number | null;
  /** the byte behind the last; null: not known */
  readonly to: number | null;
  /** one sentence */
  readonly text: string;
}

/** Says everything that is wrong with a stream; empty when it is whole. */
export function judgeStream(known: StreamKnowledge): readonly StreamFault[] {
  return [...judgeServer(known), ...judgeReport(known), ...judgeCapture(known), ...judgeLosses(known)];
}

/** Whether the server gives what it counts. */
function judgeServer({ stream, counted, download }: StreamKnowledge): readonly StreamFault[] {
  if (download.size < counted.size) {
    const range = { from: download.size, to: counted.size };
    const text = `${bytesOf(range)} are counted by the server, but it does not give them; its store is damaged`;
    return [{ kind: 'missing', stream, ...range, text }];
  }
  if (download.crc32 === counted.crc32) return [];
  const range = { from: 0, to: counted.size };
  const text = `${bytesOf(range)} are on the server, but not with the checksum that it took when they came (${hex(counted.crc32)}, now ${hex(download.crc32 ?? 0)}); its store is damaged`;
  return [{ kind: 'differs', stream, ...range, text }];
}

/** Whether the server has what the agent reported at the end. Nothing else of the run is left by then. */
function judgeReport({ stream, counted, evidence }: StreamKnowledge): readonly StreamFault[] {
  const reported = evidence?.receipt?.state === 'reported' ? endOf(evidence.receipt.streams, stream) : null;
  if (reported === null) return [];
  const { size, crc32 } = reported;
  if (size > counted.size) {
    const range = { from: counted.size, to: size };
    const text = `${bytesOf(range)} were acknowledged by the server and are not there any more; no other copy is left`;
    return [{ kind: 'missing', stream, ...range, text }];
  }
  if (size === counted.size && crc32 === counted.crc32) return [];
  const text = `the agent reported ${size} bytes with checksum ${hex(crc32)}, the server has ${counted.size} with ${hex(counted.crc32)}`;
  return [{ kind: 'differs', stream, from: 0, to: counted.size, text }];
}

/**
 * Whether the server has all that the script wrote. Lengths alone are compared: masking keeps them, and changes bytes.
 */
function judgeCapture({ stream, counted, evidence, agentRuns }: StreamKnowledge): readonly StreamFault[] {
  if (evidence === null || evidence.state === 'settled') return [];
  const captured = evidence.captured[stream] ?? 0;
  const acknowledged = evidence.acknowledged[stream] ?? 0;
  const range = { from: counted.size, to: Math.max(captured, acknowledged) };
  if (range.from >= range.to) return [];
  const again = acknowledged > counted.size ? ' any more, although it had acknowledged some of them' : '';
  const file = `${evidence.directory}/${stream}`;
  const where =
    captured <= counted.size
      ? `they are not in ${file} either`
      : captured < range.to
        ? `they are in ${file} up to byte ${captured - 1}`
        : `they are in ${file}`;
  const text = `${bytesOf(range)} are not on the server${again}; ${where}${nextOf(evidence, captured > counted.size, agentRuns)}`;
  return [{ kind: 'missing', stream, ...range, text }];
}

function nextOf(evidence: RunEvidence, isHere: boolean, agentRuns: boolean): string {
  if (!isHere) return '';
  if (evidence.state === 'refused') return ', and stay there: the server refused the report of this attempt';
  if (evidence.state === 'strange')
    return ', but the record of the run cannot be read, so no agent sends them';
  return agentRuns ? ' and are being sent' : ' and are sent when the agent runs (keruta daemon)';
}

/** Output that could not be kept: what the server was told, else what the run wrote down itself. */
function judgeLosses({ stream, counted, evidence }: StreamKnowledge): readonly StreamFault[] {
  const own = (evidence?.losses ?? []).filter((loss) => loss.stream === stream);
  const told = Math.max(counted.lostBytes, endOf(evidence?.receipt?.streams, stream)?.lostBytes ?? 0);
  if (own.length === 0) {
    if (told === 0) return [];
    const text = `up to ${told} bytes could not be kept when the script wrote them, and are nowhere; the server was told so`;
    return [{ kind: 'lost', stream, from: null, to: null, text }];
  }
  const causes = {
    full: 'the disk was full, or failed',
    killed: 'what wrote them was killed',
    deleted: 'their file was deleted',
    cut: 'their file became shorter',
  };
  return own.map(({ offset, maxBytes, cause }) => ({
    kind: 'lost',
    stream,
    from: offset,
    to: null,
    text: `up to ${maxBytes} bytes behind byte ${offset} could not be kept, because ${causes[cause]}, and are nowhere`,
  }));
}

/** One stream of a receipt's `streams`, which another version may have written; null when it cannot be read. */
function endOf(streams: unknown, stream: StreamName): StreamEnd | null {
  const end = (streams as Partial<Record<StreamName, Partial<StreamEnd>>> | null | undefined)?.[stream];
  if (typeof end?.size !== 'number' || typeof end.crc32 !== 'number') return null;
  return {
    size: end.size,
    crc32: end.crc32,
    lostBytes: typeof end.lostBytes === 'number' ? end.lostBytes : 0,
  };
}

/** A range as people count: `bytes 4096–8191`. */
function bytesOf({ from, to }: { readonly from: number; readonly to: number }): string {
  return to - from === 1 ? `byte ${from}` : `bytes ${from}–${to - 1}`;
}

const hex = (crc32: number) => crc32.toString(16).padStart(8, '0');
