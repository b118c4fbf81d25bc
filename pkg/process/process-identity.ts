import { bootId, isAlive as isProcessAlive, readStat } from './proc.ts';

/** What names one process of one machine for good: a pid alone is used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** clock ticks since boot; null where the machine does not tell */
  readonly startTicks: number | null;
  /** `''` where the machine does not tell */
  readonly bootId: string;
}

/** The identity of a process; null when there is none with that pid. Never signals anything. */
export function identityOf(pid: number): ProcessIdentity | null {
  const boot = bootId();
  if (boot === null) return { pid, startTicks: null, bootId: '' };
  const stat = readStat(pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks, bootId: boot };
}

/** Whether the process that left this identity is still alive: the same one, of the same boot. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.bootId === (bootId() ?? '') && isProcessAlive(identity);
}
