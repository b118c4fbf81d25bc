import { describe } from 'vitest';
import type { Store } from '../../../internal/store/store.ts';
import { testFigures } from './contract/figures.ts';
import { type Fixture, useFixture } from './contract/fixture.ts';
import { testGovernance } from './contract/governance.ts';
import { testHangings } from './contract/hangings.ts';
import { testLaws } from './contract/laws.ts';
import { testLedger } from './contract/ledger.ts';
import { testNotifications } from './contract/notifications.ts';
import { testNouns } from './contract/nouns.ts';
import { testProperties } from './contract/properties.ts';
import { testQueue } from './contract/queue.ts';
import { testReports } from './contract/reports.ts';
import { testRetention } from './contract/retention.ts';
import { testTasks } from './contract/tasks.ts';
import { testWorkflows } from './contract/workflows.ts';

/** How a suite gets stores of one adapter. Every store that it hands out is closed by the suite. */
export interface StoreHarness {
  /** A place of its own for one test; `open` opens the store that rests there, also again after it was closed. */
  place(): Promise<StorePlace>;
}

/** Where one store rests. */
export interface StorePlace {
  open(): Promise<Store>;
  /** Removes it, after everything was closed. */
  remove(): Promise<void>;
  /** Runs a statement on the closed store from outside, as somebody does who tampers with it. */
  tamper(statement: string): Promise<void>;
}

const allParts = [
  ...[testLaws, testTasks, testQueue, testFigures, testHangings, testWorkflows, testReports, testGovernance],
  ...[testLedger, testNotifications, testNouns, testProperties, testRetention],
];

/** The laws of `internal/store/store.ts` and every method of the port; every adapter passes it. @param parts  default: all */
export function storeContract(
  name: string,
  harness: StoreHarness,
  parts: readonly ((fixture: () => Fixture) => void)[] = allParts,
): void {
  describe(`the store on ${name}`, () => {
    const fixture = useFixture(harness);
    for (const part of parts) part(fixture);
  });
}
