// Memory that C++ and JavaScript share.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace conntrack_ftp {

/**
 * Zeroed pages, shared by all holders of the pointer. An ArrayBuffer over a region is one of them, so neither
 * closing the socket nor detaching the ArrayBuffer leaves the other side with freed memory. Untouched pages
 * use no memory.
 */
class Region {
 public:
  /** Returns null if there is no memory; errno has the reason. */
  static std::shared_ptr<Region> Allocate(size_t size);

  Region(uint8_t* data, size_t size) : data_(data), size_(size) {}
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  [[nodiscard]] uint8_t* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  /** The same memory as a table of columns. */
  [[nodiscard]] std::span<int32_t> columns() const {
    return {reinterpret_cast<int32_t*>(data_), size_ / sizeof(int32_t)};
  }

 private:
  uint8_t* data_;
  size_t size_;
};

Napi::ArrayBuffer ShareAsArrayBuffer(Napi::Env env, const std::shared_ptr<Region>& region);
Napi::Int32Array ShareAsInt32Array(Napi::Env env, const std::shared_ptr<Region>& region);

}  // namespace conntrack_ftp
