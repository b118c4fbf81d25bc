/** What a run in a container costs beside `docker run` of the same command. */
import { type Bench, median, ms, quantile, type Row, time } from './harness.ts';
import { agentReady } from './tasks.ts';

const rounds = 15;
/** What the product promises. */
const allowedTimes = 1.15;
/** An image with bash, cat, sleep and mkfifo; `scripts/docker-engine.sh` makes one of this name. */
const image = process.env.KERUTA_BENCH_IMAGE ?? 'keruta-test:tools';

/** Runs the same script by turns: by `docker run`, and as a task from its submission until all of it is reported. */
export async function benchDocker(bench: Bench): Promise<Row> {
  const host = process.env.KERUTA_TEST_DOCKER_HOST;
  const what = 'a script in a container, from its submission until it is reported, against `docker run --rm`';
  if (host === undefined)
    return { what, measured: 'no engine (KERUTA_TEST_DOCKER_HOST)', allowed: 'told', met: null };
  await bench.stopAgent();
  bench.startAgent({ KERUTA_EXECUTOR: 'docker', KERUTA_DOCKER_IMAGE: image, KERUTA_DOCKER_HOST: host });
  await agentReady(bench);
  const script = 'echo hello';
  const words = ['-H', host, 'run', '--rm', '--network', 'none', image, 'bash', '-c', script];
  const [plain, own]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const times = [await time('docker', words, bench.env()), await task(bench, script)] as const;
    // the first of each finds nothing in memory
    if (round === 0) continue;
    plain.push(times[0]);
    own.push(times[1]);
  }
  const ratio = median(own) / median(plain);
  return {
    what,
    measured: `${ms(median(own))} (worst ${ms(quantile(own, 1))}) against ${ms(median(plain))}: ${ratio.toFixed(2)} times`,
    allowed: `${allowedTimes} times`,
    met: ratio <= allowedTimes,
  };
}

async function task(bench: Bench, script: string): Promise<number> {
  const began = performance.now();
  const { status } = await bench.waitEnd(await bench.submit(script));
  if (status !== 'COMPLETED') throw new Error(`the task ended as ${String(status)}`);
  return performance.now() - began;
}
