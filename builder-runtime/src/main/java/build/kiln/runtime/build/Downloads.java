package build.kiln.runtime.build;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.store.LocalStore;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Brings blobs into the local store, each once. Thread-safe. */
final class Downloads {
  private final LocalStore store;
  private final RegistryClient registry;
  private final Predicate<Digest> cached;
  private final Map<Digest, ReentrantLock> locks = new ConcurrentHashMap<>();
  private final AtomicLong bytes = new AtomicLong();

  Downloads(LocalStore store, RegistryClient registry) {
    this(store, registry, digest -> false);
  }

  /**
   * @param cached which blobs a cache promised: that one of them cannot be had is {@link LostLayer}
   */
  Downloads(LocalStore store, RegistryClient registry, Predicate<Digest> cached) {
    this.store = store;
    this.registry = registry;
    this.cached = cached;
  }

  /** How many bytes were pulled. */
  long bytes() {
    return bytes.get();
  }

  void counted(long more) {
    bytes.addAndGet(more);
  }

  /** Makes sure that the store has a blob. */
  void require(Reference repository, Descriptor blob, BuildProgress.Activity activity)
      throws IOException {
    ReentrantLock lock = locks.computeIfAbsent(blob.digest(), digest -> new ReentrantLock());
    try {
      lock.lockInterruptibly();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while another step pulls a blob");
    }
    try {
      if (store.has(blob)) {
        return;
      }
      try (InputStream in = registry.openBlob(repository, blob);
          var counted = new Counted(in, blob, activity)) {
        store.putVerified(blob, counted);
      } catch (IOException e) {
        if (cached.test(blob.digest()) && !Failures.isInterrupt(e) && !Failures.isDiskFull(e)) {
          throw new LostLayer(blob, e);
        }
        throw e;
      }
      counted(blob.size());
    } finally {
      lock.unlock();
    }
  }

  /**
   * A blob from the store; one that is only in its registry comes there first.
   *
   * @param origin the repository that has it; null if the store must
   */
  BlobSource source(@Nullable Reference origin, Descriptor blob, BuildProgress.Activity activity) {
    return () -> {
      if (origin != null) {
        require(origin, blob, activity);
      }
      return store.open(blob.digest());
    };
  }

  /** Tells progress now and then. */
  private static final class Counted extends FilterInputStream {
    private static final long STEP = 1024 * 1024;

    private final Descriptor blob;
    private final BuildProgress.Activity activity;
    private long done;
    private long told;

    Counted(InputStream in, Descriptor blob, BuildProgress.Activity activity) {
      super(in);
      this.blob = blob;
      this.activity = activity;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      int n = super.read(buffer, offset, length);
      if (n > 0) {
        done += n;
      }
      if (done - told >= STEP || done == blob.size() && told != done) {
        told = done;
        activity.transfer(
            blob.digest().algorithm() + ":" + blob.digest().shortHex(), done, blob.size());
      }
      return n;
    }
  }
}
