package build.kiln.runtime.build;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.PushResult;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.store.GrowingBlob;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Sends large layers to a repository while they are written. Nothing depends on it: what fails here
 * is sent again by the push, which then says what is wrong. Thread-safe.
 */
final class EarlyUploads implements AutoCloseable {
  private static final Duration GOODBYE = Duration.ofSeconds(2);

  private final RegistryClient registry;
  private final List<Upload> uploads = new ArrayList<>();

  /** One layer on its way. */
  private static final class Upload {
    private final Reference repository;
    private final GrowingBlob blob;
    private final Thread thread;
    // Read only after the thread has ended.
    private @Nullable PushResult sent;

    Upload(RegistryClient registry, Reference repository, GrowingBlob blob, InputStream content) {
      this.repository = repository;
      this.blob = blob;
      this.thread =
          Thread.ofPlatform()
              .daemon()
              .name("kiln-early-upload")
              .start(() -> send(registry, content));
    }

    private void send(RegistryClient registry, InputStream content) {
      try {
        sent = registry.streamBlob(repository, content, blob::whole);
      } catch (IOException | RuntimeException e) {
        // The push will send it, and meet what is wrong if it lasts.
        return;
      }
    }

    boolean isOf(Digest digest) {
      try {
        return blob.whole().digest().equals(digest);
      } catch (IOException givenUp) {
        return false;
      }
    }

    private boolean isThere(RegistryClient registry, Digest digest) throws InterruptedIOException {
      try {
        return registry.hasBlob(repository, digest);
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException notKnown) {
        return false;
      }
    }

    /** Ends it if the registry turns out to have the layer, else waits for it. */
    Optional<PushResult> result(RegistryClient registry, Digest digest)
        throws InterruptedIOException {
      boolean there = thread.isAlive() && isThere(registry, digest);
      if (there) {
        thread.interrupt();
      }
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while a layer was uploaded");
      }
      return there && sent == null
          ? Optional.of(new PushResult(PushResult.How.EXISTED, 0))
          : Optional.ofNullable(sent);
    }
  }

  EarlyUploads(RegistryClient registry) {
    this.registry = registry;
  }

  /** Begins to send a layer. */
  synchronized void begin(Reference repository, GrowingBlob blob) {
    uploads.add(new Upload(registry, repository, blob, blob.open()));
  }

  /**
   * Waits for a layer that is under way to the repository. All layers are written by now, so their
   * digests are known: one that the repository had all along is not sent to its end.
   *
   * @return what came of the layer, if it was sent from here
   */
  Optional<PushResult> sent(Reference repository, Digest digest) throws InterruptedIOException {
    Optional<Upload> upload;
    synchronized (this) {
      upload =
          uploads.stream()
              .filter(each -> each.repository.name().equals(repository.name()))
              .filter(each -> each.isOf(digest))
              .findFirst();
    }
    return upload.isPresent() ? upload.get().result(registry, digest) : Optional.empty();
  }

  /** Ends what is still under way, and gives it a moment to tell the registry. */
  @Override
  public synchronized void close() {
    uploads.forEach(upload -> upload.thread.interrupt());
    try {
      for (Upload upload : uploads) {
        upload.thread.join(GOODBYE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
