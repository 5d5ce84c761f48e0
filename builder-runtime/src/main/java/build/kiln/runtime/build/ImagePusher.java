package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.PushResult;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.store.GrowingBlob;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Pushes built images: blobs side by side, then the manifest, the tags last. Large layers may be on
 * their way since they began to be written.
 */
public final class ImagePusher implements AutoCloseable {
  private final LocalStore store;
  private final RegistryClient registry;
  private final EarlyUploads early;
  private final EarlyLook look;

  public ImagePusher(LocalStore store, RegistryClient registry) {
    this.store = store;
    this.registry = registry;
    this.early = new EarlyUploads(registry);
    this.look = new EarlyLook(registry);
  }

  /** Begins to look up what the names point at that an image is to get. */
  void lookEarly(List<Reference> names) {
    look.begin(names);
  }

  /** Begins to send a layer that is being written. */
  void sendEarly(Reference repository, GrowingBlob layer) {
    early.begin(repository, layer);
  }

  /** Ends what is under way and was not waited for. */
  @Override
  public void close() {
    look.close();
    early.close();
  }

  /**
   * What a push came to.
   *
   * @param pushedBytes sent to the registry
   * @param mountedBytes taken by it from other repositories of its own
   */
  public record Pushed(Descriptor manifest, long pushedBytes, long mountedBytes) {}

  /**
   * Brings an image to a registry. Where the names point at it already, as they did when the build
   * began, it is there.
   *
   * @param names of one repository, each with a tag; at least one
   * @throws BuildException Unauthorized, PushDenied, RegistryUnavailable
   */
  public Pushed push(BuildResult result, List<Reference> names, BuildProgress progress)
      throws BuildException, InterruptedException {
    Reference repository = names.getFirst();
    BuildProgress.Activity pushing = progress.export("pushing " + repository.name());
    var pushed = new AtomicLong();
    var mounted = new AtomicLong();
    try {
      if (!look.isThere(names, result.descriptor().digest())) {
        Set<Descriptor> blobs = new LinkedHashSet<>(result.layers());
        blobs.add(result.manifest().config());
        Concurrently.all(
            blobs, blob -> pushBlob(result, repository, blob, pushing, pushed, mounted));
        pushManifest(result.descriptor(), names);
      }
      for (Reference name : names) {
        pushing.note(name + "@" + result.descriptor().digest());
      }
      pushing.done();
      return new Pushed(result.descriptor(), pushed.get(), mounted.get());
    } catch (IOException e) {
      if (Failures.isInterrupt(e)) {
        throw new InterruptedException("the push was ended");
      }
      pushing.failed(e.getMessage());
      throw damaged(Failures.pushing(repository.name(), e));
    }
  }

  private void pushManifest(Descriptor manifest, List<Reference> names) throws IOException {
    byte[] bytes = store.read(manifest);
    registry.pushManifest(
        names.getFirst().withDigest(manifest.digest()), bytes, manifest.mediaType());
    for (Reference name : names) {
      registry.pushManifest(name, bytes, manifest.mediaType());
    }
  }

  /** A registry that refuses a layer is right if the layer is damaged. */
  private BuildException damaged(BuildException failure) {
    List<Digest> removed = Failures.removeDamaged(failure, store);
    return removed.isEmpty()
        ? failure
        : new BuildException(
            FailureReason.Infrastructure,
            "the local store's blob %s was damaged and is removed: pull the image or build it again, then push"
                .formatted(removed.getFirst()),
            new DamagedBlob(failure));
  }

  private void pushBlob(
      BuildResult result,
      Reference repository,
      Descriptor blob,
      BuildProgress.Activity activity,
      AtomicLong pushed,
      AtomicLong mounted)
      throws IOException {
    @Nullable Reference origin = result.origins().get(blob.digest());
    List<Reference> mountFrom = origin == null ? List.of() : List.of(origin);
    Optional<PushResult> sent = early.sent(repository, blob.digest());
    PushResult done =
        sent.isPresent()
            ? sent.get()
            : registry.pushBlob(
                repository, blob, downloads(result).source(origin, blob, activity), mountFrom);
    switch (done.how()) {
      case UPLOADED -> pushed.addAndGet(done.bytesMoved());
      case MOUNTED -> mounted.addAndGet(blob.size());
      case EXISTED -> {}
    }
  }

  private Downloads downloads(BuildResult result) {
    return new Downloads(store, registry, result.fromCache()::contains);
  }

  /**
   * Brings the layers here that are only in their registries: archives need them.
   *
   * @return how many bytes were pulled
   */
  public long completeLocally(BuildResult result, BuildProgress progress)
      throws BuildException, InterruptedException {
    List<Descriptor> missing = new ArrayList<>();
    Downloads downloads = downloads(result);
    try {
      for (Descriptor layer : result.layers()) {
        if (!store.has(layer)) {
          missing.add(layer);
        }
      }
      if (missing.isEmpty()) {
        return 0;
      }
      BuildProgress.Activity pulling = progress.export("pulling layers of bases");
      Concurrently.all(
          missing,
          blob -> {
            Reference origin = result.origins().get(blob.digest());
            if (origin == null) {
              throw new IOException("layer " + blob.digest() + " is gone from the local store");
            }
            downloads.require(origin, blob, pulling);
          });
      pulling.done();
      return downloads.bytes();
    } catch (IOException e) {
      if (Failures.isInterrupt(e)) {
        throw new InterruptedException("the build was ended");
      }
      throw Failures.pulling("layers of bases", e);
    }
  }
}
