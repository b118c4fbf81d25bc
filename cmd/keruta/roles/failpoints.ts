/** Arms failpoints from the environment. Only in builds for tests: in a usual build the body is left out. */
import { armFailpoint, parseFailpoints } from '../../../pkg/failpoint/failpoint.ts';

/**
 * Arms what KERUTA_FAILPOINT names: `after_claim:kill,mid_segment:stop@3`. Nothing when this is no build for tests.
 * @throws {SyntaxError} when it cannot be read
 */
export function armFailpoints(): void {
  if (process.env.KERUTA_BUILT_FAILPOINTS !== 'on' || !process.env.KERUTA_FAILPOINT) return;
  for (const { name, action, time } of parseFailpoints(process.env.KERUTA_FAILPOINT)) {
    let passed = 0;
    armFailpoint(name, () => {
      passed += 1;
      if (passed !== time) return;
      process.stderr.write(`failpoint ${name}: ${action}\n`);
      if (action === 'throw') throw new Error(`failpoint ${name}`);
      process.kill(process.pid, action === 'kill' ? 'SIGKILL' : 'SIGSTOP');
    });
  }
}
