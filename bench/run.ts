/**
 * Measures what the product promises, against baselines taken in the same run. By hand: `npm run bench [names]`.
 * Names: start commands latency line idle empty volume redact webhook triggers busy files ledger policies playbook slots coder docker.
 */
import { existsSync } from 'node:fs';
import { benchBusy } from './busy.ts';
import { benchCoder } from './coder.ts';
import { benchCommands } from './commands.ts';
import { benchDocker } from './docker.ts';
import { benchFiles } from './files.ts';
import { Bench, executable, type Row } from './harness.ts';
import { benchLedger } from './ledger.ts';
import { benchPlaybook } from './playbook.ts';
import { benchPolicies } from './policies.ts';
import { benchRedact } from './redact.ts';
import { benchSlots } from './slots.ts';
import { benchStart } from './start.ts';
import { agentReady, benchEmpty, benchFirstLine, benchIdle, benchLatency, benchVolume } from './tasks.ts';
import { benchTriggers } from './triggers.ts';
import { benchWebhook } from './webhook.ts';

const parts: Record<string, (bench: Bench) => Promise<Row | Row[]>> = {
  start: benchStart,
  commands: benchCommands,
  latency: benchLatency,
  line: benchFirstLine,
  idle: benchIdle,
  empty: benchEmpty,
  volume: benchVolume,
  redact: benchRedact,
  webhook: benchWebhook,
  triggers: benchTriggers,
  busy: benchBusy,
  files: benchFiles,
  ledger: benchLedger,
  policies: benchPolicies,
  playbook: benchPlaybook,
  slots: benchSlots,
  coder: benchCoder,
  docker: benchDocker,
};

if (!existsSync(executable)) {
  console.error('bench: expected dist/keruta; run ./scripts/build.sh first');
  process.exit(2);
}
const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in parts));
if (unknown !== undefined) {
  console.error(`bench: unknown part ${unknown}; expected ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
let missed = 0;
for (const [name, part] of Object.entries(parts)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const bench = await Bench.start();
  try {
    bench.startAgent();
    await agentReady(bench);
    for (const row of [await part(bench)].flat()) {
      if (row.met === false) missed++;
      console.log(
        `${row.met === false ? 'MISSED' : 'met   '}  ${row.what}: ${row.measured}  (allowed: ${row.allowed})`,
      );
    }
  } finally {
    await bench.close();
  }
}
process.exit(missed === 0 ? 0 : 1);
