/** What a run used, for people. */
import type { TaskWire } from '../../../internal/api/shapes.ts';
import { sparkline } from '../../../pkg/terminal/sparkline.ts';
import { span } from './print.ts';

/** Bars of a row; fits beside the names of the fields. */
const width = 40;

/** The fields of what a run used; those that nobody measured are null. */
export function usageFields(usage: TaskWire['usage']): (readonly [string, string | null])[] {
  if (usage === null) return [];
  const { cpuMs, durationMs, peakMemoryBytes, readBytes = null, writtenBytes = null, samples = null } = usage;
  const share = cpuMs !== null && durationMs > 0 ? ` (${Math.round((cpuMs / durationMs) * 100)} %)` : '';
  const cpuLine = samples === null ? '' : withTop(samples.cpuPercent, (top) => `${Math.round(top)} %`);
  const memoryLine = samples === null ? '' : withTop(samples.memoryBytes, sizeText);
  return [
    ['cpu time', cpuMs === null ? null : `${span(cpuMs)}${share}`],
    ['peak memory', peakMemoryBytes === null ? null : sizeText(peakMemoryBytes)],
    ['read, written', readBytes === null ? null : `${sizeText(readBytes)}, ${sizeText(writtenBytes ?? 0)}`],
    ['cpu over time', cpuLine],
    ['memory over time', memoryLine],
  ];
}

function withTop(values: readonly number[], text: (top: number) => string): string {
  return values.length === 0 ? '' : `${sparkline(values, width)} at most ${text(Math.max(...values))}`;
}

function sizeText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const size = bytes / 1024 ** unit;
  return `${size >= 10 || unit === 0 ? Math.round(size) : size.toFixed(1)} ${units[unit] ?? ''}`;
}
