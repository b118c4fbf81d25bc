/**
 * Which sessions get the agents of `keruta up` when there are more sessions than agents. Pure.
 *
 * Without a crowd each session has one, whether it has something to do or not. In a crowd an agent is for a session that has
 * work. One that has nothing to do leaves for it at once, one that has leaves after its turn, when its task has ended.
 */

/** An agent has this long before it makes room for another session while there is work in its own; ms. */
export const turnMs = 10_000;

/** The agent of a session. */
export interface HostedAgent {
  readonly session: string;
  /** when it came; monotonic ms */
  readonly since: number;
  /** whether it has a task in hand */
  readonly isBusy: boolean;
  /** whether it was told to leave */
  readonly isLeaving: boolean;
}

/** How things stand. */
export interface AgentsQuestion {
  /** how many agents there may be */
  readonly most: number;
  /** all sessions that are to be served */
  readonly wanted: readonly string[];
  /** those of them whose agents never leave, since they watch files */
  readonly staying: ReadonlySet<string>;
  /** sessions in which a task waits to be claimed */
  readonly withWork: ReadonlySet<string>;
  readonly hosted: readonly HostedAgent[];
  /** when a session last had an agent, where it had one; monotonic ms */
  readonly servedAt: ReadonlyMap<string, number>;
  /** monotonic ms */
  readonly now: number;
}

/** What is to be done: sessions that get an agent now, and sessions whose agents are told to leave. */
export interface AgentsAnswer {
  readonly start: readonly string[];
  readonly leave: readonly string[];
}

/** @see AgentsQuestion */
export function shareAgents(question: AgentsQuestion): AgentsAnswer {
  const { most, wanted, staying, withWork, hosted, servedAt, now } = question;
  const isCrowded = wanted.length > most;
  const present = new Set(hosted.map(({ session }) => session));
  const absent = wanted.filter((id) => !present.has(id));
  const taking = absent.filter((id) => !staying.has(id) && (!isCrowded || withWork.has(id)));
  const wishing = [
    ...absent.filter((id) => staying.has(id)),
    // who has waited longest comes first, or those that come late in the list would never have a turn
    ...taking.toSorted((a, b) => (servedAt.get(a) ?? -1) - (servedAt.get(b) ?? -1)),
  ];
  const start = wishing.slice(0, Math.max(0, most - hosted.length));
  const remaining = hosted.filter(({ isLeaving }) => !isLeaving);
  const isDone = ({ session, isBusy }: HostedAgent) => !isBusy && !withWork.has(session);
  // nobody asks for it any more
  const unwanted = remaining.filter((agent) => !wanted.includes(agent.session) && isDone(agent));
  const leavers = remaining
    .filter((agent) => !unwanted.includes(agent) && !staying.has(agent.session))
    .filter((agent) => isDone(agent) || now - agent.since >= turnMs)
    .toSorted((a, b) => Number(isDone(b)) - Number(isDone(a)) || a.since - b.since);
  const onTheWay = hosted.length - remaining.length + unwanted.length;
  const missing = Math.max(0, wishing.length - start.length - onTheWay);
  return { start, leave: [...unwanted, ...leavers.slice(0, missing)].map(({ session }) => session) };
}
