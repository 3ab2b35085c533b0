/**
 * The clients of the matrix.
 *
 * @module
 */
import type { ClientProgram } from './client.js';
import { curl } from './curl.js';
import { lftp } from './lftp.js';
import { ncftp } from './ncftp.js';
import { tnftp } from './tnftp.js';

export const CLIENTS: readonly ClientProgram[] = [curl, lftp, ncftp, tnftp];
