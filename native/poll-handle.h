// Watches a descriptor on the environment's own event loop.
#pragma once

#include <napi.h>

#include "errors.h"

namespace conntrack_ftp {

/** Called when the watched descriptor is readable. */
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
 * A uv_poll_t that may be closed at any time, even in its own callback. libuv needs the handle's memory until
 * its close callback has run, so the loop owns that memory (`Watch`). The end of the environment (a
 * terminated worker, `process.exit`) also closes the handle and waits for the close callback: a loop with an
 * open handle would abort the process.
 *
 * Why not a reader thread that passes batches through a bounded threadsafe function: measured with 100-byte
 * datagrams on two cores, polling wakes JavaScript after 12 to 27 microseconds (median) and the thread after
 * 31 to 40, because it wakes twice. Under flood the thread moves up to half more datagrams, but only above
 * 120,000 per second, which is the most a queue delivers; and it would need a second slab, and a lock on each
 * close.
 */
class PollHandle {
 public:
  PollHandle() = default;
  PollHandle(const PollHandle&) = delete;
  PollHandle& operator=(const PollHandle&) = delete;
  ~PollHandle() { Close(); }

  /** `readable` must outlive this handle or its Close(). The handle keeps the event loop alive. */
  Outcome Open(Napi::Env env, int fd, Readable& readable);
  /** Idempotent; `readable` is not called afterwards. The descriptor may be closed immediately. */
  void Close();
  [[nodiscard]] bool open() const { return watch_ != nullptr; }

 private:
  struct Watch;

  Watch* watch_ = nullptr;
};

}  // namespace conntrack_ftp
