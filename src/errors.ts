/**
 * The errors that cross a public boundary, and the union that parsers return instead of throwing.
 * Bytes from the network never throw: a parser returns a `Parsed` fault. Bugs of ours, refusals by the kernel and
 * mistakes of the user throw. Each has a class, a literal `code` and an exit code.
 *
 * @module
 */

/** What a parser of untrusted bytes returns: a value, or a literal fault and the offset at which it was found. */
export type Parsed<T, Fault extends string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault; readonly at: number };

/** Process exit codes; scripts rely on them. */
export const EXIT_CODES = {
  done: 0,
  failed: 1,
  usage: 2,
  missing: 3,
  notPermitted: 4,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** Switch on the code, never on a message. */
export type ErrorCode =
  | 'ERR_SYSTEM_CALL'
  | 'ERR_NETLINK_REJECTED'
  | 'ERR_NETLINK_MALFORMED'
  | 'ERR_CAPTURE'
  | 'ERR_RULESET'
  | 'ERR_USAGE'
  | 'ERR_MISSING'
  | 'ERR_NOT_PERMITTED';

/** Base of every error that this project throws on purpose. `remedy` tells the user what to do. */
export abstract class ConntrackFtpError extends Error {
  abstract readonly code: ErrorCode;
  abstract readonly exitCode: ExitCode;
  readonly remedy: string | undefined;

  constructor(message: string, options?: { readonly remedy?: string; readonly cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.remedy = options?.remedy;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** A system call failed (socket, bind, sendmsg …): `errno` is positive, `errnoName` its symbol, e.g. `EPERM`. */
export class SystemCallError extends ConntrackFtpError {
  readonly code = 'ERR_SYSTEM_CALL';
  readonly exitCode = EXIT_CODES.failed;
  readonly operation: string;
  readonly errno: number;
  readonly errnoName: string;

  constructor(operation: string, errno: number, errnoName: string, options?: { readonly cause?: unknown }) {
    super(`${operation}: ${errnoName}`, options);
    this.operation = operation;
    this.errno = errno;
    this.errnoName = errnoName;
  }
}

/** The kernel answered a netlink request with a negative errno; the system call itself succeeded. */
export class NetlinkRejected extends ConntrackFtpError {
  readonly code = 'ERR_NETLINK_REJECTED';
  readonly exitCode = EXIT_CODES.failed;
  readonly operation: string;
  readonly errno: number;
  readonly errnoName: string;
  /** NLMSGERR_ATTR_MSG of an extended acknowledgement, if the kernel sent one. */
  readonly explanation: string | undefined;

  constructor(operation: string, errno: number, errnoName: string, explanation?: string) {
    super(
      `${operation}: kernel answered ${errnoName}${explanation === undefined ? '' : ` (${explanation})`}`,
    );
    this.operation = operation;
    this.errno = errno;
    this.errnoName = errnoName;
    this.explanation = explanation;
  }
}

/** The kernel sent a netlink message that breaks its own format, or no acknowledgement at all. */
export class NetlinkMalformed extends ConntrackFtpError {
  readonly code = 'ERR_NETLINK_MALFORMED';
  readonly exitCode = EXIT_CODES.failed;
}

/** A capture file that cannot be read: not a capture, truncated, or of a link type without IP. */
export class CaptureError extends ConntrackFtpError {
  readonly code = 'ERR_CAPTURE';
  readonly exitCode = EXIT_CODES.failed;
}

/** iptables-restore or nft refused a ruleset, and neither a missing feature nor a missing privilege explains it. */
export class RulesetRejected extends ConntrackFtpError {
  readonly code = 'ERR_RULESET';
  readonly exitCode = EXIT_CODES.failed;
}

/** Wrong options or configuration. */
export class UsageError extends ConntrackFtpError {
  readonly code = 'ERR_USAGE';
  readonly exitCode = EXIT_CODES.usage;
}

/** The kernel or the host lacks something that the command needs. */
export class MissingError extends ConntrackFtpError {
  readonly code = 'ERR_MISSING';
  readonly exitCode = EXIT_CODES.missing;
}

/** The command needs a privilege that the process does not have. */
export class NotPermittedError extends ConntrackFtpError {
  readonly code = 'ERR_NOT_PERMITTED';
  readonly exitCode = EXIT_CODES.notPermitted;
}
