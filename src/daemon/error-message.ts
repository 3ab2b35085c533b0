/**
 * Sends our errors from one thread to another. Structured cloning loses the class of an error, and with it the sentence
 * and the exit code that the user gets.
 *
 * @module
 */
import {
  CaptureError,
  MissingError,
  NetlinkMalformed,
  NetlinkRejected,
  NotPermittedError,
  RulesetRejected,
  SystemCallError,
  UsageError,
  type ConntrackFtpError,
  type ErrorCode,
} from '../errors.js';

/** The fields of all classes; fields that a class does not have are absent. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy?: string;
  readonly operation?: string;
  readonly errno?: number;
  readonly errnoName?: string;
  readonly explanation?: string;
}

export function toMessage(error: ConntrackFtpError): ErrorMessage {
  const { code, message, remedy } = error;
  return {
    code,
    message,
    ...(remedy === undefined ? {} : { remedy }),
    ...(error instanceof SystemCallError || error instanceof NetlinkRejected ? errnoFields(error) : {}),
  };
}

function errnoFields(error: SystemCallError | NetlinkRejected): Partial<ErrorMessage> {
  const { operation, errno, errnoName } = error;
  const explanation = error instanceof NetlinkRejected ? error.explanation : undefined;
  return { operation, errno, errnoName, ...(explanation === undefined ? {} : { explanation }) };
}

/** Returns the error that `sent` was made from, without its cause. */
export function fromMessage(sent: ErrorMessage): ConntrackFtpError {
  const { code, message, remedy, operation = '', errno = 0, errnoName = '', explanation } = sent;
  const options = remedy === undefined ? {} : { remedy };
  switch (code) {
    case 'ERR_SYSTEM_CALL':
      return new SystemCallError(operation, errno, errnoName);
    case 'ERR_NETLINK_REJECTED':
      return new NetlinkRejected(operation, errno, errnoName, explanation);
    case 'ERR_NETLINK_MALFORMED':
      return new NetlinkMalformed(message, options);
    case 'ERR_CAPTURE':
      return new CaptureError(message, options);
    case 'ERR_RULESET':
      return new RulesetRejected(message, options);
    case 'ERR_USAGE':
      return new UsageError(message, options);
    case 'ERR_MISSING':
      return new MissingError(message, options);
    case 'ERR_NOT_PERMITTED':
      return new NotPermittedError(message, options);
  }
}
