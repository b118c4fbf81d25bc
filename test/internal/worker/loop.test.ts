import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeniedError } from '../../../internal/domain/errors.ts';
import { heldUp } from '../../faults/lab/starvation.ts';
import { Place } from './agent-under-test.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

describe('an agent', () => {
  test('takes tasks one after another until its session ends, and never two at once', async () => {
    const script = `d="${place.root}/busy"; mkdir "$d" && sleep 0.05 && rmdir "$d"`;
    for (let index = 0; index < 3; index++) place.source.add(script);
    place.source.session = { ...place.source.session, status: 'ACTIVE' };
    const { exit } = place.start();
    await place.source.until(() => place.source.attempts.filter((attempt) => attempt.report).length === 3);
    place.source.session = { ...place.source.session, status: 'COMPLETED' };
    place.source.changed();
    expect(await exit).toEqual({ why: 'session_ended', tasks: 3 });
    expect(place.source.attempts.map((attempt) => attempt.report?.exitCode)).toEqual([0, 0, 0]);
  });

  test('goes on behind the end of its session when it is to stay', async () => {
    place.source.session = { ...place.source.session, status: 'COMPLETED' };
    const { exit } = place.start({ keepAlive: true, maxUptimeMs: 100 });
    expect(await exit).toEqual({ why: 'max_uptime', tasks: 0 });
  });

  test('ends when it was idle for as long as it may be', async () => {
    place.source.add('true');
    expect(await place.start({ exitOnIdleMs: 1_000 }).exit).toEqual({ why: 'idle', tasks: 1 });
  });

  test('ends within a second when it is idle and told to', async () => {
    const { control, exit } = place.start();
    await expect.poll(() => place.source.calls.length).toBe(1);
    const [at, held] = [performance.now(), heldUp()];
    control.escalate();
    expect(await exit).toEqual({ why: 'stopped', tasks: 0 });
    expect(performance.now() - at).toBeLessThan(1000 + held());
  });

  test('drains first, then ends its task, at the second word', async () => {
    const task = place.source.add('echo on; sleep 60');
    const { control, exit } = place.start();
    await place.source.until(() => (place.source.attempts[0]?.streams.stdout.length ?? 0) > 0);
    control.escalate();
    control.escalate();
    expect(await exit).toMatchObject({ why: 'stopped', tasks: 1 });
    expect(place.source.attemptOf(task).report).toMatchObject({ reason: 'agent_stop' });
  });

  test('leaves at the third word; the next agent takes the run up where it is', async () => {
    const go = `${place.root}/go`;
    const task = place.source.add(`echo one; while ! test -e ${go}; do sleep 0.02; done; echo two; exit 5`);
    const first = place.start();
    await place.source.until(() => (place.source.attempts[0]?.streams.stdout.length ?? 0) > 0);
    first.control.stop('leave');
    expect(await first.exit).toMatchObject({ why: 'left' });
    const second = place.start({ once: true });
    writeFileSync(go, '');
    expect(await second.exit).toEqual({ why: 'once', tasks: 1 });
    const attempt = place.source.attemptOf(task);
    expect(Buffer.concat(attempt.streams.stdout).toString()).toBe('one\ntwo\n');
    expect(attempt.report).toMatchObject({ exitCode: 5, reason: null });
    expect(place.source.attempts).toHaveLength(1);
  });

  test('gets the same attempt again when the answer to its claim was lost', async () => {
    place.source.add('echo once');
    let isLost = true;
    place.source.fault = (method) => {
      if (method !== 'claimNext' || !isLost) return null;
      isLost = false;
      return 'after';
    };
    await place.once();
    expect(place.source.attempts).toHaveLength(1);
    expect(place.source.attempts[0]?.report?.exitCode).toBe(0);
  });

  test('asks rarely while its token is refused', async () => {
    const refused = () => Promise.reject(new DeniedError('KERUTA_ERR_UNAUTHENTICATED', 'no'));
    let asked = 0;
    place.source.claimNext = () => {
      asked++;
      return refused();
    };
    const { control, exit } = place.start({ maxUptimeMs: 300 });
    await exit;
    control.stop('leave');
    expect(asked).toBe(1);
  });

  test('goes on with a task after a fault of its own, without starting the script twice', async () => {
    const task = place.source.add('echo once');
    const { reporter } = place.source;
    let faults = 1;
    place.source.reporter = (ref) => {
      const real = reporter.call(place.source, ref);
      const finish: typeof real.finish = (report, signal) =>
        faults-- > 0 ? Promise.reject(new TypeError('a bug')) : real.finish(report, signal);
      return { ...real, finish };
    };
    expect(await place.once()).toEqual({ why: 'once', tasks: 1 });
    const attempt = place.source.attemptOf(task);
    expect(Buffer.concat(attempt.streams.stdout).toString()).toBe('once\n');
    expect(attempt.report?.exitCode).toBe(0);
  });
});
