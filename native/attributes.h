// The attributes of a netlink message as a range; libmnl's own loop macros only work in C.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>

namespace conntrack_ftp {

/** `for (const nlattr& attribute : Attributes(message, sizeof(nfgenmsg)))`; ends at the first malformed one.
 */
class Attributes {
 public:
  class Iterator {
   public:
    Iterator(const nlattr* attribute, const uint8_t* end) : attribute_(attribute), end_(end) {}
    const nlattr& operator*() const { return *attribute_; }
    Iterator& operator++() {
      attribute_ = mnl_attr_next(attribute_);
      return *this;
    }
    /** A range-for only compares with the end, which depends on the bytes that are left. */
    bool operator!=(const Iterator& /*end*/) const {
      return mnl_attr_ok(attribute_, static_cast<int>(end_ - reinterpret_cast<const uint8_t*>(attribute_)));
    }

   private:
    const nlattr* attribute_;
    const uint8_t* end_;
  };

  /**
   * The attributes begin `offset` bytes after the netlink header of `message`, which mnl_nlmsg_ok has
   * checked.
   */
  Attributes(const nlmsghdr* message, size_t offset)
      : first_(static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, offset))),
        end_(reinterpret_cast<const uint8_t*>(message) + message->nlmsg_len) {}

  [[nodiscard]] Iterator begin() const { return {first_, end_}; }
  [[nodiscard]] Iterator end() const { return {nullptr, end_}; }

 private:
  const nlattr* first_;
  const uint8_t* end_;
};

}  // namespace conntrack_ftp
