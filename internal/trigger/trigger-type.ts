/**
 * What makes tasks out of events. A type of trigger is one file in `types/` and one line in `types.ts`. It never touches the
 * store: it says what its part of a definition looks like, and, when it falls due by time, when. Types that are fired by
 * something from outside have a host that listens (a route of the server, a connection, the agent) and hands each event to
 * `session/fire`.
 *
 * Laws, each a test of the suite that every type passes:
 * - a definition that was accepted is accepted again; one with an unknown field, or without a field that is needed, is
 *   refused with the field named;
 * - the next instant lies behind the one it was asked for, and asking from any instant between gives the same one;
 * - reading a definition, and asking for the next instant, change nothing and take no time worth speaking of.
 */
import type { ZodType } from 'zod';
import type { SecretRef } from '../domain/secret-ref.ts';
import type { OccurrenceSource } from '../domain/workflow.ts';

/** A rule of time. */
export interface Schedule {
  /** IANA name of the zone that it counts days in; `UTC` when it does not count days */
  readonly zone: string;
  /** The first nominal instant behind this one; epoch ms; null when none comes any more. */
  next(afterMs: number): number | null;
}

/** What a type gets to know of the server that a definition is meant for. */
export interface TriggerHost {
  /** whether nobody but this machine reaches it */
  readonly isLoopback: boolean;
  /** A secret; null when it is not there, or empty. */
  secret(ref: SecretRef): string | null;
  /** names of its channels of notifications; absent: that is not known */
  readonly channels?: readonly string[];
  /** what it has to do with GitHub; absent: that is not known */
  readonly github?: {
    /** of the shortest secret of its webhook; null = there is none */
    readonly secretBytes: number | null;
    readonly hasApp: boolean;
  };
}

/** What a type gets to know of the trigger that it makes a rule for. */
export interface ScheduleContext {
  readonly triggerId: string;
  /** default zone of the server */
  readonly zone: string;
  /** when the trigger was made; epoch ms: grids begin here */
  readonly anchorMs: number;
  /** absent: the definition is looked at without a server */
  readonly host?: TriggerHost;
}

/** A type of trigger. `S` is its part of a definition. */
export interface TriggerType<S = unknown> {
  /** as it is written: `cron` */
  readonly name: string;
  /** one phrase for help and reference */
  readonly doc: string;
  readonly source: OccurrenceSource;
  /** what it takes beside the fields that all triggers have; strict: an unknown field is a mistake */
  readonly spec: ZodType<S>;
  /**
   * What is wrong or doubtful beyond the shape.
   * @returns warnings for people
   * @throws {InputError} that says what is wrong
   */
  check?(spec: S, context: ScheduleContext): readonly string[];
  /** its rule of time; absent: it does not fall due by time */
  schedule?(spec: S, context: ScheduleContext): Schedule;
}

/** Gives the compiler the shape of a type; returns it with the shape forgotten, as the table holds it. */
export function triggerType<S>(type: TriggerType<S>): TriggerType {
  return type as unknown as TriggerType;
}
