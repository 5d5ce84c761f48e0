package build.kiln.runtime.transport;

import build.kiln.runtime.mirror.CopyListener;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.PushResult;
import java.util.concurrent.atomic.AtomicLong;

/** Counts what a copy moves. Thread-safe. */
public final class Moved implements CopyListener {
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong mounted = new AtomicLong();
  private final AtomicLong there = new AtomicLong();

  @Override
  public void moved(long more) {
    bytes.addAndGet(more);
  }

  @Override
  public void blob(Reference repository, Descriptor blob, PushResult.How how) {
    switch (how) {
      case UPLOADED -> sent.incrementAndGet();
      case MOUNTED -> mounted.incrementAndGet();
      case EXISTED -> there.incrementAndGet();
    }
  }

  /** Of blobs, in the course of the copy. */
  public long bytes() {
    return bytes.get();
  }

  /** Blobs that were sent. */
  public long sent() {
    return sent.get();
  }

  /** Blobs that the registry took from other repositories of its own. */
  public long mounted() {
    return mounted.get();
  }

  /** Blobs that were there. */
  public long there() {
    return there.get();
  }
}
