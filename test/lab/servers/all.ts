/**
 * The servers of the matrix.
 *
 * @module
 */
import { proftpd } from './proftpd.js';
import { pureFtpd } from './pure-ftpd.js';
import { pyftpdlib } from './pyftpdlib.js';
import type { ServerProgram } from './server.js';
import { vsftpd } from './vsftpd.js';

export const SERVERS: readonly ServerProgram[] = [vsftpd, pureFtpd, proftpd, pyftpdlib];
