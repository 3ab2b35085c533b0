/**
 * Records docs/cases.md: plays the cases of test/e2e/cases to the kernel's helper and to ours, and writes down what each
 * makes of them. Whether ours is right is for test/e2e/cases.test.ts to say.
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
