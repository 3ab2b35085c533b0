/**
 * How bytes can break netlink's format. These are faults of a message, told as values; what the kernel refuses is
 * an errno, and something else.
 *
 * @module
 */
export type NetlinkFault =
  /** Fewer bytes left than `struct nlmsghdr` has. */
  | 'message-header-truncated'
  /** `nlmsg_len` is smaller than its own header. */
  | 'message-length-too-small'
  | 'message-length-past-end'
  /** The fixed part between header and attributes (`nlmsgerr`, `nfgenmsg`) is not whole. */
  | 'message-body-truncated'
  | 'attribute-header-truncated'
  /** `nla_len` is smaller than its own header. */
  | 'attribute-length-too-small'
  | 'attribute-length-past-end'
  /** The value is not of the size that its type has. */
  | 'attribute-wrong-size'
  /** One that the message makes no sense without. */
  | 'attribute-missing'
  /** A tuple with one IPv4 and one IPv6 address. */
  | 'address-families-differ';
