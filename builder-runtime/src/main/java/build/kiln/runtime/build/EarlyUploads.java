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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
    private final Map<Digest, PushResult> sent = new HashMap<>();

    Upload(RegistryClient registry, Reference repository, GrowingBlob blob, InputStream content) {
      this.repository = repository;
      this.blob = blob;
      this.thread =
          Thread.ofVirtual().name("kiln-early-upload").start(() -> send(registry, content));
    }

    private void send(RegistryClient registry, InputStream content) {
      try {
        PushResult result = registry.streamBlob(repository, content, blob::whole);
        sent.put(blob.whole().digest(), result);
      } catch (IOException | RuntimeException e) {
        // The push will send it, and meet what is wrong if it lasts.
        sent.clear();
      }
    }

    Optional<PushResult> result(Digest digest) throws InterruptedIOException {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while a layer was uploaded");
      }
      return Optional.ofNullable(sent.get(digest));
    }
  }

  EarlyUploads(RegistryClient registry) {
    this.registry = registry;
  }

  /** Begins to send a layer. */
  synchronized void begin(Reference repository, GrowingBlob blob) {
    try {
      uploads.add(new Upload(registry, repository, blob, blob.open()));
    } catch (IOException e) {
      // As above.
      return;
    }
  }

  /**
   * Waits for what is under way to the repository.
   *
   * @return what came of the blob, if it was sent from here
   */
  Optional<PushResult> sent(Reference repository, Digest digest) throws InterruptedIOException {
    List<Upload> those;
    synchronized (this) {
      those =
          uploads.stream()
              .filter(upload -> upload.repository.name().equals(repository.name()))
              .toList();
    }
    for (Upload upload : those) {
      Optional<PushResult> result = upload.result(digest);
      if (result.isPresent()) {
        return result;
      }
    }
    return Optional.empty();
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
