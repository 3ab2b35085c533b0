#include "region.h"

#include <sys/mman.h>

namespace conntrack_ftp {

std::shared_ptr<Region> Region::Allocate(size_t size) {
  void* pages =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  return std::make_shared<Region>(static_cast<uint8_t*>(pages), size);
}

Region::~Region() {
  munmap(data_, size_);
}

Napi::ArrayBuffer ShareAsArrayBuffer(Napi::Env env, const std::shared_ptr<Region>& region) {
  using Owner = std::shared_ptr<Region>;  // JavaScript's reference, deleted by its garbage collector
  return Napi::ArrayBuffer::New(
      env, region->data(), region->size(), [](Napi::Env, void*, Owner* owner) { delete owner; },
      new Owner(region));
}

Napi::Int32Array ShareAsInt32Array(Napi::Env env, const std::shared_ptr<Region>& region) {
  return Napi::Int32Array::New(env, region->size() / sizeof(int32_t), ShareAsArrayBuffer(env, region), 0);
}

}  // namespace conntrack_ftp
