// Watches a descriptor on the environment's own event loop.
#pragma once

#include <napi.h>

#include "errors.h"

namespace conntrack_ftp {

/** Told when the watched descriptor has something to read. */
class Readable {
 public:
  Readable() = default;
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;
  virtual void OnReadable() = 0;

 protected:
  ~Readable() = default;
};

/**
 * A uv_poll_t that may be closed at any time, its own callback included. libuv needs the memory of a handle
 * until its close callback has run, so that memory (`Watch`) belongs to the loop from then on. The end of the
 * environment (a worker that is terminated, `process.exit`) closes it too, and waits for the close callback:
 * a loop with an open handle would abort the process.
 *
 * Why no reader thread that hands batches over through a bounded threadsafe function: measured with 100-byte
 * datagrams on two cores, polling wakes JavaScript after 12 to 27 microseconds (median) and the thread after
 * 31 to 40, since it wakes twice. The thread moves up to half more datagrams when flooded, but from above
 * 120,000 a second, which is what a queue delivers at best; and it would need a second slab, and a lock at
 * each close.
 */
class PollHandle {
 public:
  PollHandle() = default;
  PollHandle(const PollHandle&) = delete;
  PollHandle& operator=(const PollHandle&) = delete;
  ~PollHandle() { Close(); }

  /** `readable` must outlive this handle or its Close(). The handle keeps the event loop alive. */
  Outcome Open(Napi::Env env, int fd, Readable& readable);
  /** Idempotent; `readable` is not called after it. The descriptor may be closed right away. */
  void Close();
  [[nodiscard]] bool open() const { return watch_ != nullptr; }

 private:
  struct Watch;

  Watch* watch_ = nullptr;
};

}  // namespace conntrack_ftp
