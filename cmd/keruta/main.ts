#!/usr/bin/env node
/** The door of the sources: `node cmd/keruta/main.ts …`. */
import { runProcess } from './doors.ts';

await runProcess(async (argv) => (await import('./large.ts')).runLarge(argv));
