import { describe } from 'vitest';
import type { Store } from '../../../internal/store/store.ts';
import { testFigures } from './contract/figures.ts';
import { useFixture } from './contract/fixture.ts';
import { testGovernance } from './contract/governance.ts';
import { testHangings } from './contract/hangings.ts';
import { testLaws } from './contract/laws.ts';
import { testLedger } from './contract/ledger.ts';
import { testNotifications } from './contract/notifications.ts';
import { testNouns } from './contract/nouns.ts';
import { testProperties } from './contract/properties.ts';
import { testQueue } from './contract/queue.ts';
import { testReports } from './contract/reports.ts';
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

/** The laws of `internal/store/store.ts` and every method of the port; every adapter passes it. */
export function storeContract(name: string, harness: StoreHarness): void {
  describe(`the store on ${name}`, () => {
    const fixture = useFixture(harness);
    testLaws(fixture);
    testTasks(fixture);
    testQueue(fixture);
    testFigures(fixture);
    testHangings(fixture);
    testWorkflows(fixture);
    testReports(fixture);
    testGovernance(fixture);
    testLedger(fixture);
    testNotifications(fixture);
    testNouns(fixture);
    testProperties(fixture);
  });
}
