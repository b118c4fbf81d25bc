import { readFile } from 'node:fs/promises';
import type { Clock } from '../../pkg/clock/clock.ts';
import { type EventLoopDelay, measureEventLoopDelay } from '../../pkg/event-loop/event-loop-delay.ts';
import type { AgentStatus } from './agent-status.ts';
import type { DiskLook, DiskState, DiskWatch } from './disk-watch.ts';

/** Why an agent is not healthy. A closed list: people match on these. */
export type HealthReason =
  | 'api_auth_failed'
  | 'api_unavailable'
  | 'disk_low'
  | 'disk_no_files'
  | 'disk_read_only'
  | 'disk_unknown'
  | 'event_loop_slow'
  | 'files_slow'
  | 'files_unreadable';

/** What is found out about an agent. */
export interface HealthFacts {
  /** reading a small file: how long it took; ms */
  readonly files: { readonly state: 'ok' | 'slow' | 'unreadable'; readonly tookMs: number };
  readonly eventLoop: { readonly maxDelayMs: number };
  readonly api: 'ok' | 'auth_failed' | 'unavailable';
  readonly disk: DiskLook & { readonly floorBytes: number };
}

/** The answer of `/health`; holds no ids, no paths and no versions. */
export interface Health extends HealthFacts {
  /** `degraded`: it lives, something holds it back. `unhealthy`: it cannot do its work */
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly reasons: readonly HealthReason[];
}

/** A file that takes longer to read means that files cannot be read; ms. The answer itself is promised within 1 s. */
const probeMs = 500;
/** A hold-up that nobody could overlook; ms. On a busy machine shorter ones are not the agent's fault. */
const slowLoopMs = 1_000;
/** Hold-ups count for this long, and up to twice as long; ms. */
const spanMs = 15_000;

/** What health is made from. */
export interface HealthParts {
  readonly clock: Clock;
  readonly status: AgentStatus;
  readonly disk: DiskWatch;
  /** a small file that is there while the agent runs */
  readonly probeFile: string;
}

/** Says how an agent is. */
export class AgentHealth {
  readonly #parts: HealthParts;
  readonly #delay: EventLoopDelay;
  #probe: { readonly since: number; readonly done: Promise<'ok' | 'unreadable'> } | null = null;
  #cancel: () => void = () => {};

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#delay = measureEventLoopDelay();
    this.#roll();
  }

  /** Longest hold-up of the event loop in the last 15 to 30 seconds; ms. */
  maxDelayMs(): number {
    return this.#delay.maxMs();
  }

  /** Looks. Never rejects; answers within half a second, also when no file can be read. */
  async look(): Promise<Health> {
    const { disk, status } = this.#parts;
    const [files] = await Promise.all([this.#probeFiles(), this.#inTime(disk.look(), null)]);
    return judgeHealth({
      files,
      eventLoop: { maxDelayMs: this.maxDelayMs() },
      api: status.apiFault ?? 'ok',
      disk: { ...disk.last, floorBytes: disk.floorBytes },
    });
  }

  /** Ends the measurements. */
  stop(): void {
    this.#cancel();
    this.#delay.stop();
  }

  #roll(): void {
    this.#cancel = this.#parts.clock.after(spanMs, () => {
      this.#delay.roll();
      this.#roll();
    });
  }

  /** One read at a time: where reads hang, asking again and again must not make more of them. */
  async #probeFiles(): Promise<HealthFacts['files']> {
    const { clock, probeFile } = this.#parts;
    this.#probe ??= {
      since: clock.monotonicMs(),
      done: readFile(probeFile)
        .then(
          () => 'ok' as const,
          () => 'unreadable' as const,
        )
        .finally(() => {
          this.#probe = null;
        }),
    };
    const { since, done } = this.#probe;
    const state = await this.#inTime(done, 'slow' as const);
    return { state, tookMs: Math.round(clock.monotonicMs() - since) };
  }

  async #inTime<T, U>(work: Promise<T>, otherwise: U): Promise<T | U> {
    const over = new AbortController();
    const late = this.#parts.clock.sleep(probeMs, over.signal).then(
      () => otherwise,
      () => otherwise,
    );
    try {
      return await Promise.race([work, late]);
    } finally {
      over.abort();
    }
  }
}

/** Judges what was found out. */
export function judgeHealth(facts: HealthFacts): Health {
  const grave: HealthReason[] = facts.files.state === 'ok' ? [] : [`files_${facts.files.state}`];
  const slight: HealthReason[] = [];
  if (facts.api !== 'ok') slight.push(`api_${facts.api}`);
  const disk = diskReason[facts.disk.state];
  if (disk !== null) slight.push(disk);
  if (facts.eventLoop.maxDelayMs > slowLoopMs) slight.push('event_loop_slow');
  const status = grave.length > 0 ? 'unhealthy' : slight.length > 0 ? 'degraded' : 'healthy';
  return { status, reasons: [...grave, ...slight], ...facts };
}

const diskReason: Readonly<Record<DiskState, HealthReason | null>> = {
  ok: null,
  low: 'disk_low',
  no_files: 'disk_no_files',
  read_only: 'disk_read_only',
  unknown: 'disk_unknown',
};
