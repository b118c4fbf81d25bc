/**
 * An agent as a process of its own, for tests that kill it: `node agent-program.ts ROOT URL TOKEN SESSION [local]`; with
 * `local` it has its own API.
 */
import { claimingSource } from '../../../internal/api/claiming-source.ts';
import { makeApiClient } from '../../../internal/api/client/client.ts';
import { runAgent } from '../../../internal/worker/agent.ts';
import { AgentControl } from '../../../internal/worker/control.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { agentOptions, agentParts } from './agent-under-test.ts';

const [root = '', baseUrl = '', token = '', sessionId = '', local = ''] = process.argv.slice(2);
const [clock, random, log] = [systemClock, systemRandom, silentLog];
const localApi =
  local === 'local' ? { host: 'localhost', port: 0, allowRemote: false, acceptInput: false } : null;
const options = agentOptions(root, { sessionId, apiToken: token, once: true, localApi });
const client = makeApiClient({
  http: makeHttp({ userAgent: 'test' }),
  baseUrl,
  token: () => token,
  clock,
  random,
  log,
});
const source = (agentId: string) =>
  claimingSource({
    client,
    random,
    log,
    abilities: new Set(['claim', 'streams', 'messages', 'uploads']),
    sessionId,
    agentId,
    agent: { hostname: 'test', version: '0' },
  });
const exit = await runAgent({ ...agentParts(options), source }, options, new AgentControl());
process.stdout.write(JSON.stringify(exit));
process.exit(0);
