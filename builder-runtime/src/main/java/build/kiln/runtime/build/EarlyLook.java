package build.kiln.runtime.build;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks up, while an image is built, what the names point at that it is to get. Where that turns
 * out to be the image, its blobs need not be asked for one by one; and what a process does for its
 * first request is done by the time of the push. Nothing depends on it: what goes wrong here, the
 * push meets. Not thread-safe.
 */
final class EarlyLook implements AutoCloseable {
  /** A registry that takes longer to answer is not waited for. */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final RegistryClient registry;
  private final Map<Reference, Digest> found = new ConcurrentHashMap<>();
  private @Nullable Thread thread;
  private volatile boolean over;

  EarlyLook(RegistryClient registry) {
    this.registry = registry;
  }

  /**
   * Begins to look, one name after the other.
   *
   * @param names with tags
   */
  void begin(List<Reference> names) {
    thread =
        Thread.ofPlatform().daemon().name("kiln-early-look").start(() -> names.forEach(this::look));
  }

  private void look(Reference name) {
    if (over) {
      return;
    }
    try {
      digest(name).ifPresent(digest -> found.put(name, digest));
    } catch (IOException | RuntimeException e) {
      // The push will ask again, and meet what is wrong if it lasts.
      return;
    }
  }

  private Optional<Digest> digest(Reference name) throws IOException {
    return registry.headTarget(name).map(Descriptor::digest);
  }

  /**
   * Whether the registry has an image under all of the names. Asks once more if it had when the
   * build began, for that may be long ago; asks nothing else. What cannot be told is not there.
   *
   * @throws IOException if it is interrupted
   */
  boolean isThere(List<Reference> names, Digest image) throws IOException {
    await();
    for (Reference name : names) {
      if (!image.equals(found.get(name))) {
        return false;
      }
    }
    try {
      for (Reference name : names) {
        if (!digest(name).equals(Optional.of(image))) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      if (Failures.isInterrupt(e)) {
        throw e;
      }
      return false;
    }
  }

  private void await() throws InterruptedIOException {
    if (thread != null && !over) {
      try {
        thread.join(PATIENCE);
        // Whatever is still to come would come too late for all further pushes, too.
        over = true;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while a registry was asked for a name");
      }
    }
  }

  @Override
  public void close() {
    over = true;
    if (thread != null) {
      thread.interrupt();
    }
  }
}
