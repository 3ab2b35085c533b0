/**
 * Recognises command verbs without creating strings. A verb is the integer of its letters in lower case, at
 * most four bytes (RFC 959 §5.3: "Command codes are four or fewer alphabetic characters", any case).
 *
 * @module
 */
import { byteAt, isBlank, skipBlanks } from './ascii.js';

/** Sets the lower-case bit in each of four ASCII letters. */
const LOWER_CASE = 0x20202020;

const MIN_VERB = 3;
const MAX_VERB = 4;

/**
 * The verb of a line that does not begin with three or four characters followed by a blank or the end of
 * the line.
 */
export const NO_VERB = 0;

const verbOf = (name: string): number => verbAt(Buffer.from(name, 'latin1'), 0, name.length);

export const VERBS = {
  eprt: verbOf('EPRT'),
  epsv: verbOf('EPSV'),
  pasv: verbOf('PASV'),
  port: verbOf('PORT'),
  rein: verbOf('REIN'),
} as const;

const ALL = verbOf('ALL');

/**
 * Verbs that show that a client speaks FTP: those of at most four letters from the IANA registry "FTP
 * Commands and Extensions" (RFC 5797), those of RFC 765, and those of widely used servers.
 */
const FTP_VERBS: ReadonlySet<number> = new Set(
  `ABOR ACCT ADAT ALGS ALLO APPE AUTH AVBL CCC CDUP CLNT CONF CSID CWD DELE DSIZ ENC EPRT EPSV FEAT HASH HELP
   HOST LANG LIST LPRT LPSV MDTM MFCT MFF MFMT MIC MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV PBSZ PORT PROT
   PWD QUIT RANG REIN REST RETR RMD RNFR RNTO SITE SIZE SMNT SPSV SSCN STAT STOR STOU STRU SYST THMB TYPE USER
   XCRC XCUP XCWD XMD5 XMKD XPWD XRMD XSHA`
    .split(/\s+/)
    .map(verbOf),
);

export const isFtpVerb = (verb: number): boolean => FTP_VERBS.has(verb);

/** Returns the verb at the beginning of the line `[start, end)`, or `NO_VERB`. */
export function verbAt(bytes: Buffer, start: number, end: number): number {
  let verb = 0;
  let at = start;
  while (at < end && !isBlank(byteAt(bytes, at, end))) {
    if (at - start === MAX_VERB) return NO_VERB;
    verb = (verb << 8) | byteAt(bytes, at, end);
    at += 1;
  }
  return at - start < MIN_VERB ? NO_VERB : verb | LOWER_CASE;
}

/** Returns whether the argument of the four-letter command `[start, end)` is ALL: `EPSV ALL`, RFC 2428 §4. */
export function hasArgumentAll(bytes: Buffer, start: number, end: number): boolean {
  const at = skipBlanks(bytes, start + MAX_VERB, end);
  const all = verbAt(bytes, at, end);
  return all === ALL && skipBlanks(bytes, at + 3, end) === end;
}
