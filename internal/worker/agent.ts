import { join } from 'node:path';
import type { Log } from '../../pkg/log/log.ts';
import { maskedLog } from '../../pkg/log/masked-log.ts';
import type { AgentExit, AgentOptions, AgentParts } from './agent-options.ts';
import { AgentStatus } from './agent-status.ts';
import { BaseKeeper } from './base-keeper.ts';
import type { AgentControl } from './control.ts';
import { DiskTeller } from './disk-teller.ts';
import { DiskWatch } from './disk-watch.ts';
import { type LocalDoors, openLocalDoors } from './local-doors.ts';
import { takeTasks } from './loop.ts';
import { maskingOf } from './masking.ts';
import { secretsOf } from './secrets.ts';
import { openStateDirectory } from './state-directory.ts';
import { makeTokenGuard } from './token-guard.ts';
import { WatchBoard } from './watch/watch-board.ts';
import { Watches, type WatchSource } from './watch/watches.ts';
import { watchedSource } from './watched-source.ts';

/**
 * Runs an agent: opens its base directory and its local API, takes the tasks of its session one after another, and
 * closes what it opened. A run that it leaves behind goes on, and the next agent on the same base directory takes it up.
 *
 * @param control  stops it; an idle agent ends within a second
 * @returns why it ended
 * @throws {ConflictError} KERUTA_ERR_AGENT_RUNNING, KERUTA_ERR_DIRECTORY, KERUTA_ERR_PORT_TAKEN before anything is done
 */
export async function runAgent(
  given: AgentParts,
  options: AgentOptions,
  control: AgentControl,
): Promise<AgentExit> {
  const parts = { ...given, log: ownLog(given.log, options) };
  const base = openStateDirectory(options.baseDirectory, {
    random: parts.random,
    pid: options.pid,
    uid: options.uid,
  });
  const status = new AgentStatus(parts.clock);
  const { spans } = parts;
  if (spans) status.droppedSpans = () => spans.dropped;
  const disk = new DiskWatch({
    clock: parts.clock,
    log: parts.log,
    directory: base.base,
    floorBytes: options.minFreeDiskBytes,
  });
  const keeper = new BaseKeeper({ clock: parts.clock, log: parts.log, base, heal: parts.heal });
  let local: LocalDoors | null = null;
  const watching = new AbortController();
  let watched: Promise<void> = Promise.resolve();
  let teller: DiskTeller | null = null;
  try {
    await disk.look();
    disk.start();
    local = await openLocalDoors(parts, { options, base, status, disk });
    keeper.keepDoors(local);
    base.writeState({
      pid: options.pid,
      url: local?.url ?? null,
      port: local?.port ?? null,
      socket: local?.socket ?? null,
      sessionId: options.sessionId,
      localTokenFile: base.localTokenFile,
      startedAt: parts.clock.now(),
    });
    const guard = makeTokenGuard(parts.clock);
    const source = watchedSource(await parts.source(base.agentId), { status, guard });
    teller = new DiskTeller({ ...parts, source, floorBytes: options.minFreeDiskBytes });
    disk.listen(teller.note.bind(teller));
    parts.executor.prepare();
    parts.log.info('the agent is ready', { sessionId: options.sessionId, api: local?.url ?? null });
    const { clock, random, log, watches: wanted } = parts;
    if (wanted) {
      const { board = new WatchBoard() } = wanted;
      const directory = join(base.base, 'watches');
      const own = { agentId: base.agentId, directory, times: status.times };
      const asked: WatchSource = {
        claim: (...about) => guard(() => wanted.source.claim(...about)),
        fire: (...about) => guard(() => wanted.source.fire(...about)),
      };
      const watches = new Watches({ clock, random, log, ...wanted, ...own, source: asked });
      const leave = board.add(() => watches.status());
      status.watchers = () => board.all();
      watched = watches.run(watching.signal).finally(leave);
    }
    parts.onReady?.(status);
    const exit = await takeTasks({
      clock: parts.clock,
      random: parts.random,
      log: parts.log,
      executor: parts.executor,
      source,
      options,
      base,
      heal: () => keeper.heal(),
      status,
      disk,
      control,
      spans: parts.spans ?? null,
      masking: maskingOf,
    });
    parts.log.info('the agent ends', { ...exit });
    return exit;
  } finally {
    await keeper.stop();
    watching.abort();
    await watched;
    await local?.close({ goesOn: control.leaving.aborted });
    disk.stop();
    await teller?.stop();
    await parts.executor.close();
    base.close();
  }
}

/** What is secret in the agent's own environment never reaches its log. */
function ownLog(log: Log, { environment, apiToken }: AgentOptions): Log {
  const masking = maskingOf(secretsOf(environment, [apiToken]).values);
  return maskedLog(log, (text) => masking.text(text));
}
