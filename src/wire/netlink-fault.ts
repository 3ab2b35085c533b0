/**
 * The ways in which bytes can break netlink's format. These faults belong to the message and are returned
 * as values. A refusal by the kernel is an errno instead.
 *
 * @module
 */
export type NetlinkFault =
  /** Fewer bytes remain than `struct nlmsghdr` needs. */
  | 'message-header-truncated'
  /** `nlmsg_len` is smaller than the message header. */
  | 'message-length-too-small'
  | 'message-length-past-end'
  /** The fixed part between header and attributes (`nlmsgerr`, `nfgenmsg`) is truncated. */
  | 'message-body-truncated'
  | 'attribute-header-truncated'
  /** `nla_len` is smaller than the attribute header. */
  | 'attribute-length-too-small'
  | 'attribute-length-past-end'
  /** The value does not have the size that its type requires. */
  | 'attribute-wrong-size'
  /** A required attribute is missing. */
  | 'attribute-missing'
  /** A tuple has one IPv4 and one IPv6 address. */
  | 'address-families-differ';
