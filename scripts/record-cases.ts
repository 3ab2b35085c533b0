/**
 * Records docs/cases.md: runs the cases of test/e2e/cases with the kernel's helper and with this one, and writes
 * down both results. test/e2e/cases.test.ts checks this helper's results.
 *
 *     node_modules/.bin/tsx scripts/record-cases.ts
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { CASES, page, PAGE } from '../test/e2e/cases/page.js';
import { playCases } from '../test/e2e/cases/run.js';

writeFileSync(PAGE, await page(await playCases()));
console.log(`${PAGE}: ${CASES.length} cases`);
